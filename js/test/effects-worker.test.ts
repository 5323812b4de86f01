import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FromWorker, ToWorker } from "../src/effects/protocol";

let told: FromWorker[];
const scope = {
  postMessage: (message: FromWorker) => told.push(message),
  onmessage: null as ((event: { data: ToWorker }) => void) | null,
};
const say = (data: ToWorker) => scope.onmessage?.({ data });

beforeEach(async () => {
  told = [];
  vi.useFakeTimers();
  vi.stubGlobal("self", scope);
  vi.stubGlobal("ImageData", class {});
  vi.resetModules();
  await import("../src/effects-worker");
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("the clock of a browser without streams runs until the camera stops", () => {
  say({ type: "clock", fps: 10 });
  vi.advanceTimersByTime(1000);
  expect(told.filter(({ type }) => type === "tick").length).toBe(10);
  say({ type: "stop" });
  expect(vi.getTimerCount()).toBe(0);
  say({ type: "clock", fps: 20 });
  vi.advanceTimersByTime(1000);
  expect(told.filter(({ type }) => type === "tick").length).toBe(30);
  say({ type: "stop" });
});
