/** A run's metrics as TensorBoard event files: one folder for each stage, one scalar for each metric. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ProgressDisplay } from '../progress-display.ts';
import type { EventRecord } from '../records.ts';

/**
 * Writes `<folder>/<stage>/events.out.tfevents.<seconds>.<pid>.tenet`. The folder appears with the first event, and each
 * event is in the file when the call returns. A resumed stage writes a new file beside the old; TensorBoard joins them.
 */
export class TensorBoardSink implements ProgressDisplay {
  private readonly folder: string;
  private readonly files = new Map<string, string>();

  constructor(folder: string) {
    this.folder = folder;
  }

  event({ stage, step, time, metrics }: EventRecord): void {
    const values = Object.entries(metrics).flatMap(([name, value]) =>
      value === null || !Number.isFinite(value) ? [] : [field(1, [field(1, text(name)), float(2, value)])],
    );
    if (values.length === 0) return;
    appendFileSync(
      this.fileOf(stage, time),
      record([double(1, time / 1000), varint(2, step), field(5, values)]),
    );
  }

  stage(): void {}
  progress(): void {}
  sample(): void {}
  warn(): void {}
  close(): void {}

  private fileOf(stage: string, time: number): string {
    const known = this.files.get(stage);
    if (known) return known;
    const folder = join(this.folder, stage);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `events.out.tfevents.${Math.floor(time / 1000)}.${process.pid}.tenet`);
    appendFileSync(file, record([double(1, time / 1000), field(3, text('brain.Event:2'))]));
    this.files.set(stage, file);
    return file;
  }
}

// The messages of tensorflow/core/util/event.proto and framework/summary.proto, as far as scalars need them:
// Event { 1 wall_time: double, 2 step: int64, 3 file_version: string, 5 summary: Summary },
// Summary { 1 value: repeated Value }, Value { 1 tag: string, 2 simple_value: float }.

function text(value: string): Buffer[] {
  return [Buffer.from(value, 'utf8')];
}

/** A field that holds bytes, a text or a message. */
function field(number: number, parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varintBytes(content.length), content]);
}

function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (number << 3) | 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function float(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = (number << 3) | 5;
  bytes.writeFloatLE(value, 1);
  return bytes;
}

function varint(number: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([number << 3]), varintBytes(value)]);
}

function varintBytes(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** TFRecord: length, its checksum, the message, its checksum; all little-endian. */
function record(parts: readonly Buffer[]): Buffer {
  const message = Buffer.concat(parts);
  const framed = Buffer.alloc(message.length + 16);
  framed.writeBigUInt64LE(BigInt(message.length), 0);
  framed.writeUInt32LE(maskedChecksum(framed.subarray(0, 8)), 8);
  message.copy(framed, 12);
  framed.writeUInt32LE(maskedChecksum(message), 12 + message.length);
  return framed;
}

/** TensorFlow masks its checksums, so that a checksum of data that holds checksums stays strong. */
function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli), RFC 3720 appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
