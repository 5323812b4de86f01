/** Polls getStats of peer connections: plotted here at once, sent on to the kernel's statistics store. */
import { effect, type ReadonlySignal } from "@preact/signals";
import type { PlotPoint } from "../contract";
import type { StatsSample } from "../messages";
import { derivePoint } from "./point";
import { pollStats } from "./report";

export interface StatsListener {
  /** Each poll, and what the plots show of it. */
  onSample(sample: StatsSample, point: PlotPoint): void;
  /** A poll failed, the first one in a row; the next one is tried all the same, and its rates span the gap. */
  onProblem(error: unknown): void;
}

/** More often than this a browser only repeats itself, and less often nobody sees what happens. */
const LEAST_S = 0.1;
const MOST_S = 5;

/** Whose connection it is; the signal aborts with it. */
export interface Followed {
  readonly peer: string;
  readonly generation: number;
  readonly signal: AbortSignal;
}

/** Polls all connections of a call, each at its own pace. */
export class StatsPoller {
  constructor(
    private readonly listener: StatsListener,
    /** Seconds from poll to poll; a change counts from the last poll on. */
    private readonly interval_s: ReadonlySignal<number>,
  ) {}

  /**
   * Poll until the signal aborts or the connection is closed. The next poll waits for the one before it, so a slow
   * browser is asked less often and never twice at once. Rejects only with what the listener throws.
   */
  async follow(connection: RTCPeerConnection, { peer, generation, signal }: Followed): Promise<void> {
    let previous: StatsSample | null = null;
    let isFailing = false;
    while (!signal.aborted && connection.connectionState !== "closed") {
      const begun_ms = performance.now();
      const outcome = await pollStats(connection).then(
        (body) => ({ body }),
        (error: unknown) => ({ error }),
      );
      if (signal.aborted) return;
      if ("body" in outcome) {
        const sample: StatsSample = { type: "stats", peer, generation, ...outcome.body };
        const point = derivePoint(previous, sample);
        previous = sample;
        this.listener.onSample(sample, point);
      } else if (!isFailing) {
        this.listener.onProblem(outcome.error);
      }
      isFailing = "error" in outcome;
      await pause(begun_ms, this.interval_s, signal);
    }
  }
}

/** Resolves the interval after `begun_ms`, however it changes meanwhile, or at once when the signal aborts. */
function pause(begun_ms: number, interval_s: ReadonlySignal<number>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const done = () => {
      clearTimeout(timer);
      forget();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const forget = effect(() => {
      clearTimeout(timer);
      const wait_s = Math.min(MOST_S, Math.max(LEAST_S, interval_s.value));
      timer = setTimeout(done, begun_ms + wait_s * 1000 - performance.now());
    });
    signal.addEventListener("abort", done);
  });
}
