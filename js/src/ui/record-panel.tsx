/** What the record button asks before it records: who, how and into which kind of file; and the earlier recordings. */
import { useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { RecordingChoice, SessionView } from "../contract";
import type { RecordingLayout, RecordingStatus } from "../messages";
import { fitted, loadChoice, SUFFIXES, saveChoice } from "../recording-choice";
import type { Action } from "./actions";
import { timeText } from "./format";
import { isInRoom } from "./phases";
import type { Panel } from "./popover";
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
  const isAll = room && tracks === "all";
  const hasFormat = session.hasPython && !(isAll && layout === "separate");
  return (
    <>
      {room && (
        <Options
          name="Who"
          value={tracks}
          options={[
            ["all", "Everyone"],
            ["local", "Only me"],
          ]}
          onChoose={(value) => onChange({ tracks: value })}
        />
      )}
      {isAll && (
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
          options={SUFFIXES.map((each) => [each, each])}
          onChoose={(value) => onChange({ suffix: value })}
        />
      )}
    </>
  );
}

function wordsOf(session: SessionView): string {
  const where = session.hasPython
    ? "It is saved in the folder recordings beside the notebook."
    : "It is saved on this device.";
  return isInRoom(session)
    ? `Everyone sees a red badge; whoever does not is left out. ${where}`
    : `A red badge is shown meanwhile. ${where}`;
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
  const start = () => {
    session.startRecording(
      fitted(choice.value, { isInRoom: isInRoom(session), hasPython: session.hasPython }),
    );
    close();
  };
  return (
    <div class="nbrtc-record">
      <Fields
        session={session}
        choice={choice.value}
        onChange={(change) => {
          choice.value = { ...choice.value, ...change };
          saveChoice(choice.value);
        }}
      />
      <p class="nbrtc-record-words">{wordsOf(session)}</p>
      <button
        type="button"
        class="nbrtc-button nbrtc-button--primary"
        data-nbrtc-first
        disabled={isRunning}
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
  tip: action.name,
  icon: action.icon,
  action,
  body: (close) => <RecordChoices session={session} close={close} />,
});
