/** A session without a kernel: signals that a test or the demo page sets, and a list of the verbs that were called. */
import { type Signal, signal } from "@preact/signals";
import type { Devices, NoticeItem, PagePhase, PlotPoint, Preferences, SessionView } from "../src/contract";
import type { CallState, Quality } from "../src/messages";

export const qualities: readonly Quality[] = [
  { name: "low", width: 640, height: 480, fps: 15, bitrateBps: 500_000 },
  { name: "medium", width: 1280, height: 720, fps: 30, bitrateBps: 1_700_000 },
  { name: "high", width: 1920, height: 1080, fps: 30, bitrateBps: 3_500_000 },
];

export function callState(change: Partial<CallState> = {}): CallState {
  return {
    type: "state",
    quality: qualities[1] as Quality,
    epoch: 0,
    revision: 1,
    phase: "idle",
    reason: "",
    owner: null,
    joinRequested: false,
    cameraRequested: false,
    microphoneRequested: false,
    cameraOn: false,
    microphoneOn: false,
    camera: null,
    videoEffect: null,
    recording: null,
    participants: [{ id: "python", name: "Python", isPython: true, receivesVideo: true }],
    ...change,
  };
}

export class FakeSession implements SessionView {
  readonly calls: unknown[][] = [];

  readonly phase: Signal<PagePhase> = signal("ready");
  readonly statusText = signal("Ready when you are.");
  readonly state: Signal<CallState | null> = signal(callState());
  readonly qualities = signal(qualities);
  readonly devices: Signal<Devices> = signal({ cameras: [], microphones: [] });
  readonly preferences: Signal<Preferences> = signal({
    cameraId: "",
    microphoneId: "",
    useCamera: true,
    useMicrophone: true,
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
  });
  readonly localStream: Signal<MediaStream | null> = signal(null);
  readonly remoteStream: Signal<MediaStream | null> = signal(null);
  readonly cameraOn = signal(false);
  readonly microphoneOn = signal(false);
  readonly microphoneLevel = signal(0);
  readonly notices: Signal<readonly NoticeItem[]> = signal([]);
  readonly plot: Signal<readonly PlotPoint[]> = signal([]);
  readonly statisticsOpen = signal(false);

  setPreferences(change: Partial<Preferences>): void {
    this.calls.push(["setPreferences", change]);
    this.preferences.value = { ...this.preferences.value, ...change };
  }

  async preview(): Promise<void> {
    this.calls.push(["preview"]);
    this.phase.value = "preview";
  }

  async start(): Promise<void> {
    this.calls.push(["start"]);
    this.phase.value = "starting";
  }

  leave(): void {
    this.calls.push(["leave"]);
    this.phase.value = "ready";
  }

  async setCamera(on: boolean): Promise<void> {
    this.calls.push(["setCamera", on]);
    this.cameraOn.value = on;
  }

  async setMicrophone(on: boolean): Promise<void> {
    this.calls.push(["setMicrophone", on]);
    this.microphoneOn.value = on;
  }

  async chooseCamera(id: string): Promise<void> {
    this.calls.push(["chooseCamera", id]);
  }

  async chooseMicrophone(id: string): Promise<void> {
    this.calls.push(["chooseMicrophone", id]);
  }

  setQuality(quality: Quality): void {
    this.calls.push(["setQuality", quality.name]);
    this.state.value = callState({ ...this.state.value, quality });
  }

  toggleRecording(): void {
    this.calls.push(["toggleRecording"]);
  }

  dismiss(key: string): void {
    this.calls.push(["dismiss", key]);
    this.notices.value = this.notices.value.filter((notice) => notice.key !== key);
  }
}
