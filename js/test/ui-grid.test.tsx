import { describe, expect, test } from "vitest";
import { type Area, type Box, grid, speaker } from "../src/ui/grid";

const GAP = 6;
const areas: readonly Area[] = [
  { width: 988, height: 436 },
  { width: 388, height: 296 },
  { width: 268, height: 296 },
  { width: 1400, height: 300 },
  { width: 300, height: 700 },
];
const everything = areas.flatMap((area) =>
  Array.from({ length: 12 }, (_, index) => [index + 1, area.width, area.height] as const),
);

const overlaps = (one: Box, other: Box) =>
  one.left < other.left + other.width &&
  other.left < one.left + one.width &&
  one.top < other.top + other.height &&
  other.top < one.top + one.height;

function expectSound(boxes: readonly Box[], count: number, area: Area): void {
  expect(boxes).toHaveLength(count);
  for (const [index, box] of boxes.entries()) {
    expect(Math.min(box.left, box.top, box.width - 20, box.height - 12)).toBeGreaterThanOrEqual(0);
    expect(box.left + box.width).toBeLessThanOrEqual(area.width);
    expect(box.top + box.height).toBeLessThanOrEqual(area.height);
    for (const other of boxes.slice(index + 1)) expect(overlaps(box, other)).toBe(false);
  }
}

describe("a grid", () => {
  test.each(everything)("of %i in %i x %i: equal tiles of 16:9 beside each other", (count, width, height) => {
    const boxes = grid(count, { width, height }, GAP);
    expectSound(boxes, count, { width, height });
    const [first] = boxes;
    for (const box of boxes) {
      expect([box.width, box.height]).toEqual([first?.width, first?.height]);
      expect(Math.abs(box.width / box.height - 16 / 9)).toBeLessThan(0.1);
    }
  });

  test.each(everything)("of %i in %i x %i: no number of columns has larger tiles", (count, width, height) => {
    const chosen = grid(count, { width, height }, GAP)[0]?.width ?? 0;
    for (let columns = 1; columns <= count; columns += 1) {
      const rows = Math.ceil(count / columns);
      const least = Math.min(
        (width - GAP * (columns - 1)) / columns,
        ((height - GAP * (rows - 1)) / rows) * (16 / 9),
      );
      expect(chosen).toBeGreaterThanOrEqual(Math.floor(least));
    }
  });

  test("stands in the middle, an incomplete last row too", () => {
    const boxes = grid(5, { width: 988, height: 436 }, GAP);
    const rows = new Map<number, Box[]>();
    for (const box of boxes) rows.set(box.top, [...(rows.get(box.top) ?? []), box]);
    expect([...rows.values()].map(({ length }) => length)).toEqual([3, 2]);
    for (const row of rows.values()) {
      const last = row.at(-1);
      const right = 988 - ((last?.left ?? 0) + (last?.width ?? 0));
      expect(Math.abs((row[0]?.left ?? 0) - right)).toBeLessThanOrEqual(1);
    }
  });

  test("of nobody is empty", () => {
    expect(grid(0, { width: 100, height: 100 }, GAP)).toEqual([]);
  });
});

describe("one large tile", () => {
  test.each(everything)("and %i in all in %i x %i: the others in a strip", (count, width, height) => {
    for (const large of [0, count - 1]) {
      const boxes = speaker(count, large, { width, height }, GAP);
      expectSound(boxes, count, { width, height });
      const main = boxes[large];
      const others = boxes.filter((_, index) => index !== large);
      for (const box of others) expect(box.width * 1.2).toBeLessThan(main?.width ?? 0);
    }
  });

  test("has the strip where it leaves the picture larger", () => {
    const [wide] = speaker(4, 0, { width: 988, height: 436 }, GAP);
    expect(wide?.height).toBe(436);
    const [narrow] = speaker(4, 0, { width: 388, height: 296 }, GAP);
    expect(narrow?.width).toBe(388);
  });
});
