/** What the statistics panel reads. */
import { describe, expect, it } from "vitest";
import type { PlotPoint } from "../src/contract";
import { KEPT_POINTS, KEPT_SERIES, StatsHistory } from "../src/stats/history";
import { derivePoint } from "../src/stats/point";

const point = (timeS: number): PlotPoint =>
  derivePoint(null, { type: "stats", timeS, peer: "ada", generation: 1, reports: [] });

describe("StatsHistory", () => {
  it("has a series for each peer, in the order of their first point", () => {
    const history = new StatsHistory((peer) => peer.toUpperCase());
    for (const peer of ["python", "ada", "python"]) history.add(peer, point(1));
    const series = history.series.value;
    expect(series.map(({ peer, name, points }) => [peer, name, points.length])).toEqual([
      ["python", "PYTHON", 2],
      ["ada", "ADA", 1],
    ]);
  });

  it("gives a new array for each point and leaves the others alone", () => {
    const history = new StatsHistory(() => "x");
    history.add("ada", point(1));
    history.add("bob", point(1));
    const [ada, bob] = history.series.value;
    history.add("ada", point(2));
    const [adaNow, bobNow] = history.series.value;
    expect(ada?.points).toHaveLength(1);
    expect(adaNow?.points.map(({ time_s }) => time_s)).toEqual([1, 2]);
    expect(bobNow).toBe(bob);
  });

  it("keeps those who left, under the name they had", () => {
    const names = new Map([["ada", "Ada"]]);
    const history = new StatsHistory((peer) => names.get(peer) ?? null);
    history.add("ada", point(1));
    names.clear();
    history.add("ada", point(2));
    history.add("stranger", point(2));
    expect(history.series.value.map(({ name }) => name)).toEqual(["Ada", "stranger"]);
  });

  it("keeps so many points, the oldest go", () => {
    const history = new StatsHistory(() => null);
    for (let time_s = 0; time_s < KEPT_POINTS + 5; time_s += 1) history.add("ada", point(time_s));
    const points = history.series.value[0]?.points ?? [];
    expect(points).toHaveLength(KEPT_POINTS);
    expect(points[0]?.time_s).toBe(5);
  });

  it("keeps so many series, the one that is silent longest goes", () => {
    const history = new StatsHistory(() => null);
    for (let number = 0; number < KEPT_SERIES; number += 1) history.add(`p${number}`, point(number));
    history.add("p0", point(100));
    history.add("late", point(101));
    const peers = history.series.value.map(({ peer }) => peer);
    expect(peers).toHaveLength(KEPT_SERIES);
    expect(peers.slice(0, 2)).toEqual(["p0", "p2"]);
    expect(peers.at(-1)).toBe("late");
  });
});
