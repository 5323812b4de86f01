// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { finding, plotPoint } from "../dev/fake-session";
import type { PlotPoint } from "../src/contract";
import { charts, living } from "./fake-uplot";
import { button, buttons, nameOf, open, press, select, settle, type View, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
beforeEach(() => {
  charts.length = 0;
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(500);
  localStorage.clear();
});
afterEach(() => {
  view.close();
  vi.restoreAllMocks();
  document.body.replaceChildren();
});

const point = (time_s: number, change: Partial<PlotPoint> = {}): PlotPoint =>
  plotPoint(time_s, {
    sendBitrate_bps: 1_520_000,
    receiveBitrate_bps: 840_000,
    sendFps: 29.7,
    receiveFps: 30,
    rtt_s: 0.0123,
    sendLossFraction: 0.004,
    receiveLossFraction: 0,
    ...change,
  });

const seconds = (from: number, to: number): readonly PlotPoint[] =>
  Array.from({ length: to - from + 1 }, (_, index) => point(from + index));

async function openPanel(...points: readonly PlotPoint[]): Promise<void> {
  view = open((session) => {
    session.phase.value = "connected";
    session.drawer.value = "statistics";
    if (points.length > 0) session.stats.add("python", "Python", ...points);
  });
  await settle();
}

const values = () => [...view.cell.querySelectorAll(".nbrtc-plot-values")].map((each) => each.textContent);
const titles = () => [...view.cell.querySelectorAll(".nbrtc-plot-title")].map((each) => each.textContent);
const chart = () => select<HTMLElement>(view, "[role=slider]");
const ranges = () => living().map(({ ranges }) => ranges.at(-1));
const draws = () => living().map(({ draws }) => draws.length);
const item = (name: string) => {
  const found = [...view.cell.querySelectorAll<HTMLElement>("[role=menuitemcheckbox]")].find(
    (each) => nameOf(each) === name,
  );
  if (!found) throw new Error(`No item is named ${name}.`);
  return found;
};
const legend = () =>
  [...view.cell.querySelectorAll(".nbrtc-legend-name")].map((each) => each.textContent?.trim());

describe("the values", () => {
  test("stand in words with their units", async () => {
    await openPanel(point(1));
    expect(values()).toEqual([
      "sent 1.5 Mbpsreceived 840 kbps",
      "sent 30 fpsreceived 30 fps",
      "12 ms",
      "sent 0.4 %received 0 %",
    ]);
  });

  test("are dashes where nobody knows, also because the participant has gone", async () => {
    await openPanel(point(1, { rtt_s: null }));
    expect(values()[2]).toBe("–");
    view.session.stats.add("bob", "Bob", point(60, { rtt_s: 0.1 }));
    button(view, "Zoom in").click(); // what a person does is drawn at once
    await settle();
    expect(values()[2]).toBe("100 ms");
  });

  test("of several are the least and the greatest", async () => {
    await openPanel(point(1));
    view.session.stats.add("bob", "Bob", point(1.2, { sendBitrate_bps: 3_000_000, rtt_s: 0.2 }));
    button(view, "Zoom in").click();
    await settle();
    expect(values().slice(0, 3)).toEqual(["840 kbps – 3.0 Mbps", "30 fps", "12 ms – 200 ms"]);
  });
});

describe("what is drawn", () => {
  test("is the last minute, solid what is sent and dashed what is received", async () => {
    await openPanel(...seconds(1, 100));
    expect(living()).toHaveLength(4);
    expect(ranges()).toEqual(Array(4).fill([40, 100]));
    const [bitrate, , rtt] = living();
    expect(bitrate?.options.series.slice(1).map(({ dash }) => dash)).toEqual([[], [4, 3]]);
    expect(rtt?.options.series.slice(1).map(({ dash }) => dash)).toEqual([[]]);
    const [times = [], up = []] = bitrate?.draws.at(-1) ?? [];
    expect([times[0], times.at(-1)]).toEqual([39, 100]); // one before, so that the line comes from outside
    expect(up).toHaveLength(times.length);
  });

  test("is drawn once for all polls of a second", async () => {
    await openPanel(...seconds(1, 9));
    const before = draws();
    view.session.stats.add("python", "Python", point(10));
    view.session.stats.add("python", "Python", point(11));
    view.session.stats.add("python", "Python", point(12));
    await vi.waitFor(() => expect(ranges()[0]).toEqual([-48, 12]), { timeout: 5000 });
    expect(draws()).toEqual(before.map((count) => count + 1));
  });

  test("is not drawn again for other changes of the session", async () => {
    await openPanel(point(1));
    const before = draws();
    view.session.microphoneLevel.value = 0.7;
    view.session.statusText.value = "Still connected.";
    await settle();
    expect(draws()).toEqual(before);
  });

  test("has a line for each participant and direction, named in the legend", async () => {
    await openPanel(point(1));
    expect(legend()).toEqual(["Python"]);
    const height = view.cell.querySelectorAll(".nbrtc-legend").length;
    view.session.stats.add("bob", "Bob", point(1.5));
    button(view, "Zoom in").click();
    await settle();
    expect(legend()).toEqual(["Python", "Bob"]);
    expect(view.cell.querySelectorAll(".nbrtc-legend")).toHaveLength(height);
    expect(living().map(({ options }) => options.series.length - 1)).toEqual([4, 4, 2, 4]);
  });

  test("goes with the drawer", async () => {
    await openPanel(point(1));
    button(view, "Statistics").click();
    await settle();
    expect(living()).toEqual([]);
    const before = charts.map(({ draws: all }) => all.length);
    view.session.stats.add("python", "Python", point(2));
    await settle();
    expect(charts.map(({ draws: all }) => all.length)).toEqual(before);
  });

  test("goes with the view", async () => {
    await openPanel(point(1));
    view.close();
    expect(charts.length).toBeGreaterThan(0);
    expect(living()).toEqual([]);
  });
});

describe("the menus", () => {
  test("choose metrics by keyboard, and the browser remembers them", async () => {
    await openPanel(point(1));
    button(view, "Metrics").click();
    await settle();
    expect(document.activeElement).toBe(item("Bitrate"));
    press(item("Bitrate"), "End");
    expect(document.activeElement).toBe(item("Audio level"));
    item("Audio level").click();
    item("Loss").click();
    await settle();
    expect(item("Audio level").getAttribute("aria-checked")).toBe("true");
    expect(titles()).toEqual(["Bitrate", "Frame rate", "Round-trip time", "Audio level"]);
    view.close();
    await openPanel(point(1));
    expect(titles()).toEqual(["Bitrate", "Frame rate", "Round-trip time", "Audio level"]);
  });

  test("leave one metric", async () => {
    localStorage.setItem("nbrtc.statistics", JSON.stringify({ metrics: ["fps"], hidden: [] }));
    await openPanel(point(1));
    button(view, "Metrics").click();
    await settle();
    expect(item("Frame rate").getAttribute("aria-disabled")).toBe("true");
    item("Frame rate").click();
    await settle();
    expect(titles()).toEqual(["Frame rate"]);
  });

  test("survive what somebody else wrote into the storage", async () => {
    localStorage.setItem("nbrtc.statistics", '{"metrics": ["nope", 3], "hidden": "all"}');
    await openPanel(point(1));
    expect(titles()).toEqual(["Bitrate", "Frame rate", "Round-trip time", "Loss"]);
  });

  test("choose participants where there are several", async () => {
    await openPanel(point(1));
    expect(buttons(view).map(nameOf)).not.toContain("Participants");
    view.session.stats.add("bob", "Bob", point(1));
    button(view, "Zoom in").click();
    await settle();
    button(view, "Participants").click();
    await settle();
    item("Python").click();
    await settle();
    expect(legend()).toEqual(["Bob"]);
    expect(item("Bob").getAttribute("aria-disabled")).toBe("true");
    expect(JSON.parse(localStorage.getItem("nbrtc.statistics") ?? "").hidden).toContain("python");
  });

  test("are as they were when the drawer opens again", async () => {
    await openPanel(point(1));
    view.session.stats.add("bob", "Bob", point(1));
    button(view, "Zoom in").click();
    await settle();
    button(view, "Participants").click();
    await settle();
    item("Bob").click();
    button(view, "Statistics").click();
    await settle();
    button(view, "Statistics").click();
    await settle();
    expect(legend()).toEqual(["Python"]);
    expect(ranges()[0]).toEqual([-29, 1]);
  });
});

describe("pause and zoom", () => {
  test("the picture stands still, points are kept, and resume jumps to now", async () => {
    await openPanel(...seconds(1, 100));
    button(view, "Pause").click();
    await settle();
    const before = draws();
    view.session.stats.add("python", "Python", ...seconds(101, 130));
    await settle();
    expect(draws()).toEqual(before);
    button(view, "Resume").click();
    await settle();
    expect(ranges()[0]).toEqual([70, 130]);
  });

  test("by keyboard, for all charts together", async () => {
    await openPanel(...seconds(1, 400));
    press(chart(), "+");
    await settle();
    expect(ranges()).toEqual(Array(4).fill([370, 400]));
    press(chart(), "ArrowLeft");
    await settle();
    expect(ranges()[0]).toEqual([362.5, 392.5]);
    expect(button(view, "Resume")).toBeDefined();
    press(chart(), "End");
    press(chart(), "-");
    press(chart(), "-");
    await settle();
    expect(ranges()[0]).toEqual([280, 400]);
    expect(words(view)).toContain("2 min");
    for (let step = 0; step < 5; step += 1) press(chart(), "-");
    await settle();
    expect(ranges()[0]).toEqual([1, 400]);
    press(chart(), "0");
    await settle();
    expect(ranges()[0]).toEqual([340, 400]);
    press(chart(), " ");
    await settle();
    expect(button(view, "Resume")).toBeDefined();
  });

  test("never below ten seconds", async () => {
    await openPanel(...seconds(1, 100));
    for (let step = 0; step < 6; step += 1) press(chart(), "+");
    await settle();
    expect(ranges()[0]).toEqual([90, 100]);
    expect(button(view, "Zoom in").getAttribute("aria-disabled")).toBe("true");
  });

  test("keys of the panel do not switch the call", async () => {
    await openPanel(point(1));
    expect(press(chart(), "0")).toBe(false);
    expect(press(chart(), "ArrowLeft")).toBe(false);
    expect(view.session.calls).toEqual([]);
  });

  test("Escape takes the cursor first and then the drawer", async () => {
    await openPanel(...seconds(1, 100));
    press(chart(), "ArrowLeft", { shiftKey: true });
    await settle();
    press(chart(), "Escape");
    expect(view.session.drawer.value).toBe("statistics");
    press(chart(), "Escape");
    expect(view.session.drawer.value).toBeNull();
  });
});

describe("the cursor", () => {
  test("reads the polls one by one, in words for a screen reader", async () => {
    await openPanel(...seconds(1, 99), point(100, { sendBitrate_bps: 500_000 }));
    expect(chart().getAttribute("aria-valuetext")).toBe("now");
    press(chart(), "ArrowLeft", { shiftKey: true });
    await settle();
    expect(chart().getAttribute("aria-valuenow")).toBe("99");
    expect(chart().getAttribute("aria-valuetext")).toMatch(
      /\d\d:\d\d:39: Python sent 1\.5 Mbps, received 840 kbps$/,
    );
    press(chart(), "ArrowRight", { shiftKey: true });
    await settle();
    expect(chart().getAttribute("aria-valuetext")).toMatch(/sent 500 kbps/);
    expect(view.cell.querySelectorAll(".nbrtc-cursor")).toHaveLength(4);
    expect(values()[0]).toBe("sent 500 kbpsreceived 840 kbps");
  });

  test("shows everybody's values where there are several", async () => {
    await openPanel(...seconds(1, 100));
    view.session.stats.add("bob", "Bob", ...seconds(1, 100));
    button(view, "Zoom in").click();
    await settle();
    press(chart(), "ArrowLeft", { shiftKey: true });
    await settle();
    const readout = select(view, ".nbrtc-readout");
    expect(readout.textContent).toContain("Bobsent 1.5 Mbpsreceived 840 kbps");
  });
});

describe("the findings", () => {
  const lost = finding("network-loss", {
    level: "error",
    text: "12 % are lost.",
    advice: "Use a cable.",
  });

  test("have one line, which opens all with their advice", async () => {
    await openPanel(point(1));
    expect(words(view)).toContain("No problems are seen now.");
    view.session.stats.findings.value = [lost, finding("relayed-path", { level: "info" })];
    await settle();
    const line = select<HTMLElement>(view, ".nbrtc-findings-line");
    expect(line.textContent).toBe("12 % are lost.+1 more");
    expect(line.title).toBe("12 % are lost. Use a cable.");
    line.click();
    await settle();
    expect([...view.cell.querySelectorAll(".nbrtc-finding-item")].map((each) => each.textContent)).toEqual([
      "12 % are lost. Use a cable.",
      "relayed-path. Look at it.",
    ]);
  });

  test("are read out once, not with each new figure", async () => {
    await openPanel(point(1));
    const announced = () => select(view, ".nbrtc-findings [aria-live]").textContent;
    view.session.stats.findings.value = [lost];
    await settle();
    view.session.stats.findings.value = [{ ...lost, text: "13 % are lost." }];
    await settle();
    expect(select(view, ".nbrtc-findings-text").textContent).toBe("13 % are lost.");
    expect(announced()).toBe("12 % are lost. Use a cable.");
    view.session.stats.findings.value = [];
    await settle();
    expect(announced()).toBe("");
  });
});
