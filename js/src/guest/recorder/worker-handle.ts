/** Starts the recorder's worker: it travels inside the bundle, as the tap's does. */
import type { FromWorker, ToWorker } from "./worker";

/** The bundled worker, put in by build.mjs; absent in tests. */
declare const NBRTC_RECORDER_WORKER: string | undefined;

export interface RecorderWorker {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  postMessage(message: ToWorker, transfer?: Transferable[]): void;
  terminate(): void;
}

/** Throws where the browser, or the page's content security policy, allows no worker from a blob: address. */
export function startWorker(): RecorderWorker {
  const text = typeof NBRTC_RECORDER_WORKER === "string" ? NBRTC_RECORDER_WORKER : "";
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return new Worker(url, { name: "nbrtc-recorder" }) as RecorderWorker;
  } finally {
    URL.revokeObjectURL(url); // resolved by the constructor already (File API, section 8.3.1)
  }
}
