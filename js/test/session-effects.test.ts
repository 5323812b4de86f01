// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { participant, roomInfo } from "../dev/fake-session";
import { sceneOf } from "../src/guest/recorder/scene";
import { SILENT_MS } from "../src/link";
import type { CallState, Effect } from "../src/messages";
import { FakeEffectsWorker, stubEffects } from "./fake-effects-worker";
import { FakePeer, type FakeTrack, Page, settled } from "./fake-page";

const BLUR: Effect = { name: "blur", strength: null };
const NONE: Effect = { name: "none", strength: null };

let page: Page;
beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  stubEffects();
  page = new Page();
});
afterEach(() => {
  page.session.close("The test is over.");
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const me = participant("me", "Me", { isYou: true, order: 5, protocol: 2, joinedAtS: 100 });
const ada = participant("ada", "Ada", { order: 1, protocol: 2 });

const inside = (change: Partial<CallState> = {}): Partial<CallState> => ({
  phase: "connected",
  owner: page.session.page,
  room: roomInfo({ me: "me" }),
  participants: [me, ada],
  ...change,
});

/** From a view to a room with Ada; returns the camera's own track. */
async function enter(change: Partial<CallState> = {}): Promise<FakeTrack | undefined> {
  page.view();
  page.welcome({ room: roomInfo({ me: "", phase: "outside" }), ...change });
  const started = page.session.start();
  await settled();
  page.state(inside({ phase: "connecting", ...change }));
  await settled();
  const tracks = page.prompts.at(-1)?.allow() ?? [];
  await started;
  await page.connect(inside(change));
  await settled();
  return tracks.find(({ kind }) => kind === "video");
}

const own = () => page.session.localStream.value?.getVideoTracks()[0];
const toAda = () => FakePeer.made.find(({ isLink }) => !isLink)?.sender("video").track;
const toPython = () => page.link.sender("video").track;
const returned = () => page.link.transceivers[1]?.receiver.track;

/** Whatever leaves the page, or is shown of the camera. */
const everywhere = () => {
  const recorded = sceneOf(page.session).sources[0]?.video;
  return new Set([own(), toAda(), toPython(), recorded]);
};

describe("an effect on the camera", () => {
  test("is on everything that leaves the page, from the first picture on", async () => {
    const raw = await enter({ effect: BLUR });
    expect(everywhere().size).toBe(1);
    expect(everywhere()).not.toContain(raw);
    expect(own()).toBeDefined();
    expect(page.said("media").at(-1)).toMatchObject({ cameraOn: true, camera: { width: 640, height: 480 } });
  });

  test("comes and goes while one is in a call", async () => {
    const raw = await enter();
    expect(everywhere()).toEqual(new Set([raw]));
    page.state(inside({ effect: BLUR }));
    await settled();
    expect(everywhere().size).toBe(1);
    expect(everywhere()).not.toContain(raw);
    page.state(inside({ effect: NONE }));
    await settled();
    expect(everywhere()).toEqual(new Set([raw]));
  });

  test("chosen in the menu acts before Python has heard of it", async () => {
    const raw = await enter();
    page.session.effects.choose(BLUR);
    await settled();
    expect(everywhere()).not.toContain(raw);
    expect(page.said("set-effect")).toMatchObject([{ effect: BLUR }]);
  });

  test("that fails leaves nothing of the camera anywhere, and says so to both sides", async () => {
    await enter({ effect: BLUR });
    for (const _ of [1, 2]) FakeEffectsWorker.made.at(-1)?.onerror?.({ message: "" });
    await settled();
    expect([own(), toAda(), toPython()]).toEqual([undefined, null, null]);
    expect(page.session.notices.value.map(({ text }) => text)).toEqual([
      expect.stringContaining("so your picture is not shown"),
    ]);
    expect(page.said("problem").at(-1)).toMatchObject({ code: "effect" });
  });

  test("ends its worker with the call", async () => {
    await enter({ effect: BLUR });
    page.session.leave();
    expect(FakeEffectsWorker.made.map(({ isEnded }) => isEnded)).toEqual([true]);
  });
});

describe("a picture of Python's own", () => {
  test("goes to the others with the camera on and off", async () => {
    const raw = await enter({ videoSource: "waves.mp4" });
    expect([toAda(), toPython()]).toEqual([returned(), raw]);
    await page.session.setCamera(false);
    expect(toAda()).toBe(returned());
    page.state(inside());
    expect(toAda()).toBeNull();
    expect(page.session.isPictureWithheld.value).toBe(false);
  });

  test("is withheld while Python is away, unless the person sends their camera instead", async () => {
    const raw = await enter({ videoSource: "waves.mp4" });
    page.link.say({ type: "ping", sentS: 1, effectDelayS: null, soundDelayS: null });
    await vi.advanceTimersByTimeAsync(SILENT_MS + 100);
    expect([toAda(), page.session.isPictureWithheld.value]).toEqual([null, true]);
    page.session.sendWithoutEffect();
    expect([toAda(), page.session.isPictureWithheld.value]).toEqual([raw, false]);
  });

  test("is withheld with the camera off, too", async () => {
    await enter({ videoSource: "waves.mp4" });
    await page.session.setCamera(false);
    page.link.say({ type: "ping", sentS: 1, effectDelayS: null, soundDelayS: null });
    await vi.advanceTimersByTimeAsync(SILENT_MS + 100);
    expect([toAda(), page.session.isPictureWithheld.value]).toEqual([null, true]);
  });
});
