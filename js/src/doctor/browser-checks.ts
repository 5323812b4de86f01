/** What this browser and this page allow: nothing is opened, and nobody is asked. */
import type { CheckResult } from "../messages";
import { line } from "./line";

export function secureContext(): CheckResult {
  const title = "Secure page";
  if (globalThis.isSecureContext && navigator.mediaDevices !== undefined) {
    return line("secure-context", title, "pass", "The browser may open cameras on this page.");
  }
  return line(
    "secure-context",
    title,
    "fail",
    `The browser opens no camera on ${location.protocol}//${location.host}.`,
    "Open the page over https:// or on localhost.",
  );
}

type Device = "camera" | "microphone";

export async function permission(device: Device): Promise<CheckResult> {
  const [name, title] = [`permission-${device}`, `Permission for the ${device}`];
  let state: PermissionState;
  try {
    state = (await navigator.permissions.query({ name: device as PermissionName })).state;
  } catch {
    // Firefox does not say it for devices
    return line(name, title, "skipped", "This browser does not say whether it is allowed.");
  }
  if (state === "granted") return line(name, title, "pass", "It is allowed.");
  if (state === "prompt") return line(name, title, "pass", "The browser will ask you when the call starts.");
  return line(
    name,
    title,
    "fail",
    `The browser refuses the ${device} on this page.`,
    `Allow the ${device} in the site settings, at the left of the address bar, and reload.`,
  );
}

export async function devices(): Promise<CheckResult> {
  const title = "Camera and microphone";
  const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const count = (kind: MediaDeviceKind) => found.filter((device) => device.kind === kind).length;
  const [cameras, microphones] = [count("videoinput"), count("audioinput")];
  const detail = `${many(cameras, "camera")}, ${many(microphones, "microphone")}.`;
  if (cameras > 0 && microphones > 0) return line("devices", title, "pass", detail);
  const missing = [cameras === 0 ? "camera" : "", microphones === 0 ? "microphone" : ""].filter(Boolean);
  const advice = `Connect a ${missing.join(" and a ")}, or join without: you still see and hear the others.`;
  return line("devices", title, "warning", detail, advice);
}

const VIDEO = ["VP8", "VP9", "H264", "AV1"];

export function codecs(): CheckResult {
  const title = "Codecs";
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
  if (hasOpus && both.includes("VP8")) return line("codecs", title, "pass", detail);
  if (hasOpus && both.includes("H264")) {
    return line("codecs", title, "warning", detail, "Without VP8, Python needs codec='h264' for the call.");
  }
  return line("codecs", title, "fail", detail, "Use a current browser: VP8 and Opus are needed.");
}

const many = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
