/** One thing that the connection check looks at in this page, and what it finds. */
import type { CheckName, CheckResult } from "../messages";

/** What was found, with its value, as a sentence; and what to do, where there is something to do. */
export type Verdict = Pick<CheckResult, "outcome" | "detail" | "advice" | "value" | "unit">;

export interface Check extends CheckName {
  readonly limit_ms: number;
  /** What is said of it when it takes longer than `limit_ms`. */
  readonly late: Verdict;
  /** `over` aborts when nobody waits for it any more. */
  readonly run: (over: AbortSignal) => Verdict | Promise<Verdict>;
}

export function verdict(
  outcome: Verdict["outcome"],
  detail: string,
  advice = "",
  value: number | null = null,
  unit = "",
): Verdict {
  return { outcome, detail, advice, value, unit };
}

export const resultOf = ({ name, title }: CheckName, found: Verdict): CheckResult => ({
  name,
  title,
  by: "page",
  ...found,
});

/** Its result, at the latest after its limit; null if `ended` aborts before. Rejects with nothing. */
export async function carryOut(check: Check, ended: AbortSignal): Promise<CheckResult | null> {
  const over = new AbortController();
  const stop = () => over.abort();
  ended.addEventListener("abort", stop, { once: true });
  const work = (async () => check.run(over.signal))().catch((error: unknown) => broken(error));
  try {
    const found = await within(check.limit_ms, work, () => check.late, ended);
    return ended.aborted ? null : resultOf(check, found);
  } finally {
    ended.removeEventListener("abort", stop);
    over.abort();
  }
}

function broken(error: unknown): Verdict {
  const text = error instanceof Error ? error.message : String(error);
  return verdict("fail", `The browser could not check it: ${text}`, "Reload the page, and check again.");
}

/** `work`, or what `late` says if it takes longer or nobody waits any more. */
export function within<T>(ms: number, work: Promise<T>, late: () => T, over: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => resolve(late());
    const timer = setTimeout(end, ms);
    over.addEventListener("abort", end, { once: true });
    if (over.aborted) end();
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      over.removeEventListener("abort", end);
    });
  });
}

/** A while; less if nobody waits any more. */
export function pause(ms: number, over: AbortSignal): Promise<void> {
  const never = new Promise<void>(() => {});
  return within(ms, never, () => undefined, over);
}
