/** Names of files, from what people and rooms are called; by the same rules as recordings/names.py. */

const MAX_BYTES = 80;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/** Letters and digits of every script stay; all else becomes a hyphen. `taken` are lower case. */
export function fileStem(name: string, taken: ReadonlySet<string> = new Set()): string {
  const words = trim(name.normalize("NFKC").replace(/[^\p{L}\p{M}\p{N}_]+/gu, "-"));
  const cut = trim(cutTo(words, MAX_BYTES)) || "participant";
  const stem = RESERVED.test(cut.toLowerCase()) ? `${cut}-1` : cut;
  let unique = stem;
  for (let number = 2; taken.has(unique.toLowerCase()); number += 1) unique = `${stem}-${number}`;
  return unique;
}

/** `lab 2026-11-22 14-05-09`: of the room, and when, by this computer's clock. */
export function title(room: string, at: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join("-");
  return `${fileStem(room)} ${day} ${time}`;
}

const trim = (text: string): string => text.replace(/^[-_]+|[-_]+$/g, "");

function cutTo(text: string, bytes: number): string {
  const characters = [...text];
  while (new TextEncoder().encode(characters.join("")).length > bytes) characters.pop();
  return characters.join("");
}
