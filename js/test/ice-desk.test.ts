// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configurationOf, DIRECT, pictureCapOf } from "../src/ice/configuration";
import { IceDesk } from "../src/ice/desk";
import { ASK_MS, CALM_MS } from "../src/ice/lookout";
import type { IceConfiguration, Intent } from "../src/messages";
import type { Request } from "../src/requests";
import { FakeGatherer, forget } from "./fake-gatherer";
import { settled } from "./fake-page";

const TURN = { urls: ["turn:a"], username: "u", credential: "secret" };

let sent: Intent[];
let asked: Request[];
let answer: () => Promise<unknown>;
let changes: boolean[];
let hasPython: boolean;
let desk: IceDesk;
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("RTCPeerConnection", FakeGatherer);
  forget();
  [sent, asked, changes, hasPython] = [[], [], [], true];
  answer = async () => undefined;
  desk = new IceDesk({
    hasPython: () => hasPython,
    ask: (request) => {
      asked.push(request);
      return answer();
    },
    send: (intent) => sent.push(intent),
    onNetwork: (isOther) => changes.push(isOther),
  });
});
afterEach(() => {
  desk.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const configure = (change: Partial<IceConfiguration>) => desk.configure({ ...DIRECT, ...change });
const expiring = (seconds: number) => configure({ iceServers: [TURN], leftS: seconds });

describe("credentials", () => {
  test.each([
    ["never end", () => configure({}), 0],
    ["are good for an hour", () => expiring(3600), 0],
    ["end within a minute", () => expiring(59), 1],
    ["have ended", () => expiring(-1), 1],
  ])("that %s", async (_what, prepare, times) => {
    prepare();
    await desk.refresh();
    expect(asked.map(({ type }) => type)).toEqual(Array(times).fill("refresh-ice"));
  });

  test("are fresh for a check, for which nobody joins a room", async () => {
    expiring(-1);
    answer = async () => configure({ leftS: 600 });
    expect((await desk.forCheck()).leftS).toBe(600);
    expiring(0);
    expect((await desk.forCheck()).leftS).toBe(0);
    expect(asked.length).toBe(1);
  });

  test("are there when the engine has answered", async () => {
    expiring(0);
    answer = async () => expiring(3600);
    await desk.refresh();
    expect(desk.isFresh).toBe(true);
  });

  test("are asked for once, however many connections need them", async () => {
    expiring(0);
    await Promise.all([desk.refresh(), desk.refresh()]);
    expect(asked.length).toBe(1);
    await desk.refresh();
    expect(asked.length).toBe(2);
  });

  test("hold no connection up: after two seconds, or a refusal, the old ones are tried", async () => {
    expiring(0);
    answer = () => new Promise(() => {});
    let isDone = false;
    void desk.refresh().then(() => {
      isDone = true;
    });
    await pass(1999);
    expect(isDone).toBe(false);
    await pass(1);
    expect(isDone).toBe(true);
    answer = () => Promise.reject(new Error("no"));
    await desk.refresh();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the network", () => {
  test("is told at the click and on each change, and connections look after themselves", async () => {
    globalThis.dispatchEvent(new Event("online"));
    await pass(1000);
    expect(sent).toEqual([]);
    desk.start();
    expect(sent.map(({ type }) => type)).toEqual(["network"]);
    globalThis.dispatchEvent(new Event("offline"));
    globalThis.dispatchEvent(new Event("online"));
    await pass(1000);
    expect([sent.length, changes.length]).toEqual([2, 1]);
    desk.stop();
    globalThis.dispatchEvent(new Event("online"));
    await pass(1000);
    expect([sent.length, changes.length]).toEqual([2, 1]);
  });

  test("may only be judged anew, which is less than another one", async () => {
    const connection = Object.assign(new EventTarget(), { type: "wifi" });
    vi.stubGlobal("navigator", Object.assign(Object.create(navigator), { connection }));
    desk.start();
    const change = async (type: string) => {
      connection.type = type;
      connection.dispatchEvent(new Event("change"));
      await pass(1000);
    };
    await change("wifi");
    await change("cellular");
    await change("cellular");
    expect(changes).toEqual([false, true, false]);
  });

  test("is nobody's business on a page without Python", () => {
    hasPython = false;
    desk.start();
    expect(sent).toEqual([]);
  });

  test("that is away makes no connection look for another path", async () => {
    desk.start();
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    globalThis.dispatchEvent(new Event("offline"));
    await pass(1000);
    expect(changes.length).toBe(0);
    expect(desk.hint("bob", "Bob")).toBe("This computer is offline: connect it to a network.");
    vi.restoreAllMocks();
  });
});

describe("the lookout", () => {
  beforeEach(() => {
    configure({ iceServers: [TURN] });
    desk.start();
  });

  test("sees the network come back, once", async () => {
    desk.troubled("bob", true);
    await pass(20 * ASK_MS);
    expect(changes.length).toBe(0);
    expect(FakeGatherer.made[0]?.configuration.iceTransportPolicy).toBe("relay");
    FakeGatherer.answers.set("turn:a", ["relay"]);
    await pass(ASK_MS);
    expect(changes.length).toBe(1);
    await pass(3 * CALM_MS);
    expect(changes.length).toBe(1);
  });

  test("takes a refusal for an answer, and 701 for none", async () => {
    FakeGatherer.answers.set("turn:a", [701]);
    desk.troubled("bob", true);
    await pass(5 * ASK_MS);
    expect(changes.length).toBe(0);
    FakeGatherer.answers.set("turn:a", [701, 401]);
    await pass(ASK_MS);
    expect(changes.length).toBe(1);
  });

  test("asks rarely while the servers answer all the time: the fault is elsewhere", async () => {
    FakeGatherer.answers.set("turn:a", ["relay"]);
    desk.troubled("bob", true);
    await pass(3 * CALM_MS - 1);
    expect([FakeGatherer.made.length, changes.length]).toEqual([3, 0]);
  });

  test("has one connection at a time, and none when the trouble or the call is over", async () => {
    desk.troubled("bob", true);
    desk.troubled("python", true);
    await pass(10 * ASK_MS);
    expect(FakeGatherer.open.length).toBe(1);
    desk.troubled("bob", false);
    await pass(ASK_MS);
    expect(FakeGatherer.open.length).toBe(1);
    desk.troubled("python", false);
    await pass(0);
    expect([FakeGatherer.open.length, vi.getTimerCount()]).toEqual([0, 0]);
    desk.troubled("bob", true);
    await pass(0);
    desk.stop();
    await pass(0);
    expect([FakeGatherer.open.length, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test("asks no server where none is configured, or before the click", async () => {
    configure({});
    desk.troubled("bob", true);
    configure({ iceServers: [{ urls: ["stun:a"], username: null, credential: null }] });
    desk.troubled("bob", true);
    desk.stop();
    configure({ iceServers: [TURN] });
    desk.troubled("bob", true);
    await pass(10 * ASK_MS);
    expect(FakeGatherer.made).toEqual([]);
  });
});

test("the engine's probe is carried out and answered", async () => {
  FakeGatherer.answers.set("turn:a", ["relay"]);
  desk.take({ type: "probe-ice", iceServers: [TURN], timeoutS: 1 });
  await settled();
  expect(sent).toMatchObject([{ type: "probes", probes: [{ url: "turn:a", ok: true, by: "page" }] }]);
  expect(JSON.stringify(sent)).not.toContain("secret");
});

test("a configuration goes to the browser as it is, but for what is not set", () => {
  const ice: IceConfiguration = {
    ...DIRECT,
    iceServers: [{ urls: ["stun:a"], username: null, credential: null }, TURN],
    iceCandidatePoolSize: 2,
  };
  expect(configurationOf(ice)).toEqual({
    iceServers: [{ urls: ["stun:a"] }, TURN],
    iceTransportPolicy: "all",
    bundlePolicy: "max-bundle",
    iceCandidatePoolSize: 2,
  });
  expect(configurationOf(ice, true).iceTransportPolicy).toBe("relay");
});

test("a limit leaves room for the sound", () => {
  expect(pictureCapOf(DIRECT)).toBeNull();
  expect(pictureCapOf({ ...DIRECT, maxBitrateBps: 300_000 })).toBe(260_000);
  expect(pictureCapOf({ ...DIRECT, maxBitrateBps: 10_000 })).toBe(30_000);
});
