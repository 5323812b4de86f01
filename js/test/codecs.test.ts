import { afterEach, expect, test, vi } from "vitest";
import { availableCodecs, preferCodec } from "../src/media/codecs";
import type { Codec } from "../src/messages";

const NAMES = ["AV1", "rtx", "H264", "VP8", "red", "H264", "ulpfec"];

const capabilitiesOf = (names: readonly string[]) => ({
  getCapabilities: () => ({
    codecs: names.map((name) => ({ mimeType: `video/${name}`, clockRate: 90_000 })),
  }),
});

function orderFor(codec: Codec, names = NAMES): string[] | null {
  vi.stubGlobal("RTCRtpReceiver", capabilitiesOf(names));
  let order: string[] | null = null;
  const setCodecPreferences = (codecs: { mimeType: string }[]) => {
    order = codecs.map(({ mimeType }) => mimeType.slice("video/".length));
  };
  preferCodec({ setCodecPreferences } as unknown as RTCRtpTransceiver, codec);
  return order;
}

afterEach(() => vi.unstubAllGlobals());

test("offered are the codecs that this browser sends", () => {
  vi.stubGlobal("RTCRtpSender", capabilitiesOf(["h264", "rtx", "VP8"]));
  expect(availableCodecs()).toEqual(["auto", "vp8", "h264"]);
});

test("a browser that does not say what it sends offers no choice, and is asked for nothing", () => {
  expect(availableCodecs()).toEqual(["auto"]);
  expect(orderFor("vp8", [])).toBeNull();
});

test("the wanted codec comes first in all its profiles, and nothing that the other side may need is dropped", () => {
  expect(orderFor("h264")).toEqual(["H264", "H264", "AV1", "rtx", "VP8", "red", "ulpfec"]);
  expect(orderFor("auto")).toEqual(["VP8", "AV1", "rtx", "H264", "red", "H264", "ulpfec"]);
});

test("a codec that this browser lacks changes nothing", () => {
  expect(orderFor("vp9")).toBeNull();
});
