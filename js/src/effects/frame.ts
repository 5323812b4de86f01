/** Pictures of the browser as planes, and back. A `VideoFrame` is the caller's, who closes it. */
import { sharedBuffer } from "./memory";
import { isUpright, orientedInit } from "./orientation";
import type { ColourSpace, Planes } from "./picture";
import { allocate, bytesOf, interleavedToPlanes, rgbaToPlanes } from "./planes";

/** What a frame says of its colours beyond what effects need: it goes into the new frame as it came. */
interface FrameColour extends ColourSpace {
  readonly primaries?: VideoColorSpaceInit["primaries"];
  readonly transfer?: VideoColorSpaceInit["transfer"];
}

/** Copies pictures out; the planes of one are overwritten by the next. */
export class FrameReader {
  #planes: Planes | null = null;
  /** Only grows. */
  #buffer = new ArrayBuffer(0);
  #scratch = new Uint8Array(0);

  /** The visible part. Rejects with what the browser says, as for a frame that is closed. */
  async read(frame: VideoFrame): Promise<Planes> {
    const rect = frame.visibleRect ?? { width: frame.codedWidth, height: frame.codedHeight };
    const isYuv = YUV_MATRICES.includes(frame.colorSpace.matrix ?? null);
    const planes = this.#take(rect.width, rect.height, isYuv ? colourOf(frame) : OF_RGB);
    const { width, height, y, u, v } = planes;
    const columns = Math.ceil(width / 2);
    if (isYuv && frame.format === "I420") {
      const layout = [
        { offset: 0, stride: width },
        { offset: y.length, stride: columns },
        { offset: y.length + u.length, stride: columns },
      ];
      await frame.copyTo(this.#buffer, { layout });
      return planes;
    }
    if (isYuv && frame.format === "NV12") {
      const scratch = this.#room(2 * u.length);
      const layout = [
        { offset: 0, stride: width },
        { offset: y.length, stride: 2 * columns },
      ];
      // chroma comes in where it is to be, and is taken apart by way of the scratch
      await frame.copyTo(this.#buffer, { layout });
      scratch.set(new Uint8Array(this.#buffer, y.length, scratch.length));
      interleavedToPlanes(scratch, u, v);
      return planes;
    }
    // RGB, high bit depths, HDR, and pictures whose form the browser keeps to itself
    const rgba = this.#room(4 * width * height);
    await frame.copyTo(rgba, { format: "RGBA" } as VideoFrameCopyToOptions);
    const colour = this.#planes?.colour === OF_RGB ? planes : this.#take(width, height, OF_RGB);
    rgbaToPlanes(rgba, colour);
    return colour;
  }

  #take(width: number, height: number, colour: FrameColour): Planes {
    const known = this.#planes;
    if (known === null || known.width !== width || known.height !== height) {
      const bytes = bytesOf(width, height);
      if (this.#buffer.byteLength < bytes) this.#buffer = sharedBuffer(bytes);
      this.#planes = allocate(width, height, colour, this.#buffer);
    } else if (!isSame(known.colour, colour)) {
      this.#planes = { ...known, colour };
    }
    return this.#planes as Planes;
  }

  #room(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#scratch.length < bytes) this.#scratch = new Uint8Array(bytes);
    return this.#scratch.subarray(0, bytes) as Uint8Array<ArrayBuffer>;
  }
}

/** What a new frame takes over from the camera's, which may be given whole. */
export interface Like {
  readonly timestamp: number;
  readonly duration?: number | null;
  /** Chromium scales a camera's picture to a smaller quality by these alone, and leaves it to who shows it. */
  readonly displayWidth?: number;
  readonly displayHeight?: number;
  /** Of planes that are not upright. `displayWidth` and `displayHeight` are those of the picture as it is shown. */
  readonly rotation?: number;
  readonly flip?: boolean;
}

/** A new frame of the planes, with the time of another one. The planes are copied. */
export function toFrame(planes: Planes, like: Like): VideoFrame {
  const { width, height, y, u, v } = planes;
  const colour: FrameColour = planes.colour;
  const columns = Math.ceil(width / 2);
  const [data, offsets] = asOne(y, u, v);
  const usual = colour.matrix === "bt709" ? "bt709" : "smpte170m";
  const init: VideoFrameBufferInit = {
    format: "I420",
    codedWidth: width,
    codedHeight: height,
    timestamp: like.timestamp,
    layout: [
      { offset: offsets[0], stride: width },
      { offset: offsets[1], stride: columns },
      { offset: offsets[2], stride: columns },
    ],
    colorSpace: {
      matrix: usual,
      primaries: colour.primaries ?? usual,
      transfer: colour.transfer ?? usual,
      fullRange: colour.fullRange,
    },
  };
  if (typeof like.duration === "number") init.duration = like.duration;
  const { rotation = 0, flip = false, displayWidth, displayHeight } = like;
  if (displayWidth !== undefined) init.displayWidth = displayWidth;
  if (displayHeight !== undefined) init.displayHeight = displayHeight;
  if (!isUpright({ rotation, flip })) {
    Object.assign(init, orientedInit({ rotation, flip }, displayWidth, displayHeight));
  }
  return new VideoFrame(data, init);
}

/** The three planes in one buffer, without a copy where they lie in one already. */
function asOne(y: Uint8Array, u: Uint8Array, v: Uint8Array): [ArrayBuffer, [number, number, number]] {
  if (y.buffer === u.buffer && u.buffer === v.buffer) {
    return [y.buffer as ArrayBuffer, [y.byteOffset, u.byteOffset, v.byteOffset]];
  }
  const all = new Uint8Array(y.length + u.length + v.length);
  all.set(y);
  all.set(u, y.length);
  all.set(v, y.length + u.length);
  return [all.buffer, [0, y.length, y.length + u.length]];
}

/** BT.470BG and SMPTE 170M have the matrix of BT.601. */
const YUV_MATRICES: readonly (string | null)[] = ["bt709", "bt470bg", "smpte170m", null];

/** What pictures become that were RGB, or have a matrix of another kind. */
const OF_RGB: FrameColour = {
  matrix: "bt601",
  fullRange: false,
  primaries: "bt709",
  transfer: "iec61966-2-1",
};

/** What the numbers mean. Cameras that do not say are taken as Chromium takes them: BT.601, limited range. */
export function colourOf(frame: VideoFrame): ColourSpace {
  const { matrix, fullRange, primaries, transfer } = frame.colorSpace;
  const colour: FrameColour = {
    matrix: matrix === "bt709" ? "bt709" : "bt601",
    fullRange: fullRange === true,
    primaries: primaries ?? null,
    transfer: transfer ?? null,
  };
  return colour;
}

function isSame(one: FrameColour, other: FrameColour): boolean {
  return (
    one.matrix === other.matrix &&
    one.fullRange === other.fullRange &&
    one.primaries === other.primaries &&
    one.transfer === other.transfer
  );
}
