/** Statistics of the page. The cases of tests/data/stats are Python's too (tests/unit/test_stats_vectors.py). */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import edges from "../../tests/data/stats/edges.json";
import loopback from "../../tests/data/stats/loopback.json";
import firefox from "../../tests/data/stats/rtcstats-firefox.json";
import type { PlotPoint } from "../src/contract";
import type { StatsSample } from "../src/messages";
import { derivePoint, pollStats, StatsPoller } from "../src/stats";

interface Case {
  readonly name: string;
  readonly samples: readonly StatsSample[];
  readonly points: readonly Partial<PlotPoint>[];
}

const CASES = [edges, loopback, firefox].flatMap((file) => file.cases as unknown as Case[]);

type Report = Readonly<Record<string, unknown>>;

/** A connection whose getStats gives these reports. */
function connectionWith(getStats: () => Promise<readonly Report[]>, connectionState = "connected") {
  return {
    connectionState,
    getStats: async () => new Map((await getStats()).map((report) => [report.id, report])),
  } as unknown as RTCPeerConnection;
}

describe("derivePoint", () => {
  it.each(CASES)("$name", ({ samples, points }) => {
    expect(points).toHaveLength(samples.length);
    samples.forEach((sample, index) => {
      const point: Readonly<Record<string, number | null>> = {
        ...derivePoint(samples[index - 1] ?? null, sample),
      };
      for (const [name, expected] of Object.entries(points[index] ?? {})) {
        if (expected === null) expect(point[name], name).toBeNull();
        else
          expect((point[name] ?? Number.NaN) / (expected || 1), name).toBeCloseTo(expected === 0 ? 0 : 1, 9);
      }
    });
  });

  it("does not compare one peer's connection with another's", () => {
    const [{ samples }] = loopback.cases as unknown as [Case];
    const [first, second] = samples as [StatsSample, StatsSample];
    expect(derivePoint(first, second).sendBitrate_bps).not.toBeNull();
    expect(derivePoint({ ...first, peer: "ada" }, second).sendBitrate_bps).toBeNull();
  });
});

describe("pollStats", () => {
  const poll = async (...reports: Report[]) => (await pollStats(connectionWith(async () => reports))).reports;

  it("keeps numbers verbatim and flattens the limitation's durations, and nothing else", async () => {
    const durations = { cpu: 1.5, none: 20 };
    const reports = await poll({
      id: "O",
      type: "outbound-rtp",
      bytesSent: 9007199254740991,
      jitter: 1e-7,
      active: true,
      mid: null,
      qualityLimitationDurations: durations,
      perDscpPacketsSent: { 0: 4 },
      list: [1, 2],
    });
    expect(reports).toEqual([
      {
        id: "O",
        type: "outbound-rtp",
        bytesSent: 9007199254740991,
        jitter: 1e-7,
        active: true,
        mid: null,
        "qualityLimitationDurations.cpu": 1.5,
        "qualityLimitationDurations.none": 20,
      },
    ]);
  });

  it("leaves out addresses and certificates", async () => {
    const reports = await poll(
      { id: "L", type: "local-candidate", address: "192.0.2.1" },
      { id: "X", type: "certificate" },
      { id: "T", type: "transport" },
    );
    expect(reports.map((report) => report.type)).toEqual(["transport"]);
  });

  it("keeps the candidate pair that the transport names", async () => {
    const reports = await poll(
      { id: "P", type: "candidate-pair", nominated: true, state: "succeeded" },
      { id: "Q", type: "candidate-pair" },
      { id: "T", type: "transport", selectedCandidatePairId: "Q" },
    );
    expect(reports.map((report) => report.id)).toEqual(["Q", "T"]);
  });

  it("keeps the pair that Firefox calls selected", async () => {
    const reports = await poll(
      { id: "P", type: "candidate-pair", nominated: true, state: "succeeded", selected: false },
      { id: "Q", type: "candidate-pair", selected: true },
    );
    expect(reports.map((report) => report.id)).toEqual(["Q"]);
  });

  it("dates the poll in Unix seconds", async () => {
    const before = Date.now() / 1000;
    const { timeS } = await pollStats(connectionWith(async () => []));
    expect(timeS).toBeGreaterThanOrEqual(before);
    expect(timeS).toBeLessThanOrEqual(Date.now() / 1000);
  });
});

