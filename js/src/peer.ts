/**
 * One other participant: the connection to them over all its generations. A generation counts the peer connections of
 * this pair; a message of a higher one replaces the connection, one of a lower one is late and dropped.
 */
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Person } from "./contract";
import { configurationOf, hasTurn } from "./ice/configuration";
import { Guard } from "./ice/guard";
import { HINT_MS } from "./ice/hint";
import type { Ways } from "./ice/ways";
import { sendKeyframe } from "./media/sender";
import type { Codec, Participant, PeerSignal, SessionDescription } from "./messages";
import { type Half, type MediaKind, Negotiation } from "./negotiation";
import { Recovery, type Remedy } from "./recovery";
import type { OnCall } from "./stats/connection-events";

export type Standing = Omit<Person, "participant">;

export interface PeerOptions {
  /** Oneself and the other, as they are now: a room that came back counts its joins anew. */
  readonly me: () => Participant;
  readonly participant: () => Participant;
  readonly ice: Ways;
  readonly codec: () => Codec;
  /** Our tracks' stream, the same for everybody. */
  readonly outgoing: MediaStream;
  /** Messages reach the room at the moment. */
  readonly isReachable: () => boolean;
  readonly send: (signal: PeerSignal) => void;
  readonly onStanding: (standing: Standing) => void;
  /** A new connection; `ended` aborts with it. */
  readonly onConnection: (connection: RTCPeerConnection, generation: number, ended: AbortSignal) => void;
  /** What is asked of it, for the timeline. */
  readonly onCall: (generation: number, ...call: Parameters<OnCall>) => void;
  readonly onReceiver: (receiver: RTCRtpReceiver, kind: MediaKind) => void;
  /** See `isClosedByOther`. */
  readonly onClosedByOther: () => void;
  readonly onProblem: (code: string, text: string) => void;
}

interface Making {
  readonly offers: boolean;
  readonly relayOnly?: boolean;
  /** The ladder is used up, and the person knows. */
  readonly isRetry?: boolean;
}

interface Received {
  readonly type: string;
  readonly bytesReceived?: number;
  readonly responsesReceived?: number;
  readonly requestsReceived?: number;
}

/** A client of the tutorial protocol that ought to offer has this long for it. */
export const LEGACY_MS = 2_000;
/** A restart of what the browser still calls connected may take so long before the person is told. */
export const TELL_MS = 1_500;
/** From the key frame after a gap to another one. */
export const SECOND_MS = 1_000;
const MOST_SECTIONS = 8;

