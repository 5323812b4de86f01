// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { callState, type FakeSession, person } from "../dev/fake-session";
import type { Person } from "../src/contract";
import { largeOf } from "../src/ui/gallery";
import { initialsOf, type Seat, seatsOf } from "../src/ui/seats";
import { button, has, nameOf, open, select, settle, type View } from "./ui-page";

vi.mock("uplot", async () => import("./fake-uplot"));

let view: View;
afterEach(() => {
  view.close();
  document.body.replaceChildren();
});

const room =
  (people: readonly Person[], more: (session: FakeSession) => void = () => {}) =>
  (session: FakeSession) => {
    session.phase.value = "connected";
    session.cameraOn.value = true;
    session.microphoneOn.value = true;
    session.enter(people);
    more(session);
  };
const bob = person("b", "Bob");
const chloe = person("c", "Chloé Dubois", { order: 2 });
const tile = (id: string) => select(view, `.nbrtc-gallery [data-nbrtc-participant=${id}]`);
const names = () => [...view.cell.querySelectorAll(".nbrtc-caption-name")].map((each) => each.textContent);
const large = () => view.cell.querySelector(".nbrtc-seat--large")?.getAttribute("data-nbrtc-participant");

/** Give the picture of somebody a size, as its first frame does. */
function show(id: string, width = 640, height = 360): void {
  const video = tile(id).querySelector("video");
  Object.defineProperty(video, "videoWidth", { value: width, configurable: true });
  Object.defineProperty(video, "videoHeight", { value: height, configurable: true });
  video?.dispatchEvent(new Event("resize"));
}

describe("the tiles of a room", () => {
  test("are everybody, oneself first; Python has none of its own", () => {
    view = open(room([bob, chloe]));
    expect(names()).toEqual(["You", "Bob", "Chloé Dubois"]);
    expect(view.cell.querySelector("video[data-nbrtc=python]")).toBeNull();
    expect(select(view, ".nbrtc-layout").getAttribute("aria-label")).toBe(
      "Video call in the room physics-101",
    );
  });

  test("play everybody but oneself, in one view alone", () => {
    view = open(room([bob]));
    const second = open(undefined, view.session);
    const muted = (each: View) =>
      [...each.cell.querySelectorAll<HTMLVideoElement>(".nbrtc-seat video")].map((video) => video.muted);
    expect([muted(view), muted(second)]).toEqual([
      [true, false],
      [true, true],
    ]);
    second.close();
  });

  test("keep their video elements when somebody comes and goes", async () => {
    const stream = new MediaStream();
    view = open(room([{ ...bob, stream }, chloe]));
    await settle();
    const video = tile("b").querySelector("video");
    expect(video?.srcObject).toBe(stream);
    view.session.enter([{ ...bob, stream }, chloe, person("d", "Dmitri")]);
    await settle();
    view.session.enter([{ ...bob, stream }]);
    view.session.pinned.value = "b";
    await settle();
    expect(tile("b").querySelector("video")).toBe(video);
    expect(video?.srcObject).toBe(stream);
  });

  test("show initials and marks where there is no picture", async () => {
    view = open(room([person("c", "Chloé Dubois", { status: { muted: true, videoOff: true } })]));
    expect(select(view, "[data-nbrtc-participant=c] .nbrtc-avatar").textContent).toBe("CD");
    expect(tile("c").textContent).toContain("microphone off");
    expect(tile("c").textContent).toContain("camera off");
    show("c");
    await settle();
    expect(tile("c").querySelector(".nbrtc-absence")).not.toBeNull();
  });

  test("one's own is a mirror, the shared screen is not", async () => {
    const screen = new MediaStream();
    view = open(room([bob], (session) => (session.screenStream.value = screen)));
    expect(tile("me").classList.contains("nbrtc-seat--mirrored")).toBe(true);
    view.session.screenOn.value = true;
    await settle();
    expect(tile("me").classList.contains("nbrtc-seat--mirrored")).toBe(false);
    expect(tile("me").querySelector("video")?.srcObject).toBe(screen);
    expect(tile("me").textContent).toContain("sharing your screen");
    expect(large()).toBeUndefined();
  });

  test("one's own shows what the others see of it: Python's picture, or nothing", async () => {
    const changed = new MediaStream();
    view = open(
      room([bob], (session) => {
        session.localStream.value = new MediaStream();
        session.remoteStream.value = changed;
        const state = session.state.value;
        if (state) session.state.value = { ...state, videoEffect: "edges()" };
      }),
    );
    await settle();
    expect(tile("me").querySelector("video")?.srcObject).toBe(changed);
    expect(tile("me").classList.contains("nbrtc-seat--mirrored")).toBe(false);
    expect(tile("me").textContent).toContain("changed by edges()");
    view.session.isPictureWithheld.value = true;
    await settle();
    expect(select(view, "[data-nbrtc-participant=me] .nbrtc-absence").textContent).toContain(
      "The others see no picture of you",
    );
    button(view, "Send my camera without the effect").click();
    expect(view.session.calls).toEqual([["sendWithoutEffect"]]);
  });

  test("say whose Python receives whom", async () => {
    view = open(
      room([person("b", "Bob", { status: { receives: ["me"] } }), chloe], (session) => {
        const state = session.state.value;
        if (state) session.state.value = { ...state, wanted: ["you"] };
      }),
    );
    expect(tile("me").textContent).toContain("Your Python and Bob's Python receive your video");
    view.session.enter([bob, chloe], {}, { receives: ["c"] });
    await settle();
    expect(tile("c").textContent).toContain("Your Python receives Chloé Dubois's video");
    expect(tile("me").textContent).not.toContain("Python");
  });
});

