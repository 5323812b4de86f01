/**
 * Does each server answer this page? Every URL by itself, in a connection that carries nothing: a server reflexive
 * candidate from STUN, a relayed one from TURN (RFC 8445, section 5.1.1).
 */
import type { CandidateType, IceServerEntry, ServerProbe, Transport } from "../messages";

/** Chromium keeps sockets and threads for each connection. */
const AT_ONCE = 4;
const MOST_URLS = 20;
/** What webrtc-pc (section 4.8.2) says where the server cannot be reached. */
export const UNREACHABLE = 701;

interface One {
  readonly url: string;
  readonly server: RTCIceServer;
}

/** In the order of the URLs. Rejects with nothing: what fails is a result. */
export async function probeServers(
  servers: readonly IceServerEntry[],
  timeout_ms: number,
  ended: AbortSignal,
): Promise<readonly ServerProbe[]> {
  const all = servers.flatMap(({ urls, username, credential }) =>
    urls.map((url): One => {
      const secrets = username === null || credential === null ? {} : { username, credential };
      return { url, server: { urls: url, ...secrets } };
    }),
  );
  const waiting = all.slice(0, MOST_URLS).entries();
  const found: ServerProbe[] = [];
  const worker = async () => {
    for (const [place, one] of waiting) {
      if (ended.aborted) return;
      found[place] = await probe(one, timeout_ms, ended);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found.filter((result) => result !== undefined);
}

export function transportOf(url: string): Transport {
  if (/^(stuns|turns):/i.test(url)) return "tls";
  return /\?transport=tcp$/i.test(url) ? "tcp" : "udp";
}

export const isTurn = (url: string) => /^turns?:/i.test(url);

async function probe({ url, server }: One, timeout_ms: number, ended: AbortSignal): Promise<ServerProbe> {
  const wanted: CandidateType = isTurn(url) ? "relay" : "srflx";
  const result = (change: Partial<ServerProbe>): ServerProbe => ({
    url,
    by: "page",
    ok: false,
    transport: transportOf(url),
    timeS: Date.now() / 1000,
    rttS: null,
    candidateTypes: [],
    errorCode: null,
    error: "",
    ...change,
  });
  let connection: RTCPeerConnection;
  try {
    connection = new RTCPeerConnection({
      iceServers: [server],
      iceTransportPolicy: wanted === "relay" ? "relay" : "all",
    });
  } catch (error) {
    return result({
      error: `The browser refuses this URL (${error instanceof Error ? error.name : error}).`,
    });
  }
  const over = new AbortController();
  try {
    const began_ms = performance.now();
    const failures: RTCPeerConnectionIceErrorEvent[] = [];
    const answer = new Promise<CandidateType | null>((resolve) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.type === wanted) resolve(wanted);
        // without a NAT in between STUN tells what a host candidate has said already (RFC 8445, section 5.1.3)
        else if (candidate === null) resolve(wanted === "srflx" && failures.length === 0 ? "host" : null);
      };
      connection.onicecandidateerror = (event) => failures.push(event);
      const timer = setTimeout(() => resolve(null), timeout_ms);
      ended.addEventListener("abort", () => resolve(null), { signal: over.signal });
      over.signal.addEventListener("abort", () => clearTimeout(timer));
    });
    connection.createDataChannel("probe");
    await connection.setLocalDescription();
    const given = await answer;
    const rttS = (performance.now() - began_ms) / 1000;
    if (given !== null) return result({ ok: true, rttS, candidateTypes: [given] });
    // a server's own word tells more than that one of this machine's addresses did not reach it
    const failure = failures.find(({ errorCode }) => errorCode !== UNREACHABLE) ?? failures[0];
    return result({
      errorCode: failure?.errorCode ?? null,
      error: sentenceOf(url, failure ?? null, timeout_ms),
    });
  } catch (error) {
    return result({ error: `The browser could not try this server (${error}).` });
  } finally {
    over.abort();
    connection.onicecandidate = connection.onicecandidateerror = null;
    connection.close();
  }
}

/** What a STUN error (RFC 8489, section 14.8; RFC 8656, section 19) means for a person. */
const WORDS: Readonly<Record<number, string>> = {
  401: "The server refused the credential: username and credential do not belong together, or have expired.",
  403: "The server forbids this.",
  437: "The server does not know this allocation.",
  438: "The server finds the request stale.",
  486: "The server gives this user no further allocation: the quota is used up.",
  508: "The server has no capacity left.",
  701: "The server cannot be reached from this browser: check its name, port and firewall.",
};

function sentenceOf(url: string, failure: RTCPeerConnectionIceErrorEvent | null, timeout_ms: number): string {
  if (failure === null) {
    const hint = transportOf(url) === "udp" ? " A firewall may drop UDP." : "";
    return `No answer within ${timeout_ms / 1000} s.${hint}`;
  }
  return WORDS[failure.errorCode] ?? `The server answered with error ${failure.errorCode}.`;
}
