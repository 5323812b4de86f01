/**
 * What the statistics panel draws now: the one clock of all its charts and texts.
 *
 * Points come several times a second, one for each connection; a frame comes once a second at most, and none while
 * nobody can see it. What the person does is drawn at once.
 */
import { effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { PlotPoint, StatsSeries } from "../../contract";
import { Colours, coloursIn, type Palette } from "./palette";
import type { Panel } from "./panel";
import { type Extent, type Range, rangeOf } from "./time-window";
import { indexAt, Timeline } from "./timeline";

export interface FrameSeries extends StatsSeries {
  /** Which colour of the palette: a participant keeps it. */
  readonly colour: number;
}

export interface Frame {
  /** Those that the person wants to see. */
  readonly series: readonly FrameSeries[];
  /** Everybody, for the menu. */
  readonly all: readonly FrameSeries[];
  readonly extent: Extent;
  readonly range: Range;
  readonly palette: Palette;
  /** What the person did, and not only time that went on: it is drawn even where little moved. */
  readonly isAsked: boolean;
}

const timelines = new WeakMap<Frame, Timeline>();
const widths = new WeakMap<Timeline, number>();

/** The same one for all charts of this width, which they usually have. */
export function timelineOf(frame: Frame, width_px: number): Timeline {
  const known = timelines.get(frame);
  if (known !== undefined && widths.get(known) === width_px) return known;
  const made = new Timeline(
    frame.series.map(({ points }) => points),
    frame.range,
    width_px,
  );
  timelines.set(frame, made);
  widths.set(made, width_px);
  return made;
}

/** A little less than the usual interval, or every other poll would wait for the next one. */
const LEAST_MS = 950;

/** At rest the newest value is shown, unless it is older than this: then nobody knows. */
const FRESH_S = 10;

/** What stands at `time_s`, within `tolerance_s` of it. */
export function pointAt(
  points: readonly PlotPoint[],
  time_s: number,
  tolerance_s: number,
): PlotPoint | undefined {
  const after = indexAt(points, time_s);
  const [one, other] = [points[after - 1], points[after]];
  const distance = (point: PlotPoint | undefined) =>
    point === undefined ? Number.POSITIVE_INFINITY : Math.abs(point.time_s - time_s);
  const nearest = distance(one) < distance(other) ? one : other;
  return distance(nearest) <= tolerance_s ? nearest : undefined;
}

/** The time whose values are read: the cursor's, else the end of the picture. */
export function readingTime({ range: { from_s, to_s } }: Frame, cursor: number | null): number {
  return cursor === null ? to_s : from_s + cursor * (to_s - from_s);
}

/** Each participant's point at the cursor, or the newest ones. */
export function readingOf(frame: Frame, cursor: number | null): readonly (PlotPoint | undefined)[] {
  const { from_s, to_s } = frame.range;
  const time_s = readingTime(frame, cursor);
  const tolerance_s = cursor === null ? FRESH_S : Math.max(3, (to_s - from_s) / 50);
  return frame.series.map(({ points }) => pointAt(points, time_s, tolerance_s));
}

const extentOf = (series: readonly StatsSeries[], now_s: number): Extent => {
  const firsts = series.flatMap(({ points }) => points[0]?.time_s ?? []);
  const lasts = series.flatMap(({ points }) => points.at(-1)?.time_s ?? []);
  return firsts.length === 0
    ? { first_s: now_s, last_s: now_s }
    : { first_s: Math.min(...firsts), last_s: Math.max(...lasts) };
};

export class Frames {
  readonly frame: ReadonlySignal<Frame>;
  readonly #frame: Signal<Frame>;
  readonly #panel: Panel;
  readonly #root: () => HTMLElement | null;
  readonly #colours = new Colours();
  readonly #isVisible = signal(false);
  #drawn_ms = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(panel: Panel, root: () => HTMLElement | null) {
    this.#panel = panel;
    this.#root = root;
    this.#frame = signal(this.#next(true));
    this.frame = this.#frame;
  }

  /** Follow the feed and the person's choices while `root` can be seen, until `signal` aborts. */
  follow(root: HTMLElement, ended: AbortSignal): void {
    const stops = [
      effect(() => {
        this.#panel.feed.series.value;
        if (this.#isVisible.peek()) this.#soon();
      }),
      effect(() => {
        this.#panel.window.value;
        this.#panel.choice.isShown.value;
        if (this.#isVisible.value) this.#draw(true);
      }),
    ];
    const document = root.ownerDocument;
    let isInside = true;
    const look = () => {
      this.#isVisible.value = isInside && !document.hidden;
    };
    const places = new IntersectionObserver((entries) => {
      isInside = entries.at(-1)?.isIntersecting ?? true;
      look();
    });
    places.observe(root);
    document.addEventListener("visibilitychange", look, { signal: ended });
    const stopThemes = onTheme(document, ended, () => this.#isVisible.peek() && this.#draw(true));
    look();
    ended.addEventListener(
      "abort",
      () => {
        clearTimeout(this.#timer);
        places.disconnect();
        stopThemes();
        for (const stop of stops) stop();
      },
      { once: true },
    );
  }

  #soon(): void {
    // paused: what comes is beyond the picture
    const isStill = this.#panel.isLive && this.#panel.window.peek().end_s !== null;
    if (isStill || this.#panel.isHeld.peek() || this.#timer !== undefined) return;
    const wait_ms = this.#drawn_ms + LEAST_MS - performance.now();
    if (wait_ms <= 0) this.#draw(!this.#panel.isLive);
    else this.#timer = setTimeout(() => this.#draw(!this.#panel.isLive), wait_ms);
  }

  #draw(isAsked: boolean): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drawn_ms = performance.now();
    this.#frame.value = this.#next(isAsked);
  }

  #next(isAsked: boolean): Frame {
    const all = this.#panel.feed.series.peek().map((series) => ({
      ...series,
      colour: this.#colours.of(series.peer),
    }));
    const isShown = this.#panel.choice.isShown.peek();
    const series = all.filter(({ peer }) => isShown(peer));
    const extent = extentOf(series, Date.now() / 1000);
    return {
      all,
      series,
      extent,
      range: rangeOf(this.#panel.window.peek(), extent),
      palette: coloursIn(this.#root()),
      isAsked,
    };
  }
}

/** The notebook's theme is a matter of its body, the system's of a media query. */
function onTheme(document: Document, ended: AbortSignal, change: () => void): () => void {
  const changes = new MutationObserver(change);
  changes.observe(document.body, { attributes: true });
  document.defaultView
    ?.matchMedia("(prefers-color-scheme: dark)")
    .addEventListener("change", change, { signal: ended });
  return () => changes.disconnect();
}
