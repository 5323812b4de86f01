/** What is wrong with the call, in one line, and where a person wants it, all of it. */
import { useComputed, useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { SessionView } from "../../contract";
import type { Finding } from "../../messages";
import { Icon } from "../icons";
import { viewOf } from "../phases";
import { callPanel, type Panel } from "./panel";
import { keyOf, type Shown, Steady } from "./steady";

const countText = (count: number): string => (count === 1 ? "1 problem" : `${count} problems`);

const more = (count: number): string => (count > 0 ? `+${count} more` : "");

/** Says a new problem once: its figures change every second, and need not be read out again. */
function Announcer({ finding }: { readonly finding: Finding | null }) {
  const said = useSignal<{ readonly key: string; readonly text: string }>({ key: "", text: "" });
  const key = finding === null ? "" : keyOf(finding);
  useLayoutEffect(() => {
    said.value = { key, text: finding === null ? "" : `${finding.text} ${finding.advice}` };
  }, [key]);
  return (
    <span class="nbrtc-unseen" aria-live="polite">
      {said.value.text}
    </span>
  );
}

function FindingItem({ finding }: { readonly finding: Finding }) {
  return (
    <li class={`nbrtc-finding-item nbrtc-notice--${finding.level}`}>
      <Icon name={finding.level} size={16} class="nbrtc-notice-icon" />
      <span>
        {finding.text} <span class="nbrtc-finding-advice">{finding.advice}</span>
      </span>
    </li>
  );
}

/** Why no problem is named: there is none, or nothing that could tell. */
function Nothing({ panel }: { readonly panel: Panel }) {
  const isEmpty = useComputed(() => panel.feed.series.value.length === 0).value;
  const [empty, fine] = panel.isLive
    ? ["No statistics yet: they begin with the first connection.", "No problems are seen now."]
    : ["There are no statistics here: nothing was measured.", "No problems were found."];
  return <p class="nbrtc-findings-none">{panel.note.value || (isEmpty ? empty : fine)}</p>;
}

/** The worst in one line of the panel; pressed, all with what can be done. The line's place is always there. */
export function PanelFindings({ panel }: { readonly panel: Panel }) {
  const findings = panel.feed.findings.value;
  const [worst] = findings;
  const isOpen = panel.isExpanded.value && worst !== undefined;
  return (
    <div class="nbrtc-findings">
      {worst === undefined ? (
        <Nothing panel={panel} />
      ) : (
        <button
          type="button"
          class={`nbrtc-findings-line nbrtc-notice--${worst.level}`}
          aria-expanded={isOpen}
          title={isOpen ? "Show one line" : `${worst.text} ${worst.advice}`}
          onClick={() => {
            panel.isExpanded.value = !isOpen;
          }}
        >
          <Icon name={worst.level} size={16} class="nbrtc-notice-icon" />
          <span class="nbrtc-findings-text">{isOpen ? countText(findings.length) : worst.text}</span>
          <span class="nbrtc-findings-more">{isOpen ? "less" : more(findings.length - 1) || "advice"}</span>
        </button>
      )}
      {isOpen && (
        <ul class="nbrtc-findings-list">
          {findings.map((finding) => (
            <FindingItem key={keyOf(finding)} finding={finding} />
          ))}
        </ul>
      )}
      <Announcer finding={worst ?? null} />
    </div>
  );
}

/** In the call itself: only what lasts and is more than a remark, while the panel does not say it already. */
export function CallFinding({ session }: { readonly session: SessionView }) {
  const shown = useSignal<Shown | null>(null);
  useLayoutEffect(() => {
    const steady = new Steady(session.stats.findings, (next) => {
      shown.value = next;
    });
    return () => steady.close();
  }, [session, shown]);
  const isThere = viewOf(session) === "call" && session.drawer.value !== "statistics";
  const { finding, others } = (isThere ? shown.value : null) ?? { finding: null, others: 0 };
  return (
    <div class="nbrtc-notices">
      {finding !== null && (
        <button
          type="button"
          class={`nbrtc-finding nbrtc-notice--${finding.level}`}
          title={`${finding.advice} Press for the statistics.`}
          onClick={() => {
            callPanel(session.stats, session).isExpanded.value = true;
            session.drawer.value = "statistics";
          }}
        >
          <Icon name={finding.level} size={16} class="nbrtc-notice-icon" />
          <span class="nbrtc-finding-text">{finding.text}</span>
          {others > 0 && <span class="nbrtc-finding-more">{more(others)}</span>}
        </button>
      )}
      <Announcer finding={finding} />
    </div>
  );
}
