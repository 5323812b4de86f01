/** What the network gives this page: addresses, and how each STUN and TURN server answers. */
import { configurationOf } from "../ice/configuration";
import { isTurn, probeServers } from "../ice/probe";
import type { CandidateType, IceConfiguration, IceServerEntry } from "../messages";
import { type Check, pause, type Verdict, verdict, within } from "./check";

const GATHER_MS = 4_000;
const PROBE_MS = 3_500;
/** With the wait for those before it. */
const SERVER_MS = 7_500;
/** Chromium keeps sockets and threads for each connection. */
const AT_ONCE = 8;

const WORDS: Readonly<Record<CandidateType, string>> = {
  host: "own addresses",
  srflx: "a public address by STUN",
  prflx: "an address that the other side saw",
  relay: "a relay by TURN",
};

/** Which types of candidates (RFC 8445, section 5.1.1) a connection of this page would have. */
export const candidates = (ice: IceConfiguration): Check => ({
  name: "candidates",
  title: "Network addresses",
  limit_ms: GATHER_MS + 500,
  late: verdict("fail", `The browser found none within ${GATHER_MS / 1000} s.`, "Reload the page."),
  run: async (over) => found(ice, await gather(ice, over)),
});

function found(ice: IceConfiguration, types: ReadonlySet<CandidateType>): Verdict {
  const detail = `Found: ${[...types].map((type) => WORDS[type]).join(", ") || "none"}.`;
  if (types.size === 0) {
    const advice =
      ice.iceTransportPolicy === "relay"
        ? "Only relays are allowed, and none answers: each server has a line of its own here."
        : "Join a network; a policy or an extension of the browser may forbid addresses, too.";
    return verdict("fail", detail, advice);
  }
  return ice.iceServers.length > 0 && !types.has("relay") && !types.has("srflx")
    ? verdict("warning", detail, "No configured server answered: each has a line of its own here.")
    : verdict("pass", detail);
}

async function gather(ice: IceConfiguration, over: AbortSignal): Promise<ReadonlySet<CandidateType>> {
  const types = new Set<CandidateType>();
  const connection = new RTCPeerConnection({ ...configurationOf(ice), iceCandidatePoolSize: 0 });
  try {
    const done = new Promise<void>((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate === null) resolve();
        else if (candidate.type) types.add(candidate.type);
      };
    });
    connection.createDataChannel("check");
    await connection.setLocalDescription();
    await within(GATHER_MS, done, () => undefined, over);
  } finally {
    connection.onicecandidate = null;
    connection.close();
  }
  return types;
}

/** For each URL one, or one that says why there is none. */
export function servers(configured: readonly IceServerEntry[], hasPython: boolean): readonly Check[] {
  if (configured.length === 0) return [noServers(hasPython)];
  const slots = new Slots(AT_ONCE);
  return configured.flatMap((server) =>
    server.urls.map((url) => answerOf({ ...server, urls: [url] }, slots)),
  );
}

function noServers(hasPython: boolean): Check {
  const none = hasPython
    ? verdict(
        "skipped",
        "No STUN or TURN server is configured, so none is contacted.",
        "On one machine or in one local network none is needed; elsewhere a TURN server helps.",
      )
    : verdict("skipped", "The room's server names its STUN and TURN servers to those who join.");
  return { name: "servers", title: "STUN and TURN", limit_ms: SERVER_MS, late: none, run: () => none };
}

function answerOf(server: IceServerEntry, slots: Slots): Check {
  const url = server.urls.join(" ");
  return {
    name: `server ${url} from the page`,
    title: `${isTurn(url) ? "TURN" : "STUN"} ${url}`,
    limit_ms: SERVER_MS,
    late: verdict(
      "fail",
      `It was not asked within ${SERVER_MS / 1000} s: too many servers do not answer.`,
      "Remove those that do not answer, then check again.",
    ),
    run: async (over) => {
      await slots.take(over);
      try {
        const [probe] = over.aborted ? [] : await probeServers([server], PROBE_MS, over);
        if (probe?.ok) {
          const detail = `It answers this page after ${Math.round((probe.rttS ?? 0) * 1000)} ms.`;
          return verdict("pass", detail, "", probe.rttS, "s");
        }
        const code = probe?.errorCode ?? null;
        const detail = `${probe?.error ?? "It was not asked."}${code === null ? "" : ` (${code})`}`;
        return verdict("fail", detail, adviceOf(code));
      } finally {
        slots.give();
      }
    },
  };
}

function adviceOf(code: number | null): string {
  if (code === 401 || code === 438) return "Ask for a new credential; compare the clocks of both machines.";
  if (code === 486 || code === 508) return "Wait until calls have ended, or raise the server's quota.";
  return "Check the server's name, port and firewall; turns: on port 443 gets through most firewalls.";
}

/** So many at a time; who comes later waits. At most one waits for each server of a configuration. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async take(over: AbortSignal): Promise<void> {
    this.#free -= 1;
    if (this.#free >= 0) return;
    const turn = new Promise<void>((resolve) => this.#waiting.push(resolve));
    await Promise.race([turn, pause(SERVER_MS, over)]);
  }

  give(): void {
    this.#free += 1;
    this.#waiting.shift()?.();
  }
}
