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

/** A person's share of each pixel, 0 to 1, row by row. */
export type Segment = (picture: ImageData, time_ms: number) => Float32Array;

export async function createSegmenter(parts: Parts): Promise<{ segment: Segment; close: () => void }> {
  const segmenter = await ImageSegmenter.createFromOptions(
    { wasmLoaderPath: parts.loader, wasmBinaryPath: parts.wasm },
    {
      // measured without a GPU at 256x256: 10 ms on the CPU, 100 ms through software WebGL
      baseOptions: { modelAssetBuffer: parts.model, delegate: "CPU" },
      runningMode: "VIDEO",
      outputConfidenceMasks: true,
      outputCategoryMask: false,
    },
  );
  return {
    segment: (picture, time_ms) => {
      let mask: Float32Array | null = null;
      segmenter.segmentForVideo(picture, time_ms, ({ confidenceMasks }) => {
        mask = confidenceMasks?.[0]?.getAsFloat32Array().slice() ?? null;
      });
      if (mask === null) throw new Error("the segmenter gave no mask."); // an older one would show what is behind now
      return mask;
    },
    close: () => segmenter.close(),
  };
}
