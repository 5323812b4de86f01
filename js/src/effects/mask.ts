/**
 * From the segmenter's coarse squares to a border that follows the person: steady in time, and led by the picture's light
 * (guided filter; He, Sun and Tang 2013).
 */
import { boxBlur, type Layer, layer, Stretch } from "./layers";
import { SIDE } from "./model-picture";

/** Share of the new mask where little changes; where much does it is taken at once. */
const STEADY = 0.5;
const MOVED = 0.35;
/** Less of the person is none, more is all: else traces would linger for seconds. */
const TRACE = 1 / 512;
/** Squares around each that lead its border, and the change of light (of 255) that counts as a border. */
const RADIUS = 4;
const SMALL = 12 ** 2;

export class PersonMask {
  /** The person's share of each place, 0 to 1. */
  readonly layer: Layer;
  readonly #coarse = layer(SIDE, SIDE);
  readonly #stretch: Stretch;
  readonly #means: readonly Layer[];
  readonly #scratch: Layer;
  #isFresh = true;

  constructor(width: number, height: number) {
    this.layer = layer(width, height);
    this.#stretch = new Stretch(this.#coarse, width, height);
    this.#means = Array.from({ length: 4 }, () => layer(width, height));
    this.#scratch = layer(width, height);
  }

  /** Take a new mask of the segmenter's, of `SIDE` x `SIDE`; `light` is the picture's luma at this size. */
  update(found: Float32Array, light: Layer): void {
    this.#steady(found);
    this.follow(light);
  }

  /** The same mask for a newer picture: its border goes where the light now leads it. */
  follow(light: Layer): void {
    const { width, height, data } = this.layer;
    for (let row = 0; row < height; row++) data.set(this.#stretch.line(row), row * width);
    this.#guide(light);
  }

  #steady(found: Float32Array): void {
    const kept = this.#coarse.data;
    for (let at = 0; at < kept.length; at++) {
      const value = found[at] as number;
      const wanted = value > 0 ? (value < 1 ? value : 1) : 0; // what is no number is no person
      const before = kept[at] as number;
      const step = wanted - before;
      const isLarge = this.#isFresh || step > MOVED || step < -MOVED;
      const next = before + (isLarge ? step : STEADY * step);
      kept[at] = next < TRACE ? 0 : next > 1 - TRACE ? 1 : next;
    }
    this.#isFresh = false;
  }

  /** mask = a light + b around each place, with a and b that fit best there. */
  #guide(light: Layer): void {
    const mask = this.layer.data;
    const [meanLight, meanMask, a, b] = this.#means as [Layer, Layer, Layer, Layer];
    const [at, bt] = [a.data, b.data];
    for (let i = 0; i < mask.length; i++) {
      const value = light.data[i] as number;
      at[i] = value * value;
      bt[i] = value * (mask[i] as number);
    }
    for (const one of [a, b]) boxBlur(one, one, RADIUS, this.#scratch);
    boxBlur(light, meanLight, RADIUS, this.#scratch);
    boxBlur(this.layer, meanMask, RADIUS, this.#scratch);
    for (let i = 0; i < mask.length; i++) {
      const [ml, mm] = [meanLight.data[i] as number, meanMask.data[i] as number];
      const slope = ((bt[i] as number) - ml * mm) / ((at[i] as number) - ml * ml + SMALL);
      at[i] = slope;
      bt[i] = mm - slope * ml;
    }
    for (const one of [a, b]) boxBlur(one, one, RADIUS, this.#scratch);
    for (let i = 0; i < mask.length; i++) {
      const value = (at[i] as number) * (light.data[i] as number) + (bt[i] as number);
      // a doubtful tenth at either end is none: else a shadow of the background stays sharp
      mask[i] = Math.max(0, Math.min(1, (value - 0.1) / 0.8));
    }
  }
}
