/** Whom a recording of a room is to be about: everyone, only oneself, or those who are ticked. */
import type { RecordingTracks, SessionView } from "../contract";
import { OWN, present } from "../recording-choice";

const texts = { all: "Everyone", local: "Only me", some: "Only some" } as const;
type Who = keyof typeof texts;

interface Candidate {
  readonly id: string;
  readonly name: string;
}

/** Oneself first. */
export function candidatesOf(session: SessionView): readonly Candidate[] {
  const me = session.state.value?.participants.find(({ isYou }) => isYou)?.name ?? "";
  const others = session.people.value.map(({ participant: { id, name } }) => ({ id, name }));
  return [{ id: OWN, name: me === "" ? "You" : `${me} (you)` }, ...others];
}

interface TracksProps {
  readonly session: SessionView;
  readonly tracks: RecordingTracks;
  readonly onChange: (tracks: RecordingTracks) => void;
}

export function Tracks({ session, tracks, onChange }: TracksProps) {
  const candidates = candidatesOf(session);
  const ids = candidates.map(({ id }) => id);
  const chosen = typeof tracks === "string" ? null : present(tracks, ids);
  const who: Who = typeof tracks === "string" ? tracks : "some";
  return (
    <>
      <label class="nbrtc-record-field">
        <span>Who</span>
        <select
          class="nbrtc-select"
          value={who}
          onChange={({ currentTarget }) => {
            const value = currentTarget.value as Who;
            onChange(value === "some" ? ids : value); // all of them, to take out whoever is not meant
          }}
        >
          {(Object.keys(texts) as Who[]).map((key) => (
            <option key={key} value={key}>
              {texts[key]}
            </option>
          ))}
        </select>
      </label>
      {chosen !== null && (
        <fieldset class="nbrtc-record-people">
          <legend class="nbrtc-unseen">Who is recorded</legend>
          {candidates.map(({ id, name }) => (
            <label key={id} class="nbrtc-record-person">
              <input
                type="checkbox"
                checked={chosen.includes(id)}
                onChange={({ currentTarget: { checked } }) =>
                  onChange(checked ? [...chosen, id] : chosen.filter((one) => one !== id))
                }
              />
              <bdi>{name}</bdi>
            </label>
          ))}
        </fieldset>
      )}
    </>
  );
}
