/** Where the call stands, in one sentence for a person. */
import type { PagePhase } from "./contract";

/** What Python is told when the person clicks "Leave call". */
export const LEFT = "The person left.";

export interface Circumstances {
  readonly phase: PagePhase;
  /** The kernel was restarted or has ended, rather than being silent. */
  readonly kernelGone: boolean;
  /** The browser still asks the person, or the devices still open. */
  readonly openingDevices: boolean;
  /** The engine's reason for the state that it is in. */
  readonly stateReason: string;
  /** What this page knows: why it reconnects, or why it failed. */
  readonly pageReason: string;
}

export function statusOf(now: Circumstances): string {
  switch (now.phase) {
    case "waiting-for-kernel":
      return "Waiting for the kernel…";
    case "no-kernel":
      return now.kernelGone
        ? "The kernel was restarted or has ended. Run this cell again to use the call."
        : "No kernel answers. Run this cell again to use the call.";
    case "ready":
      return now.stateReason === LEFT ? "You left the call." : now.stateReason;
    case "preview":
      return "Only you see this.";
    case "starting":
      return now.openingDevices ? "Asking for camera and microphone…" : "Connecting to Python…";
    case "connected":
      return "Connected";
    case "reconnecting":
      return `Reconnecting… ${now.pageReason}`;
    case "failed":
      return now.pageReason;
    case "elsewhere":
      return "This call is open in another window.";
    case "closed":
      return now.stateReason || "The call was closed.";
  }
}
