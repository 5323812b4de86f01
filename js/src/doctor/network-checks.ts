/** What the network gives this page: addresses, and how each STUN and TURN server answers. */
import { configurationOf } from "../ice/configuration";
import { isTurn, probeServers } from "../ice/probe";
import type { CandidateType, CheckResult, IceConfiguration, IceServerEntry } from "../messages";
import { line } from "./line";

const GATHER_MS = 4_000;
const PROBE_MS = 5_000;

const WORDS: Readonly<Record<CandidateType, string>> = {
  host: "own addresses",
  srflx: "a public address by STUN",
  prflx: "an address that the other side saw",
  relay: "a relay by TURN",
};

/** Which types of candidates (RFC 8445, section 5.1.1) a connection of this page would have. */
export async function candidates(ice: IceConfiguration, ended: AbortSignal): Promise<CheckResult> {
  const title = "Network addresses";
  const types = await gather(ice, ended);
  const detail = `Found: ${[...types].map((type) => WORDS[type]).join(", ") || "none"}.`;
  if (types.size === 0) {
    const advice =
      ice.iceTransportPolicy === "relay"
        ? "Only relays are allowed, and none answers: each server has a line of its own here."
        : "Join a network; a policy or an extension of the browser may forbid addresses, too.";
    return line("candidates", title, "fail", detail, advice);
  }
  return ice.iceServers.length > 0 && !types.has("relay") && !types.has("srflx")
    ? line(
        "candidates",
        title,
        "warning",
        detail,
        "No configured server answered: each has a line of its own here.",
      )
    : line("candidates", title, "pass", detail);
}

async function gather(ice: IceConfiguration, ended: AbortSignal): Promise<ReadonlySet<CandidateType>> {
  const types = new Set<CandidateType>();
  const connection = new RTCPeerConnection({ ...configurationOf(ice), iceCandidatePoolSize: 0 });
  try {
    const done = new Promise<void>((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate === null) resolve();
        else if (candidate.type) types.add(candidate.type);
      };
      setTimeout(resolve, GATHER_MS);
      ended.addEventListener("abort", () => resolve(), { once: true });
    });
    connection.createDataChannel("check");
    await connection.setLocalDescription();
    await done;
  } finally {
    connection.onicecandidate = null;
    connection.close();
  }
  return types;
}

export async function servers(
  configured: readonly IceServerEntry[],
  ended: AbortSignal,
): Promise<readonly CheckResult[]> {
  if (configured.length === 0) {
    return [
      line(
        "servers",
        "STUN and TURN",
        "skipped",
        "No STUN or TURN server is configured, so none is contacted.",
        "On one machine or in one local network none is needed; elsewhere a TURN server helps.",
      ),
    ];
  }
  const probes = await probeServers(configured, PROBE_MS, ended);
  return probes.map(({ url, ok, rttS, error, errorCode }) => {
    const [name, title] = [`server ${url} from the page`, `${isTurn(url) ? "TURN" : "STUN"} ${url}`];
    if (ok) {
      const detail = `It answers this page after ${Math.round((rttS ?? 0) * 1000)} ms.`;
      return line(name, title, "pass", detail, "", rttS, "s");
    }
    const detail = `${error}${errorCode === null ? "" : ` (${errorCode})`}`;
    return line(name, title, "fail", detail, adviceOf(errorCode));
  });
}

function adviceOf(code: number | null): string {
  if (code === 401 || code === 438) return "Ask for a new credential; compare the clocks of both machines.";
  if (code === 486 || code === 508) return "Wait until calls have ended, or raise the server's quota.";
  return "Check the server's name, port and firewall; turns: on port 443 gets through most firewalls.";
}
