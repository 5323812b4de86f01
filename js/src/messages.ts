/** Generated from src/nbrtc/messages/ by `python js/generate_messages.py`: change it there. */

export const PROTOCOL = 6;

/** How strong the effects can be, in the order of the menu. */
export const EFFECTS: Readonly<Record<EffectName, EffectRange>> = {
  none: { title: "No effect", low: 0, high: 0, usual: 0 },
  blur: { title: "Blur background", low: 0.05, high: 1, usual: 0.5 },
  background: { title: "Background picture", low: 0, high: 0, usual: 0 },
  grayscale: { title: "Grayscale", low: 0, high: 1, usual: 1 },
  sepia: { title: "Sepia", low: 0, high: 1, usual: 1 },
  invert: { title: "Invert", low: 0, high: 0, usual: 0 },
  brightness: { title: "Brightness", low: -1, high: 1, usual: 0.3 },
  contrast: { title: "Contrast", low: -1, high: 1, usual: 0.3 },
  pixelate: { title: "Pixelate", low: 0.05, high: 1, usual: 0.5 },
  edge: { title: "Edges", low: 0, high: 1, usual: 1 },
  mirror: { title: "Mirror", low: 0, high: 0, usual: 0 },
};

export type IceTransportPolicy = "all" | "relay";

export type BundlePolicy = "balanced" | "max-compat" | "max-bundle";

export type CandidateType = "host" | "srflx" | "prflx" | "relay";

export type Transport = "udp" | "tcp" | "tls";

export type Phase = "idle" | "connecting" | "connected" | "reconnecting" | "failed" | "closed";

export type RoomPhase = "outside" | "joining" | "joined" | "reconnecting" | "refused";

export type PeerState = "new" | "connecting" | "connected" | "reconnecting" | "failed";

export type Codec = "auto" | "vp8" | "vp9" | "av1" | "h264";

export type EffectName = "none" | "blur" | "background" | "grayscale" | "sepia" | "invert" | "brightness" | "contrast" | "pixelate" | "edge" | "mirror";

export type RecordingLayout = "separate" | "pip" | "grid" | "speaker";

export type ErrorCode = "invalid" | "not-in-room" | "room-not-found" | "room-exists" | "room-full" | "wrong-passcode" | "not-allowed" | "already-in-room" | "no-such-participant" | "rate-limited" | "too-large" | "server-full" | "unreachable" | "server-error";

/** One entry of ``RTCConfiguration.iceServers`` (webrtc-pc, section 4.2.4). */
export interface IceServerEntry {
  readonly urls: readonly string[];
  readonly username: string | null;
  readonly credential: string | null;
}

/** What the page makes its peer connections with (``RTCConfiguration``, webrtc-pc, section 4.2.1). */
export interface IceConfiguration {
  readonly iceServers: readonly IceServerEntry[];
  readonly iceTransportPolicy: IceTransportPolicy;
  readonly bundlePolicy: BundlePolicy;
  readonly iceCandidatePoolSize: number;
  readonly maxBitrateBps: number | null;
  readonly leftS: number | null;
}

/** What a person asks of `nbrtc.IcePolicy`. They combine. */
export interface IceOptions {
  readonly privacy: boolean;
  readonly lowLatency: boolean;
  readonly maxReliability: boolean;
  readonly limitBps: number | null;
  readonly forceTurn: boolean;
}

/** What was decided, and why; without credentials. It is part of `CallState`. */
export interface IceDecision {
  readonly options: IceOptions;
  readonly iceTransportPolicy: IceTransportPolicy;
  readonly bundlePolicy: BundlePolicy;
  readonly iceCandidatePoolSize: number;
  readonly maxBitrateBps: number | null;
  readonly urls: readonly string[];
  readonly leftOut: readonly string[];
  readonly reasons: readonly string[];
}

/** What the browser knows of its network (Network Information API, section 4); None where it does not. */
export interface NetworkInformation {
  readonly type: string | null;
  readonly effectiveType: string | null;
  readonly downlinkBps: number | null;
  readonly rttS: number | null;
  readonly saveData: boolean | null;
}

