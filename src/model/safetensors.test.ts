import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TenetError } from '../base/error.ts';
import { sharedData } from '../base/testing.ts';
import type { FloatDtype } from './float-formats.ts';
import { SafetensorsFile } from './safetensors-file.ts';
import { checkHeaderLength, parseHeader } from './safetensors-header.ts';
import { writeSafetensors } from './safetensors-write.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file of the given header text and number of zero data bytes. */
async function fileOf(
  header: string,
  dataBytes: number,
  claimed = Buffer.byteLength(header),
): Promise<string> {
  const bytes = Buffer.alloc(8 + Buffer.byteLength(header) + dataBytes);
  bytes.writeBigUInt64LE(BigInt(claimed));
  bytes.write(header, 8);
  const path = join(folder, 'damaged.safetensors');
  await writeFile(path, bytes);
  return path;
}

async function refusal(header: string, dataBytes: number, claimed?: number): Promise<string> {
  const path = await fileOf(header, dataBytes, claimed);
  const error = await SafetensorsFile.open(path).then(
    async (file) => file.close(),
    (reason: unknown) => reason,
  );
  expect(TenetError.is(error)).toBe(true);
  expect((error as TenetError).code).toBe('model');
  expect((error as TenetError).message).toContain(path);
  return (error as TenetError).message;
}

const entry = (shape: unknown, begin: unknown, end: unknown, dtype: unknown = 'F32'): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

describe('a header that breaks a rule is refused', () => {
  const one = `{"w":${entry([2], 0, 8)}}`;
  it.each<[string, string, number, RegExp]>([
    ['not JSON', '{"w":', 8, /not valid JSON/],
    ['not an object', '[1, 2]  ', 8, /does not start with "\{"/],
    ['starts with a space', ` ${one}`, 8, /does not start with "\{"/],
    ['duplicate tensor', `{"w":${entry([1], 0, 4)},"w":${entry([1], 4, 8)}}`, 8, /"w" occurs twice/],
    ['duplicate, spelt differently', `{"w":${entry([1], 0, 4)},"\\u0077":${entry([1], 4, 8)}}`, 8, /twice/],
    [
      'duplicate field',
      '{"w":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}}',
      8,
      /"dtype" twice/,
    ],
    ['unknown dtype', `{"w":${entry([2], 0, 8, 'F33')}}`, 8, /"w": unknown dtype "F33"; known are .*BF16/],
    ['dtype from Object.prototype', `{"w":${entry([2], 0, 8, 'toString')}}`, 8, /unknown dtype/],
    ['missing dtype', '{"w":{"shape":[2],"data_offsets":[0,8]}}', 8, /unknown dtype \(missing\)/],
    ['shape does not fit range', `{"w":${entry([3], 0, 8)}}`, 8, /\[3\] of F32 takes 12 bytes.*hold 8/],
    ['negative dimension', `{"w":${entry([-2], 0, 8)}}`, 8, /shape \[-2\] is not a list of whole numbers/],
    ['fractional dimension', `{"w":${entry([0.5, 4], 0, 8)}}`, 8, /not a list of whole numbers/],
    ['fractional offset', `{"w":${entry([2], 0.5, 8.5)}}`, 9, /not two whole numbers/],
    ['negative offset', `{"w":${entry([2], -8, 0)}}`, 8, /not two whole numbers/],
    ['huge offset', `{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,1e300]}}`, 8, /not two whole numbers/],
    ['product overflows', `{"w":${entry([2 ** 40, 2 ** 40], 0, 8)}}`, 8, /takes .* bytes/],
    ['product overflows to zero in 64 bits', `{"w":${entry([2 ** 32, 2 ** 32], 0, 0)}}`, 0, /takes/],
    ['out of file', `{"w":${entry([4], 0, 16)}}`, 8, /reach past the 8 bytes/],
    ['ends before it begins', `{"w":${entry([2], 8, 0)}}`, 8, /end before they begin/],
    [
      'overlap',
      `{"a":${entry([2], 0, 8)},"b":${entry([2], 4, 12)}}`,
      12,
      /"b": starts at byte 4, inside tensor "a"/,
    ],
    ['hole', `{"a":${entry([1], 0, 4)},"b":${entry([1], 8, 12)}}`, 12, /"b".*hole after tensor "a"/],
    ['bytes left over', one, 12, /cover 8 bytes, but 12 follow/],
    [
      'metadata is not text',
      `{"__metadata__":{"a":1},"w":${entry([2], 0, 8)}}`,
      8,
      /must map strings to strings/,
    ],
    ['deep nesting', `{"w":${'['.repeat(5000)}${']'.repeat(5000)}}`, 8, /nested deeper/],
    ['endless shape', `{"w":${entry(new Array(100).fill(1), 0, 4)}}`, 4, /more than 64 numbers/],
    ['entry is a list', '{"w":[]}', 8, /not an object/],
  ])('%s', async (_, header, dataBytes, message) => {
    expect(await refusal(header, dataBytes)).toMatch(message);
  });

  it('reports all damaged tensors at once', async () => {
    const message = await refusal(`{"a":${entry([3], 0, 8)},"b":${entry([2], 0, 8, 'F5')}}`, 8);
    expect(message).toMatch(/"a".*\n.*"b"/);
  });

  it.each([
    [2n ** 63n, /at most 100000000/],
    [100_000_001n, /at most 100000000/],
    [1000n, /claims 1000 bytes, but only 20 follow/],
    [1n, /shortest header/],
  ])('header length %s', (length, message) => {
    expect(() => checkHeaderLength('x.safetensors', length, 28)).toThrow(message);
  });

  it('a file shorter than its own length field, and a missing file', async () => {
    const path = join(folder, 'short.safetensors');
    await writeFile(path, 'abc');
    await expect(SafetensorsFile.open(path)).rejects.toThrow(/has 3 bytes and needs at least 8/);
    await expect(SafetensorsFile.open(join(folder, 'none'))).rejects.toThrow(/Cannot open/);
  });

  it('invalid UTF-8', () => {
    expect(() => parseHeader('x', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 0)).toThrow(/UTF-8/);
  });
});

