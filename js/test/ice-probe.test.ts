import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { probeServers } from "../src/ice/probe";
import type { IceServerEntry, ServerProbe } from "../src/messages";
import { type Answer, FakeGatherer, forget } from "./fake-gatherer";

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("RTCPeerConnection", FakeGatherer);
  forget();
});
afterEach(() => {
  expect(FakeGatherer.open).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const entry = (...urls: string[]): IceServerEntry => ({ urls, username: "u", credential: "c" });

async function probeOf(url: string, ...answers: Answer[]): Promise<ServerProbe> {
  FakeGatherer.answers.set(url, answers);
  const probing = probeServers([entry(url)], 3000, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(3000);
  const [probe] = await probing;
  if (probe === undefined) throw new Error("Nothing came of it.");
  return probe;
}

test.each([
  ["stun:a", ["srflx"], { ok: true, candidateTypes: ["srflx"], transport: "udp", error: "" }],
  ["stun:a", ["end"], { ok: true, candidateTypes: ["host"] }],
  ["stun:a", [701, "end"], { ok: false, errorCode: 701, candidateTypes: [] }],
  ["turn:a", ["srflx", "end"], { ok: false, errorCode: null }],
  ["turn:a?transport=tcp", ["relay"], { ok: true, candidateTypes: ["relay"], transport: "tcp" }],
  ["turns:a", ["relay"], { ok: true, transport: "tls" }],
  ["turn:a", [701, 401, "end"], { ok: false, errorCode: 401 }],
] as const)("%s that answers %j", async (url, answers, expected) => {
  expect(await probeOf(url, ...answers)).toMatchObject({ url, by: "page", ...expected });
});

test("silence ends after the time, and the sentence says how long it was", async () => {
  const probe = await probeOf("turn:a", "silence");
  expect(probe).toMatchObject({ ok: false, errorCode: null, rttS: null });
  expect(probe.error).toBe("No answer within 3 s. A firewall may drop UDP.");
});

test("a URL that the browser refuses is a result, too", async () => {
  expect((await probeOf("turn:nonsense")).error).toBe("The browser refuses this URL (SyntaxError).");
});

test("TURN is asked for relays only, and each URL alone with its credential", async () => {
  await probeOf("turn:a", "relay");
  expect(FakeGatherer.made.map(({ configuration }) => configuration)).toEqual([
    { iceServers: [{ urls: "turn:a", username: "u", credential: "c" }], iceTransportPolicy: "relay" },
  ]);
});

test("no error has a credential in it", async () => {
  expect(JSON.stringify(await probeOf("turn:a", 401))).not.toMatch(/"(u|c)"/);
});

test("at most four are asked at a time, and the results keep the order of the URLs", async () => {
  const urls = Array.from({ length: 9 }, (_, number) => `turn:${number}`);
  FakeGatherer.answers.set("turn:8", ["relay"]);
  const probing = probeServers([entry(...urls)], 1000, new AbortController().signal);
  for (let round = 0; round < 3; round += 1) {
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeGatherer.open.length).toBeLessThanOrEqual(4);
    await vi.advanceTimersByTimeAsync(1000);
  }
  const probes = await probing;
  expect(probes.map(({ url }) => url)).toEqual(urls);
  expect(probes.map(({ ok }) => ok)).toEqual([...Array(8).fill(false), true]);
});

test("nothing is asked any more after the end", async () => {
  const ended = new AbortController();
  const probing = probeServers(
    [entry(...Array.from({ length: 9 }, (_, n) => `turn:${n}`))],
    1000,
    ended.signal,
  );
  await vi.advanceTimersByTimeAsync(0);
  ended.abort();
  expect((await probing).length).toBe(4);
  expect(FakeGatherer.made.length).toBe(4);
});
