/** How loud the microphone is: ten times a second, so it is a component of its own that re-renders alone. */
import type { SessionView } from "../contract";

interface LevelProps {
  readonly session: SessionView;
  readonly upright?: boolean;
}

export function Level({ session, upright = false }: LevelProps) {
  const on = session.microphoneOn.value;
  const level = on ? Math.min(1, Math.max(0, session.microphoneLevel.value)) : 0;
  const scale = upright ? `scaleY(${level})` : `scaleX(${level})`;
  return (
    <span
      class={`nbrtc-level ${upright ? "nbrtc-level--upright" : ""} ${on ? "" : "nbrtc-level--off"}`}
      aria-hidden="true"
    >
      <span class="nbrtc-level-fill" style={{ transform: scale }} />
    </span>
  );
}
