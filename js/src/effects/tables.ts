/** Tables that change every sample of a plane. Two samples are looked up at once: half the steps. */

export class Table {
  readonly #single = new Uint8Array(256);
  readonly #pairs = new Uint16Array(65536);

  /** `change` is rounded and kept within a byte. */
  constructor(change: (value: number) => number) {
    for (let value = 0; value < 256; value++) this.#single[value] = clamped(change(value));
    for (let pair = 0; pair < 65536; pair++) {
      this.#pairs[pair] = (this.#single[pair & 255] as number) | ((this.#single[pair >> 8] as number) << 8);
    }
  }

  get(value: number): number {
    return this.#single[value] as number;
  }

  /** Change all samples in place. */
  apply(plane: Uint8Array): void {
    const isOdd = plane.byteOffset & 1;
    const count = (plane.length - isOdd) >> 1;
    const view = new Uint16Array(plane.buffer, plane.byteOffset + isOdd, count);
    const pairs = this.#pairs;
    for (let i = 0; i < count; i++) view[i] = pairs[view[i] as number] as number;
    if (isOdd) plane[0] = this.get(plane[0] as number);
    if (isOdd + 2 * count < plane.length) {
      plane[plane.length - 1] = this.get(plane[plane.length - 1] as number);
    }
  }
}

export function clamped(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}
