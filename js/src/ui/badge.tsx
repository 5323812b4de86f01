/** The red recording badge: a dot, a word and the time, in every view while a recording runs. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RecordingStatus } from "../messages";
import { elapsedText } from "./format";

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

export function Badge({ recording }: { readonly recording: RecordingStatus | null }) {
  const running = recording?.state === "recording";
  return (
    <>
      {running && (
        <div class="nbrtc-badge" data-nbrtc="recording">
          <span class="nbrtc-badge-dot" aria-hidden="true" />
          <span>Recording</span>
          <Elapsed key={recording.id} recording={recording} />
        </div>
      )}
      {/* Said once: the badge itself changes every second, and a live region would read each of them. */}
      <span class="nbrtc-unseen" role="status">
        {running ? "This call is being recorded." : ""}
      </span>
    </>
  );
}