/** How one URL of a STUN or TURN server answered. */
export interface ServerProbe {
  readonly url: string;
  readonly by: "page" | "engine";
  readonly ok: boolean;
  readonly transport: Transport;
  readonly timeS: number;
  readonly rttS: number | null;
  readonly candidateTypes: readonly CandidateType[];
  readonly errorCode: number | null;
  readonly error: string;
}

/** A candidate was gathered, or came from the other side (webrtc-stats, RTCIceCandidateStats). */
export interface CandidateSeen {
  readonly type: "candidate-seen";
  readonly timeS: number;
  readonly peer: string;
  readonly generation: number;
  readonly id: string;
  readonly isRemote: boolean;
  readonly candidateType: CandidateType;
  readonly address: string;
  readonly port: number | null;
  readonly protocol: "udp" | "tcp";
  readonly relayProtocol: Transport | null;
  readonly url: string;
  readonly priority: number | null;
  readonly relatedAddress: string;
  readonly relatedPort: number | null;
  readonly foundation: string;
}

/** A server gave no candidate (``icecandidateerror``, webrtc-pc, section 4.8.2). */
export interface CandidateFailed {
  readonly type: "candidate-failed";
  readonly timeS: number;
  readonly peer: string;
  readonly generation: number;
  readonly url: string;
  readonly errorCode: number;
  readonly errorText: string;
  readonly address: string;
}

/** A candidate of the other side was not taken: why. */
export interface CandidateRefused {
  readonly type: "candidate-refused";
  readonly timeS: number;
  readonly peer: string;
  readonly generation: number;
  readonly address: string;
  readonly reason: string;
}

/** A pair changed its state (RFC 8445, section 6.1.2.6; webrtc-stats, RTCIceCandidatePairStats). */
export interface PairSeen {
  readonly type: "pair-seen";
  readonly timeS: number;
  readonly peer: string;
  readonly generation: number;
  readonly localId: string;
  readonly remoteId: string;
  readonly state: "frozen" | "waiting" | "in-progress" | "failed" | "succeeded";
  readonly nominated: boolean;
  readonly selected: boolean;
  readonly rttS: number | null;
  readonly requestsSent: number | null;
  readonly responsesReceived: number | null;
}

/** ``iceGatheringState`` or ``iceConnectionState`` changed, or ICE was started anew. */
export interface IceStateSeen {
  readonly type: "ice-state-seen";
  readonly timeS: number;
  readonly peer: string;
  readonly generation: number;
  readonly what: "gathering" | "connection" | "start" | "restart" | "closed";
  readonly state: string;
}

/** A line of the connection check that is still to come. */
export interface CheckName {
  readonly name: string;
  readonly title: string;
}

/** One line of the connection check. */
export interface CheckResult {
  readonly name: string;
  readonly title: string;
  readonly outcome: "pass" | "warning" | "fail" | "skipped";
  readonly by: "page" | "engine" | "kernel";
  readonly detail: string;
  readonly advice: string;
  readonly value: number | null;
  readonly unit: string;
}

/** How strong an effect can be. */
export interface EffectRange {
  readonly title: string;
  readonly low: number;
  readonly high: number;
  readonly usual: number;
}

/** An effect that the page puts on the camera's picture. A shared screen stays as it is. */
export interface Effect {
  readonly name: EffectName;
  readonly strength: number | null;
}

/** The size and frame rate asked of the camera. */
export interface Quality {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly name: string | null;
  readonly bitrateBps: number;
}

/** Pixels of a picture as the camera delivers it. */
export interface VideoSize {
  readonly width: number;
  readonly height: number;
  readonly fps: number | null;
}

/** What a participant says of itself to the others in the room. */
export interface ParticipantStatus {
  readonly muted: boolean;
  readonly videoOff: boolean;
  readonly screenSharing: boolean;
  readonly recording: boolean;
  readonly receives: readonly string[];
  readonly recordingId: string;
  readonly acknowledges: readonly string[];
}

/** Somebody in the call. In a solo call Python is one of them, because it receives the video. */
export interface Participant {
  readonly id: string;
  readonly name: string;
  readonly isPython: boolean;
  readonly receivesVideo: boolean;
  readonly isYou: boolean;
  readonly isCreator: boolean;
  readonly order: number;
  readonly protocol: number;
  readonly joinedAtS: number;
  readonly isConnected: boolean;
  readonly connection: PeerState;
  readonly status: ParticipantStatus;
}

