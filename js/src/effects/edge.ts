/** Light lines where the light changes, on black: the Sobel operator's `|across| + |down|`, halved. */
import type { Operation, Planes } from "./picture";
import { allocateLike, scaleOf } from "./planes";
import { Table } from "./tables";

export class EdgeOperation implements Operation {
  readonly isDirected = false;
  readonly #strength: number;
  readonly #chroma: Table;
  #result: Planes | null = null;

  /** `strength` is the share of the picture that the lines replace. */
  constructor(strength: number) {
    this.#strength = strength;
    this.#chroma = new Table((value) => 128 + (1 - strength) * (value - 128));
  }

  apply(picture: Planes): Planes {
    const { y, u, v, width, height, colour } = picture;
    this.#result = allocateLike(picture, this.#result);
    const { black, luma } = scaleOf(colour);
    // in parts of 256, so that the loop has whole numbers only
    const lines = Math.round(256 * this.#strength) | 0;
    for (let row = 0; row < height; row++) {
      const here = row * width;
      const above = row > 0 ? here - width : here;
      const below = row + 1 < height ? here + width : here;
      drawLines(y, this.#result.y, { here, above, below, width, lines, black, most: luma });
    }
    this.#result.u.set(u);
    this.#result.v.set(v);
    this.#chroma.apply(this.#result.u);
    this.#chroma.apply(this.#result.v);
    return this.#result;
  }

  close(): void {
    this.#result = null;
  }
}

interface Row {
  /** Where the row begins, and its neighbours: itself beyond the border. */
  readonly here: number;
  readonly above: number;
  readonly below: number;
  readonly width: number;
  readonly lines: number;
  readonly black: number;
  readonly most: number;
}

/** From left to right; each column's three pixels are read once. */
function drawLines(y: Uint8Array, result: Uint8Array, row: Row): void {
  const { here, above, below, width, lines, black, most } = row;
  const kept = 256 - lines;
  let own = y[here] as number;
  let sum = (y[above] as number) + 2 * own + (y[below] as number);
  let difference = (y[below] as number) - (y[above] as number);
  let leftSum = sum;
  let leftDifference = difference;
  for (let column = 0; column < width; column++) {
    const right = column + 1 < width ? column + 1 : column;
    const up = y[above + right] as number;
    const middle = y[here + right] as number;
    const down = y[below + right] as number;
    const rightSum = up + 2 * middle + down;
    const rightDifference = down - up;
    const size =
      (Math.abs(rightSum - leftSum) + Math.abs(leftDifference + 2 * difference + rightDifference)) >> 1;
    result[here + column] = (kept * own + lines * (black + (size < most ? size : most)) + 128) >> 8;
    own = middle;
    leftSum = sum;
    leftDifference = difference;
    sum = rightSum;
    difference = rightDifference;
  }
}
