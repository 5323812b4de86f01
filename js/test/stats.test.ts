/** Statistics of the page. The cases of tests/data/stats are Python's too (tests/unit/test_stats_vectors.py). */
import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import edges from "../../tests/data/stats/edges.json";
import loopback from "../../tests/data/stats/loopback.json";
import firefox from "../../tests/data/stats/rtcstats-firefox.json";
import type { PlotPoint } from "../src/contract";
import type { StatsSample } from "../src/messages";
import { derivePoint } from "../src/stats/point";
import { StatsPoller } from "../src/stats/poller";
import { pollStats } from "../src/stats/report";

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

  it("finds every figure somewhere in a recorded call", () => {
    const [{ samples }] = loopback.cases as unknown as [Case];
    const points = samples.map((sample, index) => derivePoint(samples[index - 1] ?? null, sample));
    const names = Object.keys(points[0] ?? {}) as (keyof PlotPoint)[];
    expect(names).toHaveLength(21);
    expect(names.filter((name) => points.every((point) => point[name] === null))).toEqual([]);
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

  const SECRETS = {
    address: "192.0.2.1",
    ip: "192.0.2.1",
    ipAddress: "2001:db8::1",
    port: 50007,
    relatedAddress: "10.0.0.7",
    relatedPort: 50008,
    url: "turn:turn.example.org:3478",
    usernameFragment: "ufrag",
    iceLocalUsernameFragment: "ufrag",
  };
  const WAY = { candidateType: "relay", protocol: "udp", relayProtocol: "tls", networkType: "wifi" };
  const CALL = [
    { id: "L", type: "local-candidate", timestamp: 1, ...WAY, foundation: "4961", ...SECRETS },
    { id: "M", type: "local-candidate", timestamp: 1, ...WAY, ...SECRETS },
    { id: "R", type: "remote-candidate", timestamp: 1, ...WAY, tcpType: "passive", ...SECRETS },
    { id: "P", type: "candidate-pair", localCandidateId: "L", remoteCandidateId: "R", ...SECRETS },
    { id: "T", type: "transport", selectedCandidatePairId: "P", localCertificateId: "C", ...SECRETS },
    {
      id: "C",
      type: "certificate",
      timestamp: 1,
      fingerprint: "AB:CD",
      fingerprintAlgorithm: "sha-256",
      base64Certificate: "MIIB",
      ...SECRETS,
    },
    { id: "N", type: "peer-connection", dataChannelsOpened: 2 },
    { id: "D", type: "data-channel", label: "secret plans" },
  ];

  it("tells of the selected candidates only their kinds, and of certificates only the fingerprint", async () => {
    const reports = await poll(...CALL);
    expect(reports).toEqual([
      { id: "L", type: "local-candidate", timestamp: 1, ...WAY },
      { id: "R", type: "remote-candidate", timestamp: 1, ...WAY, tcpType: "passive" },
      expect.objectContaining({ id: "P" }),
      expect.objectContaining({ id: "T", selectedCandidatePairId: "P", localCertificateId: "C" }),
      { id: "C", type: "certificate", timestamp: 1, fingerprint: "AB:CD", fingerprintAlgorithm: "sha-256" },
      { id: "N", type: "peer-connection", dataChannelsOpened: 2 },
    ]);
  });

  it("lets no address, port, credential or server out", async () => {
    const text = JSON.stringify(await poll(...CALL));
    for (const secret of [
      "192.0.2",
      "2001:",
      "10.0.0",
      "5000",
      "example",
      "ufrag",
      "4961",
      "MIIB",
      "plans",
    ]) {
      expect(text).not.toContain(secret);
    }
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

  function listen(interval_s = signal(1)) {
    const [samples, points, problems]: [StatsSample[], PlotPoint[], unknown[]] = [[], [], []];
    const poller = new StatsPoller(
      {
        onSample: (sample, point) => {
          samples.push(sample);
          points.push(point);
        },
        onProblem: (problem) => void problems.push(problem),
      },
      interval_s,
    );
    const abort = new AbortController();
    const follow = (connection: RTCPeerConnection, generation = 1) =>
      poller.follow(connection, { peer: "python", generation, signal: abort.signal });
    return { follow, abort, interval_s, samples, points, problems };
  }

  /** Sends 1000 bytes a second. */
  function sender() {
    return connectionWith(async () => [
      { id: "O", type: "outbound-rtp", kind: "video", timestamp: Date.now(), bytesSent: Date.now() },
    ]);
  }

  it("polls once a second until the signal aborts", async () => {
    const { follow, abort, samples, points } = listen();
    const done = follow(sender(), 3);
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

  it("follows a change of the interval at once, in both directions", async () => {
    const { follow, abort, interval_s, samples } = listen(signal(5));
    void follow(sender());
    await vi.advanceTimersByTimeAsync(1000);
    expect(samples).toHaveLength(1);
    interval_s.value = 0.1;
    await vi.advanceTimersByTimeAsync(450);
    expect(samples).toHaveLength(6);
    interval_s.value = 5;
    await vi.advanceTimersByTimeAsync(4900);
    expect(samples).toHaveLength(6);
    await vi.advanceTimersByTimeAsync(100);
    expect(samples).toHaveLength(7);
    abort.abort();
  });

  it.each([
    [0, 11],
    [60, 1],
  ])("keeps the interval in its bounds: %d s gives %d polls in a second", async (interval_s, polls) => {
    const { follow, abort, samples } = listen(signal(interval_s));
    void follow(sender());
    await vi.advanceTimersByTimeAsync(1000);
    abort.abort();
    expect(samples).toHaveLength(polls);
  });

  it("never starts a poll while one is under way", async () => {
    const { follow, abort, samples } = listen();
    let [running, most] = [0, 0];
    const slow = connectionWith(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 3500));
      running--;
      return [];
    });
    void follow(slow);
    await vi.advanceTimersByTimeAsync(11_000);
    abort.abort();
    expect(most).toBe(1);
    expect(samples).toHaveLength(3);
  });

  it("survives a rejected getStats, says so, and the next rate spans the gap", async () => {
    const { follow, abort, points, problems } = listen();
    const good = sender();
    let polls = 0;
    const shaky = {
      connectionState: "connected",
      getStats: () => (++polls === 2 ? Promise.reject("busy") : good.getStats()),
    };
    void follow(shaky as unknown as RTCPeerConnection);
    await vi.advanceTimersByTimeAsync(2500);
    abort.abort();
    expect(problems).toEqual(["busy"]);
    expect(points.map((point) => point.sendBitrate_bps)).toEqual([null, 8000]);
  });

  it("says once that no poll works, and again after one has", async () => {
    const { follow, abort, problems } = listen();
    const outcomes = ["no", "no", "yes", "no"];
    const shaky = {
      connectionState: "connected",
      getStats: async () => {
        if (outcomes.shift() === "no") throw new Error("busy");
        return new Map();
      },
    };
    void follow(shaky as unknown as RTCPeerConnection);
    await vi.advanceTimersByTimeAsync(1500);
    expect(problems).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(problems).toHaveLength(2);
    abort.abort();
  });

  it("says nothing of a poll that ends after the abort", async () => {
    const { follow, abort, samples } = listen();
    const done = follow(connectionWith(() => new Promise((resolve) => setTimeout(() => resolve([]), 500))));
    abort.abort();
    await vi.advanceTimersByTimeAsync(600);
    await done;
    expect(samples).toEqual([]);
  });

  it("stops by itself when the connection is closed", async () => {
    const { follow, samples } = listen();
    await follow(connectionWith(async () => [], "closed"));
    expect(samples).toEqual([]);
  });
});
