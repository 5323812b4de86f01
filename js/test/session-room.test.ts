// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chatMessage, participant, roomInfo } from "../dev/fake-session";
import { RETRY_MS } from "../src/connection";
import { SILENT_MS } from "../src/link";
import { SETTLE_MS } from "../src/mesh";
import type { CallState, Participant, PeerSignal } from "../src/messages";
import { NOTE_MS } from "../src/room";
import { SOUND_WITHHELD } from "../src/words";
import { FakePeer, FakeTrack, Page, settled } from "./fake-page";
import { FakeStream } from "./fake-track";

let page: Page;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5); // pauses without spread
  localStorage.clear();
  page = new Page();
});
afterEach(() => {
  page.session.close("The test is over.");
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const me = participant("me", "Me", { isYou: true, order: 5, protocol: 2, joinedAtS: 100 });
const ada = participant("ada", "Ada", { order: 1, protocol: 2 });
const bob = participant("bob", "Bob", { order: 2, protocol: 2 });

const inside = (others: readonly Participant[], change: Partial<CallState> = {}): Partial<CallState> => ({
  phase: "connected",
  owner: page.session.page,
  room: roomInfo({ me: "me" }),
  participants: [me, ...others],
  ...change,
});

/** From a view to a room with these others. */
async function enter(
  others: readonly Participant[],
  change: Partial<CallState> = {},
): Promise<readonly FakeTrack[]> {
  page.view();
  page.welcome({ room: roomInfo({ me: "", phase: "outside" }) });
  const started = page.session.start();
  await settled();
  page.state({ phase: "connecting", owner: page.session.page, room: roomInfo({ me: "", phase: "joining" }) });
  page.state(inside(others, { phase: "connecting", ...change }));
  await settled();
  const tracks = page.prompts.at(-1)?.allow() ?? [];
  await started;
  await page.connect(inside(others, change));
  await settled();
  return tracks;
}

const link = () => page.link;
const peers = () => FakePeer.made.filter(({ isLink }) => !isLink);
const signals = () => [...page.of("peer-signal"), ...page.said("peer-signal")];
const names = () => page.session.people.value.map(({ participant: { name } }) => name);
const notes = () => page.session.notices.value.map(({ text }) => text);
const camera = (tracks: readonly FakeTrack[]) => tracks.find(({ kind }) => kind === "video");
const ping = () => link().say({ type: "ping", sentS: 1, effectDelayS: 0.1, soundDelayS: null });

/** They answer, and the connections open. */
async function meet(...ids: readonly string[]): Promise<void> {
  const description = { type: "answer", sdp: "v=0" } as const;
  for (const peer of ids) {
    page.session.take({ type: "peer-signal", peer, generation: 1, description, candidate: null });
  }
  await settled();
  for (const peer of peers()) peer.become("connected");
}

describe("a room", () => {
  test("is connected with everybody before the browser has opened the devices", async () => {
    page.view();
    page.welcome({ room: roomInfo({ me: "", phase: "outside" }) });
    void page.session.start();
    await settled();
    page.state(inside([ada, bob], { phase: "connecting" }));
    await settled();
    expect(
      signals().map(({ peer, generation, description }) => [peer, generation, description?.type]),
    ).toEqual([
      ["ada", 1, "offer"],
      ["bob", 1, "offer"],
    ]);
    expect(page.of("peer-status").map(({ peer, state }) => [peer, state])).toEqual([
      ["ada", "connecting"],
      ["bob", "connecting"],
    ]);
    const [video, audio] = page.prompts[0]?.allow() ?? [];
    await settled();
    expect(peers().map((peer) => peer.sender("video").track)).toEqual([video, video]);
    expect(peers().map((peer) => peer.sender("audio").track)).toEqual([audio, audio]);
  });

  test("says who comes and goes, not who was there", async () => {
    await enter([ada]);
    expect(notes()).toEqual([]);
    page.state(inside([ada, bob]));
    expect(names()).toEqual(["Ada", "Bob"]);
    expect(notes()).toEqual(["Bob joined."]);
    page.state(inside([bob]));
    expect(notes()).toEqual(["Bob joined.", "Ada left."]);
    await vi.advanceTimersByTimeAsync(NOTE_MS);
    expect(notes()).toEqual([]);
    expect(peers().map(({ connectionState }) => connectionState)).toEqual(["closed", "new"]);
  });

  test("without anybody else says how others come", async () => {
    await enter([]);
    expect(page.session.statusText.value).toBe("Waiting for others: send them the invite link.");
    page.state(inside([ada]));
    expect(page.session.statusText.value).toBe("In physics-101");
  });

  test("that is joined anew under another id has new connections", async () => {
    await enter([ada]);
    page.state({
      ...inside([]),
      room: roomInfo({ me: "again" }),
      participants: [{ ...me, id: "again" }, ada],
    });
    await settled();
    expect(peers().map(({ connectionState }) => connectionState)).toEqual(["closed", "new"]);
    expect(notes()).toEqual([]);
  });

  test("ends with the call: connections closed, nobody there", async () => {
    const tracks = await enter([ada]);
    page.session.leave();
    expect(peers().map(({ connectionState }) => connectionState)).toEqual(["closed"]);
    expect(tracks.map(({ readyState }) => readyState)).toEqual(["ended", "ended"]);
    expect(page.session.people.value).toEqual([]);
  });
});

describe("a room that takes nobody in", () => {
  test("sends the person back to the card, with the reason and without a camera", async () => {
    page.view();
    page.welcome({
      room: roomInfo({ me: "", phase: "refused", reason: "An earlier one.", code: "room-full" }),
    });
    const started = page.session.start();
    page.state({
      owner: page.session.page,
      room: roomInfo({ me: "", phase: "refused", reason: "An earlier one.", code: "room-full" }),
    });
    expect(page.session.phase.value).toBe("starting");
    const tracks = page.prompts[0]?.allow() ?? [];
    await started;
    page.state({ owner: page.session.page, room: roomInfo({ me: "", phase: "joining" }) });
    const reason = "The passcode is wrong.";
    page.state({
      owner: page.session.page,
      room: roomInfo({ me: "", phase: "refused", reason, code: "wrong-passcode" }),
    });
    expect(page.session.phase.value).toBe("ready");
    expect(page.session.statusText.value).toBe(reason);
    expect(tracks.map(({ readyState }) => readyState)).toEqual(["ended", "ended"]);
    expect(page.of("leave").length).toBe(1);
  });

  test("in the middle of a call ends it with the reason", async () => {
    await enter([ada]);
    page.state({
      ...inside([ada]),
      room: roomInfo({ me: "me", phase: "refused", reason: "The room is full." }),
    });
    expect(page.session.phase.value).toBe("failed");
    expect(page.session.statusText.value).toBe("The room is full.");
  });
});

describe("the chat", () => {
  const written = (id: string, sender: string, timeS: number) =>
    chatMessage(id, sender, `message ${id}`, { sender, timeS });

  test("counts what others wrote since one joined, until it is read", async () => {
    await enter([ada]);
    page.session.take({
      type: "chat",
      messages: [written("1", "ada", 50), written("2", "ada", 150), written("3", "me", 160)],
    });
    page.session.take({ type: "chat", messages: [written("2", "ada", 150)] }); // by the other way, too
    expect(page.session.chat.value.map(({ id }) => id)).toEqual(["1", "2", "3"]);
    expect(page.session.unread.value).toBe(1);
    page.session.drawer.value = "chat";
    expect(page.session.unread.value).toBe(0);
    page.session.take({ type: "chat", messages: [written("4", "ada", 170)] });
    page.session.drawer.value = null;
    expect(page.session.unread.value).toBe(0);
  });

  test("keeps the last 500 messages, and none of another room's", async () => {
    await enter([ada]);
    const many = Array.from({ length: 600 }, (_, number) => written(`${number}`, "ada", 200 + number));
    page.session.take({ type: "chat", messages: many });
    expect(page.session.chat.value.length).toBe(500);
    expect(page.session.chat.value.at(-1)?.id).toBe("599");
    page.session.leave();
    page.state({ owner: null, room: roomInfo({ id: "elsewhere", me: "", phase: "outside" }) });
    expect(page.session.chat.value).toEqual([]);
  });

  test("gives a message that was refused back with the room's sentence", async () => {
    await enter([ada]);
    const sending = page.session.sendChat("hello");
    const refused = expect(sending).rejects.toThrow("This room has no chat.");
    const request = page.said("send-chat")[0];
    page.session.take({
      type: "reply",
      id: request?.id ?? "",
      errorCode: "not-allowed",
      errorMessage: "This room has no chat.",
    });
    await refused;
    expect(request).toMatchObject({ text: "hello", to: null });
  });
});

describe("what the others get", () => {
  const sent = () => peers()[0]?.sender("video").track;
  const returned = () => link().transceivers[1]?.receiver.track;

  test("is the camera, and what Python makes of it as soon as it is to", async () => {
    const tracks = await enter([ada]);
    expect(sent()).toBe(camera(tracks));
    page.state(inside([ada], { videoEffect: "edges" }));
    expect(sent()).toBe(returned());
    page.state(inside([ada]));
    expect(sent()).toBe(camera(tracks));
  });

  test("is nothing within a second when that Python falls silent, and never the camera by itself", async () => {
    const tracks = await enter([ada], { videoEffect: "edges" });
    ping();
    expect(sent()).toBe(returned());
    await vi.advanceTimersByTimeAsync(SILENT_MS + 100);
    expect(sent()).toBeNull();
    expect(page.session.isPictureWithheld.value).toBe(true);
    page.session.sendWithoutEffect();
    expect(sent()).toBe(camera(tracks));
    expect(page.session.isPictureWithheld.value).toBe(false);
    ping();
    await vi.advanceTimersByTimeAsync(100);
    expect(sent()).toBe(returned());
    await vi.advanceTimersByTimeAsync(SILENT_MS + 100); // the click was for that one time
    expect(sent()).toBeNull();
  });

  test("is nothing while the camera is off, even with Python's last picture at hand", async () => {
    await enter([ada], { videoEffect: "edges" });
    await page.session.setCamera(false);
    expect(sent()).toBeNull();
    expect(page.session.isPictureWithheld.value).toBe(false);
  });

  test("is the screen while it is shared, and the camera again when the browser's bar ends it", async () => {
    const tracks = await enter([ada], { videoEffect: "edges" });
    const screen = new FakeTrack("video");
    const microphone = peers()[0]?.sender("audio").track;
    Object.assign(navigator.mediaDevices, { getDisplayMedia: async () => new FakeStream([screen]) });
    await page.session.startSharing();
    await settled();
    expect([sent(), link().sender("video").track]).toEqual([screen, screen]);
    expect(page.said("media").at(-1)).toMatchObject({ screenSharing: true, cameraOn: true });
    screen.onended?.();
    await settled();
    expect([sent(), link().sender("video").track]).toEqual([returned(), camera(tracks)]);
    expect(peers()[0]?.sender("audio").track).toBe(microphone);
    expect(page.said("media").at(-1)).toMatchObject({ screenSharing: false });
  });

  test("Python may end sharing, but not begin it", async () => {
    await enter([ada]);
    let asked = 0;
    const getDisplayMedia = async () => {
      asked += 1;
      return new FakeStream([new FakeTrack("video")]);
    };
    Object.assign(navigator.mediaDevices, { getDisplayMedia });
    const wish = (screenOn: boolean) =>
      page.session.take({ type: "switch-media", microphoneOn: null, cameraOn: null, screenOn });
    wish(true);
    expect(asked).toBe(0);
    await page.session.startSharing();
    wish(false);
    expect(page.session.screenOn.value).toBe(false);
  });
});

describe("what the others hear", () => {
  const sent = () => peers()[0]?.sender("audio").track;
  const returned = () => link().transceivers[0]?.receiver.track;
  const up = () => link().sender("audio");
  const microphone = (tracks: readonly FakeTrack[]) => tracks.find(({ kind }) => kind === "audio");

  test("is what Python makes of the microphone as soon as it is to, and Python gets that alone", async () => {
    const tracks = await enter([ada]);
    expect([sent(), up().parameters.encodings[0]?.active]).toEqual([microphone(tracks), false]);
    page.state(inside([ada], { audioEffect: "robot()" }));
    await settled();
    expect([sent(), up().track]).toEqual([returned(), microphone(tracks)]);
    expect(up().parameters.encodings[0]?.active).toBe(true);
    expect(link().sender("video").parameters.encodings[0]?.active).toBe(false);
    page.state(inside([ada]));
    expect(sent()).toBe(microphone(tracks));
  });

  test("is nothing within a second when that Python falls silent, and never the microphone", async () => {
    await enter([ada], { audioEffect: "robot()" });
    ping();
    expect([sent(), notes()]).toEqual([returned(), []]);
    await vi.advanceTimersByTimeAsync(SILENT_MS + 100);
    expect([sent(), notes()]).toEqual([null, [SOUND_WITHHELD]]);
    page.session.sendWithoutEffect(); // that is for a picture
    expect(sent()).toBeNull();
    ping();
    await vi.advanceTimersByTimeAsync(100);
    expect([sent(), notes()]).toEqual([returned(), []]);
  });

  test("is in a solo call nobody's, and Python gets the microphone", async () => {
    await page.call();
    page.state({ audioEffect: "robot()" });
    await settled();
    expect([up().track?.kind, up().track === returned()]).toEqual(["audio", false]);
    expect(notes()).toEqual([]);
  });
});

describe("what Python gets", () => {
  const isSending = () => link().sender("video").parameters.encodings[0]?.active;

  test("is nothing in a room, until it wants this page's frames or changes them", async () => {
    await enter([ada]);
    expect(isSending()).toBe(false);
    for (const [change, sends] of [
      [{ wanted: ["you"] }, true],
      [{ wanted: ["ada"] }, false],
      [{ videoEffect: "edges" }, true],
    ] as const) {
      page.state(inside([ada], change));
      await settled();
      expect(isSending()).toBe(sends);
    }
  });

  test("is everything in a solo call", async () => {
    await page.call();
    await settled();
    expect(isSending()).toBe(true);
  });
});

describe("while Python or the room's server is away", () => {
  const said = (from: number) =>
    signals()
      .slice(from)
      .map(({ peer, description }: PeerSignal) => [peer, description?.type]);

  test("connections go on, what is said waits, and nobody is missed too early", async () => {
    await enter([ada, bob]);
    await meet("ada", "bob");
    const before = signals().length;
    page.state({ ...inside([ada, bob]), room: roomInfo({ me: "me", phase: "reconnecting" }) });
    peers()[0]?.become("failed");
    await settled();
    expect(page.session.people.value.map(({ connection }) => connection)).toEqual([
      "reconnecting",
      "connected",
    ]);
    expect(page.session.statusText.value).toContain("Pictures and sound go on.");
    expect(said(before)).toEqual([]);
    page.state(inside([ada])); // bob is not back yet
    await settled();
    expect(said(before)).toEqual([["ada", "offer"]]);
    expect(names()).toEqual(["Ada", "Bob"]);
    expect(notes()).toEqual([]);
    for (let passed_ms = 0; passed_ms <= SETTLE_MS; passed_ms += 500) {
      ping();
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(names()).toEqual(["Ada"]);
    expect(notes()).toEqual(["Bob left."]);
  });

  test("nobody waits for those who have closed the connection", async () => {
    await enter([ada, bob]);
    await meet("ada", "bob");
    page.state({ ...inside([ada, bob]), room: roomInfo({ me: "me", phase: "reconnecting" }) });
    peers()[0]?.endByOther();
    expect(names()).toEqual(["Ada", "Bob"]); // the room has not said so yet
    page.state(inside([{ ...bob, isConnected: false }])); // his seat is held
    expect(names()).toEqual(["Bob"]);
    peers()[1]?.endByOther();
    expect(names()).toEqual([]);
    page.state(inside([{ ...bob, isConnected: false }]));
    expect(names()).toEqual([]);
    expect(notes()).toEqual(["Ada left.", "Bob left."]);
    page.state(inside([bob]));
    expect(names()).toEqual(["Bob"]);
  });

  test("a new engine is told how everybody stands, once its link is open", async () => {
    await enter([ada]);
    await meet("ada");
    page.session.take({ type: "bye", code: "lost", reason: "The engine was killed.", recover: true });
    page.session.take({ ...(page.session.state.value as CallState), epoch: 1, revision: 1, owner: null });
    await vi.advanceTimersByTimeAsync(RETRY_MS[0] ?? 0);
    expect(names()).toEqual(["Ada"]);
    expect(peers()[0]?.connectionState).toBe("connected");
    const reports = page.of("peer-status").length;
    await page.connect({ ...inside([ada]), epoch: 1 });
    const fresh = [
      ...page.of("peer-status").slice(reports),
      ...link().channel.sent.filter(({ type }) => type === "peer-status"),
    ];
    expect(fresh).toEqual([{ type: "peer-status", peer: "ada", state: "connected", reason: "" }]);
  });

  test("the kernel's end ends it all", async () => {
    await enter([ada]);
    page.session.kernelGone();
    expect(FakePeer.made.map(({ connectionState }) => connectionState)).toEqual(["closed", "closed"]);
  });
});

describe("a page without Python", () => {
  beforeEach(() => {
    page = new Page({ hasPython: false });
  });

  test("makes no link, says the click, and reports what it sends", async () => {
    page.view();
    page.welcome({ room: roomInfo({ me: "", phase: "outside" }) });
    const started = page.session.start();
    expect(page.of("enter")).toMatchObject([{ takeOver: false }]);
    expect(page.of("offer")).toEqual([]);
    page.state(inside([ada]));
    page.prompts[0]?.allow();
    await started;
    await settled();
    expect(page.session.phase.value).toBe("connected");
    expect(FakePeer.made.length).toBe(1);
    expect(signals().map(({ peer }) => peer)).toEqual(["ada"]);
    expect(page.of("media").at(-1)).toMatchObject({ cameraOn: true, microphoneOn: true });
  });

  test("that is refused is back at the card", async () => {
    page.view();
    page.welcome({ room: roomInfo({ me: "", phase: "outside" }) });
    void page.session.start();
    const [request] = page.of("enter");
    page.session.take({
      type: "reply",
      id: request?.id ?? "",
      errorCode: "room-full",
      errorMessage: "The room is full (10 of 10).",
    });
    await settled();
    expect(page.session.phase.value).toBe("ready");
    expect(page.session.statusText.value).toBe("The room is full (10 of 10).");
  });
});

describe("a browser that lacks something", () => {
  test("without WebRTC says so instead of trying", async () => {
    vi.stubGlobal("RTCPeerConnection", undefined);
    page.view();
    page.welcome();
    await page.session.start();
    expect(page.session.phase.value).toBe("failed");
    expect(page.session.statusText.value).toContain("This browser has no WebRTC");
    expect(page.prompts).toEqual([]);
  });

  test("lists what is missing, and what that means", () => {
    expect(page.session.shortcomings).toEqual([
      expect.stringContaining("no Web Audio"),
      expect.stringContaining("RTCRtpScriptTransform"),
    ]);
    Object.defineProperty(navigator, "mediaDevices", { value: undefined, configurable: true });
    const bare = new Page({ hasPython: false });
    Object.defineProperty(navigator, "mediaDevices", { value: undefined, configurable: true });
    expect(bare.session.canShareScreen).toBe(false);
  });
});
