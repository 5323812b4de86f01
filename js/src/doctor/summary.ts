/** A check of the connection in one sentence. */
import type { Level } from "../contract";
import type { CheckResult } from "../messages";

const RANK: readonly CheckResult["outcome"][] = ["fail", "warning", "pass", "skipped"];

/** What does not work comes first. */
export function ranked(results: readonly CheckResult[]): readonly CheckResult[] {
  return [...results].sort((one, other) => RANK.indexOf(one.outcome) - RANK.indexOf(other.outcome));
}

export function summed(results: readonly CheckResult[]): string {
  const count = (outcome: CheckResult["outcome"]) => results.filter((one) => one.outcome === outcome).length;
  const [failed, warned] = [count("fail"), count("warning")];
  if (failed + warned === 0) return "Everything that a call needs works.";
  const parts = [
    failed > 0 ? `${failed} ${failed === 1 ? "does" : "do"} not work` : "",
    warned > 0 ? `${warned} could be better` : "",
  ];
  return `Of ${results.length} checks ${parts.filter(Boolean).join(", and ")}.`;
}

/** The same with the worst of it, and how bad that is. */
export function said(results: readonly CheckResult[]): readonly [Level, string] {
  const worst = ranked(results)[0];
  const sum = summed(results);
  if (worst?.outcome === "fail") return ["error", `${sum} ${worst.title}: ${worst.detail}`];
  if (worst?.outcome === "warning") return ["warning", `${sum} ${worst.title}: ${worst.detail}`];
  return ["info", sum];
}
