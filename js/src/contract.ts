/**
 * What the views may know of a session: signals to read, verbs to call. No DOM here and no Jupyter: `session.ts`
 * implements it over a live kernel, the tests and the demo page with a plain object.
 */
import type { ReadonlySignal, Signal } from "@preact/signals";
import type {
  CallState,
  ChatMessage,
  CheckName,
  CheckResult,
  Codec,
  Effect,
  Finding,
  Participant,
  PeerState,
  Quality,
  RecordingLayout,
  StartRecording,
} from "./messages";

/** Where this page stands; `call.phase` of the engine's state is what Python sees. */
export type PagePhase =
  | "waiting-for-kernel" // no answer to hello yet
  | "no-kernel" // nobody answers: the notebook was opened without a kernel, or it has gone
  | "ready" // the pre-join card; nothing is open
  | "preview" // camera open, shown to this person only
  | "starting" // the click was made: asking for devices and connecting
  | "connected"
  | "reconnecting"
  | "failed"
  | "elsewhere" // another window owns the call
  | "closed"; // the Call was closed in Python; final

export type Level = "info" | "warning" | "error";

export interface NoticeItem {
  readonly key: string;
  readonly level: Level;
  readonly text: string;
}

export interface DeviceItem {
  readonly id: string;
  readonly label: string;
}

export interface Devices {
  readonly cameras: readonly DeviceItem[];
  readonly microphones: readonly DeviceItem[];
}

/** What the person chose on the pre-join card; remembered in this browser. */
export interface Preferences {
  readonly cameraId: string;
  readonly microphoneId: string;
  readonly useCamera: boolean;
  readonly useMicrophone: boolean;
  readonly echoCancellation: boolean;
  readonly noiseSuppression: boolean;
  readonly autoGainControl: boolean;
}

/** One poll of one peer connection, as it is plotted; null where the browser did not say. */
export interface PlotPoint {
  readonly time_s: number;
  readonly sendBitrate_bps: number | null;
  readonly receiveBitrate_bps: number | null;
  readonly sendFps: number | null;
  readonly receiveFps: number | null;
  readonly sendHeight: number | null;
  readonly receiveHeight: number | null;
  readonly rtt_s: number | null;
  /** The worst of both directions and kinds. */
  readonly lossFraction: number | null;
  readonly sendLossFraction: number | null;
  readonly receiveLossFraction: number | null;
  readonly sendJitter_s: number | null;
  readonly receiveJitter_s: number | null;
  readonly available_bps: number | null;
  /** Mean time to encode or decode one picture. */
  readonly encode_s: number | null;
  readonly decode_s: number | null;
  /** Mean wait in the jitter buffer, the longer one of picture and sound. */
  readonly jitterBuffer_s: number | null;
  /** Share of the time that the picture stood still. */
  readonly freezeFraction: number | null;
  readonly concealedFraction: number | null;
  readonly sendAudioLevel: number | null;
  readonly receiveAudioLevel: number | null;
}

/** The plotted past of one peer connection. */
export interface StatsSeries {
  /** ``"python"`` for the link, ``"you"`` for Python's end of it, else a participant's id. */
  readonly peer: string;
  /** For a person. */
  readonly name: string;
  /** Oldest first, at most `KEPT_POINTS`, across generations; a new array for each point. */
  readonly points: readonly PlotPoint[];
}

/** What the statistics panel reads: of a session, or of a `StatsView` in a cell of its own. */
export interface StatsFeed {
  /** In the order of their first point, those who left too. */
  readonly series: ReadonlySignal<readonly StatsSeries[]>;
  /** What is wrong now, the worst first. */
  readonly findings: ReadonlySignal<readonly Finding[]>;
}

/** Somebody else in the room, as this page sees and hears them. */
export interface Person {
  readonly participant: Participant;
  /** Their picture and sound; the same object over all reconnections, null until something came. */
  readonly stream: MediaStream | null;
  readonly connection: PeerState;
  /** Why the connection is disturbed or failed, as a sentence; empty where there is nothing to say. */
  readonly reason: string;
}

