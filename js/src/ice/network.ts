/** The browser's network: what it knows of it, and when it changed. */
import type { NetworkInformation as Known } from "../messages";

/** Network Information API, section 4; Chromium has it, others have not. */
interface Information extends EventTarget {
  readonly type?: string;
  readonly effectiveType?: string;
  /** In Mbit/s. */
  readonly downlink?: number;
  /** In ms. */
  readonly rtt?: number;
  readonly saveData?: boolean;
}

function information(): Information | null {
  return (globalThis.navigator as { connection?: Information } | undefined)?.connection ?? null;
}

export function knownNetwork(): Known {
  const said = information();
  return {
    type: said?.type ?? null,
    effectiveType: said?.effectiveType ?? null,
    downlinkBps: said?.downlink === undefined ? null : said.downlink * 1e6,
    rttS: said?.rtt === undefined ? null : said.rtt / 1e3,
    saveData: said?.saveData ?? null,
  };
}

/** False only where the browser is sure that there is no network. */
export function isOnline(): boolean {
  return (globalThis.navigator as { onLine?: boolean } | undefined)?.onLine !== false;
}

/** Several events come for one change. */
const SETTLE_MS = 100;

/**
 * Call `changed` after each change of the network (`isOther`), or of its quality, until the signal aborts. Browsers of
 * desktops do not say of what type it is: there another network may look like another quality.
 */
export function watchNetwork(changed: (isOther: boolean) => void, ended: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let type = information()?.type;
  let isOther = false;
  const soon = (event: globalThis.Event) => {
    isOther ||= event.type !== "change" || type !== information()?.type;
    type = information()?.type;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const said = isOther;
      isOther = false;
      changed(said);
    }, SETTLE_MS);
  };
  const options = { signal: ended };
  information()?.addEventListener("change", soon, options);
  for (const name of ["online", "offline"]) globalThis.addEventListener?.(name, soon, options);
  ended.addEventListener("abort", () => clearTimeout(timer), { once: true });
}
