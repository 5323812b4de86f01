// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { recordingStatus, roomInfo } from "../dev/fake-session";
import { Tap } from "../src/tap";
import { GRACE_MS } from "../src/views";
import { FakePeer, Page, settled } from "./fake-page";

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

const choice = { tracks: "all", layout: "grid", suffix: ".webm" } as const;

/** What the engine was told of the badges, on both ways. */
const shown = () =>
  [...page.of("recordings-shown"), ...page.said("recordings-shown")].map(({ recordings }) => recordings);
const notes = () => page.session.notices.value.map(({ text }) => text);

describe("recording", () => {
  test("is asked for before the click is over, and stopped by another", async () => {
    await page.call();
    page.session.startRecording(choice);
    expect(page.said("start-recording")).toMatchObject([{ path: "", ...choice }]);
    page.session.stopRecording();
    expect(page.said("stop-recording")).toHaveLength(1);
  });

  test("of the guest page is asked of its engine at once", () => {
    page = new Page({ hasPython: false });
    page.view();
    page.session.startRecording(choice);
    expect(page.of("start-recording")).toMatchObject([choice]);
  });
});

describe("badges", () => {
  test("are told while this page is in the call, as a whole set, and only when it changes", async () => {
    await page.call();
    expect(shown()).toEqual([]);
    page.session.showsRecordings(["x"]);
    page.session.showsRecordings(["x"]);
    page.state({ phase: "connected", owner: page.session.page });
    page.session.showsRecordings(["y", "x"]);
    page.session.showsRecordings(["x", "y"]);
    page.session.showsRecordings(["y"]);
    expect(shown()).toEqual([["x"], ["y", "x"], ["y"]]);
  });

  test("that go with a cell that is moved are not taken back, and those that stay away are", async () => {
    await page.call();
    page.session.showsRecordings(["x"]);
    page.session.showsRecordings([]);
    await vi.advanceTimersByTimeAsync(GRACE_MS - 1);
    page.session.showsRecordings(["x"]);
    await vi.advanceTimersByTimeAsync(GRACE_MS);
    expect(shown()).toEqual([["x"]]);
    page.session.showsRecordings([]);
    await vi.advanceTimersByTimeAsync(GRACE_MS);
    expect(shown()).toHaveLength(2);
    expect(shown()).toContainEqual([]);
  });

  test("that stand on the card already are told once this page is in the call", async () => {
    page.view();
    page.welcome();
    page.session.showsRecordings(["x"]);
    expect(shown()).toEqual([]);
    const started = page.session.start();
    await settled();
    page.prompts.at(-1)?.allow();
    await started;
    await page.connect();
    expect(shown().length).toBeGreaterThan(0);
    expect(new Set(shown().map((ids) => ids.join()))).toEqual(new Set(["x"]));
  });

  test("of a page that is not in the call are nobody's word", () => {
    page.view();
    page.welcome({ phase: "connected", owner: "another page" });
    page.session.showsRecordings(["x"]);
    expect(shown()).toEqual([]);
  });

  test("are told again on another link, also that there are none", async () => {
    await page.call();
    page.session.showsRecordings(["x"]);
    page.say({ type: "bye", code: "lost", reason: "The engine was replaced.", recover: true });
    await vi.advanceTimersByTimeAsync(0);
    await settled();
    page.session.showsRecordings([]);
    const before = FakePeer.made.length;
    await page.connect();
    expect(FakePeer.made.length).toBe(before);
    const { sent } = page.link.channel;
    expect(sent.filter(({ type }) => type === "recordings-shown")).toEqual([
      { type: "recordings-shown", recordings: [] },
    ]);
  });

  test("are told to another engine", async () => {
    await page.call();
    page.session.showsRecordings(["x"]);
    page.state({ epoch: 1, revision: 0, phase: "connecting", owner: null });
    expect(shown()).toEqual([["x"]]);
    page.state({ epoch: 1, revision: 1, phase: "connecting", owner: page.session.page });
    expect(shown()).toEqual([["x"], ["x"]]);
  });

  test("count anew when the call is entered anew", async () => {
    await page.call();
    page.session.showsRecordings(["x"]);
    page.session.leave();
    page.session.showsRecordings([]);
    expect(shown()).toEqual([["x"]]);
    await page.call();
    expect(shown().at(-1)).toEqual([]);
  });
});

