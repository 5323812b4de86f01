/**
 * The person stays, the background is blurred or replaced. While the person cannot be told from the background, the whole
 * picture is blurred: an unblurred background never comes out of here.
 */
import type { Backdrop } from "./backdrop";
import { type Layer, layer, Stretch, shrunk, softened } from "./layers";
import { PersonMask } from "./mask";
import type { Operation, Planes } from "./picture";
import { allocateLike } from "./planes";

/** The background is blurred at about this width; nobody sees the difference. */
const BLURRED_WIDTH = 320;
/** Standard deviation of the strongest blur, in parts of the picture's height. */
const STRONGEST = 1 / 12;
/** The whole picture is blurred so strongly at least that nobody is recognised. */
const LEAST_WHOLE = 1 / 18;
/** A mask that takes longer is made of every second picture only. */
const SLOW_MS = 20;

/** Tells a person from the background; null while it cannot. */
export interface MaskSource {
  mask(picture: Planes, time_ms: number): Float32Array | null;
}

interface Low {
  readonly factor: number;
  readonly planes: readonly [Layer, Layer, Layer];
  readonly weights: readonly [Layer, Layer];
  readonly scratch: readonly [Layer, Layer];
  readonly stretches: readonly [Stretch, Stretch, Stretch];
  readonly mask: PersonMask;
  readonly shares: readonly [Stretch, Stretch];
}

export class PersonOperation implements Operation {
  readonly #strength: number;
  readonly #source: MaskSource;
  readonly #backdrop: Backdrop | null;
  #result: Planes | null = null;
  #low: Low | null = null;
  #size = "";
  #isKnown = false;
  #skip = false;
  #mask_ms = 0;

  /**
   * `strength` of the blur, 0 to 1. With a `backdrop` the background becomes its picture, once it has one.
   */
  constructor(strength: number, source: MaskSource, backdrop: Backdrop | null) {
    this.#strength = strength;
    this.#source = source;
    this.#backdrop = backdrop;
  }

  apply(picture: Planes, time_ms: number): Planes {
    const low = this.#prepare(picture);
    this.#result = allocateLike(picture, this.#result);
    shrinkAll(picture, low);
    this.#look(picture, low, time_ms);
    const behind = this.#isKnown ? (this.#backdrop?.planes(picture) ?? null) : null;
    if (behind !== null) this.#replace(picture, behind, low, this.#result);
    else this.#blur(picture, low, this.#result);
    return this.#result;
  }

  close(): void {
    this.#result = this.#low = null;
    this.#size = "";
  }

  #look(picture: Planes, low: Low, time_ms: number): void {
    if (this.#isKnown && this.#mask_ms > SLOW_MS) {
      this.#skip = !this.#skip;
      if (this.#skip) return;
    }
    const began_ms = performance.now();
    const found = this.#source.mask(picture, time_ms);
    this.#isKnown = found !== null;
    if (found === null) return;
    this.#mask_ms = 0.9 * this.#mask_ms + 0.1 * (performance.now() - began_ms);
    low.mask.update(found, low.planes[0]);
  }

