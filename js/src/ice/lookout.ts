/**
 * Looks out for the network's return while a connection is broken: no browser says when packets get through again.
 * Whoever waits for its next attempt, or gathered candidates while nothing got through, begins anew then.
 */
import type { IceConfiguration } from "../messages";
import { configurationOf } from "./configuration";

/** So long a server has to answer; several of its retransmissions fit in (RFC 8489, section 6.2.1). */
export const ASK_MS = 1_500;
/** Between two questions while it answers: the fault is elsewhere, as far as one can see. */
export const CALM_MS = 10_000;
/** What webrtc-pc (section 4.8.2) says where a server cannot be reached; anything else came from the server. */
const UNREACHABLE = 701;

export class Lookout {
  readonly #configuration: () => IceConfiguration;
  readonly #onBack: () => void;
  #ended = new AbortController();

  /** `onBack` is called when a TURN server answers that did not before. */
  constructor(configuration: () => IceConfiguration, onBack: () => void) {
    this.#configuration = configuration;
    this.#onBack = onBack;
    this.#ended.abort();
  }

  /** Idempotent. */
  start(): void {
    if (!this.#ended.signal.aborted) return;
    this.#ended = new AbortController();
    void this.#look(this.#ended.signal);
  }

  /** Idempotent. */
  stop(): void {
    this.#ended.abort();
  }

  async #look(ended: AbortSignal): Promise<void> {
    let wasAway = false;
    while (!ended.aborted) {
      const began_ms = performance.now();
      const answers = await isAnswered(configurationOf(this.#configuration(), true), ended);
      if (ended.aborted) return;
      if (answers && wasAway) this.#onBack();
      wasAway = !answers;
      const wait_ms = answers ? CALM_MS : ASK_MS - (performance.now() - began_ms);
      await pause(Math.max(0, wait_ms), ended);
    }
  }
}

/** Whether one of the TURN servers says anything, if only that it refuses. */
async function isAnswered(configuration: RTCConfiguration, ended: AbortSignal): Promise<boolean> {
  const connection = newConnection({ ...configuration, iceCandidatePoolSize: 0 });
  if (connection === null) {
    await pause(ASK_MS, ended);
    return false;
  }
  const done = new AbortController();
  let isHeard = false;
  const hear = () => {
    isHeard = true;
    done.abort();
  };
  const { signal } = done;
  ended.addEventListener("abort", () => done.abort(), { signal });
  connection.addEventListener("icecandidate", ({ candidate }) => candidate?.candidate && hear(), { signal });
  connection.addEventListener(
    "icecandidateerror",
    ({ errorCode }) => {
      if (errorCode !== UNREACHABLE) hear();
    },
    { signal },
  );
  try {
    connection.createDataChannel("lookout");
    await connection.setLocalDescription();
    await pause(ASK_MS, signal);
  } finally {
    done.abort();
    connection.close();
  }
  return isHeard;
}

/** Null where the browser has no more of them; the calls that it has are more important. */
function newConnection(configuration: RTCConfiguration): RTCPeerConnection | null {
  try {
    return new RTCPeerConnection(configuration);
  } catch {
    return null;
  }
}

/** Resolves after this time, or when the signal aborts. */
function pause(wait_ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      ended.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, wait_ms);
    ended.addEventListener("abort", over);
    if (ended.aborted) over();
  });
}
