/** The whole view: a stage that is always there, and around it what the phase asks for. */
import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Drawer, SessionView } from "../contract";
import { ChatDrawer } from "./chat-drawer";
import { Controls } from "./controls";
import { useFocusKept } from "./focus";
import type { Layout } from "./gallery";
import { PeopleDrawer } from "./people-drawer";
import { isInRoom, viewOf } from "./phases";
import type { Opened } from "./popover";
import { PreJoin } from "./prejoin";
import { RecordingCard } from "./recording-card";
import { Stage } from "./stage";
import { callPanel } from "./statistics/panel";
import { Statistics } from "./statistics/statistics";

interface CallViewProps {
  readonly session: SessionView;
  readonly root: HTMLElement;
  readonly audible: ReadonlySignal<boolean>;
  /** Which panel of the bar is open in this view. */
  readonly opened: Opened;
}

/** The drawer that this call has: a solo call knows neither people nor chat. */
function drawerOf(session: SessionView): Drawer | null {
  const drawer = session.drawer.value;
  if (viewOf(session) !== "call" || drawer === null) return null;
  if (drawer === "chat" && session.state.value?.room?.settings.chat !== true) return null;
  return drawer === "people" && !isInRoom(session) ? null : drawer;
}

interface OpenDrawerProps extends Omit<CallViewProps, "audible" | "opened"> {
  readonly drawer: Drawer | null;
  readonly draft: Signal<string>;
}

function OpenDrawer({ session, root, drawer, draft }: OpenDrawerProps) {
  switch (drawer) {
    case "chat":
      return <ChatDrawer session={session} root={root} draft={draft} />;
    case "people":
      return <PeopleDrawer session={session} root={root} />;
    case "statistics":
      return <Statistics panel={callPanel(session.stats, session)} />;
    case null:
      return null;
  }
}

/** From this many people on the stage is higher. */
const MANY = 5;

/** How high the stage is: it grows with the people, and never shrinks under those who stay. */
function useCrowd(session: SessionView): string {
  const most = useRef(0);
  if (viewOf(session) !== "call" || !isInRoom(session)) {
    most.current = 0;
    return isInRoom(session) ? "room" : "solo";
  }
  most.current = Math.max(most.current, session.people.value.length + 1);
  return most.current >= MANY ? "crowd" : "room";
}

export function CallView({ session, root, audible, opened }: CallViewProps) {
  const layout = useSignal<Layout>("grid");
  const draft = useSignal("");
  const view = viewOf(session);
  const drawer = drawerOf(session);
  const crowd = useCrowd(session);
  const room = session.state.value?.room ?? null;
  useFocusKept(root, view);
  return (
    <section
      class={`nbrtc-layout nbrtc-layout--${view} nbrtc-layout--${crowd} ${drawer === null ? "" : `nbrtc-layout--drawer nbrtc-layout--${drawer}`}`}
      aria-label={room === null ? "Video call with Python" : `Video call in the room ${room.name}`}
    >
      <Stage session={session} audible={audible.value} layout={layout} />
      {view === "card" && <PreJoin session={session} opened={opened} />}
      {view === "call" && <Controls session={session} opened={opened} />}
      <RecordingCard session={session} root={root} />
      <OpenDrawer session={session} root={root} drawer={drawer} draft={draft} />
    </section>
  );
}
