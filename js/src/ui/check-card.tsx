/** "Check my connection": the button, what was found, and a copy for whoever helps. */
import { useSignal } from "@preact/signals";
import type { CheckView } from "../contract";
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
const RANK: readonly CheckResult["outcome"][] = ["fail", "warning", "pass", "skipped"];

/** What does not work comes first. */
function ranked(results: readonly CheckResult[]): readonly CheckResult[] {
  return [...results].sort((one, other) => RANK.indexOf(one.outcome) - RANK.indexOf(other.outcome));
}

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

function sumUp(results: readonly CheckResult[], isRunning: boolean): string {
  if (isRunning) return `Checking… ${results.length} done; this takes about eight seconds.`;
  const count = (outcome: CheckResult["outcome"]) => results.filter((one) => one.outcome === outcome).length;
  const [failed, warned] = [count("fail"), count("warning")];
  if (failed + warned === 0) return "Everything that a call needs works.";
  const parts = [
    failed > 0 ? `${failed} ${failed === 1 ? "does" : "do"} not work` : "",
    warned > 0 ? `${warned} could be better` : "",
  ];
  return `Of ${results.length} checks ${parts.filter(Boolean).join(", and ")}.`;
}

function Line({ result }: { readonly result: CheckResult }) {
  const { outcome, by, title, detail, advice } = result;
  return (
    <li class={`nbrtc-check nbrtc-check--${outcome}`}>
      <Icon name={ICONS[outcome]} size={16} />
      <div>
        <strong>
          <span class="nbrtc-unseen">{WORDS[outcome]}: </span>
          <bdi>{title}</bdi>
          {by !== "page" && " (Python)"}
        </strong>{" "}
        <span>{detail}</span>
        {advice !== "" && <p class="nbrtc-check-advice">{advice}</p>}
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
        {sumUp(results, isRunning)}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by the keyboard, too */}
      <ul class="nbrtc-checks" aria-label="Results of the check" tabIndex={0}>
        {ranked(results).map((result) => (
          <Line key={result.name} result={result} />
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
  const isOpen = useSignal(check.results.value.length > 0 || check.isRunning.value);
  const toggle = () => {
    isOpen.value = !isOpen.value;
    if (isOpen.value && check.results.value.length === 0 && !check.isRunning.value) void check.run();
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
