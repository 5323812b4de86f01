/**
 * The way to Python that lasts for a call: one link at a time, built anew with growing pauses whenever it breaks. Knows
 * nothing of devices, views or the call's state.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
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

export interface ConnectionOptions extends Pick<LinkOptions, "candidate" | "onEvent" | "onOpen" | "onCall"> {
  readonly ice: () => LinkOptions["ice"];
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
    this.#takeOver = false;
    this.#disturbance.value = null;
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

  /** False if there is no open link. */
  send(intent: Intent): boolean {
    return this.#link?.send(intent) ?? false;
  }

  /** The link is of no use any more: build another, until one works or the attempts are used up. */
  lose(reason: string): void {
    if (!this.#running || this.#retry !== undefined) return;
    this.#drop(); // now, so that its offer is not repeated during the pause
    this.#disturbance.value = reason;
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
    this.#running = false;
    this.#attempt = 0;
    this.#disturbance.value = null;
    this.#drop();
  }

  async #build(): Promise<void> {
    const ended = new AbortController();
    this.#ended = ended;
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
        ice: this.#options.ice(),
        offer: (offer) => this.#options.offer({ ...offer, id: newId() }, ended.signal),
        onFailed: (reason) => this.lose(reason),
      });
      this.#link = link;
      this.#options.onLink(link, ended.signal);
      await link.start();
    } catch (error) {
      if (!ended.signal.aborted) this.#refused(error);
    }
  }

  #refused(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof RefusedError && error.code === "no-answer") this.lose(text);
    else this.#giveUp(text);
  }

  #giveUp(reason: string): void {
    this.stop();
    this.#options.onGivenUp(reason);
  }

  #look(): void {
    const link = this.#link;
    if (link === null || !link.isOpen) return;
    if (link.silent_ms > REBUILD_MS) this.lose("Python has not been heard for 3 s.");
    else if (link.silent_ms > SILENT_MS) this.#disturbance.value ??= "No sign of Python; waiting for it.";
    else if (this.#attempt === 0) this.#disturbance.value = null; // a hole that healed; a new link is confirmed
  }

  #drop(): void {
    this.#ended.abort();
    this.#link?.close();
    this.#link = null;
  }
}
