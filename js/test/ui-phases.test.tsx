// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { callState, type FakeSession, recordingStatus } from "../dev/fake-session";
import type { PagePhase } from "../src/contract";
import { button, buttons, has, nameOf, open, select, settle, type View, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  document.body.replaceChildren();
});

const at =
  (phase: PagePhase, text = "") =>
  (session: FakeSession) => {
    session.phase.value = phase;
    session.statusText.value = text;
  };

const everyPhase: readonly PagePhase[] = [
  "waiting-for-kernel",
  "no-kernel",
  "ready",
  "preview",
  "starting",
  "connected",
  "reconnecting",
  "failed",
  "elsewhere",
  "closed",
];

describe("before a call", () => {
  test("the card says what will happen, and the one button does it", () => {
    view = open(at("ready"));
    expect(words(view)).toContain("Python receives your video; nothing is recorded until you ask.");
    expect(button(view, "Start camera").disabled).toBe(false);
    expect(button(view, "Preview first").disabled).toBe(false);
    expect(has(view, "Leave call")).toBe(false);
  });

  test("without an answer from the kernel nothing can be started", () => {
    view = open(at("waiting-for-kernel", "Waiting for the kernel…"));
    expect(words(view)).toContain("Waiting for the kernel…");
    expect(button(view, "Start camera").disabled).toBe(true);
    expect(button(view, "Preview first").disabled).toBe(true);
  });

  test("without a kernel the card says what to do", () => {
    view = open(at("no-kernel", "No kernel answers."));
    expect(select(view, ".nbrtc-prejoin [role=alert]").textContent).toBe("No kernel answers.");
    expect(button(view, "Start camera").disabled).toBe(true);
  });

  test("Python's wish stands out while the person has not joined", async () => {
    view = open(at("ready"));
    expect(words(view)).not.toContain("Python asks you to join.");
    view.session.state.value = callState({ joinRequested: true });
    await settle();
    expect(select(view, ".nbrtc-hint--asked").textContent).toBe("Python asks you to join.");
  });

  test("devices have no names until the browser gives them", async () => {
    view = open(at("ready"));
    const options = () =>
      [...select(view, "select[aria-label=Camera]").querySelectorAll("option")].map(
        (each) => each.textContent,
      );
    expect(options()).toEqual(["Default camera"]);
    view.session.devices.value = { cameras: [{ id: "c", label: "" }], microphones: [] };
    await settle();
    expect(options()).toEqual(["Default camera"]);
    view.session.devices.value = { cameras: [{ id: "c", label: "Webcam" }], microphones: [] };
    await settle();
    expect(options()).toEqual(["Default camera", "Webcam"]);
  });

  test("a preview offers to join and to stop", () => {
    view = open(at("preview", "Only you see this."));
    expect(words(view)).toContain("Only you see this.");
    expect(has(view, "Join")).toBe(true);
    expect(has(view, "Stop preview")).toBe(true);
    expect(has(view, "Start camera")).toBe(false);
  });
});

