// @vitest-environment happy-dom
/** The steps of the adaptation on the timeline. */
import { type Signal, signal } from "@preact/signals";
import { expect, it, vi } from "vitest";
import type { Devices, Sending } from "../src/contract";
import { limitOf } from "../src/media/plan";
import { Analysis } from "../src/stats/analysis";

function make() {
  const said: string[] = [];
  const analysis = new Analysis({
    hasPython: () => true,
    state: signal(null),
    onPoint: () => undefined,
    send: (message) => said.push("name" in message ? `${message.name} ${message.value}` : message.type) > 0,
    sendByComm: () => undefined,
    onProblem: () => undefined,
  });
  const sending: Signal<Sending | null> = signal(null);
  const devices: Signal<Devices> = signal({ cameras: [], microphones: [] });
  analysis.watch(sending, devices);
  analysis.start();
  return { analysis, sending, said };
}

const full: Sending = { width: 1280, height: 720, fps: 30, limitedBy: "" };

it("tells steps, with what limits them, and not how a measured rate wavers", () => {
  const { analysis, sending, said } = make();
  const network = { ...full, limitedBy: "the network" };
  sending.value = full;
  sending.value = { ...full, fps: 23 };
  sending.value = { ...network, fps: 24 };
  sending.value = { ...network, fps: 22 };
  sending.value = { ...network, fps: 20 };
  sending.value = { ...network, fps: 20, width: 640, height: 360 };
  sending.value = null;
  expect(said.filter((text) => text.startsWith("sending"))).toEqual([
    "sending 1280x720@30",
    "sending 1280x720@24 bandwidth",
    "sending 1280x720@20 bandwidth",
    "sending 640x360@20 bandwidth",
    "sending nothing",
  ]);
  analysis.stop();
});

it.each([
  ["the network", "bandwidth"],
  ["this computer's CPU", "cpu"],
  ["the number of people", "people"],
  ["", ""],
])("%s is called %s", (words, limit) => expect(limitOf(words)).toBe(limit));

it("tells when the page is hidden, as long as the call goes on", () => {
  const { analysis, said } = make();
  const hide = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  document.dispatchEvent(new Event("visibilitychange"));
  hide.mockRestore();
  analysis.stop();
  document.dispatchEvent(new Event("visibilitychange"));
  expect(said.filter((text) => text.startsWith("visibility"))).toEqual([
    "visibilitychange visible",
    "visibilitychange hidden",
  ]);
});