/** What is allowed in a room; its creator decides. */
export interface RoomSettings {
  readonly chat: boolean;
  readonly recording: boolean;
  readonly listed: boolean;
}

/** The room of a call, as this participant sees it. */
export interface RoomInfo {
  readonly id: string;
  readonly name: string;
  readonly me: string;
  readonly phase: RoomPhase;
  readonly reason: string;
  readonly code: string;
  readonly capacity: number;
  readonly settings: RoomSettings;
  readonly inviteUrl: string;
  readonly server: string;
}

/** A message that somebody wrote. Text, never HTML. */
export interface ChatMessage {
  readonly id: string;
  readonly sender: string;
  readonly senderName: string;
  readonly text: string;
  readonly timeS: number;
  readonly to: string | null;
}

/** Somebody in a recording, or left out of it. */
export interface RecordedPerson {
  readonly id: string;
  readonly name: string;
  readonly state: "asked" | "recorded" | "left-out" | "gone";
}

/** A file that a recording made. */
export interface RecordedFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly person: string;
}

/** A recording as every view shows it. */
export interface RecordingStatus {
  readonly id: string;
  readonly path: string;
  readonly state: "recording" | "composing" | "stopped" | "failed";
  readonly startedAtS: number;
  readonly durationS: number;
  readonly sizeBytes: number;
  readonly error: string | null;
  readonly folder: string;
  readonly layout: RecordingLayout | null;
  readonly people: readonly RecordedPerson[];
  readonly files: readonly RecordedFile[];
  readonly composedFraction: number;
  readonly note: string;
}

/** A problem that the statistics show: what, whose, the evidence, and what can be done. */
export interface Finding {
  readonly code: string;
  readonly level: "info" | "warning" | "error";
  readonly participant: string;
  readonly text: string;
  readonly advice: string;
  readonly direction: "send" | "receive" | null;
  readonly kind: "video" | "audio" | null;
  readonly evidence: Readonly<Record<string, string | number | null>>;
  readonly startedAtS: number;
  readonly endedAtS: number | null;
}

/** The engine's view of one call, whole; page and kernel mirror the newest `(epoch, revision)`. */
export interface CallState {
  readonly type: "state";
  readonly quality: Quality;
  readonly epoch: number;
  readonly revision: number;
  readonly phase: Phase;
  readonly reason: string;
  readonly owner: string | null;
  readonly joinRequested: boolean;
  readonly cameraRequested: boolean;
  readonly microphoneRequested: boolean;
  readonly cameraOn: boolean;
  readonly microphoneOn: boolean;
  readonly camera: VideoSize | null;
  readonly effect: Effect;
  readonly background: string;
  readonly videoEffect: string | null;
  readonly videoSource: string | null;
  readonly audioEffect: string | null;
  readonly playing: boolean;
  readonly recording: RecordingStatus | null;
  readonly recordings: readonly RecordingStatus[];
  readonly recorded: readonly string[];
  readonly participants: readonly Participant[];
  readonly room: RoomInfo | null;
  readonly codec: Codec;
  readonly screenSharing: boolean;
  readonly screenRequested: boolean;
  readonly wanted: readonly string[];
  readonly statsIntervalS: number;
  readonly ice: IceDecision;
  readonly checkRequested: boolean;
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

/** A trickled ICE candidate of the link (RFC 8838), up or down; an empty `candidate` ends them. */
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
  readonly screenSharing: boolean;
}

/** A quality chosen in the widget or by Python. */
export interface SetQuality {
  readonly type: "set-quality";
  readonly id: string;
  readonly quality: Quality;
}

/** A video codec chosen in the widget. */
export interface SetCodec {
  readonly type: "set-codec";
  readonly id: string;
  readonly codec: Codec;
}

/** An effect chosen in the widget. */
export interface SetEffect {
  readonly type: "set-effect";
  readonly id: string;
  readonly effect: Effect;
}

/** Before the click: which room the call is in (None: solo), as whom, and with which passcode. */
export interface EnterRoom {
  readonly type: "enter-room";
  readonly id: string;
  readonly room: string | null;
  readonly name: string;
  readonly passcode: string | null;
}

