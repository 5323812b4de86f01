// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { REBUILD_MS, RETRY_MS } from "../src/connection";
import { SILENT_MS } from "../src/link";
import { AGAIN_MS, GIVE_UP_MS } from "../src/requests";
import { FakePeer, Page, settled } from "./fake-page";

let page: Page;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5); // pauses without spread
  page = new Page();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const ping = () => page.say({ type: "ping", sentS: 1, effectDelayS: null, soundDelayS: null });
const phase = () => page.session.phase.value;

describe("an engine that falls silent", () => {
  test("is answered while it speaks", async () => {
    await page.call();
    ping();
    expect(page.peer.channel.sent.at(-1)).toEqual({ type: "pong", sentS: 1 });
  });

  test("is said to be out of reach within a second, and a short hole heals", async () => {
    await page.call();
    await vi.advanceTimersByTimeAsync(SILENT_MS - 250);
    expect(phase()).toBe("connected");
    await vi.advanceTimersByTimeAsync(500);
    expect(phase()).toBe("reconnecting");
    expect(page.session.statusText.value).toBe("Reconnecting… No sign of Python; waiting for it.");
    ping();
    await vi.advanceTimersByTimeAsync(250);
    expect(phase()).toBe("connected");
    expect(FakePeer.made.length).toBe(1);
  });

  test("gets a new link after three seconds, with the devices that are open", async () => {
    await page.call();
    await vi.advanceTimersByTimeAsync(REBUILD_MS + 500);
    expect(FakePeer.made.length).toBe(2);
    expect(page.of("offer").at(-1)).toMatchObject({ generation: 2, takeOver: false });
    expect(phase()).toBe("reconnecting");
    await page.connect();
    expect(phase()).toBe("connected");
    expect(page.prompts.length).toBe(1);
  });

  test("is not taken for connected because of what the old link's state said", async () => {
    await page.call();
    page.say({ type: "bye", code: "lost", reason: "The engine was killed.", recover: true });
    await vi.advanceTimersByTimeAsync(0);
    page.state({ phase: "connected", owner: page.session.page });
    expect(phase()).toBe("reconnecting");
    expect(page.session.statusText.value).toBe("Reconnecting… The engine was killed.");
  });
});

describe("the ladder", () => {
  test("a lost link is built anew at once, and its offer is not repeated any more", async () => {
    await page.call();
    page.session.take({ type: "bye", code: "lost", reason: "Gone.", recover: true });
    await vi.advanceTimersByTimeAsync(0);
    page.session.take({ type: "bye", code: "lost", reason: "Gone again.", recover: true });
    await vi.advanceTimersByTimeAsync(RETRY_MS[1] ?? 0);
    expect(page.of("offer").map(({ generation }) => generation)).toEqual([1, 2, 3]);
    await vi.advanceTimersByTimeAsync(AGAIN_MS);
    expect(page.of("offer").map(({ generation }) => generation)).toEqual([1, 2, 3, 3]);
    const [third, repeated] = page.of("offer").slice(2);
    expect(repeated).toEqual(third); // the same id: it is carried out once
  });

  test("an offer of an earlier link that nobody answered does no harm to the present one", async () => {
    await page.call();
    page.session.take({ type: "bye", code: "lost", reason: "Gone.", recover: true });
    await vi.advanceTimersByTimeAsync(0);
    page.session.take({ type: "bye", code: "lost", reason: "Gone again.", recover: true });
    await vi.advanceTimersByTimeAsync(RETRY_MS[1] ?? 0);
    await page.connect();
    for (let elapsed_ms = 0; elapsed_ms < GIVE_UP_MS; elapsed_ms += 250) {
      ping();
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(phase()).toBe("connected");
    expect(FakePeer.made.length).toBe(3);
  });

  test("ends after its last attempt with a sentence, the camera off", async () => {
    const tracks = await page.call();
    for (let attempt = 0; attempt <= RETRY_MS.length; attempt += 1) {
      page.session.take({ type: "bye", code: "lost", reason: "The engine ended.", recover: true });
      await vi.advanceTimersByTimeAsync(RETRY_MS[attempt] ?? 0);
    }
    expect(phase()).toBe("failed");
    expect(page.session.statusText.value).toBe("The engine ended. 10 attempts to reconnect did not help.");
    expect(tracks.map(({ readyState }) => readyState)).toEqual(["ended", "ended"]);
    expect(FakePeer.made.map(({ connectionState }) => connectionState)).toEqual(
      Array.from({ length: 1 + RETRY_MS.length }, () => "closed"),
    );
  });

  test("an offer that nobody answers is tried again, one that is refused is not", async () => {
    await page.call();
    page.session.take({ type: "bye", code: "lost", reason: "Gone.", recover: true });
    await vi.advanceTimersByTimeAsync(GIVE_UP_MS + 300);
    expect(page.of("offer").at(-1)?.generation).toBe(3);
    const offer = page.of("offer").at(-1);
    page.session.take({
      type: "reply",
      id: offer?.id ?? "",
      errorCode: "call",
      errorMessage: "This call is open in another window.",
    });
    await settled();
    expect(phase()).toBe("failed");
    expect(page.session.statusText.value).toBe("This call is open in another window.");
  });

  test("the click after a failure begins anew", async () => {
    await page.call();
    for (let attempt = 0; attempt <= RETRY_MS.length; attempt += 1) {
      page.session.take({ type: "bye", code: "lost", reason: "Gone.", recover: true });
      await vi.advanceTimersByTimeAsync(RETRY_MS[attempt] ?? 0);
    }
    const started = page.session.start();
    page.prompts.at(-1)?.allow();
    await started;
    await page.connect();
    expect(phase()).toBe("connected");
  });
});
