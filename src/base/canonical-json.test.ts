import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

it('writes the examples of RFC 8785', () => {
  // Sections 3.2.2 (numbers, texts, literals) and 3.2.3 (order of keys by UTF-16 code units).
  const first = {
    numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  };
  expect(canonicalJson(first)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const second = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  expect(Object.keys(JSON.parse(canonicalJson(second)))).toEqual([
    ...['1', '\r', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'],
  ]);
});

it('says the same for equal values, and reads back as the value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const json = canonicalJson(value);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(shuffled(value))).toBe(json);
    }),
  );
});

it('leaves out what is undefined', () => {
  expect(canonicalJson({ a: undefined, b: { c: undefined } })).toBe('{"b":{}}');
});

it.each<[unknown, string]>([
  [{ a: [{ b: Number.NaN }] }, 'a[0].b is NaN'],
  [{ a: { b: new Map() } }, 'a.b is a Map'],
  [[undefined], '[0] is a undefined'],
  [1n, 'the value is a bigint'],
])('refuses %o', (value, message) => {
  expect(() => canonicalJson(value)).toThrow(message);
});

it('refuses cycles, and takes an object that comes twice', () => {
  const twice = { x: 1 };
  expect(canonicalJson([twice, { twice }])).toBe('[{"x":1},{"twice":{"x":1}}]');
  const cycle: { self?: object } = {};
  cycle.self = { deep: cycle };
  expect(() => canonicalJson(cycle)).toThrow('self.deep is an object that contains itself');
});

/** The same value with the keys of its objects in reverse order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, shuffled(item)]),
  );
}
