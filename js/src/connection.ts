/**
 * The way to Python that lasts for a call: one link at a time, built anew with growing pauses whenever it breaks. Knows
 * nothing of devices, views or the call's state.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { HINT_MS } from "./ice/hint";
import type { Ways } from "./ice/ways";
import { newId } from "./ids";
import { Link, type LinkOptions, SILENT_MS } from "./link";
import type { Answer, Candidate, Intent, Offer } from "./messages";
import { RefusedError } from "./requests";
import type { Tap } from "./tap";

/** Often enough that the others miss Python's picture for less than a second before they are told. */
const WATCH_MS = 100;
/** After this much silence the link is built anew; shorter holes heal by themselves. */
export const REBUILD_MS = 3000;
/** Pauses before each attempt, as in LiveKit's clients; after the last one the call has failed. */
export const RETRY_MS = [0, 300, 1200, 2700, 4800, 7000, 7000, 7000, 7000, 7000];

const LAST_ATTEMPT = RETRY_MS.length - 1;

export interface ConnectionOptions extends Pick<LinkOptions, "candidate" | "onEvent" | "onOpen" | "onCall"> {
  readonly ice: Ways;
  /** What a new link carries to Python besides; null outside of a room. */
  readonly tap: () => Tap | null;
  /** Resolves when the engine has taken the offer; aborting means that nobody waits for that any more. */
  readonly offer: (offer: Offer, signal: AbortSignal) => Promise<void>;
  /** A new link, before it offers: give it tracks, show what it receives. `ended` aborts with it. */
  readonly onLink: (link: Link, ended: AbortSignal) => void;
  readonly onGivenUp: (reason: string) => void;
  /** Something did not work that the link can do without. */
  readonly onProblem: (text: string) => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #disturbance: Signal<string | null> = signal(null);
  #link: Link | null = null;
  #ended = new AbortController();
  #running = false;
  #takeOver = false;
  #generation = 0;
  #attempt = 0;
  /** This call worked: what the network does to it is no reason to give up. */
  #wasConfirmed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get link(): Link | null {
    return this.#link;
  }

  /** Why Python is out of reach at the moment, as a sentence; null while all is well. */
  get disturbance(): ReadonlySignal<string | null> {
    return this.#disturbance;
  }

  start(takeOver: boolean): void {
    this.stop();
    this.#running = true;
    this.#takeOver = takeOver;
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
    void this.#build();
  }

  /** The engine says that the call is connected: what was wrong is over. */
  confirm(): void {
    if (!this.#link?.isOpen || this.#retry !== undefined) return;
    this.#attempt = 0;
    this.#wasConfirmed = true;
    this.#takeOver = false;
    this.#disturbance.value = null;
    this.#options.ice.troubled("python", false);
  }

  answer(answer: Answer): void {
    const link = this.#link;
    if (link === null || link.generation !== answer.generation) return;
    link.answer(answer).catch((error: unknown) => {
      if (link === this.#link) this.lose(`The browser refused Python's answer (${error}).`);
    });
  }

  candidate(candidate: Candidate): void {
    const link = this.#link;
    if (link === null || link.generation !== candidate.generation) return;
    // one that the browser refuses is one path less
    link.takeCandidate(candidate).catch((error: unknown) => this.#options.onProblem(`${error}`));
  }

  /**
   * This computer has another network, or has it back: a link that is not heard now is of no use any more. Where `isOther`
   * is false the browser only judges its quality anew.
   */
  networkChanged(isOther: boolean): void {
    if (!this.#running) return;
    if (this.#retry !== undefined || (this.#attempt > 0 && !this.#link?.isOpen)) {
      if (!isOther) return;
      clearTimeout(this.#retry); // what it waited for may be over
      this.#retry = undefined;
      this.#drop(); // its candidates were gathered without a network
      void this.#build();
    } else if (this.#link?.isOpen) {
      const timer = setTimeout(() => {
        if ((this.#link?.silent_ms ?? 0) > SILENT_MS)
          this.lose("The network of this computer changed.", true);
      }, SILENT_MS + WATCH_MS);
      this.#ended.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    }
  }

  /** False if there is no open link. */
  send(intent: Intent): boolean {
    return this.#link?.send(intent) ?? false;
  }

  /**
   * The link is of no use any more: build another, until one works or the attempts are used up. Those that the network
   * ends (`isNetwork`) never are, in a call that worked: a train may be in a tunnel for minutes.
   */
  lose(reason: string, isNetwork = false): void {
    if (!this.#running || this.#retry !== undefined) return;
    this.#drop(); // now, so that its offer is not repeated during the pause
    this.#disturbance.value = reason;
    if (this.#wasConfirmed) this.#options.ice.troubled("python", true);
    if (isNetwork && this.#wasConfirmed) this.#attempt = Math.min(this.#attempt, LAST_ATTEMPT);
    const wait_ms = RETRY_MS[this.#attempt];
    if (wait_ms === undefined) {
      this.#giveUp(`${reason} ${RETRY_MS.length} attempts to reconnect did not help.`);
      return;
    }
    this.#attempt += 1;
    // spread, so that the pages of a class do not all come at once
    const spread_ms = wait_ms * (0.75 + Math.random() / 2);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#build();
    }, spread_ms);
  }

  /** Idempotent. */
  stop(): void {
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#retry = undefined;
    this.#running = this.#wasConfirmed = false;
    this.#attempt = 0;
    this.#disturbance.value = null;
    this.#options.ice.troubled("python", false);
    this.#drop();
  }

  async #build(): Promise<void> {
    const ended = new AbortController();
    this.#ended = ended;
    this.#explainSoon(ended.signal);
    if (!this.#options.ice.isFresh) await this.#options.ice.refresh();
    if (ended.signal.aborted) return;
    this.#generation += 1;
    const { candidate, onEvent, onOpen, onCall } = this.#options;
    const tap = this.#options.tap();
    try {
      const link = new Link({
        candidate,
        onEvent,
        onOpen,
        onCall,
        ...(tap === null ? {} : { tap }),
        generation: this.#generation,
        takeOver: this.#takeOver,
        ice: this.#options.ice.configuration,
        offer: (offer) => this.#options.offer({ ...offer, id: newId() }, ended.signal),
        onFailed: (reason) => this.lose(reason, true),
      });
      this.#link = link;
      this.#options.onLink(link, ended.signal);
      await link.start();
    } catch (error) {
      if (!ended.signal.aborted) this.#refused(error);
    }
  }

  /** Nobody waits before a spinner that says nothing. */
  #explainSoon(ended: AbortSignal): void {
    const timer = setTimeout(() => {
      if (this.#link?.isOpen) return;
      const said = this.#disturbance.value ?? "";
      const hint = this.#options.ice.hint("python", "Python");
      if (hint !== "" && !said.includes(hint)) this.#disturbance.value = `${said} ${hint}`.trim();
    }, HINT_MS);
    ended.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  #refused(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof RefusedError && error.code === "no-answer") this.lose(text, true);
    else this.#giveUp(text);
  }

  #giveUp(reason: string): void {
    this.stop();
    this.#options.onGivenUp(reason);
  }

  #look(): void {
    const link = this.#link;
    if (link === null || !link.isOpen) return;
    if (link.silent_ms > REBUILD_MS) this.lose("Python has not been heard for 3 s.", true);
    else if (link.silent_ms > SILENT_MS) this.#disturbance.value ??= "No sign of Python; waiting for it.";
    else if (this.#attempt === 0) this.#disturbance.value = null; // a hole that healed; a new link is confirmed
  }

  #drop(): void {
    this.#ended.abort();
    this.#link?.close();
    this.#link = null;
  }
}
