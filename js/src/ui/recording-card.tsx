/** The newest recording below the bar, where it covers nobody: what it does, what it became, and its files. */
import { type Signal, signal } from "@preact/signals";
import type { SessionView } from "../contract";
import type { RecordingStatus } from "../messages";
import { useFocusKept } from "./focus";
import { Icon, type IconName } from "./icons";
import { isOver, viewOf } from "./phases";
import { canDownload, DownloadButton, filesOf, RecordingFiles } from "./recording-files";
import { announcedOf, isFolder, leftOutOf, leftWhereOf, nameOf, saidOf } from "./recording-words";

/** Which recordings were put away, in all views of a session and in those to come. */
const awayOf = new WeakMap<SessionView, Signal<readonly string[]>>();

function putAway(session: SessionView): Signal<readonly string[]> {
  const away = awayOf.get(session) ?? signal<readonly string[]>([]);
  awayOf.set(session, away);
  return away;
}

const icons: Record<RecordingStatus["state"], IconName> = {
  recording: "record",
  composing: "wait",
  stopped: "check",
  failed: "error",
};

interface CardProps {
  readonly session: SessionView;
  readonly recording: RecordingStatus;
}

/** The one file stands beside the sentence; several, or those that it was made of, are behind a line of their own. */
function Files({ session, recording }: CardProps) {
  const files = filesOf(recording);
  const [first, ...others] = files;
  if (first === undefined) return null;
  const isComposed = first.person === "";
  const more = isComposed ? others : files;
  if (more.length === 0 || (more.length === 1 && !isComposed)) return null;
  const separate = more.length === 1 ? "1 separate file" : `${more.length} separate files`;
  return (
    <details class="nbrtc-card-files">
      <summary>{isFolder(recording) ? "Show the files" : separate}</summary>
      <RecordingFiles session={session} recording={recording} files={more} />
    </details>
  );
}

function Main({ session, recording }: CardProps) {
  const [first, ...others] = filesOf(recording);
  const isMain = first !== undefined && (first.person === "" || others.length === 0);
  if (recording.state === "recording" || !isMain || !canDownload(first)) return null;
  return <DownloadButton session={session} recording={recording.id} file={first} />;
}

function Card({ session, recording }: CardProps) {
  const { state, note, composedFraction } = recording;
  const isRunning = state === "recording" || state === "composing";
  const isCut = isRunning && isOver(session);
  const canStop = state === "recording" && !isCut && viewOf(session) !== "message"; // on the card it waits for a page
  const lines = [leftOutOf(recording), note].filter((line) => line !== "");
  const away = putAway(session);
  return (
    <section class={`nbrtc-card nbrtc-card--${state}`} aria-label="Recording">
      <Icon name={isCut ? "stop" : icons[state]} class="nbrtc-card-icon" />
      <p class="nbrtc-card-text" title={recording.path}>
        {isCut ? leftWhereOf(recording) : saidOf(recording)}
      </p>
      <span class="nbrtc-card-buttons">
        <Main session={session} recording={recording} />
        {canStop && (
          <button type="button" class="nbrtc-button nbrtc-card-stop" onClick={() => session.stopRecording()}>
            <Icon name="stop" size={14} />
            Stop<span class="nbrtc-unseen"> the recording</span>
          </button>
        )}
        {(state !== "recording" || isCut) && (
          <button
            type="button"
            class="nbrtc-button nbrtc-button--bare"
            aria-label={`Dismiss ${nameOf(recording)}`}
            title="Dismiss: the Record button lists it"
            onClick={() => {
              away.value = [...away.value, recording.id];
            }}
          >
            <Icon name="dismiss" size={16} />
          </button>
        )}
      </span>
      {state === "composing" && !isCut && (
        <progress
          class="nbrtc-progress nbrtc-card-progress"
          aria-label={`Putting ${nameOf(recording)} together`}
          max={1}
          value={composedFraction}
        />
      )}
      {lines.map((line) => (
        <p key={line} class="nbrtc-card-line">
          {line}
        </p>
      ))}
      {state !== "recording" && <Files session={session} recording={recording} />}
    </section>
  );
}

interface RecordingCardProps {
  readonly session: SessionView;
  readonly root: HTMLElement;
}

export function RecordingCard({ session, root }: RecordingCardProps) {
  const recording = session.state.value?.recording ?? null;
  const isShown = recording !== null && !putAway(session).value.includes(recording.id);
  useFocusKept(root, isShown ? `${recording.id} ${recording.state}` : "");
  return (
    <>
      {isShown && <Card key={recording.id} session={session} recording={recording} />}
      <span class="nbrtc-unseen" role="status">
        {isShown ? announcedOf(recording) : ""}
      </span>
    </>
  );
}
