/**
 * One row of two pictures, mixed: sixteen columns at a time in WebAssembly, and one at a time in JavaScript, with the same
 * result. Samples have 16 bits, five of them behind the point; shares have 15.
 */
import * as asm from "./assembler";

export const POINT = 5;
/** A share of 1. */
export const WHOLE = 32767;
/** Columns that the kernel takes at once. */
export const GROUP = 16;

/** Between two rows of samples: `part` says how much of the lower one, up to `WHOLE`. */
export interface RowPair {
  upper: Int16Array;
  lower: Int16Array;
  part: number;
}

/** Change columns from `column` up to `width` of the row that begins at `start` of `plane`: what is kept lies there. */
export function mixRow(
  behind: RowPair,
  share: RowPair,
  plane: Uint8Array,
  start: number,
  column: number,
  width: number,
): void {
  const { upper, lower, part } = behind;
  const { upper: shareUpper, lower: shareLower, part: sharePart } = share;
  for (let at = column; at < width; at++) {
    const far = between(upper[at] as number, lower[at] as number, part);
    const own = between(shareUpper[at] as number, shareLower[at] as number, sharePart);
    const kept = (plane[start + at] as number) << POINT;
    plane[start + at] = (between(far, kept, own) + (1 << (POINT - 1))) >> POINT;
  }
}

/** Rounded as the instruction does it (i16x8.q15mulr_sat_s). */
function between(a: number, b: number, part: number): number {
  return a + (((b - a) * part + 0x4000) >> 15);
}

export type Run = (
  upper: number,
  lower: number,
  part: number,
  shareUpper: number,
  shareLower: number,
  sharePart: number,
  from: number,
  to: number,
) => void;

const [UPPER, LOWER, PART, SHARE_UPPER, SHARE_LOWER, SHARE_PART, PLACE, END] = [0, 1, 2, 3, 4, 5, 6, 7];
const [PARTS, SHARE_PARTS, HALF, FAR, OWN, KEPT] = [8, 9, 10, 11, 12, 13];
const MIXED = [14, 15] as const;

/** Null where the browser lacks SIMD, or the page's policy forbids WebAssembly. */
export function mixKernel(memory: WebAssembly.Memory | null): Run | null {
  if (memory === null) return null;
  const code = asm.assemble({ parameters: 8, integers: 0, vectors: 8 }, body());
  if (!WebAssembly.validate(code)) return null;
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } }).exports.run as Run;
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof EvalError) return null;
    throw error;
  }
}

function body(): asm.Code {
  return [
    asm.set(PARTS, asm.splatOf(asm.get(PART))),
    asm.set(SHARE_PARTS, asm.splatOf(asm.get(SHARE_PART))),
    asm.set(HALF, asm.splat(1 << (POINT - 1))),
    asm.repeat(
      [
        eight(0),
        eight(1),
        asm.store(asm.get(PLACE), asm.toBytes(asm.get(MIXED[0]), asm.get(MIXED[1]))),
        [UPPER, LOWER, SHARE_UPPER, SHARE_LOWER].map((row) => asm.advance(row, 2 * GROUP)),
        asm.advance(PLACE, GROUP),
      ],
      asm.isBelow(asm.get(PLACE), asm.get(END)),
    ),
  ];
}

function eight(half: 0 | 1): asm.Code {
  const samples = (row: number) => asm.load(asm.plus(asm.get(row), asm.integer(GROUP * half)));
  const towards = (local: number, to: asm.Code, part: number) => {
    return asm.add(asm.get(local), asm.multiply(asm.subtract(to, asm.get(local)), asm.get(part)));
  };
  return [
    asm.set(FAR, samples(UPPER)),
    asm.set(FAR, towards(FAR, samples(LOWER), PARTS)),
    asm.set(OWN, samples(SHARE_UPPER)),
    asm.set(OWN, towards(OWN, samples(SHARE_LOWER), SHARE_PARTS)),
    asm.set(KEPT, asm.shiftLeft(asm.load8Bytes(asm.get(PLACE), 8 * half), POINT)),
    asm.set(MIXED[half], asm.shiftRight(asm.add(towards(FAR, asm.get(KEPT), OWN), asm.get(HALF)), POINT)),
  ];
}
