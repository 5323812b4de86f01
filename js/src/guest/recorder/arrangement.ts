/** Where everybody stands in a recorded picture: pure geometry, in pixels of 1280x720. */
import type { RecordingLayout } from "../../messages";
import { type Box, grid, speaker } from "../../ui/grid";
import { ME } from "./consent";

export const WIDTH = 1280;
export const HEIGHT = 720;
const AREA = { width: WIDTH, height: HEIGHT };
const GAP = 8;
/** Of picture in picture: oneself, 20 px from the top right, in a white frame. */
export const INSET: Box = { left: WIDTH - 320 - 20, top: 20, width: 320, height: 240 };
export const FRAME = 2;

export interface Placed {
  readonly id: string;
  readonly box: Box;
  /** With the white frame around it. */
  readonly isInset: boolean;
}

/** Who is to be arranged. */
export interface Seated {
  readonly id: string;
  readonly isScreen: boolean;
}

/**
 * In the order of drawing. Null: one fills the picture, two are picture in picture, more a grid. `speaking` is who speaks
 * or spoke last; whoever shares a screen is large before them.
 */
export function arrange(
  layout: RecordingLayout | null,
  seated: readonly Seated[],
  speaking: string | null,
): readonly Placed[] {
  const chosen = layout ?? (seated.length <= 2 ? "pip" : "grid");
  const others = seated.filter(({ id }) => id !== ME);
  const isWithMe = others.length < seated.length;
  if (chosen === "pip") {
    const large = others[largeIndex(others, speaking)];
    const whole = { left: 0, top: 0, ...AREA };
    if (large === undefined) return seated.map(({ id }) => ({ id, box: whole, isInset: false }));
    return [
      { id: large.id, box: whole, isInset: false },
      ...(isWithMe ? [{ id: ME, box: INSET, isInset: true }] : []),
    ];
  }
  const boxes =
    chosen === "speaker" && seated.length > 0
      ? speaker(seated.length, largeIndex(seated, speaking), AREA, GAP)
      : grid(seated.length, AREA, GAP);
  return seated.flatMap(({ id }, index) => {
    const box = boxes[index];
    return box === undefined ? [] : [{ id, box, isInset: false }];
  });
}

/** Nobody has spoken yet: the first who is not oneself. */
function largeIndex(seated: readonly Seated[], speaking: string | null): number {
  const [screen, voice] = [
    seated.findIndex(({ isScreen }) => isScreen),
    seated.findIndex(({ id }) => id === speaking),
  ];
  if (screen >= 0) return screen;
  if (voice >= 0) return voice;
  return Math.max(
    0,
    seated.findIndex(({ id }) => id !== ME),
  );
}

/** The part of a box that a picture fills without being cut. */
export function contain(picture: { width: number; height: number }, box: Box): Box {
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const [width, height] = [Math.round(picture.width * scale), Math.round(picture.height * scale)];
  return {
    left: box.left + Math.round((box.width - width) / 2),
    top: box.top + Math.round((box.height - height) / 2),
    width,
    height,
  };
}

/** The part of a picture that fills a box wholly. */
export function cover(picture: { width: number; height: number }, box: Box): Box {
  const scale = Math.max(box.width / picture.width, box.height / picture.height);
  const [width, height] = [box.width / scale, box.height / scale];
  return { left: (picture.width - width) / 2, top: (picture.height - height) / 2, width, height };
}
