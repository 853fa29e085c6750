/**
 * A small assembler for WebAssembly with 128-bit vectors: enough for loops over arrays in one memory.
 *
 * Code is written as nested expressions, `f32x4.add(a, b)`, which flatten to the stack machine's order.
 * Numbers are those of the WebAssembly 2.0 specification, section 5.4.
 */

/** Bytes of an instruction sequence, nested as it was composed. */
export type Code = readonly (number | Code)[];

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

const valueTypeBytes: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** A parameter or a local variable. */
export interface Variable {
  readonly get: Code;
  /** Stores and leaves nothing on the stack. */
  set(value: Code): Code;
}

export interface FunctionDefinition {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/**
 * Defines an exported function without results.
 * @param parameters types by name, in the order of the arguments
 * @param locals types of further variables by name
 */
export function defineFunction<Name extends string>(
  name: string,
  parameters: Readonly<Partial<Record<Name, ValueType>>>,
  locals: Readonly<Partial<Record<Name, ValueType>>>,
  body: (variables: Readonly<Record<Name, Variable>>) => Code,
): FunctionDefinition {
  const names = [...Object.keys(parameters), ...Object.keys(locals)] as Name[];
  const variables = Object.fromEntries(
    names.map((variable, i): [string, Variable] => [
      variable,
      { get: [0x20, unsigned(i)], set: (value) => [value, 0x21, unsigned(i)] },
    ]),
  ) as Record<Name, Variable>;
  return {
    name,
    parameters: Object.values<ValueType>(parameters as Record<string, ValueType>),
    locals: Object.values<ValueType>(locals as Record<string, ValueType>),
    body: body(variables),
  };
}

/** The module's bytes: the functions, exported by name, over a memory imported as `env.memory`. */
export function assemble(functions: readonly FunctionDefinition[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    0x60,
    vector(parameters.map((type) => [valueTypeBytes[type]])),
    vector([]),
  ]);
  const memoryImport = [text('env'), text('memory'), 0x02, 0x00, unsigned(1)];
  const exported = functions.map(({ name }, i) => [text(name), 0x00, unsigned(i)]);
  const bodies = functions.map(({ locals, body }) => {
    const declared = vector(locals.map((type) => [unsigned(1), valueTypeBytes[type]]));
    return sized([declared, body, 0x0b]);
  });
  const section = (id: number, content: Code): Code => [id, sized(content)];
  return Uint8Array.from(
    flatten([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, vector(types)),
      section(2, vector([memoryImport])),
      section(3, vector(functions.map((_, i) => unsigned(i)))),
      section(7, vector(exported)),
      section(10, vector(bodies)),
    ]),
  );
}

/** Repeats the body while `condition` (an i32) is not zero; runs it at least once. */
export function repeatWhile(body: Code, condition: Code): Code {
  return [0x03, 0x40, body, condition, 0x0d, 0x00, 0x0b];
}

const binary =
  (...opcode: number[]) =>
  (a: Code, b: Code): Code => [a, b, opcode];
const unary =
  (...opcode: number[]) =>
  (a: Code): Code => [a, opcode];
/** Vector instructions have a prefix and a LEB128 number. */
const simd = (code: number): number[] => [0xfd, ...unsigned(code)];
/** Address, alignment hint (log2 of bytes) and constant offset in bytes. */
const access =
  (opcode: readonly number[], alignment: number) =>
  (address: Code, offset = 0): Code => [address, opcode, alignment, unsigned(offset)];

export const i32: {
  const: (value: number) => Code;
  add: (a: Code, b: Code) => Code;
  lessThan: (a: Code, b: Code) => Code;
} = {
  const: (value) => [0x41, signed(value)],
  add: binary(0x6a),
  lessThan: binary(0x49),
};

export const v128: {
  /** 16 bytes. */
  load: (address: Code, offset?: number) => Code;
  /** 8 bytes into the lower half, zeros into the upper. */
  loadLowHalf: (address: Code, offset?: number) => Code;
  store: (address: Code, value: Code, offset?: number) => Code;
} = {
  load: access(simd(0x00), 4),
  loadLowHalf: access(simd(0x5d), 3),
  store: (address, value, offset = 0) => [address, value, simd(0x0b), 4, unsigned(offset)],
};

export const f32x4: {
  splat: (value: Code) => Code;
  sqrt: (a: Code) => Code;
  add: (a: Code, b: Code) => Code;
  sub: (a: Code, b: Code) => Code;
  mul: (a: Code, b: Code) => Code;
  div: (a: Code, b: Code) => Code;
} = {
  splat: unary(...simd(0x13)),
  sqrt: unary(...simd(0xe3)),
  add: binary(...simd(0xe4)),
  sub: binary(...simd(0xe5)),
  mul: binary(...simd(0xe6)),
  div: binary(...simd(0xe7)),
};

export const f64x2: {
  /** The lower two float32 lanes as float64. */
  promoteLow: (a: Code) => Code;
  add: (a: Code, b: Code) => Code;
  mul: (a: Code, b: Code) => Code;
} = {
  promoteLow: unary(...simd(0x5f)),
  add: binary(...simd(0xf0)),
  mul: binary(...simd(0xf2)),
};

function flatten(code: Code): number[] {
  return (code as unknown[]).flat(Number.POSITIVE_INFINITY) as number[];
}

function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function sized(content: Code): Code {
  const bytes = flatten(content);
  return [unsigned(bytes.length), bytes];
}

function text(value: string): Code {
  const bytes = [...new TextEncoder().encode(value)];
  return [unsigned(bytes.length), bytes];
}

/** LEB128 of a natural number. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
}

/** LEB128 of a 32-bit integer in two's complement. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && !(low & 0x40)) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}
