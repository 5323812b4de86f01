// @vitest-environment happy-dom
import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { finding, plotPoint } from "../dev/fake-session";
import type { Finding } from "../src/messages";
import { APPEAR_MS, type Shown, STAY_MS, Steady } from "../src/ui/statistics/steady";
import { open, settle, type View } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

const lost = finding("network-loss", { level: "error" });
const slow = finding("cpu-encoder");

describe("what is said", () => {
  const findings = signal<readonly Finding[]>([]);
  let said: (Shown | null)[];
  let steady: Steady;
  beforeEach(() => {
    vi.useFakeTimers();
    findings.value = [];
    said = [];
    steady = new Steady(findings, (shown) => said.push(shown));
  });
  afterEach(() => {
    steady.close();
    vi.useRealTimers();
  });
  const codes = () => said.map((shown) => shown && [shown.finding.code, shown.others]);

  test("is what lasts", () => {
    findings.value = [lost];
    vi.advanceTimersByTime(APPEAR_MS - 1);
    expect(said).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(codes()).toEqual([["network-loss", 0]]);
  });

  test("is nothing that passes, and no mere remark", () => {
    findings.value = [lost, finding("relayed-path", { level: "info" })];
    vi.advanceTimersByTime(APPEAR_MS - 1);
    findings.value = [finding("relayed-path", { level: "info" })];
    vi.advanceTimersByTime(60_000);
    expect(said).toEqual([]);
  });

  test("stays long enough to be read", () => {
    findings.value = [lost];
    vi.advanceTimersByTime(APPEAR_MS);
    findings.value = [];
    vi.advanceTimersByTime(STAY_MS - 1);
    expect(codes()).toEqual([["network-loss", 0]]);
    vi.advanceTimersByTime(1);
    expect(codes()).toEqual([["network-loss", 0], null]);
  });

  test("is not changed by new figures of the same before it was read", () => {
    findings.value = [lost];
    vi.advanceTimersByTime(APPEAR_MS);
    for (let second = 1; second < 5; second += 1) {
      findings.value = [{ ...lost, text: `${second} % are lost.` }];
      vi.advanceTimersByTime(1000);
    }
    expect(said).toHaveLength(1);
    vi.advanceTimersByTime(1000);
    expect(said.at(-1)?.finding.text).toBe("4 % are lost.");
  });

  test("gives way to what is worse, and counts the others", () => {
    findings.value = [slow];
    vi.advanceTimersByTime(APPEAR_MS);
    findings.value = [lost, slow];
    vi.advanceTimersByTime(APPEAR_MS + STAY_MS);
    expect(codes().at(-1)).toEqual(["network-loss", 1]);
  });

  test("is nothing any more once it is closed", () => {
    findings.value = [lost];
    steady.close();
    vi.advanceTimersByTime(60_000);
    expect(said).toEqual([]);
  });
});

describe("in the call", () => {
  let view: View;
  afterEach(() => {
    view.close();
    vi.useRealTimers();
    document.body.replaceChildren();
  });
  const pill = () => view.cell.querySelector<HTMLElement>(".nbrtc-finding");

  test("one line opens the statistics with all of them", async () => {
    vi.useFakeTimers();
    view = open((session) => {
      session.phase.value = "connected";
      session.stats.findings.value = [lost, slow];
    });
    expect(pill()).toBeNull();
    await vi.advanceTimersByTimeAsync(APPEAR_MS + 100);
    expect(pill()?.textContent).toBe("network-loss.+1 more");
    expect(pill()?.title).toContain("Look at it.");
    pill()?.click();
    await vi.advanceTimersByTimeAsync(100);
    expect(view.session.drawer.value).toBe("statistics");
    expect(view.cell.querySelectorAll(".nbrtc-finding-item")).toHaveLength(2);
    expect(pill()).toBeNull();
  });

  test("nothing is said before anybody is in the call", async () => {
    vi.useFakeTimers();
    view = open((session) => {
      session.phase.value = "preview";
      session.stats.findings.value = [lost];
    });
    await vi.advanceTimersByTimeAsync(APPEAR_MS + 100);
    expect(pill()).toBeNull();
  });

  test("the statistics say why none is named", async () => {
    view = open((session) => {
      session.phase.value = "connected";
      session.drawer.value = "statistics";
    });
    const line = () => view.cell.querySelector(".nbrtc-findings-none")?.textContent;
    expect(line()).toBe("No statistics yet: they begin with the first connection.");
    view.session.stats.add("python", "Python", plotPoint(1));
    await settle();
    expect(line()).toBe("No problems are seen now.");
    view.session.phase.value = "reconnecting";
    await settle();
    expect(line()).toBe("The call is reconnecting.");
  });

  test("a guest is not told that there are none", () => {
    view = open((session) => {
      session.hasPython = false;
      session.phase.value = "connected";
      session.drawer.value = "statistics";
      session.stats.add("bob", "Bob", plotPoint(1));
    });
    expect(view.cell.querySelector(".nbrtc-findings-none")?.textContent).toBe(
      "Problems are looked for in notebooks only.",
    );
  });
});
