/** The browser's media objects as far as a session uses them, and an engine that answers by hand. */

import { vi } from "vitest";
import { callState, qualities } from "../dev/fake-session";
import { DIRECT } from "../src/ice/configuration";
import { type CallState, type Event, type Intent, PROTOCOL } from "../src/messages";
import { Session, type SessionOptions } from "../src/session";
import { FakePeer } from "./fake-peer";
import { FakeStream, FakeTrack } from "./fake-track";

export { FakePeer, FakeTrack };

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

  constructor(options: SessionOptions = {}) {
    FakePeer.made = [];
    vi.stubGlobal("RTCPeerConnection", FakePeer);
    vi.stubGlobal("RTCRtpReceiver", {});
    vi.stubGlobal("MediaStream", FakeStream);
    vi.stubGlobal("AudioContext", undefined);
    vi.stubGlobal("CompressionStream", undefined); // what is sent can be read at once
    Object.defineProperty(window, "isSecureContext", { value: true, configurable: true });
    Object.defineProperty(navigator, "mediaDevices", { value: this.#devices(), configurable: true });
    this.session = new Session((_page, intent) => {
      this.sent.push(intent);
      return this.isKernelThere;
    }, options);
  }

  /** A view that lasts until it is aborted. */
  view(): AbortController {
    const view = new AbortController();
    this.session.attach(view.signal);
    return view;
  }

  get peer(): FakePeer {
    return FakePeer.newest;
  }

  /** The newest connection to Python. */
  get link(): FakePeer {
    const link = FakePeer.made.filter(({ isLink }) => isLink).at(-1);
    if (link === undefined) throw new Error("No link was made.");
    return link;
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
    this.session.take({
      type: "welcome",
      protocol: PROTOCOL,
      state,
      qualities,
      ice: DIRECT,
      chat: [],
      findings: [],
    });
  }

  /** By the data channel. */
  say(event: Event): void {
    this.peer.channel.onmessage?.({ data: JSON.stringify(event) });
  }

  /** What the page said on the data channels of its links. */
  said<Type extends Intent["type"]>(type: Type): Extract<Intent, { type: Type }>[] {
    const all = FakePeer.made.flatMap(({ channel }) => channel.sent);
    return all.filter((intent) => intent.type === type) as Extract<Intent, { type: Type }>[];
  }

  /** The engine answers the newest offer, the channel opens, and the call is connected. */
  async connect(change: Partial<CallState> = {}): Promise<void> {
    const offer = this.of("offer").at(-1);
    if (offer === undefined) throw new Error("Nothing was offered.");
    this.session.take({ type: "answer", generation: offer.generation, sdp: "v=0" });
    this.session.take({ type: "reply", id: offer.id, errorCode: null, errorMessage: null });
    await settled();
    const { channel } = this.link;
    channel.readyState = "open";
    channel.onopen?.();
    this.state({ phase: "connected", owner: this.session.page, ...change });
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
