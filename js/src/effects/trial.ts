/**
 * The graphics processor tried beside the processor, on the same first pictures. Meanwhile only the masks of the
 * processor are used, so that nobody sees what a driver makes of its first attempts.
 */
import type { Engine } from "../segmenter-module";

/** Pictures that are not counted: shaders are compiled for them. */
const WARM_UP = 3;
/** Pictures that are; without a race one is enough. */
const ROUNDS = 9;
/** The masks may differ by so much in the mean: they are calculated with fewer digits. */
const MAX_DIFFERENCE = 0.05;
/** The person's share of a picture that shows whether masks are right: two that are empty are always equal. */
const TELLING = { from: 0.02, to: 0.98 };
/** It has to be so much faster at least: what two engines hold, and the risk, are not for nothing. */
const GAIN = 0.8;
/** One that takes so many times as long is given up at once: every picture of the trial waits for it. */
const HOPELESS = 4;

export interface Verdict {
  readonly winner: "CPU" | "GPU";
  /** The end of a sentence. */
  readonly why: string;
}

export class Trial {
  readonly #cpu: Engine;
  readonly #gpu: Engine;
  readonly #isTimed: boolean;
  readonly #cpu_ms: number[] = [];
  readonly #gpu_ms: number[] = [];
  #rounds = 0;
  #verdict: Verdict | null = null;

  /** `isTimed`: the faster one wins; else the graphics processor does, as long as it is right. */
  constructor(cpu: Engine, gpu: Engine, isTimed: boolean) {
    this.#cpu = cpu;
    this.#gpu = gpu;
    this.#isTimed = isTimed;
  }

  /** Null while it goes on: until enough pictures had a person and a background. The loser is the caller's to close. */
  get verdict(): Verdict | null {
    return this.#verdict;
  }

  /** The processor's mask. Throws where that fails, which is no part of the trial. */
  segment(picture: ImageData, time_ms: number): Float32Array {
    const began_ms = performance.now();
    const mask = this.#cpu.segment(picture, time_ms);
    const spent_ms = performance.now() - began_ms;
    if (this.#verdict === null && isTelling(mask)) this.#compare(picture, time_ms, mask, spent_ms);
    return mask;
  }

  #compare(picture: ImageData, time_ms: number, mask: Float32Array, cpu_ms: number): void {
    const began_ms = performance.now();
    let other: Float32Array;
    try {
      other = this.#gpu.segment(picture, time_ms);
    } catch (error) {
      this.#verdict = { winner: "CPU", why: `the graphics processor failed (${error})` };
      return;
    }
    const spent_ms = performance.now() - began_ms;
    const difference = differenceOf(mask, other);
    if (!(difference <= MAX_DIFFERENCE)) {
      const share = Number.isNaN(difference) ? "are no numbers" : `differ by ${difference.toFixed(2)}`;
      this.#verdict = { winner: "CPU", why: `masks of the graphics processor ${share}` };
      return;
    }
    if (++this.#rounds <= WARM_UP) return;
    this.#cpu_ms.push(cpu_ms);
    this.#gpu_ms.push(spent_ms);
    const isHopeless = this.#isTimed && spent_ms > HOPELESS * cpu_ms;
    const rounds = this.#isTimed ? ROUNDS : 1;
    if (isHopeless || this.#gpu_ms.length === rounds) this.#verdict = this.#judge();
  }

  #judge(): Verdict {
    const [cpu_ms, gpu_ms] = [medianOf(this.#cpu_ms), medianOf(this.#gpu_ms)];
    const why = `${gpu_ms.toFixed(1)} ms a picture on the graphics processor, ${cpu_ms.toFixed(1)} ms without it`;
    return { winner: !this.#isTimed || gpu_ms <= GAIN * cpu_ms ? "GPU" : "CPU", why };
  }
}

function isTelling(mask: Float32Array): boolean {
  let sum = 0;
  for (const share of mask) sum += share;
  return sum >= TELLING.from * mask.length && sum <= TELLING.to * mask.length;
}

/** In the mean; NaN where they are of different sizes, or no numbers. */
function differenceOf(one: Float32Array, other: Float32Array): number {
  if (one.length !== other.length) return Number.NaN;
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += Math.abs((one[at] as number) - (other[at] as number));
  return sum / one.length;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[values.length >> 1] as number;
}
