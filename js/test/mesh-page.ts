/**
 * A plain page for tests/browser/test_mesh.py: several participants' meshes in one window, over a wire that a test can
 * hold, and a client of the tutorial protocol. Everybody's camera is a canvas of one colour, everybody's sound a tone.
 */

import { signal } from "@preact/signals";
import { IceDesk } from "../src/ice/desk";
import { Mesh } from "../src/mesh";
import type { CallState, Codec, Participant, PeerSignal, StatsEvent, StatsSample } from "../src/messages";
import { Analysis } from "../src/stats/analysis";
import { camera, pixel, tone } from "./painted-media";

interface Member {
  participant: Participant;
  readonly mesh: Mesh | null;
  /** Takes what the server relays; the tutorial client's side of it. */
  readonly hear: (signal: PeerSignal) => void;
  codec: Codec;
  /** Null for the tutorial client. */
  readonly analysis: Analysis | null;
}

const LATENCY_MS = 15;
const members = new Map<string, Member>();
const log: { from: string; to: string; what: string; generation: number | null }[] = [];
const problems: string[] = [];
/** What Python would hear of everybody's connections. */
const told: { of: string; message: StatsSample | StatsEvent }[] = [];
const pace = signal({ statsIntervalS: 0.2, participants: [] } as unknown as CallState);
let wire: "open" | "held" = "open";
const held: (() => void)[] = [];

const status = {
  muted: false,
  videoOff: false,
  screenSharing: false,
  recording: false,
  receives: [],
  recordingId: "",
  acknowledges: [],
};

function relay(from: string, to: string, signal: PeerSignal): void {
  const what = signal.description?.type ?? "candidate";
  if (what !== "candidate") log.push({ from, to, what, generation: signal.generation });
  const copy = JSON.parse(JSON.stringify({ ...signal, peer: from })) as PeerSignal;
  const deliver = () => setTimeout(() => members.get(to)?.hear(copy), LATENCY_MS);
  if (wire === "held") held.push(deliver);
  else deliver();
}

function tellAll(): void {
  const all = [...members.values()].map(({ participant }) => participant);
  for (const { mesh, participant } of members.values()) {
    mesh?.update(all.map((other) => ({ ...other, isYou: other.id === participant.id })));
    mesh?.reach(true);
  }
}

const participant = (id: string, order: number, change: Partial<Participant> = {}): Participant => ({
  id,
  name: id,
  isPython: false,
  receivesVideo: false,
  isYou: false,
  isCreator: order === 0,
  order,
  protocol: 2,
  joinedAtS: order,
  isConnected: true,
  connection: "new",
  status,
  ...change,
});

let joins = 0;

/** Somebody with nbrtc joins; `early` gives the tracks before the others are known. */
function join(id: string, colour: string): void {
  const analysis = new Analysis({
    hasPython: () => true,
    state: pace,
    onPoint: () => undefined,
    send: (message) => told.push({ of: id, message }) > 0,
    sendByComm: () => problems.push(`${id}: an event went by the comm`),
    onProblem: (text) => problems.push(`${id}: ${text}`),
  });
  analysis.start();
  const desk = new IceDesk({
    hasPython: () => false,
    ask: async () => undefined,
    send: () => undefined,
    onNetwork: (isOther) => mesh.networkChanged(isOther),
  });
  const mesh: Mesh = new Mesh({
    ice: desk,
    codec: () => members.get(id)?.codec ?? "auto",
    send: (signal) => relay(id, signal.peer, signal),
    onStatus: () => undefined,
    onConnection: (...made) => analysis.follow(...made),
    onCall: (...call) => analysis.called(...call),
    onReceiver: () => undefined,
    onGone: () => undefined,
    onProblem: (_code, text) => problems.push(`${id}: ${text}`),
  });
  members.set(id, {
    participant: participant(id, joins++),
    mesh,
    hear: (signal) => mesh.take(signal),
    codec: "auto",
    analysis,
  });
  tellAll();
  mesh.setTracks(camera(colour), tone()); // as with real devices, after the offer
}

function leave(id: string): void {
  members.get(id)?.mesh?.stop();
  members.get(id)?.analysis?.stop();
  members.delete(id);
  tellAll();
}

