/** Reading a safetensors file: header first and checked, tensors later, each straight into its target. */
import { type FileHandle, open } from 'node:fs/promises';
import { TenetError } from '../base/error.ts';
import { widenBfloat16, widenFloat16 } from './float-formats.ts';
import { checkHeaderLength, parseHeader, type TensorEntry } from './safetensors-header.ts';

/** Bytes read at a time where a conversion needs a buffer in between. Divisible by 8. */
const pieceBytes = 4 << 20;

/** A safetensors file that is open for reading; close it when done. */
export class SafetensorsFile {
  readonly path: string;
  /** Every tensor of the file by name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #file: FileHandle;
  /** Where the tensors' bytes begin in the file. */
  readonly #dataStart: number;

  private constructor(
    path: string,
    file: FileHandle,
    header: { tensors: ReadonlyMap<string, TensorEntry>; metadata: Readonly<Record<string, string>> },
    dataStart: number,
  ) {
    this.path = path;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
    this.#file = file;
    this.#dataStart = dataStart;
  }

  /**
   * Opens a file and checks its whole header; no tensor is read.
   * @throws TenetError('model') when the file is missing, truncated or its header breaks a rule.
   */
  static async open(path: string): Promise<SafetensorsFile> {
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (cause) {
      throw new TenetError('model', `Cannot open ${path}: ${(cause as Error).message}.`, { cause });
    }
    try {
      const { size } = await file.stat();
      if (size < 8) {
        throw new TenetError(
          'model',
          `${path} is not a sound safetensors file: it has ${size} bytes and needs at least 8. ` +
            'Download or export it again.',
        );
      }
      const lengthBytes = new Uint8Array(8);
      await readExactly(file, path, lengthBytes, 0);
      const length = checkHeaderLength(path, new DataView(lengthBytes.buffer).getBigUint64(0, true), size);
      const headerBytes = new Uint8Array(length);
      await readExactly(file, path, headerBytes, 8);
      const header = parseHeader(path, headerBytes, size - 8 - length);
      return new SafetensorsFile(path, file, header, 8 + length);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The entry of a tensor. @throws TenetError('model') when the file has none of that name. */
  entry(name: string): TensorEntry {
    const entry = this.tensors.get(name);
    if (!entry) throw new TenetError('model', `${this.path} holds no tensor "${name}".`);
    return entry;
  }

  /**
   * Reads a float tensor (F32, F16, BF16 or F64) into `target`, widened or rounded to float32.
   * float32 bytes go straight from the file into the target; other types pass through a 4 MiB buffer.
   * @param target [product of the tensor's shape]; may lie on shared memory.
   */
  async readInto(name: string, target: Float32Array): Promise<void> {
    const { dtype, shape, begin, end } = this.entry(name);
    const elements = shape.reduce((a, b) => a * b, 1);
    if (target.length !== elements) {
      throw new TenetError(
        'shape',
        `Tensor "${name}" has shape [${shape}], ${elements} elements; the target has ${target.length}.`,
      );
    }
    const start = this.#dataStart + begin;
    if (dtype === 'F32') {
      const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
      await readExactly(this.#file, this.path, bytes, start);
      return;
    }
    const widen = widenings[dtype];
    if (!widen) {
      throw new TenetError(
        'model',
        `${this.path}: tensor "${name}" is ${dtype}; weights must be F32, F16, BF16 or F64. ` +
          'Convert the model to one of these first.',
      );
    }
    const piece = new Uint8Array(Math.min(pieceBytes, end - begin));
    let done = 0;
    for (let at = begin; at < end; at += pieceBytes) {
      const bytes = piece.subarray(0, Math.min(pieceBytes, end - at));
      await readExactly(this.#file, this.path, bytes, this.#dataStart + at);
      done += widen(bytes, target.subarray(done));
    }
  }

  /** A tensor's bytes as they are in the file (little-endian), whatever its dtype. */
  async readBytes(name: string): Promise<Uint8Array> {
    const { begin, end } = this.entry(name);
    const bytes = new Uint8Array(end - begin);
    await readExactly(this.#file, this.path, bytes, this.#dataStart + begin);
    return bytes;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Each turns whole elements into float32 at the start of the target and returns how many there were. */
const widenings: Readonly<Record<string, (bytes: Uint8Array, target: Float32Array) => number>> = {
  F16: (bytes, target) => {
    const source = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    widenFloat16(source, target);
    return source.length;
  },
  BF16: (bytes, target) => {
    const source = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    widenBfloat16(source, target);
    return source.length;
  },
  F64: (bytes, target) => {
    const source = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    target.set(source);
    return source.length;
  },
};

/** Fills `target` from the file, or throws when the file ends first. */
async function readExactly(
  file: FileHandle,
  path: string,
  target: Uint8Array,
  position: number,
): Promise<void> {
  const mostAtOnce = 1 << 30; // one read call moves at most 2 GiB
  let done = 0;
  while (done < target.length) {
    const wanted = Math.min(mostAtOnce, target.length - done);
    const { bytesRead } = await file.read(target, done, wanted, position + done);
    if (bytesRead === 0) {
      throw new TenetError(
        'model',
        `${path} ended at byte ${position + done} while being read (truncated?).`,
      );
    }
    done += bytesRead;
  }
}
