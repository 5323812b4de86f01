// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GRACE_MS } from "../src/session";
import { FakePeer, type FakeTrack, Page, settled } from "./fake-page";

let page: Page;
beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  page = new Page();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const states = (tracks: readonly FakeTrack[]) => tracks.map(({ readyState }) => readyState);
const phase = () => page.session.phase.value;

describe("before the click", () => {
  test("a view asks for the kernel, and nothing else", async () => {
    page.view();
    expect(phase()).toBe("waiting-for-kernel");
    page.welcome();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(phase()).toBe("ready");
    expect(page.sent.map(({ type }) => type)).toEqual(["hello"]);
    expect(page.prompts).toEqual([]);
    expect(FakePeer.made).toEqual([]);
  });

  test("hello is said again with growing pauses, and after a while the sentence changes", async () => {
    page.view();
    await vi.advanceTimersByTimeAsync(5_999);
    expect(phase()).toBe("waiting-for-kernel");
    await vi.advanceTimersByTimeAsync(1);
    expect(phase()).toBe("no-kernel");
    expect(page.session.statusText.value).toBe("No kernel answers. Run this cell again to use the call.");
    await vi.advanceTimersByTimeAsync(54_000);
    expect(page.of("hello").length).toBe(5); // at 0, 2, 6, 14 and 30 s
    page.welcome();
    expect(phase()).toBe("ready");
  });

  test("a comm that is closed means that the kernel has gone", () => {
    page.isKernelThere = false;
    page.view();
    expect(phase()).toBe("no-kernel");
    expect(page.session.statusText.value).toContain("was restarted or has ended");
  });

  test("only newer states are mirrored; a new engine's first one is newer than all before", () => {
    page.view();
    page.welcome({ revision: 7, reason: "seven" });
    page.state({ revision: 6, reason: "six" });
    expect(page.session.statusText.value).toBe("seven");
    page.state({ epoch: 1, revision: 0, reason: "another engine" });
    page.state({ epoch: 0, revision: 99, reason: "the old one" });
    expect(page.session.statusText.value).toBe("another engine");
  });

  test("an engine of another version is refused in words", () => {
    page.view();
    page.session.take({ ...welcomeOf(page), protocol: 99 });
    expect(page.session.notices.value[0]?.text).toContain("different versions: reload the page");
    expect(phase()).not.toBe("ready");
  });

  test("in a preview the kernel's end closes the camera", async () => {
    page.view();
    page.welcome();
    void page.session.preview();
    const tracks = page.prompts[0]?.allow() ?? [];
    await settled();
    expect(phase()).toBe("preview");
    expect(FakePeer.made).toEqual([]);
    page.isKernelThere = false;
    await vi.advanceTimersByTimeAsync(4_000);
    expect(states(tracks)).toEqual(["ended", "ended"]);
    expect(phase()).toBe("no-kernel");
  });
});

const welcomeOf = (from: Page) => {
  let event: unknown;
  const take = vi.spyOn(from.session, "take").mockImplementation((given) => {
    event = given;
  });
  from.welcome();
  take.mockRestore();
  return event as Extract<Parameters<typeof from.session.take>[0], { type: "welcome" }>;
};

describe("a call", () => {
  test("offers while the browser still asks, and is connected once what is sent was reported", async () => {
    page.view();
    page.welcome();
    const started = page.session.start();
    await settled();
    expect(page.of("offer").length).toBe(1);
    expect(page.session.statusText.value).toBe("Asking for camera and microphone…");
    expect(page.of("media")).toEqual([]);
    page.prompts[0]?.allow();
    await started;
    expect(page.session.statusText.value).toBe("Connecting to Python…");
    await page.connect();
    expect(phase()).toBe("connected");
    expect(page.peer.channel.sent).toContainEqual({
      type: "media",
      cameraOn: true,
      microphoneOn: true,
      camera: { width: 640, height: 480, fps: 30 },
      screenSharing: false,
    });
  });

  test("a device that arrives after the person left is closed at once", async () => {
    page.view();
    page.welcome();
    const started = page.session.start();
    page.session.leave();
    const tracks = page.prompts[0]?.allow() ?? [];
    await started;
    expect(states(tracks)).toEqual(["ended", "ended"]);
    expect(phase()).toBe("ready");
    expect(page.of("leave")[0]).toMatchObject({ reason: "The person left.", mayReturn: false });
    page.state({ phase: "idle", owner: null, reason: "The person left." });
    expect(page.session.statusText.value).toBe("You left the call.");
  });

  test("what one device lacks does not take the other away", async () => {
    page.view();
    page.welcome();
    const started = page.session.start();
    page.prompts[0]?.refuse("NotReadableError");
    await settled();
    page.prompts[1]?.refuse("NotReadableError");
    await settled();
    page.prompts[2]?.allow();
    await started;
    expect(page.session.microphoneOn.value).toBe(true);
    expect(page.session.notices.value.map(({ text }) => text)).toEqual([
      "The camera cannot be opened. Close other programs that use it, then turn it on.",
    ]);
    expect(page.of("problem").map(({ code }) => code)).toEqual(["in-use"]);
  });

  test("Python may mute, and unmute what it has muted itself", async () => {
    const tracks = await page.call();
    const microphone = tracks.find(({ kind }) => kind === "audio");
    const wish = (microphoneOn: boolean) =>
      page.say({ type: "switch-media", microphoneOn, cameraOn: null, screenOn: null });
    wish(false);
    expect(microphone?.enabled).toBe(false);
    wish(true);
    expect(microphone?.enabled).toBe(true);
    await page.session.setMicrophone(false);
    wish(false);
    wish(true);
    expect(microphone?.enabled).toBe(false);
  });

  test("Python may close the camera, but not open it", async () => {
    const tracks = await page.call();
    page.say({ type: "switch-media", microphoneOn: null, cameraOn: false, screenOn: null });
    expect(states(tracks)).toEqual(["ended", "live"]);
    page.say({ type: "switch-media", microphoneOn: null, cameraOn: true, screenOn: null });
    await settled();
    expect(page.prompts.length).toBe(1);
    expect(page.session.cameraOn.value).toBe(false);
  });

  test("Python's wish to close a camera that is just opening is heard", async () => {
    page.view();
    page.welcome();
    const started = page.session.start();
    page.session.take({ type: "switch-media", microphoneOn: false, cameraOn: false, screenOn: null });
    const tracks = page.prompts[0]?.allow() ?? [];
    await started;
    expect(states(tracks)).toEqual(["ended", "ended"]);
  });

  test("a request that the engine refuses becomes a notice, one that the end cut off does not", async () => {
    await page.call();
    page.session.startRecording({ tracks: "all", layout: null, suffix: ".mkv" });
    const request = page.peer.channel.sent.find(({ type }) => type === "start-recording");
    if (request?.type !== "start-recording") throw new Error("No recording was asked for.");
    page.say({ type: "reply", id: request.id, errorCode: "recording", errorMessage: "The disk is full." });
    await settled();
    expect(page.session.notices.value.map(({ text }) => text)).toEqual(["The disk is full."]);
    page.session.dismiss("start-recording");
    page.session.stopRecording();
    page.session.leave();
    await settled();
    expect(page.session.notices.value).toEqual([]);
  });
});

