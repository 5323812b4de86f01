/**
 * Effects as a page writes them that knows only the canvas: a loop over RGBA. What nbrtc's are measured against in
 * benchmarks/effects.py.
 */
import type { EffectName } from "../src/messages";

/** Changes RGBA of so many columns in place. */
export type Loop = (pixels: Uint8ClampedArray, width: number) => void;

export function naiveLoop(name: EffectName, strength: number): Loop {
  switch (name) {
    case "grayscale":
      return grayscale;
    case "sepia":
      return sepia;
    case "invert":
      return linear(-1, 255);
    case "brightness":
      return linear(1 + strength, 0);
    case "contrast":
      return linear(1 + strength, -127.5 * strength);
    case "mirror":
      return mirror;
    case "pixelate":
      return pixelate(strength);
    case "edge":
      return edge;
    default:
      throw new Error(`There is no naive loop of ${name}.`);
  }
}

function grayscale(pixels: Uint8ClampedArray): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const light =
      0.2126 * (pixels[at] as number) +
      0.7152 * (pixels[at + 1] as number) +
      0.0722 * (pixels[at + 2] as number);
    pixels[at] = light;
    pixels[at + 1] = light;
    pixels[at + 2] = light;
  }
}

function sepia(pixels: Uint8ClampedArray): void {
  for (let at = 0; at < pixels.length; at += 4) {
    const [red, green, blue] = [pixels[at] as number, pixels[at + 1] as number, pixels[at + 2] as number];
    pixels[at] = 0.393 * red + 0.769 * green + 0.189 * blue;
    pixels[at + 1] = 0.349 * red + 0.686 * green + 0.168 * blue;
    pixels[at + 2] = 0.272 * red + 0.534 * green + 0.131 * blue;
  }
}

function linear(factor: number, offset: number): Loop {
  return (pixels) => {
    for (let at = 0; at < pixels.length; at += 4) {
      pixels[at] = factor * (pixels[at] as number) + offset;
      pixels[at + 1] = factor * (pixels[at + 1] as number) + offset;
      pixels[at + 2] = factor * (pixels[at + 2] as number) + offset;
    }
  };
}

function mirror(pixels: Uint8ClampedArray, width: number): void {
  const whole = new Uint32Array(pixels.buffer);
  for (let at = 0; at < whole.length; at += width) whole.subarray(at, at + width).reverse();
}

function pixelate(strength: number): Loop {
  return (pixels, width) => {
    const height = pixels.length / 4 / width;
    const side = Math.max(2, Math.round((strength * height) / 12));
    for (let top = 0; top < height; top += side) {
      for (let left = 0; left < width; left += side) {
        const [bottom, right] = [Math.min(height, top + side), Math.min(width, left + side)];
        const sums = [0, 0, 0];
        const each = (visit: (at: number) => void) => {
          for (let row = top; row < bottom; row++)
            for (let column = left; column < right; column++) visit(4 * (row * width + column));
        };
        each((at) => {
          for (let i = 0; i < 3; i++) sums[i] = (sums[i] as number) + (pixels[at + i] as number);
        });
        const count = (bottom - top) * (right - left);
        each((at) => {
          for (let i = 0; i < 3; i++) pixels[at + i] = (sums[i] as number) / count;
        });
      }
    }
  };
}

function edge(pixels: Uint8ClampedArray, width: number): void {
  const height = pixels.length / 4 / width;
  const light = new Float32Array(width * height);
  for (let at = 0; at < light.length; at++) {
    light[at] =
      0.299 * (pixels[4 * at] as number) +
      0.587 * (pixels[4 * at + 1] as number) +
      0.114 * (pixels[4 * at + 2] as number);
  }
  const get = (row: number, column: number) => light[row * width + column] as number;
  for (let row = 1; row < height - 1; row++) {
    for (let column = 1; column < width - 1; column++) {
      const [t, b, l, r] = [row - 1, row + 1, column - 1, column + 1];
      const across = get(t, r) + 2 * get(row, r) + get(b, r) - get(t, l) - 2 * get(row, l) - get(b, l);
      const down = get(b, l) + 2 * get(b, column) + get(b, r) - get(t, l) - 2 * get(t, column) - get(t, r);
      const at = 4 * (row * width + column);
      const size = (Math.abs(across) + Math.abs(down)) / 2;
      pixels[at] = size;
      pixels[at + 1] = size;
      pixels[at + 2] = size;
    }
  }
}