test("the tap is told whose frames are recorded", async () => {
  const told = vi.spyOn(Tap.prototype, "setRecorded");
  await page.call();
  const room = roomInfo({ me: "me" });
  page.state({ phase: "connected", owner: page.session.page, room, recorded: ["you", "b"] });
  expect(told).toHaveBeenLastCalledWith(["you", "b"]);
});

describe("saving a file", () => {
  const bytes = (size: number) => Uint8Array.from({ length: size }, (_, at) => at % 251);
  const base64 = (part: Uint8Array) => btoa(String.fromCharCode(...part));
  const whole = bytes(1000);
  const STEP = 300;

  /** The engine answers every read that it has not answered yet; says how many those were. */
  function answer(from: "link" | "comm" = "link", size = whole.length): number {
    const reads = (from === "link" ? page.said("read-recording") : page.of("read-recording")).filter(
      ({ id }) => !answered.has(id),
    );
    for (const { id, offset } of reads) {
      answered.add(id);
      const data = base64(whole.subarray(offset, offset + STEP));
      page.session.take({ type: "recording-chunk", id, sizeBytes: size, data });
    }
    return reads.length;
  }

  const answered = new Set<string>();
  const saved: Blob[] = [];
  beforeEach(() => {
    answered.clear();
    saved.length = 0;
    vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
      saved.push(blob as Blob);
      return "blob:saved";
    });
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => {});
  });

  const recording = recordingStatus({
    state: "stopped",
    files: [{ name: "a.mkv", path: "/a.mkv", sizeBytes: 1000, person: "" }],
  });

  async function begin(): Promise<void> {
    await page.call();
    page.state({ phase: "connected", owner: page.session.page, recording });
    void page.session.download("r1", "a.mkv");
    await settled();
  }

  test("goes over the link in pieces, and shows how far it is", async () => {
    await begin();
    expect(page.session.downloads.value).toEqual([
      { recording: "r1", file: "a.mkv", sizeBytes: 1000, receivedBytes: 0 },
    ]);
    answer();
    await settled();
    expect(page.session.downloads.value[0]?.receivedBytes).toBe(300);
    answer();
    await settled();
    expect(page.session.downloads.value).toEqual([]);
    expect(new Uint8Array(await (saved[0] as Blob).arrayBuffer())).toEqual(whole);
    expect(page.said("read-recording").map(({ offset }) => offset)).toEqual([0, 300, 600, 900]);
  });

  test("goes on over another link", async () => {
    await begin();
    answer();
    await settled();
    page.say({ type: "bye", code: "lost", reason: "The link broke.", recover: true });
    await vi.advanceTimersByTimeAsync(0);
    await settled();
    await page.connect();
    answer();
    await settled();
    expect(new Uint8Array(await (saved[0] as Blob).arrayBuffer())).toEqual(whole);
  });

  test("goes by the comm when the call was left", async () => {
    await begin();
    answer();
    await settled();
    page.session.leave();
    for (let turn = 0; turn < 20 && saved.length === 0; turn += 1) {
      await vi.advanceTimersByTimeAsync(500);
      answer("comm");
      await settled();
    }
    expect(new Uint8Array(await (saved[0] as Blob).arrayBuffer())).toEqual(whole);
    expect(notes()).toEqual([]);
  });

  test("that the engine refuses says why", async () => {
    await begin();
    const read = page.said("read-recording")[0];
    if (read === undefined) throw new Error("Nothing was read.");
    page.say({ type: "reply", id: read.id, errorCode: "gone", errorMessage: "The file was moved." });
    await settled();
    expect(notes()).toEqual(["a.mkv could not be saved. The file was moved."]);
    expect(page.session.downloads.value).toEqual([]);
    void page.session.download("r1", "a.mkv"); // another try
    await settled();
    expect(notes()).toEqual([]);
  });

  test("that is stopped leaves nothing", async () => {
    await begin();
    answer();
    await settled();
    page.session.cancelDownload("r1", "a.mkv");
    await settled();
    expect(page.session.downloads.value).toEqual([]);
    answer();
    await settled();
    expect(saved).toEqual([]);
    expect(notes()).toEqual([]);
  });

  test("ends with the kernel, and says so", async () => {
    await begin();
    page.session.kernelGone();
    await settled();
    expect(notes()).toEqual(["a.mkv could not be saved: the kernel was restarted or has ended."]);
    expect(page.session.downloads.value).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
