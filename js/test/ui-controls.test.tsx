// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { callState, type FakeSession } from "../dev/fake-session";
import type { PagePhase } from "../src/contract";
import { button, has, open, press, select, settle, type View } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  document.body.replaceChildren();
});

const connected = (session: FakeSession) => {
  session.phase.value = "connected";
  session.cameraOn.value = true;
  session.microphoneOn.value = true;
};

describe("one click, one verb", () => {
  const cases: readonly [PagePhase, string, readonly unknown[]][] = [
    ["ready", "Start camera", ["start"]],
    ["ready", "Preview first", ["preview"]],
    ["preview", "Join", ["start"]],
    ["preview", "Stop preview", ["leave"]],
    ["failed", "Try again", ["start"]],
    ["elsewhere", "Move the call here", ["start"]],
    ["connected", "Microphone", ["setMicrophone", false]],
    ["connected", "Camera", ["setCamera", false]],
    ["connected", "Leave call", ["leave"]],
    ["failed", "Leave call", ["leave"]],
  ];
  test.each(cases)("%s: %s", (phase, name, call) => {
    view = open((session) => {
      connected(session);
      session.phase.value = phase;
    });
    button(view, name).click();
    expect(view.session.calls).toEqual([call]);
  });

  test("Python's wish for a device needs the click", () => {
    view = open((session) => {
      session.phase.value = "connected";
      session.state.value = callState({ cameraRequested: true, microphoneRequested: true });
    });
    expect(view.session.calls).toEqual([]);
    button(view, "Turn on camera").click();
    button(view, "Turn on microphone").click();
    expect(view.session.calls).toEqual([
      ["setCamera", true],
      ["setMicrophone", true],
    ]);
  });

  test("a notice is dismissed by its key", async () => {
    view = open((session) => {
      session.notices.value = [
        { key: "one", level: "info", text: "First." },
        { key: "two", level: "error", text: "Second." },
      ];
    });
    expect(select(view, ".nbrtc-notice[role=alert]").textContent).toContain("Second.");
    button(view, "Dismiss: First.").click();
    await settle();
    expect(view.session.calls).toEqual([["dismiss", "one"]]);
    expect(view.cell.querySelectorAll(".nbrtc-notice")).toHaveLength(1);
  });
});

describe("toggles", () => {
  test("say by icon and aria-pressed what is on", async () => {
    view = open(connected);
    const microphone = button(view, "Microphone");
    const drawing = microphone.querySelector("svg")?.innerHTML;
    expect(microphone.getAttribute("aria-pressed")).toBe("true");
    expect(microphone.dataset).toMatchObject({ nbrtcTip: "Turn microphone off (m)" });
    view.session.microphoneOn.value = false;
    await settle();
    expect(microphone.getAttribute("aria-pressed")).toBe("false");
    expect(microphone.querySelector("svg")?.innerHTML).not.toBe(drawing);
    expect(microphone.dataset).toMatchObject({ nbrtcTip: "Turn microphone on (m)" });
  });

  test("recording waits for the connection", () => {
    view = open((session) => {
      session.phase.value = "starting";
    });
    expect(button(view, "Record").disabled).toBe(true);
    expect(button(view, "Camera").disabled).toBe(false);
  });
});

