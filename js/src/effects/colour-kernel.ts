/**
 * A colour effect as WebAssembly with SIMD: 32 pixels of two rows at a time. In Y, U and V an effect is an affine map,
 * as long as no channel of a pixel gets out of bounds; where one could, the pixels are changed in RGB.
 *
 * Numbers have 16 bits, five of them behind the point: 255 is 8160, and the sum of four is within bounds.
 */
import * as asm from "./assembler";
import { affineOf, type Channel, type ColourMap, channelsOf, samplesOf } from "./colour-map";
import type { ColourSpace } from "./picture";

const POINT = 5;
const ONE = 1 << POINT;
/** Samples are multiplied as large as they can be; so much larger than `ONE` they are then. */
const [Y_SHIFT, C_SHIFT] = [7, 8];

/** Parameters: where the planes are. Rows of luma have `stride` bytes, a multiple of 16, those of chroma half of it. */
const [Y, U, V, STRIDE, ROW_PAIRS] = [0, 1, 2, 3, 4];
const [BELOW, END] = [5, 6];
const PARAMETERS = 5;
const FIRST_VECTOR = 7;

/**
 * The function `run(y, u, v, stride, rowPairs)`, which changes the planes in place; the fastest that this browser can
 * run, or null.
 */
export function colourKernel(map: ColourMap, colour: ColourSpace): Uint8Array<ArrayBuffer> | null {
  if (typeof WebAssembly === "undefined") return null;
  return colourKernels(map, colour).find((code) => WebAssembly.validate(code)) ?? null;
}

/** All forms, the fastest first; their results are the same. */
export function colourKernels(map: ColourMap, colour: ColourSpace): Uint8Array<ArrayBuffer>[] {
  // no factor is -1: `#constant` refuses it
  return [asm.multiplyRelaxed, asm.multiply].map((multiply) => new Kernel(map, colour, multiply).assemble());
}

class Kernel {
  readonly #map: ColourMap;
  readonly #channels: readonly [Channel, Channel, Channel];
  readonly #samples: ReturnType<typeof samplesOf>;
  readonly #multiply: typeof asm.multiply;
  /** Constants live in locals: V8 builds a vector constant anew wherever it stands. */
  readonly #constants = new Map<number, number>();
  #next = FIRST_VECTOR;
  readonly #u = this.#vector();
  readonly #v = this.#vector();
  readonly #scratch = this.#vector();

  constructor(map: ColourMap, colour: ColourSpace, multiply: typeof asm.multiply) {
    this.#map = map;
    this.#multiply = multiply;
    this.#channels = channelsOf(map, colour);
    this.#samples = samplesOf(colour);
  }

