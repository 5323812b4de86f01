import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Tracer } from "../src/ice/tracer";
import type { IceRecord, IceTrace, Intent } from "../src/messages";

/** A connection as far as its ICE is looked at (webrtc-stats, sections 8.17 to 8.19). */
class FakeConnection extends EventTarget {
  iceGatheringState = "new";
  iceConnectionState = "new";
  readonly reports = new Map<string, object>();
  getStats = async () => this.reports;

  become(state: string): void {
    this.iceConnectionState = state;
    this.dispatchEvent(new Event("iceconnectionstatechange"));
  }

  candidate(id: string, type: "local" | "remote", change: object = {}): void {
    const known = { candidateType: "host", address: "192.0.2.1", port: 5000, protocol: "udp" };
    this.reports.set(id, { id, type: `${type}-candidate`, ...known, ...change });
  }

  pair(state: string, change: object = {}): void {
    const between = { localCandidateId: "L", remoteCandidateId: "R" };
    this.reports.set("P", {
      id: "P",
      type: "candidate-pair",
      ...between,
      state,
      nominated: false,
      ...change,
    });
  }
}

let sent: IceTrace[];
let tracer: Tracer;
let connection: FakeConnection;
let ended: AbortController;
beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  tracer = new Tracer({
    send: (intent: Intent) => sent.push(intent as IceTrace),
  });
  connection = new FakeConnection();
  ended = new AbortController();
});
afterEach(async () => {
  ended.abort();
  await pass(10_000);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const follow = () => tracer.follow("bob", connection as unknown as RTCPeerConnection, 3, ended.signal);
const records = () => sent.flatMap((trace) => [...trace.records]);
const of = <Type extends IceRecord["type"]>(type: Type) =>
  records().filter((record) => record.type === type) as Extract<IceRecord, { type: Type }>[];

test("candidates, pairs and states are told once each, with whose they are", async () => {
  follow();
  connection.candidate("L", "local", { candidateType: "relay", relayProtocol: "tls", url: "turns:a" });
  connection.candidate("R", "remote");
  connection.pair("in-progress");
  connection.become("checking");
  await pass(1000);
  connection.pair("succeeded", { nominated: true, currentRoundTripTime: 0.02 });
  connection.reports.set("T", { id: "T", type: "transport", selectedCandidatePairId: "P" });
  connection.become("connected");
  await pass(5000);
  expect(of("candidate-seen")).toMatchObject([
    { id: "L", isRemote: false, candidateType: "relay", relayProtocol: "tls", url: "turns:a" },
    { id: "R", isRemote: true, candidateType: "host", address: "192.0.2.1", port: 5000 },
  ]);
  expect(of("pair-seen")).toMatchObject([
    { state: "in-progress", selected: false, localId: "L", remoteId: "R" },
    { state: "succeeded", selected: true, nominated: true, rttS: 0.02 },
  ]);
  expect(of("ice-state-seen").map(({ what, state }) => `${what} ${state}`.trim())).toEqual([
    "start",
    "gathering new",
    "connection checking",
    "connection connected",
  ]);
  expect(new Set(records().map(({ peer, generation }) => `${peer} ${generation}`))).toEqual(
    new Set(["bob 3"]),
  );
});

test("a name whose address is found out is told again", async () => {
  follow();
  connection.candidate("R", "remote", { address: "x.local" });
  await pass(500);
  connection.candidate("R", "remote", { address: "192.0.2.9" });
  await pass(500);
  expect(of("candidate-seen").map(({ address }) => address)).toEqual(["x.local", "192.0.2.9"]);
});

test("a server's failure, a refused candidate, a restart and the end are told", async () => {
  follow();
  const failure = { url: "turn:a", errorCode: 401, errorText: "Unauthorized", address: null };
  connection.dispatchEvent(Object.assign(new Event("icecandidateerror"), failure));
  tracer.refused("bob", 3, "127.0.0.1", "why");
  tracer.of("bob")?.restarted();
  connection.iceConnectionState = "failed";
  ended.abort();
  await pass(1000);
  expect(of("candidate-failed")).toMatchObject([{ url: "turn:a", errorCode: 401, address: "" }]);
  expect(of("candidate-refused")).toMatchObject([{ peer: "bob", address: "127.0.0.1", reason: "why" }]);
  expect(of("ice-state-seen").map(({ what, state }) => `${what} ${state}`.trim())).toEqual([
    "start",
    "restart",
    "connection failed",
    "closed",
  ]);
  expect(tracer.of("bob")).toBeNull();
});

test("a calm connection is looked at seldom, one under way often", async () => {
  const looks = vi.spyOn(connection, "getStats");
  follow();
  await pass(2000);
  expect(looks.mock.calls.length).toBeGreaterThanOrEqual(9);
  connection.become("connected");
  await pass(4000);
  looks.mockClear();
  await pass(10_000);
  expect(looks.mock.calls.length).toBeLessThanOrEqual(3);
});

test("at most four messages a second go out, each of at most 200 records; of a flood the states stay", async () => {
  follow();
  for (let number = 0; number < 5000; number += 1) connection.candidate(`L${number}`, "local");
  connection.become("checking");
  await pass(1000);
  expect(sent.length).toBeLessThanOrEqual(4);
  expect(Math.max(...sent.map((trace) => trace.records.length))).toBeLessThanOrEqual(200);
  await pass(10_000);
  expect(records().length).toBeLessThan(1300);
  expect(of("ice-state-seen").map(({ what }) => what)).toContain("connection");
});
