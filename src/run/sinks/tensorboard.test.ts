/** TensorBoard event files, read back by the layout that TensorFlow documents. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { severalDisplays } from './several.ts';
import { crc32c, TensorBoardSink } from './tensorboard.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-tensorboard-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The messages of a file of TFRecords; every checksum is looked at. */
function messagesOf(bytes: Buffer): Buffer[] {
  const unmask = (masked: number) => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const message = bytes.subarray(at + 12, at + 12 + length);
    expect(unmask(bytes.readUInt32LE(at + 8))).toBe(crc32c(bytes.subarray(at, at + 8)));
    expect(unmask(bytes.readUInt32LE(at + 12 + length))).toBe(crc32c(message));
    messages.push(message);
    at += length + 16;
  }
  return messages;
}

it('has the checksum of RFC 3720', () => {
  // Appendix B.4: 32 bytes of zeros give aa 36 91 8a, of ones 43 ab a8 62; the usual check value of nine digits.
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

it('writes each metric of each stage as a scalar', async () => {
  const sink = severalDisplays([new TensorBoardSink(folder)]);
  sink.event({
    stage: 'sft',
    step: 300,
    time: 1_700_000_000_500,
    metrics: { loss: 0.5, 'eval/é': -2, bad: null },
  });
  sink.event({ stage: 'sft', step: 301, time: 1_700_000_001_000, metrics: { bad: null } });
  sink.event({ stage: 'ppo', step: 1, time: 1_700_000_002_000, metrics: { kl: 1 } });
  sink.close();
  expect((await readdir(folder)).sort()).toEqual(['ppo', 'sft']);
  const [name, ...more] = await readdir(join(folder, 'sft'));
  expect(more).toEqual([]);
  expect(name).toMatch(/^events\.out\.tfevents\.1700000000\./);
  const [version, event, ...rest] = messagesOf(await readFile(join(folder, 'sft', name)));
  expect(rest).toEqual([]);
  const time = Buffer.alloc(8);
  time.writeDoubleLE(1_700_000_000.5);
  // By hand: field 1 as double; field 3, 13 bytes.
  expect(version).toEqual(
    Buffer.concat([Buffer.from([0x09]), time, Buffer.from([0x1a, 13]), Buffer.from('brain.Event:2')]),
  );
  const half = [0x00, 0x00, 0x00, 0x3f]; // 0.5 as float32
  const minusTwo = [0x00, 0x00, 0x00, 0xc0];
  // 300 as varint is ac 02; the summary holds 2 values of 11 and 14 bytes with 2 bytes of head each.
  expect(event).toEqual(
    Buffer.concat([
      Buffer.from([0x09]),
      time,
      Buffer.from([0x10, 0xac, 0x02, 0x2a, 29]),
      Buffer.from([0x0a, 11, 0x0a, 4]),
      Buffer.from('loss'),
      Buffer.from([0x15, ...half]),
      Buffer.from([0x0a, 14, 0x0a, 7]),
      Buffer.from('eval/é'),
      Buffer.from([0x15, ...minusTwo]),
    ]),
  );
});
