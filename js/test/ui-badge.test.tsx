// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeSession, person, recordingStatus } from "../dev/fake-session";
import type { Person } from "../src/contract";
import type { CallState } from "../src/messages";
import { FakeSizes } from "./fake-sizes";
import { open, select, settle, type View } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let views: View[] = [];
beforeEach(() => FakeSizes.install());
afterEach(() => {
  for (const view of views) view.close();
  views = [];
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

const bob = (recordingId = ""): Person =>
  person("b", "Bob", { status: { recording: recordingId !== "", recordingId } });

function show(session: FakeSession, prepare: (session: FakeSession) => void = () => {}): View {
  const view = open(prepare, session);
  views.push(view);
  return view;
}

const inRoom = (session: FakeSession) => {
  session.phase.value = "connected";
  session.enter([bob()]);
};

/** What the session was told, each time. */
const told = (session: FakeSession) =>
  session.calls.filter(([name]) => name === "showsRecordings").map(([, ids]) => ids);

const badge = (view: View) => view.cell.querySelector(".nbrtc-badge");
const layOut = () => FakeSizes.layOut(".nbrtc-badge");

describe("a badge is acknowledged", () => {
  test("once it was laid out, and not before", async () => {
    const session = new FakeSession();
    const view = show(session, inRoom);
    session.enter([bob("x")]);
    await settle();
    expect(badge(view)?.textContent).toBe("Recording by Bob");
    expect(told(session)).toEqual([]);
    FakeSizes.layOut(".nbrtc-badge", 0, 0); // in a tab that is not shown
    expect(told(session)).toEqual([]);
    layOut();
    expect(told(session)).toEqual([["x"]]);
  });

  test("at once for whoever started the recording, wherever the widget is", async () => {
    const session = new FakeSession();
    const view = show(session, inRoom);
    session.enter([bob("x")]);
    const state = session.state.value as CallState;
    session.state.value = { ...state, recording: recordingStatus({ id: "mine" }) };
    await settle();
    expect(badge(view)?.textContent).toContain("Recording");
    expect(told(session)).toEqual([["mine"]]);
    layOut();
    expect(told(session).at(-1)).toEqual(["mine", "x"]);
  });

  test("until it goes", async () => {
    const session = new FakeSession();
    show(session, inRoom);
    session.enter([bob("x")]);
    await settle();
    layOut();
    session.enter([bob()]);
    await settle();
    expect(told(session)).toEqual([["x"], []]);
  });

  test("one's own, too", async () => {
    const session = new FakeSession();
    const view = show(session, (each) => {
      each.phase.value = "connected";
    });
    const state = session.state.value;
    if (state === null) throw new Error("The session has no state.");
    session.state.value = { ...state, recording: recordingStatus({ id: "mine" }) };
    await settle();
    layOut();
    expect(told(session)).toEqual([["mine"]]);
    session.state.value = { ...state, recording: recordingStatus({ id: "mine", state: "composing" }) };
    await settle();
    expect(badge(view)).toBeNull();
    expect(told(session)).toEqual([["mine"], []]);
  });

  test("without being taken back while a second one begins", async () => {
    const session = new FakeSession();
    show(session, inRoom);
    const chloe = (recordingId: string) =>
      person("c", "Chloé", { status: { recording: recordingId !== "", recordingId } });
    session.enter([bob("x"), chloe("")]);
    await settle();
    layOut();
    session.enter([bob("x"), chloe("y")]);
    await settle();
    expect(told(session)).toEqual([["x"]]);
    layOut();
    expect(told(session)).toEqual([["x"], ["x", "y"]]);
    session.enter([bob(""), chloe("y")]);
    await settle();
    expect(told(session)).toEqual([["x"], ["x", "y"], ["y"]]);
  });

  test("anew where the same person records again", async () => {
    const session = new FakeSession();
    show(session, inRoom);
    session.enter([bob("x")]);
    await settle();
    layOut();
    session.enter([bob("z")]);
    await settle();
    expect(told(session)).toEqual([["x"], []]);
    layOut();
    expect(told(session)).toEqual([["x"], [], ["z"]]);
  });

  test("while any view shows it, and never without one", async () => {
    const session = new FakeSession();
    session.phase.value = "connected";
    session.enter([bob("x")]);
    await settle();
    expect(told(session)).toEqual([]);
    const one = show(session);
    const two = show(session);
    await settle();
    layOut();
    expect(told(session)).toEqual([["x"]]);
    one.close();
    expect(told(session)).toEqual([["x"]]);
    two.close();
    expect(told(session)).toEqual([["x"], []]);
  });
});

describe("a badge is seen", () => {
  test.each(["ready", "preview", "connected", "reconnecting", "failed", "elsewhere"] as const)(
    "where others record: %s",
    async (phase) => {
      const session = new FakeSession();
      const view = show(session, (each) => {
        each.phase.value = phase;
        each.enter([bob("x")]);
      });
      await settle();
      expect(badge(view)?.textContent).toBe("Recording by Bob");
      expect(select(view, ".nbrtc-badge + [role=status]").textContent).toBe(
        "This call is being recorded by Bob.",
      );
    },
  );

  test("on the card before joining, where only the engine knows of the others", async () => {
    const session = new FakeSession();
    const view = show(session, (each) => {
      each.enter([bob("x")]);
      each.people.value = [];
    });
    await settle();
    expect(badge(view)?.textContent).toBe("Recording by Bob");
  });
});
