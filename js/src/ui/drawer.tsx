/** The frame of a drawer: a heading, a way out, and the focus moved in and back. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { focusedIn, holdsFocus } from "./focus";
import { Icon } from "./icons";

interface DrawerProps {
  readonly session: SessionView;
  readonly root: HTMLElement;
  readonly name: string;
  readonly children: ComponentChildren;
}

/** Only in the view that has the focus: another view of the session shows the drawer and leaves the person alone. */
function useFocusInside(root: HTMLElement) {
  const drawer = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const opened = drawer.current;
    if (!opened || !holdsFocus(root)) return;
    const before = focusedIn(root);
    const first = opened.querySelector<HTMLElement>("[data-nbrtc-first]") ?? opened.querySelector("button");
    first?.focus({ preventScroll: true });
    return () => {
      if (!holdsFocus(opened)) return;
      (before?.isConnected ? before : root).focus({ preventScroll: true });
    };
  }, [root]);
  return drawer;
}

export function DrawerFrame({ session, root, name, children }: DrawerProps) {
  const drawer = useFocusInside(root);
  return (
    <section ref={drawer} class="nbrtc-drawer" aria-label={name}>
      <header class="nbrtc-drawer-head">
        <h2 class="nbrtc-drawer-name">{name}</h2>
        <button
          type="button"
          class="nbrtc-button nbrtc-button--bare"
          aria-label={`Close ${name.toLowerCase()}`}
          title={`Close ${name.toLowerCase()} (Escape)`}
          onClick={() => {
            session.drawer.value = null;
          }}
        >
          <Icon name="dismiss" size={16} />
        </button>
      </header>
      {children}
    </section>
  );
}