/** The click, on a page that has no Python and so makes no link (the guest page). */
export interface Enter {
  readonly type: "enter";
  readonly id: string;
  readonly takeOver: boolean;
}

/** ``RTCSessionDescriptionInit`` (webrtc-pc, section 4.7.2). */
export interface SessionDescription {
  readonly type: "offer" | "answer";
  readonly sdp: string;
}

/** ``RTCIceCandidateInit`` (webrtc-pc, section 4.8.1); an empty `candidate` ends them (RFC 8838). */
export interface IceCandidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
  readonly usernameFragment: string | null;
}

/** A description or a candidate between this page and another participant: an intent up, an event down. */
export interface PeerSignal {
  readonly type: "peer-signal";
  readonly peer: string;
  readonly generation: number | null;
  readonly description: SessionDescription | null;
  readonly candidate: IceCandidate | null;
}

/** How the page's connection to another participant stands. */
export interface PeerStatus {
  readonly type: "peer-status";
  readonly peer: string;
  readonly state: PeerState;
  readonly reason: string;
}

/** A message that the person wrote; the reply says whether the room took it. */
export interface SendChat {
  readonly type: "send-chat";
  readonly id: string;
  readonly text: string;
  readonly to: string | null;
}

/** The person left, or the last view went; the page has already stopped its devices. */
export interface Leave {
  readonly type: "leave";
  readonly reason: string;
  readonly mayReturn: boolean;
}

/** The record button; an empty path asks for a dated name in ``recordings/`` of the notebook's folder. */
export interface StartRecording {
  readonly type: "start-recording";
  readonly id: string;
  readonly path: string;
  readonly tracks: "all" | "local" | readonly string[];
  readonly layout: RecordingLayout | null;
  readonly suffix: "" | ".mkv" | ".webm" | ".mp4";
}

/** The record button, again. */
export interface StopRecording {
  readonly type: "stop-recording";
  readonly id: string;
}

/** The red badge of these recordings, one's own and others', stands in a view of this page now. */
export interface RecordingsShown {
  readonly type: "recordings-shown";
  readonly recordings: readonly string[];
}

/** Asks for bytes of a recording's file; answered by `RecordingChunk`, or by a `Reply` that refuses. */
export interface ReadRecording {
  readonly type: "read-recording";
  readonly id: string;
  readonly recording: string;
  readonly file: string;
  readonly offset: number;
}

/** One `getStats` of one peer connection (webrtc-stats); values are copied verbatim. */
export interface StatsSample {
  readonly type: "stats";
  readonly timeS: number;
  readonly peer: string;
  readonly generation: number;
  readonly reports: readonly (Readonly<Record<string, string | number | boolean | null>>)[];
}

/** Something that happened in the call, for the timeline beside the statistics. */
export interface StatsEvent {
  readonly type: "event";
  readonly timeS: number;
  readonly peer: string;
  readonly name: string;
  readonly value: string;
  readonly generation: number;
}

/** Echo of a `Ping`: the page is alive, and the engine learns the round-trip time. */
export interface Pong {
  readonly type: "pong";
  readonly sentS: number;
}

/** The browser's network, at the click and whenever it changed. */
export interface NetworkReport {
  readonly type: "network";
  readonly network: NetworkInformation;
}

/** How the servers answered the page. */
export interface ProbeReport {
  readonly type: "probes";
  readonly probes: readonly ServerProbe[];
}

/** What the page saw of its connections' ICE, in order; at most `MAX_TRACE` at once. */
export interface IceTrace {
  readonly type: "ice";
  readonly records: readonly (CandidateSeen | CandidateFailed | CandidateRefused | PairSeen | IceStateSeen)[];
}

/** Before connections are made or restarted: `IceConfigured` comes, then the `Reply`. */
export interface RefreshIce {
  readonly type: "refresh-ice";
  readonly id: string;
}

/** A connection of its own that measures the path to the engine; answered by `CheckAnswer`. */
export interface CheckOffer {
  readonly type: "check-offer";
  readonly id: string;
  readonly sdp: string;
}

