/** A picture as its planes, and what is done to it. All of it runs wherever it is called: in a worker, if there is one. */

export interface ColourSpace {
  readonly matrix: "bt601" | "bt709";
  /** Luma 0 to 255, chroma 0 to 255; otherwise 16 to 235 and 16 to 240. */
  readonly fullRange: boolean;
}

/** I420: rows without padding; chroma planes have ceil(width / 2) x ceil(height / 2) samples. */
export interface Planes {
  readonly width: number;
  readonly height: number;
  readonly y: Uint8Array;
  readonly u: Uint8Array;
  readonly v: Uint8Array;
  readonly colour: ColourSpace;
}

/** How a stored picture is to be shown: turned clockwise by so many degrees, then mirrored (WebCodecs, section 9.4). */
export interface Orientation {
  readonly rotation: number;
  readonly flip: boolean;
}

export const UPRIGHT: Orientation = { rotation: 0, flip: false };

/** An effect, ready to run on one camera's pictures in their order. */
export interface Operation {
  /** It matters where up is: pictures are turned for it. Others change pictures as they are stored. */
  readonly isDirected: boolean;
  /** The changed picture: the same planes, written into, or others that stay valid until the next call. */
  apply(picture: Planes, time_ms: number): Planes;
  /** Let go of what it holds. Idempotent. */
  close(): void;
}
