/**
 * When a connection to another participant counts as broken, and what is tried then, in this order: an ICE restart where
 * the connection once worked, new connections, one through a TURN server alone. Timers and counting only.
 */

/** So long a connection may take to open, or a remedy to help; Jitsi's value. */
export const OPEN_MS = 15_000;
/** After this long of "disconnected" the bytes are looked at: shorter holes heal by themselves. */
export const STALL_MS = 3_000;
/** Remedies before the relay. */
export const TRIES = 3;

export type Remedy = "restart" | "rebuild" | "relay";

export interface Patient {
  /** Bytes that have come in so far; what cannot be measured counts as stalled. */
  readonly received: () => Promise<number>;
  readonly canRestart: () => boolean;
  /** A TURN server is configured. */
  readonly hasRelay: () => boolean;
  /** Our messages reach the other side: without that no remedy can work, and none is used up. */
  readonly isReachable: () => boolean;
  readonly heal: (remedy: Remedy) => void;
  /** A remedy waits until the other side can be reached. */
  readonly onWaiting: () => void;
  readonly onGivenUp: () => void;
}

export class Recovery {
  readonly #patient: Patient;
  #state: RTCPeerConnectionState = "new";
  #tries = 0;
  #restarting = false;
  #waiting = false;
  #givenUp = false;
  #wasConnected = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(patient: Patient) {
    this.#patient = patient;
  }

  /** A new connection is being made, `byOther` where the other side has begun it; it has `OPEN_MS` to open. */
  begin(byOther: boolean): void {
    if (byOther && this.#tries > 0) this.#tries = Math.min(this.#tries + 1, TRIES);
    this.#givenUp = this.#waiting = this.#restarting = this.#wasConnected = false;
    this.#state = "new";
    this.#wait();
  }

  changed(state: RTCPeerConnectionState): void {
    this.#state = state;
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#tries = 0;
      this.#restarting = this.#waiting = this.#givenUp = false;
      this.#wasConnected = true;
    } else if (state === "disconnected" && !this.#restarting) void this.#watch();
    // what failed during a restart is what the restart is to mend
    else if (state === "failed" && !this.#restarting) this.step();
  }

  /** The connection is of no use: the next remedy, now. */
  step(): void {
    clearTimeout(this.#timer);
    this.#waiting = !this.#patient.isReachable();
    if (this.#waiting) {
      this.#patient.onWaiting();
      return;
    }
    this.#tries += 1;
    const remedy = this.#remedy();
    if (remedy === null) {
      this.#givenUp = true;
      this.#patient.onGivenUp();
      return;
    }
    this.#restarting = remedy === "restart";
    this.#wait();
    this.#patient.heal(remedy);
  }

  /** The other side can be reached again. */
  reachable(): void {
    if (this.#givenUp) this.again();
    else if (this.#waiting) this.step();
  }

  /** From the beginning, on a click. */
  again(): void {
    this.#tries = 0;
    this.#givenUp = false;
    this.#wasConnected = false; // a restart was tried already, if it could help
    this.step();
  }

  /** Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#state = "closed"; // a look at the bytes that is under way ends with it
    this.#waiting = false;
  }

  #remedy(): Remedy | null {
    if (this.#tries === 1 && this.#wasConnected && this.#patient.canRestart()) return "restart";
    if (this.#tries <= TRIES) return "rebuild";
    return this.#tries === TRIES + 1 && this.#patient.hasRelay() ? "relay" : null;
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.step(), OPEN_MS);
  }

  async #watch(): Promise<void> {
    clearTimeout(this.#timer);
    const before = await this.#patient.received();
    if (this.#state !== "disconnected") return;
    this.#timer = setTimeout(async () => {
      const after = await this.#patient.received();
      if (this.#state !== "disconnected" || this.#restarting) return;
      if (after > before) void this.#watch();
      else this.step();
    }, STALL_MS);
  }
}
