import { describe, expect, test } from "vitest";
import { operationOf, strengthOf, type Tools } from "../src/effects/operations";
import type { Operation, Planes } from "../src/effects/picture";
import { allocate, allocateLike, interleavedToPlanes, rgbaToPlanes } from "../src/effects/planes";
import { EFFECTS, type Effect, type EffectName } from "../src/messages";

const LIMITED = { matrix: "bt601", fullRange: false } as const;
const FULL = { matrix: "bt601", fullRange: true } as const;

const nobody: Tools = {
  person: () => {
    throw new Error("No person is needed here.");
  },
};

const effect = (name: EffectName, strength: number | null = null): Effect => ({ name, strength });

function apply(name: EffectName, strength: number | null, picture: Planes): Planes {
  const operation = operationOf(effect(name, strength), nobody);
  if (operation === null) throw new Error(`${name} does nothing.`);
  return operation.apply(picture, 0);
}

/** Luma row by row; chroma is one row of U and one of V. */
function picture(width: number, luma: readonly number[], u: readonly number[], v: readonly number[]): Planes {
  const planes = allocate(width, luma.length / width, FULL);
  planes.y.set(luma);
  planes.u.set(u);
  planes.v.set(v);
  return planes;
}

describe("an operation for every effect", () => {
  const names = Object.keys(EFFECTS) as EffectName[];

  test.each(names.filter((name) => !["none", "blur", "background", "mirror"].includes(name)))(
    "%s changes a picture and keeps its size",
    (name) => {
      const before = picture(4, [10, 200, 30, 240, 50, 160, 70, 180], [60, 190], [200, 80]);
      const copy = [...before.y, ...before.u, ...before.v];

      const after = apply(name, null, before);

      expect([after.width, after.height, after.colour]).toEqual([4, 2, FULL]);
      expect([...after.y, ...after.u, ...after.v]).not.toEqual(copy);
    },
  );

  test("none needs none", () => {
    expect(operationOf(effect("none"), nobody)).toBeNull();
  });

  test.each(["blur", "background"] as const)("%s is done by who knows the person", (name) => {
    const asked: Effect[] = [];
    const operation: Operation = { isDirected: true, apply: (planes) => planes, close: () => undefined };
    const tools = {
      person: (given: Effect) => {
        asked.push(given);
        return operation;
      },
    };

    expect(operationOf(effect(name), tools)).toBe(operation);
    expect(asked).toEqual([effect(name)]);
  });

  test("the usual strength stands in for none", () => {
    expect(strengthOf(effect("blur"))).toBe(EFFECTS.blur.usual);
    expect(strengthOf(effect("brightness", 0))).toBe(0);
  });
});

test("a mirror exchanges left and right in planes of any width", () => {
  const after = apply("mirror", null, picture(5, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1, 2, 3], [4, 5, 6]));

  expect([...after.y]).toEqual([5, 4, 3, 2, 1, 10, 9, 8, 7, 6]);
  expect([...after.u]).toEqual([3, 2, 1]);
  expect([...after.v]).toEqual([6, 5, 4]);
});

test("pixelate takes the mean of what a square covers, also where the picture cuts it", () => {
  const luma = [0, 10, 100, 110, 7, 20, 30, 120, 130, 9, 50, 60, 70, 80, 90];
  const after = apply("pixelate", 0.05, picture(5, luma, [1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]));

  expect([...after.y]).toEqual([15, 15, 115, 115, 8, 15, 15, 115, 115, 8, 55, 55, 75, 75, 90]);
  expect([...after.u]).toEqual([1, 2, 3, 4, 5, 6]);
});

test("the squares of pixelate grow with the picture, so that it looks alike", () => {
  const squares = [180, 720].map((height) => {
    const planes = allocate(16 * 20, height, FULL);
    for (let row = 0; row < height; row++) planes.y.fill((255 * row) / height, row * 320, (row + 1) * 320);
    return new Set(apply("pixelate", 1, planes).y).size;
  });

  expect(squares).toEqual([12, 12]);
});

test("an edge is where luma changes, and nothing else is left", () => {
  const row = [10, 10, 10, 210, 210, 210];
  const after = apply("edge", 1, picture(6, [...row, ...row, ...row], Array(6).fill(30), Array(6).fill(220)));

  expect([...after.y.subarray(6, 12)]).toEqual([0, 0, 255, 255, 0, 0]);
  expect(new Set([...after.u, ...after.v])).toEqual(new Set([128]));
});

test("an edge at half strength lies over the picture", () => {
  const after = apply("edge", 0.5, picture(2, [100, 100, 100, 100], [28], [228]));

  expect([...after.y]).toEqual([50, 50, 50, 50]);
  expect([after.u[0], after.v[0]]).toEqual([78, 178]);
});

describe("planes", () => {
  test("RGB becomes what BT.601 says", () => {
    const colours = [255, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255, 255, 255, 255];
    const planes = allocate(8, 2, LIMITED);
    // each colour two by two
    const rgba = new Uint8Array(64);
    for (let at = 0; at < 16; at++) {
      rgba.set(colours.slice(4 * ((at % 8) >> 1), 4 * ((at % 8) >> 1) + 4), 4 * at);
    }

    rgbaToPlanes(rgba, planes);

    expect([...planes.y.subarray(0, 8)]).toEqual([81, 81, 145, 145, 41, 41, 235, 235]);
    expect([...planes.u]).toEqual([90, 54, 240, 128]);
    expect([...planes.v]).toEqual([240, 34, 110, 128]);
  });

  test("NV12's chroma is taken apart", () => {
    const [u, v] = [new Uint8Array(2), new Uint8Array(2)];

    interleavedToPlanes(Uint8Array.of(1, 2, 3, 4), u, v);

    expect([...u, ...v]).toEqual([1, 3, 2, 4]);
  });

  test("new ones are black, and known ones are used again where they fit", () => {
    const planes = allocate(3, 3, LIMITED);

    expect([planes.y.length, planes.u.length, planes.y[0], planes.u[0]]).toEqual([9, 4, 16, 128]);
    expect(allocateLike(planes, planes)).toBe(planes);
    expect(allocateLike({ ...planes, colour: FULL }, planes).y).toBe(planes.y);
    expect(allocateLike(allocate(4, 3, LIMITED), planes).y.length).toBe(12);
  });
});
