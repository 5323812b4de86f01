// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PlotPoint } from "../src/contract";
import { charts } from "./fake-uplot";
import { button, open, settle, type View } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
beforeEach(() => {
  charts.length = 0;
  view = open((session) => {
    session.phase.value = "connected";
    session.drawer.value = "statistics";
  });
});
afterEach(() => {
  view.close();
  document.body.replaceChildren();
});

const point = (time_s: number, change: Partial<PlotPoint> = {}): PlotPoint => ({
  time_s,
  sendBitrate_bps: 1_520_000,
  receiveBitrate_bps: 840_000,
  sendFps: 29.7,
  receiveFps: 30,
  rtt_s: 0.0123,
  lossFraction: 0.004,
  ...change,
});
const values = () => [...view.cell.querySelectorAll(".nbrtc-plot-values")].map((each) => each.textContent);

test("present values stand in words with their units", async () => {
  expect(values()).toEqual(["up–down–", "up–down–", "–", "–"]);
  view.session.plot.value = [point(1)];
  await settle();
  expect(values()).toEqual(["up1.5 Mbpsdown840 kbps", "up30 fpsdown30 fps", "12 ms", "0.4 %"]);
  view.session.plot.value = [point(1), point(2, { rtt_s: null, lossFraction: 0 })];
  await settle();
  expect(values().slice(2)).toEqual(["–", "0 %"]);
});

test("four plots draw the last minute, once for each new point", async () => {
  await settle();
  expect(charts).toHaveLength(4);
  expect(charts.map(({ draws }) => draws.length)).toEqual([2, 2, 2, 2]);
  view.session.plot.value = Array.from({ length: 100 }, (_, index) => point(index));
  await settle();
  expect(charts.map(({ draws }) => draws.length)).toEqual([3, 3, 3, 3]);
  const [times = [], up = []] = (charts[0]?.draws.at(-1) ?? []) as readonly (readonly number[])[];
  expect(times[0]).toBe(39);
  expect(times.at(-1)).toBe(99);
  expect(up).toHaveLength(times.length);
});

test("other changes of the session draw nothing", async () => {
  await settle();
  view.session.microphoneLevel.value = 0.7;
  view.session.statusText.value = "Still connected.";
  await settle();
  expect(charts.map(({ draws }) => draws.length)).toEqual([2, 2, 2, 2]);
});

test("a closed drawer leaves no chart behind", async () => {
  await settle();
  expect(charts.some(({ destroyed }) => destroyed)).toBe(false);
  button(view, "Statistics").click();
  await settle();
  expect(charts.every(({ destroyed }) => destroyed)).toBe(true);
  view.session.plot.value = [point(1)];
  expect(charts.map(({ draws }) => draws.length)).toEqual([2, 2, 2, 2]);
});

test("a closed view leaves no chart behind", async () => {
  await settle();
  view.close();
  expect(charts).toHaveLength(4);
  expect(charts.every(({ destroyed }) => destroyed)).toBe(true);
});