it('accepts scalars, empty tensors, trailing spaces and tensors in any order', async () => {
  const header = `{"b":${entry([], 4, 8)},"a":${entry([1, 1], 0, 4)},"none":${entry([0, 2 ** 40, 2 ** 40], 4, 4)}}   `;
  const file = await SafetensorsFile.open(await fileOf(header, 8));
  expect([...file.tensors.keys()]).toEqual(['a', 'none', 'b']);
  await file.close();
});

it('survives mutated headers: a TenetError or a sound header, nothing else', () => {
  const sound = new TextEncoder().encode(
    `{"__metadata__":{"format":"pt"},"a":${entry([2, 3], 0, 24)},"b":${entry([4], 24, 32, 'BF16')}}`,
  );
  const mutation = fc.record({
    at: fc.nat(sound.length - 1),
    kind: fc.constantFrom('set', 'delete', 'insert', 'repeat'),
    byte: fc.oneof(fc.nat(255), fc.constantFrom(...new TextEncoder().encode('{}[]",:0123456789-.eE\\u'))),
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 6 }), (mutations) => {
      const bytes = [...sound];
      for (const { at, kind, byte } of mutations) {
        if (kind === 'set') bytes[at] = byte;
        else if (kind === 'delete') bytes.splice(at, 1);
        else if (kind === 'insert') bytes.splice(at, 0, byte);
        else bytes.splice(at, 0, ...bytes.slice(at, at + 40));
      }
      try {
        const { tensors } = parseHeader('fuzzed', Uint8Array.from(bytes), 32);
        const covered = [...tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
        expect(covered).toBe(32);
      } catch (error) {
        if (!TenetError.is(error)) throw error;
      }
    }),
    { numRuns: 5000 },
  );
});

