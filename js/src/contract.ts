/**
 * What the views may know of a session: signals to read, verbs to call. No DOM here and no Jupyter: `session.ts`
 * implements it over a live kernel, the tests and the demo page with a plain object.
 */
import type { ReadonlySignal, Signal } from "@preact/signals";
import type { CallState, Quality } from "./messages";

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

/** One column of the live plots, once a second; null where the browser did not say. */
export interface PlotPoint {
  readonly time_s: number;
  readonly sendBitrate_bps: number | null;
  readonly receiveBitrate_bps: number | null;
  readonly sendFps: number | null;
  readonly receiveFps: number | null;
  readonly rtt_s: number | null;
  readonly lossFraction: number | null;
}

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
  /** At most the last 300 s, oldest first. */
  readonly plot: ReadonlySignal<readonly PlotPoint[]>;
  /** Open drawers and menus are a view's own affair, but the statistics panel opens in every view. */
  readonly statisticsOpen: Signal<boolean>;

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
  toggleRecording(): void;
  dismiss(key: string): void;
}
