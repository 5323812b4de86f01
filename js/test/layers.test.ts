import { expect, test, vi } from "vitest";
import { boxBlur, halved, layer, Stretch, shrunk, softened } from "../src/effects/layers";
import { PersonMask } from "../src/effects/mask";
import { Mixer } from "../src/effects/mixer";
import { SIDE } from "../src/effects/model-picture";
import { allocate } from "../src/effects/planes";

const FULL = { matrix: "bt601", fullRange: true } as const;

/** The same every time: a linear congruential generator. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((all, value) => all + value, 0);

test.each([
  [16, 8, 4],
  [18, 9, 4],
  [7, 5, 2],
  [5, 3, 1],
])("means of squares of a plane of %ix%i by %i", (width, height, factor) => {
  const plane = Uint8Array.from({ length: width * height }, dice(factor));
  const into = layer(Math.ceil(width / factor), Math.ceil(height / factor));

  shrunk(plane, width, height, factor, into);

  for (let row = 0; row < into.height; row++) {
    for (let column = 0; column < into.width; column++) {
      const values = [...plane].filter((_, at) => {
        const [x, y] = [at % width, Math.floor(at / width)];
        return Math.floor(x / factor) === column && Math.floor(y / factor) === row;
      });
      expect(into.data[row * into.width + column]).toBeCloseTo(sum(values) / values.length, 3);
    }
  }
});

test("halves of an odd layer", () => {
  const from = { width: 3, height: 3, data: Float32Array.of(1, 3, 5, 3, 5, 7, 9, 11, 13) };
  const into = layer(2, 2);

  halved(from, into);

  expect([...into.data]).toEqual([3, 6, 10, 13]);
});

test.each([
  [9, 7, 2],
  [3, 2, 5],
  [6, 6, 3],
  [1, 1, 4],
])("a box blur of %ix%i by %i is the mean of what there is", (width, height, radius) => {
  const from = { width, height, data: Float32Array.from({ length: width * height }, dice(7)) };
  const into = layer(width, height);

  boxBlur(from, into, radius, layer(width, height));

  const [reachX, reachY] = [Math.min(radius, width - 1), Math.min(radius, height - 1)];
  from.data.forEach((_, place) => {
    const [x, y] = [place % width, Math.floor(place / width)];
    const near = Array.from(from.data).filter((__, at) => {
      return Math.abs((at % width) - x) <= reachX && Math.abs(Math.floor(at / width) - y) <= reachY;
    });
    expect(into.data[place]).toBeCloseTo(sum(near) / near.length, 3);
  });
});

test("softened spreads a point nearly as a Gaussian does", () => {
  const one = layer(81, 81);
  one.data[40 * 81 + 40] = 1;

  softened(one, 6, layer(81, 81));

  const variance = sum(one.data.map((value, at) => value * ((at % 81) - 40) ** 2));
  expect(sum(one.data)).toBeCloseTo(1, 4);
  expect(Math.sqrt(variance)).toBeGreaterThan(5);
  expect(Math.sqrt(variance)).toBeLessThan(7);
});

test("samples between a layer's own lie on a line", () => {
  const stretch = new Stretch({ width: 2, height: 2, data: Float32Array.of(0, 4, 8, 12) }, 4, 4);

  expect([...stretch.line(0)]).toEqual([0, 1, 3, 4]);
  expect([...stretch.line(2)]).toEqual([6, 7, 9, 10]);
});

test("a mask gets to rest: what is hardly there is not there", () => {
  const mask = new PersonMask(64, 36);
  const light = layer(64, 36);
  light.data.fill(100);
  mask.update(new Float32Array(SIDE * SIDE).fill(0.3), light);
  expect(mask.layer.data[0]).toBeCloseTo(0.25, 2);

  for (let number = 0; number < 12; number++) mask.update(new Float32Array(SIDE * SIDE), light);

  expect(new Set(mask.layer.data)).toEqual(new Set([0]));
});

test("a large change of the mask is taken at once, a small one by halves", () => {
  const mask = new PersonMask(64, 36);
  const light = layer(64, 36);
  light.data.fill(100);
  const values = [0, 0.5, 0.6].map((value) => {
    mask.update(new Float32Array(SIDE * SIDE).fill(value), light);
    return mask.layer.data[0];
  });

  expect(values).toEqual([0, expect.closeTo(0.5, 2), expect.closeTo(0.5625, 2)]);
});

test("a mask's border goes to the border of the light", () => {
  const [width, height] = [128, 72];
  const mask = new PersonMask(width, height);
  const light = layer(width, height);
  light.data.forEach((_, at) => {
    light.data[at] = at % width < 60 ? 30 : 220;
  });
  // the segmenter says 64 of 128
  const found = Float32Array.from({ length: SIDE * SIDE }, (_, at) => Number(at % SIDE >= SIDE / 2));

  mask.update(found, light);

  const row = mask.layer.data.subarray(36 * width, 37 * width);
  expect(row[50]).toBe(0);
  expect((row[61] as number) - (row[58] as number)).toBeGreaterThan(0.2);
  expect(row[72]).toBe(1);
});

test.each([
  [64, 18],
  [70, 21],
])("the kernel mixes %ix%i as the loop does", (width, height) => {
  const mixed = [true, false].map((hasKernel) => {
    if (!hasKernel) vi.stubGlobal("WebAssembly", undefined);
    try {
      const random = dice(3);
      const make = (limit: number) => {
        const one = layer(16, 5);
        one.data.forEach((_, at) => {
          one.data[at] = (random() / 255) * limit;
        });
        return one;
      };
      const mixer = new Mixer(width, height, make(1), [make(255), make(255), make(255)]);
      const [picture, other] = [allocate(width, height, FULL), allocate(width, height, FULL)];
      for (const { y, u, v } of [picture, other]) {
        for (const plane of [y, u, v]) plane.set(plane.map(random));
      }
      return [mixer.mix(picture, false), mixer.replace(picture, other), mixer.mix(picture, true)].map(
        ({ y, u, v }) => [...y, ...u, ...v],
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });

  expect(mixed[0]).toEqual(mixed[1]);
});

test("what is all the person's stays to the bit, and what is not shows nothing of it", () => {
  const picture = allocate(64, 18, FULL);
  const random = dice(9);
  picture.y.forEach((_, at) => {
    picture.y[at] = random();
  });
  const [share, behind] = [layer(16, 5), [layer(16, 5), layer(16, 5), layer(16, 5)] as const];
  const mixer = new Mixer(64, 18, share, behind);
  for (const { data } of behind) data.fill(77);

  expect(new Set(mixer.mix(picture, false).y)).toEqual(new Set([77]));
  share.data.fill(1);
  expect([...mixer.mix(picture, false).y]).toEqual([...picture.y]);
  expect(new Set(mixer.mix(picture, true).y)).toEqual(new Set([77]));
});
