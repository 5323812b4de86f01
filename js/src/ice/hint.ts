/** Why there is no way yet, in one sentence, from what can be seen of it: nobody waits before a silent spinner. */
import type { ConnectionTrace } from "./connection-trace";

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
  /** Codes of `icecandidateerror`. */
  readonly errors: readonly number[];
  readonly hasTurn: boolean;
  readonly isRelayOnly: boolean;
  /** Who is to be reached: a name, or Python. */
  readonly whom: string;
}

export function factsOf(
  trace: ConnectionTrace | null,
  rest: Pick<Facts, "isOnline" | "hasTurn" | "isRelayOnly" | "whom">,
): Facts {
  const candidates = [...(trace?.candidates.values() ?? [])];
  const own = candidates.filter(({ isRemote }) => !isRemote);
  return {
    ...rest,
    own: own.map(({ candidateType }) => candidateType),
    relays: own.flatMap(({ relayProtocol }) => relayProtocol ?? []),
    theirs: candidates.filter(({ isRemote }) => isRemote).map(({ candidateType }) => candidateType),
    pairs: [...(trace?.pairs.values() ?? [])].map(({ state }) => state),
    errors: trace?.errors ?? [],
  };
}

const ADD_TURN = "a TURN server would help (docs/deployment.md).";
const REFUSED = [401, 403, 438];

export function hintOf(facts: Facts): string {
  const { own, theirs, pairs, errors, hasTurn, whom } = facts;
  if (!facts.isOnline) return "This computer is offline: connect it to a network.";
  if (facts.isRelayOnly && !own.includes("relay")) {
    if (!hasTurn)
      return "Only relayed paths are allowed, and no TURN server is configured: name one, or allow others.";
    return `Only relayed paths are allowed, and ${turnTrouble(errors)}`;
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
  if (!hasTurn) return `${stands}; a firewall or NAT may stop UDP: ${ADD_TURN}`;
  if (!own.includes("relay")) return `${stands}, and ${turnTrouble(errors)}`;
  if (!facts.relays.includes("udp") && facts.relays.length > 0) {
    return `${stands}: UDP seems to be blocked here, and the relay over TCP is tried.`;
  }
  return `${stands}, not even by the relay: it may refuse the other side's address.`;
}

function turnTrouble(errors: readonly number[]): string {
  const refusal = errors.find((code) => REFUSED.includes(code));
  if (refusal !== undefined) return `the TURN server refuses the credential (${refusal}): ask for a new one.`;
  if (errors.includes(486)) return "the TURN server's quota is used up (486): try later, or raise it.";
  return "the TURN server does not answer: check its address and its firewall.";
}
