/** Tells the room's server how connections went, where it collects that. Nobody waits for it. */
import type { AnalyticsReport, IceOutcomeJson } from "../messages";

const PATH = "/api/webrtc-analytics";
/** In one report; `MAX_OUTCOMES` of messages/signaling.py. */
const MAX_OUTCOMES = 20;
/** Outcomes that wait; the oldest are given up beyond this. */
const MAX_WAITING = 100;
/** Before a report, in which further outcomes come together. */
const PAUSE_MS = 5_000;
const POST_MS = 5_000;

export class Reporter {
  readonly #token: () => string | null;
  #waiting: IceOutcomeJson[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `token` gives what shows whose seat it is; null where the server collects nothing, or nobody is in a room. */
  constructor(token: () => string | null) {
    this.#token = token;
  }

  /** Report these soon. */
  add(outcomes: readonly IceOutcomeJson[]): void {
    if (outcomes.length === 0 || this.#token() === null) return;
    this.#waiting = [...this.#waiting, ...outcomes].slice(-MAX_WAITING);
    this.#timer ??= setTimeout(() => this.flush(), PAUSE_MS);
  }

  /** Report what waits now. The seat is given up soon, or the pause is over; idempotent. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const token = this.#token();
    if (token === null) {
      this.#waiting = [];
      return;
    }
    const outcomes = this.#waiting.splice(0, MAX_OUTCOMES);
    if (outcomes.length > 0) void this.#post({ outcomes }, token);
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.flush(), PAUSE_MS);
  }

  /** Report nothing any more; idempotent. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
  }

  async #post(report: AnalyticsReport, token: string): Promise<void> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), POST_MS);
    try {
      await fetch(PATH, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
        body: JSON.stringify(report),
        signal: late.signal,
        redirect: "error", // a token goes to the server that gave it, and to no other
        keepalive: true, // also of a page that goes away
      });
    } catch {
      // figures that lack a few are no worse
    } finally {
      clearTimeout(timer);
    }
  }
}
