/**
 * WebAssembly written by hand: an expression is its bytes in the order in which a stack machine wants them. Only what
 * the kernels of the effects use, one function to a module, over one imported memory (WebAssembly Core 2.0, section 5).
 */

export type Code = readonly (number | Code)[];

/** Parameters of the function, then its locals: i32 first, v128 after them. */
export interface Shape {
  readonly parameters: number;
  readonly integers: number;
  readonly vectors: number;
}

/** A module that exports `run` and imports `env.memory`. */
export function assemble(shape: Shape, code: Code): Uint8Array<ArrayBuffer> {
  const locals = list([
    [...unsigned(shape.integers), I32],
    [...unsigned(shape.vectors), V128],
  ]);
  const body = [...locals, ...flat(code), END];
  const parameters = list(Array.from({ length: shape.parameters }, () => [I32]));
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, list([[0x60, ...parameters, 0]])),
    ...section(2, list([[...name("env"), ...name("memory"), 0x02, 0, 1]])),
    ...section(3, list([[0]])),
    ...section(7, list([[...name("run"), 0x00, 0]])),
    ...section(10, list([[...unsigned(body.length), ...body]])),
  ]);
}

const [I32, V128, END] = [0x7f, 0x7b, 0x0b];

// --- integers and control, by their names in the standard

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];
export const integer = (value: number): Code => [0x41, signed(value)];
export const plus = (a: Code, b: Code): Code => [a, b, 0x6a];
export const advance = (local: number, step: number): Code => set(local, plus(get(local), integer(step)));
export const isBelow = (a: Code, b: Code): Code => [a, b, 0x49];
/** Once, and again as long as the condition holds. */
export const repeat = (body: Code, condition: Code): Code => [0x03, 0x40, body, condition, 0x0d, 0, END];
export const either = (condition: Code, then: Code, otherwise: Code): Code => {
  return [condition, 0x04, 0x40, then, 0x05, otherwise, END];
};

// --- vectors; eight lanes of 16 bits unless another size is said

const vector = (operation: number): Code => [0xfd, unsigned(operation)];
const unary =
  (operation: number) =>
  (a: Code): Code => [a, vector(operation)];
const binary =
  (operation: number) =>
  (a: Code, b: Code): Code => [a, b, vector(operation)];
const shift =
  (operation: number) =>
  (a: Code, bits: number): Code => [a, integer(bits), vector(operation)];
/** No promise of alignment; the offset in bytes. */
const access = (operation: number, offset: number): Code => [vector(operation), 0, unsigned(offset)];

export const load = (at: Code): Code => [at, access(0x00, 0)];
export const load8Bytes = (at: Code, offset = 0): Code => [at, access(0x02, offset)];
export const store = (at: Code, value: Code): Code => [at, value, access(0x0b, 0)];
/** The lower eight bytes. */
export const storeHalf = (at: Code, value: Code): Code => [at, value, access(0x5b, 0), 0];
export const splat = (value: number): Code => {
  return [vector(0x0c), Array.from({ length: 8 }, () => [value & 255, (value >> 8) & 255])];
};
/** Of an integer that is known when it runs only. */
export const splatOf = unary(0x10);
/** Bytes of `a` (0 to 15) and `b` (16 to 31), picked. */
export const pick = (a: Code, b: Code, bytes: readonly number[]): Code => [a, b, vector(0x0d), bytes];

export const add = binary(0x8e);
export const addSaturating = binary(0x8f);
export const subtract = binary(0x91);
export const subtractSaturating = binary(0x92);
/** The rounded product of two numbers of 15 binary places. */
export const multiply = binary(0x82);
/** The same in one instruction instead of three (Relaxed SIMD); they differ where both numbers are -1 only. */
export const multiplyRelaxed = binary(0x111);
export const least = binary(0x96);
export const most = binary(0x98);
export const shiftLeft = shift(0x8b);
export const shiftRight = shift(0x8c);
/** Sixteen bytes, limited to 0 to 255. */
export const toBytes = binary(0x66);
/** Sums of neighbours, of bytes. */
export const pairsOfBytes = unary(0x7d);
/** Sums of neighbours, in 32 bits; `narrow` makes sixteen of two of them. */
export const pairs = unary(0x7e);
export const narrow = binary(0x85);
/** Bytes, not below 0. */
export const subtractBytes = binary(0x73);
export const or = binary(0x50);
export const isAny = unary(0x53);

// --- encoding

function flat(code: Code): number[] {
  return code.flatMap((part) => (typeof part === "number" ? [part] : flat(part)));
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const [low, rest] = [value & 127, value >> 7];
  const isLast = rest === (low & 64 ? -1 : 0);
  return isLast ? [low] : [low | 128, ...signed(rest)];
}

function name(text: string): number[] {
  return [...unsigned(text.length), ...Array.from(text, (letter) => letter.charCodeAt(0))];
}

function list(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}
