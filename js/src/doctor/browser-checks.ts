/** What this browser and this page allow: nothing is opened, and nobody is asked. */
import { type Check, type Verdict, verdict } from "./check";

/** A browser asks only itself here. */
const ANSWER_MS = 3_000;
const LATE = verdict(
  "fail",
  `The browser has not said it within ${ANSWER_MS / 1000} s.`,
  "Look whether it waits for an answer of yours, then reload the page.",
);

const secureContext: Check = {
  name: "secure-context",
  title: "Secure page",
  limit_ms: ANSWER_MS,
  late: LATE,
  run: () => {
    if (globalThis.isSecureContext && navigator.mediaDevices !== undefined) {
      return verdict("pass", "The browser may open cameras on this page.");
    }
    return verdict(
      "fail",
      `The browser opens no camera on ${location.protocol}//${location.host}.`,
      "Open the page over https:// or on localhost.",
    );
  },
};

const permission = (device: "camera" | "microphone"): Check => ({
  name: `permission-${device}`,
  title: `Permission for the ${device}`,
  limit_ms: ANSWER_MS,
  late: LATE,
  run: async () => {
    let state: PermissionState;
    try {
      state = (await navigator.permissions.query({ name: device as PermissionName })).state;
    } catch {
      // Firefox does not say it for devices
      return verdict("skipped", "This browser does not say whether it is allowed.");
    }
    if (state === "granted") return verdict("pass", "It is allowed.");
    if (state === "prompt") return verdict("pass", "The browser will ask you when the call starts.");
    return verdict(
      "fail",
      `The browser refuses the ${device} on this page.`,
      `Allow the ${device} in the site settings, at the left of the address bar, and reload.`,
    );
  },
});

const devices: Check = {
  name: "devices",
  title: "Camera and microphone",
  limit_ms: ANSWER_MS,
  late: LATE,
  run: async () => {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const count = (kind: MediaDeviceKind) => found.filter((device) => device.kind === kind).length;
    const [cameras, microphones] = [count("videoinput"), count("audioinput")];
    const detail = `${many(cameras, "camera")}, ${many(microphones, "microphone")}.`;
    if (cameras > 0 && microphones > 0) return verdict("pass", detail);
    const missing = [cameras === 0 ? "camera" : "", microphones === 0 ? "microphone" : ""].filter(Boolean);
    const advice = `Connect a ${missing.join(" and a ")}, or join without: you still see and hear the others.`;
    return verdict("warning", detail, advice);
  },
};

const VIDEO = ["VP8", "VP9", "H264", "AV1"];

function knownCodecs(): Verdict {
  const known = (capabilities: RTCRtpCapabilities | null | undefined, kind: string, codec: string) =>
    capabilities?.codecs.some(({ mimeType }) => mimeType.toLowerCase() === `${kind}/${codec}`.toLowerCase());
  const [sent, received] = [RTCRtpSender, RTCRtpReceiver].map((end) => ({
    video: end.getCapabilities?.("video"),
    audio: end.getCapabilities?.("audio"),
  }));
  const both = VIDEO.filter(
    (one) => known(sent?.video, "video", one) && known(received?.video, "video", one),
  );
  const hasOpus = known(sent?.audio, "audio", "opus") && known(received?.audio, "audio", "opus");
  const detail = `Both ways: ${[...both, ...(hasOpus ? ["Opus"] : [])].join(", ") || "none"}.`;
  if (hasOpus && both.includes("VP8")) return verdict("pass", detail);
  if (hasOpus && both.includes("H264")) {
    return verdict("warning", detail, "Without VP8, Python needs codec='h264' for the call.");
  }
  return verdict("fail", detail, "Use a current browser: VP8 and Opus are needed.");
}

const codecs: Check = { name: "codecs", title: "Codecs", limit_ms: ANSWER_MS, late: LATE, run: knownCodecs };

export const BROWSER: readonly Check[] = [
  secureContext,
  permission("camera"),
  permission("microphone"),
  devices,
  codecs,
];

const many = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
