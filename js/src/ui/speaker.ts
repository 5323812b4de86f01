/** One view of a session plays its sound: a second one, a moment later, would be an echo. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { SessionView } from "../contract";

const viewsOf = new WeakMap<SessionView, Signal<readonly symbol[]>>();

/** Add a view until `closed` aborts; the signal says whether it is the one that plays, the oldest of those alive. */
export function joinSpeakers(session: SessionView, closed: AbortSignal): ReadonlySignal<boolean> {
  const views = viewsOf.get(session) ?? signal<readonly symbol[]>([]);
  viewsOf.set(session, views);
  const own = Symbol("view");
  views.value = [...views.value, own];
  closed.addEventListener(
    "abort",
    () => {
      views.value = views.value.filter((view) => view !== own);
    },
    { once: true },
  );
  return computed(() => views.value[0] === own);
}
