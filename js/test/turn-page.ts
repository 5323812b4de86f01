/**
 * A plain page for tests/turn: one participant with the mesh and, where a test wants it, the link to Python, over the
 * servers that the test configures. What it says waits in an outbox, which the test carries across.
 */
import { Connection } from "../src/connection";
import { DIRECT } from "../src/ice/configuration";
import { IceDesk } from "../src/ice/desk";
import { probeServers } from "../src/ice/probe";
import type { Link } from "../src/link";
import { Mesh } from "../src/mesh";
import type {
  Answer,
  Candidate,
  IceConfiguration,
  IceServerEntry,
  Offer,
  Participant,
  PeerSignal,
} from "../src/messages";
import { camera, pixel, tone } from "./painted-media";

type Said =
  | { readonly what: "signal"; readonly signal: PeerSignal }
  | { readonly what: "offer"; readonly offer: Offer }
  | { readonly what: "candidate"; readonly candidate: Candidate };

/** What a server gives to whoever asks for fresh credentials; null while it is out of reach. */
let issued: Partial<IceConfiguration> | null = null;

const ice = new IceDesk({
  hasPython: () => false,
  ask: async () => {
    tell("asks for fresh credentials");
    if (issued === null) throw new Error("The room's server is out of reach.");
    ice.configure({ ...DIRECT, ...issued });
  },
  send: () => undefined,
  onNetwork: (isOther) => {
    tell("the network changed");
    python.networkChanged(isOther);
    mesh.networkChanged(isOther);
  },
});
const outbox: Said[] = [];
const problems: string[] = [];
/** Everything that happened to connections, with its time in ms, for a test that fails. */
const story: string[] = [];
let link: Link | null = null;
/** By participant and connection. */
const decoded = new Map<string, Map<RTCPeerConnection, number>>();

function tell(text: string): void {
  story.push(`${performance.now().toFixed(0)} ${text}`);
}

function follow(whose: string, connection: RTCPeerConnection, generation: number, ended: AbortSignal): void {
  ice.tracer.follow(whose, connection, generation, ended);
  tell(`${whose}: a connection`);
  connection.addEventListener("connectionstatechange", () => tell(`${whose}: ${connection.connectionState}`));
  connection.addEventListener("iceconnectionstatechange", () =>
    tell(`${whose}: ICE ${connection.iceConnectionState}`),
  );
  connection.addEventListener("icecandidateerror", ({ url, errorCode, errorText }) =>
    tell(`${whose}: ${url} says ${errorCode} ${errorText}`),
  );
}

const mesh = new Mesh({
  ice,
  codec: () => "auto",
  send: (signal) => outbox.push({ what: "signal", signal }),
  onStatus: ({ peer, state, reason }) => tell(`${peer}: is ${state}. ${reason}`),
  onConnection: (...made) => follow(...made),
  onCall: () => undefined,
  onReceiver: () => undefined,
  onGone: () => undefined,
  onProblem: (_code, text) => problems.push(text),
});

const python = new Connection({
  ice,
  tap: () => null,
  candidate: (candidate) => outbox.push({ what: "candidate", candidate }),
  offer: async (offer) => void outbox.push({ what: "offer", offer }),
  onEvent: () => undefined,
  onOpen: () => {
    tell("python: open");
    python.confirm();
  },
  onCall: () => undefined,
  onLink: (made, ended) => {
    link = made;
    follow("python", made.connection, made.generation, ended);
    void made.setTracks(picture, sound);
  },
  onGivenUp: (reason) => problems.push(reason),
  onProblem: (text) => problems.push(text),
});
python.disturbance.subscribe((reason) => tell(`python: ${reason ?? "all is well"}`));

let picture: MediaStreamTrack | null = null;
let sound: MediaStreamTrack | null = null;

function participant(id: string, order: number, isYou: boolean): Participant {
  return {
    id,
    name: id,
    isPython: false,
    receivesVideo: false,
    isYou,
    isCreator: order === 0,
    order,
    protocol: 2,
    joinedAtS: order,
    isConnected: true,
    connection: "new",
    status: {
      muted: false,
      videoOff: false,
      screenSharing: false,
      recording: false,
      receives: [],
      recordingId: "",
      acknowledges: [],
    },
  };
}

/** Everybody in the order of joining; `me` is one of them. */
function join(me: string, everybody: readonly string[], colour: string): void {
  open(colour);
  mesh.update(everybody.map((id, order) => participant(id, order, id === me)));
  mesh.reach(true);
  mesh.setTracks(picture, sound);
}

function call(colour: string): void {
  open(colour);
  python.start(false);
}

function open(colour: string): void {
  picture ??= camera(colour);
  sound ??= tone();
}

function connectionTo(whom: string): RTCPeerConnection | null {
  if (whom === "python") return link?.connection ?? null;
  return mesh.outlets.find(({ id }) => id === whom)?.connection ?? null;
}

/** Pictures of them decoded so far, as far as anybody asked while a connection lasted. */
async function frames(whom: string): Promise<number> {
  const connection = connectionTo(whom);
  const reports = await connection?.getStats();
  reports?.forEach((report) => {
    if (report.type === "inbound-rtp" && report.kind === "video" && connection !== null) {
      const ofAll = decoded.get(whom) ?? new Map<RTCPeerConnection, number>();
      decoded.set(whom, ofAll.set(connection, report.framesDecoded ?? 0));
    }
  });
  return [...(decoded.get(whom)?.values() ?? [])].reduce((sum, count) => sum + count, 0);
}

/** The pair that carries the media: candidate types, and how and where the own relay is reached; null without one. */
async function pair(whom: string): Promise<Record<string, string> | null> {
  const reports = await connectionTo(whom)?.getStats();
  if (reports === undefined) return null;
  for (const transport of reports.values()) {
    if (transport.type !== "transport" || transport.selectedCandidatePairId === undefined) continue;
    const chosen = reports.get(transport.selectedCandidatePairId);
    const [local, remote] = [reports.get(chosen.localCandidateId), reports.get(chosen.remoteCandidateId)];
    if (local === undefined || remote === undefined) continue;
    return {
      local: local.candidateType,
      remote: remote.candidateType,
      relayProtocol: local.relayProtocol ?? "",
      url: local.url ?? "",
    };
  }
  return null;
}

function colour(whom: string): readonly number[] | null {
  if (whom === "python") return pixel(link?.remoteStream ?? null);
  return pixel(mesh.people.value.find(({ participant: { id } }) => id === whom)?.stream ?? null);
}

Object.assign(globalThis, {
  page: {
    configure: (configuration: Partial<IceConfiguration>) => {
      ice.configure({ ...DIRECT, ...configuration });
      ice.start();
    },
    issue: (configuration: Partial<IceConfiguration>) => {
      issued = configuration;
    },
    join,
    call,
    colour,
    frames,
    pair,
    outbox: () => outbox.splice(0),
    hear: (signal: PeerSignal) => mesh.take(signal),
    answer: (answer: Answer) => python.answer(answer),
    candidate: (candidate: Candidate) => python.candidate(candidate),
    /** Whether messages reach the room, as its client notices sooner or later. */
    reach: (isReachable: boolean) => mesh.reach(isReachable),
    state: (whom: string) =>
      mesh.people.value.find(({ participant: { id } }) => id === whom)?.connection ?? "",
    probe: (servers: readonly IceServerEntry[], timeout_ms: number) =>
      probeServers(servers, timeout_ms, new AbortController().signal),
    problems: () => problems,
    story: () => story,
  },
});
