/** The path to Python as media would take it: packets that may be lost, there and back. */
import { configurationOf } from "../ice/configuration";
import type { IceConfiguration } from "../messages";
import { type Check, pause, type Verdict, verdict, within } from "./check";

const GATHER_MS = 1_500;
/** From the beginning: gathering, Python's answer, and a first path. */
const OPEN_MS = 5_000;
const MEASURE_MS = 5_000;
/** For the last packets. */
const LATE_MS = 300;
const LIMIT_MS = 8_000;
/** Fifty a second, as sound has them. */
const EVERY_MS = 20;
/** Sent at once where a timer came late: a tab in the background has one a second. */
const MOST_AT_ONCE = 50;
const PACKET_BYTES = 100;

export interface PathOptions {
  readonly ice: IceConfiguration;
  /** The engine's answer to this offer; rejects with a sentence. */
  readonly ask: (sdp: string, over: AbortSignal) => Promise<string>;
  /** When nothing else takes the processors' time any more. */
  readonly quiet: Promise<void>;
}

interface Measured {
  readonly sent: number;
  readonly rtts_ms: readonly number[];
}

export const pathToPython = ({ ice, ask, quiet }: PathOptions): Check => ({
  name: "path",
  title: "Path to Python",
  limit_ms: LIMIT_MS,
  late: verdict("fail", `It was not measured within ${LIMIT_MS / 1000} s.`, "Check again."),
  run: async (over) => {
    const ends_ms = performance.now() + LIMIT_MS - 2 * LATE_MS;
    const connection = new RTCPeerConnection({ ...configurationOf(ice), iceCandidatePoolSize: 0 });
    const channel = connection.createDataChannel("echo", {
      negotiated: true,
      id: 0,
      ordered: false,
      maxRetransmits: 0,
    });
    channel.binaryType = "arraybuffer";
    try {
      let isAnswered = false;
      const open = (async () => {
        await connection.setLocalDescription();
        await gathered(connection, over);
        const sdp = await ask(connection.localDescription?.sdp ?? "", over);
        isAnswered = true;
        await connection.setRemoteDescription({ type: "answer", sdp });
        await opened(channel);
        return true;
      })();
      if (!(await within(OPEN_MS, open, () => false, over))) return isAnswered ? closed(ice) : silent();
      await quiet;
      const measured = await measure(channel, Math.min(MEASURE_MS, ends_ms - performance.now()), over);
      return verdictOf(measured, await wayOf(connection));
    } catch (error) {
      return verdict("fail", error instanceof Error ? error.message : String(error), RUN_AGAIN);
    } finally {
      channel.onopen = channel.onmessage = null;
      connection.close();
    }
  },
});

const RUN_AGAIN = "Is the kernel running, or busy with a cell? Run this cell again.";

const silent = () => verdict("fail", `Python has not answered within ${OPEN_MS / 1000} s.`, RUN_AGAIN);

function gathered(connection: RTCPeerConnection, over: AbortSignal): Promise<void> {
  const done = new Promise<void>((resolve) => {
    const look = () => connection.iceGatheringState === "complete" && resolve();
    connection.addEventListener("icegatheringstatechange", look);
    look();
  });
  return within(GATHER_MS, done, () => undefined, over);
}

function opened(channel: RTCDataChannel): Promise<void> {
  return new Promise((resolve) => {
    channel.onopen = () => resolve();
    if (channel.readyState === "open") resolve();
  });
}

async function measure(channel: RTCDataChannel, length_ms: number, over: AbortSignal): Promise<Measured> {
  const sent_ms: number[] = [];
  const rtts_ms = new Map<number, number>();
  channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    const number = new DataView(data).getUint32(0);
    const at_ms = sent_ms[number];
    if (at_ms !== undefined && !rtts_ms.has(number)) rtts_ms.set(number, performance.now() - at_ms);
  };
  const send = () => {
    const packet = new DataView(new ArrayBuffer(PACKET_BYTES));
    packet.setUint32(0, sent_ms.length);
    sent_ms.push(performance.now());
    channel.send(packet.buffer);
  };
  await new Promise<void>((resolve) => {
    const began_ms = performance.now();
    let next_ms = began_ms;
    const timer = setInterval(() => {
      const now_ms = performance.now();
      if (now_ms > began_ms + length_ms || over.aborted || channel.readyState !== "open") {
        clearInterval(timer);
        resolve();
        return;
      }
      next_ms = Math.max(next_ms, now_ms - MOST_AT_ONCE * EVERY_MS);
      for (; next_ms <= now_ms; next_ms += EVERY_MS) send();
    }, EVERY_MS);
  });
  await pause(LATE_MS, over);
  return { sent: sent_ms.length, rtts_ms: [...rtts_ms.values()] };
}

function closed(ice: IceConfiguration): Verdict {
  const hasServers = ice.iceServers.length > 0;
  return verdict(
    "fail",
    `No path to the machine of the kernel opened within ${OPEN_MS / 1000} s: UDP does not get through.`,
    hasServers
      ? "See the servers here: a TURN server over TCP or TLS gets through where UDP does not."
      : "Name a TURN server that both sides reach (docs/deployment.md), or let UDP through.",
  );
}

function verdictOf({ sent, rtts_ms }: Measured, way: string): Verdict {
  if (sent === 0 || rtts_ms.length === 0) {
    const detail = `None of ${sent} packets came back.`;
    return verdict("fail", detail, "Something on the way drops UDP: a TURN server helps.", 1, "fraction");
  }
  const sorted = [...rtts_ms].sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const lost = 1 - rtts_ms.length / sent;
  const loss = lost === 0 ? "none" : `${(100 * lost).toFixed(1)} %`;
  const detail = `${way}. Of ${sent} packets ${loss} were lost; round trip ${at(0.5).toFixed(0)} ms, 95 % below ${at(0.95).toFixed(0)} ms.`;
  const advice =
    lost > 0.02
      ? "Use a cable, or come closer to the access point: more than 2 % lost packets are heard and seen."
      : at(0.95) > 300
        ? "The path is slow: pause downloads, or use another network."
        : "";
  return verdict(advice === "" ? "pass" : "warning", detail, advice, at(0.5) / 1000, "s");
}

interface Report {
  readonly id: string;
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly candidateType?: string;
  readonly relayProtocol?: string;
}

/** How the packets went, as a person may understand it. */
async function wayOf(connection: RTCPeerConnection): Promise<string> {
  const reports = new Map<string, Report>();
  (await connection.getStats()).forEach((report: Report) => {
    reports.set(report.id, report);
  });
  const transport = [...reports.values()].find(({ selectedCandidatePairId }) => selectedCandidatePairId);
  const pair = reports.get(transport?.selectedCandidatePairId ?? "");
  const local = reports.get(pair?.localCandidateId ?? "");
  const remote = reports.get(pair?.remoteCandidateId ?? "");
  if (local?.candidateType === "relay") return `Through your relay over ${local.relayProtocol ?? "udp"}`;
  if (remote?.candidateType === "relay") return "Through Python's relay";
  return local === undefined ? "Connected" : "Directly, by UDP";
}
