import { expect, test } from "vitest";
import { type Circumstances, Plan, PYTHON } from "../src/media/plan";
import type { Quality } from "../src/messages";

const AUTO: Quality = { width: 1280, height: 720, fps: 30, name: "auto", bitrateBps: 2_500_000 };
const FIXED: Quality = { ...AUTO, name: "medium" };
const LIMIT = "the bitrate limit of this call";

function orders(cap_bps: number | null, change: Partial<Circumstances> = {}) {
  const now = {
    quality: AUTO,
    isScreen: false,
    screenPixels: 1920 * 1080,
    others: 1,
    isModest: false,
    cap_bps,
    ...change,
  };
  const sights = [
    { id: "bob", rank: 0, reading: null },
    { id: PYTHON, rank: 0, reading: null },
  ];
  return [...new Plan().next(now, sights, true).values()];
}

test.each([
  [null, 720, 2_500_000, ""],
  [5_000_000, 720, 2_500_000, ""],
  [500_000, 360, 480_000, LIMIT],
  [60_000, 180, 50_000, LIMIT],
  [30_000, 180, 30_000, LIMIT],
])(
  "%j bit/s are kept to by a size that suits them, towards everybody",
  (cap_bps, short, bitrate_bps, limitedBy) => {
    for (const order of orders(cap_bps)) expect(order).toMatchObject({ short, bitrate_bps, limitedBy });
  },
);

test("a fixed quality keeps its size within the limit", () => {
  for (const order of orders(500_000, { quality: FIXED })) {
    expect(order).toMatchObject({ short: 720, bitrate_bps: 500_000, limitedBy: LIMIT });
  }
  expect(orders(null, { quality: FIXED })[0]).toMatchObject({ bitrate_bps: 2_500_000, limitedBy: "" });
});

test("a shared screen gives frames away, not its size", () => {
  const [order] = orders(500_000, { isScreen: true });
  expect(order?.short).toBe(Number.POSITIVE_INFINITY);
  expect(order?.bitrate_bps).toBeLessThanOrEqual(500_000);
});