/** What is really sent of the camera or the screen, which `quality` "auto" changes as the network asks. */
export interface Sending {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** In words why it is less than it could be; empty where it is not. */
  readonly limitedBy: string;
}

/** Everybody, only oneself, or those with these ids, oneself as "you". */
export type RecordingTracks = StartRecording["tracks"];

/** What the record panel asks for. */
export interface RecordingChoice {
  readonly tracks: RecordingTracks;
  /** Null: as it fits the number of people. "separate" is one file for each person. */
  readonly layout: RecordingLayout | null;
  /** Of the one file; empty for a folder. On the guest page the browser chooses. */
  readonly suffix: "" | ".mkv" | ".webm" | ".mp4";
}

/** A recording's file on its way to this person's disk. */
export interface Download {
  readonly recording: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly receivedBytes: number;
}

/** What the chosen effect does just now. */
export interface EffectStatus {
  /** ``"preparing"``: the person is not told from the background yet, so the whole picture is blurred. */
  readonly state: "off" | "preparing" | "running" | "failed";
  /** One sentence for a person, with ``"preparing"`` and ``"failed"``. */
  readonly text: string;
  /** Pictures each second that come out, and what one takes in ms; null before they are known. */
  readonly fps: number | null;
  readonly frame_ms: number | null;
  /** What tells the person from the background, once that is settled, and why that one, as the end of a sentence. */
  readonly finder?: { readonly processor: "CPU" | "GPU"; readonly why: string };
}

/** The effects on the camera's picture; which one is chosen stands in `CallState.effect`. */
export interface EffectsView {
  /** Why this browser can do none, as a sentence; empty where it can. */
  readonly unavailable: string;
  readonly status: ReadonlySignal<EffectStatus>;
  /** There is a picture for the effect "background": Python's, or the person's own. */
  readonly hasBackground: ReadonlySignal<boolean>;
  /**
   * Another number when nothing is drawn any more into the canvases that `preview` got before: it takes new ones. 0 while
   * it can draw into none.
   */
  readonly previewRound: ReadonlySignal<number>;
  choose(effect: Effect): void;
  /** Use the person's own picture and choose the effect "background". Rejects with a sentence where it is none. */
  chooseBackground(picture: Blob): Promise<void>;
  /** Draw the open camera with `effect` into the canvas, a few times a second, until `ended`. Opens no device. */
  preview(canvas: HTMLCanvasElement, effect: Effect, ended: AbortSignal): void;
}

/** "Check my connection". */
/** One line of the connection check. */
export interface CheckLine extends CheckName {
  readonly by: CheckResult["by"];
  /** Null while it is looked at, and where a check was stopped before. */
  readonly found: CheckResult | null;
}

export interface CheckView {
  /** All that is looked at, from the beginning and in one order; they stay until the next run. */
  readonly lines: ReadonlySignal<readonly CheckLine[]>;
  /** What was found. */
  readonly results: ReadonlySignal<readonly CheckResult[]>;
  readonly isRunning: ReadonlySignal<boolean>;
  /** Opens no device. Contacts the configured servers and Python. */
  run(): Promise<void>;
  cancel(): void;
}

export type Drawer = "chat" | "people" | "statistics";

export interface SessionView {
  readonly phase: ReadonlySignal<PagePhase>;
  /** One sentence for a person: what happens, or why it does not. */
  readonly statusText: ReadonlySignal<string>;
  readonly state: ReadonlySignal<CallState | null>;
  readonly qualities: ReadonlySignal<readonly Quality[]>;
  readonly devices: ReadonlySignal<Devices>;
  readonly preferences: ReadonlySignal<Preferences>;
  /** The person's own camera and microphone; null while closed. The same stream in every view. */
  readonly localStream: ReadonlySignal<MediaStream | null>;
  /** What Python sends back. */
  readonly remoteStream: ReadonlySignal<MediaStream | null>;
  readonly cameraOn: ReadonlySignal<boolean>;
  readonly microphoneOn: ReadonlySignal<boolean>;
  /** 0..1, about ten times a second while the microphone is on. */
  readonly microphoneLevel: ReadonlySignal<number>;
  readonly notices: ReadonlySignal<readonly NoticeItem[]>;
  readonly stats: StatsFeed;
  /** Menus are a view's own affair, but a drawer opens in every view. */
  readonly drawer: Signal<Drawer | null>;