describe("the connection to a person", () => {
  test.each([
    ["new", "Connecting…"],
    ["connecting", "Connecting…"],
    ["reconnecting", "Reconnecting…"],
  ] as const)("%s is said on the tile", (connection, text) => {
    view = open(room([person("b", "Bob", { connection })]));
    expect(tile("b").textContent).toContain(text);
    expect(has(view, "Try again with Bob")).toBe(false);
  });

  test("covers no picture while it is mended", async () => {
    view = open(room([person("b", "Bob", { connection: "reconnecting" })]));
    show("b");
    await settle();
    expect(tile("b").querySelector(".nbrtc-absence")).toBeNull();
    expect(select(view, ".nbrtc-trouble").textContent).toBe("Reconnecting…");
  });

  test("that failed says why, covers the old picture and can be tried again", async () => {
    view = open(room([person("b", "Bob", { connection: "failed", reason: "UDP is blocked." }), chloe]));
    show("b");
    await settle();
    expect(select(view, "[data-nbrtc-participant=b] .nbrtc-absence-words").textContent).toBe(
      "Failed: UDP is blocked.",
    );
    button(view, "Try again with Bob").click();
    expect(view.session.calls).toEqual([["reconnect", "b"]]);
  });
});

describe("who is large", () => {
  test("nobody in a grid; a pin changes that for as long as it is set", async () => {
    view = open(room([bob, chloe]));
    expect(large()).toBeUndefined();
    button(view, "Show Chloé Dubois large").click();
    await settle();
    expect(view.session.pinned.value).toBe("c");
    expect(large()).toBe("c");
    button(view, "Show Chloé Dubois large").click();
    await settle();
    expect(large()).toBeUndefined();
  });

  test("the speaker, if wanted: the other one who spoke last", async () => {
    view = open(room([bob, chloe], (session) => (session.speaker.value = "c")));
    expect(tile("c").classList.contains("nbrtc-seat--speaking")).toBe(true);
    button(view, "Speaker").click();
    await settle();
    expect(large()).toBe("c");
    view.session.speaker.value = "me";
    await settle();
    expect(large()).toBe("c");
    expect(tile("me").classList.contains("nbrtc-seat--speaking")).toBe(true);
    button(view, "Grid").click();
    await settle();
    expect(large()).toBeUndefined();
  });

  test("a shared screen by itself, but not one's own and not against a pin", () => {
    view = open(
      room([bob, person("c", "Chloé", { status: { screenSharing: true } })], (session) => {
        session.screenOn.value = true;
      }),
    );
    const seats: readonly Seat[] = seatsOf(view.session);
    expect(large()).toBe("c");
    expect(largeOf(seats, "b", "grid", null)).toBe(1);
    expect(largeOf(seats, "gone", "grid", null)).toBe(2);
    expect(largeOf(seats.slice(0, 2), null, "grid", "b")).toBe(-1);
    expect(largeOf(seats.slice(0, 2), null, "speaker", null)).toBe(1);
  });

  test("nobody can be chosen while one is alone", () => {
    view = open(room([]));
    expect(has(view, "Speaker")).toBe(false);
    expect(has(view, "Show yourself large")).toBe(false);
  });
});

