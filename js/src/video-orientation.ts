/**
 * Pictures are sent upright. With the header extension of 3GPP TS 26.114, section 7.4.5, a phone sends them lying and
 * says how to turn them, which a browser's own view does; Python, recordings and films have the encoded frames alone.
 */

const EXTENSION = /^a=extmap:[^\r\n]*\surn:3gpp:video-orientation[^\r\n]*\r?\n/gim;

/** A description that neither offers nor accepts the extension, so that the sender turns the pixels. */
export function withoutOrientation(sdp: string): string {
  return sdp.replace(EXTENSION, "");
}
