import { afterEach, describe, expect, test, vi } from "vitest";
import { ColourOperation } from "../src/effects/colour";
import { colourKernels } from "../src/effects/colour-kernel";
import { changeColours } from "../src/effects/colour-loop";
import { type ColourName, colourMapOf } from "../src/effects/colour-map";
import { sharedBuffer } from "../src/effects/memory";
import type { ColourSpace, Planes } from "../src/effects/picture";
import { PlaneKernel } from "../src/effects/plane-kernel";
import { allocate, bytesOf } from "../src/effects/planes";

const SPACES: readonly ColourSpace[] = [
  { matrix: "bt601", fullRange: false },
  { matrix: "bt601", fullRange: true },
  { matrix: "bt709", fullRange: false },
  { matrix: "bt709", fullRange: true },
];
const EFFECTS: readonly (readonly [ColourName, number])[] = [
  ["grayscale", 0],
  ["grayscale", 0.4],
  ["grayscale", 1],
  ["sepia", 0],
  ["sepia", 0.4],
  ["sepia", 1],
  ["invert", 0],
  ["brightness", -1],
  ["brightness", -0.3],
  ["brightness", 0.3],
  ["brightness", 1],
  ["contrast", -1],
  ["contrast", -0.3],
  ["contrast", 0.3],
  ["contrast", 1],
];

/** The same every time: a linear congruential generator. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
}

function random(width: number, height: number, colour: ColourSpace, buffer?: ArrayBuffer): Planes {
  const planes = allocate(width, height, colour, buffer);
  const next = dice(width * height);
  for (const plane of [planes.y, planes.u, planes.v])
    for (let i = 0; i < plane.length; i++) plane[i] = next();
  return planes;
}

const copy = (planes: Planes): Planes => ({
  ...planes,
  y: planes.y.slice(),
  u: planes.u.slice(),
  v: planes.v.slice(),
});

function farthest(one: Planes, other: Planes): number {
  let most = 0;
  for (const name of ["y", "u", "v"] as const) {
    one[name].forEach((value, at) => {
      most = Math.max(most, Math.abs(value - (other[name][at] as number)));
    });
  }
  return most;
}

describe.each(SPACES)("in $matrix, full range $fullRange", (colour) => {
  test.each(EFFECTS)("each kernel of %s %d does what the loop does", (name, strength) => {
    const map = colourMapOf(name, strength);
    const size = [64, 36] as const;
    const expected = random(...size, colour);
    changeColours(expected, map);
    // Node has no Relaxed SIMD in its older versions; the browser tests run that form
    const kernels = colourKernels(map, colour).filter((code) => WebAssembly.validate(code));
    expect(kernels.length).toBeGreaterThanOrEqual(1);

    for (const code of kernels) {
      const planes = random(...size, colour, sharedBuffer(bytesOf(...size)));
      new PlaneKernel(code).apply(planes);

      expect(farthest(planes, expected)).toBeLessThanOrEqual(2);
    }
  });
});

describe("wherever the planes are", () => {
  const [colour] = SPACES as [ColourSpace];

  test.each([
    [1, 1],
    [2, 2],
    [17, 3],
    [176, 99],
    [641, 481],
  ])("%d x %d", (width, height) => {
    const operation = new ColourOperation(colourMapOf("contrast", 0.5));
    const [shared, apart] = [
      random(width, height, colour, sharedBuffer(bytesOf(width, height))),
      random(width, height, colour),
    ];
    const expected = copy(apart);
    changeColours(expected, colourMapOf("contrast", 0.5));

    expect(operation.apply(shared)).toBe(shared);
    operation.apply(apart);

    expect(farthest(shared, apart)).toBe(0);
    expect(farthest(apart, expected)).toBeLessThanOrEqual(2);
  });

  test("planes of three buffers", () => {
    const apart = copy(random(64, 48, colour));
    const expected = copy(apart);
    changeColours(expected, colourMapOf("sepia", 1));

    new ColourOperation(colourMapOf("sepia", 1)).apply(apart);

    expect(farthest(apart, expected)).toBeLessThanOrEqual(2);
  });

  test("a camera that changes its size and its colours", () => {
    const operation = new ColourOperation(colourMapOf("sepia", 1));
    for (const [index, width] of [64, 32, 128].entries()) {
      const planes = random(width, 48, SPACES[index] as ColourSpace);
      const expected = copy(planes);
      changeColours(expected, colourMapOf("sepia", 1));

      operation.apply(planes);

      expect(farthest(planes, expected)).toBeLessThanOrEqual(2);
    }
    operation.close();
    operation.close();
  });
});

describe("where WebAssembly is not to be had", () => {
  const [colour] = SPACES as [ColourSpace];
  const expected = random(34, 18, colour);
  changeColours(expected, colourMapOf("contrast", 1));

  afterEach(() => vi.unstubAllGlobals());

  const changed = () => {
    const planes = random(34, 18, colour);
    new ColourOperation(colourMapOf("contrast", 1)).apply(planes);
    return farthest(planes, expected);
  };

  test("the browser has none", () => {
    vi.stubGlobal("WebAssembly", undefined);

    expect(changed()).toBe(0);
  });

  test("the browser has no SIMD", () => {
    const validate = vi.spyOn(WebAssembly, "validate").mockReturnValue(false);

    expect(changed()).toBe(0);

    expect(validate).toHaveBeenCalled();
    validate.mockRestore();
  });

  test("the page's policy forbids it", () => {
    class Forbidden {
      constructor() {
        throw new WebAssembly.CompileError("violates the following Content Security Policy directive");
      }
    }
    const { CompileError, Memory, Instance } = WebAssembly;
    vi.stubGlobal("WebAssembly", { validate: () => true, Module: Forbidden, CompileError, Memory, Instance });

    expect(changed()).toBe(0);
  });
});
