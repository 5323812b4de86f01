/** The widget that is nothing but a check of the connection: `nbrtc.doctor()`. */
import { useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { SessionView } from "../contract";
import { CheckResults } from "./check-card";

export function DoctorView({ session }: { readonly session: SessionView }) {
  const began = useRef(false);
  // whoever ran the cell wants to know: as soon as there is a kernel to ask
  useSignalEffect(() => {
    // with the qualities, in its welcome, the engine names the servers that are to be checked
    const isAlone = session.phase.value === "waiting-for-kernel" || session.phase.value === "no-kernel";
    if (began.current || isAlone || session.qualities.value.length === 0) return;
    began.current = true;
    if (session.check.lines.peek().length === 0) void session.check.run();
  });
  const isAway = !began.current && session.check.lines.value.length === 0;
  return (
    <section class="nbrtc-doctor" aria-label="Check of the connection">
      <h2>Check of the connection</h2>
      {isAway && <p role="status">{session.statusText.value}</p>}
      <CheckResults check={session.check} />
    </section>
  );
}
