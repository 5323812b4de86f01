/** Statistics of the demo page: `?drawer=statistics&measured=3&history=3600&findings=3`. */
import type { PlotPoint } from "../src/contract";
import type { Finding } from "../src/messages";
import { type FakeStats, finding, plotPoint } from "./fake-session";

const peers = [
  ["python", "Python"],
  ["bob", "Bob"],
  ["chloe", "Chloé Dubois"],
  ["dmitri", "Dmitri"],
  ["esi", "Esi Owusu"],
  ["grace", "Grace Hopper"],
  ["ines", "Ines"],
] as const;

const problems: readonly Finding[] = [
  finding("network-loss", {
    level: "error",
    text: "11.8 % of the packets from Bob are lost.",
    advice: "Wi-Fi loses packets: a cable, or a place closer to the access point, helps most.",
    participant: "bob",
    direction: "receive",
  }),
  finding("cpu-encoder", {
    text: "This computer is too slow to encode 1280 × 720 at 30 frames a second: it sends 17.",
    advice: "Choose a lower quality, or close what else computes.",
  }),
  finding("relayed-path", {
    level: "info",
    text: "The connection to Chloé Dubois goes through a relay.",
    advice: "That is fine, and adds a little delay.",
    participant: "chloe",
  }),
];

function pointAt(time_s: number, peer: number): PlotPoint {
  const wave = Math.sin(time_s / (7 + peer));
  return plotPoint(time_s, {
    sendBitrate_bps: 1.5e6 + 3e5 * wave - 2e5 * peer,
    receiveBitrate_bps: Math.floor(time_s) % 50 < 4 ? null : 1.1e6 - 2e5 * wave + 1e5 * peer,
    sendFps: 30 - (Math.floor(time_s) % 9 === 0 ? 3 : 0),
    receiveFps: 24 + 2 * wave - peer,
    sendHeight: 720,
    receiveHeight: peer === 0 ? 720 : 360,
    rtt_s: 0.004 + 0.002 * Math.abs(wave) + 0.02 * peer,
    lossFraction: 0.012,
    sendLossFraction: Math.floor(time_s) % 20 < 5 ? 0.012 : 0,
    receiveLossFraction: Math.floor(time_s) % 33 < 3 ? 0.02 * peer : 0,
    sendJitter_s: 0.002,
    receiveJitter_s: 0.004 + 0.002 * wave,
    available_bps: 2.4e6 + 2e5 * wave,
    encode_s: 0.006,
    decode_s: 0.002,
    jitterBuffer_s: 0.05,
    freezeFraction: 0,
    concealedFraction: 0.002,
    sendAudioLevel: 0.1 + 0.1 * Math.abs(wave),
    receiveAudioLevel: 0.2 * Math.abs(wave),
  });
}

/** As many peers as the address says, polled once a second, each at its own moment. */
export function measure(stats: FakeStats, query: URLSearchParams): void {
  const count = Number(query.get("measured") ?? 1);
  const history = Number(query.get("history") ?? 90);
  const now_s = Math.floor(Date.now() / 1000);
  peers.slice(0, count).forEach(([peer, name], index) => {
    const offset_s = index * 0.27;
    const past = Array.from({ length: history }, (_, second) =>
      pointAt(now_s - history + second + offset_s, index),
    );
    stats.add(peer, name, ...past);
    setTimeout(
      () => setInterval(() => stats.add(peer, name, pointAt(Date.now() / 1000, index)), 1000),
      1000 * offset_s,
    );
  });
  stats.findings.value = problems.slice(0, Number(query.get("findings") ?? 0));
}
