/** The colours of participants: Okabe and Ito's, told apart by colour-blind people, too; see statistics.css. */

export interface Palette {
  readonly lines: readonly string[];
  readonly text: string;
  readonly grid: string;
  readonly font: string;
}

const LINES = 7;

/** The link has the same colour in every panel, and its other end one that few others have. */
const OWN: Readonly<Record<string, number>> = { python: 0, you: LINES - 1 };

/** More participants than colours share them: the menu and the readout tell them apart. */
export class Colours {
  readonly #given = new Map<string, number>();

  of(peer: string): number {
    const own = OWN[peer];
    if (own !== undefined) return own;
    const colour = this.#given.get(peer) ?? 1 + (this.#given.size % (LINES - 1));
    this.#given.set(peer, colour);
    return colour;
  }
}

export const lineClass = (colour: number): string => `nbrtc-line-colour nbrtc-line-colour--${colour}`;

/** A canvas knows no custom properties: these elements, which nobody sees, resolve them. */
export function PaletteProbe() {
  return (
    <span class="nbrtc-palette" aria-hidden="true" hidden>
      <i class="nbrtc-palette-text" />
      <i class="nbrtc-palette-grid" />
      {Array.from({ length: LINES }, (_, colour) => (
        <i key={lineClass(colour)} class={lineClass(colour)} />
      ))}
    </span>
  );
}

const unknown: Palette = { lines: Array(LINES).fill("gray"), text: "gray", grid: "gray", font: "sans-serif" };

/** As the theme has them now. */
export function coloursIn(root: HTMLElement | null): Palette {
  const probe = root?.querySelector(".nbrtc-palette");
  if (!root || !probe) return unknown;
  const [text, grid, ...lines] = [...probe.children].map((each) => getComputedStyle(each).color);
  if (text === undefined || grid === undefined) return unknown;
  return { lines, text, grid, font: getComputedStyle(root).fontFamily };
}
