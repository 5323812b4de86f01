import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CHANGED_MS, LOOK_MS, OPEN_MS, Recovery, type Remedy, STALL_MS } from "../src/recovery";

const patient = { bytes: 0, restarts: true, relay: false, reachable: true };
let tried: (Remedy | "waiting" | "given up")[];
let recovery: Recovery;
let resumed: number;

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(patient, { bytes: 0, restarts: true, relay: false, reachable: true });
  tried = [];
  resumed = 0;
  recovery = new Recovery({
    received: async () => patient.bytes,
    canRestart: () => patient.restarts,
    hasRelay: () => patient.relay,
    isReachable: () => patient.reachable,
    heal: (remedy) => tried.push(remedy),
    onWaiting: () => tried.push("waiting"),
    onGivenUp: () => tried.push("given up"),
    onResumed: () => {
      resumed += 1;
    },
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
    expect(tried.slice(3)).toEqual(["given up", "retry"]);
    recovery.begin(false, true);
    await pass(10 * OPEN_MS);
    // the network may be away for minutes: it is tried on and on, and said once
    expect(tried.slice(5)).toEqual(Array(10).fill("retry"));
  });

  test("goes through the relay alone at last, where there is one", async () => {
    patient.relay = true;
    recovery.changed("failed");
    for (let tries = 0; tries < 4; tries += 1) await pass(OPEN_MS);
    expect(tried).toEqual(["restart", "rebuild", "rebuild", "relay", "given up", "retry"]);
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

describe("a connection that the browser still calls connected", () => {
  const looks = async (count: number, bytes: number) => {
    for (let look = 0; look < count; look += 1) {
      patient.bytes += bytes;
      await pass(LOOK_MS);
    }
  };
  const seconds = (count: number, bytes: number) => looks((1000 * count) / LOOK_MS, bytes);

  beforeEach(() => recovery.changed("connected"));

  test("is restarted when media that flowed has stood still for two seconds", async () => {
    await seconds(5, 10_000);
    await seconds(1.5, 0);
    expect(tried).toEqual([]);
    await looks(1, 0);
    expect(tried).toEqual(["restart"]);
  });

  test("is restarted as soon as that where it has only just opened", async () => {
    await seconds(1, 10_000);
    await looks(1, 100); // the gap began within it
    await seconds(2, 0);
    expect(tried).toEqual(["restart"]);
  });

  test("may fall quiet: what is left are reports and checks", async () => {
    await seconds(5, 10_000);
    for (let times = 0; times < 5; times += 1) {
      await seconds(1.5, 0);
      await looks(1, 80);
    }
    await seconds(4, 0);
    expect([tried, resumed]).toEqual([[], 1]); // the first of them ends a gap in the media
  });

  test("may be quiet between two checks of the path, and no key frame is asked for after each", async () => {
    for (let times = 0; times < 5; times += 1) {
      await looks(1, 2);
      await seconds(5, 0);
    }
    expect([tried, resumed]).toEqual([[], 0]);
    await seconds(1, 0);
    expect(tried).toEqual(["restart"]);
  });

  test("is left alone where nothing can be measured", async () => {
    await seconds(60, 0);
    expect(tried).toEqual([]);
  });

  test("says when media comes again after a gap, even one that needed no restart", async () => {
    await seconds(5, 10_000);
    await looks(1, 0);
    await seconds(5, 10_000);
    expect(resumed).toBe(0); // nothing was lost that cannot be sent again
    await seconds(1, 0);
    await seconds(5, 10_000);
    expect([tried, resumed]).toEqual([[], 1]);
  });

  test("is well again when the restart helps before the browser has noticed anything", async () => {
    await seconds(5, 10_000);
    await seconds(2, 0);
    expect(tried).toEqual(["restart"]);
    patient.bytes = 0; // its new path is counted anew
    await seconds(1, 0);
    expect(resumed).toBe(0);
    await seconds(OPEN_MS / 1000 + 5, 10_000);
    expect([tried, resumed]).toEqual([["restart"], 1]);
    await seconds(2, 0);
    expect(tried).toEqual(["restart", "restart"]);
  });

  test("gets another one if the restart does not help", async () => {
    await seconds(5, 10_000);
    await seconds(2, 0);
    await seconds(OPEN_MS / 1000, 0);
    expect(tried).toEqual(["restart", "rebuild"]);
  });

  test("is looked at when the network changes, and mended within a second if it is dead", async () => {
    await seconds(5, 10_000);
    void recovery.networkChanged(true);
    await seconds(2, 10_000);
    expect(tried).toEqual([]);
    void recovery.networkChanged(true);
    await pass(CHANGED_MS);
    expect(tried).toEqual(["restart"]);
  });

  test("may be quiet when the network changes, between two checks of the path", async () => {
    for (let times = 0; times < 4; times += 1) {
      await looks(1, 2);
      void recovery.networkChanged(true);
      await seconds(2, 0);
    }
    expect(tried).toEqual([]);
    void recovery.networkChanged(true);
    await seconds(3, 0);
    expect(tried).toEqual(["restart"]);
  });

  test("that counts as disconnected and is heard is watched on after the network changed", async () => {
    recovery.changed("disconnected");
    void recovery.networkChanged(true);
    await pass(1);
    patient.bytes += 1000;
    await pass(CHANGED_MS);
    expect(tried).toEqual([]);
    await pass(STALL_MS);
    expect(tried).toEqual(["restart"]);
  });

  test("is not looked at any more when it is over", async () => {
    await seconds(5, 10_000);
    void recovery.networkChanged(true);
    recovery.stop();
    await seconds(60, 0);
    expect(tried).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a remedy that is under way", () => {
  test("goes on when the network is only judged anew, and so does what was given up", async () => {
    recovery.changed("connected");
    recovery.changed("failed");
    await pass(OPEN_MS - 1);
    void recovery.networkChanged(false);
    expect(tried).toEqual(["restart"]);
    await pass(1);
    expect(tried).toEqual(["restart", "rebuild"]);
  });

  const names = ["the network is back", "the other side is back"] as const;
  const back = (why: (typeof names)[number]) => {
    if (why === names[0]) void recovery.networkChanged(true);
    else recovery.reachable();
  };

  test.each(names)("begins anew when %s, and the ladder is none the shorter", async (why) => {
    recovery.changed("connected");
    recovery.changed("failed");
    await pass(OPEN_MS - 1);
    back(why);
    expect(tried).toEqual(["restart", "restart"]);
    await pass(OPEN_MS - 1);
    expect(tried.length).toBe(2);
    for (let tries = 0; tries < 3; tries += 1) await pass(OPEN_MS);
    expect(tried.slice(2)).toEqual(["rebuild", "rebuild", "given up", "retry"]);
    back(why);
    expect(tried.at(-1)).toBe("rebuild");
  });

  test.each(names)("a first connection that opens in its time is left alone when %s", async (why) => {
    back(why);
    await pass(OPEN_MS - 1);
    expect(tried).toEqual([]);
  });
});
