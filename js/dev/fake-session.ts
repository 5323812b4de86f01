/** A session without a kernel: signals that a test or the demo page sets, and a list of the verbs that were called. */

import { computed, type Signal, signal } from "@preact/signals";
import type {
  CheckLine,
  Devices,
  Download,
  Drawer,
  NoticeItem,
  PagePhase,
  Person,
  PlotPoint,
  Preferences,
  RecordingChoice,
  Sending,
  SessionView,
  StatsFeed,
  StatsSeries,
} from "../src/contract";
import { UNDECIDED } from "../src/ice/configuration";
import type {
  CallState,
  ChatMessage,
  Codec,
  Finding,
  Participant,
  ParticipantStatus,
  Quality,
  RecordingStatus,
  RoomInfo,
} from "../src/messages";
import { FakeEffects } from "./fake-effects";

const medium: Quality = { name: "medium", width: 1280, height: 720, fps: 30, bitrateBps: 1_700_000 };

export const qualities: readonly Quality[] = [
  { ...medium, name: "auto" },
  { name: "low", width: 640, height: 480, fps: 15, bitrateBps: 500_000 },
  medium,
  { name: "high", width: 1920, height: 1080, fps: 30, bitrateBps: 3_500_000 },
];

export function callState(change: Partial<CallState> = {}): CallState {
  return {
    type: "state",
    quality: medium,
    epoch: 0,
    revision: 1,
    phase: "idle",
    reason: "",
    owner: null,
    joinRequested: false,
    ice: UNDECIDED,
    checkRequested: false,
    cameraRequested: false,
    microphoneRequested: false,
    cameraOn: false,
    microphoneOn: false,
    camera: null,
    effect: { name: "none", strength: null },
    background: "",
    videoEffect: null,
    videoSource: null,
    audioEffect: null,
    playing: false,
    recording: null,
    recordings: [],
    recorded: [],
    participants: [participant("python", "Python", { isPython: true, receivesVideo: true })],
    room: null,
    codec: "auto",
    screenSharing: false,
    screenRequested: false,
    wanted: [],
    statsIntervalS: 1,
    ...change,
  };
}

/** A recording that runs. */
export function recordingStatus(change: Partial<RecordingStatus> = {}): RecordingStatus {
  return {
    id: "r1",
    path: "/lessons/lesson.mkv",
    state: "recording",
    startedAtS: 0,
    durationS: 0,
    sizeBytes: 0,
    error: null,
    folder: "/lessons/lesson.mkv.tracks",
    layout: null,
    people: [],
    files: [],
    composedFraction: 0,
    note: "",
    ...change,
  };
}

/** A point of which nothing is known but what `change` says. */
export function plotPoint(time_s: number, change: Partial<PlotPoint> = {}): PlotPoint {
  return {
    time_s,
    sendBitrate_bps: null,
    receiveBitrate_bps: null,
    sendFps: null,
    receiveFps: null,
    sendHeight: null,
    receiveHeight: null,
    rtt_s: null,
    lossFraction: null,
    sendLossFraction: null,
    receiveLossFraction: null,
    sendJitter_s: null,
    receiveJitter_s: null,
    available_bps: null,
    encode_s: null,
    decode_s: null,
    jitterBuffer_s: null,
    freezeFraction: null,
    concealedFraction: null,
    sendAudioLevel: null,
    receiveAudioLevel: null,
    ...change,
  };
}

export function finding(code: string, change: Partial<Finding> = {}): Finding {
  return {
    code,
    level: "warning",
    participant: "python",
    text: `${code}.`,
    advice: "Look at it.",
    direction: null,
    kind: null,
    evidence: {},
    startedAtS: 0,
    endedAtS: null,
    ...change,
  };
}

export class FakeStats implements StatsFeed {
  readonly series: Signal<readonly StatsSeries[]> = signal([]);
  readonly findings: Signal<readonly Finding[]> = signal([]);

  /** Add points to one peer, which is made if it is new. */
  add(peer: string, name: string, ...points: readonly PlotPoint[]): void {
    const known = this.series.value.find((each) => each.peer === peer);
    const grown = { peer, name, points: [...(known?.points ?? []), ...points] };
    this.series.value = known
      ? this.series.value.map((each) => (each === known ? grown : each))
      : [...this.series.value, grown];
  }
}

type ParticipantChange = Partial<Omit<Participant, "status">> & {
  readonly status?: Partial<ParticipantStatus>;
};

export function participant(id: string, name: string, change: ParticipantChange = {}): Participant {
  const { status, ...more } = change;
  return {
    id,
    name,
    isPython: false,
    receivesVideo: false,
    isYou: false,
    isCreator: false,
    order: 1,
    protocol: 1,
    joinedAtS: 0,
    isConnected: true,
    connection: "connected",
    ...more,
    status: {
      muted: false,
      videoOff: false,
      screenSharing: false,
      recording: false,
      receives: [],
      recordingId: "",
      acknowledges: [],
      ...status,
    },
  };
}

