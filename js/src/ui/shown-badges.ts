/** Whose red badge stands in the views of a session: what is really shown, of all its views together. */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";

const viewsOf = new WeakMap<SessionView, Map<symbol, readonly string[]>>();

/** This view shows these; the session hears what all of them show, if that changed. */
function show(session: SessionView, view: symbol, ids: readonly string[]): void {
  const views = viewsOf.get(session) ?? new Map<symbol, readonly string[]>();
  viewsOf.set(session, views);
  const before = new Set([...views.values()].flat());
  if (ids.length > 0) views.set(view, ids);
  else views.delete(view);
  const now = new Set([...views.values()].flat());
  if (now.size !== before.size || [...now].some((id) => !before.has(id))) session.showsRecordings([...now]);
}

/**
 * Tell the session of these recordings while `badge` stands in the document for them: once it was laid out there, which
 * a page in the background, or a cell far outside of the window, puts off. Who then looks elsewhere has seen it; a view
 * that goes takes it back. `own` was started by this very person, perhaps from a cell at the notebook's other end: for
 * them it is enough that the view has it.
 */
export function useShownBadge(
  session: SessionView,
  badge: RefObject<HTMLElement | null>,
  ids: readonly string[],
  own: string | null,
): void {
  const view = useRef(Symbol("view")).current;
  const shown = useRef<readonly string[]>([]);
  const key = ids.join(" ");

  useLayoutEffect(() => {
    const tell = (now: readonly string[]) => {
      shown.current = now;
      show(session, view, now);
    };
    tell(ids.filter((id) => id === own || shown.current.includes(id))); // what was seen is not taken back meanwhile
    const element = badge.current;
    if (!element || ids.length === shown.current.length) return;
    const sizes = new ResizeObserver((entries) => {
      if (!entries.some(({ contentRect: { width, height } }) => width > 0 && height > 0)) return;
      sizes.disconnect();
      tell(ids);
    });
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [session, view, key, own]);

  useLayoutEffect(
    () => () => {
      shown.current = [];
      show(session, view, []);
    },
    [session, view],
  );
}
