/** Pictures that are stored lying or mirrored, as phones' cameras give them, put upright. */
import type { Orientation, Planes } from "./picture";
import { allocate } from "./planes";

/** `VideoFrame` has these where the browser knows of them; TypeScript's library does not yet. */
interface Oriented {
  readonly rotation?: number;
  readonly flip?: boolean;
}

/** How a frame is to be shown. */
export function orientationOf(frame: object): Orientation {
  const { rotation = 0, flip = false } = frame as Oriented;
  return { rotation, flip };
}

export function isUpright({ rotation, flip }: Orientation): boolean {
  return rotation === 0 && !flip;
}

/** Whether this browser makes frames that are to be turned when they are shown. */
export function takesOrientation(): boolean {
  return abilities().takesOrientation;
}

/** Members of a new frame's init for one that is shown turned, at this size. */
export function orientedInit(
  orientation: Orientation,
  displayWidth?: number,
  displayHeight?: number,
): object {
  if (displayWidth === undefined || displayHeight === undefined) return orientation;
  return orientation.rotation % 180 !== 0 && abilities().sizesAreStored
    ? { ...orientation, displayWidth: displayHeight, displayHeight: displayWidth }
    : { ...orientation, displayWidth, displayHeight };
}

interface Abilities {
  readonly takesOrientation: boolean;
  /** An init's display size is taken before the turn, as Chromium does; a frame says it after the turn. */
  readonly sizesAreStored: boolean;
}

let known: Abilities | null = null;

function abilities(): Abilities {
  known ??= ask();
  return known;
}

function ask(): Abilities {
  const init = { format: "I420", codedWidth: 4, codedHeight: 2, timestamp: 0 } as const;
  const turned = { ...init, displayWidth: 4, displayHeight: 2, rotation: 90 };
  const frame = new VideoFrame(new Uint8Array(12), turned as VideoFrameBufferInit);
  const { rotation } = orientationOf(frame);
  const { displayWidth } = frame;
  frame.close();
  return { takesOrientation: rotation === 90, sizesAreStored: displayWidth === 2 };
}

/** Puts pictures upright; the planes of one are overwritten by the next. */
export class Turner {
  #planes: Planes | null = null;

  turn(picture: Planes, orientation: Orientation): Planes {
    const isLying = orientation.rotation % 180 !== 0;
    const width = isLying ? picture.height : picture.width;
    const height = isLying ? picture.width : picture.height;
    if (this.#planes?.width !== width || this.#planes.height !== height) {
      this.#planes = allocate(width, height, picture.colour);
    }
    const turned = { ...this.#planes, colour: picture.colour };
    const half = (size: number) => Math.ceil(size / 2);
    turnPlane(picture.y, picture.width, picture.height, orientation, turned.y);
    for (const plane of ["u", "v"] as const) {
      turnPlane(picture[plane], half(picture.width), half(picture.height), orientation, turned[plane]);
    }
    return turned;
  }
}

/** Where the upper left sample comes from, and the steps from there to the right and down. */
function wayOf(rotation: number, width: number, height: number): readonly [number, number, number] {
  switch (rotation) {
    case 90:
      return [(height - 1) * width, -width, 1];
    case 180:
      return [height * width - 1, -1, -width];
    case 270:
      return [width - 1, width, -1];
    default:
      return [0, 1, width];
  }
}

/** Each row of the result is read from the plane in steps of one sample or one row, forwards or backwards. */
function turnPlane(
  plane: Uint8Array,
  width: number,
  height: number,
  { rotation, flip }: Orientation,
  into: Uint8Array,
): void {
  const isLying = rotation % 180 !== 0;
  const [columns, rows] = isLying ? [height, width] : [width, height];
  const [corner, right, down] = wayOf(rotation, width, height);
  const step = flip ? -right : right;
  const start = flip ? corner + (columns - 1) * right : corner;
  for (let row = 0, at = 0; row < rows; row++) {
    let from = start + row * down;
    for (let column = 0; column < columns; column++, at++, from += step) into[at] = plane[from] as number;
  }
}
