/** Which view a phase belongs to, and the icon that stands beside its words. */
import type { PagePhase, SessionView } from "../contract";
import type { IconName } from "./icons";

export type View = "card" | "call" | "message";

interface PhaseLook {
  readonly view: View;
  readonly icon: IconName;
}

const looks: Record<PagePhase, PhaseLook> = {
  "waiting-for-kernel": { view: "card", icon: "wait" },
  "no-kernel": { view: "card", icon: "noKernel" },
  ready: { view: "card", icon: "ready" },
  preview: { view: "card", icon: "preview" },
  starting: { view: "call", icon: "wait" },
  connected: { view: "call", icon: "connected" },
  reconnecting: { view: "call", icon: "wait" },
  failed: { view: "call", icon: "warning" },
  elsewhere: { view: "message", icon: "elsewhere" },
  closed: { view: "message", icon: "closed" },
};

/** The room took nobody in: the card says why, and has the fields that may help. */
export const isRefused = (session: SessionView): boolean =>
  session.phase.value === "failed" && session.state.value?.room?.phase === "refused";

export const viewOf = (session: SessionView): View =>
  isRefused(session) ? "card" : looks[session.phase.value].view;

export const iconOf = (phase: PagePhase): IconName => looks[phase].icon;

/** Devices can be switched: the call runs, or is about to. */
export const isLive = (phase: PagePhase): boolean =>
  phase === "starting" || phase === "connected" || phase === "reconnecting";

/** Nobody tells this page any more what becomes of the call and its recordings: what it knows may be old. */
export const isOver = (session: SessionView): boolean =>
  session.phase.value === "no-kernel" || session.phase.value === "closed";

export const isInRoom = (session: SessionView): boolean => (session.state.value?.room ?? null) !== null;
