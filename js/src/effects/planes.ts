/** Planes made, copied and converted. */
import type { ColourSpace, Planes } from "./picture";

/** What a picture takes. */
export function bytesOf(width: number, height: number): number {
  return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
}

/** Black planes in the order Y, U, V at the begin of a buffer, of which there is a new one unless it is given. */
export function allocate(
  width: number,
  height: number,
  colour: ColourSpace,
  buffer: ArrayBuffer = new ArrayBuffer(bytesOf(width, height)),
): Planes {
  const luma = width * height;
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  const y = new Uint8Array(buffer, 0, luma);
  const u = new Uint8Array(buffer, luma, chroma);
  const v = new Uint8Array(buffer, luma + chroma, chroma);
  y.fill(colour.fullRange ? 0 : 16);
  u.fill(128);
  v.fill(128);
  return { width, height, y, u, v, colour };
}

/** Take `known` if it fits a picture like `like`, else new planes. */
export function allocateLike(like: Planes, known: Planes | null): Planes {
  if (known !== null && known.width === like.width && known.height === like.height) {
    return known.colour === like.colour ? known : { ...known, colour: like.colour };
  }
  return allocate(like.width, like.height, like.colour);
}

/** Chroma as NV12 has it: U and V in turn. */
export function interleavedToPlanes(uv: Uint8Array, u: Uint8Array, v: Uint8Array): void {
  for (let i = 0, j = 0; i < u.length; i++, j += 2) {
    u[i] = uv[j] as number;
    v[i] = uv[j + 1] as number;
  }
}

/** How much red and blue weigh in luma (ITU-R BT.601 and BT.709); the rest is green. */
export const WEIGHTS = { bt601: { red: 0.299, blue: 0.114 }, bt709: { red: 0.2126, blue: 0.0722 } } as const;

export interface Scale {
  /** Luma of black, and steps from black to white. */
  readonly black: number;
  readonly luma: number;
  /** Steps of chroma from -0.5 to 0.5, around 128. */
  readonly chroma: number;
}

/** The steps of a range (ITU-R BT.601, 2.5.3). */
export function scaleOf({ fullRange }: ColourSpace): Scale {
  return fullRange ? { black: 0, luma: 255, chroma: 255 } : { black: 16, luma: 219, chroma: 224 };
}

/** Fill planes from RGBA of the same size; chroma is the mean of up to four pixels. */
export function rgbaToPlanes(rgba: Uint8Array | Uint8ClampedArray, planes: Planes): void {
  const { width, height, y, u, v, colour } = planes;
  const { red, blue } = WEIGHTS[colour.matrix];
  const green = 1 - red - blue;
  const { black, luma, chroma } = scaleOf(colour);
  const [yr, yg, yb] = [(red * luma) / 255, (green * luma) / 255, (blue * luma) / 255];
  for (let i = 0, j = 0; i < y.length; i++, j += 4) {
    const value = yr * (rgba[j] as number) + yg * (rgba[j + 1] as number) + yb * (rgba[j + 2] as number);
    y[i] = black + value + 0.5;
  }
  const [cu, cv] = [chroma / 2 / (1 - blue) / 255, chroma / 2 / (1 - red) / 255];
  let at = 0;
  for (let row = 0; row < height; row += 2) {
    const below = row + 1 < height ? 4 * width : 0;
    for (let column = 0; column < width; column += 2) {
      const beside = column + 1 < width ? 4 : 0;
      const first = 4 * (row * width + column);
      const [b, c, d] = [first + beside, first + below, first + beside + below];
      const r = sum(rgba, first, b, c, d);
      const g = sum(rgba, first + 1, b + 1, c + 1, d + 1);
      const l = sum(rgba, first + 2, b + 2, c + 2, d + 2);
      const light = red * r + green * g + blue * l;
      u[at] = 128.5 + (cu * (l - light)) / 4;
      v[at] = 128.5 + (cv * (r - light)) / 4;
      at += 1;
    }
  }
}

function sum(values: Uint8Array | Uint8ClampedArray, a: number, b: number, c: number, d: number): number {
  return (values[a] as number) + (values[b] as number) + (values[c] as number) + (values[d] as number);
}
