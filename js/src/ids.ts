/** Random ids of 128 bits, also where `crypto.randomUUID` is missing: on http pages, which must still say why they cannot call. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
