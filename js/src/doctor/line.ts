/** One line of the connection check, of what this page found. */
import type { CheckResult } from "../messages";

export function line(
  name: string,
  title: string,
  outcome: CheckResult["outcome"],
  detail: string,
  advice = "",
  value: number | null = null,
  unit = "",
): CheckResult {
  return { name, title, outcome, by: "page", detail, advice, value, unit };
}

/** `work`, or what to say if it takes longer; no check keeps a person waiting for ever. */
export async function within<T>(ms: number, work: Promise<T>, late: () => T): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(late()), ms);
  });
  try {
    return await Promise.race([work, waited]);
  } finally {
    clearTimeout(timer);
  }
}
