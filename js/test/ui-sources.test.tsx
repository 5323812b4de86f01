// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { callState, type FakeSession, person } from "../dev/fake-session";
import type { CallState } from "../src/messages";
import { button, has, open, select, settle, type View, words } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  document.body.replaceChildren();
});

const camera = new MediaStream();
const returned = new MediaStream();

const connected = (change: Partial<CallState>, people: readonly string[] = []) =>
  function prepare(session: FakeSession) {
    session.phase.value = "connected";
    session.cameraOn.value = true;
    session.microphoneOn.value = true;
    session.localStream.value = camera;
    session.remoteStream.value = returned;
    if (people.length > 0) session.enter(people.map((name) => person(name.toLowerCase(), name)));
    session.state.value = callState({ ...session.state.value, ...change });
  };

async function show(change: Partial<CallState>, people: readonly string[] = []): Promise<void> {
  view = open(connected(change, people));
  await settle();
}

function change(state: Partial<CallState>): void {
  view.session.state.value = callState({ ...view.session.state.value, ...state });
}

const videos = () =>
  Object.fromEntries(
    [...view.cell.querySelectorAll("video")].map((each) => [each.getAttribute("data-nbrtc"), each.srcObject]),
  );
const ownSeat = () => select(view, "[data-nbrtc-participant=me]");
const isHeard = () => !select<HTMLAudioElement>(view, "audio[data-nbrtc=python-sound]").muted;

describe("Python's picture in the camera's place", () => {
  test("is one's own in a solo call, and the camera stays in sight as long as Python gets it", async () => {
    await show({ videoSource: "waves.mp4" });
    expect(videos()).toEqual({ own: returned, camera });
    expect(select(view, ".nbrtc-tile--own figcaption").textContent).toBe("You Python's picture: waves.mp4");
    expect(select(view, ".nbrtc-tile--camera figcaption").textContent).toBe("Camera for Python");
    view.session.cameraOn.value = false;
    await settle();
    expect(videos()).toEqual({ own: returned });
    expect(words(view)).not.toContain("Camera is off");
    change({ videoSource: null });
    await settle();
    expect(videos()).toEqual({ own: camera, python: returned });
  });

  test("is one's own in a room, whole and not mirrored, with the camera off as well", async () => {
    await show({ videoSource: "figure", videoEffect: "edges()" }, ["Bob"]);
    const isMirrored = () => ownSeat().classList.contains("nbrtc-seat--mirrored");
    expect(ownSeat().querySelector("video")?.srcObject).toBe(returned);
    expect(ownSeat().textContent).toContain("Python's picture: figure");
    expect(ownSeat().textContent).not.toContain("edges()");
    expect(ownSeat().querySelector(".nbrtc-video--whole")).not.toBeNull();
    expect(isMirrored()).toBe(false);
    view.session.cameraOn.value = false;
    await settle();
    expect(ownSeat().querySelector("video")?.srcObject).toBe(returned);
    expect(ownSeat().textContent).not.toContain("camera off");
    change({ videoSource: null, videoEffect: null });
    view.session.cameraOn.value = true;
    await settle();
    expect(ownSeat().querySelector("video")?.srcObject).toBe(camera);
    expect(isMirrored()).toBe(true);
  });

  test("gives way to a shared screen", async () => {
    await show({ videoSource: "figure" }, ["Bob"]);
    const screen = new MediaStream();
    view.session.screenStream.value = screen;
    view.session.screenOn.value = true;
    await settle();
    expect(ownSeat().querySelector("video")?.srcObject).toBe(screen);
    expect(ownSeat().textContent).not.toContain("Python's picture");
  });

  test("that does not come is no camera: the others see nothing, unless this person sends theirs", async () => {
    await show({ videoSource: "figure" }, ["Bob"]);
    view.session.remoteStream.value = null;
    view.session.isPictureWithheld.value = true;
    await settle();
    expect(ownSeat().querySelector("video")?.srcObject).toBeNull();
    expect(words(view)).toContain("Python sends a picture in place of your camera and does not answer");
    view.session.phase.value = "reconnecting";
    view.session.remoteStream.value = returned; // its last picture still stands there
    await settle();
    button(view, "Send my camera instead").click();
    await settle();
    expect(view.session.calls).toEqual([["sendWithoutEffect"]]);
    expect(ownSeat().querySelector("video")?.srcObject).toBe(camera);
    expect(ownSeat().textContent).not.toContain("Python's picture");
    view.session.phase.value = "connected";
    await settle();
    expect(ownSeat().querySelector("video")?.srcObject).toBe(returned);
  });

  test("cannot be replaced by a camera that is off", async () => {
    await show({ videoSource: "figure" }, ["Bob"]);
    view.session.cameraOn.value = false;
    view.session.isPictureWithheld.value = true;
    await settle();
    expect(words(view)).toContain("the others see nothing of you until it is back");
    expect(has(view, "Send my camera instead")).toBe(false);
  });
});

describe("Python's sound", () => {
  const cases: readonly [string, Partial<CallState>, readonly string[], boolean, string][] = [
    ["nothing", {}, [], false, ""],
    ["nothing, in a room", {}, ["Bob"], false, ""],
    ["an effect", { audioEffect: "robot()" }, [], true, "Python changes your sound: robot()"],
    ["a played sound", { playing: true }, [], true, "Python plays a sound"],
    ["a played sound, in a room", { playing: true }, ["Bob"], true, "Python plays a sound"],
    [
      "an effect, in a room",
      { audioEffect: "robot()" },
      ["Bob"],
      false,
      "Python changes your sound: robot()",
    ],
    [
      "both, in a room",
      { audioEffect: "robot()", playing: true },
      ["Bob"],
      false,
      "Python changes your sound: robot(). Python plays a sound to the others",
    ],
  ];
  test.each(cases)(
    "%s: heard by this person only where it is not their own voice",
    async (_, state, people, heard, said) => {
      await show(state, people);
      expect(isHeard()).toBe(heard);
      expect(select<HTMLAudioElement>(view, "audio").srcObject).toBe(returned);
      const microphone = button(view, "Microphone");
      if (said === "") {
        expect(words(view)).not.toContain("Python plays");
        expect(microphone.hasAttribute("aria-description")).toBe(false);
      } else {
        const own = people.length > 0 ? ownSeat() : select(view, ".nbrtc-tile--own");
        expect(own.textContent).toContain(said);
        expect(microphone.getAttribute("aria-description")).toBe(said);
      }
    },
  );

  test("that begins and ends is heard for so long, by the same element", async () => {
    await show({}, ["Bob"]);
    const audio = select(view, "audio");
    change({ playing: true });
    await settle();
    expect([isHeard(), select(view, "audio")]).toEqual([true, audio]);
    change({ playing: false });
    await settle();
    expect(isHeard()).toBe(false);
  });

  test("has no place on a page without Python", () => {
    view = open((session) => {
      session.hasPython = false;
      session.phase.value = "connected";
    });
    expect(view.cell.querySelector("audio")).toBeNull();
  });
});
