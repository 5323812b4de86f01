/** What the model that tells a person from the background looks at. */
import type { Planes } from "./picture";
import { scaleOf, WEIGHTS } from "./planes";

/** The model's own size. */
export const SIDE = 256;

/** The picture as the model wants it: square, RGBA. One pixel stands for its neighbours. */
export function shrink(picture: Planes, rgba: Uint8ClampedArray): void {
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
