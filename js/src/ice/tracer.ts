/** Follows the ICE of all connections of this page, and says it in batches to Python, or to what stands in its place. */
import type { CandidateRefused, IceRecord, Intent } from "../messages";
import { ConnectionTrace } from "./connection-trace";

const BATCH_MS = 250;
/** `MAX_TRACE` of messages/page.py. */
const MOST_AT_ONCE = 200;
/** While nobody can be told, as without a link before the comm answers; the oldest candidates and pairs go first. */
const MOST_WAITING = 1_000;

export interface TracerOptions {
  /** By the link, else by the comm. */
  readonly send: (intent: Intent) => void;
}

export class Tracer {
  readonly #options: TracerOptions;
  readonly #traces = new Map<string, ConnectionTrace>();
  #waiting: IceRecord[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TracerOptions) {
    this.#options = options;
  }

  follow(peer: string, connection: RTCPeerConnection, generation: number, signal: AbortSignal): void {
    const emit = (record: IceRecord) => this.#keep(record);
    const trace = new ConnectionTrace(connection, { peer, generation, signal, emit });
    this.#traces.set(peer, trace);
    const forget = () => {
      if (this.#traces.get(peer) === trace) this.#traces.delete(peer);
    };
    signal.addEventListener("abort", forget, { once: true });
  }

  /** The newest connection to somebody; null where there is none. */
  of(peer: string): ConnectionTrace | null {
    return this.#traces.get(peer) ?? null;
  }

  refused(peer: string, generation: number, address: string, reason: string): void {
    const record: CandidateRefused = {
      type: "candidate-refused",
      timeS: Date.now() / 1000,
      peer,
      generation,
      address,
      reason,
    };
    this.#keep(record);
  }

  #keep(record: IceRecord): void {
    this.#waiting.push(record);
    if (this.#waiting.length > MOST_WAITING) this.#thin();
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** States tell the story; of candidates and pairs there may be a flood. */
  #thin(): void {
    const place = this.#waiting.findIndex(({ type }) => type !== "ice-state-seen");
    this.#waiting.splice(Math.max(0, place), 1);
  }

  /** Say what waits, as far as one message goes. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const records = this.#waiting.splice(0, MOST_AT_ONCE);
    if (records.length > 0) this.#options.send({ type: "ice", records });
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.flush(), BATCH_MS);
  }
}