/** The page checks the connection and asks the engine for its part; answered by `Checked` events. */
export interface RunChecks {
  readonly type: "run-checks";
  readonly id: string;
}

/** All results of a check, the engine's too: for the kernel. */
export interface CheckReport {
  readonly type: "check-report";
  readonly checks: readonly CheckResult[];
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
  readonly ice: IceConfiguration;
  readonly chat: readonly ChatMessage[];
  readonly findings: readonly Finding[];
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
  readonly effectDelayS: number | null;
  readonly soundDelayS: number | null;
}

/** From now on connections are made with this: other servers, or fresh credentials. */
export interface IceConfigured {
  readonly type: "ice-configured";
  readonly ice: IceConfiguration;
}

/** Probe these servers one by one and say `ProbeReport`; used or not, they are not configured by this. */
export interface ProbeIce {
  readonly type: "probe-ice";
  readonly iceServers: readonly IceServerEntry[];
  readonly timeoutS: number;
}

/** The engine's description for `CheckOffer`. */
export interface CheckAnswer {
  readonly type: "check-answer";
  readonly id: string;
  readonly sdp: string;
}

/** Results of the engine's part of a check, as they come. */
export interface Checked {
  readonly type: "checked";
  readonly id: string;
  readonly checks: readonly CheckResult[];
  readonly done: boolean;
  readonly planned: readonly CheckName[];
}

/** Python switches a device: off acts at once, on asks for a click where the device is not open. */
export interface SwitchMedia {
  readonly type: "switch-media";
  readonly microphoneOn: boolean | null;
  readonly cameraOn: boolean | null;
  readonly screenOn: boolean | null;
}

/** Apply this quality to the live track. */
export interface ApplyQuality {
  readonly type: "apply-quality";
  readonly quality: Quality;
}

/** New messages, one's own too; a page drops those whose id it has. */
export interface Chat {
  readonly type: "chat";
  readonly messages: readonly ChatMessage[];
}

/** The link ends. The page stops its devices unless `recover` says that a new offer is welcome. */
export interface Bye {
  readonly type: "bye";
  readonly code: "taken-over" | "closed" | "kernel-gone" | "left" | "lost";
  readonly reason: string;
  readonly recover: boolean;
}

/** A notification in the widget; the same key replaces an earlier one, and no text takes it away. */
export interface Notice {
  readonly type: "notice";
  readonly key: string;
  readonly level: "info" | "warning" | "error";
  readonly text: string;
}

/** What is wrong with the call now, the worst first; empty where all is well. */
export interface Findings {
  readonly type: "findings";
  readonly findings: readonly Finding[];
}

/** Bytes of a recording's file, at most `RECORDING_CHUNK_BYTES`. */
export interface RecordingChunk {
  readonly type: "recording-chunk";
  readonly id: string;
  readonly sizeBytes: number;
  readonly data: string;
}

/** ``create-room``: make a room and join it. */
export interface CreateRoom {
  readonly roomId?: string | null;
  readonly roomName?: string | null;
  readonly userId?: string | null;
  readonly userName?: string | null;
  readonly capacity?: number | null;
  readonly settings?: RoomSettings | null;
  readonly passcode?: string | null;
  readonly protocol?: number;
  readonly isPython?: boolean;
  readonly status?: ParticipantStatus | null;
}

/** ``join-room``. With `create`, a room that is not there is made, with the fields of `CreateRoom`. */
export interface JoinRoom {
  readonly roomId: string;
  readonly roomName?: string | null;
  readonly userId?: string | null;
  readonly userName?: string | null;
  readonly resumeToken?: string | null;
  readonly create?: boolean;
  readonly capacity?: number | null;
  readonly settings?: RoomSettings | null;
  readonly passcode?: string | null;
  readonly protocol?: number;
  readonly isPython?: boolean;
  readonly status?: ParticipantStatus | null;
}

/** ``leave-room``. */
export interface LeaveRoom {
  readonly roomId?: string | null;
  readonly userId?: string | null;
}

/** ``offer``: for one participant, or for everybody else in the room. */
export interface OfferMessage {
  readonly offer: SessionDescription;
  readonly roomId?: string | null;
  readonly to?: string | null;
  readonly generation?: number | null;
}

