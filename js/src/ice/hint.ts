/** Why there is no way yet, in one sentence, from what can be seen of it: nobody waits before a silent spinner. */
import type { ConnectionTrace, Failure } from "./connection-trace";
import { transportOf, UNREACHABLE } from "./probe";

/** So long a connection may take before its person is told what is missing. */
export const HINT_MS = 4_500;

export interface Facts {
  readonly isOnline: boolean;
  /** Types of this page's candidates. */
  readonly own: readonly string[];
  /** Transports over which relays answered. */
  readonly relays: readonly string[];
  readonly theirs: readonly string[];
  /** States of the pairs. */
  readonly pairs: readonly string[];
  readonly failures: readonly Failure[];
  /** URLs of the TURN servers that are asked. */
  readonly turn: readonly string[];
  readonly isRelayOnly: boolean;
  /** Who is to be reached: a name, or Python. */
  readonly whom: string;
}

export function factsOf(
  trace: ConnectionTrace | null,
  rest: Pick<Facts, "isOnline" | "turn" | "isRelayOnly" | "whom">,
): Facts {
  const candidates = [...(trace?.candidates.values() ?? [])];
  const own = candidates.filter(({ isRemote }) => !isRemote);
  return {
    ...rest,
    own: own.map(({ candidateType }) => candidateType),
    relays: own.flatMap(({ relayProtocol }) => relayProtocol ?? []),
    theirs: candidates.filter(({ isRemote }) => isRemote).map(({ candidateType }) => candidateType),
    pairs: [...(trace?.pairs.values() ?? [])].map(({ state }) => state),
    failures: trace?.failures ?? [],
  };
}

const ADD_TURN = "a TURN server would help (docs/deployment.md).";
const REFUSED = [401, 403, 438];

export function hintOf(facts: Facts): string {
  const { own, relays, theirs, pairs, failures, turn, whom } = facts;
  if (!facts.isOnline) return "This computer is offline: connect it to a network.";
  if (facts.isRelayOnly && !own.includes("relay")) {
    if (turn.length === 0)
      return "Only relayed paths are allowed, and no TURN server is configured: name one, or allow others.";
    return `Only relayed paths are allowed, and ${turnTrouble(failures)}`;
  }
  if (own.length === 0) {
    return "The browser gives no network address: a policy or an extension forbids it, or there is no network.";
  }
  if (theirs.length === 0)
    return `No address of ${whom} has come yet: their side or the server in between is slow.`;
  const isBlocked = pairs.length > 0 && pairs.every((state) => state === "failed");
  const stands = isBlocked
    ? `No path to ${whom} lets packets through`
    : `No path to ${whom} has answered yet`;
  if (turn.length === 0) return `${stands}; a firewall or NAT may stop UDP: ${ADD_TURN}`;
  if (!own.includes("relay")) return `${stands}, and ${turnTrouble(failures)}`;
  if (relays.length > 0 && !relays.includes("udp") && turn.some(isUdp)) {
    // what refuses has been reached
    const refusal = refusalOf(failures.filter(({ url }) => isUdp(url)));
    if (refusal !== null) return `${stands}, and ${refusal}`;
    if (!own.includes("srflx"))
      return `${stands}: UDP seems to be blocked here, and the relay over TCP is tried.`;
  }
  return `${stands}, not even by the relay: it may refuse the other side's address.`;
}

const isUdp = (url: string) => transportOf(url) === "udp";

const turnTrouble = (failures: readonly Failure[]): string =>
  refusalOf(failures) ?? "the TURN server does not answer: check its address and its firewall.";

/** What a server said itself; null if none said anything. */
function refusalOf(failures: readonly Failure[]): string | null {
  const codes = failures.map(({ errorCode }) => errorCode).filter((code) => code !== UNREACHABLE);
  const refused = codes.find((code) => REFUSED.includes(code));
  if (refused !== undefined) return `the TURN server refuses the credential (${refused}): ask for a new one.`;
  if (codes.includes(486)) return "the TURN server's quota is used up (486): try later, or raise it.";
  return codes.length === 0 ? null : `the TURN server answers with error ${codes[0]}: look into its log.`;
}
