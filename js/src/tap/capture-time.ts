/**
 * When a picture and a sound were captured, said by their sender: the header extension abs-capture-time. Measured in
 * Chromium 156: it is offered only where it is asked for, one side's asking is enough, and then every received frame's
 * `getMetadata().captureTime` lies on one clock of the sender's, sound and pictures alike. Sender reports do not reach
 * a page with their RTP times, and the time of arrival is late by what the picture's encoder takes.
 */

const URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

/** `RTCRtpHeaderExtensionCapability` (webrtc-extensions). */
interface HeaderExtension {
  readonly uri: string;
  direction: RTCRtpTransceiverDirection;
}

/** Methods that Chromium has and TypeScript does not know. */
interface Negotiable {
  getHeaderExtensionsToNegotiate?(): HeaderExtension[];
  setHeaderExtensionsToNegotiate?(extensions: HeaderExtension[]): void;
}

/** Ask for capture times in the next description. Other browsers go on without; who does not know it leaves it out. */
export function askCaptureTimes(transceiver: RTCRtpTransceiver): void {
  const negotiable: Negotiable = transceiver as Negotiable;
  const extensions = negotiable.getHeaderExtensionsToNegotiate?.() ?? [];
  const ours = extensions.find(({ uri }) => uri === URI);
  if (ours === undefined || ours.direction === "sendrecv") return;
  ours.direction = "sendrecv";
  negotiable.setHeaderExtensionsToNegotiate?.(extensions);
}
