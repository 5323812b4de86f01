/**
 * The page's end of the link: one peer connection to Python, over fixed transceivers. Recovery is a new link with a
 * higher generation. No DOM, no Jupyter: what it says goes through `send`, what it hears through `take`.
 */

import { configurationOf } from "./ice/configuration";
import { changeParameters } from "./media/sender";
import type { Answer, Candidate, Event, IceConfiguration, Intent, Offer, StatsSample } from "./messages";
import { type OnCall, reasonOf } from "./stats/connection-events";
import { canPack, pack } from "./stats/pack";
import type { Tap } from "./tap";

export interface LinkOptions {
  readonly generation: number;
  readonly ice: IceConfiguration;
  readonly takeOver: boolean;
  /** In a room: what copies the others' frames to Python, over a channel of its own on this link. */
  readonly tap?: Tap;
  /** By the comm: the data channel is not there yet. */
  readonly offer: (offer: Omit<Offer, "id">) => Promise<void>;
  readonly candidate: (candidate: Candidate) => void;
  readonly onEvent: (event: Event) => void;
  readonly onOpen: () => void;
  readonly onFailed: (reason: string) => void;
  /** What is asked of the connection, for the timeline. */
  readonly onCall: (generation: number, ...call: Parameters<OnCall>) => void;
}

/** Silence of the engine's heartbeat (four a second) after which the link counts as disturbed. */
export const SILENT_MS = 900;

export class Link {
  readonly generation: number;
  readonly connection: RTCPeerConnection;
  readonly remoteStream: MediaStream;
  readonly #options: LinkOptions;
  readonly #audio: RTCRtpTransceiver;
  readonly #video: RTCRtpTransceiver;
  readonly #control: RTCDataChannel;
  #heard_ms = performance.now();
  #effectDelay_s: number | null = null;
  #soundDelay_s: number | null = null;
  #closed = false;

