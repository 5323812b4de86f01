/** The way of events to Python: in order, bounded, over the link or by the comm. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { StatsEvent } from "../src/messages";
import { MOST_A_SECOND, Timeline, WAIT_MS } from "../src/stats/timeline";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function make({ isOpen = true, isRunning = true } = {}) {
  const way = { isOpen };
  const [byLink, byComm]: [StatsEvent[], StatsEvent[]] = [[], []];
  const timeline = new Timeline({
    send: (event) => {
      if (way.isOpen) byLink.push(event);
      return way.isOpen;
    },
    sendByComm: (event) => void byComm.push(event),
  });
  if (isRunning) timeline.start();
  const names = (events: readonly StatsEvent[]) => events.map(({ name }) => name);
  return { timeline, way, byLink, byComm, names };
}

it("sends what happens at once, stamped with the time", () => {
  vi.setSystemTime(1_700_000_000_500);
  const { timeline, byLink } = make();
  timeline.note({ peer: "ada", name: "connectionstatechange", value: "connected", generation: 2 });
  timeline.note({ peer: "", name: "sending" });
  expect(byLink).toEqual([
    {
      type: "event",
      timeS: 1_700_000_000.5,
      peer: "ada",
      name: "connectionstatechange",
      value: "connected",
      generation: 2,
    },
    { type: "event", timeS: 1_700_000_000.5, peer: "", name: "sending", value: "", generation: 0 },
  ]);
});

it("says nothing outside of a call", () => {
  const { timeline, byLink, byComm } = make({ isRunning: false });
  timeline.note({ peer: "", name: "a" });
  timeline.start();
  timeline.stop();
  timeline.note({ peer: "", name: "b" });
  vi.advanceTimersByTime(10_000);
  expect([byLink, byComm]).toEqual([[], []]);
  expect(vi.getTimerCount()).toBe(0);
});

it("waits for the link, and then comes in order", () => {
  const { timeline, way, byLink, byComm, names } = make({ isOpen: false });
  for (const name of ["a", "b", "c"]) timeline.note({ peer: "", name });
  vi.advanceTimersByTime(WAIT_MS - 1);
  way.isOpen = true;
  timeline.flush();
  timeline.note({ peer: "", name: "d" });
  expect(names(byLink)).toEqual(["a", "b", "c", "d"]);
  vi.advanceTimersByTime(10_000);
  expect(byComm).toEqual([]);
});

it("takes the comm where the link does not open", () => {
  const { timeline, byLink, byComm, names } = make({ isOpen: false });
  for (const name of ["a", "b"]) timeline.note({ peer: "", name });
  vi.advanceTimersByTime(WAIT_MS);
  expect(names(byComm)).toEqual(["a", "b"]);
  expect(byLink).toEqual([]);
});

it("lets out what waits when the call ends, and nothing twice", () => {
  const { timeline, byComm, names } = make({ isOpen: false });
  timeline.note({ peer: "", name: "failed" });
  timeline.stop();
  timeline.stop();
  vi.advanceTimersByTime(10_000);
  expect(names(byComm)).toEqual(["failed"]);
});

it("counts what is beyond so many a second, and says the count once", () => {
  const { timeline, byLink } = make();
  for (let number = 0; number < MOST_A_SECOND + 30; number += 1) {
    timeline.note({ peer: "", name: `${number}` });
  }
  expect(byLink).toHaveLength(MOST_A_SECOND);
  vi.advanceTimersByTime(1000);
  expect(byLink.slice(MOST_A_SECOND)).toEqual([expect.objectContaining({ name: "overflow", value: "30" })]);
  timeline.note({ peer: "", name: "later" });
  expect(byLink.at(-1)?.name).toBe("later");
  vi.advanceTimersByTime(10_000);
  expect(byLink).toHaveLength(MOST_A_SECOND + 2);
  expect(vi.getTimerCount()).toBe(0);
});

it("stays within the bound over many seconds", () => {
  const { timeline, byLink } = make();
  for (let tenth = 0; tenth < 100; tenth += 1) {
    for (let number = 0; number < 20; number += 1) timeline.note({ peer: "", name: "noise" });
    vi.advanceTimersByTime(100);
  }
  vi.advanceTimersByTime(1000);
  const told = byLink.filter(({ name }) => name === "overflow");
  expect(byLink.length).toBeLessThanOrEqual(11 * MOST_A_SECOND);
  expect(told.reduce((sum, { value }) => sum + Number(value), 0)).toBe(2000 - byLink.length + told.length);
});

it("never has more waiting than the comm takes in a few seconds", () => {
  const { timeline, byComm } = make({ isOpen: false });
  for (let tenth = 0; tenth < 100; tenth += 1) {
    for (let number = 0; number < 20; number += 1) timeline.note({ peer: "", name: "noise" });
    vi.advanceTimersByTime(100);
  }
  const waited = byComm.length;
  timeline.stop();
  expect(byComm.length - waited).toBeLessThanOrEqual(3 * MOST_A_SECOND);
});
