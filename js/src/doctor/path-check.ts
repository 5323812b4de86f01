/** The path to Python as media would take it: packets that may be lost, there and back. */
import { configurationOf } from "../ice/configuration";
import type { CheckResult, IceConfiguration } from "../messages";
import { line } from "./line";

const OPEN_MS = 5_000;
const GATHER_MS = 1_500;
const MEASURE_MS = 5_000;
/** Fifty a second, as sound has them. */
const EVERY_MS = 20;
const LATE_MS = 500;
const PACKET_BYTES = 100;

const TITLE = "Path to Python";
const NAME = "path";

export interface PathOptions {
  readonly ice: IceConfiguration;
  /** The engine's answer to this offer. */
  readonly ask: (sdp: string) => Promise<string>;
  readonly ended: AbortSignal;
}

interface Measured {
  readonly sent: number;
  readonly rtts_ms: readonly number[];
}

export async function pathToPython({ ice, ask, ended }: PathOptions): Promise<CheckResult> {
  const connection = new RTCPeerConnection({ ...configurationOf(ice), iceCandidatePoolSize: 0 });
  const channel = connection.createDataChannel("echo", {
    negotiated: true,
    id: 0,
    ordered: false,
    maxRetransmits: 0,
  });
  channel.binaryType = "arraybuffer";
  try {
    await connection.setLocalDescription();
    await gathered(connection, ended);
    const sdp = await ask(connection.localDescription?.sdp ?? "");
    await connection.setRemoteDescription({ type: "answer", sdp });
    if (!(await opened(channel, ended))) return closed(ice);
    const measured = await measure(channel, ended);
    return verdict(measured, await wayOf(connection));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return line(NAME, TITLE, "fail", text, "Is the kernel running? Run the cell again.");
  } finally {
    channel.onopen = channel.onmessage = null;
    connection.close();
  }
}

function gathered(connection: RTCPeerConnection, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => connection.iceGatheringState === "complete" && resolve();
    connection.addEventListener("icegatheringstatechange", look);
    ended.addEventListener("abort", () => resolve(), { once: true });
    setTimeout(resolve, GATHER_MS);
    look();
  });
}

function opened(channel: RTCDataChannel, ended: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    channel.onopen = () => resolve(true);
    ended.addEventListener("abort", () => resolve(false), { once: true });
    setTimeout(() => resolve(false), OPEN_MS);
    if (channel.readyState === "open") resolve(true);
  });
}

async function measure(channel: RTCDataChannel, ended: AbortSignal): Promise<Measured> {
  const sent_ms: number[] = [];
  const rtts_ms = new Map<number, number>();
  channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
    const number = new DataView(data).getUint32(0);
    const at_ms = sent_ms[number];
    if (at_ms !== undefined && !rtts_ms.has(number)) rtts_ms.set(number, performance.now() - at_ms);
  };
  await new Promise<void>((resolve) => {
    const until_ms = performance.now() + MEASURE_MS;
    const timer = setInterval(() => {
      if (performance.now() > until_ms || ended.aborted || channel.readyState !== "open") {
        clearInterval(timer);
        resolve();
        return;
      }
      const packet = new DataView(new ArrayBuffer(PACKET_BYTES));
      packet.setUint32(0, sent_ms.length);
      sent_ms.push(performance.now());
      channel.send(packet.buffer);
    }, EVERY_MS);
  });
  await new Promise((resolve) => setTimeout(resolve, ended.aborted ? 0 : LATE_MS));
  return { sent: sent_ms.length, rtts_ms: [...rtts_ms.values()] };
}

function closed(ice: IceConfiguration): CheckResult {
  const hasServers = ice.iceServers.length > 0;
  return line(
    NAME,
    TITLE,
    "fail",
    `No path to the machine of the kernel opened within ${OPEN_MS / 1000} s: UDP does not get through.`,
    hasServers
      ? "See the servers here: a TURN server over TCP or TLS gets through where UDP does not."
      : "Name a TURN server that both sides reach (docs/deployment.md), or let UDP through.",
  );
}

function verdict({ sent, rtts_ms }: Measured, way: string): CheckResult {
  if (sent === 0 || rtts_ms.length === 0) {
    const detail = `None of ${sent} packets came back.`;
    return line(
      NAME,
      TITLE,
      "fail",
      detail,
      "Something on the way drops UDP: a TURN server helps.",
      1,
      "fraction",
    );
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
  return line(NAME, TITLE, advice === "" ? "pass" : "warning", detail, advice, at(0.5) / 1000, "s");
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
