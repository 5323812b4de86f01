import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { issuedOf } from "../src/guest/reading";
import { SignalingError } from "../src/guest/socket";
import { PROTOCOL } from "../src/messages";
import { FakeServer, Guest } from "./fake-server";

const TURN = { urls: ["turn:turn.example.org"], username: "1000:gus", credential: "secret-1" };
const NO_TURN = { iceServers: [], iceTransportPolicy: "all" };

let server: FakeServer;
let guest: Guest;
beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.ice = { iceServers: [{ urls: ["stun:turn.example.org"] }, TURN], iceTtl: 1000 };
  guest = new Guest(server);
});
afterEach(() => {
  guest.engine.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const settled = () => vi.advanceTimersByTimeAsync(0);
const refresh = (id: string) => guest.take({ type: "refresh-ice", id });

test("the room's servers are there before anybody is to be connected, and no state has their credentials", async () => {
  guest.take({ type: "hello", protocol: PROTOCOL });
  expect(guest.of("welcome")[0]?.ice).toMatchObject(NO_TURN);
  server.enter("ada");
  guest.enter();
  await settled();
  const configured = guest.said.findIndex(({ type }) => type === "ice-configured");
  const joined = guest.said.findIndex((event) => event.type === "state" && event.room?.phase === "joined");
  expect(configured).toBeGreaterThan(0);
  expect(configured).toBeLessThan(joined);
  expect(guest.of("ice-configured")[0]?.ice).toMatchObject({
    iceServers: [{ urls: ["stun:turn.example.org"], username: null, credential: null }, TURN],
    leftS: 1000,
  });
  expect(guest.state.ice.urls).toEqual(["stun:turn.example.org", "turn:turn.example.org"]);
  expect(JSON.stringify(guest.of("state"))).not.toContain("secret-1");
});

test("fresh credentials come before the answer to whoever asked for them", async () => {
  guest.enter();
  await settled();
  server.ice = { iceServers: [{ ...TURN, credential: "secret-2" }], iceTtl: 2000 };
  refresh("r1");
  await settled();
  expect(server.of("turn-credentials")).toEqual([{}]);
  const last = guest.of("ice-configured").at(-1);
  expect(last?.ice).toMatchObject({ iceServers: [{ credential: "secret-2" }], leftS: 2000 });
  expect(guest.said.indexOf(guest.reply("r1") as never)).toBeGreaterThan(guest.said.indexOf(last as never));
  expect(guest.reply("r1")?.errorCode).toBeNull();
});

test("a refusal is answered, and what is there stays", async () => {
  guest.enter();
  await settled();
  server.refusals = [new SignalingError("rate-limited", "Too many.")];
  refresh("r1");
  await settled();
  expect(guest.reply("r1")).toMatchObject({ errorCode: "rate-limited", errorMessage: "Too many." });
  server.isUp = false;
  server.cut();
  refresh("r2");
  await settled();
  expect(guest.reply("r2")?.errorCode).toBe("unreachable");
  guest.take({ type: "hello", protocol: PROTOCOL });
  expect(guest.of("welcome").at(-1)?.ice.iceServers[1]).toEqual(TURN);
});

test("outside a room there are no servers, and nothing to refresh", async () => {
  guest.enter();
  await settled();
  guest.take({ type: "leave", reason: "", mayReturn: false });
  expect(guest.of("ice-configured").at(-1)?.ice).toMatchObject(NO_TURN);
  expect(guest.state.ice.urls).toEqual([]);
  refresh("r1");
  await settled();
  expect(guest.reply("r1")?.errorCode).toBeNull();
  expect(server.of("turn-credentials")).toEqual([]);
});

test("every rejoin brings new ones; a server that has none says nothing of them", async () => {
  guest.enter();
  await settled();
  server.ice = { iceServers: [{ ...TURN, credential: "secret-3" }], iceTtl: 3000 };
  server.cut();
  await vi.advanceTimersByTimeAsync(500);
  expect(guest.of("ice-configured").at(-1)?.ice).toMatchObject({ leftS: 3000 });
  guest.engine.close();

  server = new FakeServer();
  guest = new Guest(server);
  guest.enter();
  await settled();
  expect(guest.state.phase).toBe("connected");
  expect(guest.of("ice-configured")).toEqual([]);
});

describe("what a server names", () => {
  test.each([
    [undefined, []],
    ["turn:x", []],
    [[null, 3, {}], []],
    [[{ urls: ["https://x", "turn:", "javascript:1"] }], []],
    [[{ urls: ["turn:x"], username: "a" }], []],
    [[{ urls: ["turn:x", 7], username: "a", credential: "b" }], ["turn:x"]],
    [[{ urls: Array.from({ length: 30 }, (_, n) => `stun:host-${n}`) }], 20],
  ])("%j", (said, expected) => {
    const { servers, leftS } = issuedOf(said, "soon");
    const urls = servers.flatMap((entry) => entry.urls);
    expect(typeof expected === "number" ? urls.length : urls).toEqual(expected);
    expect(leftS).toBeNull();
  });
});
