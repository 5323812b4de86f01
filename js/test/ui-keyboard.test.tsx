// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import type { FakeSession } from "../dev/fake-session";
import { button, open, press, select, settle, type View } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  document.body.replaceChildren();
});

const connected = (session: FakeSession) => {
  session.phase.value = "connected";
  session.cameraOn.value = true;
};
const root = () => select(view, ".nbrtc");

describe("shortcuts", () => {
  test.each([
    ["m", ["setMicrophone", true]],
    ["v", ["setCamera", false]],
    ["M", ["setMicrophone", true]],
  ])("%s does what its button does", (key, call) => {
    view = open(connected);
    press(root(), key);
    expect(view.session.calls).toEqual([call]);
  });

  test("s opens and closes the statistics", () => {
    view = open(connected);
    press(root(), "s");
    expect(view.session.drawer.value).toBe("statistics");
    press(root(), "s");
    expect(view.session.drawer.value).toBeNull();
  });

  test("act on a focused button as well, and only once", () => {
    view = open(connected);
    press(button(view, "Camera"), "v");
    expect(view.session.calls).toEqual([["setCamera", false]]);
  });

  test.each([{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { shiftKey: true }, { repeat: true }])(
    "are plain keys, pressed once: not with %o",
    (modifier) => {
      view = open(connected);
      press(root(), "m", modifier);
      expect(view.session.calls).toEqual([]);
    },
  );

  test.each(["select", "input"])("leave a focused %s alone", async (tag) => {
    view = open(connected);
    button(view, "Devices").click();
    await settle();
    for (const key of ["m", "v", "r", "s"]) press(select(view, tag), key);
    expect(view.session.calls).toEqual([]);
    expect(view.session.drawer.value).toBeNull();
  });

  test.each(["ready", "preview", "failed", "elsewhere", "closed"] as const)(
    "have no call to act on: %s",
    (phase) => {
      view = open((session) => {
        session.phase.value = phase;
      });
      for (const key of ["m", "v", "r"]) press(root(), key);
      expect(view.session.calls).toEqual([]);
    },
  );
});

describe("the notebook around the view", () => {
  test.each(["m", "d", "x", "a", "ArrowDown", "Enter", "Escape", "0"])("does not hear %s", (key) => {
    view = open(connected);
    expect(press(root(), key)).toBe(false);
    expect(press(button(view, "Record"), key)).toBe(false);
  });

  /** Lumino's attribute, as JupyterLab finds it while it hears the key. */
  const keepsAway = (target: Element, key: string, more: KeyboardEventInit = {}) => {
    let found = false;
    const look = () => {
      found = root().hasAttribute("data-lm-suppress-shortcuts");
    };
    document.addEventListener("keydown", look, { capture: true, once: true });
    press(target, key, more);
    return found;
  };

  test.each([
    ["s", { ctrlKey: true }],
    ["Enter", { shiftKey: true }],
    ["Enter", { ctrlKey: true }],
  ])("hears %s with %o, and is not told to keep away", (key, modifier) => {
    view = open(connected);
    const record = button(view, "Record");
    expect(press(record, key, modifier)).toBe(true);
    expect(keepsAway(record, key, modifier)).toBe(false);
    expect(keepsAway(record, "d")).toBe(true);
  });

  describe("in JupyterLab", () => {
    const cellBelow = (): HTMLElement => {
      const next = document.createElement("div");
      next.tabIndex = -1;
      view.cell.className = "jp-Cell";
      view.cell.after(next);
      return next;
    };

    test.each(["starting", "connected", "reconnecting"] as const)(
      "goes on with the next cell and does not run that of the call: %s",
      (phase) => {
        view = open((session) => {
          session.phase.value = phase;
        });
        const next = cellBelow();
        expect(press(root(), "Enter", { shiftKey: true })).toBe(false);
        expect(document.activeElement).toBe(next);
        next.remove();
        expect(press(root(), "Enter", { shiftKey: true }), "there is none").toBe(false);
        expect(press(root(), "Enter", { ctrlKey: true }), "to run it on purpose").toBe(true);
      },
    );

    test("runs the cell where there is no call to lose", () => {
      view = open();
      cellBelow();
      expect(press(root(), "Enter", { shiftKey: true })).toBe(true);
    });
  });

  test("is told by Lumino's attribute to keep its own shortcuts away", () => {
    view = open();
    expect(keepsAway(root(), "d")).toBe(true);
    expect(keepsAway(root(), "M", { shiftKey: true })).toBe(true);
  });

  test("does not run a cell from within a field", () => {
    view = open();
    const field = select(view, "input");
    expect(keepsAway(field, "Enter", { ctrlKey: true })).toBe(true);
    expect(press(field, "Enter", { shiftKey: true })).toBe(false);
  });

  test("does not get the focus of a button that went with its card", async () => {
    view = open();
    button(view, "Start camera").focus();
    button(view, "Start camera").click();
    await settle();
    expect(view.session.phase.value).toBe("starting");
    expect(document.activeElement).toBe(root());
  });

  test("keeps its own focus when a view changes by itself", async () => {
    view = open();
    const outside = document.createElement("input");
    document.body.append(outside);
    outside.focus();
    view.session.phase.value = "connected";
    await settle();
    expect(document.activeElement).toBe(outside);
  });
});