/** ``answer``. */
export interface AnswerMessage {
  readonly answer: SessionDescription;
  readonly roomId?: string | null;
  readonly to?: string | null;
  readonly generation?: number | null;
}

/** ``ice-candidate``; a null or empty candidate ends them. */
export interface CandidateMessage {
  readonly candidate?: IceCandidate | null;
  readonly roomId?: string | null;
  readonly to?: string | null;
  readonly generation?: number | null;
}

/** ``chat-message``: acknowledged with the whole message; everybody else gets it, not the sender. */
export interface ChatMessageSent {
  readonly message: string;
  readonly roomId?: string | null;
  readonly to?: string | null;
}

/** ``participant-status``: the whole `status`, or single fields beside it as the tutorial sends them. */
export interface StatusMessage {
  readonly roomId?: string | null;
  readonly status?: ParticipantStatus | null;
  readonly muted?: boolean | null;
  readonly videoOff?: boolean | null;
  readonly screenSharing?: boolean | null;
}

/** ``turn-credentials``, and the body of ``POST /api/turn-credentials``: fresh ones for a participant. */
export interface TurnRequest {
  readonly roomId?: string | null;
  readonly userId?: string | null;
  readonly resumeToken?: string | null;
}

/** How one connection went, without addresses and names of servers. */
export interface IceOutcomeJson {
  readonly success: boolean;
  readonly connectS?: number | null;
  readonly localType?: CandidateType | null;
  readonly remoteType?: CandidateType | null;
  readonly relayProtocol?: Transport | null;
}

/** The body of ``POST /api/webrtc-analytics``; at most `MAX_OUTCOMES`. */
export interface AnalyticsReport {
  readonly outcomes: readonly IceOutcomeJson[];
}

/** A participant in ``room-joined``, ``participant-joined`` and in the REST answers to members. */
export interface ParticipantJson {
  readonly userId: string;
  readonly userName: string;
  readonly order: number;
  readonly joinedAt: number;
  readonly isCreator: boolean;
  readonly isPython: boolean;
  readonly protocol: number;
  readonly connected: boolean;
  readonly status: ParticipantStatus;
}

/** A room, in answers and in REST. */
export interface RoomJson {
  readonly roomId: string;
  readonly roomName: string;
  readonly capacity: number;
  readonly participantCount: number;
  readonly settings: RoomSettings;
  readonly isProtected: boolean;
  readonly createdAt: number;
  readonly lastActivity: number;
  readonly messageCount: number;
  readonly creatorId?: string | null;
}

/** ``{ok: ...}`` of ``create-room`` and ``join-room``, and the events ``room-created``, ``room-joined``. */
export interface JoinedJson {
  readonly roomId: string;
  readonly userId: string;
  readonly room: RoomJson;
  readonly participants: readonly ParticipantJson[];
  readonly messages?: readonly (Readonly<Record<string, unknown>>)[];
  readonly resumeToken?: string | null;
  readonly inviteUrl?: string | null;
  readonly resumed?: boolean;
  readonly iceServers?: readonly IceServerEntry[];
  readonly iceExpiresAt?: number | null;
  readonly iceTtl?: number | null;
  readonly collectsAnalytics?: boolean;
}

/** The answer to `TurnRequest`. */
export interface TurnCredentialsJson {
  readonly iceServers: readonly IceServerEntry[];
  readonly expiresAt?: number | null;
  readonly ttl?: number | null;
}

export type IceRecord = CandidateSeen | CandidateFailed | CandidateRefused | PairSeen | IceStateSeen;

export type Intent = Hello | Offer | Candidate | MediaStatus | SetQuality | SetCodec | SetEffect | EnterRoom | Enter | PeerSignal | PeerStatus | SendChat | Leave | StartRecording | StopRecording | RecordingsShown | ReadRecording | StatsSample | StatsEvent | Pong | NetworkReport | ProbeReport | IceTrace | RefreshIce | CheckOffer | RunChecks | CheckReport | PageProblem;

export type Event = Welcome | Answer | Candidate | Reply | Ping | IceConfigured | ProbeIce | CheckAnswer | Checked | SwitchMedia | ApplyQuality | PeerSignal | Chat | Bye | Notice | Findings | RecordingChunk | CallState;
