// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { REBUILD_MS, RETRY_MS } from "../src/connection";
import { SILENT_MS } from "../src/link";
import { GIVE_UP_MS } from "../src/requests";
import { FakePeer, Page } from "./fake-page";

/** Several events come for one change of the network. */
const SETTLED_MS = 150;

let page: Page;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5); // pauses without spread
  page = new Page();
});
afterEach(() => {
  page.session.close("The test is over.");
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const phase = () => page.session.phase.value;
const ping = () => page.say({ type: "ping", sentS: 1, effectDelayS: null, soundDelayS: null });
const changeNetwork = async () => {
  globalThis.dispatchEvent(new Event("online"));
  await pass(SETTLED_MS);
};

test("a call that worked is tried for as long as the network is away, and is back with it", async () => {
  const tracks = await page.call();
  await pass(REBUILD_MS + 500);
  const most_ms = RETRY_MS.length * (GIVE_UP_MS + 7000);
  await pass(2 * most_ms);
  expect(phase()).toBe("reconnecting");
  expect(tracks.map(({ readyState }) => readyState)).toEqual(["live", "live"]);
  await changeNetwork();
  await page.connect();
  expect(phase()).toBe("connected");
});

test("a call that never worked fails after its attempts", async () => {
  page.view();
  page.welcome();
  void page.session.start();
  await pass(2 * RETRY_MS.length * (GIVE_UP_MS + 7000));
  expect(phase()).toBe("failed");
  expect(page.session.statusText.value).toContain("10 attempts to reconnect did not help.");
});

test("another network: a pause ends, and a link that was begun without it begins anew", async () => {
  await page.call();
  page.session.take({ type: "bye", code: "lost", reason: "Gone.", recover: true });
  await pass(0);
  page.session.take({ type: "bye", code: "lost", reason: "Gone.", recover: true });
  expect(FakePeer.made.length).toBe(2);
  await changeNetwork();
  expect(FakePeer.made.length).toBe(3);
  await changeNetwork();
  expect(FakePeer.made.length).toBe(4);
  expect(FakePeer.made.map(({ connectionState }) => connectionState)).toEqual([
    "closed",
    "closed",
    "closed",
    "new",
  ]);
});

test("another network: an open link is built anew if it falls silent, and left alone if it does not", async () => {
  await page.call();
  ping();
  await changeNetwork();
  for (let elapsed_ms = 0; elapsed_ms < 3000; elapsed_ms += 250) {
    ping();
    await pass(250);
  }
  expect(FakePeer.made.length).toBe(1);
  await changeNetwork();
  await pass(SILENT_MS + 150);
  expect(FakePeer.made.length).toBe(2);
});

test("after some seconds without an answer the person is told what is missing", async () => {
  page.view();
  page.welcome();
  void page.session.start();
  await pass(5000);
  expect(page.session.statusText.value).toMatch(/network address|No address of Python/);
});
