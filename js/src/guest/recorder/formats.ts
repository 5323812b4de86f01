/** What this browser can write: container and codecs, by MIME type (mediastream-recording, section 2.3). */

export interface Format {
  readonly mimeType: string;
  readonly suffix: ".webm" | ".mp4";
}

/** The least work for the processor first: a call goes on at the same time. */
const CANDIDATES: readonly string[] = [
  "video/webm;codecs=vp8,opus",
  "video/webm;codecs=vp9,opus",
  "video/mp4;codecs=avc1.42E01F,mp4a.40.2",
  "video/mp4;codecs=avc1.42E01F,opus",
  "video/webm",
  "video/mp4",
];
/** From so many processors on, one picture may cost more and look better for its bytes. */
const MANY_CORES = 8;

/** Null where nothing can be recorded. `isSupported` is `MediaRecorder.isTypeSupported`. */
export function formatFor(
  films: "one" | "several",
  cores: number,
  isSupported: (mimeType: string) => boolean,
): Format | null {
  const better = films === "one" && cores >= MANY_CORES ? ["video/webm;codecs=vp9,opus"] : [];
  const mimeType = [...better, ...CANDIDATES].find(isSupported);
  if (mimeType === undefined) return null;
  return { mimeType, suffix: mimeType.startsWith("video/mp4") ? ".mp4" : ".webm" };
}
