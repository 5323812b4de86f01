/** Text of others, cut at its web addresses. It stays text: the views make elements of it, never HTML. */

export interface TextPart {
  readonly text: string;
  /** An http(s) address, or null for plain words. */
  readonly href: string | null;
}

const ADDRESS = /https?:\/\/[^\s<>"']+/giu;

/** A full stop after an address ends the sentence; a bracket that was opened before it ends there, too. */
const TRAILING = /[.,;:!?)\]}]+$/u;

function hrefOf(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && (url.protocol === "http:" || url.protocol === "https:") ? url.href : null;
}

export function partsOf(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, "");
    const href = hrefOf(address);
    if (href === null) continue;
    if (match.index > at) parts.push({ text: text.slice(at, match.index), href: null });
    parts.push({ text: address, href });
    at = match.index + address.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), href: null });
  return parts;
}

const encoder = new TextEncoder();

/** What the room's server counts. */
export const bytesOf = (text: string): number => encoder.encode(text).length;
