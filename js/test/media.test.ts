// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Screen } from "../src/media/screen";
import { Sound } from "../src/media/sound";
import { FakeStream, FakeTrack } from "./fake-track";

const live = (kind: "audio" | "video") => new FakeTrack(kind) as FakeTrack & MediaStreamTrack;

beforeEach(() => vi.stubGlobal("MediaStream", FakeStream));
afterEach(() => vi.unstubAllGlobals());

describe("a shared screen", () => {
  let choose: (stream: FakeStream) => void;
  let decline: (name: string) => void;
  let asked: number;
  let changes: number;
  let problems: string[];
  let screen: Screen;

  beforeEach(() => {
    [asked, changes, problems] = [0, 0, []];
    const getDisplayMedia = () => {
      asked += 1;
      return new Promise((resolve, reject) => {
        choose = resolve;
        decline = (name) => reject(new DOMException("", name));
      });
    };
    Object.defineProperty(navigator, "mediaDevices", { value: { getDisplayMedia }, configurable: true });
    screen = new Screen(
      () => {
        changes += 1;
      },
      ({ text }) => problems.push(text),
    );
  });

  const share = async () => {
    const tracks = [live("video"), live("audio")] as const;
    const started = screen.start();
    choose(new FakeStream(tracks));
    await started;
    return tracks;
  };

  test("is sharp text, with the tab's sound", async () => {
    const [video, audio] = await share();
    expect(screen.video).toBe(video);
    expect(screen.audio).toBe(audio);
    expect([video.contentHint, audio.contentHint]).toEqual(["detail", "music"]);
    expect([screen.isOn.value, changes]).toEqual([true, 1]);
  });

  test("ends from the browser's own bar, sound and all", async () => {
    const [video, audio] = await share();
    video.onended?.();
    expect([screen.isOn.value, screen.video, screen.audio, changes]).toEqual([false, null, null, 2]);
    expect(audio.readyState).toBe("ended");
  });

  test("that is chosen after the end of the call is let go at once", async () => {
    const video = live("video");
    const started = screen.start();
    screen.stop();
    choose(new FakeStream([video]));
    await started;
    expect([video.readyState, screen.isOn.value, changes]).toEqual(["ended", false, 0]);
  });

  test("is asked for once at a time", async () => {
    void screen.start();
    void screen.start();
    expect(asked).toBe(1);
  });

  test.each([
    ["NotAllowedError", []],
    ["NotReadableError", [expect.stringContaining("Allow screen recording in its settings")]],
    ["InvalidStateError", [expect.stringContaining("right after a click")]],
  ])("%s", async (name, said) => {
    const started = screen.start();
    decline(name);
    await started;
    expect(problems).toEqual(said);
    expect(screen.isOn.value).toBe(false);
  });
});

class FakeParam {
  readonly targets: number[] = [];
  setTargetAtTime(value: number): void {
    this.targets.push(value);
  }
}

class FakeNode {
  readonly delayTime = new FakeParam();
  readonly gain = new FakeParam();
  into: unknown[] = [];
  readonly stream = new FakeStream([live("audio")]);
  constructor(readonly context: FakeContext) {
    context.nodes.push(this);
  }
  connect(node: unknown): unknown {
    this.into.push(node);
    return node;
  }
  disconnect(): void {
    this.into = [];
  }
}

let elements: FakeAudio[] = [];

class FakeAudio {
  muted = false;
  srcObject: FakeStream | null = null;
  constructor() {
    elements.push(this);
  }
}

class FakeContext {
  static newest: FakeContext;
  state: "suspended" | "running" | "closed" = "suspended";
  readonly nodes: FakeNode[] = [];
  readonly sources: FakeTrack[] = [];
  currentTime = 0;
  onstatechange: (() => void) | null = null;
  constructor() {
    FakeContext.newest = this;
  }
  async resume(): Promise<void> {}
  run(): void {
    this.state = "running";
    this.onstatechange?.();
  }
  createMediaStreamSource(stream: FakeStream): FakeNode {
    this.sources.push(...stream.getTracks());
    return new FakeNode(this);
  }
  async close(): Promise<void> {
    this.state = "closed";
  }
}

