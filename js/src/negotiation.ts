/**
 * One peer connection to another participant: perfect negotiation (webrtc-pc, section 10.7) over one audio and one video
 * transceiver. Recovery beyond an ICE restart is another `Negotiation`, of a higher generation.
 */

import type { Guard } from "./ice/guard";
import { preferCodec } from "./media/codecs";
import type { Codec, IceCandidate, SessionDescription } from "./messages";
import { kindOf, type MethodCall, type OnCall, reasonOf } from "./stats/connection-events";
import { askCaptureTimes } from "./tap/capture-time";
import { withoutOrientation } from "./video-orientation";

export type MediaKind = "audio" | "video";

/** What goes to the other side: a description or a candidate. */
export interface Half {
  readonly description: SessionDescription | null;
  readonly candidate: IceCandidate | null;
}

export interface NegotiationOptions {
  readonly configuration: RTCConfiguration;
  /** Which of the other side's candidates the browser may have. */
  readonly guard: Guard;
  /** Names our tracks for the other side, the same over all connections. */
  readonly outgoing: MediaStream;
  readonly isPolite: () => boolean;
  /** False towards Python and clients of the tutorial protocol: after the first description only ICE restarts go out. */
  readonly renegotiates: boolean;
  readonly codec: () => Codec;
  readonly send: (signal: Half) => void;
  /** A transceiver is there; its track carries nothing yet. */
  readonly onReceiver: (receiver: RTCRtpReceiver, kind: MediaKind) => void;
  /** It is made, and nobody listens to it yet. */
  readonly onConnection: (connection: RTCPeerConnection) => void;
  readonly onState: (state: RTCPeerConnectionState) => void;
  /** For the timeline. */
  readonly onCall: OnCall;
  /** See `isClosedByOther`. */
  readonly onClosedByOther: () => void;
  /** The browser refused this; without a description there will be no connection. */
  readonly onRefused: (what: "description" | "candidate" | "track", error: unknown) => void;
}

/** Candidates that wait for their description (RFC 8838); what comes beyond that is dropped. */
const MOST_EARLY = 100;

export class Negotiation {
  readonly connection: RTCPeerConnection;
  readonly #options: NegotiationOptions;
  readonly #transceivers: Partial<Record<MediaKind, RTCRtpTransceiver>> = {};
  readonly #tracks: Record<MediaKind, MediaStreamTrack | null> = { audio: null, video: null };
  /** What the senders were last given: `sender.track` is behind while `replaceTrack` runs. */
  readonly #given: Record<MediaKind, MediaStreamTrack | null> = { audio: null, video: null };
  #early: RTCIceCandidateInit[] = [];
  #makingOffer = false;
  #ignoreOffer = false;
  #isSettingRemoteAnswerPending = false;
  /** The negotiation that was asked for while another one was going on. */
  #again = false;
  #restarting = false;
  #closed = false;