describe("devices", () => {
  function choose(name: string, value: string): void {
    const menu = select<HTMLSelectElement>(view, `select[aria-label=${name}]`);
    menu.value = value;
    menu.dispatchEvent(new Event("change", { bubbles: true }));
  }

  const plugged = (session: FakeSession) => {
    session.devices.value = {
      cameras: [{ id: "c1", label: "Webcam" }],
      microphones: [{ id: "m1", label: "Headset" }],
    };
  };

  test("are remembered while nothing is open", () => {
    view = open(plugged);
    choose("Camera", "c1");
    choose("Microphone", "m1");
    expect(view.session.calls).toEqual([
      ["setPreferences", { cameraId: "c1" }],
      ["setPreferences", { microphoneId: "m1" }],
    ]);
  });

  test("change at once while they are open", async () => {
    view = open((session) => {
      plugged(session);
      connected(session);
      session.localStream.value = new MediaStream();
    });
    button(view, "Devices").click();
    await settle();
    choose("Camera", "c1");
    choose("Microphone", "m1");
    expect(view.session.calls).toEqual([
      ["chooseCamera", "c1"],
      ["chooseMicrophone", "m1"],
    ]);
  });

  const flip = (text: string) => {
    const label = [...view.cell.querySelectorAll("label")].find((each) => each.textContent === text);
    label?.querySelector("input")?.click();
  };

  test("and what the browser does to the sound are switches of the card", () => {
    view = open();
    for (const text of [
      "Use camera",
      "Use microphone",
      "Echo cancellation",
      "Noise suppression",
      "Automatic gain",
    ]) {
      flip(text);
    }
    expect(view.session.calls.map(([, change]) => change)).toEqual([
      { useCamera: false },
      { useMicrophone: false },
      { echoCancellation: false },
      { noiseSuppression: false },
      { autoGainControl: false },
    ]);
  });

  test("a switch of a preview acts on the open device too", () => {
    view = open((session) => {
      session.phase.value = "preview";
      session.cameraOn.value = true;
    });
    flip("Use camera");
    expect(view.session.calls).toEqual([
      ["setPreferences", { useCamera: false }],
      ["setCamera", false],
    ]);
  });
});

describe("panels of the bar", () => {
  const panel = () => view.cell.querySelector(".nbrtc-popover");

  test("the quality menu shows the present one, moves by arrows and chooses once", async () => {
    view = open(connected);
    button(view, "Quality: Medium").click();
    await settle();
    const items = [...view.cell.querySelectorAll<HTMLElement>("[role=menuitemradio]")];
    expect(items.map((item) => item.getAttribute("aria-checked"))).toEqual([
      "false",
      "false",
      "true",
      "false",
    ]);
    expect(document.activeElement).toBe(items[2]);
    for (const [key, index] of [
      ["ArrowDown", 3],
      ["ArrowDown", 0],
      ["ArrowUp", 3],
      ["Home", 0],
      ["End", 3],
    ] as const) {
      if (document.activeElement) press(document.activeElement, key);
      expect(document.activeElement).toBe(items[index]);
    }
    items[3]?.click();
    await settle();
    expect(view.session.calls).toEqual([["setQuality", "high"]]);
    expect(panel()).toBeNull();
    expect(document.activeElement).toBe(button(view, "Quality: High"));
  });

  test("Escape closes and gives the focus back", async () => {
    view = open(connected);
    const opener = button(view, "Devices");
    opener.click();
    await settle();
    expect(opener.getAttribute("aria-expanded")).toBe("true");
    expect(document.activeElement).toBe(select(view, "select[aria-label=Camera]"));
    press(select(view, "select[aria-label=Camera]"), "Escape");
    await settle();
    expect(panel()).toBeNull();
    expect(document.activeElement).toBe(opener);
  });

  test("a press elsewhere closes, and none is heard afterwards", async () => {
    view = open(connected);
    button(view, "Devices").click();
    await settle();
    panel()?.dispatchEvent(new Event("pointerdown", { bubbles: true, composed: true }));
    await settle();
    expect(panel()).not.toBeNull();
    document.body.dispatchEvent(new Event("pointerdown", { bubbles: true, composed: true }));
    await settle();
    expect(panel()).toBeNull();
    expect(document.activeElement).toBe(button(view, "Devices"));
  });

  test("a quality of the user's own is named by its size", () => {
    view = open((session) => {
      connected(session);
      session.state.value = callState({
        quality: { name: null, width: 320, height: 240, fps: 10, bitrateBps: 0 },
      });
    });
    expect(has(view, "Quality: 320 × 240, 10 fps")).toBe(true);
  });
});
