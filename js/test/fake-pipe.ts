/** The tap's channel by hand, and frames for it. */
import { CODECS, HEADER_BYTES, type TapFrame } from "../src/tap/format";
import type { Outlet, Pipe } from "../src/tap/outlet";

export class FakePipe implements Pipe {
  isOpen = true;
  bufferedAmount = 0;
  readonly sent: Uint8Array[] = [];

  send(message: Uint8Array<ArrayBuffer>): void {
    this.bufferedAmount += message.byteLength;
    this.sent.push(message);
  }

  /** The frames that went in whole or in part, as "kind number/index". */
  get order(): string[] {
    return this.sent.map((message) => {
      const view = new DataView(message.buffer);
      const kind = (view.getUint8(1) & 1) === 1 ? "video" : "audio";
      return `${kind} ${view.getUint32(4)}/${view.getUint16(40)}`;
    });
  }

  /** Whose messages went in, and how many bytes of each. */
  get shares(): Record<string, number> {
    const shares: Record<string, number> = {};
    for (const message of this.sent) {
      const name = new TextDecoder().decode(message.slice(HEADER_BYTES, HEADER_BYTES + (message[48] ?? 0)));
      shares[name] = (shares[name] ?? 0) + message.byteLength;
    }
    return shares;
  }

  /** The other side reads so many times. */
  drain(outlet: Outlet, times = Number.POSITIVE_INFINITY): void {
    for (let before = -1; times > 0 && before !== this.sent.length; times--) {
      before = this.sent.length;
      this.bufferedAmount = 0;
      outlet.pump();
    }
  }
}

export function frame(number: number, bytes: number, change: Partial<TapFrame> = {}): TapFrame {
  return {
    participant: "bob",
    kind: "video",
    codec: CODECS.vp8,
    stream: 0,
    number,
    isKeyframe: number === 0,
    timestamp: 3000 * number,
    arrived_ms: 1.5,
    captured_ms: -2.5,
    width: 640,
    height: 480,
    data: new Uint8Array(bytes).fill(7),
    ...change,
  };
}

export const sound = (number: number, change: Partial<TapFrame> = {}) =>
  frame(number, 100, { kind: "audio", codec: CODECS.opus, ...change });
