/** Generated from src/nbrtc/messages/ by `python js/generate_messages.py`: change it there. */

export const PROTOCOL = 1;

export type Phase = "idle" | "connecting" | "connected" | "reconnecting" | "failed" | "closed";

/** The size and frame rate asked of the camera. */
export interface Quality {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly name: string | null;
  readonly bitrateBps: number;
}

/** One entry of ``RTCConfiguration.iceServers`` (webrtc-pc, section 4.2.4). */
export interface IceServerEntry {
  readonly urls: readonly string[];
  readonly username: string | null;
  readonly credential: string | null;
}

/** Pixels of a picture as the camera delivers it. */
export interface VideoSize {
  readonly width: number;
  readonly height: number;
  readonly fps: number | null;
}

/** Somebody in the call; Python is one of them, because it receives the video. */
export interface Participant {
  readonly id: string;
  readonly name: string;
  readonly isPython: boolean;
  readonly receivesVideo: boolean;
}

/** A recording as every view shows it. */
export interface RecordingStatus {
  readonly id: string;
  readonly path: string;
  readonly state: "recording" | "stopped" | "failed";
  readonly startedAtS: number;
  readonly durationS: number;
  readonly sizeBytes: number;
  readonly error: string | null;
}

/** The engine's view of one call, whole; page and kernel mirror the newest `(epoch, revision)`. */
export interface CallState {
  readonly type: "state";
  readonly quality: Quality;
  readonly epoch: number;
  readonly revision: number;
  readonly phase: "idle" | "connecting" | "connected" | "reconnecting" | "failed" | "closed";
  readonly reason: string;
  readonly owner: string | null;
  readonly joinRequested: boolean;
  readonly cameraRequested: boolean;
  readonly microphoneRequested: boolean;
  readonly cameraOn: boolean;
  readonly microphoneOn: boolean;
  readonly camera: VideoSize | null;
  readonly videoEffect: string | null;
  readonly recording: RecordingStatus | null;
  readonly participants: readonly Participant[];
}

/** A view is there and the person can see it; answered by `Welcome`. */
export interface Hello {
  readonly type: "hello";
  readonly protocol: number;
}

/** The page asks to start, restart or take over the call (RFC 9429: the page is the only offerer). */
export interface Offer {
  readonly type: "offer";
  readonly id: string;
  readonly generation: number;
  readonly sdp: string;
  readonly takeOver: boolean;
}

/** A trickled ICE candidate (RFC 8838); an empty `candidate` ends them. */
export interface Candidate {
  readonly type: "candidate";
  readonly generation: number;
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
}

/** What the page sends now. The page acts first and reports afterwards. */
export interface MediaStatus {
  readonly type: "media";
  readonly microphoneOn: boolean;
  readonly cameraOn: boolean;
  readonly camera: VideoSize | null;
}

/** A quality chosen in the widget or by Python. */
export interface SetQuality {
  readonly type: "set-quality";
  readonly id: string;
  readonly quality: Quality;
}

/** The person left, or the last view went; the page has already stopped its devices. */
export interface Leave {
  readonly type: "leave";
  readonly reason: string;
}

/** The record button; an empty path asks for a dated name below the notebook's folder. */
export interface StartRecording {
  readonly type: "start-recording";
  readonly id: string;
  readonly path: string;
}

/** The record button, again. */
export interface StopRecording {
  readonly type: "stop-recording";
  readonly id: string;
}

/** One `getStats` of one peer connection (webrtc-stats); values are copied verbatim. */
export interface StatsSample {
  readonly type: "stats";
  readonly timeS: number;
  readonly peer: string;
  readonly generation: number;
  readonly reports: readonly (Readonly<Record<string, string | number | boolean | null>>)[];
}

/** Echo of a `Ping`: the page is alive, and the engine learns the round-trip time. */
export interface Pong {
  readonly type: "pong";
  readonly sentS: number;
}

/** Something that the page could not do, for `call.errors`. */
export interface PageProblem {
  readonly type: "problem";
  readonly code: string;
  readonly message: string;
}

/** Answer to `Hello`: a live kernel and engine stand behind this widget. */
export interface Welcome {
  readonly type: "welcome";
  readonly protocol: number;
  readonly state: CallState;
  readonly qualities: readonly Quality[];
  readonly iceServers: readonly IceServerEntry[];
}

/** The engine's description for one generation of the link. */
export interface Answer {
  readonly type: "answer";
  readonly generation: number;
  readonly sdp: string;
}

/** Outcome of the intent with this id; a repeated id gets the same reply and is not carried out again. */
export interface Reply {
  readonly type: "reply";
  readonly id: string;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

/** The engine's heartbeat, four a second on the data channel. */
export interface Ping {
  readonly type: "ping";
  readonly sentS: number;
}

/** Python switches a device: off acts at once, on asks for a click where the device is not open. */
export interface SwitchMedia {
  readonly type: "switch-media";
  readonly microphoneOn: boolean | null;
  readonly cameraOn: boolean | null;
}

/** Apply this quality to the live track. */
export interface ApplyQuality {
  readonly type: "apply-quality";
  readonly quality: Quality;
}

/** The link ends. The page stops its devices unless `recover` says that a new offer is welcome. */
export interface Bye {
  readonly type: "bye";
  readonly code: "taken-over" | "closed" | "kernel-gone" | "left" | "lost";
  readonly reason: string;
  readonly recover: boolean;
}

/** A notification in the widget; the same key replaces an earlier one. */
export interface Notice {
  readonly type: "notice";
  readonly key: string;
  readonly level: "info" | "warning" | "error";
  readonly text: string;
}

export type Intent = Hello | Offer | Candidate | MediaStatus | SetQuality | Leave | StartRecording | StopRecording | StatsSample | Pong | PageProblem;

export type Event = Welcome | Answer | Reply | Ping | SwitchMedia | ApplyQuality | Bye | Notice | CallState;
