/**
 * What tells a person from the background: MediaPipe's image segmenter. A module of its own, fetched when it is first
 * needed and loaded by the effects' worker (see `effects/segmenter.ts`).
 */
import { ImageSegmenter } from "@mediapipe/tasks-vision";

export interface Parts {
  /** URLs of MediaPipe's loader and of its WebAssembly. */
  readonly loader: string;
  readonly wasm: string;
  readonly model: Uint8Array;
}

export interface Engine {
  /** A person's share of each pixel, 0 to 1, row by row. Throws where there is none. */
  segment(picture: ImageData, time_ms: number): Float32Array;
  close(): void;
}

/** Measured without a GPU at 256x256: 10 ms on the CPU, 100 ms through software WebGL. */
export type Processor = "CPU" | "GPU";

export async function createSegmenter(parts: Parts, processor: Processor): Promise<Engine> {
  // a worker has no document to make one of
  const canvas = processor === "GPU" ? new OffscreenCanvas(1, 1) : null;
  let isLost = false;
  canvas?.addEventListener("webglcontextlost", () => {
    isLost = true;
  });
  const segmenter = await ImageSegmenter.createFromOptions(
    { wasmLoaderPath: parts.loader, wasmBinaryPath: parts.wasm },
    {
      baseOptions: { modelAssetBuffer: parts.model, delegate: processor },
      ...(canvas === null ? {} : { canvas }),
      runningMode: "VIDEO",
      outputConfidenceMasks: true,
      outputCategoryMask: false,
    },
  );
  const isGone = () => isLost || canvas?.getContext("webgl2")?.isContextLost() === true;
  return {
    segment: (picture, time_ms) => {
      let mask: Float32Array | null = null;
      segmenter.segmentForVideo(picture, time_ms, ({ confidenceMasks }) => {
        mask = confidenceMasks?.[0]?.getAsFloat32Array().slice() ?? null;
      });
      // what is read back of a lost context is zeros
      if (isGone()) throw new Error("the browser took the graphics processor away.");
      if (mask === null) throw new Error("the segmenter gave no mask."); // an older one would show what is behind now
      return mask;
    },
    close: () => segmenter.close(),
  };
}
