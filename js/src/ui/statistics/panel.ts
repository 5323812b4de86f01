/** What a person chose to see in a statistics panel. One for each feed, so that a drawer opens as it was closed. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { SessionView, StatsFeed } from "../../contract";
import { DEFAULT_METRICS, metrics } from "./metrics";
import type { TimeWindow } from "./time-window";

/** Metrics and participants: remembered by the browser for calls, by Python for a `StatsView`. */
export interface Choice {
  readonly metrics: Signal<readonly string[]>;
  readonly isShown: ReadonlySignal<(peer: string) => boolean>;
  /** `all` are the peers that there are now. */
  show(peer: string, on: boolean, all: readonly string[]): void;
}

export interface Panel {
  readonly feed: StatsFeed;
  readonly choice: Choice;
  /** More may come; what was loaded from a file needs no Pause. */
  readonly isLive: boolean;
  /** What `0` goes back to. */
  readonly usual: TimeWindow;
  readonly window: Signal<TimeWindow>;
  /** Where the cursor stands, as a share of the picture's width; null without one. */
  readonly cursor: Signal<number | null>;
  /** The picture stands still while something is dragged over it. */
  readonly isHeld: Signal<boolean>;
  /** Why there is nothing to see, where there is not; else empty. */
  readonly note: ReadonlySignal<string>;
  /** All findings are listed, not only the worst. */
  readonly isExpanded: Signal<boolean>;
}

export function panelOf(
  feed: StatsFeed,
  choice: Choice,
  isLive: boolean,
  note: ReadonlySignal<string> = signal(""),
): Panel {
  const usual: TimeWindow = { span_s: isLive ? 60 : null, end_s: null };
  return {
    feed,
    choice,
    isLive,
    usual,
    window: signal(usual),
    cursor: signal(null),
    isHeld: signal(false),
    note,
    isExpanded: signal(false),
  };
}

const KEY = "nbrtc.statistics";

/** Ids of participants are new with each join; only these mean the same in the next call. */
const LASTING = ["python", "you"];

/** Python's own end repeats the link's figures from the other side: shown to whoever asks for it. */
const HIDDEN_AT_FIRST: readonly string[] = ["you"];

class RememberedChoice implements Choice {
  readonly metrics: Signal<readonly string[]>;
  readonly isShown: ReadonlySignal<(peer: string) => boolean>;
  readonly #hidden: Signal<readonly string[]>;

  constructor() {
    const stored = load();
    this.metrics = signal(stored.metrics);
    this.#hidden = signal(stored.hidden);
    this.isShown = computed(() => {
      const hidden = this.#hidden.value;
      return (peer) => !hidden.includes(peer);
    });
    // the first run of subscribe is not a change
    let isFirst = true;
    const save = () => {
      if (!isFirst) store({ metrics: this.metrics.peek(), hidden: this.#hidden.peek() });
    };
    this.metrics.subscribe(save);
    this.#hidden.subscribe(save);
    isFirst = false;
  }

  show(peer: string, on: boolean): void {
    const others = this.#hidden.peek().filter((each) => each !== peer);
    this.#hidden.value = on ? others : [...others, peer];
  }
}

interface Stored {
  readonly metrics: readonly string[];
  readonly hidden: readonly string[];
}

function load(): Stored {
  let stored: Record<string, unknown> = {};
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? "{}") ?? {};
  } catch {
    // storage is denied or was written by something else: the defaults serve
  }
  const known = (value: unknown, all: readonly string[], fallback: readonly string[]) =>
    Array.isArray(value) ? all.filter((each) => value.includes(each)) : fallback;
  const chosen = known(
    stored.metrics,
    metrics.map(({ key }) => key),
    DEFAULT_METRICS,
  );
  return {
    metrics: chosen.length > 0 ? chosen : DEFAULT_METRICS,
    hidden: known(stored.hidden, LASTING, HIDDEN_AT_FIRST),
  };
}

function store({ metrics: keys, hidden }: Stored): void {
  try {
    const lasting = hidden.filter((peer) => LASTING.includes(peer));
    localStorage.setItem(KEY, JSON.stringify({ metrics: keys, hidden: lasting }));
  } catch {
    // a browser that keeps nothing still plots
  }
}

/** Instead of "no problems". */
export const RECONNECTING = "The call is reconnecting.";
const UNJUDGED = "Problems are looked for in notebooks only.";

type Call = Pick<SessionView, "phase" | "hasPython">;

function noteOf({ phase, hasPython }: Call, { series }: StatsFeed): string {
  if (phase.value === "reconnecting") return RECONNECTING;
  return hasPython || series.value.length === 0 ? "" : UNJUDGED;
}

const panels = new WeakMap<StatsFeed, Panel>();

/** The panel of a call, the same one in all its views and for as long as the call is there. */
export function callPanel(feed: StatsFeed, call?: Call): Panel {
  const known = panels.get(feed);
  if (known !== undefined) return known;
  const note = computed(() => (call === undefined ? "" : noteOf(call, feed)));
  const made = panelOf(feed, new RememberedChoice(), true, note);
  panels.set(feed, made);
  return made;
}
