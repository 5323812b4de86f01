/** What the record button asks before it records: who, how and into which kind of file; and the earlier recordings. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { RecordingChoice, RecordingTracks, SessionView } from "../contract";
import type { RecordingLayout, RecordingStatus } from "../messages";
import { fitted, isOfOne, loadChoice, present, SUFFIXES, saveChoice } from "../recording-choice";
import type { Action } from "./actions";
import { timeText } from "./format";
import { isInRoom } from "./phases";
import type { Panel } from "./popover";
import { candidatesOf, Tracks } from "./record-people";
import { filesOf, RecordingFiles } from "./recording-files";
import { saidOf } from "./recording-words";

/** As values of a select; "" is the layout that fits the number of people. */
type LayoutKey = RecordingLayout | "";

const layoutTexts: Record<LayoutKey, string> = {
  "": "One file: automatic",
  pip: "One file: picture in picture",
  grid: "One file: grid",
  speaker: "One file: speaker large",
  separate: "A file for each person",
};
const formatTexts: Record<(typeof SUFFIXES)[number], string> = {
  ".mkv": "for media players",
  ".webm": "for browsers",
  ".mp4": "for nearly everything",
};
const layouts = Object.entries(layoutTexts) as [LayoutKey, string][];

interface OptionsProps<Value extends string> {
  readonly name: string;
  readonly value: Value;
  readonly options: readonly (readonly [Value, string])[];
  readonly onChoose: (value: Value) => void;
}

function Options<Value extends string>({ name, value, options, onChoose }: OptionsProps<Value>) {
  return (
    <label class="nbrtc-record-field">
      <span>{name}</span>
      <select
        class="nbrtc-select"
        value={value}
        onChange={({ currentTarget }) => onChoose(currentTarget.value as Value)}
      >
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

interface FieldsProps {
  readonly session: SessionView;
  readonly choice: RecordingChoice;
  readonly onChange: (change: Partial<RecordingChoice>) => void;
}

function Fields({ session, choice, onChange }: FieldsProps) {
  const { tracks, layout, suffix } = choice;
  const room = isInRoom(session);
  const isMany = room && !isOfOne(tracks);
  const hasFormat = session.hasPython && !(isMany && layout === "separate");
  return (
    <>
      {room && <Tracks session={session} tracks={tracks} onChange={(value) => onChange({ tracks: value })} />}
      {isMany && (
        <Options<LayoutKey>
          name="As"
          value={layout ?? ""}
          options={layouts}
          onChoose={(value) => onChange({ layout: value === "" ? null : value })}
        />
      )}
      {hasFormat && (
        <Options
          name="Format"
          value={suffix || SUFFIXES[0]}
          options={SUFFIXES.map((each) => [each, `${each}, ${formatTexts[each]}`])}
          onChoose={(value) => onChange({ suffix: value })}
        />
      )}
    </>
  );
}

function badgeWords(tracks: RecordingTracks): string {
  if (tracks === "local") return "Everyone sees a red badge meanwhile.";
  return tracks === "all"
    ? "Everyone sees a red badge; whoever's page does not show it is left out."
    : "Everyone sees a red badge; whoever's page does not show it, or who joins later, is left out.";
}

function wordsOf(session: SessionView, tracks: RecordingTracks): string {
  if (tracks.length === 0) return "Tick whoever is to be recorded.";
  const where = session.hasPython
    ? "It is saved in the folder recordings beside the notebook."
    : "It is saved on this device.";
  return `${isInRoom(session) ? badgeWords(tracks) : "A red badge is shown meanwhile."} ${where}`;
}

/** The newest first; the one that runs has the bar and the badge. */
function earlierOf(session: SessionView): readonly RecordingStatus[] {
  const state = session.state.value;
  const newest = state?.recording ? [state.recording] : [];
  return [...newest, ...(state?.recordings ?? [])].filter((each) => each.state !== "recording");
}

function Earlier({ session }: { readonly session: SessionView }) {
  const earlier = earlierOf(session);
  if (earlier.length === 0) return null;
  return (
    <section class="nbrtc-earlier" aria-label="Earlier recordings">
      <h3 class="nbrtc-earlier-title">Earlier recordings</h3>
      {earlier.map((recording) => (
        <div key={recording.id} class="nbrtc-earlier-one">
          <p class="nbrtc-earlier-text" title={recording.path}>
            {timeText(recording.startedAtS)}: {saidOf(recording)}
          </p>
          {recording.files.length > 0 && (
            <RecordingFiles session={session} recording={recording} files={filesOf(recording)} />
          )}
        </div>
      ))}
    </section>
  );
}

interface RecordProps {
  readonly session: SessionView;
  readonly close: () => void;
}

function RecordChoices({ session, close }: RecordProps) {
  const choice = useSignal(loadChoice());
  const isRunning = session.state.value?.recording?.state === "recording";
  // begun elsewhere: there is nothing to choose any more
  useLayoutEffect(() => {
    if (isRunning) close();
  }, [isRunning]);
  const { tracks } = choice.value;
  const ids = candidatesOf(session).map(({ id }) => id);
  const here = isInRoom(session) && typeof tracks !== "string" ? present(tracks, ids) : tracks;
  const chosen = { ...choice.value, tracks: here };
  const start = () => {
    const sendsH264 = session.state.value?.codec === "h264";
    const { hasPython } = session;
    session.startRecording(fitted(chosen, { isInRoom: isInRoom(session), hasPython, sendsH264 }));
    close();
  };
  return (
    <div class="nbrtc-record">
      <Fields
        session={session}
        choice={chosen}
        onChange={(change) => {
          choice.value = { ...choice.value, ...change };
          saveChoice(choice.value);
        }}
      />
      <p class="nbrtc-record-words">{wordsOf(session, chosen.tracks)}</p>
      <button
        type="button"
        class="nbrtc-button nbrtc-button--primary"
        data-nbrtc-first
        disabled={isRunning || here.length === 0}
        onClick={start}
      >
        Start recording
      </button>
      <Earlier session={session} />
    </div>
  );
}

/** `action`: of the button, which stops what runs. */
export const recordPanel = (session: SessionView, action: Action): Panel => ({
  kind: "dialog",
  name: action.name,
  tip: action.tip, // also why it cannot be pressed
  icon: action.icon,
  action,
  body: (close) => <RecordChoices session={session} close={close} />,
});
