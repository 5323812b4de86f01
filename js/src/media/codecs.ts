/** Which video codecs this browser sends, and asking for one of them (webrtc-pc, section 5.4.2). */
import type { Codec } from "../messages";

const MIME_TYPES = {
  vp8: "video/VP8",
  vp9: "video/VP9",
  av1: "video/AV1",
  h264: "video/H264",
} as const satisfies Record<Exclude<Codec, "auto">, string>;

/**
 * What "auto" asks for. VP8 costs the least CPU where no GPU encodes, every browser and aiortc have it, and a mesh
 * encodes once for each person; what VP9 and AV1 save in bandwidth they would take several times over in CPU.
 */
const AUTO: Exclude<Codec, "auto"> = "vp8";

/** "auto" first, then what this browser can send; only "auto" where it does not say. */
export function availableCodecs(): readonly Codec[] {
  const sent = globalThis.RTCRtpSender?.getCapabilities?.("video")?.codecs ?? [];
  const names = Object.entries(MIME_TYPES) as [Exclude<Codec, "auto">, string][];
  const known = names.filter(([, mimeType]) => sent.some((codec) => isOf(codec, mimeType)));
  return ["auto", ...known.map(([name]) => name)];
}

/**
 * Prefer `codec` in the next negotiation of a video transceiver. Everything else stays behind it (rtx, red and ulpfec
 * too), so that a side that lacks the codec still finds a common one. A browser that cannot be asked keeps its order.
 */
export function preferCodec(transceiver: RTCRtpTransceiver, codec: Codec): void {
  const all = globalThis.RTCRtpReceiver?.getCapabilities?.("video")?.codecs ?? [];
  const wanted = MIME_TYPES[codec === "auto" ? AUTO : codec];
  const first = all.filter((each) => isOf(each, wanted));
  if (first.length === 0) return;
  transceiver.setCodecPreferences?.([...first, ...all.filter((each) => !isOf(each, wanted))]);
}

/** Names of media types do not depend on case (RFC 6838, section 4.2). */
function isOf(codec: { readonly mimeType: string }, mimeType: string): boolean {
  return codec.mimeType.toLowerCase() === mimeType.toLowerCase();
}
