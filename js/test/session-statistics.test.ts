// @vitest-environment happy-dom
/** A session's statistics and timeline: what is plotted here, what Python hears, and by which way. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { participant, roomInfo } from "../dev/fake-session";
import type { CallState, Finding, StatsEvent } from "../src/messages";
import { WAIT_MS } from "../src/stats/timeline";
import { FakePeer, Page, settled } from "./fake-page";

let page: Page;
beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  page = new Page();
});
afterEach(() => {
  page.session.close("The test is over.");
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const events = () => page.said("event");
const story = (all: readonly StatsEvent[], peer: string) =>
  all.filter((event) => event.peer === peer).map(({ name, value }) => `${name} ${value}`.trim());
const series = () => page.session.stats.series.value.map(({ name, points }) => [name, points.length]);
const inRoom = (others: readonly string[], change: Partial<CallState> = {}): Partial<CallState> => ({
  phase: "connected",
  owner: page.session.page,
  room: roomInfo({ me: "me" }),
  participants: [
    participant("me", "Me", { isYou: true, order: 5, protocol: 2 }),
    ...others.map((name, order) => participant(name.toLowerCase(), name, { order, protocol: 2 })),
  ],
  ...change,
});

const finding: Finding = {
  code: "network-loss",
  level: "warning",
  participant: "python",
  text: "7.1 % of the packets are lost on the way to Python.",
  advice: "Come closer to the access point.",
  direction: "send",
  kind: "video",
  evidence: { loss_fraction: 0.071 },
  startedAtS: 1_700_000_000,
  endedAtS: null,
};

describe("the timeline", () => {
  test("begins with the click, waits for the link and comes by it, in order", async () => {
    page.view();
    page.welcome();
    const started = page.session.start();
    await settled();
    expect(page.of("event")).toEqual([]);
    page.prompts.at(-1)?.allow();
    await started;
    await page.connect();
    page.link.become("connected");
    expect(page.of("event")).toEqual([]);
    expect(story(events(), "python").slice(0, 6)).toEqual([
      "signalingstatechange stable",
      "icegatheringstatechange new",
      "iceconnectionstatechange new",
      "connectionstatechange new",
      "setLocalDescription offer",
      "signalingstatechange have-local-offer",
    ]);
    expect(story(events(), "python")).toContain("setRemoteDescription answer");
    expect(story(events(), "python").at(-1)).toBe("connectionstatechange connected");
    expect(events().every(({ peer, generation }) => generation === (peer === "python" ? 1 : 0))).toBe(true);
  });

  test("of a link that does not open comes by the comm", async () => {
    page.view();
    page.welcome();
    void page.session.start();
    await vi.advanceTimersByTimeAsync(WAIT_MS + 50);
    expect(story(page.of("event"), "python")).toContain("setLocalDescription offer");
    page.link.become("failed");
    page.session.leave();
    expect(story(page.of("event"), "python").slice(-2)).toEqual(["connectionstatechange failed", "close"]);
    expect(events()).toEqual([]);
  });

  test("has the devices, and a refused description", async () => {
    await page.call();
    await page.session.setCamera(false);
    page.session.take({ type: "answer", generation: 1, sdp: "v=0" });
    expect(story(events(), "").map((text) => text.split(":")[0])).toEqual([
      "visibilitychange visible",
      "devicechange camera opened",
      "devicechange microphone opened",
      "devicechange camera closed",
    ]);
    page.link.signalingState = "have-local-offer";
    page.session.take({ type: "answer", generation: 1, sdp: "rubbish" });
    await settled();
    expect(story([...events(), ...page.of("event")], "python")).toContain(
      "setRemoteDescriptionOnFailure OperationError",
    );
  });

  test("has everybody's connection with its generation", async () => {
    await page.call();
    page.state(inRoom(["Ada"]));
    await settled();
    const answer = { type: "answer", sdp: "v=0" } as const;
    const candidate = {
      candidate: "candidate:1 1 udp 1 192.0.2.7 5000 typ srflx",
      sdpMid: "0",
      sdpMLineIndex: 0,
      usernameFragment: "abcd",
    };
    const from = { type: "peer-signal", peer: "ada", generation: 1 } as const;
    page.session.take({ ...from, description: answer, candidate: null });
    await settled();
    page.session.take({ ...from, description: null, candidate });
    await settled();
    const told = story(events(), "ada");
    expect(told.slice(0, 4)).toEqual([
      "signalingstatechange stable",
      "icegatheringstatechange new",
      "iceconnectionstatechange new",
      "connectionstatechange new",
    ]);
    expect(told).toContain("setLocalDescription offer");
    expect(told.slice(-3)).toEqual([
      "setRemoteDescription answer",
      "signalingstatechange stable",
      "addIceCandidate srflx udp",
    ]);
    page.state(inRoom([]));
    expect(story(events(), "ada").at(-1)).toBe("close");
    expect(JSON.stringify(events())).not.toContain("192.0.2");
  });
});

describe("the plots", () => {
  test("have a series for everybody, and keep those who left until the next call", async () => {
    await page.call();
    page.state(inRoom(["Ada", "Bob"]));
    await vi.advanceTimersByTimeAsync(1500);
    expect(series()).toEqual([
      ["Python", 2],
      ["Ada", 2],
      ["Bob", 2],
    ]);
    page.state(inRoom(["Bob"]));
    await vi.advanceTimersByTimeAsync(1000);
    expect(series()).toEqual([
      ["Python", 3],
      ["Ada", 2],
      ["Bob", 3],
    ]);
    page.session.leave();
    expect(series()).toHaveLength(3);
    page.state({ owner: null });
    void page.session.start();
    expect(series()).toEqual([]);
  });

  test("follow the interval that Python asks for", async () => {
    await page.call();
    await vi.advanceTimersByTimeAsync(50);
    const before = page.said("stats").length;
    page.state({ phase: "connected", owner: page.session.page, statsIntervalS: 0.1 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(page.said("stats").length - before).toBe(10);
  });
});

describe("findings", () => {
  test("are what the engine said last, and none after the call", async () => {
    await page.call();
    page.link.say({ type: "findings", findings: [finding] });
    expect(page.session.stats.findings.value).toEqual([finding]);
    page.session.leave();
    expect(page.session.stats.findings.value).toEqual([]);
  });
});

describe("a guest", () => {
  test("plots everybody and tells nobody", async () => {
    page = new Page({ hasPython: false });
    page.view();
    page.welcome({ room: roomInfo({ me: "", phase: "outside" }) });
    const started = page.session.start();
    await settled();
    page.prompts.at(-1)?.allow();
    await started;
    page.state(inRoom(["Ada"]));
    await vi.advanceTimersByTimeAsync(WAIT_MS + 1000);
    page.session.leave();
    expect(FakePeer.made.map(({ isLink }) => isLink)).toEqual([false]);
    expect(series()).toEqual([["Ada", 4]]);
    expect(page.sent.filter(({ type }) => type === "event" || type === "stats")).toEqual([]);
  });
});
