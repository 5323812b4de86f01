/** Puts one view of a session into an element of the page. */
import { signal as made } from "@preact/signals";
import { render } from "preact";
import type { PagePhase, SessionView } from "../contract";
import { DoctorView } from "./doctor-view";
import { keepKeys } from "./notebook-keys";
import { listenForShortcuts } from "./shortcuts";
import { joinSpeakers } from "./speaker";
import "./ui.css";
import { CallView } from "./view";

/** What a view shows: the call, or only the check of the connection. */
export type Face = "call" | "doctor";

const IN_CALL: ReadonlySet<PagePhase> = new Set(["starting", "connected", "reconnecting"]);

/** Render `session` into `element` until `signal` aborts; any number of views may show the same session. */
export function mount(
  element: HTMLElement,
  session: SessionView,
  signal: AbortSignal,
  face: Face = "call",
): void {
  if (signal.aborted) return;
  const root = element.ownerDocument.createElement("div");
  root.className = "nbrtc";
  // A click on the picture puts the focus inside, so that the shortcuts work there.
  root.tabIndex = -1;
  element.append(root);
  keepKeys(root, signal, () => IN_CALL.has(session.phase.value));
  const forget = () => {
    render(null, root);
    root.remove();
  };
  signal.addEventListener("abort", forget, { once: true });
  if (face === "doctor") {
    render(<DoctorView session={session} />, root);
    return;
  }
  const opened = made("");
  listenForShortcuts(root, session, opened, signal);
  const audible = joinSpeakers(session, signal);
  render(<CallView session={session} root={root} audible={audible} opened={opened} />, root);
}
