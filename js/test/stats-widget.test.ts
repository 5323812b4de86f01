// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { finding, plotPoint } from "../dev/fake-session";
import type { PlotPoint } from "../src/contract";
import { StatsInbox } from "../src/stats/inbox";
import open from "../src/stats-widget";
import { charts, living } from "./fake-uplot";
import { settle } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

const message = (peer: string, points: readonly PlotPoint[], to: string | null = null) => {
  const keys = Object.keys(plotPoint(0)) as (keyof PlotPoint)[];
  const rows = points.map((point) => keys.map((key) => point[key]));
  return { kind: "points" as const, to, peer, name: peer.toUpperCase(), keys, rows };
};
const at = (...times: readonly number[]) =>
  times.map((time_s) => plotPoint(time_s, { rtt_s: time_s / 1000 }));

describe("the inbox", () => {
  test("puts the past and the present together, each poll once", () => {
    const inbox = new StatsInbox("here");
    inbox.take(message("python", at(7)));
    inbox.take(message("python", at(4, 5), "here"));
    inbox.take(message("python", at(6, 7), "here"));
    inbox.take(message("python", at(8)));
    expect(inbox.series.value.map(({ peer, name }) => [peer, name])).toEqual([["python", "PYTHON"]]);
    expect(inbox.series.value[0]?.points).toEqual(at(4, 5, 6, 7, 8));
  });

  test("takes nothing that another window asked for", () => {
    const inbox = new StatsInbox("here");
    inbox.take(message("python", at(1), "there"));
    expect(inbox.series.value).toEqual([]);
  });

  test("is bounded", () => {
    const inbox = new StatsInbox("here");
    const times = Array.from({ length: 3600 }, (_, index) => index);
    inbox.take(message("python", at(...times)));
    inbox.take(message("python", at(3600, 3601)));
    const points = inbox.series.value[0]?.points ?? [];
    expect([points.length, points[0]?.time_s, points.at(-1)?.time_s]).toEqual([3600, 2, 3601]);
  });
});

class FakeModel {
  readonly sent: unknown[] = [];
  saves = 0;
  isDisposed = false;
  readonly #listeners = new Map<string, (value?: unknown) => void>();

  constructor(readonly values: Record<string, unknown>) {}

  get = (name: string) => this.values[name];

  set = (name: string, value: unknown) => {
    this.values[name] = value;
  };

  save_changes(): void {
    if (this.isDisposed) throw new Error("disposed");
    this.saves += 1;
  }

  send(content: unknown): void {
    if (this.isDisposed) throw new Error("disposed");
    this.sent.push(content);
  }

  on(name: string, listener: (...values: never[]) => void): void {
    this.#listeners.set(name, listener as (value?: unknown) => void);
  }

  tell(name: string, value?: unknown): void {
    this.#listeners.get(name)?.(value);
  }
}

