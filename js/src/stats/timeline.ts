/**
 * The way of events to Python: over the link where it is open, and in order. What happens before that waits, because
 * why a connection does not open is worth most; what has waited too long takes the comm.
 */
import type { StatsEvent } from "../messages";

/** A page in trouble (thousands of candidates, a track that flickers) must not drown the call in reports of it. */
export const MOST_A_SECOND = 50;
/**
 * Longer than a link takes to open on a bad day; after that the comm will do. So no more than two or three seconds' events
 * ever wait, and none has to be dropped.
 */
export const WAIT_MS = 2000;

export type Happening = Pick<StatsEvent, "peer" | "name"> & Partial<Pick<StatsEvent, "value" | "generation">>;

export interface TimelineOptions {
  /** By the link's data channel; false where it is not open. */
  readonly send: (event: StatsEvent) => boolean;
  readonly sendByComm: (event: StatsEvent) => void;
}

export class Timeline {
  readonly #options: TimelineOptions;
  #running = false;
  #waiting: StatsEvent[] = [];
  #noted = 0;
  /** Dropped in this second; the event `overflow` says how many. */
  #dropped = 0;
  #second: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TimelineOptions) {
    this.#options = options;
  }

  /** A call begins: from now on what happens is told. Idempotent. */
  start(): void {
    this.#running = true;
  }

  note({ peer, name, value = "", generation = 0 }: Happening): void {
    if (!this.#running) return;
    if (this.#noted >= MOST_A_SECOND) {
      this.#dropped += 1;
      return;
    }
    this.#noted += 1;
    this.#second ??= setTimeout(() => this.#nextSecond(), 1000);
    this.#waiting.push({ type: "event", timeS: Date.now() / 1000, peer, name, value, generation });
    this.flush();
  }

  /** The link opened: what waits goes. */
  flush(): void {
    let sent = 0;
    for (const event of this.#waiting) {
      if (!this.#options.send(event)) break;
      sent += 1;
    }
    this.#waiting.splice(0, sent);
    if (this.#waiting.length > 0) this.#patience ??= setTimeout(() => this.#goByComm(), WAIT_MS);
    else this.#stopWaiting();
  }

  /** The call ended: what is left goes, and nothing more is told. Idempotent. */
  stop(): void {
    clearTimeout(this.#second);
    this.#nextSecond();
    clearTimeout(this.#second);
    this.#second = undefined;
    this.#noted = 0;
    this.#goByComm();
    this.#running = false;
  }

  #nextSecond(): void {
    this.#second = undefined;
    this.#noted = 0;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.note({ peer: "", name: "overflow", value: String(dropped) });
  }

  #goByComm(): void {
    this.#stopWaiting();
    for (const event of this.#waiting.splice(0)) this.#options.sendByComm(event);
  }

  #stopWaiting(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }
}
