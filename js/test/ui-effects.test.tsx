// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { callState, type FakeSession, person } from "../dev/fake-session";
import type { PagePhase } from "../src/contract";
import { EFFECTS, type Effect } from "../src/messages";
import { strengthText } from "../src/ui/effect-strength";
import { button, has, open, press, select, settle, type View, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  vi.useRealTimers();
  document.body.replaceChildren();
});

const solo = (session: FakeSession) => {
  session.phase.value = "connected";
  session.cameraOn.value = true;
};
const room = (session: FakeSession) => {
  solo(session);
  session.enter([person("b", "Bob")]);
};
const using = (name: Effect["name"], strength: number | null = null) => ({ effect: { name, strength } });

function change(state: Parameters<typeof callState>[0]): void {
  view.session.state.value = callState({ ...view.session.state.value, ...state });
}

async function openEffects(prepare: (session: FakeSession) => void): Promise<void> {
  view = open(prepare);
  select<HTMLButtonElement>(view, "[aria-haspopup=dialog][aria-label^=Effects]").click(); // on the card with the choice
  await settle();
}

const panel = () => view.cell.querySelector(".nbrtc-popover");
const tile = (name: string) => select<HTMLButtonElement>(view, `[data-nbrtc-effect=${name}]`);
const checked = () =>
  [...view.cell.querySelectorAll<HTMLElement>("[role=radio][aria-checked=true]")].map((each) =>
    each.getAttribute("data-nbrtc-effect"),
  );
const slider = () => view.cell.querySelector<HTMLInputElement>(".nbrtc-popover input[type=range]");
const choices = () => view.session.calls;

function slide(value: number, event: "input" | "change"): void {
  const found = slider();
  if (!found) throw new Error("There is no slider.");
  found.value = String(value);
  found.dispatchEvent(new Event(event, { bubbles: true }));
}

