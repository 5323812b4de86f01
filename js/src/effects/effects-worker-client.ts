/** The page's handle on the effects' worker. */
import type { Assets } from "../assets";
import type { EffectStatus } from "../contract";
import type { Effect } from "../messages";
import type { Clock } from "./fallback";
import type { FromWorker, ToWorker } from "./protocol";
import type { Graphics } from "./segmenter";

/** The bundled worker, put in by build.mjs; absent in tests. */
declare const NBRTC_EFFECTS_WORKER: string | undefined;

/** mediacapture-transform, as Chromium has it in windows. */
declare const MediaStreamTrackProcessor: new (init: {
  track: MediaStreamTrack;
  maxBufferSize?: number;
}) => { readonly readable: ReadableStream<VideoFrame> };
declare const MediaStreamTrackGenerator: new (init: {
  kind: "video";
}) => MediaStreamTrack & { readonly writable: WritableStream<VideoFrame> };

export const NO_WORKER =
  'this site\'s content security policy forbids workers from blob: addresses. Allow them with "worker-src blob:".';

/** Why this browser has no effects, as a sentence; empty where it has. */
export function whyNoEffects(): string {
  const has = typeof VideoFrame === "function" && typeof OffscreenCanvas === "function";
  return has && typeof Worker === "function"
    ? ""
    : "This browser lacks WebCodecs or OffscreenCanvas. Use a current Chromium, Edge, Firefox or Safari.";
}

export interface EffectsWorkerOptions {
  readonly assets: Assets;
  readonly make?: () => Worker;
  /** "auto" unless given. */
  readonly graphics?: Graphics;
  /** So long it may be silent when it is to begin. */
  readonly answer_ms: number;
  readonly onStatus: (status: EffectStatus) => void;
  readonly onPreviewFailed: (text: string) => void;
  /** It cannot start, ended, or does not answer: why, in words. */
  readonly onDied: (text: string) => void;
}

export class EffectsWorker implements Clock {
  readonly hasStreams =
    typeof MediaStreamTrackProcessor === "function" && typeof MediaStreamTrackGenerator === "function";
  onFrame: ((frame: VideoFrame) => void) | null = null;
  onTick: (() => void) | null = null;
  readonly #options: EffectsWorkerOptions;
  readonly #worker: Worker;
  #isReady = false;
  /** With a single picture that is on its way through the worker; what comes meanwhile is dropped. */
  readonly #isBusy = { frame: false, "previews-frame": false };
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(options: EffectsWorkerOptions) {
    this.#options = options;
    this.#worker = (options.make ?? startWorker)();
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#say({ type: "base", base: options.assets.base(), graphics: options.graphics ?? "auto" });
    this.#worker.onerror = ({ message }) => {
      options.onDied(this.#isReady ? `its worker failed (${message}).` : NO_WORKER);
    };
  }

  use(effect: Effect): void {
    this.#say({ type: "effect", effect });
  }

  /** A copy of it goes to the worker. */
  setBackground(picture: ImageBitmap | null): void {
    this.#say({ type: "background", picture });
  }

  /** Lead a camera through; returns the track that comes out. */
  run(camera: MediaStreamTrack): MediaStreamTrack {
    const { readable } = new MediaStreamTrackProcessor({ track: camera, maxBufferSize: 1 });
    const generator = new MediaStreamTrackGenerator({ kind: "video" });
    const { writable } = generator;
    this.#say({ type: "run", readable, writable }, [readable, writable]);
    this.#watch();
    return generator;
  }

  runPreviews(camera: MediaStreamTrack): void {
    const { readable } = new MediaStreamTrackProcessor({ track: camera, maxBufferSize: 1 });
    this.#say({ type: "previews-run", readable }, [readable]);
  }

  /** One picture, for a browser without streams; `frame` is not the caller's any more. */
  give(frame: VideoFrame, type: "frame" | "previews-frame"): void {
    if (this.#isBusy[type]) {
      frame.close();
      return;
    }
    this.#isBusy[type] = true;
    if (type === "frame") this.#watch();
    this.#say({ type, frame }, [frame]);
  }

  stop(): void {
    clearTimeout(this.#watchdog);
    this.onFrame = this.onTick = null;
    this.#say({ type: "stop" });
  }

  addPreview(id: number, canvas: OffscreenCanvas, effect: Effect): void {
    this.#say({ type: "preview", id, canvas, effect }, [canvas]);
  }

  endPreview(id: number): void {
    this.#say({ type: "preview-end", id });
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#watchdog);
    this.#worker.onmessage = this.#worker.onerror = null;
    this.#worker.terminate();
  }

  /** Calls `onTick`, also while the page is hidden. */
  start(fps: number): void {
    this.#say({ type: "clock", fps });
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case "ready":
        this.#isReady = true;
        break;
      case "frame":
        this.#isBusy.frame = false;
        clearTimeout(this.#watchdog);
        if (message.frame === null) break;
        if (this.onFrame === null) message.frame.close();
        else this.onFrame(message.frame);
        break;
      case "asset-please":
        void this.#fetch(message.name);
        break;
      case "previews-ready":
        this.#isBusy["previews-frame"] = false;
        break;
      case "preview-failed":
        this.#options.onPreviewFailed(message.text);
        break;
      case "tick":
        this.onTick?.();
        break;
      case "status":
        clearTimeout(this.#watchdog);
        this.#options.onStatus(message.status);
    }
  }

  async #fetch(name: string): Promise<void> {
    try {
      const bytes = await this.#options.assets.load(name);
      this.#say({ type: "asset", name, bytes, error: "" });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#say({ type: "asset", name, bytes: null, error: text });
    }
  }

  /** Its first word of a run, a status or a picture, comes in time. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(
      () => this.#options.onDied("its worker does not answer."),
      this.#options.answer_ms,
    );
  }

  #say(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}

function startWorker(): Worker {
  if (typeof NBRTC_EFFECTS_WORKER !== "string") throw new Error("The effects' worker is not built.");
  const url = URL.createObjectURL(new Blob([NBRTC_EFFECTS_WORKER], { type: "text/javascript" }));
  try {
    return new Worker(url, { name: "nbrtc-effects" });
  } finally {
    URL.revokeObjectURL(url); // resolved by the constructor already (File API, section 8.3.1)
  }
}
