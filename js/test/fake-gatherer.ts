/** RTCPeerConnection as far as gathering from servers goes (webrtc-pc, section 4.8): what they answer is said by hand. */

/** What a server does: gives a candidate of this type, fails with this code, says that there is no more, or nothing. */
export type Answer = "srflx" | "relay" | "end" | "silence" | number;

export class FakeGatherer extends EventTarget {
  static made: FakeGatherer[] = [];
  /** By URL; silence where none is given. */
  static answers = new Map<string, readonly Answer[]>();
  static get open(): FakeGatherer[] {
    return FakeGatherer.made.filter(({ isClosed }) => !isClosed);
  }

  isClosed = false;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  onicecandidateerror: ((event: { errorCode: number }) => void) | null = null;

  constructor(readonly configuration: RTCConfiguration) {
    super();
    if (this.urls.some((url) => url.includes("nonsense"))) throw new DOMException("", "SyntaxError");
    FakeGatherer.made.push(this);
  }

  get urls(): string[] {
    return (this.configuration.iceServers ?? []).flatMap(({ urls }) => urls);
  }

  createDataChannel(): void {}

  async setLocalDescription(): Promise<void> {
    for (const url of this.urls) {
      for (const answer of FakeGatherer.answers.get(url) ?? ["silence"]) this.#answer(answer);
    }
  }

  close(): void {
    this.isClosed = true;
  }

  #answer(answer: Answer): void {
    if (answer === "silence") return;
    if (typeof answer === "number") {
      this.onicecandidateerror?.({ errorCode: answer });
      this.dispatchEvent(Object.assign(new Event("icecandidateerror"), { errorCode: answer }));
      return;
    }
    const candidate = answer === "end" ? null : { type: answer, candidate: `candidate:1 typ ${answer}` };
    this.onicecandidate?.({ candidate });
    this.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate }));
  }
}

export function forget(): void {
  FakeGatherer.made = [];
  FakeGatherer.answers = new Map();
}
