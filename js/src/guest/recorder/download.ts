/** Files into the browser's downloads. */

/** A download reads its file after the click; of several at once browsers may drop some. */
const APART_MS = 300;
/** By then the browser holds the file itself. */
const HELD_MS = 60_000;

/** Resolves when the next one may follow. The file's name is the download's. */
export function saveFile(file: File): Promise<void> {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), HELD_MS);
  return new Promise((resolve) => setTimeout(resolve, APART_MS));
}