describe("the sound that goes out", () => {
  let changes: number;
  let sound: Sound;
  const microphone = live("audio");
  const tab = live("audio");
  const python = live("audio");
  const none = { python: null, isChanged: false };
  const changed = { python, isChanged: true };

  beforeEach(() => {
    vi.stubGlobal("AudioContext", FakeContext);
    elements = [];
    vi.stubGlobal("Audio", FakeAudio);
    vi.stubGlobal("DelayNode", FakeNode);
    vi.stubGlobal("GainNode", FakeNode);
    vi.stubGlobal("MediaStreamAudioDestinationNode", FakeNode);
    changes = 0;
    sound = new Sound(() => {
      changes += 1;
    });
  });
  afterEach(() => sound.close());

  test("is the microphone itself while nothing else is needed", () => {
    sound.set({ microphone, tab: null, ...none, delay_s: 0.01 });
    expect(sound.track).toBe(microphone);
    sound.set({ microphone: null, tab: null, ...none, delay_s: 1 });
    expect(sound.track).toBeNull();
  });

  test("is never the silence of a graph that the browser has not started", () => {
    sound.set({ microphone, tab, ...none, delay_s: 0 });
    expect(sound.track).toBe(microphone);
    FakeContext.newest.run();
    expect(changes).toBe(1);
    expect(sound.track).not.toBe(microphone);
    expect(FakeContext.newest.sources).toEqual([microphone, tab]);
  });

  test("lasts over a microphone that is changed, and ends with its need", () => {
    sound.set({ microphone, tab, ...none, delay_s: 0 });
    FakeContext.newest.run();
    const mixed = sound.track;
    const other = live("audio");
    sound.set({ microphone: other, tab, ...none, delay_s: 0 });
    expect(sound.track).toBe(mixed);
    expect(FakeContext.newest.sources).toEqual([microphone, tab, other]);
    sound.set({ microphone: other, tab: null, ...none, delay_s: 0 });
    expect(sound.track).toBe(other);
    expect(FakeContext.newest.state).toBe("closed");
  });

  test("waits for a picture that takes longer, and does not wobble", () => {
    const delays = () => FakeContext.newest.nodes[0]?.delayTime.targets;
    sound.set({ microphone, tab: null, ...none, delay_s: 0.2 });
    sound.set({ microphone, tab: null, ...none, delay_s: 0.21 });
    sound.set({ microphone, tab: null, ...none, delay_s: 0.25 });
    sound.set({ microphone, tab: null, ...none, delay_s: 9 });
    expect(delays()).toEqual([0.2, 0.25, 2]);
  });

  test("is Python's in the place of a microphone that it changes, and nothing while Python is away", () => {
    sound.set({ microphone, tab: null, ...changed, delay_s: 0 });
    expect(sound.track).toBe(python);
    sound.set({ microphone, tab: null, python: null, isChanged: true, delay_s: 0 });
    expect(sound.track).toBeNull();
  });

  test("never has the microphone in it while Python changes that", () => {
    sound.set({ microphone, tab, ...changed, delay_s: 0.3 });
    expect(sound.track).toBe(python); // until the graph runs
    FakeContext.newest.run();
    expect(FakeContext.newest.sources).toEqual([python, tab]);
    sound.set({ microphone, tab, python: null, isChanged: true, delay_s: 0.3 });
    expect(FakeContext.newest.sources).toEqual([python, tab]);
    expect(sound.track).not.toBe(microphone);
  });

  test("has a sound that Python plays beside the microphone, and does not hold it back", () => {
    sound.set({ microphone, tab: null, python, isChanged: false, delay_s: 0.3 });
    FakeContext.newest.run();
    const { nodes, sources } = FakeContext.newest;
    expect(sources).toEqual([microphone, python]);
    const [delay, out] = nodes;
    const gains = nodes.filter(({ into }) => into[0] === delay || into[0] === out);
    expect(gains.map(({ into }) => into[0])).toEqual([out, delay, out]); // the delay itself, voice, sound
    sound.set({ microphone, tab: null, ...none, delay_s: 0 });
    expect(sound.track).toBe(microphone);
  });

  test("gives a track of Python's an element, without which Chromium hears nothing of it", () => {
    sound.set({ microphone, tab: null, python, isChanged: false, delay_s: 0 });
    expect(elements.map(({ muted, srcObject }) => [muted, srcObject?.getTracks()])).toEqual([
      [true, [python]],
    ]);
    sound.close();
    expect(elements[0]?.srcObject).toBeNull();
  });

  test("is the microphone where the browser has no Web Audio", () => {
    vi.stubGlobal("AudioContext", undefined);
    sound.set({ microphone, tab, ...none, delay_s: 1 });
    expect(sound.track).toBe(microphone);
  });
});
