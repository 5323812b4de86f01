/** The browser's media objects as far as a session uses them, and an engine that answers by hand. */
import { vi } from "vitest";
import { callState, qualities } from "../dev/fake-session";
import type { CallState, Event, Intent } from "../src/messages";
import { Session } from "../src/session";

export class FakeTrack extends EventTarget {
  readyState: "live" | "ended" = "live";
  enabled = true;
  onended: (() => void) | null = null;

  constructor(readonly kind: "audio" | "video") {
    super();
  }
  stop(): void {
    this.readyState = "ended";
  }
  getSettings(): MediaTrackSettings {
    return { width: 640, height: 480, frameRate: 30 };
  }
  async applyConstraints(): Promise<void> {}
}

export class FakeStream {
  constructor(readonly tracks: FakeTrack[] = []) {}
  getTracks = () => this.tracks;
  getVideoTracks = () => this.tracks.filter(({ kind }) => kind === "video");
  getAudioTracks = () => this.tracks.filter(({ kind }) => kind === "audio");
}

class FakeChannel {
  readyState: "connecting" | "open" = "connecting";
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  readonly sent: Intent[] = [];
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
}

export class FakePeer {
  static made: FakePeer[] = [];
  readonly channel = new FakeChannel();
  connectionState = "new";
  signalingState = "stable";
  onicecandidate = null;
  onconnectionstatechange: (() => void) | null = null;

  constructor() {
    FakePeer.made.push(this);
  }
  addTransceiver(kind: "audio" | "video") {
    const sender = {
      replaceTrack: async () => {},
      getParameters: () => ({ encodings: [{}] }),
      setParameters: async () => {},
    };
    return { sender, receiver: { track: new FakeTrack(kind) } };
  }
  createDataChannel = () => this.channel;
  createOffer = async () => ({ type: "offer", sdp: "v=0" });
  setRemoteDescription = async () => {};
  getStats = async () => new Map();
  async setLocalDescription(): Promise<void> {
    this.signalingState = "have-local-offer";
  }
  close(): void {
    this.connectionState = "closed";
  }
}

/** What the person's browser would show while it asks: resolve or reject it by hand. */
export interface Prompt {
  readonly constraints: MediaStreamConstraints;
  allow(): readonly FakeTrack[];
  refuse(name: string): void;
}

export class Page {
  readonly prompts: Prompt[] = [];
  readonly sent: Intent[] = [];
  readonly session: Session;
  isKernelThere = true;
  #revision = 0;

  constructor() {
    FakePeer.made = [];
    vi.stubGlobal("RTCPeerConnection", FakePeer);
    vi.stubGlobal("RTCRtpReceiver", {});
    vi.stubGlobal("MediaStream", FakeStream);
    vi.stubGlobal("AudioContext", undefined);
    Object.defineProperty(window, "isSecureContext", { value: true, configurable: true });
    Object.defineProperty(navigator, "mediaDevices", { value: this.#devices(), configurable: true });
    this.session = new Session((_page, intent) => {
      this.sent.push(intent);
      return this.isKernelThere;
    });
  }

  /** A view that lasts until it is aborted. */
  view(): AbortController {
    const view = new AbortController();
    this.session.attach(view.signal);
    return view;
  }

  get peer(): FakePeer {
    const newest = FakePeer.made.at(-1);
    if (newest === undefined) throw new Error("No peer connection was made.");
    return newest;
  }

  of<Type extends Intent["type"]>(type: Type): Extract<Intent, { type: Type }>[] {
    return this.sent.filter((intent) => intent.type === type) as Extract<Intent, { type: Type }>[];
  }

  state(change: Partial<CallState> = {}): void {
    this.#revision += 1;
    this.session.take(callState({ revision: this.#revision, ...change }));
  }

  welcome(change: Partial<CallState> = {}): void {
    this.#revision += 1;
    const state = callState({ revision: this.#revision, ...change });
    this.session.take({ type: "welcome", protocol: 1, state, qualities, iceServers: [] });
  }

  /** By the data channel. */
  say(event: Event): void {
    this.peer.channel.onmessage?.({ data: JSON.stringify(event) });
  }

  /** The engine answers the newest offer, the channel opens, and the call is connected. */
  async connect(): Promise<void> {
    const offer = this.of("offer").at(-1);
    if (offer === undefined) throw new Error("Nothing was offered.");
    this.session.take({ type: "answer", generation: offer.generation, sdp: "v=0" });
    this.session.take({ type: "reply", id: offer.id, errorCode: null, errorMessage: null });
    await settled();
    this.peer.channel.readyState = "open";
    this.peer.channel.onopen?.();
    this.state({ phase: "connected", owner: this.session.page });
  }

  /** From a view to a running call. */
  async call(): Promise<readonly FakeTrack[]> {
    this.view();
    this.welcome();
    const started = this.session.start();
    await settled();
    const tracks = this.prompts.at(-1)?.allow() ?? [];
    await started;
    await this.connect();
    return tracks;
  }

  #devices() {
    return Object.assign(new EventTarget(), {
      enumerateDevices: async () => [],
      getUserMedia: (constraints: MediaStreamConstraints) =>
        new Promise((resolve, reject) => {
          const allow = () => {
            const tracks = [
              ...(constraints.video ? [new FakeTrack("video")] : []),
              ...(constraints.audio ? [new FakeTrack("audio")] : []),
            ];
            resolve(new FakeStream(tracks));
            return tracks;
          };
          this.prompts.push({ constraints, allow, refuse: (name) => reject(new DOMException("", name)) });
        }),
    });
  }
}

/** Let promises that are ready run; the fake clock stands still. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