  // --- the room; all empty or null in a solo call. `state.room` says where we stand with it

  /** False on the guest page: nothing that needs Python (recording by Python, effects) is offered. */
  readonly hasPython: boolean;
  /** Everybody else, in the order of joining. */
  readonly people: ReadonlySignal<readonly Person[]>;
  /** Oldest first; at most the last 500. */
  readonly chat: ReadonlySignal<readonly ChatMessage[]>;
  /** Messages of others since the chat was last open. */
  readonly unread: ReadonlySignal<number>;
  /** Participant id (one's own too) of who speaks or spoke last; null while nobody has. */
  readonly speaker: ReadonlySignal<string | null>;
  /** Participant id of whom this page shows large; set by the views. */
  readonly pinned: Signal<string | null>;
  readonly screenOn: ReadonlySignal<boolean>;
  /** What is shared, for one's own tile; null while nothing is. */
  readonly screenStream: ReadonlySignal<MediaStream | null>;
  /** The browser can share a screen at all (phones cannot). */
  readonly canShareScreen: boolean;
  /**
   * The others get no picture now: Python is to change it and is out of reach, and the camera's own must not take its
   * place by accident. `sendWithoutEffect` sends it all the same, until Python is back.
   */
  readonly isPictureWithheld: ReadonlySignal<boolean>;
  /** Codecs that this browser can send; "auto" first. */
  readonly codecs: readonly Codec[];
  readonly sending: ReadonlySignal<Sending | null>;
  /** A browser lacks something: which, and what that means. Empty where all is there. */
  readonly shortcomings: readonly string[];

  setPreferences(change: Partial<Preferences>): void;
  /** Open devices for this person only. Must be called from a click. */
  preview(): Promise<void>;
  /** Join, rejoin, retry, or take the call over from another window. Must be called from a click. */
  start(): Promise<void>;
  leave(): void;
  /** On asks for the device where it is closed: call it from a click. */
  setCamera(on: boolean): Promise<void>;
  setMicrophone(on: boolean): Promise<void>;
  chooseCamera(id: string): Promise<void>;
  chooseMicrophone(id: string): Promise<void>;
  setQuality(quality: Quality): void;
  setCodec(codec: Codec): void;
  /** From a click: asks which screen, window or tab. Rejects with nothing: problems become notices. */
  startSharing(): Promise<void>;
  stopSharing(): void;
  /** From a click, while `isPictureWithheld`. */
  sendWithoutEffect(): void;
  /** Before joining: into which room (null: solo), as whom, with which passcode. */
  enterRoom(room: string | null, name: string, passcode: string | null): Promise<void>;
  /** Rejects with a sentence where the room refuses; the text is then still the writer's. */
  sendChat(text: string): Promise<void>;
  /** Try the connection to one person anew. */
  reconnect(id: string): void;
  /** What is being saved now. */
  readonly downloads: ReadonlySignal<readonly Download[]>;
  /** From a click: the guest page may ask for a file to write to. */
  startRecording(choice: RecordingChoice): void;
  stopRecording(): void;
  /** The red badge of these recordings stands in a view now: only then anything of this person is written. */
  showsRecordings(ids: readonly string[]): void;
  /** From a click: save a file of a recording; problems become notices. */
  download(recording: string, file: string): Promise<void>;
  /** Stop saving it; what was saved of it goes. */
  cancelDownload(recording: string, file: string): void;
  readonly effects: EffectsView;
  readonly check: CheckView;
  dismiss(key: string): void;
}
