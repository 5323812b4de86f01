/** What the page and the effects' worker say to each other. */
import type { Effect } from "../messages";
import type { Finder, Graphics } from "./segmenter";

/** Page to worker. */
export type ToWorker =
  /** Pictures come and go by streams, which the page has nothing more to do with. */
  | {
      readonly type: "run";
      readonly readable: ReadableStream<VideoFrame>;
      readonly writable: WritableStream<VideoFrame>;
    }
  /** One picture, from a browser without such streams; answered by one, or by null. */
  | { readonly type: "frame"; readonly frame: VideoFrame }
  /** No more pictures of this camera. */
  | { readonly type: "stop" }
  | { readonly type: "effect"; readonly effect: Effect }
  /** For the effect "background"; null without one. */
  | { readonly type: "background"; readonly picture: ImageBitmap | null }
  | {
      readonly type: "asset";
      readonly name: string;
      readonly bytes: ArrayBuffer | null;
      readonly error: string;
    }
  /** Small pictures of the camera, for all previews. */
  | { readonly type: "previews-run"; readonly readable: ReadableStream<VideoFrame> }
  /** One of them, from a browser without streams; answered when the next one may come. */
  | { readonly type: "previews-frame"; readonly frame: VideoFrame }
  | {
      readonly type: "preview";
      readonly id: number;
      readonly canvas: OffscreenCanvas;
      readonly effect: Effect;
    }
  | { readonly type: "preview-end"; readonly id: number }
  /** Comes first. Where scripts may be loaded from directly, if anywhere (see `Assets`). */
  | { readonly type: "base"; readonly base: string | null; readonly graphics: Graphics }
  /** A fallback's clock, which a hidden page does not have: answered by ticks. 0 ends it. */
  | { readonly type: "clock"; readonly fps: number };

/** Worker to page. */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "frame"; readonly frame: VideoFrame | null }
  | { readonly type: "asset-please"; readonly name: string }
  | { readonly type: "previews-ready" }
  | { readonly type: "tick" }
  /** One preview ends; the others go on. */
  | { readonly type: "preview-failed"; readonly text: string }
  | { readonly type: "status"; readonly status: WorkerStatus };

export interface WorkerStatus {
  readonly state: "preparing" | "running" | "failed";
  /** With "preparing" and "failed": a sentence for a person. */
  readonly text: string;
  readonly fps: number | null;
  readonly frame_ms: number | null;
  /** With effects that need the person. */
  readonly finder?: Finder;
}
