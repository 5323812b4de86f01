/** Loads what tells a person from the background, once, and runs it. In the worker. */
import type { createSegmenter, Engine, Parts, Processor } from "../segmenter-module";
import { whyNoGraphics } from "./graphics";
import { SIDE, shrink } from "./model-picture";
import type { Planes } from "./picture";
import { Trial } from "./trial";

/** Names of the parts, put in by build.mjs; absent in tests. */
declare const NBRTC_SEGMENTER: SegmenterParts | undefined;

interface SegmenterParts {
  readonly module: string;
  readonly loader: string;
  readonly wasm: string;
  readonly model: string;
}

/** A mask of a preview may be so old: nobody moves far in it meanwhile. */
const RECENT_MS = 250;
/** So often it may fail in a row. */
const MAX_FAILURES = 5;

export type Fetch = (name: string) => Promise<ArrayBuffer>;
/** "always": wherever it gives right masks, also by software and when it is slower; for tests and benchmarks. */
export type Graphics = "auto" | "never" | "always";

/** What tells the person from the background, and why that one, as the end of a sentence. */
export interface Finder {
  readonly processor: Processor;
  readonly why: string;
}

interface Module {
  readonly createSegmenter: typeof createSegmenter;
}

export interface SegmenterOptions {
  readonly fetch: Fetch;
  /** Where scripts may be loaded from directly, if anywhere. */
  readonly base: () => string | null;
  readonly graphics: () => Graphics;
  readonly onStatus: (state: "preparing" | "running" | "failed", text: string) => void;
  readonly onFinder: (finder: Finder) => void;
  readonly importModule?: (url: string) => Promise<Module>;
}

export class Segmenter {
  readonly #options: SegmenterOptions;
  readonly #picture = new ImageData(SIDE, SIDE);
  #engine: Engine | null = null;
  #processor: Processor = "CPU";
  /** While the graphics processor is tried, beside the engine. */
  #trial: { readonly trial: Trial; readonly gpu: Engine } | null = null;
  /** Why the graphics processor is not tried again; empty before. */
  #refusal = "";
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
    if (this.#engine !== null) {
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
    this.#load().catch((error: unknown) => this.#fail(error));
  }

  /** The person's share of each of `SIDE` x `SIDE` squares, 0 to 1; null while that is not known. */
  mask(picture: Planes, time_ms: number): Float32Array | null {
    const engine = this.#trial?.trial ?? this.#engine;
    if (engine === null) return null;
    shrink(picture, this.#picture.data);
    this.#time_ms = Math.max(this.#time_ms + 1, Math.round(time_ms)); // MediaPipe wants it to rise
    try {
      const mask = engine.segment(this.#picture, this.#time_ms);
      this.#failures = 0;
      this.#latest = { mask, made_ms: performance.now() };
      this.#endTrial();
      return mask;
    } catch (error) {
      if (this.#processor === "GPU") {
        this.#leaveGraphics(error);
      } else if (++this.#failures >= MAX_FAILURES) {
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
    const engines = [this.#engine, this.#trial?.gpu];
    this.#engine = this.#latest = this.#trial = null;
    this.#processor = "CPU";
    for (const engine of engines) closeAny(engine);
  }

  async #load(): Promise<void> {
    if (typeof NBRTC_SEGMENTER === "undefined") throw new Error("it is not built into this page.");
    const { fetch, base, importModule = (url) => import(/* @vite-ignore */ url) } = this.#options;
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
      const loaded = await importModule(module);
      const parts: Parts = { loader, wasm, model: new Uint8Array(model) };
      const engine = await loaded.createSegmenter(parts, "CPU");
      if (this.#isClosed) {
        engine.close();
        return;
      }
      this.#engine = engine;
      this.#options.onStatus("running", "");
      await this.#tryGraphics(loaded, parts, engine);
    } finally {
      for (const url of urls) URL.revokeObjectURL(url);
    }
  }

  /** Begin to compare the graphics processor with `cpu`, where there is one. */
  async #tryGraphics(loaded: Module, parts: Parts, cpu: Engine): Promise<void> {
    const wish = this.#options.graphics();
    if (this.#refusal === "" && wish === "never") this.#refusal = "the graphics processor is not wanted";
    if (this.#refusal === "" && wish === "auto") this.#refusal = whyNoGraphics();
    if (this.#refusal === "") {
      try {
        const gpu = await loaded.createSegmenter(parts, "GPU");
        if (this.#engine === cpu) this.#trial = { trial: new Trial(cpu, gpu, wish === "auto"), gpu };
        else gpu.close();
        return;
      } catch (error) {
        this.#refusal = `the graphics processor could not be used (${error})`;
      }
    }
    this.#tell(this.#refusal);
  }

  #endTrial(): void {
    const verdict = this.#trial?.trial.verdict ?? null;
    if (this.#trial === null || verdict === null) return;
    const { gpu } = this.#trial;
    this.#trial = null;
    this.#processor = verdict.winner;
    if (verdict.winner === "GPU") {
      closeAny(this.#engine);
      this.#engine = gpu;
    } else {
      closeAny(gpu);
      this.#refusal = verdict.why;
    }
    this.#tell(verdict.why);
  }

  /** What was right at first may fail later: the processor takes over as soon as it is loaded again. */
  #leaveGraphics(error: unknown): void {
    this.#refusal = `the graphics processor failed (${error})`;
    this.#letGo();
    this.#loading = false;
    this.prepare();
  }

  #tell(why: string): void {
    this.#options.onFinder({ processor: this.#processor, why });
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

function closeAny(engine: Engine | null | undefined): void {
  try {
    engine?.close();
  } catch {
    // what has crashed cannot be closed either; its memory goes with it
  }
}
