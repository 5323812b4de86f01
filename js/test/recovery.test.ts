import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { OPEN_MS, Recovery, type Remedy, STALL_MS } from "../src/recovery";

const patient = { bytes: 0, restarts: true, relay: false, reachable: true };
let tried: (Remedy | "waiting" | "given up")[];
let recovery: Recovery;

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(patient, { bytes: 0, restarts: true, relay: false, reachable: true });
  tried = [];
  recovery = new Recovery({
    received: async () => patient.bytes,
    canRestart: () => patient.restarts,
    hasRelay: () => patient.relay,
    isReachable: () => patient.reachable,
    heal: (remedy) => tried.push(remedy),
    onWaiting: () => tried.push("waiting"),
    onGivenUp: () => tried.push("given up"),
  });
  recovery.begin(false);
});
afterEach(() => {
  recovery.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a connection that worked", () => {
  beforeEach(() => recovery.changed("connected"));

  test("that is quiet for less than three seconds is left alone", async () => {
    recovery.changed("disconnected");
    await pass(STALL_MS - 1);
    recovery.changed("connected");
    await pass(10 * OPEN_MS);
    expect(tried).toEqual([]);
  });

  test("that counts as disconnected while bytes still come is left alone", async () => {
    recovery.changed("disconnected");
    for (let look = 0; look < 5; look += 1) {
      patient.bytes += 1000;
      await pass(STALL_MS);
    }
    expect(tried).toEqual([]);
    await pass(STALL_MS);
    expect(tried).toEqual(["restart"]);
  });

  test("is restarted, then rebuilt twice, and given up without a relay", async () => {
    recovery.changed("failed");
    expect(tried).toEqual(["restart"]);
    recovery.changed("failed"); // of what the restart is to mend
    expect(tried).toEqual(["restart"]);
    await pass(OPEN_MS);
    await pass(OPEN_MS);
    expect(tried).toEqual(["restart", "rebuild", "rebuild"]);
    await pass(OPEN_MS);
    expect(tried.at(-1)).toBe("given up");
    await pass(10 * OPEN_MS);
    expect(tried.length).toBe(4);
  });

  test("goes through the relay alone at last, where there is one", async () => {
    patient.relay = true;
    recovery.changed("failed");
    for (let tries = 0; tries < 4; tries += 1) await pass(OPEN_MS);
    expect(tried).toEqual(["restart", "rebuild", "rebuild", "relay", "given up"]);
  });

  test("begins at the top again after it has worked", async () => {
    recovery.changed("failed");
    await pass(OPEN_MS);
    recovery.begin(false);
    recovery.changed("connected");
    recovery.changed("failed");
    expect(tried).toEqual(["restart", "rebuild", "restart"]);
  });

  test("waits for the room's server, and then goes on at once", async () => {
    patient.reachable = false;
    recovery.changed("failed");
    await pass(10 * OPEN_MS);
    expect(tried).toEqual(["waiting"]);
    patient.reachable = true;
    recovery.reachable();
    expect(tried).toEqual(["waiting", "restart"]);
  });
});

describe("a connection that never opens", () => {
  test("is rebuilt three times", async () => {
    for (let tries = 0; tries < 5; tries += 1) await pass(OPEN_MS);
    expect(tried).toEqual(["rebuild", "rebuild", "rebuild", "given up"]);
  });

  test("counts the other side's attempts as its own", async () => {
    await pass(OPEN_MS);
    recovery.begin(true);
    await pass(OPEN_MS);
    recovery.begin(true);
    await pass(OPEN_MS);
    expect(tried).toEqual(["rebuild", "rebuild", "given up"]);
  });

  test("is tried again on a click, and when the server is back", async () => {
    for (let tries = 0; tries < 4; tries += 1) await pass(OPEN_MS);
    tried = [];
    recovery.again();
    expect(tried).toEqual(["rebuild"]);
    for (let tries = 0; tries < 3; tries += 1) await pass(OPEN_MS);
    tried = [];
    recovery.reachable();
    expect(tried).toEqual(["rebuild"]);
  });

  test("is not tried any more after the end", async () => {
    recovery.changed("disconnected");
    recovery.stop();
    await pass(10 * OPEN_MS);
    expect(tried).toEqual([]);
  });
});
