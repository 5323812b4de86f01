/** A colour effect pixel by pixel: for browsers that cannot run the kernel, which does the same. */
import { type ColourMap, channelsOf, samplesOf } from "./colour-map";
import type { Planes } from "./picture";

/** Changes the planes in place. */
export function changeColours({ width, height, y, u, v, colour }: Planes, map: ColourMap): void {
  const [red, green, blue] = channelsOf(map, colour);
  const [ofY, ofU, ofV] = samplesOf(colour);
  const low = map.isLow ? 0 : Number.NEGATIVE_INFINITY;
  const high = map.isHigh ? 255 : Number.POSITIVE_INFINITY;
  const limited = (value: number) => (value < low ? low : value > high ? high : value);
  let at = 0;
  for (let top = 0; top < height; top += 2) {
    const bottom = Math.min(top + 2, height);
    for (let left = 0; left < width; left += 2, at++) {
      const right = Math.min(left + 2, width);
      const [cu, cv] = [(u[at] as number) - 128, (v[at] as number) - 128];
      const partR = red.u * cu + red.v * cv + red.constant;
      const partG = green.u * cu + green.v * cv + green.constant;
      const partB = blue.u * cu + blue.v * cv + blue.constant;
      let [sumR, sumG, sumB] = [0, 0, 0];
      for (let row = top; row < bottom; row++) {
        for (let pixel = row * width + left; pixel < row * width + right; pixel++) {
          const light = y[pixel] as number;
          const r = limited(red.y * light + partR);
          const g = limited(green.y * light + partG);
          const b = limited(blue.y * light + partB);
          y[pixel] = sampled(ofY.red * r + ofY.green * g + ofY.blue * b + ofY.constant);
          sumR += r;
          sumG += g;
          sumB += b;
        }
      }
      const count = (bottom - top) * (right - left);
      u[at] = sampled((ofU.red * sumR + ofU.green * sumG + ofU.blue * sumB) / count + ofU.constant);
      v[at] = sampled((ofV.red * sumR + ofV.green * sumG + ofV.blue * sumB) / count + ofV.constant);
    }
  }
}

/** Rounded, within a byte. */
function sampled(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
}
