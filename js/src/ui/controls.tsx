/** The bar below the stage. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { type Action, actionsOf } from "./actions";
import { CameraSelect, MicrophoneSelect, SoundSwitches } from "./devices";
import { effectsPanel } from "./effects-menu";
import { Icon } from "./icons";
import { invitePanel } from "./invite";
import { Level } from "./level";
import { type Entry, More } from "./more";
import { isInRoom } from "./phases";
import { type Opened, type Panel, Popover } from "./popover";
import { qualityPanel } from "./quality-menu";
import { recordPanel } from "./record-panel";
import { useSize } from "./size";

interface ToggleProps {
  readonly action: Action;
  readonly children?: ComponentChildren;
}

function Toggle({ action, children }: ToggleProps) {
  return (
    <button
      type="button"
      class={`nbrtc-button nbrtc-button--icon ${action.striking ? "nbrtc-button--striking" : ""}`}
      aria-label={action.name}
      aria-pressed={action.pressed}
      aria-keyshortcuts={action.shortcut}
      {...(action.countText === "" ? {} : { "aria-description": action.countText })}
      data-nbrtc-tip={`${action.tip} (${action.shortcut})`}
      disabled={!action.available}
      onClick={() => action.run()}
    >
      <Icon name={action.icon} />
      {action.count > 0 && (
        <span class={`nbrtc-count nbrtc-count--${action.name.toLowerCase()}`} aria-hidden="true">
          {action.count > 99 ? "99+" : action.count}
        </span>
      )}
      {children}
    </button>
  );
}

const devicesPanel = (session: SessionView): Panel => ({
  kind: "dialog",
  name: "Devices",
  tip: "Devices",
  icon: "devices",
  body: () => (
    <div class="nbrtc-fields">
      <CameraSelect session={session} />
      <MicrophoneSelect session={session} />
      <SoundSwitches session={session} />
    </div>
  ),
});

/** What may go into the More menu: the three groups of the bar, each with what goes first at its end. */
interface Groups {
  readonly media: readonly Entry[];
  readonly others: readonly Entry[];
  readonly python: readonly Entry[];
}

function groupsOf(session: SessionView, opened: Opened): Groups {
  const { screen, effects, people, chat, record, statistics } = actionsOf(session, opened);
  const actions = (all: Readonly<Record<string, Action>>): Entry[] =>
    Object.entries(all).flatMap(([key, action]) => (action.present ? [{ key, action }] : []));
  return {
    media: [
      ...actions({ screen }),
      { key: "effects", panel: effectsPanel(session, effects) },
      { key: "devices", panel: devicesPanel(session) },
      { key: "quality", panel: qualityPanel(session) },
    ],
    others: [
      ...(isInRoom(session) ? [{ key: "invite", panel: invitePanel(session) }] : []),
      ...actions({ people, chat }),
    ],
    python: [{ key: "record", panel: recordPanel(session, record) }, ...actions({ statistics })],
  };
}

/** In a narrow bar these go first. */
const GOING = ["statistics", "quality", "devices", "effects", "record", "invite", "screen", "people", "chat"];

/** One button with its gap, and what the bar needs besides: its padding and the text of the quality. */
const BUTTON_PX = 42;
const BESIDES_PX = 60;

/** Microphone, camera and leave are always there. */
const ALWAYS = 3;

/** The keys of the entries that do not fit into `width`. */
export function overflowOf(entries: readonly Entry[], width: number): readonly string[] {
  const room = Math.floor((width - BESIDES_PX) / BUTTON_PX) - ALWAYS;
  if (entries.length <= room) return [];
  const going = GOING.filter((key) => entries.some((entry) => entry.key === key));
  return going.slice(0, entries.length - Math.max(0, room - 1)); // the More button takes a place, too
}

interface EntryProps {
  readonly entry: Entry;
  readonly opened: Opened;
}

function EntryButton({ entry, opened }: EntryProps) {
  if ("action" in entry) return <Toggle action={entry.action} />;
  return <Popover panel={entry.panel} opened={opened} keys={[entry.key]} />;
}

interface ControlsProps {
  readonly session: SessionView;
  readonly opened: Opened;
}

export function Controls({ session, opened }: ControlsProps) {
  const bar = useRef<HTMLElement>(null);
  // the next call's bar begins with everything closed
  useLayoutEffect(
    () => () => {
      opened.value = "";
    },
    [opened],
  );
  const width = useSize(bar).value?.width ?? Number.POSITIVE_INFINITY;
  const { microphone, camera } = actionsOf(session, opened);
  const { media, others, python } = groupsOf(session, opened);
  const all = [...media, ...others, ...python];
  const overflow = overflowOf(all, width);
  const shown = (entries: readonly Entry[]) =>
    entries
      .filter(({ key }) => !overflow.includes(key))
      .map((entry) => <EntryButton key={entry.key} entry={entry} opened={opened} />);
  const hidden = all.filter(({ key }) => overflow.includes(key));
  const groups = [shown(others), shown(python)].filter(({ length }) => length > 0);
  return (
    <section ref={bar} class="nbrtc-bar" aria-label="Call controls">
      <div class="nbrtc-bar-group">
        <Toggle action={microphone}>
          <Level session={session} upright />
        </Toggle>
        <Toggle action={camera} />
        {shown(media)}
      </div>
      {groups.map((group) => (
        <div key={group[0]?.key} class="nbrtc-bar-group">
          {group}
        </div>
      ))}
      <div class="nbrtc-bar-group">
        {hidden.length > 0 && <More entries={hidden} opened={opened} />}
        <button
          type="button"
          class="nbrtc-button nbrtc-button--icon nbrtc-button--danger"
          aria-label="Leave call"
          data-nbrtc-tip="Leave call"
          onClick={() => session.leave()}
        >
          <Icon name="leave" />
        </button>
      </div>
    </section>
  );
}
