/** Where the call stands, in words: a line at the top of the stage, or its middle with the one button that helps. */
import type { PagePhase, SessionView } from "../contract";
import { Icon } from "./icons";
import { iconOf, isRefused, viewOf } from "./phases";

/** Empty where the card beside the stage says it already. */
function wordsOf(session: SessionView): string {
  const phase = session.phase.value;
  const isRefusal = viewOf(session) === "card" && session.state.value?.room?.phase === "refused";
  const isSaid = phase === "waiting-for-kernel" || phase === "no-kernel" || isRefusal;
  return isSaid ? "" : session.statusText.value;
}

/** The call stands, and the room is not reached yet, or not any more. */
function isRoomAway(session: SessionView): boolean {
  const phase = session.state.value?.room?.phase;
  return session.phase.value === "connected" && (phase === "joining" || phase === "reconnecting");
}

/** One element in every phase, because a live region is read only where it stood before its words changed. */
export function Status({ session }: { readonly session: SessionView }) {
  const phase = session.phase.value;
  const words = wordsOf(session);
  return (
    <div
      class="nbrtc-status"
      role={phase === "failed" && !isRefused(session) ? "alert" : "status"}
      aria-live="polite"
    >
      <Icon name={isRoomAway(session) ? "wait" : iconOf(phase)} size={16} />
      <span class="nbrtc-status-words" title={words}>
        {words}
      </span>
    </div>
  );
}

const remedies: Partial<Record<PagePhase, string>> = {
  failed: "Try again",
  elsewhere: "Move the call here",
};

export function Remedy({ session }: { readonly session: SessionView }) {
  const remedy = remedies[session.phase.value];
  if (remedy === undefined || isRefused(session)) return null;
  return (
    <button type="button" class="nbrtc-button nbrtc-button--primary" onClick={() => void session.start()}>
      {remedy}
    </button>
  );
}
