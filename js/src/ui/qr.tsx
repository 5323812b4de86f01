/** A text as a QR code (ISO/IEC 18004), drawn as one path. */
import { encode } from "uqr";

interface QrProps {
  readonly text: string;
  readonly name: string;
}

/** Modules of empty white around the code, which readers look for. */
const QUIET = 4;

/** Longer ones become too fine for the camera of a phone. */
export const MOST_QR_BYTES = 900;

function pathOf(rows: readonly (readonly boolean[])[]): string {
  const runs: string[] = [];
  rows.forEach((row, y) => {
    for (let x = 0; x < row.length; x += 1) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x += 1;
      runs.push(`M${start} ${y}h${x - start + 1}v1h${start - x - 1}z`);
    }
  });
  return runs.join("");
}

export function QrCode({ text, name }: QrProps) {
  const { data, size } = encode(text, { ecc: "M", border: QUIET });
  return (
    <svg
      class="nbrtc-qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={name}
      shape-rendering="crispEdges"
    >
      <path fill="#ffffff" d={`M0 0h${size}v${size}h-${size}z`} />
      <path fill="#000000" d={pathOf(data)} />
    </svg>
  );
}