describe("in a call", () => {
  test.each(["starting", "connected", "reconnecting"] as const)(
    "%s shows both tiles and the bar",
    (phase) => {
      view = open(at(phase, "This is where it stands."));
      expect(select(view, ".nbrtc-status").textContent).toBe("This is where it stands.");
      expect(select<HTMLVideoElement>(view, "video[data-nbrtc=own]").muted).toBe(true);
      expect(select<HTMLVideoElement>(view, "video[data-nbrtc=python]").muted).toBe(true);
      for (const name of [
        "Microphone",
        "Camera",
        "Devices",
        "Quality: Medium",
        "Record",
        "Statistics",
        "Leave call",
      ]) {
        expect(has(view, name)).toBe(true);
      }
    },
  );

  test("Python says that it receives the video, and which function changes it", async () => {
    view = open((session) => {
      at("connected")(session);
      session.cameraOn.value = true;
    });
    const caption = () => select(view, ".nbrtc-tile--python figcaption").textContent;
    expect(caption()).toBe("Python receives your video");
    view.session.state.value = callState({ videoEffect: "edges()" });
    await settle();
    expect(caption()).toBe("Python receives your video, changed by edges()");
  });

  test("a camera that is off leaves words and no old picture of Python's", () => {
    view = open((session) => {
      at("connected")(session);
      session.remoteStream.value = new MediaStream();
    });
    expect(select(view, ".nbrtc-tile--own .nbrtc-absence").textContent).toBe("Camera is off");
    expect(select(view, ".nbrtc-tile--python .nbrtc-absence").textContent).toBe("Your camera is off");
    expect(select(view, ".nbrtc-tile--python figcaption").textContent).toBe("Python receives no video now");
  });

  test("the words go when the first frame has a size", async () => {
    const stream = new MediaStream();
    view = open((session) => {
      at("connected")(session);
      session.cameraOn.value = true;
      session.remoteStream.value = stream;
    });
    await settle();
    const video = select<HTMLVideoElement>(view, "video[data-nbrtc=python]");
    expect(video.srcObject).toBe(stream);
    const absence = () => view.cell.querySelector(".nbrtc-tile--python .nbrtc-absence");
    video.dispatchEvent(new Event("loadeddata"));
    await settle();
    expect(absence()?.textContent).toBe("Waiting for Python's picture");
    Object.defineProperty(video, "videoWidth", { value: 640 });
    video.dispatchEvent(new Event("resize"));
    await settle();
    expect(absence()).toBeNull();
  });

  test("Python's wish for a device is a banner until the device is on", async () => {
    view = open((session) => {
      at("connected")(session);
      session.state.value = callState({ cameraRequested: true, microphoneRequested: true });
    });
    expect(words(view)).toContain("Python asks for your camera.");
    expect(words(view)).toContain("Python asks for your microphone.");
    view.session.cameraOn.value = true;
    await settle();
    expect(has(view, "Turn on camera")).toBe(false);
    expect(has(view, "Turn on microphone")).toBe(true);
  });
});

describe("where there is no call", () => {
  test("a failure says why and offers another attempt", () => {
    view = open(at("failed", "UDP is blocked."));
    expect(select(view, "[role=alert]").textContent).toBe("UDP is blocked.");
    expect(has(view, "Try again")).toBe(true);
  });

  test("another window's call can be moved here", () => {
    view = open(at("elsewhere", "This call is open in another window."));
    expect(words(view)).toContain("This call is open in another window.");
    expect(buttons(view).map(nameOf)).toEqual(["Move the call here"]);
  });

  test("a closed call says why and offers nothing", () => {
    view = open(at("closed", "The call was closed in Python."));
    expect(words(view)).toContain("The call was closed in Python.");
    expect(buttons(view)).toHaveLength(0);
  });
});

describe.each(everyPhase)("%s", (phase) => {
  test("every control has a name and one live region says where the call stands", () => {
    view = open((session) => {
      at(phase)(session);
      session.drawer.value = "statistics";
      session.notices.value = [{ key: "k", level: "warning", text: "Look." }];
    });
    const unnamed = buttons(view).filter((each) => nameOf(each) === "");
    expect(unnamed).toEqual([]);
    for (const control of view.cell.querySelectorAll("select")) expect(nameOf(control)).not.toBe("");
    for (const control of view.cell.querySelectorAll("input")) {
      expect(control.closest("label")?.textContent).not.toBe("");
    }
    expect(view.cell.querySelectorAll(".nbrtc-status[aria-live=polite]")).toHaveLength(1);
  });

  const isOver = phase === "no-kernel" || phase === "closed";

  test.runIf(isOver)("nothing is recorded any more, whatever the last word was", async () => {
    view = open(at(phase));
    view.session.state.value = callState({ recording: recordingStatus() });
    await settle();
    expect(view.cell.querySelector(".nbrtc-badge")).toBeNull();
  });

  test.skipIf(isOver)("a recording shows its badge, with words and the time", async () => {
    vi.useFakeTimers({ now: 1_000_000_000, toFake: ["Date", "setInterval", "clearInterval"] });
    try {
      view = open(at(phase));
      expect(view.cell.querySelector(".nbrtc-badge")).toBeNull();
      view.session.state.value = callState({
        recording: recordingStatus({ startedAtS: 1_000_000 - 61 }),
      });
      await settle();
      expect(select(view, ".nbrtc-badge").textContent).toBe("Recording1:01");
      vi.advanceTimersByTime(2000);
      await settle();
      expect(select(view, ".nbrtc-badge").textContent).toBe("Recording1:03");
      view.session.state.value = callState();
      await settle();
      expect(view.cell.querySelector(".nbrtc-badge")).toBeNull();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
