import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Speaker, SWITCH_MS } from "../src/speaker";

/** A receiver whose loudness the test sets. */
class Voice {
  level: number | undefined = 0;
  getSynchronizationSources = () => [{ audioLevel: this.level, source: 1, timestamp: 0, rtpTimestamp: 0 }];
  track = {};
  get receiver(): RTCRtpReceiver {
    return this as unknown as RTCRtpReceiver;
  }
}

let marks: (string | null)[];
let speaker: Speaker;
let ada: Voice;
let bob: Voice;
beforeEach(() => {
  vi.useFakeTimers();
  marks = [];
  speaker = new Speaker((id) => marks.push(id));
  [ada, bob] = [new Voice(), new Voice()];
  speaker.watch("ada", ada.receiver);
  speaker.watch("bob", bob.receiver);
});
afterEach(() => {
  speaker.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Speak in words: 400 ms of sound, 200 ms of silence. */
function speak(voice: Voice, level: number, words: number): void {
  for (let word = 0; word < words; word += 1) {
    voice.level = level;
    vi.advanceTimersByTime(400);
    voice.level = 0;
    vi.advanceTimersByTime(200);
  }
}

test("nobody has the mark until somebody speaks, and who spoke last keeps it", () => {
  vi.advanceTimersByTime(3_000);
  expect(marks).toEqual([]);
  speak(ada, 0.1, 2);
  vi.advanceTimersByTime(30_000);
  expect(marks).toEqual(["ada"]);
});

test("the mark goes to another who speaks while the first is silent", () => {
  speak(ada, 0.1, 3);
  speak(bob, 0.05, 4);
  expect(marks).toEqual(["ada", "bob"]);
});

test("a cough does not switch, nor do several with pauses between", () => {
  speak(ada, 0.1, 3);
  for (let cough = 0; cough < 5; cough += 1) {
    bob.level = 0.5;
    vi.advanceTimersByTime(300);
    bob.level = 0;
    vi.advanceTimersByTime(700);
  }
  expect(marks).toEqual(["ada"]);
});

test("of two who speak at once the mark stays, unless the other is clearly louder for long enough", () => {
  ada.level = 0.1;
  vi.advanceTimersByTime(2_000);
  bob.level = 0.12;
  vi.advanceTimersByTime(10_000);
  expect(marks).toEqual(["ada"]);
  bob.level = 0.2;
  vi.advanceTimersByTime(SWITCH_MS - 100);
  expect(marks).toEqual(["ada"]);
  vi.advanceTimersByTime(100);
  expect(marks).toEqual(["ada", "bob"]);
});

test("a quiet room's noise is nobody's speech", () => {
  ada.level = 0.004;
  bob.level = 0.002;
  vi.advanceTimersByTime(10_000);
  expect(marks).toEqual([]);
});

test("whoever leaves loses the mark, and the last to leave ends the timer", () => {
  speak(ada, 0.1, 3);
  speaker.forget("ada");
  expect(marks).toEqual(["ada", null]);
  speaker.forget("bob");
  expect(vi.getTimerCount()).toBe(0);
  speaker.watch("ada", ada.receiver);
  speak(ada, 0.1, 3);
  expect(marks).toEqual(["ada", null, "ada"]);
});

test("where no level is said, the sound itself is measured", () => {
  let contexts = 0;
  let loudness = 0;
  class Context {
    constructor() {
      contexts += 1;
    }
    createMediaStreamSource = () => ({ connect: () => undefined, disconnect: () => undefined });
    async close() {
      contexts -= 1;
    }
  }
  class Analyser {
    fftSize = 8;
    getFloatTimeDomainData = (samples: Float32Array) => samples.fill(loudness);
  }
  vi.stubGlobal("AudioContext", Context);
  vi.stubGlobal("AnalyserNode", Analyser);
  vi.stubGlobal("MediaStream", class {});
  ada.level = bob.level = undefined;
  speaker.forget("bob");
  vi.advanceTimersByTime(1_000);
  expect(contexts).toBe(1);
  loudness = 0.1;
  vi.advanceTimersByTime(1_000);
  expect(marks).toEqual(["ada"]);
  speaker.close();
  expect(contexts).toBe(0);
  vi.unstubAllGlobals();
});