export class Peer {
  readonly #options: PeerOptions;
  readonly #standing: Signal<Standing> = signal({ stream: null, connection: "connecting", reason: "" });
  readonly #recovery: Recovery;
  /** One for all generations, so that a view need not be told of a new connection. */
  readonly #stream = new MediaStream();
  #negotiation: Negotiation | null = null;
  #generation = 0;
  #ended = new AbortController();
  #video: MediaStreamTrack | null = null;
  #audio: MediaStreamTrack | null = null;
  /** Candidates that overtook the offer of their generation. */
  #ahead: PeerSignal[] = [];
  #wasConnected = false;
  #wasDisconnected = false;
  #isClosed = false;
  #legacy: ReturnType<typeof setTimeout> | undefined;
  #hint: ReturnType<typeof setTimeout> | undefined;
  #tell: ReturnType<typeof setTimeout> | undefined;
  #second: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#recovery = new Recovery({
      received: () => this.#received(),
      // an offer that nobody answered would hold the restart back
      canRestart: () => !options.participant().isPython && this.connection?.signalingState === "stable",
      hasRelay: () => hasTurn(options.ice.configuration),
      isReachable: () => options.isReachable() && options.participant().isConnected,
      heal: (remedy) => void this.#heal(remedy),
      onWaiting: () =>
        this.#disturbed(`The connection to ${this.#name} was lost; it is mended once they can be reached.`),
      onGivenUp: () => this.#giveUp(),
      onResumed: () => this.#resumed(),
    });
  }

  get standing(): ReadonlySignal<Standing> {
    return this.#standing;
  }

  get generation(): number {
    return this.#generation;
  }

  get connection(): RTCPeerConnection | null {
    return this.#negotiation?.connection ?? null;
  }

  get isConnected(): boolean {
    return this.#negotiation?.isConnected ?? false;
  }

  /** The other side has closed the connection: it left, or makes another one. */
  get isClosedByOther(): boolean {
    return this.#negotiation?.isClosedByOther ?? false;
  }

  /** What sends our picture; null until the transceivers are there. */
  get video(): RTCRtpSender | null {
    return this.#negotiation?.video?.sender ?? null;
  }

  /** Offer, where it is ours to offer; else wait for the other's offer, and offer when it does not come. */
  start(): void {
    if (this.#offersFirst()) this.#build(this.#generation + 1, { offers: true });
    else {
      this.#recovery.begin(false);
      if (this.#isLegacy) {
        this.#legacy = setTimeout(() => this.#build(this.#generation + 1, { offers: true }), LEGACY_MS);
      }
    }
  }

  setTracks(video: MediaStreamTrack | null, audio: MediaStreamTrack | null): void {
    this.#video = video;
    this.#audio = audio;
    this.#negotiation?.setTracks(video, audio);
  }

  codecChanged(): void {
    this.#negotiation?.renegotiate();
  }

  take(signal: PeerSignal): void {
    if (signal.description !== null) this.#describe(signal, signal.description);
    else if (signal.candidate !== null) {
      const generation = signal.generation ?? this.#generation;
      if (generation > this.#generation || this.#negotiation === null) this.#keep(signal);
      else if (generation === this.#generation) void this.#negotiation.takeCandidate(signal.candidate);
    }
  }

  /** The room's server, or the other's seat, is back. */
  reachable(): void {
    this.#recovery.reachable();
  }

  /** This computer has another network, or (`isOther` false) the browser judges it anew. */
  networkChanged(isOther: boolean): void {
    void this.#recovery.networkChanged(isOther);
  }

  /** A click: try anew. */
  reconnect(): void {
    this.#recovery.again();
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#legacy);
    clearTimeout(this.#hint);
    clearTimeout(this.#tell);
    clearTimeout(this.#second);
    this.#isClosed = true;
    this.#options.ice.troubled(this.#options.participant().id, false);
    this.#recovery.stop();
    this.#drop();
    for (const track of this.#stream.getTracks()) this.#stream.removeTrack(track);
  }

  // --- descriptions

  #describe(signal: PeerSignal, description: SessionDescription): void {
    if (description.sdp.split("\nm=").length - 1 > MOST_SECTIONS) {
      this.#options.onProblem(
        "peer",
        `${this.#name} offered more than ${MOST_SECTIONS} media sections; refused.`,
      );
      return;
    }
    if (this.#isLegacy) this.#describeLegacy(description);
    else this.#describeOwn(signal.generation ?? Math.max(1, this.#generation), description);
  }

  #describeOwn(generation: number, description: SessionDescription): void {
    const isOffer = description.type === "offer";
    if (generation < this.#generation) return;
    if (generation > this.#generation) {
      if (!isOffer) return;
      this.#build(generation, { offers: false });
    } else if (
      isOffer &&
      (this.#negotiation === null || (this.#isPolite && this.#negotiation.isFreshOffer))
    ) {
      // both have begun this generation: ours is thrown away, since a rollback would leave its transceivers behind
      this.#build(generation, { offers: false });
    }
    void this.#negotiation?.take(description);
  }

  /** Broadcast to everybody, without a generation: is it meant for us? */
  #describeLegacy(description: SessionDescription): void {
    const known = this.#negotiation?.isWith(description.sdp) ?? false;
    if (description.type === "offer" && !known) {
      if (this.#negotiation?.isConnected) return; // another person's
      this.#build(this.#generation + 1, { offers: false });
    }
    void this.#negotiation?.take(description);
  }

  #offersFirst(): boolean {
    const [me, other] = [this.#options.me(), this.#options.participant()];
    if (other.isPython) return true;
    if (this.#isLegacy) return other.isCreator || other.order > me.order;
    return me.order > other.order;
  }

  get #isLegacy(): boolean {
    const { protocol, isPython } = this.#options.participant();
    return protocol === 0 && !isPython;
  }

  /** The later joiner; towards Python and tutorial clients always, since they know no rollback. */
  get #isPolite(): boolean {
    const other = this.#options.participant();
    return other.isPython || this.#isLegacy || this.#options.me().order > other.order;
  }

  get #name(): string {
    return this.#options.participant().name;
  }

  // --- connections

  #build(generation: number, how: Making): void {
    clearTimeout(this.#legacy);
    this.#drop();
    const ended = new AbortController();
    this.#ended = ended;
    this.#generation = generation;
    this.#recovery.begin(!how.offers, how.isRetry);
    if (this.#standing.value.connection === "failed" && how.isRetry !== true) this.#disturbed("");
    this.#explainSoon();
    const { id } = this.#options.participant();
    const own = () => ownAddresses(this.connection);
    const guard = new Guard(own, (refusal) => this.#options.ice.refused(id, generation, refusal));
    const negotiation = new Negotiation({
      configuration: configurationOf(this.#options.ice.configuration, how.relayOnly === true),
      guard,
      outgoing: this.#options.outgoing,
      isPolite: () => this.#isPolite,
      renegotiates: !this.#options.participant().isPython && !this.#isLegacy,
      codec: this.#options.codec,
      send: (half) => this.#say(generation, half),
      onReceiver: (receiver, kind) => this.#receive(receiver, kind, ended.signal),
      onConnection: (connection) => this.#options.onConnection(connection, generation, ended.signal),
      onState: (state) => this.#changed(state),
      onCall: (...call) => this.#options.onCall(generation, ...call),
      onClosedByOther: this.#options.onClosedByOther,
      onRefused: (what, error) => this.#refused(what, error),
    });
    this.#negotiation = negotiation;
    negotiation.setTracks(this.#video, this.#audio);
    if (how.offers) negotiation.begin();
    const ahead = this.#ahead.splice(0);
    for (const { generation: theirs, candidate } of ahead) {
      if (candidate !== null && (theirs ?? generation) === generation)
        void negotiation.takeCandidate(candidate);
    }
  }

  #drop(): void {
    this.#ended.abort();
    this.#negotiation?.close();
    this.#negotiation = null;
  }

  #say(generation: number, half: Half): void {
    // tutorial clients know no end of candidates, and hand an empty one to a constructor that throws
    if (this.#isLegacy && half.candidate?.candidate === "") return;
    const { id } = this.#options.participant();
    this.#options.send({
      type: "peer-signal",
      peer: id,
      generation: this.#isLegacy ? null : generation,
      ...half,
    });
  }

  /** At most as many as one offer may bring; the ladder makes up for what is dropped. */
  #keep(signal: PeerSignal): void {
    if (this.#ahead.length < 100) this.#ahead.push(signal);
  }

  #receive(receiver: RTCRtpReceiver, kind: MediaKind, ended: AbortSignal): void {
    this.#options.onReceiver(receiver, kind);
    const show = () => {
      if (ended.aborted) return;
      for (const old of this.#stream.getTracks()) {
        if (old.kind === kind && old !== receiver.track) this.#stream.removeTrack(old);
      }
      this.#stream.addTrack(receiver.track);
      if (this.#standing.value.stream === null) this.#stand({ stream: this.#stream });
    };
    // the old picture stays until the new connection brings one
    if (receiver.track.muted) receiver.track.addEventListener("unmute", show, { once: true, signal: ended });
    else show();
  }

  #refused(what: "description" | "candidate" | "track", error: unknown): void {
    this.#options.onProblem("peer", `The browser refused a ${what} for ${this.#name} (${error}).`);
    // what a participant sends must not harm a connection that works
    if (what === "description" && this.#negotiation?.isConnected === false) this.#recovery.step();
  }

  // --- how it goes

  #changed(state: RTCPeerConnectionState): void {
    if (state === "connected") {
      this.#well();
      if (this.#wasDisconnected) this.#sendKeyframe();
      this.#wasConnected = true;
    }
    this.#wasDisconnected = state === "disconnected" || state === "failed";
    this.#recovery.changed(state);
  }

  #well(): void {
    clearTimeout(this.#hint);
    clearTimeout(this.#tell);
    this.#options.ice.troubled(this.#options.participant().id, false);
    this.#stand({ connection: "connected", reason: "" });
  }

  /** Something comes again over a connection that never stopped counting as connected. */
  #resumed(): void {
    this.#well();
    this.#sendKeyframe();
  }

  /**
   * Whoever lost more than can be sent again asks for one, in Chromium only every 3 s. The first may itself be lost while
   * ICE changes its path.
   */
  #sendKeyframe(): void {
    const send = () => {
      const sender = this.video;
      if (sender?.track) sendKeyframe(sender).catch(() => {}); // refused where nothing is sent now
    };
    send();
    clearTimeout(this.#second);
    this.#second = setTimeout(send, SECOND_MS);
  }

  async #heal(remedy: Remedy): Promise<void> {
    this.#tellLost(remedy);
    const ended = this.#ended;
    if (!this.#options.ice.isFresh) await this.#options.ice.refresh();
    if (this.#isClosed || ended !== this.#ended) return; // or the other side was quicker
    if (remedy === "restart") {
      this.#explainSoon();
      this.#options.ice.restarted(this.#options.participant().id);
      this.#negotiation?.restart(configurationOf(this.#options.ice.configuration));
      return;
    }
    const relayOnly = remedy === "relay";
    this.#build(this.#generation + 1, { offers: true, relayOnly, isRetry: remedy === "retry" });
  }

  #tellLost(remedy: Remedy): void {
    const { id, name } = this.#options.participant();
    if (this.#wasConnected) this.#options.ice.troubled(id, true);
    clearTimeout(this.#tell);
    if (remedy === "retry") return;
    const lost = this.#wasConnected ? "was lost; mending it" : "does not open; trying again";
    const tell = () => this.#disturbed(`The connection to ${name} ${lost}.`);
    if (remedy === "restart" && this.isConnected) this.#tell = setTimeout(tell, TELL_MS);
    else tell();
  }

  /** Nobody waits before a spinner that says nothing. */
  #explainSoon(): void {
    clearTimeout(this.#hint);
    this.#hint = setTimeout(() => {
      const { connection, reason } = this.#standing.value;
      const { id, name } = this.#options.participant();
      const hint = this.#options.ice.hint(id, name);
      if (connection === "connected" || connection === "failed" || hint === "") return;
      this.#stand({ reason: `${reason} ${hint}`.trim() });
    }, HINT_MS);
  }

  #disturbed(reason: string): void {
    this.#stand({ connection: this.#wasConnected ? "reconnecting" : "connecting", reason });
  }

  #giveUp(): void {
    this.#drop();
    const hint = hasTurn(this.#options.ice.configuration)
      ? "not even by the TURN server"
      : "and no TURN server is configured that could help";
    this.#stand({ connection: "failed", reason: `No network path to ${this.#name} works, ${hint}.` });
  }

  #stand(change: Partial<Standing>): void {
    const before = this.#standing.value;
    const standing = { ...before, ...change };
    this.#standing.value = standing;
    if (standing.connection !== before.connection || standing.reason !== before.reason) {
      this.#options.onStanding(standing);
    }
  }

  async #received(): Promise<number> {
    let bytes = 0;
    const reports = await this.connection?.getStats();
    reports?.forEach((report: Received) => {
      if (report.type === "inbound-rtp") bytes += report.bytesReceived ?? 0;
      // reports (RTCP) and checks of the path are heard where nobody speaks, too
      else if (report.type === "candidate-pair") {
        bytes += report.bytesReceived ?? 0;
        bytes += (report.responsesReceived ?? 0) + (report.requestsReceived ?? 0);
      }
    });
    return bytes;
  }
}

/** Addresses of our own candidates, as far as the browser shows them. */
function ownAddresses(connection: RTCPeerConnection | null): string[] {
  const sdp = connection?.localDescription?.sdp ?? "";
  return [...sdp.matchAll(/^a=candidate:(?:\S+ ){4}(\S+)/gim)].flatMap(([, address]) => address ?? []);
}
