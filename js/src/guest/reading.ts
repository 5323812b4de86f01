/** What the room server says, as the nouns of a call; fields that are not known here are passed over. */
import type {
  ChatMessage,
  IceCandidate,
  IceServerEntry,
  Participant,
  ParticipantJson,
  ParticipantStatus,
  PeerSignal,
  SessionDescription,
} from "../messages";
import { isObject, type ServerEvent } from "./socket";

export const QUIET: ParticipantStatus = {
  muted: false,
  videoOff: false,
  screenSharing: false,
  recording: false,
  receives: [],
  recordingId: "",
  acknowledges: [],
};

/** Somebody in the room; whoever is oneself has the id `me`. */
export function participantOf(said: ParticipantJson, me: string): Participant {
  return {
    id: said.userId,
    name: said.userName,
    isPython: said.isPython === true,
    receivesVideo: false,
    isYou: said.userId === me,
    isCreator: said.isCreator === true,
    order: said.order,
    protocol: said.protocol ?? 0,
    joinedAtS: said.joinedAt,
    isConnected: said.connected !== false,
    connection: "new",
    status: statusOf(said.status),
  };
}

/** What is left out is at rest. */
export function statusOf(said: unknown): ParticipantStatus {
  const given = isObject(said) ? said : {};
  return {
    muted: given.muted === true,
    videoOff: given.videoOff === true,
    screenSharing: given.screenSharing === true,
    recording: given.recording === true,
    receives: idsOf(given.receives),
    recordingId: typeof given.recordingId === "string" ? given.recordingId : "",
    acknowledges: idsOf(given.acknowledges),
  };
}

/** What a server may name; a browser that is given more is only slowed down. */
const MAX_URLS = 20;

export interface IssuedServers {
  readonly servers: readonly IceServerEntry[];
  /** How many seconds their credentials last; null for servers without. */
  readonly leftS: number | null;
}

/** The STUN and TURN servers of a room's server; what no connection could be made with is passed over. */
export function issuedOf(servers: unknown, ttl: unknown): IssuedServers {
  let left = MAX_URLS;
  const found: IceServerEntry[] = [];
  for (const said of Array.isArray(servers) ? servers : []) {
    if (!isObject(said)) continue;
    const urls = idsOf(said.urls)
      .filter((url) => /^(?:stuns?|turns?):[^\s]+$/i.test(url))
      .slice(0, left);
    const username = typeof said.username === "string" ? said.username : null;
    const credential = typeof said.credential === "string" ? said.credential : null;
    const isTurn = urls.some((url) => /^turn/i.test(url));
    if (urls.length === 0 || (isTurn && (username === null || credential === null))) continue;
    left -= urls.length;
    found.push({ urls, username, credential });
  }
  const isTime = typeof ttl === "number" && Number.isFinite(ttl);
  return { servers: found, leftS: isTime ? ttl : null };
}

const idsOf = (said: unknown): readonly string[] =>
  Array.isArray(said) ? said.filter((id) => typeof id === "string") : [];

/** Null for what is no message. */
export function chatMessageOf(said: unknown): ChatMessage | null {
  if (!isObject(said) || typeof said.id !== "string" || typeof said.message !== "string") return null;
  return {
    id: said.id,
    sender: String(said.from),
    senderName: String(said.userName ?? ""),
    text: said.message,
    timeS: typeof said.timestamp === "number" ? said.timestamp : Date.now() / 1000,
    to: typeof said.to === "string" ? said.to : null,
  };
}

/** A description or candidate of another participant; null for what is neither. */
export function signalOf(event: ServerEvent, said: unknown): PeerSignal | null {
  if (!isObject(said) || typeof said.from !== "string") return null;
  const generation = typeof said.generation === "number" ? said.generation : null;
  const signal = { type: "peer-signal", peer: said.from, generation } as const;
  if (event === "ice-candidate")
    return { ...signal, description: null, candidate: candidateOf(said.candidate) };
  const description = said[event];
  if (!isObject(description) || description.type !== event || typeof description.sdp !== "string")
    return null;
  return { ...signal, description: description as unknown as SessionDescription, candidate: null };
}

/** Null and empty end the candidates alike (RFC 8838). */
function candidateOf(said: unknown): IceCandidate {
  const given = isObject(said) ? said : {};
  return {
    candidate: typeof given.candidate === "string" ? given.candidate : "",
    sdpMid: typeof given.sdpMid === "string" ? given.sdpMid : null,
    sdpMLineIndex: typeof given.sdpMLineIndex === "number" ? given.sdpMLineIndex : null,
    usernameFragment: typeof given.usernameFragment === "string" ? given.usernameFragment : null,
  };
}