  constructor(options: LinkOptions) {
    this.generation = options.generation;
    this.#options = options;
    this.connection = new RTCPeerConnection(configurationOf(options.ice));
    this.#audio = this.connection.addTransceiver("audio", { direction: "sendrecv" });
    this.#video = this.connection.addTransceiver("video", { direction: "sendrecv" });
    // Python chooses: VP8, or H.264 where the call asks for it
    preferCodecs(this.#video, ["video/VP8", "video/H264", "video/rtx"]);
    preferCodecs(this.#audio, ["audio/opus"]);
    // as little waiting as possible on the way back (webrtc-extensions, jitterBufferTarget)
    if ("jitterBufferTarget" in this.#video.receiver) this.#video.receiver.jitterBufferTarget = 0;
    this.remoteStream = new MediaStream([this.#video.receiver.track, this.#audio.receiver.track]);
    this.#control = this.connection.createDataChannel("control", { negotiated: true, id: 0 });
    this.#control.onopen = () => {
      this.#heard_ms = performance.now();
      options.onOpen();
    };
    this.#control.onmessage = (message: MessageEvent<string>) => this.#hear(message.data);
    // a busy control channel and the tap must not wait for each other
    options.tap?.connect(this.connection.createDataChannel("tap", { negotiated: true, id: 1 }));
    this.connection.onicecandidate = ({ candidate }) => {
      if (this.#closed) return;
      options.candidate({
        type: "candidate",
        generation: this.generation,
        candidate: candidate?.candidate ?? "",
        sdpMid: candidate?.sdpMid ?? null,
        sdpMLineIndex: candidate?.sdpMLineIndex ?? null,
      });
    };
    this.connection.onconnectionstatechange = () => {
      if (this.connection.connectionState === "failed") options.onFailed("No network path to Python works.");
    };
  }

  /** Begin: the offer goes out before the devices are open, so that both happen at the same time. */
  async start(): Promise<void> {
    const offer = await this.connection.createOffer();
    await this.#describe("setLocalDescription", offer);
    await this.#options.offer({
      type: "offer",
      generation: this.generation,
      sdp: offer.sdp ?? "",
      takeOver: this.#options.takeOver,
    });
  }

  /** A candidate of the engine's, which trickles after its answer. */
  async takeCandidate({ candidate, sdpMid, sdpMLineIndex }: Candidate): Promise<void> {
    if (this.#closed) return;
    await this.connection.addIceCandidate(
      candidate === "" ? undefined : { candidate, sdpMid, sdpMLineIndex },
    );
  }

  async answer(answer: Answer): Promise<void> {
    if (this.#closed || this.connection.signalingState !== "have-local-offer") return;
    await this.#describe("setRemoteDescription", { type: "answer", sdp: answer.sdp });
  }

  /** Send these tracks from now on; null sends nothing. The transceivers stay. */
  async setTracks(video: MediaStreamTrack | null, audio: MediaStreamTrack | null): Promise<void> {
    try {
      await Promise.all([this.#video.sender.replaceTrack(video), this.#audio.sender.replaceTrack(audio)]);
    } catch (error) {
      if (!this.#closed) throw error; // closed meanwhile: whatever was refused does not matter
    }
  }

  /** Whether camera and microphone go up at all: nothing is encoded for a Python that wants nothing. */
  async setSending(video: boolean, audio: boolean): Promise<void> {
    const wanted: [RTCRtpSender, boolean][] = [
      [this.#video.sender, video],
      [this.#audio.sender, audio],
    ];
    try {
      await Promise.all(
        wanted.map(([sender, active]) =>
          changeParameters(sender, ({ encodings: [encoding] }) => {
            if (encoding === undefined || encoding.active === active) return false;
            encoding.active = active;
            return true;
          }),
        ),
      );
    } catch (error) {
      if (!this.#closed) throw error; // closed meanwhile: nothing is sent anyway
    }
  }

  /** False if the data channel is not open. */
  send(intent: Intent): boolean {
    if (this.#closed || this.#control.readyState !== "open") return false;
    if (intent.type === "stats" && canPack()) void this.#sendPacked(intent);
    else this.#control.send(JSON.stringify(intent));
    return true;
  }

  /** What sends the camera. */
  get video(): RTCRtpSender {
    return this.#video.sender;
  }

  /** How long the effect's last picture took in Python, in seconds; null without an effect. */
  get effectDelay_s(): number | null {
    return this.#effectDelay_s;
  }

  /** How old the audio effect's sound is when Python sends it, in seconds; null without one. */
  get soundDelay_s(): number | null {
    return this.#soundDelay_s;
  }

  get isOpen(): boolean {
    return !this.#closed && this.#control.readyState === "open";
  }

  /** Milliseconds since the engine was last heard. */
  get silent_ms(): number {
    return performance.now() - this.#heard_ms;
  }

  close(): void {
    this.#closed = true;
    this.connection.onicecandidate = this.connection.onconnectionstatechange = null;
    this.#control.onopen = this.#control.onmessage = null;
    this.connection.close();
  }

  async #describe(
    method: "setLocalDescription" | "setRemoteDescription",
    description: RTCSessionDescriptionInit,
  ): Promise<void> {
    const say = (...call: Parameters<OnCall>) => this.#options.onCall(this.generation, ...call);
    say(method, description.type);
    try {
      await this.connection[method](description);
    } catch (error) {
      if (!this.#closed) say(`${method}OnFailure`, reasonOf(error));
      throw error;
    }
  }

  async #sendPacked(sample: StatsSample): Promise<void> {
    const packed = await pack(sample);
    if (this.isOpen) this.#control.send(packed); // else it is one sample less
  }

  #hear(text: string): void {
    this.#heard_ms = performance.now();
    const event = JSON.parse(text) as Event;
    if (event.type === "ping") {
      this.#effectDelay_s = event.effectDelayS;
      this.#soundDelay_s = event.soundDelayS;
      this.send({ type: "pong", sentS: event.sentS });
    } else this.#options.onEvent(event);
  }
}

function preferCodecs(transceiver: RTCRtpTransceiver, mimeTypes: readonly string[]): void {
  const kind = transceiver.receiver.track.kind;
  const codecs = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const wanted = mimeTypes.flatMap((type) => codecs.filter((codec) => codec.mimeType === type));
  if (wanted.length > 0) transceiver.setCodecPreferences?.(wanted);
}