describe("a room that is not as it should be", () => {
  test("out of reach turns the sign beside the words, and the pictures stay", async () => {
    view = open(room([bob]));
    expect(view.cell.querySelector(".nbrtc-status .nbrtc-icon--turning")).toBeNull();
    view.session.statusText.value = "The server of physics-101 is out of reach; trying again.";
    view.session.enter([bob], { phase: "reconnecting" });
    await settle();
    expect(view.cell.querySelector(".nbrtc-status .nbrtc-icon--turning")).not.toBeNull();
    expect(select(view, ".nbrtc-status").textContent).toBe(view.session.statusText.value);
    expect(names()).toEqual(["You", "Bob"]);
  });

  test("that refuses in the middle of a call says what helps", () => {
    view = open(
      room([], (session) => session.enter([], { phase: "refused", code: "not-allowed", reason: "No." })),
    );
    expect(select(view, ".nbrtc-notice").textContent).toBe("No. Ask whoever invited you for a new link.");
  });

  test("recorded by others has the red badge", async () => {
    view = open(room([bob, chloe]));
    expect(view.cell.querySelector(".nbrtc-badge")).toBeNull();
    const recording = (each: Person): Person => ({
      ...each,
      participant: { ...each.participant, status: { ...each.participant.status, recording: true } },
    });
    view.session.enter([recording(bob), recording(chloe)]);
    await settle();
    expect(select(view, ".nbrtc-badge").textContent).toBe("Recording by Bob and Chloé Dubois");
  });

  test("Python's wish for the screen needs the click", () => {
    view = open(room([], (session) => (session.state.value = callState({ screenRequested: true }))));
    expect(view.session.calls).toEqual([]);
    button(view, "Choose what to share").click();
    expect(view.session.calls).toEqual([["startSharing"]]);
  });
});

test("names of others are text", () => {
  view = open(room([person("b", "<img src=x onerror=alert(1)>\u202egnp")]));
  expect(view.cell.querySelector("img")).toBeNull();
  expect(names()).toContain("<img src=x onerror=alert(1)>\u202egnp");
});

test.each([
  ["Ada Lovelace", "AL"],
  ["bob", "B"],
  ["Ana de la Cruz", "AC"],
  ["李 小龙", "李小"],
  ["(Zoë) 2nd", "Z2"],
  ["-", ""],
  ["", ""],
])("initials of %o", (name, initials) => {
  view = open();
  expect(initialsOf(name)).toBe(initials);
});

test("every control of a room has a name", async () => {
  view = open(room([person("b", "Bob", { connection: "failed" }), chloe]));
  view.session.drawer.value = "people";
  await settle();
  expect([...view.cell.querySelectorAll("button")].filter((each) => nameOf(each) === "")).toEqual([]);
});
