/** The red recording badge: a dot, a word and the time, in every view while a recording runs. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import type { RecordingStatus } from "../messages";
import { elapsedText, listText } from "./format";
import { isOver } from "./phases";
import { recordersOf } from "./seats";
import { useShownBadge } from "./shown-badges";

const now_s = (): number => Date.now() / 1000;

function Elapsed({ recording }: { readonly recording: RecordingStatus }) {
  const time_s = useSignal(now_s());
  useEffect(() => {
    const timer = setInterval(() => {
      time_s.value = now_s();
    }, 1000);
    return () => clearInterval(timer);
  }, [time_s]);
  // The kernel's clock may be behind or ahead of this one; what it has already written is certain.
  const elapsed_s = Math.max(recording.durationS, time_s.value - recording.startedAtS);
  return <span class="nbrtc-badge-time">{elapsedText(elapsed_s)}</span>;
}

interface BadgeProps {
  readonly session: SessionView;
}

export function Badge({ session }: BadgeProps) {
  const badge = useRef<HTMLDivElement>(null);
  const isKnown = !isOver(session);
  const recording = isKnown ? (session.state.value?.recording ?? null) : null;
  const own = recording?.state === "recording" ? recording : null;
  const recorders = isKnown ? recordersOf(session) : [];
  const others = listText(recorders.map(({ name }) => name));
  const running = own !== null || others !== "";
  const theirs = recorders.map(({ status }) => status.recordingId).filter((id) => id !== "");
  useShownBadge(session, badge, own === null ? theirs : [own.id, ...theirs], own?.id ?? null);
  return (
    <>
      {running && (
        <div ref={badge} class="nbrtc-badge" data-nbrtc="recording">
          <span class="nbrtc-badge-dot" aria-hidden="true" />
          <span class="nbrtc-badge-words">
            Recording
            {others !== "" && <bdi> by {own === null ? others : `you and ${others}`}</bdi>}
          </span>
          {own !== null && <Elapsed key={own.id} recording={own} />}
        </div>
      )}
      {/* Said once: the badge itself changes every second, and a live region would read each of them. */}
      <span class="nbrtc-unseen" role="status">
        {running ? `This call is being recorded${own === null ? ` by ${others}` : ""}.` : ""}
      </span>
    </>
  );
}
