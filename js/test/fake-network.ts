/** A path with a capacity, and a browser's estimate of it: grows where it is used or probed, falls when it queues. */
import type { Reading } from "../src/media/limits";

const AUDIO_BPS = 40_000;

/** The same numbers in every run (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class FakeNetwork {
  capacity_bps: number;
  idleRtt_s = 0.03;
  lossFraction = 0;
  /** False: like a browser that has no `availableOutgoingBitrate`. */
  saysEstimate = true;
  /** What the pictures need of what they may have: little where nothing moves. */
  content = 1;
  /** How many times the capacity a short burst gets through, and a probe believes. */
  burst = 0.95;
  #estimate_bps = 300_000;
  #queue_s = 0;
  #allowed_bps = 0;
  #age_s = 0;
  /** Less was sent than would go: only then a browser probes when it may send more. */
  #isLimitedBySource = false;
  readonly #random: () => number;

  constructor(capacity_bps: number, seed = 1) {
    this.capacity_bps = capacity_bps;
    this.#random = randomOf(seed);
  }

  /** One second in which the encoder may send `allowed_bps` at `fps`. */
  second(allowed_bps: number, fps: number): Reading {
    this.#age_s += 1;
    const noise = () => 0.95 + 0.1 * this.#random();
    const capacity_bps = this.capacity_bps * noise();
    const video_bps =
      Math.min(this.content * allowed_bps, Math.max(30_000, this.#estimate_bps - AUDIO_BPS)) * noise();
    const total_bps = video_bps + AUDIO_BPS;
    const isLimitedBySource = total_bps < 0.65 * this.#estimate_bps;
    const probes = this.#age_s <= 2 || (allowed_bps > this.#allowed_bps && this.#isLimitedBySource);
    this.#isLimitedBySource = isLimitedBySource;
    this.#allowed_bps = allowed_bps;
    const arrived_bps = Math.min(total_bps, capacity_bps);
    this.#queue_s = Math.min(0.5, Math.max(0, this.#queue_s + (total_bps - capacity_bps) / capacity_bps));
    const lost = this.#queue_s >= 0.5 ? (total_bps - arrived_bps) / total_bps : 0;
    if (this.#queue_s > 0.05) this.#estimate_bps = 0.85 * arrived_bps;
    else if (!isLimitedBySource) {
      const most = Math.max(this.#estimate_bps, 1.5 * arrived_bps + 10_000);
      this.#estimate_bps = Math.min(most, 1.08 * this.#estimate_bps);
    }
    if (probes && this.#queue_s === 0) {
      const probed_bps = 2 * (this.#age_s <= 2 ? 900_000 : allowed_bps + AUDIO_BPS);
      this.#estimate_bps = Math.max(this.#estimate_bps, Math.min(this.burst * capacity_bps, probed_bps));
    }
    return {
      available_bps: this.saysEstimate ? this.#estimate_bps : null,
      sent_bps: video_bps,
      lossFraction: Math.min(1, lost + this.lossFraction * noise()),
      rtt_s: this.idleRtt_s * noise() + this.#queue_s,
      limitation: video_bps < 0.8 * this.content * allowed_bps ? "bandwidth" : "none",
      encode_s: 0.005,
      fps,
      askedFps: fps,
    };
  }
}
