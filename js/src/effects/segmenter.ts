/** Loads what tells a person from the background, once, and runs it. In the worker. */
import type { createSegmenter, Parts, Segment } from "../segmenter-module";
import type { Planes } from "./picture";
import { scaleOf, WEIGHTS } from "./planes";

/** Names of the parts, put in by build.mjs; absent in tests. */
declare const NBRTC_SEGMENTER: SegmenterParts | undefined;

interface SegmenterParts {
  readonly module: string;
  readonly loader: string;
  readonly wasm: string;
  readonly model: string;
}

/** The model's own size. */
export const SIDE = 256;
/** A mask of a preview may be so old: nobody moves far in it meanwhile. */
const RECENT_MS = 250;
/** So often it may fail in a row. */
const MAX_FAILURES = 5;

export type Fetch = (name: string) => Promise<ArrayBuffer>;

export interface SegmenterOptions {
  readonly fetch: Fetch;
  /** Where scripts may be loaded from directly, if anywhere. */
  readonly base: () => string | null;
  readonly onStatus: (state: "preparing" | "running" | "failed", text: string) => void;
}

export class Segmenter {
  readonly #options: SegmenterOptions;
  readonly #picture = new ImageData(SIDE, SIDE);
  #segment: Segment | null = null;
  #close: () => void = () => undefined;
  #loading = false;
  #isClosed = false;
  #failures = 0;
  #time_ms = 0;
  #latest: { readonly mask: Float32Array; readonly made_ms: number } | null = null;

  constructor(options: SegmenterOptions) {
    this.#options = options;
  }

  /** Begin to load, or try again after a failure; says how it goes. */
  prepare(): void {
    if (this.#segment !== null) {
      this.#options.onStatus("running", "");
      return;
    }
    if (this.#loading) return;
    this.#loading = true;
    this.#failures = 0;
    this.#options.onStatus(
      "preparing",
      "Learning to tell you from the background. Until then the whole picture is blurred.",
    );
    this.#load().then(
      () => this.#options.onStatus("running", ""),
      (error: unknown) => this.#fail(error),
    );
  }

  /** The person's share of each of `SIDE` x `SIDE` squares, 0 to 1; null while that is not known. */
  mask(picture: Planes, time_ms: number): Float32Array | null {
    if (this.#segment === null) return null;
    shrink(picture, this.#picture.data);
    this.#time_ms = Math.max(this.#time_ms + 1, Math.round(time_ms)); // MediaPipe wants it to rise
    try {
      const mask = this.#segment(this.#picture, this.#time_ms);
      this.#failures = 0;
      this.#latest = { mask, made_ms: performance.now() };
      return mask;
    } catch (error) {
      if (++this.#failures >= MAX_FAILURES) {
        this.#letGo();
        this.#fail(error);
      }
      return null;
    }
  }

  /** As `mask`, or one that was made of this camera just before: for previews, which nobody else sees. */
  recent(picture: Planes, time_ms: number): Float32Array | null {
    const latest = this.#latest;
    if (latest !== null && performance.now() - latest.made_ms < RECENT_MS) return latest.mask;
    return this.mask(picture, time_ms);
  }

  close(): void {
    this.#isClosed = true;
    this.#letGo();
  }

  #letGo(): void {
    const close = this.#close;
    this.#segment = this.#latest = null;
    this.#close = () => undefined;
    try {
      close();
    } catch {
      // what has crashed cannot be closed either; its memory goes with it
    }
  }

  async #load(): Promise<void> {
    if (typeof NBRTC_SEGMENTER === "undefined") throw new Error("it is not built into this page.");
    const { fetch, base } = this.#options;
    const names = NBRTC_SEGMENTER;
    const direct = base();
    const urls: string[] = [];
    const at = async (name: string, type: string) => {
      if (direct !== null) return direct + name;
      const url = URL.createObjectURL(new Blob([await fetch(name)], { type }));
      urls.push(url);
      return url;
    };
    try {
      const [module, loader, wasm, model] = await Promise.all([
        at(names.module, "text/javascript"),
        at(names.loader, "text/javascript"),
        at(names.wasm, "application/wasm"),
        fetch(names.model),
      ]);
      const loaded = (await import(/* @vite-ignore */ module)) as { createSegmenter: typeof createSegmenter };
      const parts: Parts = { loader, wasm, model: new Uint8Array(model) };
      const { segment, close } = await loaded.createSegmenter(parts);
      if (this.#isClosed) {
        close();
        return;
      }
      this.#segment = segment;
      this.#close = close;
    } finally {
      for (const url of urls) URL.revokeObjectURL(url);
    }
  }

  #fail(error: unknown): void {
    this.#loading = false;
    const text = error instanceof Error ? error.message : String(error);
    this.#options.onStatus(
      "failed",
      `You cannot be told from the background (${text}), so the whole picture is blurred. Choose the effect again to try again.`,
    );
  }
}

/** The picture as the model wants it: square, RGBA. One pixel stands for its neighbours. */
function shrink(picture: Planes, rgba: Uint8ClampedArray): void {
  const { width, height, y, u, v, colour } = picture;
  const { red, blue } = WEIGHTS[colour.matrix];
  const { black, luma, chroma } = scaleOf(colour);
  const gain = 255 / luma;
  const [toRed, toBlue] = [(2 * (1 - red) * 255) / chroma, (2 * (1 - blue) * 255) / chroma];
  const green = 1 - red - blue;
  const [greenOfRed, greenOfBlue] = [(toRed * red) / green, (toBlue * blue) / green];
  const columns = Math.ceil(width / 2);
  for (let row = 0, at = 0; row < SIDE; row++) {
    const line = Math.floor(((row + 0.5) * height) / SIDE);
    for (let column = 0; column < SIDE; column++, at += 4) {
      const place = Math.floor(((column + 0.5) * width) / SIDE);
      const half = (line >> 1) * columns + (place >> 1);
      const light = gain * ((y[line * width + place] as number) - black);
      const cb = (u[half] as number) - 128;
      const cr = (v[half] as number) - 128;
      rgba[at] = light + toRed * cr;
      rgba[at + 1] = light - greenOfRed * cr - greenOfBlue * cb;
      rgba[at + 2] = light + toBlue * cb;
      rgba[at + 3] = 255;
    }
  }
}
