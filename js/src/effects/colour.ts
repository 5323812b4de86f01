/** Grayscale, sepia, invert, brightness and contrast. */
import { colourKernel } from "./colour-kernel";
import { changeColours } from "./colour-loop";
import type { ColourMap } from "./colour-map";
import type { ColourSpace, Operation, Planes } from "./picture";
import { PlaneKernel } from "./plane-kernel";

export class ColourOperation implements Operation {
  readonly isDirected = false;
  readonly #map: ColourMap;
  #kernel: PlaneKernel | null = null;
  #colour: ColourSpace | null = null;

  constructor(map: ColourMap) {
    this.#map = map;
  }

  /** In place. */
  apply(picture: Planes): Planes {
    if (!isSame(this.#colour, picture.colour)) {
      this.#colour = picture.colour;
      this.#kernel = kernelOf(this.#map, picture.colour);
    }
    if (this.#kernel === null) changeColours(picture, this.#map);
    else this.#kernel.apply(picture);
    return picture;
  }

  close(): void {
    this.#kernel = null;
    this.#colour = null;
  }
}

function isSame(one: ColourSpace | null, other: ColourSpace): boolean {
  return one !== null && one.matrix === other.matrix && one.fullRange === other.fullRange;
}

/** Null where there is none to have: without SIMD, or where the page's policy forbids WebAssembly. */
function kernelOf(map: ColourMap, colour: ColourSpace): PlaneKernel | null {
  const code = colourKernel(map, colour);
  if (code === null) return null;
  try {
    return new PlaneKernel(code);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof EvalError) return null;
    throw error;
  }
}
