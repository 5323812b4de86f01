/** RTCPeerConnection as far as signaling goes (webrtc-pc, section 4.3.3): states and descriptions, no network. */
import type { Event, Intent } from "../src/messages";
import { FakeTrack } from "./fake-track";

export class FakeChannel {
  readyState: "connecting" | "open" = "connecting";
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  readonly sent: Intent[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
}

export class FakeTransport extends EventTarget {
  state = "connected";
  onstatechange: (() => void) | null = null;
  readonly iceTransport = new FakeIceTransport();
  become(state: string): void {
    this.state = state;
    this.onstatechange?.();
    this.dispatchEvent(new Event("statechange"));
  }
}

class FakeIceTransport extends EventTarget {
  #pair: object | null = null;
  getSelectedCandidatePair = () => this.#pair;
  select(local: string, remote: string): void {
    this.#pair = { local: { candidate: local }, remote: { candidate: remote } };
    this.dispatchEvent(new Event("selectedcandidatepairchange"));
  }
}

export class FakeSender {
  track: FakeTrack | null = null;
  readonly transport = new FakeTransport();
  readonly parameters = { encodings: [{ active: true } as RTCRtpEncodingParameters] };
  async replaceTrack(track: FakeTrack | null): Promise<void> {
    this.track = track;
  }
  getParameters = () => structuredClone(this.parameters);
  /** How often one was asked for (webrtc-extensions, section 5.5). */
  keyframes = 0;
  async setParameters(
    parameters: { encodings: RTCRtpEncodingParameters[] },
    options: { encodingOptions: { keyFrame: boolean }[] } = { encodingOptions: [] },
  ): Promise<void> {
    this.parameters.encodings = parameters.encodings;
    if (options.encodingOptions.some(({ keyFrame }) => keyFrame)) this.keyframes += 1;
  }
  setStreams(): void {}
}

export class FakeTransceiver {
  direction = "sendrecv";
  readonly sender = new FakeSender();
  readonly receiver: { track: FakeTrack; getSynchronizationSources: () => never[] };
  readonly preferences: unknown[][] = [];
  constructor(kind: "audio" | "video") {
    this.receiver = { track: new FakeTrack(kind), getSynchronizationSources: () => [] };
    this.receiver.track.muted = true;
  }
  setCodecPreferences(codecs: unknown[]): void {
    this.preferences.push(codecs);
  }
}

interface Description {
  readonly type: "offer" | "answer";
  readonly sdp: string;
}

export class FakePeer extends EventTarget {
  static made: FakePeer[] = [];
  static get newest(): FakePeer {
    const newest = FakePeer.made.at(-1);
    if (newest === undefined) throw new Error("No peer connection was made.");
    return newest;
  }
  readonly number = FakePeer.made.push(this);
  readonly channel = new FakeChannel();
  readonly transceivers: FakeTransceiver[] = [];
  readonly candidates: unknown[] = [];
  connectionState = "new";
  iceConnectionState = "new";
  iceGatheringState = "new";
  signalingState = "stable";
  localDescription: Description | null = null;
  remoteDescription: Description | null = null;
  /** The one to Python, which has data channels. */
  isLink = false;
  restarts = 0;
  received = 0;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  onsignalingstatechange: (() => void) | null = null;
  onnegotiationneeded: (() => void) | null = null;

  constructor(public configuration: RTCConfiguration = {}) {
    super();
  }

  addTransceiver(kind: "audio" | "video"): FakeTransceiver {
    const transceiver = new FakeTransceiver(kind);
    this.transceivers.push(transceiver);
    if (this.transceivers.length === 1) queueMicrotask(() => this.onnegotiationneeded?.());
    return transceiver;
  }
  getTransceivers = () => this.transceivers;
  createDataChannel = (name: string) => {
    this.isLink = true;
    return name === "control" ? this.channel : new FakeChannel();
  };
  createOffer = async () => this.#description("offer");
  getStats = async () => new Map([["in", { type: "inbound-rtp", bytesReceived: this.received }]]);
  getConfiguration = () => this.configuration;
  setConfiguration(configuration: RTCConfiguration): void {
    this.configuration = configuration;
  }
  restartIce(): void {
    this.restarts += 1;
    queueMicrotask(() => this.onnegotiationneeded?.());
  }

  async setLocalDescription(given?: Description): Promise<void> {
    await Promise.resolve();
    this.#mayBeClosed();
    const answers = this.signalingState === "have-remote-offer";
    this.localDescription = given ?? this.#description(answers ? "answer" : "offer");
    this.#signal(this.localDescription.type === "answer" ? "stable" : "have-local-offer");
  }

  async setRemoteDescription(description: Description): Promise<void> {
    await Promise.resolve();
    this.#mayBeClosed();
    if (!description.sdp.startsWith("v=0")) throw new DOMException("no SDP", "OperationError");
    if (description.type === "answer" && this.signalingState !== "have-local-offer") {
      throw new DOMException("no offer", "InvalidStateError");
    }
    this.remoteDescription = description;
    if (description.type === "offer" && this.transceivers.length === 0) {
      this.transceivers.push(new FakeTransceiver("audio"), new FakeTransceiver("video"));
    }
    this.#signal(description.type === "offer" ? "have-remote-offer" : "stable");
  }

  async addIceCandidate(candidate?: unknown): Promise<void> {
    this.candidates.push(candidate);
  }

  close(): void {
    this.connectionState = "closed";
    this.signalingState = "closed";
  }

  /** Python says it on the data channel. */
  say(event: Event): void {
    this.channel.onmessage?.({ data: JSON.stringify(event) });
  }

  /** What the network does. */
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  /** The other side has closed its end (RFC 8446, section 6.1): the connection's own state stays as it is. */
  endByOther(): void {
    this.sender("audio").transport.become("closed");
  }

  sender(kind: "audio" | "video"): FakeSender {
    const transceiver = this.transceivers.find(({ receiver }) => receiver.track.kind === kind);
    if (transceiver === undefined) throw new Error(`No ${kind} transceiver was made.`);
    return transceiver.sender;
  }

  #description(type: "offer" | "answer"): Description {
    return { type, sdp: `v=0\r\na=fingerprint:sha-256 ${this.number}\r\nm=audio\r\nm=video\r\n` };
  }

  #signal(state: string): void {
    this.signalingState = state;
    this.onsignalingstatechange?.();
    this.dispatchEvent(new Event("signalingstatechange"));
  }

  #mayBeClosed(): void {
    if (this.signalingState === "closed") throw new DOMException("closed", "InvalidStateError");
  }
}
