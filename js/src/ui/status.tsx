/** Where the call stands, in words: a line at the top of the stage, or its middle with the one button that helps. */
import type { PagePhase, SessionView } from "../contract";
import { Icon } from "./icons";
import { iconOf } from "./phases";

/** Empty where the card beside the stage says it already. */
function wordsOf(session: SessionView): string {
  const phase = session.phase.value;
  return phase === "waiting-for-kernel" || phase === "no-kernel" ? "" : session.statusText.value;
}

/** One element in every phase, because a live region is read only where it stood before its words changed. */
export function Status({ session }: { readonly session: SessionView }) {
  const phase = session.phase.value;
  return (
    <div class="nbrtc-status" role={phase === "failed" ? "alert" : "status"} aria-live="polite">
      <Icon name={iconOf(phase)} size={16} />
      <span class="nbrtc-status-words">{wordsOf(session)}</span>
    </div>
  );
}

const remedies: Partial<Record<PagePhase, string>> = {
  failed: "Try again",
  elsewhere: "Move the call here",
};

export function Remedy({ session }: { readonly session: SessionView }) {
  const remedy = remedies[session.phase.value];
  if (remedy === undefined) return null;
  return (
    <button type="button" class="nbrtc-button nbrtc-button--primary" onClick={() => void session.start()}>
      {remedy}
    </button>
  );
}
