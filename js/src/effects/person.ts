/**
 * The person stays, the background is blurred or replaced. While the person cannot be told from the background, the whole
 * picture is blurred: an unblurred background never comes out of here.
 */
import type { Backdrop } from "./backdrop";
import { halved, type Layer, layer, shrunk, softened } from "./layers";
import { PersonMask } from "./mask";
import { Mixer } from "./mixer";
import { SIDE } from "./model-picture";
import type { Operation, Planes } from "./picture";

/** The mask is made at about this width, and the background is blurred at half of it; nobody sees the difference. */
const MASK_WIDTH = 320;
/** Standard deviation of the blur at strength 0 and 1, in parts of the picture's height: the weakest hides a room, too. */
const WEAKEST = 1 / 50;
const STRONGEST = 1 / 12;
/** The whole picture is blurred so strongly at least that nobody is recognised. */
const LEAST_WHOLE = 1 / 18;
/** A mask that takes longer is made of every second picture only, unless that would make it older than this. */
const SLOW_MS = 20;
const OLD_MS = 100;

/** Tells a person from the background; null while it cannot. */
export interface MaskSource {
  mask(picture: Planes, time_ms: number): Float32Array | null;
}

/** What belongs to pictures of one size. */
interface Low {
  readonly factor: number;
  readonly light: Layer;
  readonly mask: PersonMask;
  /** Y, U and V of what is behind. */
  readonly behind: readonly [Layer, Layer, Layer];
  readonly weight: Layer;
  readonly scratch: Layer;
  readonly mixer: Mixer;
}

export class PersonOperation implements Operation {
  readonly isDirected = true;
  readonly #strength: number;
  readonly #source: MaskSource;
  readonly #backdrop: Backdrop | null;
  #low: Low | null = null;
  #size = "";
  #isKnown = false;
  #skip = false;
  #mask_ms = 0;
  #made_ms = 0;

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
    shrunk(picture.y, picture.width, picture.height, low.factor, low.light);
    this.#look(picture, low, time_ms);
    const behind = this.#isKnown ? (this.#backdrop?.planes(picture) ?? null) : null;
    if (behind !== null) return low.mixer.replace(picture, behind);
    this.#blur(picture, low);
    return low.mixer.mix(picture, !this.#isKnown);
  }

  close(): void {
    this.#low = null;
    this.#size = "";
  }

  #look(picture: Planes, low: Low, time_ms: number): void {
    const age_ms = time_ms - this.#made_ms;
    this.#skip = !this.#skip && this.#isKnown && this.#mask_ms > SLOW_MS && age_ms >= 0 && age_ms < OLD_MS;
    if (this.#skip) {
      low.mask.follow(low.light);
      return;
    }
    this.#isKnown = false; // until there is a new mask, whatever fails
    const began_ms = performance.now();
    const found = this.#source.mask(picture, time_ms);
    if (found === null || found.length !== SIDE * SIDE) return;
    this.#mask_ms = 0.9 * this.#mask_ms + 0.1 * (performance.now() - began_ms);
    low.mask.update(found, low.light);
    this.#made_ms = time_ms;
    this.#isKnown = true;
  }

  /** What is behind, from the picture itself. */
  #blur(picture: Planes, low: Low): void {
    const usual = WEAKEST + this.#strength * (STRONGEST - WEAKEST);
    const part = this.#isKnown ? usual : Math.max(LEAST_WHOLE, usual);
    shrinkAll(picture, low);
    blurBackground(low, this.#isKnown, part * low.behind[0].height);
  }

  #prepare({ width, height }: Planes): Low {
    const size = `${width}x${height}`;
    if (this.#low !== null && this.#size === size) return this.#low;
    this.#isKnown = false;
    this.#low = lowOf(width, height);
    this.#size = size;
    return this.#low;
  }
}

function lowOf(width: number, height: number): Low {
  const factor = Math.max(1, Math.round(width / MASK_WIDTH));
  const [columns, rows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const light = layer(Math.ceil(width / factor), Math.ceil(height / factor));
  const half = () => layer(Math.ceil(columns / factor), Math.ceil(rows / factor));
  const mask = new PersonMask(light.width, light.height);
  const behind = [half(), half(), half()] as const;
  return {
    factor,
    light,
    mask,
    behind,
    weight: half(),
    scratch: half(),
    mixer: new Mixer(width, height, mask.layer, behind),
  };
}

function shrinkAll({ width, height, u, v }: Planes, { factor, light, behind }: Low): void {
  const [columns, rows] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  halved(light, behind[0]);
  shrunk(u, columns, rows, factor, behind[1]);
  shrunk(v, columns, rows, factor, behind[2]);
}

/**
 * Blur the background by its own colours: what is the person's counts next to nothing, or they would glow around
 * themselves. While nobody is known everything counts alike.
 */
function blurBackground({ behind, weight, mask, scratch }: Low, isKnown: boolean, sigma: number): void {
  if (!isKnown) {
    for (const one of behind) softened(one, sigma, scratch);
    return;
  }
  const weights = weight.data;
  halved(mask.layer, weight);
  for (let at = 0; at < weights.length; at++) weights[at] = 1.001 - (weights[at] as number);
  for (const { data } of behind) {
    for (let at = 0; at < data.length; at++) data[at] = (data[at] as number) * (weights[at] as number);
  }
  for (const one of [...behind, weight]) softened(one, sigma, scratch);
  for (const { data } of behind) {
    for (let at = 0; at < data.length; at++) {
      data[at] = Math.min(255, (data[at] as number) / (weights[at] as number));
    }
  }
}
