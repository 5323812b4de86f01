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
  for (let row = 0; row < height; row++) {
    const start = row * width;
    let sum = 0;
    let count = 0;
    for (let column = 0; column < reach; column++, count++) sum += from[start + column] as number;
    for (let column = 0; column < width; column++) {
      if (column + reach < width) {
        sum += from[start + column + reach] as number;
        count += 1;
      }
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
  const sums = new Float32Array(width);
  let count = 0;
  const add = (row: number, sign: number) => {
    const start = row * width;
    for (let column = 0; column < width; column++) {
      sums[column] = (sums[column] as number) + sign * (from[start + column] as number);
    }
    count += sign;
  };
  for (let row = 0; row < reach; row++) add(row, 1);
  for (let row = 0; row < height; row++) {
    if (row + reach < height) add(row + reach, 1);
    if (row > reach) add(row - reach - 1, -1);
    const start = row * width;
    for (let column = 0; column < width; column++) to[start + column] = (sums[column] as number) / count;
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
    const [top, share] = between(row, this.#height, height);
    const below = Math.min(top + 1, height - 1) * width;
    const above = top * width;
    for (let column = 0; column < width; column++) {
      const value = data[above + column] as number;
      this.#row[column] = value + share * ((data[below + column] as number) - value);
    }
    const last = width - 1;
    const [rowOf, lineOf, leftOf, shareOf] = [this.#row, this.#line, this.#left, this.#share];
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
function between(at: number, many: number, few: number): [number, number] {
  const place = Math.max(0, Math.min(few - 1, ((at + 0.5) * few) / many - 0.5));
  const first = Math.floor(place);
  return [first, place - first];
}