  constructor(options: NegotiationOptions) {
    this.#options = options;
    this.connection = new RTCPeerConnection(options.configuration);
    options.onConnection(this.connection);
    this.connection.onnegotiationneeded = () => void this.#offer();
    this.connection.onicecandidate = ({ candidate }) => this.#candidate(candidate);
    this.connection.onconnectionstatechange = () => {
      this.#watchTransport();
      options.onState(this.connection.connectionState);
    };
    this.connection.onsignalingstatechange = () => {
      if (this.#again && this.connection.signalingState === "stable") void this.#offer();
    };
  }

  /** We are the one who offers: the transceivers ask for the first negotiation by themselves. */
  begin(): void {
    for (const kind of ["audio", "video"] as const) {
      const transceiver = this.connection.addTransceiver(kind, {
        direction: "sendrecv",
        streams: [this.#options.outgoing],
      });
      this.#keep(kind, transceiver);
    }
    this.#prefer();
  }

  get video(): RTCRtpTransceiver | null {
    return this.#transceivers.video ?? null;
  }

  /** We have offered, and nothing of the other side has come yet. */
  get isFreshOffer(): boolean {
    const { localDescription, remoteDescription } = this.connection;
    const offers = this.#makingOffer || localDescription?.type === "offer";
    return offers && remoteDescription === null && !this.#isSettingRemoteAnswerPending;
  }

  get isConnected(): boolean {
    return this.connection.connectionState === "connected";
  }

  /** The other side has closed its end (RFC 8446, section 6.1): the connection's own state says so seconds later. */
  get isClosedByOther(): boolean {
    return this.#transport?.state === "closed";
  }

  /** The description comes from the very peer connection that this one is connected with (RFC 8122). */
  isWith(sdp: string): boolean {
    const known = fingerprintOf(this.connection.remoteDescription?.sdp ?? "");
    return known !== null && known === fingerprintOf(sdp);
  }

  /** Send these tracks from now on; null sends nothing. */
  setTracks(video: MediaStreamTrack | null, audio: MediaStreamTrack | null): void {
    this.#tracks.video = video;
    this.#tracks.audio = audio;
    this.#send("video");
    this.#send("audio");
  }

  /** Another codec is preferred: ask for it, where a live connection may be asked. */
  renegotiate(): void {
    if (!this.#options.renegotiates || this.#transceivers.video === undefined) return;
    this.#prefer();
    void this.#offer();
  }

  /** New ICE credentials and candidates over the same connection (RFC 8445, section 2.4). */
  restart({ iceServers = [] }: RTCConfiguration): void {
    this.#restarting = true;
    // the rest of a configuration is settled once descriptions are there (webrtc-pc, section 4.4.1.6)
    this.connection.setConfiguration({ ...this.connection.getConfiguration(), iceServers });
    this.connection.restartIce(); // fires negotiationneeded
  }

  async take(description: SessionDescription): Promise<void> {
    const connection = this.connection;
    const isOffer = description.type === "offer";
    const ready =
      !this.#makingOffer && (connection.signalingState === "stable" || this.#isSettingRemoteAnswerPending);
    this.#ignoreOffer = isOffer && !ready && !this.#options.isPolite();
    if (this.#ignoreOffer) {
      this.#early = [];
      return;
    }
    if (!isOffer && connection.signalingState !== "have-local-offer") return; // late, or meant for another offer
    let failure: MethodCall = "setRemoteDescriptionOnFailure";
    try {
      this.#options.onCall("setRemoteDescription", description.type);
      this.#isSettingRemoteAnswerPending = !isOffer;
      const { type, sdp } = description;
      await connection.setRemoteDescription({
        type,
        sdp: withoutOrientation(this.#options.guard.clean(sdp)),
      }); // rolls an offer of ours back where that is needed
      this.#isSettingRemoteAnswerPending = false;
      for (const candidate of this.#early.splice(0)) void this.#add(candidate);
      if (!isOffer) return;
      this.#adopt();
      failure = "setLocalDescriptionOnFailure";
      this.#options.onCall("setLocalDescription", "answer");
      await connection.setLocalDescription();
      this.#say();
    } catch (error) {
      this.#isSettingRemoteAnswerPending = false;
      this.#refused("description", failure, error);
    }
  }

  async takeCandidate(candidate: IceCandidate): Promise<void> {
    if (this.#ignoreOffer || this.#closed || !this.#options.guard.admits(candidate.candidate)) return;
    if (this.connection.remoteDescription !== null) await this.#add(candidate);
    else if (this.#early.length < MOST_EARLY) this.#early.push(candidate);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    const connection = this.connection;
    connection.onnegotiationneeded = connection.onicecandidate = null;
    connection.onconnectionstatechange = connection.onsignalingstatechange = null;
    connection.close();
  }

  get #transport(): RTCDtlsTransport | null {
    return this.#transceivers.audio?.sender.transport ?? null;
  }

  #watchTransport(): void {
    const transport = this.#transport;
    if (transport === null) return;
    transport.onstatechange = () => {
      if (!this.#closed && this.isClosedByOther) this.#options.onClosedByOther();
    };
  }

  async #offer(): Promise<void> {
    const isFirst = this.connection.localDescription === null;
    if (!isFirst && !this.#options.renegotiates && !this.#restarting) return;
    this.#again = this.connection.signalingState !== "stable";
    if (this.#again || this.#closed) return;
    this.#restarting = false;
    try {
      this.#makingOffer = true;
      this.#options.onCall("setLocalDescription", "offer");
      await this.connection.setLocalDescription();
      this.#say();
    } catch (error) {
      this.#refused("description", "setLocalDescriptionOnFailure", error);
    } finally {
      this.#makingOffer = false;
    }
  }

  /** Answer with one transceiver of each kind, those that the offer made. */
  #adopt(): void {
    for (const transceiver of this.connection.getTransceivers()) {
      const kind = transceiver.receiver.track.kind as MediaKind;
      if (this.#transceivers[kind] !== undefined || transceiver.direction === "stopped") continue;
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams?.(this.#options.outgoing);
      this.#keep(kind, transceiver);
    }
    // "auto" follows the order of the offer, so that what one person chose reaches both directions
    if (this.#options.codec() === "auto") this.#transceivers.video?.setCodecPreferences?.([]);
    else this.#prefer();
  }

  #keep(kind: MediaKind, transceiver: RTCRtpTransceiver): void {
    this.#transceivers[kind] = transceiver;
    askCaptureTimes(transceiver);
    this.#options.onReceiver(transceiver.receiver, kind);
    this.#send(kind);
  }

  #prefer(): void {
    const video = this.#transceivers.video;
    if (video !== undefined) preferCodec(video, this.#options.codec());
  }

  #send(kind: MediaKind): void {
    const sender = this.#transceivers[kind]?.sender;
    const track = this.#tracks[kind];
    if (sender === undefined || this.#given[kind] === track) return;
    this.#given[kind] = track;
    sender.replaceTrack(track).catch((error: unknown) => {
      if (!this.#closed) this.#options.onRefused("track", error);
    });
  }

  #say(): void {
    const description = this.connection.localDescription;
    if (description === null || this.#closed) return;
    const { type, sdp } = description;
    if (type === "offer" || type === "answer") {
      this.#options.send({ description: { type, sdp: withoutOrientation(sdp) }, candidate: null });
    }
  }

  #candidate(candidate: RTCIceCandidate | null): void {
    if (candidate?.candidate === "") return; // the end of one generation of candidates; null ends them all
    this.#options.send({
      description: null,
      candidate: {
        candidate: candidate?.candidate ?? "",
        sdpMid: candidate?.sdpMid ?? null,
        sdpMLineIndex: candidate?.sdpMLineIndex ?? null,
        usernameFragment: candidate?.usernameFragment ?? null,
      },
    });
  }

  async #add(candidate: RTCIceCandidateInit): Promise<void> {
    try {
      this.#options.onCall("addIceCandidate", kindOf(candidate.candidate ?? ""));
      await this.connection.addIceCandidate(candidate.candidate === "" ? undefined : candidate);
    } catch (error) {
      if (!this.#ignoreOffer) this.#refused("candidate", "addIceCandidateFailed", error);
    }
  }

  #refused(what: "description" | "candidate", failure: MethodCall, error: unknown): void {
    if (this.#closed) return;
    this.#options.onCall(failure, reasonOf(error));
    this.#options.onRefused(what, error);
  }
}

function fingerprintOf(sdp: string): string | null {
  return /^a=fingerprint:(\S+ \S+)/im.exec(sdp)?.[1]?.toLowerCase() ?? null;
}
