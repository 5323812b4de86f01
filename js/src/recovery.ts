/**
 * When a connection to another participant counts as broken, and what is tried then, in this order: an ICE restart where
 * the connection once worked, new connections, one through a TURN server alone. What once worked is tried again and
 * again after that, for as long as the other is there. Timers and counting only.
 */

/** So long a connection may take to open, or a remedy to help; Jitsi's value. */
export const OPEN_MS = 15_000;
/** After this long of "disconnected" the bytes are looked at: shorter holes heal by themselves. */
export const STALL_MS = 3_000;
/** Remedies before the relay. */
export const TRIES = 3;
/**
 * How often a working connection is looked at: Chromium calls it "disconnected" only after 6 to 7 s. While media flows,
 * `GAP_MS` without anything is enough, since a restart costs nothing where it was not needed; a quiet connection is
 * heard of every 2.5 s only, by its consent checks (RFC 7675).
 */
export const LOOK_MS = 500;
export const GAP_MS = 2_000;
export const QUIET_MS = 6_000;
/** What comes in between two looks where media flows, be it silence; checks and reports are less. */
const FLOW_BYTES = 250;
/** After a gap of this length the receiver may wait for a key frame that it asked for in vain. */
const RESUMED_MS = 1_000;
/** After the network changed, a connection that is as good as before has been heard within this time. */
export const CHANGED_MS = 1_000;
/** The same for a connection on which nothing flows: its checks come every 2.5 s. */
export const CHANGED_QUIET_MS = 3_000;

/** "retry": the ladder is used up, and the person knows. */
export type Remedy = "restart" | "rebuild" | "relay" | "retry";

export interface Patient {
  /** Bytes that have come in so far, and checks of the path; what cannot be measured counts as stalled. */
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
  /** After a silence something comes again, over the same connection. */
  readonly onResumed: () => void;
}

export class Recovery {
  readonly #patient: Patient;
  #state: RTCPeerConnectionState = "new";
  #tries = 0;
  #restarting = false;
  #waiting = false;
  #givenUp = false;
  #wasConnected = false;
  #everConnected = false;
  /** Media came at the last looks. */
  #isFlowing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #looks: ReturnType<typeof setInterval> | undefined;

  constructor(patient: Patient) {
    this.#patient = patient;
  }

  /**
   * A new connection is being made, `byOther` where the other side has begun it; it has `OPEN_MS` to open. `isRetry` where
   * it is what `heal("retry")` asked for.
   */
  begin(byOther: boolean, isRetry = false): void {
    if (byOther && this.#tries > 0) this.#tries = Math.min(this.#tries + 1, TRIES);
    this.#givenUp &&= isRetry;
    this.#waiting = this.#restarting = this.#wasConnected = false;
    this.#state = "new";
    clearInterval(this.#looks);
    this.#wait();
  }

  changed(state: RTCPeerConnectionState): void {
    this.#state = state;
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#tries = 0;
      this.#restarting = this.#waiting = this.#givenUp = false;
      this.#wasConnected = this.#everConnected = true;
      this.#guard();
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
      if (!this.#givenUp) this.#patient.onGivenUp();
      this.#givenUp = true;
      if (!this.#everConnected) return;
      this.#wait();
      this.#patient.heal("retry");
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
    else if (this.#tries > 0) this.#renew(); // what was said of this remedy may be lost
  }

  /**
   * This computer's network is another one, or back: what does not work any more is mended now. Where `isOther` is false
   * the browser only judges its quality anew, which may or may not be for that reason.
   */
  async networkChanged(isOther: boolean): Promise<void> {
    if (this.#givenUp || this.#tries > 0) {
      if (!isOther) return;
      if (this.#givenUp) this.again();
      else this.#renew(); // candidates that were gathered without a network lead nowhere
      return;
    }
    if (!this.#wasConnected) return;
    const before = await this.#patient.received();
    if (this.#state === "closed" || this.#restarting) return;
    clearTimeout(this.#timer);
    const isHeardOften = this.#isFlowing || this.#state === "disconnected";
    const wait_ms = isHeardOften ? CHANGED_MS : CHANGED_QUIET_MS;
    this.#timer = setTimeout(async () => {
      const after = await this.#patient.received();
      if (this.#state === "closed" || this.#restarting) return;
      if (after <= before) this.step();
      else if (this.#state === "disconnected") void this.#watch();
    }, wait_ms);
  }

  /** The remedy once more, which had no chance yet. */
  #renew(): void {
    this.#tries -= 1;
    this.step();
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
    clearInterval(this.#looks);
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

  /** Look whether anything comes, as long as the connection counts as working. */
  #guard(): void {
    clearInterval(this.#looks);
    let known: number | null = null;
    let [still_ms, before] = [0, 0];
    this.#isFlowing = false;
    this.#looks = setInterval(async () => {
      const received = await this.#patient.received();
      if (this.#state !== "connected") return;
      const grown = received - (known ?? received);
      if (grown > 0) {
        const isGap = this.#isFlowing && still_ms >= RESUMED_MS;
        if (this.#restarting || isGap) this.#patient.onResumed();
        // a restart that helps before the browser has noticed anything changes no state
        if (this.#restarting) this.changed("connected");
        // the last look before a gap may have seen but one packet
        this.#isFlowing = Math.max(grown, still_ms === 0 ? before : 0) > FLOW_BYTES;
        before = grown;
        still_ms = 0;
      } else if (known !== null) still_ms += LOOK_MS;
      const limit_ms = this.#isFlowing ? GAP_MS : QUIET_MS;
      if (received > 0 && still_ms >= limit_ms && !this.#restarting) this.step();
      known = received; // it falls with a restart, whose paths are counted anew
    }, LOOK_MS);
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
