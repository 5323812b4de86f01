/**
 * How connections went, read from what was seen of their ICE: one outcome for each attempt to connect, once. As
 * `nbrtc.ice.outcome` reads it for whoever has Python, and with no address, name or server in it.
 */
import type { CandidateSeen, IceOutcomeJson, IceRecord, IceStateSeen, PairSeen } from "../messages";

/** Under way at once; the oldest is forgotten beyond this. */
const MAX_ATTEMPTS = 64;
/** Remembered of one attempt. */
const MAX_CANDIDATES = 200;
/** What is closed after so long without having connected did not work; earlier, it was not wanted any more. */
const GAVE_UP_S = 10;
/** So long after a connection's start its selected pair is still waited for. */
const SETTLE_S = 2;

class Attempt {
  readonly candidates = new Map<string, CandidateSeen>();
  selected: PairSeen | null = null;
  connectedS: number | null = null;
  isTold = false;

  constructor(readonly startedS: number) {}

  get isDue(): boolean {
    return this.connectedS !== null && !this.isTold;
  }

  get isKnown(): boolean {
    const { candidates, selected } = this;
    return selected !== null && candidates.has(selected.localId) && candidates.has(selected.remoteId);
  }

  /** What is still to be told when it ends. */
  close(nowS: number): readonly IceOutcomeJson[] {
    const gaveUp = this.connectedS === null && nowS - this.startedS >= GAVE_UP_S;
    return !this.isTold && (this.isDue || gaveUp) ? [this.tell()] : [];
  }

  tell(): IceOutcomeJson {
    this.isTold = true;
    if (this.connectedS === null) return { success: false };
    const local = this.candidates.get(this.selected?.localId ?? "");
    const remote = this.candidates.get(this.selected?.remoteId ?? "");
    return {
      success: true,
      connectS: Math.max(0, this.connectedS - this.startedS),
      localType: local?.candidateType ?? null,
      remoteType: remote?.candidateType ?? null,
      relayProtocol: local?.candidateType === "relay" ? local.relayProtocol : null,
    };
  }
}

export class Outcomes {
  readonly #attempts = new Map<string, Attempt>();

  /** What is known now that these were seen, in this order. */
  take(records: readonly IceRecord[]): readonly IceOutcomeJson[] {
    return records.flatMap((record) => this.#look(record));
  }

  /** What is under way and has taken too long already: whoever leaves now gave up. */
  finish(nowS: number): readonly IceOutcomeJson[] {
    const told = [...this.#attempts.values()].flatMap((attempt) => attempt.close(nowS));
    this.#attempts.clear();
    return told;
  }

  #look(record: IceRecord): readonly IceOutcomeJson[] {
    const key = `${record.peer} ${record.generation}`;
    const attempt = this.#attempts.get(key) ?? this.#begun(key, record);
    if (attempt === null) return [];
    const told: IceOutcomeJson[] = [];
    const { connectedS } = attempt;
    if (attempt.isDue && connectedS !== null && record.timeS - connectedS > SETTLE_S)
      told.push(attempt.tell());
    if (record.type === "candidate-seen") {
      if (attempt.candidates.size < MAX_CANDIDATES) attempt.candidates.set(record.id, record);
    } else if (record.type === "pair-seen") {
      if (record.selected) attempt.selected = record;
    } else if (record.type === "ice-state-seen") {
      told.push(...this.#state(key, attempt, record));
    }
    if (attempt.isDue && attempt.isKnown) told.push(attempt.tell());
    return told;
  }

  /** Null for what comes after its connection was told. */
  #begun(key: string, record: IceRecord): Attempt | null {
    const isFirst =
      record.type === "ice-state-seen"
        ? ["start", "restart", "gathering"].includes(record.what)
        : record.type === "candidate-seen" || record.type === "candidate-failed";
    if (!isFirst) return null;
    const attempt = new Attempt(record.timeS);
    this.#attempts.set(key, attempt);
    if (this.#attempts.size > MAX_ATTEMPTS) this.#attempts.delete([...this.#attempts.keys()][0] as string);
    return attempt;
  }

  #state(key: string, attempt: Attempt, { what, state, timeS }: IceStateSeen): readonly IceOutcomeJson[] {
    if (what === "restart" || what === "closed") {
      if (what === "restart") this.#attempts.set(key, new Attempt(timeS));
      else this.#attempts.delete(key);
      if (what === "closed") return attempt.close(timeS);
      return attempt.isDue ? [attempt.tell()] : [];
    }
    if (what !== "connection" || attempt.connectedS !== null) return [];
    if (state === "connected" || state === "completed") attempt.connectedS = timeS;
    return state === "failed" && !attempt.isTold ? [attempt.tell()] : [];
  }
}