describe("the widget", () => {
  let model: FakeModel;
  let ends: (() => void)[];
  const cell = () => document.body;
  const show = () => {
    const widget = open();
    widget.initialize({ model });
    ends.push(widget.render({ el: document.body }));
    return widget;
  };
  const titles = () => [...cell().querySelectorAll(".nbrtc-plot-title")].map((each) => each.textContent);
  const named = (name: string) =>
    [...cell().querySelectorAll<HTMLElement>("button")].find(
      (each) => (each.getAttribute("aria-label") ?? each.textContent) === name,
    );
  beforeEach(() => {
    charts.length = 0;
    ends = [];
    model = new FakeModel({ metrics: ["fps"], participants: null, _is_live: true });
  });
  afterEach(() => {
    for (const end of ends) end();
    document.body.replaceChildren();
  });

  test("asks for the past and shows what it is told", async () => {
    show();
    expect(model.sent).toEqual([{ kind: "hello", page: expect.any(String) }]);
    expect(cell().textContent).toContain("Waiting for the kernel");
    model.tell("msg:custom", message("python", at(1, 2)));
    model.tell("msg:custom", { kind: "findings", findings: [finding("network-loss")] });
    await vi.waitFor(() => expect(living()[0]?.ranges.at(-1)).toEqual([-58, 2]), { timeout: 5000 });
    expect(titles()).toEqual(["Frame rate"]);
    expect(cell().textContent).toContain("network-loss.");
  });

  test("shares the choice of metrics with Python, both ways", async () => {
    show();
    model.set("metrics", ["rtt_s", "fps"]);
    model.tell("change:metrics");
    await settle();
    expect(titles()).toEqual(["Frame rate", "Round-trip time"]);
    named("Metrics")?.click();
    await settle();
    const jitter = [...cell().querySelectorAll<HTMLElement>("[role=menuitemcheckbox]")].find(
      (each) => each.textContent === "Jitter",
    );
    jitter?.click();
    await settle();
    expect(model.values.metrics).toEqual(["fps", "rtt_s", "jitter_s"]);
    expect(model.saves).toBe(1);
  });

  test("hides Python's own end until it is asked for", async () => {
    show();
    model.tell("msg:custom", message("python", at(1)));
    model.tell("msg:custom", message("you", at(1)));
    await vi.waitFor(() => expect(named("Participants")).toBeDefined(), { timeout: 5000 });
    const legend = () => [...cell().querySelectorAll(".nbrtc-legend-name")].map((each) => each.textContent);
    expect(legend()).toEqual(["PYTHON"]);
    model.set("participants", ["you"]);
    model.tell("change:participants");
    await settle();
    expect(legend()).toEqual(["YOU"]);
  });

  test("of a dump shows everything, and has no pause", async () => {
    model.set("_is_live", false);
    show();
    model.tell("msg:custom", message("1-1", at(1000, 1300)));
    await vi.waitFor(() => expect(living()[0]?.ranges.at(-1)).toEqual([1000, 1300]), { timeout: 5000 });
    expect(named("Pause")).toBeUndefined();
  });

  test("may be shown several times, and each view goes alone", async () => {
    const widget = show();
    const end = widget.render({ el: document.body });
    await settle();
    expect(cell().querySelectorAll(".nbrtc-statistics")).toHaveLength(2);
    end();
    expect(cell().querySelectorAll(".nbrtc-statistics")).toHaveLength(1);
    expect(living()).toHaveLength(1);
  });

  test("says why nothing new comes", async () => {
    show();
    const line = () => cell().querySelector(".nbrtc-findings-none")?.textContent;
    const says = async (text: string) => {
      await settle();
      expect(line()).toBe(text);
    };
    const phase = (value: string) => model.tell("msg:custom", { kind: "phase", phase: value });
    phase("idle");
    await says("No statistics yet: they begin with the call.");
    phase("connecting");
    await says("No statistics yet: they begin with the first connection.");
    model.tell("msg:custom", message("python", at(1)));
    phase("connected");
    await says("No problems are seen now.");
    phase("idle");
    await says("The call has ended: these are its last figures.");
    phase("reconnecting");
    await says("The call is reconnecting.");
    phase("failed");
    await says("The call has failed.");
    phase("closed");
    await says("The call was closed: these are its last figures.");
  });

  test("offers the participants where none of those that were chosen is here", async () => {
    model.set("participants", ["somebody-who-left"]);
    show();
    model.tell("msg:custom", message("python", at(1)));
    await vi.waitFor(() => expect(named("Participants")).toBeDefined(), { timeout: 5000 });
    expect(cell().querySelector(".nbrtc-legend")?.textContent).toContain("see Participants");
  });

  test("says that the kernel has gone", async () => {
    show();
    model.tell("msg:custom", { kind: "findings", findings: [] });
    model.tell("comm_live_update");
    await settle();
    expect(cell().textContent).toContain("The kernel has gone: run this cell again");
    model.isDisposed = true;
    named("Metrics")?.click();
    await settle();
    cell().querySelector<HTMLElement>("[role=menuitemcheckbox]")?.click();
    await settle();
    expect(titles()).toEqual(["Bitrate", "Frame rate"]);
  });

  test("keeps its keys from the notebook", () => {
    show();
    let heard = 0;
    document.addEventListener("keydown", () => heard++);
    cell()
      .querySelector("[role=slider]")
      ?.dispatchEvent(new KeyboardEvent("keydown", { key: "d", bubbles: true, composed: true }));
    expect(heard).toBe(0);
  });
});