describe("StatsPoller", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function listen() {
    const [samples, points, problems]: [StatsSample[], PlotPoint[], unknown[]] = [[], [], []];
    const listener = {
      onSample: (sample: StatsSample) => void samples.push(sample),
      onPoint: (point: PlotPoint) => void points.push(point),
      onProblem: (problem: unknown) => void problems.push(problem),
    };
    return { listener, samples, points, problems };
  }

  /** Sends 1000 bytes a second. */
  function sender() {
    return connectionWith(async () => [
      { id: "O", type: "outbound-rtp", kind: "video", timestamp: Date.now(), bytesSent: Date.now() },
    ]);
  }

  it("polls once a second until the signal aborts", async () => {
    const { listener, samples, points } = listen();
    const abort = new AbortController();
    const done = new StatsPoller("python", listener).follow(sender(), 3, abort.signal);
    await vi.advanceTimersByTimeAsync(2500);
    expect(samples).toHaveLength(3);
    expect(samples[0]).toMatchObject({ type: "stats", peer: "python", generation: 3 });
    expect(points.map((point) => point.sendBitrate_bps)).toEqual([null, 8000, 8000]);
    abort.abort();
    await done;
    await vi.advanceTimersByTimeAsync(5000);
    expect(samples).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("never starts a poll while one is under way", async () => {
    const { listener, samples } = listen();
    const abort = new AbortController();
    let [running, most] = [0, 0];
    const slow = connectionWith(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 3500));
      running--;
      return [];
    });
    void new StatsPoller("python", listener).follow(slow, 1, abort.signal);
    await vi.advanceTimersByTimeAsync(11_000);
    abort.abort();
    expect(most).toBe(1);
    expect(samples).toHaveLength(3);
  });

  it("survives a rejected getStats, says so, and the next rate spans the gap", async () => {
    const { listener, points, problems } = listen();
    const abort = new AbortController();
    const good = sender();
    let polls = 0;
    const shaky = {
      connectionState: "connected",
      getStats: () => (++polls === 2 ? Promise.reject("busy") : good.getStats()),
    };
    void new StatsPoller("python", listener).follow(shaky as unknown as RTCPeerConnection, 1, abort.signal);
    await vi.advanceTimersByTimeAsync(2500);
    abort.abort();
    expect(problems).toEqual(["busy"]);
    expect(points.map((point) => point.sendBitrate_bps)).toEqual([null, 8000]);
  });

  it("says nothing of a poll that ends after the abort", async () => {
    const { listener, samples } = listen();
    const abort = new AbortController();
    const slow = connectionWith(() => new Promise((resolve) => setTimeout(() => resolve([]), 500)));
    const done = new StatsPoller("python", listener).follow(slow, 1, abort.signal);
    abort.abort();
    await vi.advanceTimersByTimeAsync(600);
    await done;
    expect(samples).toEqual([]);
  });

  it("stops by itself when the connection is closed", async () => {
    const { listener, samples } = listen();
    await new StatsPoller("python", listener).follow(
      connectionWith(async () => [], "closed"),
      1,
      new AbortController().signal,
    );
    expect(samples).toEqual([]);
  });

  it("keeps 300 points across generations, the oldest go", async () => {
    const { listener, points } = listen();
    const poller = new StatsPoller("python", listener);
    for (const generation of [1, 2]) {
      const abort = new AbortController();
      void poller.follow(sender(), generation, abort.signal);
      await vi.advanceTimersByTimeAsync(199_500);
      abort.abort();
    }
    expect(points).toHaveLength(400);
    expect(points[200]?.sendBitrate_bps).toBeNull();
    expect(poller.points).toEqual(points.slice(100));
  });
});