describe("the effects panel", () => {
  test("has every effect by its title, and one click chooses it", async () => {
    await openEffects(solo);
    const titles = [...view.cell.querySelectorAll("[role=radiogroup] [role=radio]")].map(
      (each) => each.textContent,
    );
    // the one that needs a picture first says so
    const words = { ...EFFECTS, background: { title: "Choose a picture…" } };
    expect(titles).toEqual(Object.values(words).map(({ title }) => title));
    expect(checked()).toEqual(["none"]);
    tile("sepia").click();
    await settle();
    expect(choices()).toEqual([["chooseEffect", "sepia", null]]);
    expect(checked()).toEqual(["sepia"]);
    expect(panel()).not.toBeNull();
    tile("sepia").click();
    expect(choices()).toHaveLength(1);
  });

  test("begins at the chosen one, and the arrows only move: the way to another is not past the bare camera", async () => {
    await openEffects((session) => {
      solo(session);
      session.state.value = callState(using("blur"));
    });
    const group = select(view, "[role=radiogroup]");
    group.style.gridTemplateColumns = "1fr 1fr 1fr 1fr";
    expect(document.activeElement).toBe(tile("blur"));
    expect([...group.querySelectorAll("[tabindex='0']")]).toEqual([tile("blur")]);
    for (const [key, name] of [
      ["ArrowLeft", "none"],
      ["ArrowLeft", "mirror"],
      ["ArrowRight", "none"],
      ["ArrowDown", "sepia"],
      ["ArrowDown", "pixelate"],
      ["ArrowDown", "pixelate"],
      ["ArrowUp", "sepia"],
      ["Home", "none"],
      ["ArrowUp", "none"],
      ["End", "mirror"],
    ] as const) {
      if (document.activeElement) press(document.activeElement, key);
      expect([key, document.activeElement]).toEqual([key, tile(name)]);
    }
    expect(choices()).toEqual([]);
  });

  test("closes by Escape, by its button and by f, and gives the focus back", async () => {
    await openEffects(solo);
    const opener = button(view, "Effects");
    press(tile("none"), "Escape");
    await settle();
    expect([panel(), document.activeElement]).toEqual([null, opener]);
    press(opener, "f");
    await settle();
    button(view, "Close effects").click();
    await settle();
    expect([panel(), document.activeElement]).toEqual([null, opener]);
    press(opener, "f");
    await settle();
    press(tile("none"), "f");
    await settle();
    expect(panel()).toBeNull();
  });

  test("is pressed by an effect, says which, and opens all the same", async () => {
    view = open(solo);
    const opener = button(view, "Effects");
    expect(opener.getAttribute("aria-pressed")).toBe("false");
    change(using("edge"));
    await settle();
    expect(opener.getAttribute("aria-pressed")).toBe("true");
    expect(opener.getAttribute("aria-description")).toBe("Edges");
    opener.click();
    await settle();
    expect(checked()).toEqual(["edge"]);
    expect(choices()).toEqual([]);
  });

  test("opens inside More in a narrow bar, where the effect is named, and by f, too", async () => {
    vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(330);
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(53);
    try {
      view = open((session) => {
        room(session);
        session.state.value = callState({ ...session.state.value, ...using("invert") });
      });
      await settle();
      expect(has(view, "Effects")).toBe(false);
      button(view, "More").click();
      await settle();
      button(view, "EffectsInvert").click();
      await settle();
      expect(document.activeElement).toBe(tile("invert"));
      press(tile("invert"), "Escape");
      await settle();
      press(select(view, ".nbrtc"), "f");
      await settle();
      expect(checked()).toEqual(["invert"]);
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe("previews", () => {
  test("are drawn while the panel is open, and end with it", async () => {
    await openEffects((session) => {
      solo(session);
      session.effects.hasBackground.value = true;
    });
    expect(view.session.effects.drawn).toEqual(Object.keys(EFFECTS));
    expect(new Set(view.session.effects.previews.map(({ canvas }) => canvas)).size).toBe(11);
    expect(view.session.effects.previews.every(({ effect }) => effect.strength === null)).toBe(true);
    press(tile("none"), "Escape");
    await settle();
    expect(view.session.effects.drawn).toEqual([]);
  });

  test("end with a view that closes, and none is made twice by a choice", async () => {
    await openEffects(solo);
    tile("invert").click();
    await settle();
    expect(view.session.effects.previews).toHaveLength(10); // no picture to sit in front of yet
    view.close();
    expect(view.session.effects.drawn).toEqual([]);
  });

  test("need an open camera: without one there are icons", async () => {
    await openEffects(solo);
    view.session.cameraOn.value = false;
    await settle();
    expect(view.session.effects.drawn).toEqual([]);
    expect(panel()?.querySelectorAll("[role=radio] canvas")).toHaveLength(0);
    expect(panel()?.querySelectorAll("[role=radio] svg").length).toBeGreaterThanOrEqual(11);
    expect(panel()?.textContent).toContain(
      "Your camera is off: the effect is on its picture from the first one on.",
    );
    view.session.cameraOn.value = true;
    await settle();
    expect(view.session.effects.drawn).toHaveLength(10);
  });
});

describe("previews that are drawn no more", () => {
  test("get new canvases, or make room for icons", async () => {
    await openEffects(solo);
    const { effects } = view.session;
    const canvases = () => [...(panel()?.querySelectorAll("[role=radio] canvas") ?? [])];
    const before = canvases();
    effects.previewRound.value = 2;
    await settle();
    expect(effects.drawn).toHaveLength(10);
    expect(canvases()).toHaveLength(10);
    expect(canvases().filter((canvas) => before.includes(canvas))).toEqual([]);
    effects.previewRound.value = 0;
    await settle();
    expect([effects.drawn, canvases()]).toEqual([[], []]);
  });
});

describe("the strength", () => {
  test("is a slider where there is more and less, with the usual one at first", async () => {
    await openEffects((session) => {
      solo(session);
      session.state.value = callState(using("invert"));
    });
    expect(slider()).toBeNull();
    change(using("brightness"));
    await settle();
    const found = slider();
    expect(found?.labels?.[0]?.textContent).toBe("Strength");
    expect([found?.min, found?.max, found?.value]).toEqual(["-1", "1", "0.3"]);
    expect(found?.getAttribute("aria-valuetext")).toBe("+30 %");
    change(using("brightness", -0.5));
    await settle();
    expect(slider()?.value).toBe("-0.5");
    expect(slider()?.getAttribute("aria-valuetext")).toBe("\u221250 %");
  });

  test("goes out a few times a second while it is dragged, and at once where it is let go", async () => {
    await openEffects((session) => {
      solo(session);
      session.state.value = callState(using("blur"));
    });
    vi.useFakeTimers();
    for (const value of [0.6, 0.65, 0.7]) slide(value, "input");
    expect(choices()).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(choices()).toEqual([["chooseEffect", "blur", 0.7]]);
    slide(0.8, "input");
    slide(0.85, "change");
    vi.advanceTimersByTime(1000);
    expect(choices()).toEqual([
      ["chooseEffect", "blur", 0.7],
      ["chooseEffect", "blur", 0.85],
    ]);
  });

  test("stays where it is held, whatever comes down from Python meanwhile", async () => {
    await openEffects((session) => {
      solo(session);
      session.state.value = callState(using("blur", 0.2));
    });
    slide(0.6, "input");
    change(using("blur", 0.3));
    await settle();
    expect(slider()?.value).toBe("0.6");
    slide(0.6, "change");
    await settle();
    expect(view.session.state.value?.effect.strength).toBe(0.6);
    change(using("blur", 0.4));
    await settle();
    expect(slider()?.value).toBe("0.4");
  });

  test.each([
    [0.5, 0, "50 %"],
    [1, 0.05, "100 %"],
    [0.25, -1, "+25 %"],
    [-1, -1, "\u2212100 %"],
    [0, -1, "0 %"],
  ])("%s from %s on reads %s", (strength, low, text) => {
    view = open();
    expect(strengthText(strength, low)).toBe(text);
  });
});

describe("a background picture", () => {
  const input = () => select<HTMLInputElement>(view, ".nbrtc-popover input[type=file]");
  const file = (type: string) => new File(["x"], "beach", { type });

  /** As a file dialog does it. */
  function give(given: File): void {
    Object.defineProperty(input(), "files", { value: [given], configurable: true });
    input().dispatchEvent(new Event("change", { bubbles: true }));
  }

  test("is asked for by the tile where there is none, and another one by a button", async () => {
    await openEffects(solo);
    const asked = vi.fn();
    input().addEventListener("click", asked);
    tile("background").click();
    expect(asked).toHaveBeenCalledTimes(1);
    expect(choices()).toEqual([]);
    give(file("image/png"));
    await settle();
    expect(choices()).toEqual([["chooseBackground", "image/png"]]);
    expect(checked()).toEqual(["background"]);
    expect(tile("background").textContent).toBe("Background picture");
    const another = button(view, "Choose another picture…");
    another.focus();
    another.click();
    expect(asked).toHaveBeenCalledTimes(2);
    give(file("image/gif"));
    await settle();
    expect(document.activeElement).toBe(another);
  });

  test("that is there is used by the tile", async () => {
    await openEffects((session) => {
      solo(session);
      session.effects.hasBackground.value = true;
    });
    tile("background").click();
    expect(choices()).toEqual([["chooseEffect", "background", null]]);
  });

  test("that is none is refused beside the button, until the next one", async () => {
    await openEffects((session) => {
      solo(session);
      session.effects.refusal = "notes.txt is not a picture that this browser can read.";
    });
    give(file("text/plain"));
    await settle();
    expect(select(view, ".nbrtc-backdrop [role=alert]").textContent).toContain("notes.txt is not a picture");
    view.session.effects.refusal = "";
    give(file("image/webp"));
    await settle();
    expect(view.cell.querySelector(".nbrtc-backdrop [role=alert]")).toBeNull();
  });

  test("can be dropped anywhere on the panel; anything but a file is left alone", async () => {
    await openEffects(solo);
    const drag = (kind: string, types: readonly string[], files: readonly File[]) => {
      const event = new Event(kind, { bubbles: true, cancelable: true });
      Object.assign(event, { dataTransfer: { types, files } });
      tile("none").dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(drag("dragover", ["text/plain"], [])).toBe(false);
    expect(drag("drop", ["text/plain"], [])).toBe(false);
    expect(drag("dragover", ["Files"], [])).toBe(true);
    expect(drag("drop", ["Files"], [file("image/jpeg")])).toBe(true);
    await settle();
    expect(choices()).toEqual([["chooseBackground", "image/jpeg"]]);
  });
});

describe("what the panel says", () => {
  const now = () => select(view, ".nbrtc-effect-now").textContent;

  test.each([
    [solo, "Python gets your camera like this. A shared screen stays as it is."],
    [room, "The others and Python get your camera like this. A shared screen stays as it is."],
    [
      (session: FakeSession) => {
        room(session);
        session.hasPython = false;
      },
      "The others get your camera like this. A shared screen stays as it is.",
    ],
    [
      (session: FakeSession) => {
        room(session);
        session.state.value = callState({ ...session.state.value, videoSource: "waves.mp4" });
      },
      "The others see Python's picture (waves.mp4) now, not your camera.",
    ],
  ] as const)("who gets the picture (%#)", async (prepare, text) => {
    await openEffects(prepare);
    expect(now()).toBe(text);
  });

  test("what the effect does just now, and in words while it is not what was chosen", async () => {
    await openEffects(solo);
    const { status } = view.session.effects;
    const text = "Telling you from the background… Until then the whole picture is blurred.";
    status.value = { state: "preparing", text, fps: 24, frame_ms: 8 };
    await settle();
    expect(now()).toBe(text);
    status.value = { state: "running", text: "", fps: 29.6, frame_ms: 4.24 };
    await settle();
    expect(now()).toContain("30 fps, 4.2 ms");
    const tip = () => select(view, ".nbrtc-effect-figures").title;
    expect(tip()).not.toContain("background");
    const finder = { processor: "GPU", why: "2.0 ms a picture" } as const;
    status.value = { state: "running", text: "", fps: 29.6, frame_ms: 4.24, finder };
    await settle();
    expect(tip()).toContain("told from the background on the graphics processor: 2.0 ms a picture.");
    expect(select(view, ".nbrtc-effect-now [role=status]").textContent).not.toContain("fps");
    status.value = { state: "failed", text: "The model did not load.", fps: null, frame_ms: null };
    await settle();
    expect(now()).toBe("The model did not load.");
  });

  test("why there is none, with a way back to the camera", async () => {
    await openEffects((session) => {
      solo(session);
      session.state.value = callState(using("blur"));
      session.effects.unavailable = "This browser cannot change the camera's picture.";
    });
    expect(words(view)).toContain("This browser cannot change the camera's picture.");
    expect(panel()?.querySelector("[role=radio]")).toBeNull();
    button(view, "Take off the effect “Blur background”").click();
    await settle();
    expect(choices()).toEqual([["chooseEffect", "none", null]]);
    expect([panel(), document.activeElement]).toEqual([null, button(view, "Effects")]);
  });

  test("of Python's is what is waited for once the camera is open", async () => {
    view = open((session) => {
      room(session);
      session.localStream.value = new MediaStream();
      session.state.value = callState({ ...session.state.value, videoEffect: "f()" });
    });
    expect(words(view)).toContain("Waiting for Python's picture");
    expect(words(view)).not.toContain("Opening your camera…");
  });

  test("of a failure stands in the tile, too, where there is no picture", async () => {
    view = open(solo);
    const absence = () => view.cell.querySelector(".nbrtc-tile--own .nbrtc-absence")?.textContent;
    expect(absence()).toBe("Opening your camera…");
    view.session.effects.status.value = { state: "failed", text: "It ended.", fps: null, frame_ms: null };
    await settle();
    expect(absence()).toBe("It ended.");
  });
});

describe("before the call", () => {
  test.each(["ready", "preview"] as const)("%s: an effect can be chosen on the card", async (phase) => {
    await openEffects((session) => {
      session.phase.value = phase;
    });
    tile("blur").click();
    await settle();
    expect(choices()).toEqual([["chooseEffect", "blur", null]]);
    expect(has(view, "Effects: Blur background")).toBe(true);
    view.session.phase.value = "connected";
    await settle();
    expect(panel()).toBeNull();
  });

  test("of a guest page, too, and nothing in it speaks of Python", async () => {
    await openEffects((session) => {
      session.hasPython = false;
      session.phase.value = "preview";
      session.cameraOn.value = true;
      session.enter([], { phase: "outside" });
    });
    expect(panel()?.textContent).toContain("The others get your camera like this.");
    expect(panel()?.textContent).not.toContain("Python");
  });

  test.each(["waiting-for-kernel", "no-kernel"] as readonly PagePhase[])("%s: not yet", (phase) => {
    view = open((session) => {
      session.phase.value = phase;
    });
    expect(button(view, "Effects: No effect").disabled).toBe(true);
    press(select(view, ".nbrtc"), "f");
    expect(panel()).toBeNull();
  });
});

test("the effect that mirrors is not mirrored again for oneself", async () => {
  view = open(solo);
  const isMirrored = () => select(view, ".nbrtc-tile--own").classList.contains("nbrtc-tile--mirrored");
  expect(isMirrored()).toBe(true);
  change(using("mirror"));
  await settle();
  expect(isMirrored()).toBe(false);
});
