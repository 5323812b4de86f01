/** What can be plotted: each metric, its curves and the texts of its values. Keys are the columns of `to_frame`. */
import type { PlotPoint } from "../../contract";
import { bitrateText, fpsText, millisecondsText, percentText, pixelsText } from "../format";

export type Direction = "send" | "receive";

export interface Curve {
  /** Null where it is about both ways, like a round trip. */
  readonly direction: Direction | null;
  /** In the unit that `textOf` takes. */
  readonly read: (point: PlotPoint) => number | null;
}

export interface Metric {
  readonly key: string;
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly textOf: (value: number | null) => string;
  /** The scale never ends below this, so that noise around zero does not look like a mountain. */
  readonly leastTop: number;
  /** What `textOf` can tell apart: values on an axis are multiples of it. */
  readonly grain: number;
}

type Member = Exclude<keyof PlotPoint, "time_s">;

const curve = (direction: Direction | null, member: Member, factor = 1): Curve => ({
  direction,
  read: (point) => {
    const value = point[member];
    return value === null ? null : value * factor;
  },
});

const both = (send: Member, receive: Member, factor = 1): readonly Curve[] => [
  curve("send", send, factor),
  curve("receive", receive, factor),
];

const MS = 1000;
const PERCENT = 100;

export const metrics: readonly Metric[] = [
  {
    key: "bitrate_bps",
    title: "Bitrate",
    curves: both("sendBitrate_bps", "receiveBitrate_bps"),
    textOf: bitrateText,
    leastTop: 100_000,
    grain: 1000,
  },
  {
    key: "fps",
    title: "Frame rate",
    curves: both("sendFps", "receiveFps"),
    textOf: fpsText,
    leastTop: 15,
    grain: 1,
  },
  {
    key: "rtt_s",
    title: "Round-trip time",
    curves: [curve(null, "rtt_s", MS)],
    textOf: millisecondsText,
    leastTop: 10,
    grain: 0.1,
  },
  {
    key: "loss_fraction",
    title: "Loss",
    curves: both("sendLossFraction", "receiveLossFraction", PERCENT),
    textOf: percentText,
    leastTop: 1,
    grain: 0.1,
  },
  {
    key: "jitter_s",
    title: "Jitter",
    curves: both("sendJitter_s", "receiveJitter_s", MS),
    textOf: millisecondsText,
    leastTop: 10,
    grain: 0.1,
  },
  {
    key: "available_bitrate_bps",
    title: "Available bandwidth",
    curves: [curve("send", "available_bps")],
    textOf: bitrateText,
    leastTop: 100_000,
    grain: 1000,
  },
  {
    key: "frame_height",
    title: "Resolution (height)",
    curves: both("sendHeight", "receiveHeight"),
    textOf: pixelsText,
    leastTop: 360,
    grain: 1,
  },
  {
    key: "encode_s",
    title: "Encode time",
    curves: [curve("send", "encode_s", MS)],
    textOf: millisecondsText,
    leastTop: 10,
    grain: 0.1,
  },
  {
    key: "decode_s",
    title: "Decode time",
    curves: [curve("receive", "decode_s", MS)],
    textOf: millisecondsText,
    leastTop: 10,
    grain: 0.1,
  },
  {
    key: "jitter_buffer_s",
    title: "Jitter buffer",
    curves: [curve("receive", "jitterBuffer_s", MS)],
    textOf: millisecondsText,
    leastTop: 50,
    grain: 0.1,
  },
  {
    key: "freeze_fraction",
    title: "Frozen",
    curves: [curve("receive", "freezeFraction", PERCENT)],
    textOf: percentText,
    leastTop: 10,
    grain: 0.1,
  },
  {
    key: "concealed_fraction",
    title: "Concealed sound",
    curves: [curve("receive", "concealedFraction", PERCENT)],
    textOf: percentText,
    leastTop: 5,
    grain: 0.1,
  },
  {
    key: "audio_level",
    title: "Audio level",
    curves: both("sendAudioLevel", "receiveAudioLevel", PERCENT),
    textOf: percentText,
    leastTop: 10,
    grain: 0.1,
  },
];

export const DEFAULT_METRICS: readonly string[] = ["bitrate_bps", "fps", "rtt_s", "loss_fraction"];

/** In the order of `metrics`, whatever order the keys have. */
export const metricsOf = (keys: readonly string[]): readonly Metric[] =>
  metrics.filter(({ key }) => keys.includes(key));
