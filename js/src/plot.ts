/** The live plots of a call with several connections: one curve for all of them. */
import type { PlotPoint } from "./contract";

/** Bitrates together, of everything else the worst or the largest; null where nobody knows. */
export function combine(points: readonly PlotPoint[]): PlotPoint {
  const known = (key: keyof PlotPoint) =>
    points.map((point) => point[key]).filter((value): value is number => value !== null);
  const sum = (key: keyof PlotPoint) => {
    const values = known(key);
    return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
  };
  const largest = (key: keyof PlotPoint) => {
    const values = known(key);
    return values.length === 0 ? null : Math.max(...values);
  };
  return {
    time_s: largest("time_s") ?? Date.now() / 1000,
    sendBitrate_bps: sum("sendBitrate_bps"),
    receiveBitrate_bps: sum("receiveBitrate_bps"),
    sendFps: largest("sendFps"),
    receiveFps: largest("receiveFps"),
    rtt_s: largest("rtt_s"),
    lossFraction: largest("lossFraction"),
  };
}
