/**
 * The connections to everybody else in the room: one peer for each participant, made and ended as they come and go.
 * They live on while the room's signaling or the link to Python is away.
 */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Person } from "./contract";
import type { Ways } from "./ice/ways";
import type { Outlet } from "./media/adapt";
import type { Codec, Participant, PeerSignal, PeerStatus } from "./messages";
import type { MediaKind } from "./negotiation";
import { Peer } from "./peer";
import type { OnCall } from "./stats/connection-events";

export interface MeshOptions {
  readonly ice: Ways;
  readonly codec: () => Codec;
  readonly send: (signal: PeerSignal) => void;
  readonly onStatus: (status: PeerStatus) => void;
  /** A new connection to somebody; `ended` aborts with it. */
  readonly onConnection: (
    id: string,
    connection: RTCPeerConnection,
    generation: number,
    ended: AbortSignal,
  ) => void;
  /** What is asked of a connection, for the timeline. */
  readonly onCall: (id: string, generation: number, ...call: Parameters<OnCall>) => void;
  readonly onReceiver: (id: string, receiver: RTCRtpReceiver, kind: MediaKind) => void;
  readonly onGone: (id: string) => void;
  readonly onProblem: (code: string, text: string) => void;
}

/** Messages to others that wait for the room; what comes beyond that is dropped, and the ladder makes up for it. */
const MOST_WAITING = 500;
/** Messages of those whom the state does not name yet; what comes beyond that is dropped. */
const MOST_EARLY = 200;
/** After the room was out of reach, whoever is missing has this long to come back too. */
export const SETTLE_MS = 12_000;

export class Mesh {
  readonly people: ReadonlySignal<readonly Person[]>;
  readonly #options: MeshOptions;
  readonly #others: Signal<readonly Participant[]> = signal([]);
  readonly #peers = new Map<string, Peer>();
  /** Names our tracks; made with the first peer, because a browser without it still opens notebooks. */
  #outgoing: MediaStream | null = null;
  #me: Participant | null = null;
  #isReachable = false;
  #waiting: PeerSignal[] = [];
  #early: PeerSignal[] = [];
  #settledAt_ms = 0;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #present: readonly Participant[] = [];
  /** Those whose seat is held although they have gone; forgotten with the room. */
  readonly #gone = new Set<string>();
  #video: MediaStreamTrack | null = null;
  #audio: MediaStreamTrack | null = null;

