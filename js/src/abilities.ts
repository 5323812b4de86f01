/** What this browser lacks for a call, in sentences that say what that means. */
import { whyNoDevices } from "./media/errors";

/** Without this there is no call at all. */
export function canCall(): boolean {
  return typeof RTCPeerConnection === "function";
}

export const NO_CALL =
  "This browser has no WebRTC, or it is switched off: it can take part in no call. Use a current Chrome, Edge, Firefox or Safari.";

/** Empty where all is there. A phone that cannot share its screen lacks nothing: its button says so. */
export function shortcomingsOf(hasPython: boolean): readonly string[] {
  if (!canCall()) return [NO_CALL];
  const sentences: string[] = [];
  const nowhere = whyNoDevices();
  if (nowhere !== null)
    sentences.push(`${nowhere.text} You can join all the same, and see and hear the others.`);
  if (typeof AudioContext === "undefined") {
    sentences.push(
      "This browser has no Web Audio: a shared tab's sound reaches nobody, and no level is shown.",
    );
  }
  if (hasPython && typeof RTCRtpScriptTransform === "undefined") {
    sentences.push(
      "This browser has no RTCRtpScriptTransform: you see and hear the others, but your Python gets none of their pictures.",
    );
  }
  return sentences;
}
