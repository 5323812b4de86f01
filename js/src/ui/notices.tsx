/** Notifications, each until it is dismissed or replaced. */
import type { Level, SessionView } from "../contract";
import { Icon } from "./icons";

/** The line of the recording below the bar says it already, as long as it is so. */
function isSaidBelow(session: SessionView, key: string, text: string): boolean {
  const recording = session.state.value?.recording ?? null;
  if (key !== "recording-space" || recording === null) return false;
  return recording.state !== "recording" || recording.note === text;
}

const words: Record<Level, string> = { info: "Note", warning: "Warning", error: "Error" };

export function Notices({ session }: { readonly session: SessionView }) {
  const notices = session.notices.value.filter(({ key, text }) => !isSaidBelow(session, key, text));
  return (
    <div class="nbrtc-notices" aria-live="polite">
      {notices.map(({ key, level, text }) => (
        <div
          key={key}
          class={`nbrtc-notice nbrtc-notice--${level}`}
          {...(level === "error" ? { role: "alert" as const } : {})}
        >
          <Icon name={level} class="nbrtc-notice-icon" />
          <p class="nbrtc-notice-text">
            <span class="nbrtc-unseen">{words[level]}: </span>
            {text}
          </p>
          <button
            type="button"
            class="nbrtc-button nbrtc-button--bare"
            aria-label={`Dismiss: ${text}`}
            onClick={() => session.dismiss(key)}
          >
            <Icon name="dismiss" size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