  constructor(options: MeshOptions) {
    this.#options = options;
    this.people = computed(() =>
      this.#others.value.flatMap((participant) => {
        const standing = this.#peers.get(participant.id)?.standing.value;
        return standing === undefined ? [] : [{ participant, ...standing }];
      }),
    );
  }

  /** The room as it is now, oneself among the participants. Another id of one's own is another join of the room. */
  update(participants: readonly Participant[]): void {
    const me = participants.find(({ isYou }) => isYou);
    if (me === undefined) return;
    if (this.#me !== null && this.#me.id !== me.id) this.stop();
    this.#me = me;
    this.#present = participants.filter(({ isYou }) => !isYou);
    this.#settle();
  }

  /** Whether messages reach the room. While they do not, they wait, and nobody is given up. */
  reach(isReachable: boolean): void {
    if (isReachable === this.#isReachable) return;
    this.#isReachable = isReachable;
    if (!isReachable) {
      this.#settledAt_ms = Number.POSITIVE_INFINITY;
      return;
    }
    if (this.#settledAt_ms > 0) {
      // not at the first join
      this.#settledAt_ms = performance.now() + SETTLE_MS;
      this.#reportAll(); // an engine that has just begun knows nobody's connection
    }
    for (const waiting of this.#waiting.splice(0)) this.#options.send(waiting);
    for (const peer of this.#peers.values()) peer.reachable();
    if (this.#me !== null) this.#settle();
  }

  take(message: PeerSignal): void {
    const peer = this.#peers.get(message.peer);
    if (peer !== undefined) peer.take(message);
    else if (this.#early.length < MOST_EARLY) this.#early.push(message);
  }

  /** Send these to everybody from now on; null sends nothing. */
  setTracks(video: MediaStreamTrack | null, audio: MediaStreamTrack | null): void {
    this.#video = video;
    this.#audio = audio;
    for (const peer of this.#peers.values()) peer.setTracks(video, audio);
  }

  codecChanged(): void {
    for (const peer of this.#peers.values()) peer.codecChanged();
  }

  reconnect(id: string): void {
    this.#peers.get(id)?.reconnect();
  }

  /** Everywhere that our picture goes to, in the order of joining. */
  get outlets(): readonly Outlet[] {
    return this.#others.value.flatMap(({ id }, rank) => {
      const peer = this.#peers.get(id);
      const [connection, video] = [peer?.connection ?? null, peer?.video ?? null];
      return connection === null || video === null ? [] : [{ id, connection, video, rank }];
    });
  }

  /** End all connections; idempotent, and another `update` begins anew. */
  stop(): void {
    clearTimeout(this.#settling);
    for (const id of [...this.#peers.keys()]) this.#end(id);
    this.#me = null;
    this.#present = this.#others.value = [];
    this.#waiting = [];
    this.#early = [];
    this.#gone.clear();
    this.#isReachable = false;
    this.#settledAt_ms = 0;
  }

  #settle(): void {
    clearTimeout(this.#settling);
    const here = this.#present.filter((participant) => !this.#hasGone(participant));
    const present = new Map(here.map((participant) => [participant.id, participant]));
    const wait_ms = this.#settledAt_ms - performance.now();
    const missing = this.#others.value.filter(({ id }) => !present.has(id));
    // a server or an engine that has just begun knows only those who are back already
    const held = wait_ms > 0 ? missing.filter(({ id }) => this.#isAlive(id)) : [];
    if (held.length > 0 && Number.isFinite(wait_ms)) {
      this.#settling = setTimeout(() => this.#settle(), wait_ms + 1);
    }
    for (const { id } of missing) if (!held.some((other) => other.id === id)) this.#end(id);
    const others = [...held, ...present.values()].sort((one, other) => one.order - other.order);
    const before = new Map(this.#others.value.map((participant) => [participant.id, participant]));
    const fresh = others.filter(({ id }) => !this.#peers.has(id)).map(({ id }) => this.#make(id));
    this.#others.value = others;
    for (const peer of fresh) peer.start();
    for (const { id, isConnected } of others) {
      if (isConnected && before.get(id)?.isConnected === false) this.#peers.get(id)?.reachable();
    }
    const early = this.#early.splice(0);
    for (const message of early) this.take(message);
  }

  #isAlive(id: string): boolean {
    const peer = this.#peers.get(id);
    return peer?.isConnected === true && !peer.isClosedByOther;
  }

  /** A page whose signaling alone was lost keeps its connections: one that closed them has gone, seat or not. */
  #hasGone({ id, isConnected }: Participant): boolean {
    if (isConnected) this.#gone.delete(id);
    else if (this.#peers.get(id)?.isClosedByOther) this.#gone.add(id);
    return this.#gone.has(id);
  }

  /** This computer has another network. */
  networkChanged(isOther: boolean): void {
    for (const peer of this.#peers.values()) peer.networkChanged(isOther);
  }

  #make(id: string): Peer {
    const peer: Peer = new Peer({
      me: () => this.#me ?? nobody(""),
      participant: () => this.#others.value.find((participant) => participant.id === id) ?? nobody(id),
      ice: this.#options.ice,
      codec: this.#options.codec,
      outgoing: this.#stream(),
      isReachable: () => this.#isReachable,
      send: (message) => this.#send(message),
      onStanding: () => this.#report(id),
      onConnection: (...made) => this.#options.onConnection(id, ...made),
      onCall: (...call) => this.#options.onCall(id, ...call),
      onReceiver: (receiver, kind) => this.#options.onReceiver(id, receiver, kind),
      onClosedByOther: () => this.#settle(),
      onProblem: this.#options.onProblem,
    });
    peer.setTracks(this.#video, this.#audio);
    this.#peers.set(id, peer);
    this.#report(id);
    return peer;
  }

  #stream(): MediaStream {
    this.#outgoing ??= new MediaStream();
    return this.#outgoing;
  }

  #end(id: string): void {
    this.#peers.get(id)?.close();
    this.#peers.delete(id);
    this.#waiting = this.#waiting.filter(({ peer }) => peer !== id);
    this.#options.onGone(id);
  }

  #send(message: PeerSignal): void {
    if (this.#isReachable) {
      this.#options.send(message);
      return;
    }
    const { peer, generation } = message;
    // what an earlier connection wanted to say is of no use any more
    this.#waiting = this.#waiting.filter((other) => other.peer !== peer || other.generation === generation);
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(message);
  }

  #reportAll(): void {
    for (const id of this.#peers.keys()) this.#report(id);
  }

  #report(id: string): void {
    const standing = this.#peers.get(id)?.standing.value;
    if (standing === undefined) return;
    this.#options.onStatus({
      type: "peer-status",
      peer: id,
      state: standing.connection,
      reason: standing.reason,
    });
  }
}

/** Somebody who left while a timer of theirs still ran. */
function nobody(id: string): Participant {
  const status = {
    muted: false,
    videoOff: false,
    screenSharing: false,
    recording: false,
    receives: [],
    recordingId: "",
    acknowledges: [],
  };
  return {
    id,
    name: "somebody",
    isPython: false,
    receivesVideo: false,
    isYou: false,
    isCreator: false,
    order: 0,
    protocol: 1,
    joinedAtS: 0,
    isConnected: false,
    connection: "new",
    status,
  };
}