  #blur(picture: Planes, low: Low, result: Planes): void {
    const mask = this.#isKnown ? low.mask.layer : null;
    const part = this.#strength * STRONGEST;
    const sigma = (mask === null ? Math.max(LEAST_WHOLE, part) : part) * low.planes[0].height;
    const [y, u, v] = low.planes;
    blurBackground([y], mask, low.weights[0], sigma, low.scratch[0]);
    blurBackground([u, v], mask, low.weights[1], sigma / 2, low.scratch[1]);
    const [share, half] = mask === null ? [null, null] : low.shares;
    const columns = Math.ceil(picture.width / 2);
    mix(picture.y, result.y, picture.width, share, (row) => low.stretches[0].line(row));
    mix(picture.u, result.u, columns, half, (row) => low.stretches[1].line(row));
    mix(picture.v, result.v, columns, half, (row) => low.stretches[2].line(row));
  }

  #replace(picture: Planes, behind: Planes, low: Low, result: Planes): void {
    const columns = Math.ceil(picture.width / 2);
    const [share, half] = low.shares;
    const rowsOf = (plane: Uint8Array, width: number) => (row: number) =>
      plane.subarray(row * width, (row + 1) * width);
    mix(picture.y, result.y, picture.width, share, rowsOf(behind.y, picture.width));
    mix(picture.u, result.u, columns, half, rowsOf(behind.u, columns));
    mix(picture.v, result.v, columns, half, rowsOf(behind.v, columns));
  }

  #prepare({ width, height }: Planes): Low {
    const size = `${width}x${height}`;
    if (this.#low !== null && this.#size === size) return this.#low;
    const factor = Math.max(1, Math.round(width / BLURRED_WIDTH));
    const [columns, rows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const make = (w: number, h: number) => layer(Math.ceil(w / factor), Math.ceil(h / factor));
    const planes = [make(width, height), make(columns, rows), make(columns, rows)] as const;
    const mask = new PersonMask(planes[0].width, planes[0].height);
    this.#low = {
      factor,
      planes,
      weights: [make(width, height), make(columns, rows)],
      scratch: [make(width, height), make(columns, rows)],
      stretches: [
        new Stretch(planes[0], width, height),
        new Stretch(planes[1], columns, rows),
        new Stretch(planes[2], columns, rows),
      ],
      mask,
      shares: [new Stretch(mask.layer, width, height), new Stretch(mask.layer, columns, rows)],
    };
    this.#size = size;
    this.#isKnown = false;
    return this.#low;
  }
}

function shrinkAll({ width, height, y, u, v }: Planes, { factor, planes }: Low): void {
  const [columns, rows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  shrunk(y, width, height, factor, planes[0]);
  shrunk(u, columns, rows, factor, planes[1]);
  shrunk(v, columns, rows, factor, planes[2]);
}

/**
 * Blur layers by the background's own colours: what is the person's counts next to nothing, or they would glow around
 * themselves. Without a mask everything counts alike.
 */
function blurBackground(
  layers: readonly Layer[],
  mask: Layer | null,
  weight: Layer,
  sigma: number,
  scratch: Layer,
): void {
  if (mask === null) {
    for (const one of layers) softened(one, sigma, scratch);
    return;
  }
  weigh(mask, weight);
  for (const { data } of layers) {
    for (let at = 0; at < data.length; at++) data[at] = (data[at] as number) * (weight.data[at] as number);
  }
  for (const one of [...layers, weight]) softened(one, sigma, scratch);
  for (const { data } of layers) {
    for (let at = 0; at < data.length; at++) data[at] = (data[at] as number) / (weight.data[at] as number);
  }
}

/** How much each place of `weight`, as large as the mask or half of it, is background. */
function weigh(mask: Layer, weight: Layer): void {
  const step = weight.width === mask.width ? 1 : 2;
  for (let row = 0, at = 0; row < weight.height; row++) {
    const line = Math.min(mask.height - 1, row * step) * mask.width;
    for (let column = 0; column < weight.width; column++, at++) {
      const share = mask.data[line + Math.min(mask.width - 1, column * step)] as number;
      weight.data[at] = 1.001 - share;
    }
  }
}

/** `kept` where the person is, `behind` elsewhere; `behind` everywhere without a mask. */
function mix(
  kept: Uint8Array,
  result: Uint8Array,
  width: number,
  share: Stretch | null,
  behind: (row: number) => Float32Array | Uint8Array,
): void {
  const height = kept.length / width;
  for (let row = 0; row < height; row++) {
    const start = row * width;
    const other = behind(row);
    if (share === null) {
      for (let column = 0; column < width; column++) result[start + column] = (other[column] as number) + 0.5;
      continue;
    }
    const shares = share.line(row);
    for (let column = 0; column < width; column++) {
      const own = kept[start + column] as number;
      const far = other[column] as number;
      result[start + column] = far + (shares[column] as number) * (own - far) + 0.5;
    }
  }
}