export function roomInfo(change: Partial<RoomInfo> = {}): RoomInfo {
  return {
    id: "physics-101",
    name: "physics-101",
    me: "me",
    phase: "joined",
    reason: "",
    code: "",
    capacity: 10,
    settings: { chat: true, recording: true, listed: false },
    inviteUrl: "https://calls.example.edu/r/physics-101#t=eyJhbGciOiJIUzI1NiJ9.e30.abc",
    server: "https://calls.example.edu",
    ...change,
  };
}

export const person = (
  id: string,
  name: string,
  change: ParticipantChange & Partial<Pick<Person, "stream" | "reason">> = {},
): Person => {
  const { stream = null, reason = "", ...more } = change;
  const who = participant(id, name, more);
  return { participant: who, stream, reason, connection: who.connection };
};

export const chatMessage = (
  id: string,
  senderName: string,
  text: string,
  change: Partial<ChatMessage> = {},
) => ({
  id,
  sender: senderName.toLowerCase(),
  senderName,
  text,
  timeS: 1_700_000_000,
  to: null,
  ...change,
});

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
  readonly stats = new FakeStats();
  readonly drawer: Signal<Drawer | null> = signal(null);
  hasPython = true;
  readonly people: Signal<readonly Person[]> = signal([]);
  readonly chat: Signal<readonly ChatMessage[]> = signal([]);
  readonly unread = signal(0);
  readonly speaker: Signal<string | null> = signal(null);
  readonly pinned: Signal<string | null> = signal(null);
  readonly screenOn = signal(false);
  readonly screenStream: Signal<MediaStream | null> = signal(null);
  canShareScreen = true;
  readonly isPictureWithheld = signal(false);
  codecs: readonly Codec[] = ["auto", "vp8", "vp9", "h264"];
  readonly sending: Signal<Sending | null> = signal(null);
  shortcomings: readonly string[] = [];
  readonly downloads: Signal<readonly Download[]> = signal([]);
  readonly effects = new FakeEffects(
    (...call) => this.calls.push(call),
    (effect) => {
      this.state.value = callState({ ...this.state.value, effect });
    },
  );
  readonly #lines: Signal<readonly CheckLine[]> = signal([]);
  readonly check = {
    lines: this.#lines,
    results: computed(() => this.#lines.value.flatMap(({ found }) => found ?? [])),
    isRunning: signal(false),
    run: async () => void this.calls.push(["check"]),
    cancel: () => void this.calls.push(["cancelCheck"]),
  };
  /** What the next `enterRoom` and `sendChat` reject with; empty: they do not. */
  refusal = "";

  /** In a room as its first participant, with these others. */
  enter(
    people: readonly Person[],
    change: Partial<RoomInfo> = {},
    status: Partial<ParticipantStatus> = {},
  ): void {
    const me = participant("me", "Ada Lovelace", { isYou: true, isCreator: true, order: 0, status });
    this.people.value = people;
    this.state.value = callState({
      room: roomInfo(change),
      participants: [me, ...people.map((each) => each.participant)],
    });
  }

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

  setCodec(codec: Codec): void {
    this.calls.push(["setCodec", codec]);
    this.state.value = callState({ ...this.state.value, codec });
  }

  async startSharing(): Promise<void> {
    this.calls.push(["startSharing"]);
    this.screenOn.value = true;
  }

  stopSharing(): void {
    this.calls.push(["stopSharing"]);
    this.screenOn.value = false;
  }

  sendWithoutEffect(): void {
    this.calls.push(["sendWithoutEffect"]);
    this.isPictureWithheld.value = false;
  }

  async enterRoom(room: string | null, name: string, passcode: string | null): Promise<void> {
    this.calls.push(["enterRoom", room, name, passcode]);
    if (this.refusal !== "") throw new Error(this.refusal);
  }

  async sendChat(text: string): Promise<void> {
    this.calls.push(["sendChat", text]);
    if (this.refusal !== "") throw new Error(this.refusal);
  }

  reconnect(id: string): void {
    this.calls.push(["reconnect", id]);
  }

  startRecording(choice: RecordingChoice): void {
    this.calls.push(["startRecording", choice]);
  }

  stopRecording(): void {
    this.calls.push(["stopRecording"]);
  }

  showsRecordings(ids: readonly string[]): void {
    this.calls.push(["showsRecordings", ids]);
  }

  async download(recording: string, file: string): Promise<void> {
    this.calls.push(["download", recording, file]);
  }

  cancelDownload(recording: string, file: string): void {
    this.calls.push(["cancelDownload", recording, file]);
    this.downloads.value = this.downloads.value.filter(
      (each) => each.recording !== recording || each.file !== file,
    );
  }

  dismiss(key: string): void {
    this.calls.push(["dismiss", key]);
    this.notices.value = this.notices.value.filter((notice) => notice.key !== key);
  }
}
