/** What the colour effects do to red, green and blue: Filter Effects Level 1, section 8.1. */
import type { ColourSpace } from "./picture";
import { scaleOf, WEIGHTS } from "./planes";

type Triple = readonly [number, number, number];

/** `rows` times (red, green, blue) plus `offset`, all 0 to 1; what is beyond that is cut off. */
export interface ColourMap {
  readonly rows: readonly [Triple, Triple, Triple];
  readonly offset: number;
  /** Colours that were within bounds can get below 0, or above 1. */
  readonly isLow: boolean;
  readonly isHigh: boolean;
}

export type ColourName = "grayscale" | "sepia" | "invert" | "brightness" | "contrast";

const GRAYSCALE: Triple = [0.2126, 0.7152, 0.0722];
const SEPIA = [
  [0.393, 0.769, 0.189],
  [0.349, 0.686, 0.168],
  [0.272, 0.534, 0.131],
] as const;

/** `strength` as in `EFFECTS`: brightness and contrast take 1 more than it to be CSS's. */
export function colourMapOf(name: ColourName, strength: number): ColourMap {
  switch (name) {
    case "grayscale":
      return { ...mixed([GRAYSCALE, GRAYSCALE, GRAYSCALE], strength), isHigh: false };
    case "sepia":
      return mixed(SEPIA, strength);
    case "invert":
      return { rows: diagonal(-1), offset: 1, isLow: false, isHigh: false };
    case "brightness":
      return { rows: diagonal(1 + strength), offset: 0, isLow: false, isHigh: strength > 0 };
    case "contrast": {
      const isBeyond = strength > 0;
      return { rows: diagonal(1 + strength), offset: -strength / 2, isLow: isBeyond, isHigh: isBeyond };
    }
  }
}

function diagonal(factor: number): ColourMap["rows"] {
  return [
    [factor, 0, 0],
    [0, factor, 0],
    [0, 0, factor],
  ];
}

function mixed(rows: ColourMap["rows"], share: number): ColourMap {
  const mix = ([r, g, b]: Triple, at: number): Triple => [
    share * r + (at === 0 ? 1 - share : 0),
    share * g + (at === 1 ? 1 - share : 0),
    share * b + (at === 2 ? 1 - share : 0),
  ];
  return {
    rows: [mix(rows[0], 0), mix(rows[1], 1), mix(rows[2], 2)],
    offset: 0,
    isLow: false,
    isHigh: share > 0,
  };
}

/** One channel, 0 to 255, of the samples: `y * Y + u * (U - 128) + v * (V - 128) + constant`. */
export interface Channel {
  readonly y: number;
  readonly u: number;
  readonly v: number;
  readonly constant: number;
}

/** Red, green and blue after the effect, of the samples before it. */
export function channelsOf(map: ColourMap, colour: ColourSpace): [Channel, Channel, Channel] {
  const { red, blue } = WEIGHTS[colour.matrix];
  const green = 1 - red - blue;
  const { black, luma, chroma } = scaleOf(colour);
  const steps = 255 / chroma;
  const channel = ([r, g, b]: Triple): Channel => {
    const y = ((r + g + b) * 255) / luma;
    return {
      y,
      u: 2 * (1 - blue) * (b - (g * blue) / green) * steps,
      v: 2 * (1 - red) * (r - (g * red) / green) * steps,
      constant: 255 * map.offset - y * black,
    };
  };
  return [channel(map.rows[0]), channel(map.rows[1]), channel(map.rows[2])];
}

/** Of red, green and blue, 0 to 255: how much of each makes a sample. */
export interface Sample {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
  readonly constant: number;
}

/** Y, U and V of a colour. */
export function samplesOf(colour: ColourSpace): [Sample, Sample, Sample] {
  const { red, blue } = WEIGHTS[colour.matrix];
  const green = 1 - red - blue;
  const { black, luma, chroma } = scaleOf(colour);
  const sample = (r: number, g: number, b: number, steps: number, constant: number): Sample => {
    return { red: (r * steps) / 255, green: (g * steps) / 255, blue: (b * steps) / 255, constant };
  };
  const [ofBlue, ofRed] = [chroma / 2 / (1 - blue), chroma / 2 / (1 - red)];
  return [
    sample(red, green, blue, luma, black),
    sample(-red, -green, 1 - blue, ofBlue, 128),
    sample(1 - red, -green, -blue, ofRed, 128),
  ];
}

/** What becomes of a sample of the samples, where nothing is cut off. */
export function affineOf(sample: Sample, [red, green, blue]: readonly [Channel, Channel, Channel]): Channel {
  const sum = (of: keyof Channel) => sample.red * red[of] + sample.green * green[of] + sample.blue * blue[of];
  return { y: sum("y"), u: sum("u"), v: sum("v"), constant: sum("constant") + sample.constant };
}
