import { describe, expect, it } from 'vitest';
import { assemble, defineFunction, f32x4, f64x2, i32, repeatWhile, v128 } from './assemble.ts';
import { webAssembly } from './web-assembly.ts';

function instantiate(functions: Parameters<typeof assemble>[0]): {
  floats: Float32Array;
  doubles: Float64Array;
  call: Record<string, (...args: number[]) => void>;
} {
  const memory = new webAssembly.Memory({ initial: 1, maximum: 1 });
  const module = new webAssembly.Module(assemble(functions));
  const instance = new webAssembly.Instance(module, { env: { memory } });
  return {
    floats: new Float32Array(memory.buffer),
    doubles: new Float64Array(memory.buffer),
    call: instance.exports as Record<string, (...args: number[]) => void>,
  };
}

describe('assemble', () => {
  it('writes the bytes of the specification', () => {
    // Hand-assembled: one type () → (), one memory import env.memory (at least 1 page), one function, its export "f".
    expect([...assemble([defineFunction('f', {}, {}, () => [])])]).toEqual([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
      ...[
        0x02, 0x0f, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x01,
      ],
      ...[0x03, 0x02, 0x01, 0x00],
      ...[0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00],
      ...[0x0a, 0x04, 0x01, 0x02, 0x00, 0x0b],
    ]);
  });

  it('computes with float32 vectors', () => {
    const operations = { add: f32x4.add, sub: f32x4.sub, mul: f32x4.mul, div: f32x4.div };
    const functions = Object.entries(operations).map(([name, operation]) =>
      defineFunction(name, { a: 'i32', b: 'i32', to: 'i32' }, {}, (x) =>
        v128.store(x.to.get, operation(v128.load(x.a.get), v128.load(x.b.get))),
      ),
    );
    const root = defineFunction('sqrt', { a: 'i32', to: 'i32' }, {}, (x) =>
      v128.store(x.to.get, f32x4.sqrt(v128.load(x.a.get))),
    );
    const { floats, call } = instantiate([...functions, root]);
    floats.set([1, 4, 9, 16, 2, 8, 3, -4]);
    const results: Record<string, number[]> = {
      add: [3, 12, 12, 12],
      sub: [-1, -4, 6, 20],
      mul: [2, 32, 27, -64],
      div: [0.5, 0.5, 3, -4],
    };
    for (const [name, expected] of Object.entries(results)) {
      call[name](0, 16, 32);
      expect([...floats.subarray(8, 12)]).toEqual(expected);
    }
    call.sqrt(0, 32);
    expect([...floats.subarray(8, 12)]).toEqual([1, 2, 3, 4]);
  });

  it('widens, loops and encodes constants of every length', () => {
    const constants = [0, 63, 64, -64, -65, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)];
    const write = constants.map((value, i) =>
      defineFunction(`write${i}`, { to: 'i32', scale: 'f32' }, {}, (x) => [
        // Stores the integer's bits by counting an address up to it: only `add` is needed to see it.
        v128.store(i32.add(i32.const(value), i32.const(-value | 0)), f32x4.splat(x.scale.get)),
        x.to.set(i32.const(0)),
      ]),
    );
    const widen = defineFunction('widen', { from: 'i32', end: 'i32', to: 'i32' }, { sum: 'v128' }, (x) => [
      repeatWhile(
        [
          x.sum.set(f64x2.add(x.sum.get, f64x2.promoteLow(v128.loadLowHalf(x.from.get)))),
          x.from.set(i32.add(x.from.get, i32.const(8))),
        ],
        i32.lessThan(x.from.get, x.end.get),
      ),
      v128.store(x.to.get, f64x2.mul(x.sum.get, x.sum.get)),
    ]);
    const { floats, doubles, call } = instantiate([...write, widen]);
    for (const [i] of constants.entries()) {
      call[`write${i}`](0, i + 1);
      expect([...floats.subarray(0, 4)]).toEqual([i + 1, i + 1, i + 1, i + 1]);
    }
    floats.set([1, 2, 3, 4, 5, 6]);
    call.widen(0, 24, 64);
    expect([...doubles.subarray(8, 10)]).toEqual([(1 + 3 + 5) ** 2, (2 + 4 + 6) ** 2]);
  });
});
