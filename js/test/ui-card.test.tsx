// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { callState, type FakeSession, participant } from "../dev/fake-session";
import type { RoomInfo } from "../src/messages";
import { button, has, open, select, settle, type View, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  document.body.replaceChildren();
});

const outside =
  (change: Partial<RoomInfo> = {}) =>
  (session: FakeSession) =>
    session.enter([], { phase: "outside", inviteUrl: "", ...change });

function fieldOf(name: string): HTMLInputElement | null {
  const label = [...view.cell.querySelectorAll("label")].find((each) => each.textContent === name);
  return label?.querySelector("input") ?? null;
}

async function type(name: string, text: string): Promise<void> {
  const field = fieldOf(name);
  if (!field) throw new Error(`There is no field ${name}.`);
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await settle();
}

describe("the room of the card", () => {
  test("is said with what will happen, and one click joins it", () => {
    view = open(outside());
    expect(words(view)).toContain("takes you into the room physics-101.");
    expect(words(view)).toContain("Others in the room see and hear you");
    expect(fieldOf("Room")?.value).toBe("physics-101");
    expect(fieldOf("Your name")?.value).toBe("Ada Lovelace");
    expect(fieldOf("Passcode")).toBeNull();
    button(view, "Start camera").click();
    expect(view.session.calls).toEqual([["start"]]);
  });

  test("is empty for a solo call, and can be named", async () => {
    view = open(({ state }) => {
      if (state.value === null) return;
      const you = participant("you", "You", { isYou: true });
      state.value = { ...state.value, participants: [you, ...state.value.participants] };
    });
    expect(fieldOf("Room")?.value).toBe("");
    expect(fieldOf("Your name")).toBeNull();
    await type("Room", " chemistry ");
    expect(fieldOf("Your name")?.value).toBe(""); // and not "You", which it would be to the others, too
    await type("Your name", "Ada");
    button(view, "Start camera").click();
    await settle();
    expect(view.session.calls).toEqual([["enterRoom", "chemistry", "Ada", null], ["start"]]);
  });

  test("can be left for a solo call", async () => {
    view = open(outside());
    await type("Room", "");
    expect(words(view)).toContain("connects them to this notebook's Python");
    button(view, "Start camera").click();
    await settle();
    expect(view.session.calls).toEqual([["enterRoom", null, "Ada Lovelace", null], ["start"]]);
  });

  test("that the engine will not have is said, and nothing starts", async () => {
    view = open(outside());
    view.session.refusal = "A room's name has letters, digits, - and _.";
    await type("Room", "a b");
    button(view, "Start camera").click();
    await settle();
    expect(view.session.calls).toEqual([["enterRoom", "a b", "Ada Lovelace", null]]);
    expect(select(view, ".nbrtc-prejoin [role=alert]").textContent).toBe(
      "A room's name has letters, digits, - and _.",
    );
    expect(fieldOf("Room")?.value).toBe("a b");
    expect(button(view, "Start camera").disabled).toBe(false);
  });
});

describe("a refusal", () => {
  test("for the passcode asks for it", async () => {
    view = open((session) => {
      outside({ phase: "refused", code: "wrong-passcode" })(session);
      session.phase.value = "failed";
    });
    expect(select(view, ".nbrtc-prejoin [role=alert]").textContent).toBe(
      "This room has a passcode. Enter the room's passcode, then try again.",
    );
    await type("Passcode", "secret");
    button(view, "Start camera").click();
    await settle();
    expect(view.session.calls).toEqual([["enterRoom", "physics-101", "Ada Lovelace", "secret"], ["start"]]);
  });

  test.each([
    ["room-full", "The room is full.", "Try again when somebody has left"],
    ["room-not-found", "There is no such room.", "Ask whoever invited you for a new link"],
    ["unreachable", "No server answers at http://127.0.0.1:9.", "See that the server runs"],
    ["something-new", "The moon is full.", ""],
  ])("%s has a reason and a remedy", (code, reason, remedy) => {
    view = open(outside({ phase: "refused", code, reason }));
    const text = select(view, ".nbrtc-prejoin [role=alert]").textContent;
    expect(text).toContain(reason);
    expect(text).toContain(remedy);
    expect(button(view, "Start camera").disabled).toBe(false);
  });

  test("is no failure of the stage, too", () => {
    view = open((session) => {
      outside({ phase: "refused", code: "room-full", reason: "The room is full (10)." })(session);
      session.phase.value = "failed";
      session.statusText.value = "The room is full (10).";
    });
    expect(words(view).match(/The room is full/g)).toHaveLength(1);
    expect(has(view, "Leave call")).toBe(false);
  });
});

describe("a page without Python", () => {
  const guest = (session: FakeSession) => {
    session.hasPython = false;
    outside()(session);
  };

  test("joins, cannot choose the room and does not speak of a notebook", () => {
    view = open(guest);
    expect(fieldOf("Room")).toBeNull();
    expect(fieldOf("Your name")).not.toBeNull();
    expect(words(view)).not.toContain("notebook");
    button(view, "Join").click();
    expect(view.session.calls).toEqual([["start"]]);
  });

  test("has no Python in its call", () => {
    view = open((session) => {
      guest(session);
      session.phase.value = "connected";
    });
    expect(view.cell.querySelector("video[data-nbrtc=python]")).toBeNull();
  });

  test("says what the browser lacks", () => {
    view = open((session) => {
      guest(session);
      session.shortcomings = ["This browser cannot share a screen."];
    });
    expect(select(view, ".nbrtc-shortcomings").textContent).toBe("This browser cannot share a screen.");
  });
});

test("a solo card has a place for the room and nothing else of it", () => {
  view = open((session) => {
    session.state.value = callState();
  });
  expect([...view.cell.querySelectorAll("input:not([type=checkbox])")]).toHaveLength(1);
});