  assemble(): Uint8Array<ArrayBuffer> {
    const group = this.#group();
    const constants = [...this.#constants].map(([value, local]) => asm.set(local, asm.splat(value)));
    const row = [
      asm.set(BELOW, asm.plus(asm.get(Y), asm.get(STRIDE))),
      asm.set(END, asm.get(BELOW)),
      asm.repeat(
        [group, asm.advance(Y, 16), asm.advance(BELOW, 16), asm.advance(U, 8), asm.advance(V, 8)],
        asm.isBelow(asm.get(Y), asm.get(END)),
      ),
      asm.set(Y, asm.get(BELOW)),
      asm.advance(ROW_PAIRS, -1),
    ];
    return asm.assemble(
      { parameters: PARAMETERS, integers: FIRST_VECTOR - PARAMETERS, vectors: this.#next - FIRST_VECTOR },
      [constants, asm.repeat(row, asm.get(ROW_PAIRS))],
    );
  }

  #group(): asm.Code {
    const centred = (at: number) => {
      return asm.shiftLeft(asm.subtract(asm.load8Bytes(asm.get(at)), this.#constant(128)), C_SHIFT);
    };
    const chroma = [asm.set(this.#u, centred(U)), asm.set(this.#v, centred(V))];
    if (!this.#map.isLow && !this.#map.isHigh) return [chroma, this.#affine()];
    const parts = this.#channels.map((channel) => [this.#vector(), this.#chromaPart(channel)] as const);
    const locals = parts.map(([local]) => local);
    return [
      chroma,
      parts.map(([local, value]) => asm.set(local, value)),
      asm.either(this.#isCut(locals), this.#inColours(locals), this.#affine()),
    ];
  }

  /** No pixel gets out of bounds. */
  #affine(): asm.Code {
    const [y, u, v] = this.#samples.map((sample) => affineOf(sample, this.#channels)) as [
      Channel,
      Channel,
      Channel,
    ];
    const part = this.#vector();
    const halves = [this.#vector(), this.#vector()];
    const luma = (row: number) => {
      const eight = halves.map((half, index) => {
        const samples = asm.shiftLeft(asm.load8Bytes(asm.get(row), 8 * index), Y_SHIFT);
        return this.#rounded(asm.addSaturating(this.#times(samples, y.y, Y_SHIFT), asm.get(half)));
      });
      return asm.store(asm.get(row), asm.toBytes(eight[0] as asm.Code, eight[1] as asm.Code));
    };
    const light = this.#vector();
    const needsLight = Math.abs(u.y) > 1e-6 || Math.abs(v.y) > 1e-6;
    const sums = [asm.load(asm.get(Y)), asm.load(asm.get(BELOW))].map(asm.pairsOfBytes);
    const chroma = (at: number, channel: Channel) => {
      const value = this.#chromaPart({ ...channel, constant: channel.constant + 0.5 });
      // of the sum of four
      const whole = needsLight
        ? asm.addSaturating(value, this.#times(asm.get(light), channel.y / 4, POINT))
        : value;
      return [asm.set(this.#scratch, asm.shiftRight(whole, POINT)), this.#storeChroma(at)];
    };
    return [
      needsLight
        ? asm.set(light, asm.shiftLeft(asm.add(sums[0] as asm.Code, sums[1] as asm.Code), POINT))
        : [],
      asm.set(part, this.#chromaPart({ ...y, constant: y.constant + 0.5 })),
      this.#spread(part, halves),
      luma(Y),
      luma(BELOW),
      chroma(U, u),
      chroma(V, v),
    ];
  }

  /** Pixel by pixel in red, green and blue; chroma is the mean of four. */
  #inColours(parts: readonly number[]): asm.Code {
    const [ofY, ofU, ofV] = this.#samples;
    const spread = parts.map(() => [this.#vector(), this.#vector()] as const);
    const colours = parts.map(() => this.#vector());
    const [red, , blue] = colours as [number, number, number];
    const sums = { red: [this.#vector(), this.#vector()], blue: [this.#vector(), this.#vector()] };
    const lights = [this.#vector(), this.#vector()];
    const shades = [Y, BELOW].map(() => [this.#vector(), this.#vector()]);
    const y = this.#vector();
    const code: asm.Code[] = parts.map((part, index) => this.#spread(part, spread[index] ?? []));
    const slope = this.#channels[0].y;
    const isUniform = this.#channels.every((channel) => Math.abs(channel.y - slope) < 1e-9);
    const sum = (locals: readonly number[], half: number, row: number, value: asm.Code) => {
      const local = locals[half] as number;
      code.push(asm.set(local, row === 0 ? value : asm.add(asm.get(local), value)));
    };
    for (const [row, at] of [Y, BELOW].entries()) {
      for (const half of [0, 1]) {
        code.push(asm.set(y, asm.shiftLeft(asm.load8Bytes(asm.get(at), 8 * half), Y_SHIFT)));
        if (isUniform) code.push(asm.set(y, this.#times(asm.get(y), slope, Y_SHIFT)));
        for (const [index, channel] of this.#channels.entries()) {
          const part = asm.get(spread[index]?.[half] as number);
          const light = isUniform ? asm.get(y) : this.#times(asm.get(y), channel.y, Y_SHIFT);
          code.push(asm.set(colours[index] as number, this.#limited(asm.addSaturating(light, part))));
        }
        const shade = shades[row]?.[half] as number;
        const shares = [ofY.red, ofY.green, ofY.blue].map((share, index) => {
          return this.#multiply(asm.get(colours[index] as number), this.#fraction(share));
        });
        code.push(asm.set(shade, shares.reduce(asm.add)));
        sum(sums.red, half, row, asm.get(red));
        sum(sums.blue, half, row, asm.get(blue));
        sum(lights, half, row, asm.get(shade));
      }
    }
    for (const [row, at] of [Y, BELOW].entries()) {
      const halves = (shades[row] as number[]).map((shade) => {
        return this.#rounded(asm.add(asm.get(shade), this.#constant(ONE * (ofY.constant + 0.5))));
      });
      code.push(asm.store(asm.get(at), asm.toBytes(halves[0] as asm.Code, halves[1] as asm.Code)));
    }
    // U is blue less light, V red less light, each by its own scale
    const total = ([a, b]: readonly number[]) => {
      return asm.narrow(asm.pairs(asm.get(a as number)), asm.pairs(asm.get(b as number)));
    };
    code.push(asm.set(y, total(lights)));
    const [perU, perV] = [
      ofU.blue - (ofU.red * ofY.blue) / ofY.red,
      ofV.red - (ofV.blue * ofY.red) / ofY.blue,
    ];
    const chroma = (at: number, locals: readonly number[], own: number, light: number) => {
      const value = asm.subtract(
        this.#multiply(total(locals), this.#fraction(own / 4)),
        this.#multiply(asm.get(y), this.#fraction(light / 4)),
      );
      const whole = asm.shiftRight(asm.add(value, this.#constant(ONE * 128.5)), POINT);
      code.push(asm.set(this.#scratch, whole), this.#storeChroma(at));
    };
    chroma(U, sums.blue, perU, -ofU.red / ofY.red);
    chroma(V, sums.red, perV, -ofV.blue / ofY.blue);
    return code;
  }

  /**
   * Whether a channel of one of the pixels may get out of bounds: their luma is compared with what chroma leaves to it.
   * Rather too often than too seldom.
   */
  #isCut(parts: readonly number[]): asm.Code {
    const values = parts.map(asm.get);
    const slope = Math.max(...this.#channels.map((channel) => channel.y));
    const scale = this.#fraction(1 / slope / ONE);
    const whites = asm.subtractSaturating(this.#constant(ONE * 254), values.reduce(asm.most));
    const blacks = asm.subtractSaturating(this.#constant(ONE), values.reduce(asm.least));
    const bound = (of: asm.Code) => {
      const bytes = asm.toBytes(this.#multiply(of, scale), this.#multiply(of, scale));
      return asm.set(this.#scratch, asm.pick(bytes, bytes, TWICE));
    };
    const [limit, rows] = [asm.get(this.#scratch), [asm.load(asm.get(Y)), asm.load(asm.get(BELOW))]];
    const found = this.#vector();
    const high = rows.map((row) => asm.subtractBytes(row, limit)).reduce(asm.or);
    const low = rows.map((row) => asm.subtractBytes(limit, row)).reduce(asm.or);
    const { isHigh, isLow } = this.#map;
    return [
      isHigh ? [bound(whites), asm.set(found, high)] : [],
      isLow ? [bound(blacks), asm.set(found, isHigh ? asm.or(asm.get(found), low) : low)] : [],
      asm.isAny(asm.get(found)),
    ];
  }

  #chromaPart({ u, v, constant }: Channel): asm.Code {
    const terms = [
      ...(Math.abs(u) > 1e-6 ? [this.#times(asm.get(this.#u), u, C_SHIFT)] : []),
      ...(Math.abs(v) > 1e-6 ? [this.#times(asm.get(this.#v), v, C_SHIFT)] : []),
      this.#constant(ONE * constant),
    ];
    return terms.reduce(asm.addSaturating);
  }

  #limited(value: asm.Code): asm.Code {
    const low = this.#map.isLow ? asm.most(value, this.#constant(0)) : value;
    return this.#map.isHigh ? asm.least(low, this.#constant(ONE * 255)) : low;
  }

  /** Each of eight lanes twice, in two vectors. */
  #spread(part: number, [first, second]: readonly number[]): asm.Code {
    const value = asm.get(part);
    return [
      asm.set(first as number, asm.pick(value, value, LOWER)),
      asm.set(second as number, asm.pick(value, value, UPPER)),
    ];
  }

  #storeChroma(at: number): asm.Code {
    const value = asm.get(this.#scratch);
    return asm.storeHalf(asm.get(at), asm.toBytes(value, value));
  }

  /** `value` was shifted left by `shift`; the product has `POINT` places. */
  #times(value: asm.Code, factor: number, shift: number): asm.Code {
    return this.#multiply(value, this.#fraction((factor * ONE) / (1 << shift)));
  }

  #rounded(value: asm.Code): asm.Code {
    return asm.shiftRight(value, POINT);
  }

  #fraction(value: number): asm.Code {
    return this.#constant(value * 32768);
  }

  #constant(value: number): asm.Code {
    const whole = Math.round(value);
    if (Math.abs(whole) > 32767) throw new RangeError(`${value} does not fit into 16 bits.`);
    let local = this.#constants.get(whole);
    if (local === undefined) {
      local = this.#vector();
      this.#constants.set(whole, local);
    }
    return asm.get(local);
  }

  #vector(): number {
    return this.#next++;
  }
}

const LOWER = [0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5, 6, 7, 6, 7];
const UPPER = LOWER.map((byte) => byte + 8);
const TWICE = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7];
