/**
 * A sample's way over the link, compressed: the members' names are most of it, and a call over a thin network should
 * not be spent on telling how thin it is. The engine reads both forms.
 */
import type { StatsSample } from "../messages";

export const canPack = () => typeof CompressionStream === "function";

/** JSON in the zlib format (RFC 1950), about a quarter of its size. */
export async function pack(sample: StatsSample): Promise<ArrayBuffer> {
  const text = new Blob([JSON.stringify(sample)]).stream();
  return new Response(text.pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
}