describe('round trips', () => {
  const tensorsOf = fc.uniqueArray(
    fc.record({
      name: fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
        .filter((name) => name !== '__metadata__'),
      shape: fc.array(fc.nat(5), { maxLength: 3 }),
    }),
    { selector: ({ name }) => name, maxLength: 6 },
  );

  it('float32 comes back bit for bit, from shared memory too', async () => {
    const path = join(folder, 'round.safetensors');
    await fc.assert(
      fc.asyncProperty(tensorsOf, fc.nat(), async (described, seed) => {
        let state = seed;
        const tensors = described.map(({ name, shape }) => {
          const size = shape.reduce((a, b) => a * b, 1);
          const data = new Float32Array(size);
          const bits = new Uint32Array(data.buffer);
          for (let i = 0; i < size; i++) bits[i] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          return { name, shape, data };
        });
        await writeSafetensors(path, tensors);
        const raw = await readFile(path);
        expect(Number(raw.readBigUInt64LE()) % 8).toBe(0);
        const file = await SafetensorsFile.open(path);
        expect([...file.tensors.keys()].sort()).toEqual(described.map(({ name }) => name).sort());
        expect(file.metadata).toEqual({ format: 'pt' });
        for (const { name, shape, data } of tensors) {
          expect(file.entry(name).shape).toEqual(shape);
          const target = new Float32Array(data.length);
          await file.readInto(name, target);
          expect(new Uint32Array(target.buffer)).toEqual(new Uint32Array(data.buffer));
        }
        await file.close();
      }),
      { numRuns: 40 },
    );
  });

  it.each<FloatDtype>(['float16', 'bfloat16'])(
    '%s keeps values it can represent, over several pieces',
    async (dtype) => {
      const path = join(folder, `${dtype}.safetensors`);
      const data = Float32Array.from({ length: 2_500_000 }, (_, i) => ((i % 255) - 127) / 8);
      await writeSafetensors(path, [{ name: 'w', shape: [data.length], data }], { dtype });
      const file = await SafetensorsFile.open(path);
      expect(file.entry('w').dtype).toBe(dtype === 'float16' ? 'F16' : 'BF16');
      const target = new Float32Array(data.length);
      await file.readInto('w', target);
      expect(Buffer.compare(Buffer.from(target.buffer), Buffer.from(data.buffer))).toBe(0);
      await file.close();
    },
  );

  it('the bytes do not depend on the order given', async () => {
    const [a, b] = [join(folder, 'a.safetensors'), join(folder, 'b.safetensors')];
    const x = { name: 'x', shape: [2], data: Float32Array.of(1, 2) };
    const y = { name: 'y', shape: [1], data: Float32Array.of(3) };
    await writeSafetensors(a, [x, y]);
    await writeSafetensors(b, [y, x]);
    expect((await readFile(a)).equals(await readFile(b))).toBe(true);
  });
});

it('reads float64 and raw integers, and says what it cannot read as weights', async () => {
  const header = `{"d":${entry([2], 0, 16, 'F64')},"i":${entry([1], 16, 24, 'I64')}}`;
  const path = await fileOf(header, 24);
  const bytes = await readFile(path);
  bytes.writeDoubleLE(1.5, bytes.length - 24);
  bytes.writeBigInt64LE(7n, bytes.length - 8);
  await writeFile(path, bytes);
  const file = await SafetensorsFile.open(path);
  const target = new Float32Array(2);
  await file.readInto('d', target);
  expect([...target]).toEqual([1.5, 0]);
  expect(Buffer.from(await file.readBytes('i')).readBigInt64LE()).toBe(7n);
  await expect(file.readInto('i', new Float32Array(1))).rejects.toThrow(/"i" is I64; weights must be F32/);
  await expect(file.readInto('d', new Float32Array(3))).rejects.toThrow(/2 elements; the target has 3/);
  await expect(file.readInto('e', target)).rejects.toThrow(/holds no tensor "e"/);
  await file.close();
});

it('refuses to write what the file could not hold', async () => {
  const path = join(folder, 'never.safetensors');
  const w = { name: 'w', shape: [2], data: Float32Array.of(1, 70000) };
  await expect(writeSafetensors(path, [w], { dtype: 'float16' })).rejects.toThrow(
    /"w" holds 70000 at element 1, too large for float16. Save as bfloat16 or float32/,
  );
  await expect(writeSafetensors(path, [w, w])).rejects.toThrow(/twice/);
  await expect(writeSafetensors(path, [{ ...w, shape: [3] }])).rejects.toThrow(/3 elements, but 2 values/);
  await expect(readFile(path)).rejects.toThrow(/ENOENT/);
});

it('notices a file that is cut short after it was opened', async () => {
  const path = join(folder, 'cut.safetensors');
  await writeSafetensors(path, [{ name: 'w', shape: [100], data: new Float32Array(100) }]);
  const file = await SafetensorsFile.open(path);
  await truncate(path, 200);
  await expect(file.readInto('w', new Float32Array(100))).rejects.toThrow(/ended at byte 200/);
  await file.close();
});

const reference = sharedData('models/reference/qwen3/model.safetensors');
it.skipIf(reference === null)('reads a file written by the reference implementation', async () => {
  const file = await SafetensorsFile.open(reference as string);
  expect(file.entry('model.layers.0.self_attn.o_proj.weight')).toMatchObject({
    dtype: 'F32',
    shape: [48, 64],
  });
  await file.close();
});
