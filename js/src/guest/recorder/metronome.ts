/** Thirty beats a second, in a hidden tab too, where a page's own timers stand nearly still. */
import { type RecorderWorker, startWorker } from "./worker-handle";

export const FPS = 30;
/** After a beat as long a rest for the call: on a slow device the film has fewer pictures. */
const REST = 1;

/** Beats until it is ended, which is idempotent. */
export function startMetronome(beat: () => void, makeWorker: () => RecorderWorker = startWorker): () => void {
  const worker = makeWorker();
  let rested_ms = 0;
  worker.onmessage = ({ data }) => {
    if (data.type !== "tick") return;
    const began_ms = performance.now();
    if (began_ms >= rested_ms) {
      beat();
      const ended_ms = performance.now();
      rested_ms = ended_ms + REST * (ended_ms - began_ms);
    }
    worker.postMessage({ type: "ticked" });
  };
  worker.postMessage({ type: "tick", interval_ms: 1000 / FPS });
  return () => worker.terminate();
}
