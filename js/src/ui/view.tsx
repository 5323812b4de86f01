/** The whole view: a stage that is always there, and around it what the phase asks for. */
import type { ReadonlySignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { SessionView } from "../contract";
import { Controls } from "./controls";
import { holdsFocus } from "./focus";
import { viewOf } from "./phases";
import { PreJoin } from "./prejoin";
import { Stage } from "./stage";
import { Statistics } from "./statistics";

interface CallViewProps {
  readonly session: SessionView;
  readonly root: HTMLElement;
  readonly audible: ReadonlySignal<boolean>;
}

/** A button that goes with its view would drop the focus onto the notebook, and the next letter would be a command. */
function useFocusKept(root: HTMLElement, view: string): void {
  const had = holdsFocus(root);
  useLayoutEffect(() => {
    if (had && !holdsFocus(root)) root.focus({ preventScroll: true });
  }, [view]);
}

export function CallView({ session, root, audible }: CallViewProps) {
  const view = viewOf(session.phase.value);
  const statistics = view === "call" && session.statisticsOpen.value;
  useFocusKept(root, view);
  return (
    <section
      class={`nbrtc-layout nbrtc-layout--${view} ${statistics ? "nbrtc-layout--statistics" : ""}`}
      aria-label="Video call with Python"
    >
      <Stage session={session} audible={audible.value} />
      {view === "card" && <PreJoin session={session} />}
      {view === "call" && <Controls session={session} />}
      {statistics && <Statistics session={session} />}
    </section>
  );
}
