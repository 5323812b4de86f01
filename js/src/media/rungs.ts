/**
 * The ladders that sending climbs down and up: size, frame rate and bitrate together. Pure; what moves along them stands
 * in limits.ts.
 */
import type { Quality } from "../messages";

export interface Rung {
  /** Pixels of the shorter side, so that a phone held upright is treated like one held across; Infinity: as it is. */
  readonly short: number;
  readonly fps: number;
  readonly bitrate_bps: number;
}

/** Full size is kept as long as a lower frame rate helps; the last rungs leave a 150 kbit/s line to the sound. */
const CAMERA: readonly Rung[] = [
  { short: 720, fps: 30, bitrate_bps: 2_500_000 },
  { short: 720, fps: 24, bitrate_bps: 1_600_000 },
  { short: 720, fps: 20, bitrate_bps: 1_200_000 },
  { short: 480, fps: 20, bitrate_bps: 750_000 },
  { short: 360, fps: 20, bitrate_bps: 480_000 },
  { short: 360, fps: 15, bitrate_bps: 320_000 },
  { short: 270, fps: 15, bitrate_bps: 210_000 },
  { short: 180, fps: 12, bitrate_bps: 140_000 },
  { short: 180, fps: 10, bitrate_bps: 90_000 },
  { short: 180, fps: 5, bitrate_bps: 50_000 },
];

/** 320x180 at 10 frames a second: whoever is not among the first `FULL_SIZE` others. */
export const SMALL: Rung = { short: 180, fps: 10, bitrate_bps: 90_000 };
/** So many others get full size (DESIGN: up to four videos in a mesh). */
export const FULL_SIZE = 4;
/** What a mesh may use of a home line's upload, all videos together. */
const UPLOAD_BPS = 5_000_000;

/** Small screens and cellular connections begin here. */
const MODEST_SHORT = 480;

/** The rungs of a camera that may be sent as large as `quality`; the first is the best. */
export function cameraLadder(quality: Quality): readonly Rung[] {
  const short = Math.min(quality.width, quality.height);
  return CAMERA.filter((rung) => rung.short <= short);
}

/** A fixed quality has one rung: as asked, or small for those who come after the first four. */
export function fixedRung(quality: Quality, rank: number): Rung {
  const short = Math.min(quality.width, quality.height);
  const asked = { short, fps: quality.fps, bitrate_bps: quality.bitrateBps };
  const small = { ...SMALL, short: Math.min(short, SMALL.short), fps: Math.min(quality.fps, SMALL.fps) };
  return rank < FULL_SIZE ? asked : small;
}

/** A shared screen keeps its size, because text must be legible; it gives frame rate away, 30 down to 5. */
export function screenLadder(pixels: number): readonly Rung[] {
  const full_bps = Math.min(6_000_000, Math.max(600_000, 1.25 * pixels));
  const steps = [
    [30, 1],
    [15, 0.6],
    [10, 0.4],
    [5, 0.2],
    [5, 0.1],
    [5, 90_000 / full_bps],
  ] as const;
  return steps.map(([fps, part]) => ({
    short: Number.POSITIVE_INFINITY,
    fps,
    bitrate_bps: Math.round(full_bps * part),
  }));
}

/** Where a ladder starts: at the top, or at 480p on a phone. */
export function startOf(ladder: readonly Rung[], isModest: boolean): number {
  return isModest ? indexOf(ladder, (rung) => rung.short <= MODEST_SHORT || !Number.isFinite(rung.short)) : 0;
}

/** The best rung that the number of people leaves to the other of this rank (0: the first who joined). */
export function peopleRung(ladder: readonly Rung[], others: number, rank: number): number {
  if (rank >= FULL_SIZE) {
    return indexOf(ladder, ({ short, fps }) =>
      Number.isFinite(short) ? short <= SMALL.short && fps <= SMALL.fps : fps <= 5,
    );
  }
  const large = Math.max(1, Math.min(FULL_SIZE, others));
  const small = Math.max(0, others - FULL_SIZE);
  return bestWithin(ladder, (UPLOAD_BPS - small * SMALL.bitrate_bps) / large);
}

/** The best rung whose bitrate is at most this, or the last one. */
export function bestWithin(ladder: readonly Rung[], bitrate_bps: number): number {
  return indexOf(ladder, (rung) => rung.bitrate_bps <= bitrate_bps);
}

function indexOf(ladder: readonly Rung[], fits: (rung: Rung) => boolean): number {
  const index = ladder.findIndex(fits);
  return index < 0 ? ladder.length - 1 : index;
}
