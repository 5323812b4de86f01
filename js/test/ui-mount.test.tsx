// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { callState, FakeSession } from "../dev/fake-session";
import { mount } from "../src/ui/mount";
import { button, open, press, select, settle, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

afterEach(() => document.body.replaceChildren());

describe("two views of one session", () => {
  test("mirror each other", async () => {
    const session = new FakeSession();
    const one = open(undefined, session);
    const two = open(undefined, session);
    button(one, "Start camera").click();
    await settle();
    button(two, "Statistics").click();
    button(two, "Microphone").click();
    await settle();
    expect(session.calls).toEqual([["start"], ["setMicrophone", true]]);
    for (const view of [one, two]) {
      expect(button(view, "Microphone").getAttribute("aria-pressed")).toBe("true");
      expect(words(view)).toContain("Round-trip time");
    }
    one.close();
    two.close();
  });

  test("play Python's sound once, also after the first has gone", async () => {
    const session = new FakeSession();
    session.phase.value = "connected";
    session.state.value = callState({ playing: true });
    const one = open(undefined, session);
    const two = open(undefined, session);
    const muted = (view: typeof one) => select<HTMLAudioElement>(view, "audio").muted;
    expect([muted(one), muted(two)]).toEqual([false, true]);
    one.close();
    await settle();
    expect(muted(two)).toBe(false);
    two.close();
  });
});

describe("an aborted view", () => {
  test("is gone, lets go of the streams and no longer listens", async () => {
    const session = new FakeSession();
    session.phase.value = "connected";
    session.localStream.value = new MediaStream();
    const view = open(undefined, session);
    await settle();
    const root = select(view, ".nbrtc");
    const video = select<HTMLVideoElement>(view, "video[data-nbrtc=own]");
    expect(video.srcObject).toBe(session.localStream.value);
    const listening = vi.spyOn(document, "addEventListener");
    button(view, "Devices").click();
    await settle();
    const options = listening.mock.calls.map(([, , option]) => option as AddEventListenerOptions);
    listening.mockRestore();
    expect(options.map(({ signal }) => signal?.aborted)).toEqual([false]);
    view.close();
    await settle();
    expect(view.cell.childNodes).toHaveLength(0);
    expect(video.srcObject).toBeNull();
    press(root, "m");
    session.phase.value = "failed";
    await settle();
    expect(session.calls).toEqual([]);
    expect(view.cell.childNodes).toHaveLength(0);
    expect(options.map(({ signal }) => signal?.aborted)).toEqual([true]);
  });

  test("was never there if it was aborted before", () => {
    const cell = document.createElement("div");
    mount(cell, new FakeSession(), AbortSignal.abort());
    expect(cell.childNodes).toHaveLength(0);
  });
});

test("every class of the view carries the widget's prefix", async () => {
  const session = new FakeSession();
  session.phase.value = "connected";
  session.drawer.value = "statistics";
  const view = open(undefined, session);
  await settle();
  button(view, "Devices").click();
  await settle();
  const classes = [...view.cell.querySelectorAll("*")].flatMap((element) => [...element.classList]);
  expect(classes.length).toBeGreaterThan(50);
  expect(classes.filter((name) => name !== "nbrtc" && !name.startsWith("nbrtc-"))).toEqual([]);
  view.close();
});