describe("the end", () => {
  test("the last view's end closes the call after the grace", async () => {
    const tracks = await page.call();
    const other = page.view();
    other.abort();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(states(tracks)).toEqual(["live", "live"]);
  });

  test("a view that comes back within the grace keeps it", async () => {
    const view = page.view();
    page.welcome();
    const started = page.session.start();
    const tracks = page.prompts[0]?.allow() ?? [];
    await started;
    await page.connect();
    view.abort();
    await vi.advanceTimersByTimeAsync(GRACE_MS - 1);
    expect(states(tracks)).toEqual(["live", "live"]);
    const back = page.view();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(states(tracks)).toEqual(["live", "live"]);
    back.abort();
    await vi.advanceTimersByTimeAsync(GRACE_MS);
    expect(states(tracks)).toEqual(["ended", "ended"]);
    expect(page.of("leave")[0]?.reason).toBe("The widget was closed in the page.");
  });

  test("a page that goes away says that it may be loaded again", async () => {
    const tracks = await page.call();
    page.session.close("The page was closed or reloaded.", true);
    expect(states(tracks)).toEqual(["ended", "ended"]);
    expect(page.of("leave")[0]).toMatchObject({ mayReturn: true });
  });

  test("the kernel's end closes the devices at once", async () => {
    const tracks = await page.call();
    page.session.kernelGone();
    expect(states(tracks)).toEqual(["ended", "ended"]);
    expect(phase()).toBe("no-kernel");
  });

  test("a call that was closed in Python is over for good", async () => {
    const tracks = await page.call();
    page.state({ phase: "closed", reason: "The cell was run again." });
    expect(states(tracks)).toEqual(["ended", "ended"]);
    expect(phase()).toBe("closed");
    expect(page.session.statusText.value).toBe("The cell was run again.");
  });

  test("a call that moved to another window closes the devices here, even if only the state says so", async () => {
    const tracks = await page.call();
    page.state({ phase: "connecting", owner: "another page" });
    expect(states(tracks)).toEqual(["ended", "ended"]);
    expect(phase()).toBe("elsewhere");
  });

  test("a link that another one would not mend ends the call with the reason", async () => {
    const tracks = await page.call();
    page.say({ type: "bye", code: "lost", reason: "This machine has no network address.", recover: false });
    expect(states(tracks)).toEqual(["ended", "ended"]);
    expect(phase()).toBe("failed");
    expect(page.session.statusText.value).toBe("This machine has no network address.");
  });

  test("a page without crypto.randomUUID, as on plain http, still has a session and asks", async () => {
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    page = new Page();
    await page.call();
    expect(phase()).toBe("connected");
    expect(page.session.page).toMatch(/^[0-9a-f]{32}$/);
  });

  test("only the click moves a call here from another window", async () => {
    page.view();
    page.welcome({ phase: "connected", owner: "another page" });
    expect(phase()).toBe("elsewhere");
    void page.session.start();
    await settled();
    expect(page.of("offer")[0]?.takeOver).toBe(true);
    expect(phase()).toBe("starting");
  });

  test("a notice without text takes the earlier one of its key away", async () => {
    await page.call();
    const say = (key: string, text: string) => page.say({ type: "notice", key, level: "error", text });
    say("video-effect", "f() raised ValueError: no.");
    say("audio-effect", "g() raised ValueError: no.");
    say("video-effect", "");
    say("room", "");
    expect(page.session.notices.value.map(({ key }) => key)).toEqual(["audio-effect"]);
  });
});
