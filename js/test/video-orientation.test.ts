import { expect, test } from "vitest";
import { withoutOrientation } from "../src/video-orientation";

const LINES = [
  "v=0",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=extmap:1 urn:ietf:params:rtp-hdrext:toffset",
  "a=extmap:3/sendonly urn:3gpp:video-orientation",
  "a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
  "a=extmap:13 urn:3gpp:video-orientation",
  "",
];

test.each(["\r\n", "\n"])("the extension is taken out, and nothing else", (end) => {
  const kept = LINES.filter((line) => !line.includes("video-orientation"));
  expect(withoutOrientation(LINES.join(end))).toBe(kept.join(end));
});
