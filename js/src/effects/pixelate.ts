/** Squares of one colour each: the mean of what they cover. */
import type { Operation, Planes } from "./picture";

/** The largest square's side, as a share of the picture's height. */
const LARGEST = 1 / 12;

export class PixelateOperation implements Operation {
  readonly isDirected = false;
  readonly #strength: number;

  constructor(strength: number) {
    this.#strength = strength;
  }

  /** In place. */
  apply(picture: Planes): Planes {
    const { width, height, y, u, v } = picture;
    const side = sideOf(this.#strength, height);
    average(y, width, height, side);
    for (const plane of [u, v]) average(plane, Math.ceil(width / 2), Math.ceil(height / 2), side / 2);
    return picture;
  }

  close(): void {}
}

/** Pixels: even, so that luma and chroma have the same squares. */
function sideOf(strength: number, height: number): number {
  return 2 * Math.max(1, Math.round((strength * LARGEST * height) / 2));
}

/** Squares begin at the upper left; the last ones are cut where the picture ends. */
function average(plane: Uint8Array, width: number, height: number, side: number): void {
  const sums = new Uint32Array(Math.ceil(width / side));
  for (let top = 0; top < height; top += side) {
    const rows = Math.min(side, height - top);
    const first = top * width;
    sums.fill(0);
    for (let row = 0; row < rows; row++) {
      let at = first + row * width;
      for (let square = 0, left = 0; left < width; square++, left += side) {
        const end = at + Math.min(side, width - left);
        let sum = 0;
        while (at < end) sum += plane[at++] as number;
        sums[square] = (sums[square] as number) + sum;
      }
    }
    for (let square = 0, left = 0; left < width; square++, left += side) {
      const columns = Math.min(side, width - left);
      const mean = Math.round((sums[square] as number) / (rows * columns));
      plane.fill(mean, first + left, first + left + columns);
    }
    for (let row = 1; row < rows; row++) plane.copyWithin(first + row * width, first, first + width);
  }
}
