/** Writing a safetensors file, tensor by tensor, without a second copy of the weights in memory. */
import type { FileHandle } from 'node:fs/promises';
import { TenetError } from '../base/error.ts';
import { writeFileAtomic } from '../base/files.ts';
import { bytesPerElement, type FloatDtype, narrowToBfloat16, narrowToFloat16 } from './float-formats.ts';

/** A tensor to be written. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** [product of shape], row-major; may lie on shared memory. */
  readonly data: Float32Array;
}

const fileDtypes: Readonly<Record<FloatDtype, string>> = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' };

/** Elements converted at a time. */
const pieceElements = 1 << 20;

/**
 * Writes tensors to a file that appears whole or not at all. Tensors are ordered by name, so the same
 * weights always give the same bytes; the header is padded with spaces to a multiple of 8 bytes.
 * @param options.dtype how to store them; float16 and bfloat16 round to nearest even. Default float32.
 * @param options.metadata strings for `__metadata__`. Default `{format: 'pt'}`, which transformers expects.
 * @throws TenetError('model') for a repeated name, a shape that does not fit its data, or a finite value
 * that float16 or bfloat16 cannot hold.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  options: { dtype?: FloatDtype; metadata?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const dtype = options.dtype ?? 'float32';
  const ordered = tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const header = encodeHeader(ordered, dtype, options.metadata ?? { format: 'pt' });
  await writeFileAtomic(path, async (file) => {
    await writeAll(file, header);
    for (const tensor of ordered) await writeTensor(file, tensor, dtype);
  });
}

function encodeHeader(
  tensors: readonly NamedTensor[],
  dtype: FloatDtype,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = [['__metadata__', metadata]];
  const names = new Set(['__metadata__']);
  let begin = 0;
  for (const { name, shape, data } of tensors) {
    if (names.has(name)) throw new TenetError('model', `Tensor name "${name}" cannot be written twice.`);
    names.add(name);
    const elements = shape.reduce((a, b) => a * b, 1);
    if (elements !== data.length) {
      throw new TenetError(
        'model',
        `Tensor "${name}" has shape [${shape}], ${elements} elements, but ${data.length} values.`,
      );
    }
    const end = begin + elements * bytesPerElement[dtype];
    entries.push([name, { dtype: fileDtypes[dtype], shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, 8);
  return header;
}

async function writeTensor(file: FileHandle, tensor: NamedTensor, dtype: FloatDtype): Promise<void> {
  const { name, data } = tensor;
  if (dtype === 'float32') {
    await writeAll(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return;
  }
  const narrow = dtype === 'float16' ? narrowToFloat16 : narrowToBfloat16;
  const piece = new Uint16Array(Math.min(pieceElements, data.length));
  for (let at = 0; at < data.length; at += pieceElements) {
    const values = data.subarray(at, at + pieceElements);
    const overflow = narrow(values, piece);
    if (overflow >= 0) {
      throw new TenetError(
        'model',
        `Tensor "${name}" holds ${values[overflow]} at element ${at + overflow}, too large for ${dtype}. ` +
          `Save as ${dtype === 'float16' ? 'bfloat16 or float32' : 'float32'}.`,
      );
    }
    await writeAll(file, new Uint8Array(piece.buffer, 0, values.length * 2));
  }
}

/** Appends all bytes; one write call moves at most 2 GiB. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  const mostAtOnce = 1 << 30;
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(mostAtOnce, bytes.length - done));
    done += bytesWritten;
  }
}
