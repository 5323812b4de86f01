/** Small copies of planes, as numbers to calculate with. */

export interface Layer {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

export function layer(width: number, height: number): Layer {
  return { width, height, data: new Float32Array(width * height) };
}

/** Means of squares of `factor` x `factor` samples; the last ones of a row or column may be smaller. */
export function shrunk(plane: Uint8Array, width: number, height: number, factor: number, into: Layer): void {
  if (factor === 4 && width % 4 === 0 && height % 4 === 0 && plane.byteOffset % 4 === 0) {
    shrunkByFours(plane, width, into);
    return;
  }
  for (let row = 0, at = 0; row < into.height; row++) {
    const top = row * factor;
    const bottom = Math.min(height, top + factor);
    for (let column = 0; column < into.width; column++, at++) {
      const left = column * factor;
      const right = Math.min(width, left + factor);
      let sum = 0;
      for (let line = top; line < bottom; line++) {
        for (let place = line * width + left; place < line * width + right; place++) {
          sum += plane[place] as number;
        }
      }
      into.data[at] = sum / ((bottom - top) * (right - left));
    }
  }
}

/** Four samples at a time: two sums of 16 bits in a number of 32. */
function shrunkByFours(plane: Uint8Array, width: number, { data, width: columns, height }: Layer): void {
  const words = new Uint32Array(plane.buffer, plane.byteOffset, plane.length >> 2);
  const stride = width >> 2;
  for (let row = 0, at = 0, place = 0; row < height; row++, place += 3 * stride) {
    for (let column = 0; column < columns; column++, at++, place++) {
      const a = words[place] as number;
      const b = words[place + stride] as number;
      const c = words[place + 2 * stride] as number;
      const d = words[place + 3 * stride] as number;
      const even = (a & PAIR) + (b & PAIR) + (c & PAIR) + (d & PAIR);
      const odd = ((a >>> 8) & PAIR) + ((b >>> 8) & PAIR) + ((c >>> 8) & PAIR) + ((d >>> 8) & PAIR);
      const sums = even + odd;
      data[at] = ((sums & 0xffff) + (sums >>> 16)) / 16;
    }
  }
}

const PAIR = 0x00ff00ff;

/** Means of two by two samples; the last ones of an odd row or column count twice. */
export function halved(from: Layer, into: Layer): void {
  const { data, width, height } = from;
  for (let row = 0, at = 0; row < into.height; row++) {
    const above = 2 * row * width;
    const below = Math.min(2 * row + 1, height - 1) * width;
    for (let column = 0; column < into.width; column++, at++) {
      const left = 2 * column;
      const right = left + 1 < width ? left + 1 : left;
      const upper = (data[above + left] as number) + (data[above + right] as number);
      into.data[at] = (upper + (data[below + left] as number) + (data[below + right] as number)) / 4;
    }
  }
}

/** Means of the (2 `radius` + 1) x (2 `radius` + 1) samples around each; fewer at the borders. */
export function boxBlur(from: Layer, into: Layer, radius: number, scratch: Layer): void {
  const { width, height } = from;
  rows(from.data, scratch.data, width, height, radius);
  columns(scratch.data, into.data, width, height, radius);
}

/** Nearly a Gaussian of standard deviation `sigma`: three boxes. In place. */
export function softened(from: Layer, sigma: number, scratch: Layer): void {
  const radius = Math.max(1, Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2));
  for (let pass = 0; pass < 3; pass++) boxBlur(from, from, radius, scratch);
}

function rows(from: Float32Array, to: Float32Array, width: number, height: number, radius: number): void {
  const reach = Math.min(radius, width - 1);
  const inner = width - reach;
  const share = 1 / (2 * reach + 1);
  for (let start = 0; start < width * height; start += width) {
    let sum = 0;
    let count = reach;
    for (let at = start; at < start + reach; at++) sum += from[at] as number;
    let column = 0;
    for (; column <= reach && column < inner; column++) {
      sum += from[start + column + reach] as number;
      to[start + column] = sum / ++count;
    }
    for (; column < inner; column++) {
      sum += (from[start + column + reach] as number) - (from[start + column - reach - 1] as number);
      to[start + column] = sum * share;
    }
    for (; column < width; column++) {
      if (column > reach) {
        sum -= from[start + column - reach - 1] as number;
        count -= 1;
      }
      to[start + column] = sum / count;
    }
  }
}

/** Row by row with a sum for each column: down a column the memory would be far apart. */
function columns(from: Float32Array, to: Float32Array, width: number, height: number, radius: number): void {
  const reach = Math.min(radius, height - 1);
  const sums = new Float64Array(width);
  for (let row = 0, at = 0; row < reach; row++) {
    for (let column = 0; column < width; column++, at++)
      sums[column] = (sums[column] as number) + (from[at] as number);
  }
  let count = reach;
  for (let row = 0, at = 0; row < height; row++) {
    const enters = row + reach < height;
    const leaves = row > reach;
    const entering = (row + reach) * width;
    const leaving = (row - reach - 1) * width;
    count += Number(enters) - Number(leaves);
    const share = 1 / count;
    for (let column = 0; column < width; column++, at++) {
      let sum = sums[column] as number;
      if (enters) sum += from[entering + column] as number;
      if (leaves) sum -= from[leaving + column] as number;
      sums[column] = sum;
      to[at] = sum * share;
    }
  }
}

/** Samples of `layer` between its own, as a picture of `width` x `height`: a row at a time, by line number. */
export class Stretch {
  readonly #layer: Layer;
  readonly #height: number;
  readonly #row: Float32Array;
  readonly #line: Float32Array;
  readonly #left: Uint16Array;
  readonly #share: Float32Array;

  constructor(from: Layer, width: number, height: number) {
    this.#layer = from;
    this.#height = height;
    this.#row = new Float32Array(from.width);
    this.#line = new Float32Array(width);
    this.#left = new Uint16Array(width);
    this.#share = new Float32Array(width);
    for (let column = 0; column < width; column++) {
      const [left, share] = between(column, width, from.width);
      this.#left[column] = left;
      this.#share[column] = share;
    }
  }

  /** Valid until the next call. */
  line(row: number): Float32Array {
    const { width, height, data } = this.#layer;
    const [top, part] = between(row, this.#height, height);
    const below = Math.min(top + 1, height - 1) * width;
    const above = top * width;
    const [rowOf, lineOf, leftOf, shareOf] = [this.#row, this.#line, this.#left, this.#share];
    for (let column = 0; column < width; column++) {
      const value = data[above + column] as number;
      rowOf[column] = value + part * ((data[below + column] as number) - value);
    }
    const last = width - 1;
    for (let column = 0; column < lineOf.length; column++) {
      const left = leftOf[column] as number;
      const value = rowOf[left] as number;
      const right = rowOf[left < last ? left + 1 : last] as number;
      lineOf[column] = value + (shareOf[column] as number) * (right - value);
    }
    return lineOf;
  }
}

/** The sample at or before place `at` of `many`, among `few`, and how far it lies beyond it. */
export function between(at: number, many: number, few: number): [number, number] {
  const place = Math.max(0, Math.min(few - 1, ((at + 0.5) * few) / many - 0.5));
  const first = Math.floor(place);
  return [first, place - first];
}
