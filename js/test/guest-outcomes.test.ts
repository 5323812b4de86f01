import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Outcomes } from "../src/guest/outcomes";
import type { CandidateSeen, CandidateType, IceRecord, IceStateSeen, PairSeen } from "../src/messages";
import { FakeServer, Guest } from "./fake-server";

const T = 1_700_000_000;
const state = (at_s: number, what: IceStateSeen["what"], value = "", generation = 1): IceStateSeen => ({
  type: "ice-state-seen",
  timeS: T + at_s,
  peer: "ada",
  generation,
  what,
  state: value,
});
const seen = (id: string, candidateType: CandidateType, isRemote = false): CandidateSeen => ({
  type: "candidate-seen",
  timeS: T + 0.1,
  peer: "ada",
  generation: 1,
  id,
  isRemote,
  candidateType,
  address: "192.0.2.7",
  port: 5,
  protocol: "udp",
  relayProtocol: candidateType === "relay" ? "tls" : null,
  url: "turns:turn.example.org",
  priority: null,
  relatedAddress: "",
  relatedPort: null,
  foundation: "",
});
const selected = (at_s: number, localId: string, remoteId: string): PairSeen => ({
  type: "pair-seen",
  timeS: T + at_s,
  peer: "ada",
  generation: 1,
  localId,
  remoteId,
  state: "succeeded",
  nominated: true,
  selected: true,
  rttS: null,
  requestsSent: null,
  responsesReceived: null,
});
const relayed: readonly IceRecord[] = [
  state(0, "start"),
  seen("L", "relay"),
  seen("R", "host", true),
  state(0.5, "connection", "connected"),
  selected(0.5, "L", "R"),
];
const RELAYED = {
  success: true,
  connectS: 0.5,
  localType: "relay",
  remoteType: "host",
  relayProtocol: "tls",
};

describe("an outcome", () => {
  test("is told once of a connection that worked, without address, name or server", () => {
    const outcomes = new Outcomes();
    expect(outcomes.take(relayed)).toEqual([RELAYED]);
    expect(outcomes.take([selected(3, "L", "R"), state(9, "connection", "disconnected")])).toEqual([]);
    expect(outcomes.take([state(60, "closed")])).toEqual([]);
  });

  test("waits for its pair, but not for ever", () => {
    const outcomes = new Outcomes();
    expect(outcomes.take(relayed.slice(0, -1))).toEqual([]);
    expect(outcomes.take([state(3, "gathering", "complete")])).toEqual([
      { success: true, connectS: 0.5, localType: null, remoteType: null, relayProtocol: null },
    ]);
  });

  test("of one that failed is told once, too", () => {
    const outcomes = new Outcomes();
    const failed = [...relayed.slice(0, -2), state(15, "connection", "failed")];
    expect(outcomes.take(failed)).toEqual([{ success: false }]);
    expect(outcomes.take([state(30, "connection", "failed"), state(31, "closed")])).toEqual([]);
  });

  test("of one that was closed while it tried counts only after a while", () => {
    expect(new Outcomes().take([state(0, "start"), state(4, "closed")])).toEqual([]);
    expect(new Outcomes().take([state(0, "start"), state(15, "closed")])).toEqual([{ success: false }]);
  });

  test("is told at the end of whatever takes too long by then", () => {
    const outcomes = new Outcomes();
    outcomes.take([state(0, "start"), state(5, "start", "", 2)]);
    outcomes.take(relayed.map((record) => ({ ...record, generation: 3 })));
    expect(outcomes.finish(T + 12)).toEqual([{ success: false }]);
    expect(outcomes.finish(T + 60)).toEqual([]);
  });

  test("of a restart is one of its own", () => {
    const outcomes = new Outcomes();
    outcomes.take(relayed);
    const again = [state(60, "restart"), seen("L2", "host"), seen("R2", "host", true)];
    const connected = [state(60.5, "connection", "connected"), selected(60.5, "L2", "R2")];
    expect(outcomes.take([...again, ...connected])).toMatchObject([{ success: true, localType: "host" }]);
  });

  test("is not made of what is seen after its connection was forgotten", () => {
    expect(new Outcomes().take([state(0, "connection", "connected"), selected(0.1, "L", "R")])).toEqual([]);
    const outcomes = new Outcomes();
    for (let generation = 0; generation < 69; generation += 1)
      outcomes.take([state(0, "start", "", generation)]);
    const failed = [0, 68].map((generation) => state(20, "connection", "failed", generation));
    expect(outcomes.take(failed)).toEqual([{ success: false }]);
  });
});

describe("a guest's page", () => {
  let server: FakeServer;
  let guest: Guest;
  let posted: [string, RequestInit][];
  beforeEach(() => {
    vi.useFakeTimers();
    posted = [];
    vi.stubGlobal("fetch", async (path: string, request: RequestInit) => {
      posted.push([path, request]);
      throw new TypeError("Failed to fetch"); // which harms nobody
    });
    server = new FakeServer();
    server.collectsAnalytics = true;
    guest = new Guest(server);
  });
  afterEach(() => {
    guest.engine.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  const bodies = () => posted.map(([, { body }]) => JSON.parse(String(body)).outcomes);
  const enter = async () => {
    guest.enter();
    await vi.advanceTimersByTimeAsync(0);
  };

  test("reports them together where the server collects them", async () => {
    await enter();
    guest.take({ type: "ice", records: relayed });
    guest.take({ type: "ice", records: [state(0, "start", "", 2), state(1, "connection", "failed", 2)] });
    expect(posted).toEqual([]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(bodies()).toEqual([[RELAYED, { success: false }]]);
    const [path, { headers, redirect }] = posted[0] as [string, RequestInit];
    expect(path).toBe("/api/webrtc-analytics");
    expect(headers).toMatchObject({ Authorization: "Bearer token 1" });
    expect(redirect).toBe("error");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(posted.length).toBe(1);
  });

  test("reports at most twenty at once, and a hundred in all that wait", async () => {
    await enter();
    for (let generation = 10; generation < 130; generation += 1) {
      const failed = [state(0, "start", "", generation), state(1, "connection", "failed", generation)];
      guest.take({ type: "ice", records: failed });
    }
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bodies().map((outcomes) => outcomes.length)).toEqual([20, 20, 20, 20, 20]);
  });

  test("reports what waits when the person leaves", async () => {
    await enter();
    guest.take({ type: "ice", records: relayed });
    guest.take({ type: "leave", reason: "", mayReturn: false });
    expect(bodies()).toEqual([[RELAYED]]);
  });

  test("reports a person who gave up waiting, when they leave", async () => {
    await enter();
    guest.take({ type: "ice", records: [{ ...state(0, "start"), timeS: Date.now() / 1000 }] });
    await vi.advanceTimersByTimeAsync(11_000);
    guest.take({ type: "leave", reason: "", mayReturn: false });
    expect(bodies()).toEqual([[{ success: false }]]);
  });

  test("reports nothing to a server that did not ask for it, nor outside a room", async () => {
    guest.take({ type: "ice", records: relayed });
    server.collectsAnalytics = false;
    await enter();
    guest.take({ type: "ice", records: [state(70, "start", "", 3), state(71, "connection", "failed", 3)] });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(posted).toEqual([]);
  });
});
