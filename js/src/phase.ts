/** Where this page stands, of what the engine says, what the person has set going, and how the connection fares. */
import type { PagePhase } from "./contract";
import type { CallState } from "./messages";
import type { Kernel } from "./presence";

/** What the person has set going here; how well it goes is the connection's to say. */
export type Activity = "none" | "preview" | "starting" | "joined" | "failed";

export interface Standpoint {
  readonly page: string;
  readonly state: CallState | null;
  readonly activity: Activity;
  readonly kernel: Kernel;
  readonly isDisturbed: boolean;
}

export function phaseOf({ page, state, activity, kernel, isDisturbed }: Standpoint): PagePhase {
  if (state?.phase === "closed") return "closed";
  if (activity === "failed") return "failed";
  if (isInCall(activity) && isDisturbed) return "reconnecting";
  if (activity === "starting") return "starting";
  if (activity === "joined") return "connected";
  if (kernel === "silent" || kernel === "gone") return "no-kernel";
  if (kernel === "waiting" || state === null) return "waiting-for-kernel";
  if (state.owner !== null && state.owner !== page) return "elsewhere";
  return activity === "preview" ? "preview" : "ready";
}

export function isInCall(activity: Activity): boolean {
  return activity === "starting" || activity === "joined";
}
