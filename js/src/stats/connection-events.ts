/**
 * What happens to one peer connection, as events of its timeline: the states of webrtc-pc, ICE and DTLS by their own
 * names, verbatim. Of candidates only their types: no address, port, server or credential gets into a value.
 */
import type { Happening } from "./timeline";

/** One of our calls on the connection, with the kind of description or candidate; or that it failed, and how. */
export type MethodCall =
  | "setLocalDescription"
  | "setRemoteDescription"
  | "addIceCandidate"
  // as chrome://webrtc-internals names these
  | "setLocalDescriptionOnFailure"
  | "setRemoteDescriptionOnFailure"
  | "addIceCandidateFailed";

export type OnCall = (name: MethodCall, value: string) => void;

export interface Watch {
  readonly peer: string;
  readonly generation: number;
  /** Aborts with the connection. */
  readonly signal: AbortSignal;
  readonly emit: (happening: Happening) => void;
}

/**
 * Tell of the connection until the signal aborts: first how it stands, then every change, at last `close`. To be called
 * before anybody else listens, so that an event is told before what is done about it.
 */
export function watchConnection(
  connection: RTCPeerConnection,
  { peer, generation, signal, emit }: Watch,
): void {
  const say = (name: string, value = "") => emit({ peer, generation, name, value });
  const transport = new Transport(say);
  const states = [
    new State("signalingstatechange", () => connection.signalingState, say),
    new State("icegatheringstatechange", () => connection.iceGatheringState, say),
    new State("iceconnectionstatechange", () => connection.iceConnectionState, say),
    new State("connectionstatechange", () => connection.connectionState, say),
  ];
  for (const state of states) {
    state.tell();
    const changed = () => {
      state.tell();
      transport.look(connection); // it comes and goes with the descriptions, and no event of its own says so
    };
    connection.addEventListener(state.name, changed, { signal });
  }
  connection.addEventListener("negotiationneeded", () => say("negotiationneeded"), { signal });
  const gathered = ({ candidate }: RTCPeerConnectionIceEvent) => {
    if (candidate === null) say("icecandidate");
    else if (candidate.candidate !== "") say("icecandidate", kindOf(candidate.candidate));
  };
  connection.addEventListener("icecandidate", gathered, { signal });
  const failed = (event: RTCPeerConnectionIceErrorEvent) => say("icecandidateerror", textOf(event));
  connection.addEventListener("icecandidateerror", failed, { signal });
  watchTracks(connection, say, signal);
  const close = () => {
    // whoever heard first that it failed may have ended it on the spot
    for (const state of states) state.tell();
    transport.close();
    say("close");
  };
  signal.addEventListener("abort", close, { once: true });
}

/** ``"srflx udp"`` of a candidate's line (RFC 8839, section 5.1), and empty for the end of candidates. */
export function kindOf(candidate: string): string {
  if (candidate === "") return "";
  const [, protocol, type] = /^(?:a=)?candidate:\S+ \d+ (\S+) .* typ (\S+)/i.exec(candidate) ?? [];
  return `${oneOf(["host", "srflx", "prflx", "relay"], type)} ${oneOf(["udp", "tcp"], protocol)}`;
}

/** Why the browser refused something, without the text, which may quote a description. */
export function reasonOf(error: unknown): string {
  return error instanceof DOMException || error instanceof Error ? error.name : "Error";
}

type Say = (name: string, value?: string) => void;

/** A state of the standard, told when it is another one than before. */
class State {
  #told: string | null = null;

  constructor(
    readonly name: string,
    private readonly read: () => string,
    private readonly say: Say,
  ) {}

  tell(): void {
    const state = this.read();
    if (state !== this.#told) this.say(this.name, state);
    this.#told = state;
  }
}

/** The transport of the whole connection: all media share one (max-bundle, RFC 9143). */
class Transport {
  readonly #say: Say;
  #watched: RTCDtlsTransport | null = null;
  #state: State | null = null;
  #over = new AbortController();

  constructor(say: Say) {
    this.#say = say;
  }

  look(connection: RTCPeerConnection): void {
    const transport = transportOf(connection);
    if (transport === null || transport === this.#watched) return;
    this.#watched = transport;
    this.#over.abort();
    this.#over = new AbortController();
    const { signal } = this.#over;
    const state = new State("dtlsstatechange", () => transport.state, this.#say);
    this.#state = state;
    state.tell();
    transport.addEventListener("statechange", () => state.tell(), { signal });
    watchPair(transport.iceTransport, this.#say, signal);
  }

  close(): void {
    this.#state?.tell();
    this.#over.abort();
  }
}

function transportOf(connection: RTCPeerConnection): RTCDtlsTransport | null {
  const ends = connection.getTransceivers().flatMap(({ sender, receiver }) => [sender, receiver]);
  return ends.find(({ transport }) => transport)?.transport ?? connection.sctp?.transport ?? null;
}

function watchPair(transport: RTCIceTransport | undefined, say: Say, signal: AbortSignal): void {
  if (transport?.getSelectedCandidatePair === undefined) return; // not every browser says
  const tell = () => {
    const pair = transport.getSelectedCandidatePair();
    if (pair?.local && pair.remote) {
      say("selectedcandidatepairchange", `${wayOf(pair.local)} -> ${wayOf(pair.remote)}`);
    }
  };
  tell();
  transport.addEventListener("selectedcandidatepairchange", tell, { signal });
}

function wayOf({ candidate }: RTCIceCandidate): string {
  return kindOf(candidate).replace(" ", "/");
}

/** What arrives: `mute` and its like get a prefix, because a person's own microphone is muted, too. */
function watchTracks(connection: RTCPeerConnection, say: Say, signal: AbortSignal): void {
  const known = new Set<MediaStreamTrack>();
  const watch = ({ track }: RTCTrackEvent) => {
    if (known.has(track)) return;
    known.add(track);
    say("track", track.kind);
    for (const name of ["mute", "unmute", "ended"]) {
      track.addEventListener(name, () => say(`track${name}`, track.kind), { signal });
    }
  };
  connection.addEventListener("track", watch, { signal });
}

/** The text comes from a server, so that words that could be addresses go. */
function textOf({ errorCode, errorText }: RTCPeerConnectionIceErrorEvent): string {
  const words = (errorText ?? "").split(/\s+/).filter((word) => !/[.:]./.test(word));
  return [errorCode, ...words].join(" ").trim();
}

function oneOf(known: readonly string[], text: string | undefined): string {
  return known.find((word) => word === text?.toLowerCase()) ?? "unknown";
}