/** As the tutorial writes it: one connection for everybody, broadcast, and an offer only to those who come later. */
function joinLegacy(id: string, colour: string): void {
  let connection: RTCPeerConnection | null = null;
  const stream = new MediaStream([camera(colour), tone()]);
  const broadcast = (half: Pick<PeerSignal, "description" | "candidate">) => {
    for (const to of members.keys()) {
      if (to !== id) relay(id, to, { type: "peer-signal", peer: to, generation: null, ...half });
    }
  };
  const make = () => {
    const made = new RTCPeerConnection();
    for (const track of stream.getTracks()) made.addTrack(track, stream);
    made.ontrack = ({ streams: [remote] }) => {
      if (remote !== undefined) legacySees.set(id, remote);
    };
    made.onicecandidate = ({ candidate }) => {
      if (candidate !== null) broadcast({ description: null, candidate: candidate.toJSON() as never });
    };
    connection = made;
    return made;
  };
  const describe = (description: RTCSessionDescription | null) =>
    broadcast({ description: description?.toJSON() as never, candidate: null });
  const isCreator = joins === 0;
  members.set(id, {
    participant: participant(id, joins++, { protocol: 0 }),
    mesh: null,
    analysis: null,
    codec: "auto",
    hear: ({ description, candidate }) => void answer(description, candidate),
  });
  async function answer(
    description: PeerSignal["description"],
    candidate: PeerSignal["candidate"],
  ): Promise<void> {
    if (candidate !== null) await connection?.addIceCandidate(new RTCIceCandidate(candidate));
    if (description?.type === "answer") await connection?.setRemoteDescription(description);
    if (description?.type === "offer") {
      const made = make();
      await made.setRemoteDescription(description);
      await made.setLocalDescription(await made.createAnswer());
      describe(made.localDescription);
    }
  }
  tellAll();
  if (isCreator) return;
  legacyOffers.set(id, async () => {
    const made = make();
    await made.setLocalDescription(await made.createOffer());
    describe(made.localDescription);
  });
}

const legacySees = new Map<string, MediaStream>();
const legacyOffers = new Map<string, () => Promise<void>>();

/** The middle pixel of what `viewer` sees of `of`; null while there is no picture. */
function colour(viewer: string, of: string): readonly number[] | null {
  const person = members.get(viewer)?.mesh?.people.value.find((other) => other.participant.id === of);
  return pixel(person?.stream ?? legacySees.get(viewer) ?? null);
}

/** How many bytes of sound `viewer` has received of `of`, and which codec the picture has. */
async function received(
  viewer: string,
  of: string,
): Promise<{ audio: number; codec: string; outlets: number }> {
  const outlets = members.get(viewer)?.mesh?.outlets ?? [];
  const connection = outlets.find(({ id }) => id === of)?.connection;
  const found = { audio: 0, codec: "", outlets: outlets.length };
  const reports = await connection?.getStats();
  reports?.forEach((report) => {
    if (report.type !== "inbound-rtp") return;
    if (report.kind === "audio") found.audio = report.bytesReceived;
    else found.codec = reports.get(report.codecId)?.mimeType ?? "";
  });
  return found;
}

const api = {
  join,
  leave,
  joinLegacy,
  /** The tutorial client hears of somebody and offers. */
  legacyOffer: (id: string) => legacyOffers.get(id)?.(),
  colour,
  received,
  log: () => log,
  events: (viewer: string) =>
    told.flatMap(({ of, message }) => (of === viewer && message.type === "event" ? [message] : [])),
  samples: (viewer: string) =>
    told.flatMap(({ of, message }) => (of === viewer && message.type === "stats" ? [message] : [])),
  points: (viewer: string) => members.get(viewer)?.analysis?.history.series.value[0]?.points ?? [],
  problems: () => problems,
  people: (viewer: string) =>
    members.get(viewer)?.mesh?.people.value.map(({ participant: { id }, connection, reason }) => ({
      id,
      connection,
      reason,
    })) ?? [],
  streams: (viewer: string) => members.get(viewer)?.mesh?.people.value.map(({ stream }) => stream?.id) ?? [],
  reconnect: (viewer: string, of: string) => members.get(viewer)?.mesh?.reconnect(of),
  hold: () => {
    wire = "held";
  },
  release: () => {
    wire = "open";
    for (const deliver of held.splice(0)) deliver();
  },
  /** The connection dies without a word, as when a machine is switched off. */
  kill: (viewer: string, of: string) =>
    members
      .get(viewer)
      ?.mesh?.outlets.find(({ id }) => id === of)
      ?.connection.close(),
  signalingState: (viewer: string, of: string) =>
    members.get(viewer)?.mesh?.outlets.find(({ id }) => id === of)?.connection.signalingState,
  reach: (viewer: string, isReachable: boolean) => members.get(viewer)?.mesh?.reach(isReachable),
  /** The room knows only these for a while, as after its server was killed. */
  forget: (viewer: string) => {
    const own = members.get(viewer);
    own?.mesh?.update([{ ...own.participant, isYou: true }]);
  },
  prefer: (id: string, codec: Codec) => {
    const member = members.get(id);
    if (member !== undefined) member.codec = codec;
    member?.mesh?.codecChanged();
  },
};

Object.assign(globalThis, { room: api });
