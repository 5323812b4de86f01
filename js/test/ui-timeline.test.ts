/** What the charts show: which time, and which points of it. */
import { describe, expect, test } from "vitest";
import { plotPoint } from "../dev/fake-session";
import type { PlotPoint } from "../src/contract";
import { ticks } from "../src/ui/statistics/chart";
import { pointAt } from "../src/ui/statistics/frames";
import { metrics } from "../src/ui/statistics/metrics";
import { between, panned, rangeOf, zoomed } from "../src/ui/statistics/time-window";
import { Timeline } from "../src/ui/statistics/timeline";

const points = (from: number, to: number, step = 1): PlotPoint[] => {
  const count = Math.floor((to - from) / step) + 1;
  return Array.from({ length: count }, (_, index) => plotPoint(from + index * step, { rtt_s: index }));
};
const rtt = (point: PlotPoint) => point.rtt_s;

describe("a timeline", () => {
  test("has the times of everybody, and what each one has of them", () => {
    const series = [points(0, 2), points(0.5, 2.5)];
    const timeline = new Timeline(series, { from_s: 0, to_s: 3 }, 100);
    expect(timeline.times).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
    expect(timeline.column(0, rtt)).toEqual([0, undefined, 1, undefined, 2, undefined]);
    expect(timeline.column(1, rtt)).toEqual([undefined, 0, undefined, 1, undefined, 2]);
  });

  test("breaks lines where nothing was polled, and where nothing was known", () => {
    const series = [[...points(0, 5), ...points(30, 32), plotPoint(33)]];
    const timeline = new Timeline(series, { from_s: 0, to_s: 40 }, 100);
    expect(timeline.times).toContain(17.5);
    expect(timeline.column(0, rtt)).toEqual([0, 1, 2, 3, 4, 5, null, 0, 1, 2, null]);
  });

  test("has one point beyond each end", () => {
    const timeline = new Timeline([points(0, 100)], { from_s: 40.5, to_s: 50.5 }, 100);
    expect([timeline.times[0], timeline.times.at(-1)]).toEqual([40, 51]);
  });

  test("keeps the extremes of each pixel, in their order", () => {
    const spiky = points(0, 3599).map((point, index) => ({
      ...point,
      rtt_s: index === 1234 ? 500 : index === 2000 ? -3 : index % 7,
    }));
    const timeline = new Timeline([spiky], { from_s: 0, to_s: 3600 }, 100);
    const column = timeline.column(0, rtt);
    expect(timeline.isThinned).toBe(true);
    expect(column).toHaveLength(200);
    expect(Math.max(...column.map((value) => value ?? 0))).toBe(500);
    expect(Math.min(...column.map((value) => value ?? 0))).toBe(-3);
    for (let pixel = 0; pixel < 100; pixel += 1) {
      const least = Math.min(...spiky.slice(36 * pixel, 36 * pixel + 36).map(({ rtt_s }) => rtt_s ?? 0));
      expect(column.slice(2 * pixel, 2 * pixel + 2)).toContain(least);
    }
    expect(column.slice(68, 70)).toEqual([0, 500]);
  });

  test("breaks thinned lines, too", () => {
    const series = [[...points(0, 1000), ...points(3000, 3600)]];
    const timeline = new Timeline(series, { from_s: 0, to_s: 3600 }, 100);
    const column = timeline.column(0, rtt);
    expect(column.filter((value) => value === null)).toHaveLength(1);
    const broken_s = timeline.times[column.indexOf(null)] ?? 0;
    expect(broken_s).toBeGreaterThan(1000);
    expect(broken_s).toBeLessThan(3000);
  });

  test("of nobody is empty", () => {
    expect(new Timeline([], { from_s: 0, to_s: 60 }, 100).times).toEqual([]);
    expect(new Timeline([[]], { from_s: 0, to_s: 60 }, 100).column(0, rtt)).toEqual([]);
  });
});

test("the value at the cursor is the nearest poll's, and nobody's where none is near", () => {
  const polled = points(0, 10);
  expect(pointAt(polled, 4.4, 1)?.time_s).toBe(4);
  expect(pointAt(polled, 4.6, 1)?.time_s).toBe(5);
  expect(pointAt(polled, 12, 1)).toBeUndefined();
  expect(pointAt([], 0, 1)).toBeUndefined();
});

test("ticks are round and below the top", () => {
  expect(ticks(1_650_000, 1, 1000)).toEqual([0, 1_000_000]);
  expect(ticks(33, 1, 1)).toEqual([0, 25]);
  expect(ticks(33, 3, 1)).toEqual([0, 10, 20, 30]);
  expect(ticks(1, 1, 0.1)).toEqual([0, 0.5]);
});

test("ticks are values that their text does not round", () => {
  expect(ticks(15, 3, 1)).toEqual([0, 5, 10]); // not 2.5 frames a second
  for (const metric of metrics) {
    for (let top = metric.leastTop; top < 5000 * metric.leastTop; top *= 1.37) {
      for (const count of [1, 3]) {
        const values = ticks(top, count, metric.grain);
        expect(values.length).toBeGreaterThan(1);
        expect(values.length).toBeLessThanOrEqual(count + 1);
        for (const value of values.slice(1)) {
          const [number = "", unit = ""] = metric.textOf(value).split(" ");
          const shown = Number(number) * ({ kbps: 1e3, Mbps: 1e6 }[unit] ?? 1);
          expect(shown, `${metric.key} up to ${top}`).toBeCloseTo(value, 6);
          expect(value).toBeLessThan(top);
        }
      }
    }
  }
});

describe("the time that is shown", () => {
  const extent = { first_s: 0, last_s: 1000 };
  const live = { span_s: 60, end_s: null };

  test("follows the newest point, or stands still", () => {
    expect(rangeOf(live, extent)).toEqual({ from_s: 940, to_s: 1000 });
    expect(rangeOf({ span_s: 60, end_s: 500 }, extent)).toEqual({ from_s: 440, to_s: 500 });
    expect(rangeOf({ span_s: null, end_s: null }, extent)).toEqual({ from_s: 0, to_s: 1000 });
    expect(rangeOf({ span_s: null, end_s: null }, { first_s: 5, last_s: 6 })).toEqual({
      from_s: -4,
      to_s: 6,
    });
  });

  test("goes on following where it is zoomed", () => {
    expect(zoomed(live, extent, 1)).toEqual({ span_s: 30, end_s: null });
    expect(zoomed({ span_s: 600, end_s: null }, extent, -1)).toEqual({ span_s: null, end_s: null });
    expect(zoomed({ span_s: null, end_s: null }, extent, 1)).toEqual({ span_s: 600, end_s: null });
  });

  test("keeps what is under the pointer in its place", () => {
    const near = zoomed({ span_s: 120, end_s: 500 }, extent, 1, 0.25);
    expect(near).toEqual({ span_s: 60, end_s: 455 }); // 410 s stay at a quarter of the picture
  });

  test("never leaves what there is", () => {
    expect(panned({ span_s: 60, end_s: 100 }, extent, -1)).toEqual({ span_s: 60, end_s: 60 });
    expect(panned({ span_s: 60, end_s: 990 }, extent, 0.25)).toEqual({ span_s: 60, end_s: null });
    expect(between({ from_s: 500, to_s: 503 }, extent)).toEqual({ span_s: 10, end_s: 506.5 });
    expect(between({ from_s: 998, to_s: 1000 }, extent)).toEqual({ span_s: 10, end_s: 1000 });
  });
});
