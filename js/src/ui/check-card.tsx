/** "Check my connection": the button, what was found, and a copy for whoever helps. */
import { useSignal, useSignalEffect } from "@preact/signals";
import type { CheckLine, CheckView } from "../contract";
import { ranked, summed } from "../doctor/summary";
import type { CheckResult } from "../messages";
import "./check.css";
import { Icon, type IconName } from "./icons";

const ICONS: Readonly<Record<CheckResult["outcome"], IconName>> = {
  pass: "check",
  warning: "warning",
  fail: "error",
  skipped: "ready",
};
const WORDS: Readonly<Record<CheckResult["outcome"], string>> = {
  pass: "Fine",
  warning: "Could be better",
  fail: "Does not work",
  skipped: "Not checked",
};
const IPV4 = /\b\d{1,3}(\.\d{1,3}){3}\b/g;
/** Eight groups, or two colons side by side (RFC 5952): a time of day has neither. */
const IPV6 = /(?<![\w:])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|[0-9a-f:]*::[0-9a-f:.]*)(?![\w:])/gi;

/** For a message to whoever helps: without addresses. */
export function reportOf(results: readonly CheckResult[]): string {
  const lines = ranked(results).map(({ outcome, by, title, detail, advice }) =>
    `${WORDS[outcome]}: ${title}${by === "page" ? "" : " (Python)"}. ${detail} ${advice}`.trim(),
  );
  return lines.join("\n").replace(IPV6, "(address)").replace(IPV4, "(address)");
}

function sumUp(lines: readonly CheckLine[], results: readonly CheckResult[], isRunning: boolean): string {
  const progress = `${results.length} of ${lines.length} done`;
  if (isRunning) return `Checking… ${progress}; this takes about eight seconds.`;
  return results.length < lines.length ? `Stopped; ${progress}.` : summed(results);
}

/** While it runs nothing changes its place; then what does not work comes first. */
function ordered(check: CheckView): readonly CheckLine[] {
  const lines = check.lines.value;
  if (check.isRunning.value) return lines;
  const names = ranked(check.results.value).map(({ name }) => name);
  const place = ({ name, found }: CheckLine) => (found === null ? names.length : names.indexOf(name));
  return [...lines].sort((one, other) => place(one) - place(other));
}

interface LineProps {
  readonly line: CheckLine;
  readonly isRunning: boolean;
}

function Line({ line: { by, title, found }, isRunning }: LineProps) {
  const outcome = found?.outcome ?? "skipped";
  const word = found === null && isRunning ? "Checking" : WORDS[outcome];
  return (
    <li class={`nbrtc-check nbrtc-check--${outcome}`}>
      {found === null && isRunning ? (
        <Icon name="wait" size={16} class="nbrtc-icon--turning" />
      ) : (
        <Icon name={ICONS[outcome]} size={16} />
      )}
      <div>
        <strong>
          <span class="nbrtc-unseen">{word}: </span>
          <bdi>{title}</bdi>
          {by !== "page" && " (Python)"}
        </strong>{" "}
        {found === null ? (
          <span class="nbrtc-check-waiting">{isRunning ? "checking…" : "not checked"}</span>
        ) : (
          <span>{found.detail}</span>
        )}
        {found !== null && found.advice !== "" && <p class="nbrtc-check-advice">{found.advice}</p>}
      </div>
    </li>
  );
}

export function CheckResults({ check }: { readonly check: CheckView }) {
  const copied = useSignal(false);
  const results = check.results.value;
  const isRunning = check.isRunning.value;
  const copy = async () => {
    await navigator.clipboard.writeText(reportOf(results));
    copied.value = true;
  };
  return (
    <>
      <p class="nbrtc-check-sum" role="status">
        {sumUp(check.lines.value, results, isRunning)}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by the keyboard, too */}
      <ul class="nbrtc-checks" aria-label="Results of the check" tabIndex={0}>
        {ordered(check).map((line) => (
          <Line key={line.name} line={line} isRunning={isRunning} />
        ))}
      </ul>
      <div class="nbrtc-join">
        {isRunning ? (
          <button type="button" class="nbrtc-button" onClick={() => check.cancel()}>
            Stop
          </button>
        ) : (
          <button type="button" class="nbrtc-button" onClick={() => void check.run()}>
            Check again
          </button>
        )}
        <button type="button" class="nbrtc-button" disabled={isRunning} onClick={() => void copy()}>
          {copied.value ? "Copied" : "Copy the report"}
        </button>
      </div>
    </>
  );
}

/** In the card before a call: closed until somebody wants to know. */
export function CheckField({ check, disabled }: { readonly check: CheckView; readonly disabled: boolean }) {
  const isOpen = useSignal(check.lines.value.length > 0);
  // also one that Python asked for
  useSignalEffect(() => {
    if (check.isRunning.value) isOpen.value = true;
  });
  const toggle = () => {
    isOpen.value = !isOpen.value;
    if (isOpen.value && check.lines.value.length === 0) void check.run();
  };
  return (
    <div class="nbrtc-check-field">
      <button
        type="button"
        class="nbrtc-button nbrtc-check-toggle"
        aria-expanded={isOpen.value}
        disabled={disabled}
        onClick={toggle}
      >
        <Icon name="statistics" size={16} />
        Check my connection
      </button>
      {isOpen.value && (
        <section class="nbrtc-check-results" aria-label="Check of the connection">
          <CheckResults check={check} />
        </section>
      )}
    </div>
  );
}
