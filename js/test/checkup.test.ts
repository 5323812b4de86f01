// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Checkup } from "../src/doctor/checkup";
import { DIRECT } from "../src/ice/configuration";
import type { Checked, CheckResult, Intent } from "../src/messages";
import type { Request } from "../src/requests";
import { reportOf } from "../src/ui/check-card";
import { settled } from "./fake-page";

/** A connection whose channel opens with the answer and echoes all but every `loses`th packet, 20 ms later. */
class EchoingPeer extends EventTarget {
  static loses = 0;
  static made: EchoingPeer[] = [];
  readonly number = EchoingPeer.made.push(this);
  iceGatheringState = "complete";
  localDescription = { sdp: "v=0 offer" };
  isClosed = false;
  onicecandidate: ((event: { candidate: unknown }) => void) | null = null;
  #sent = 0;
  readonly channel = {
    readyState: "connecting",
    binaryType: "blob",
    onopen: null as (() => void) | null,
    onmessage: null as ((message: { data: ArrayBuffer }) => void) | null,
    send: (data: ArrayBuffer) => {
      this.#sent += 1;
      if (EchoingPeer.loses > 0 && this.#sent % EchoingPeer.loses === 0) return;
      setTimeout(() => this.channel.onmessage?.({ data }), 20);
    },
  };
  createDataChannel = () => this.channel;
  async setLocalDescription(): Promise<void> {
    queueMicrotask(() => {
      this.onicecandidate?.({ candidate: { type: "host" } });
      this.onicecandidate?.({ candidate: null });
    });
  }
  async setRemoteDescription(): Promise<void> {
    this.channel.readyState = "open";
    queueMicrotask(() => this.channel.onopen?.());
  }
  getStats = async () =>
    new Map<string, object>([
      ["t", { id: "t", selectedCandidatePairId: "p" }],
      ["p", { id: "p", localCandidateId: "l", remoteCandidateId: "r" }],
      ["l", { id: "l", candidateType: "host", protocol: "udp" }],
      ["r", { id: "r", candidateType: "host", protocol: "udp" }],
    ]);
  close(): void {
    this.isClosed = true;
  }
}

const fromPython: CheckResult = {
  name: "python-udp",
  title: "UDP sockets",
  outcome: "pass",
  by: "engine",
  detail: "They work at 192.168.1.20 and fd00::17 (12:30:05).",
  advice: "",
  value: null,
  unit: "",
};

const unfinished: CheckResult = {
  ...fromPython,
  name: "python-server stun:a",
  title: "stun:a",
  outcome: "skipped",
};

/** An engine that does as it is told. */
class Engine {
  readonly asked: Request[] = [];
  readonly sent: Intent[] = [];
  refusal: string | null = null;
  isSilent = false;
  /** It stops in the middle. */
  isUnfinished = false;
  isInCall = false;
  readonly told: [string, string][] = [];
  readonly checkup = new Checkup({
    hasPython: () => true,
    ice: async () => DIRECT,
    ask: (request) => this.#answer(request),
    send: (intent) => this.sent.push(intent),
    isInCall: () => this.isInCall,
    tell: (level, text) => this.told.push([level, text]),
  });

  #answer(request: Request): Promise<unknown> {
    this.asked.push(request);
    if (this.isSilent) return new Promise(() => {});
    if (this.refusal !== null) return Promise.reject(new Error(this.refusal));
    queueMicrotask(() => {
      const { id } = request;
      const planned = [fromPython, unfinished].map(({ name, title }) => ({ name, title }));
      const tell = (said: Partial<Checked>) =>
        this.checkup.take({ type: "checked", id, checks: [], done: false, planned: [], ...said });
      if (request.type === "check-offer") this.checkup.take({ type: "check-answer", id, sdp: "v=0 answer" });
      if (request.type === "run-checks") {
        tell({ planned });
        tell({ id: "another", checks: [unfinished], done: true });
        tell({ checks: [fromPython] });
        if (!this.isUnfinished) tell({ checks: [unfinished], done: true });
      }
    });
    return Promise.resolve();
  }

  outcomes(): Record<string, string> {
    return Object.fromEntries(this.checkup.results.value.map(({ name, outcome }) => [name, outcome]));
  }

  found(name: string): CheckResult {
    const found = this.checkup.results.value.find((each) => each.name === name);
    if (found === undefined) throw new Error(`No ${name} in ${Object.keys(this.outcomes()).join(", ")}`);
    return found;
  }
}

let engine: Engine;
beforeEach(() => {
  vi.useFakeTimers();
  EchoingPeer.made = [];
  EchoingPeer.loses = 0;
  const capabilities = (kind: string) => ({
    codecs: kind === "audio" ? [{ mimeType: "audio/opus" }] : [{ mimeType: "video/VP8" }],
  });
  for (const end of ["RTCRtpSender", "RTCRtpReceiver"]) vi.stubGlobal(end, { getCapabilities: capabilities });
  vi.stubGlobal("RTCPeerConnection", EchoingPeer);
  vi.stubGlobal("VideoEncoder", undefined);
  Object.defineProperty(window, "isSecureContext", { value: true, configurable: true });
  const mediaDevices = { enumerateDevices: async () => [{ kind: "videoinput", deviceId: "" }] };
  Object.defineProperty(navigator, "mediaDevices", { value: mediaDevices, configurable: true });
  const permissions = {
    query: async ({ name }: { name: string }) => ({ state: name === "camera" ? "denied" : "prompt" }),
  };
  Object.defineProperty(navigator, "permissions", { value: permissions, configurable: true });
  engine = new Engine();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function whole(): Promise<void> {
  const ran = engine.checkup.run();
  await vi.advanceTimersByTimeAsync(12_000);
  await ran;
}

describe("a check", () => {
  test("finds what there is, Python's part, too, and reports it once", async () => {
    await whole();
    expect(engine.outcomes()).toEqual({
      "secure-context": "pass",
      codecs: "pass",
      "permission-camera": "fail",
      "permission-microphone": "pass",
      devices: "warning",
      candidates: "pass",
      servers: "skipped",
      python: "pass",
      "python-udp": "pass",
      "python-server stun:a": "skipped",
      path: "pass",
      encoder: "skipped",
    });
    expect(engine.found("devices").detail).toBe("1 camera, 0 microphones.");
    expect(engine.found("path").detail).toMatch(/^Directly, by UDP\. Of 2[45]\d packets none were lost/);
    expect(engine.found("path").value).toBeCloseTo(0.02, 3);
    expect(engine.sent).toEqual([{ type: "check-report", checks: engine.checkup.results.value }]);
    expect(EchoingPeer.made.every(({ isClosed }) => isClosed)).toBe(true);
  });

  test("lists from the beginning what is looked at, and nothing changes its place", async () => {
    const names = () => engine.checkup.lines.value.map(({ name }) => name);
    const ran = engine.checkup.run();
    await Promise.resolve(); // its servers' credentials hold
    const first = names();
    expect(engine.checkup.lines.value.every(({ found }) => found === null)).toBe(true);
    expect(first.at(-1)).toBe("python-checks");
    await settled();
    const [planned, found] = [names(), engine.checkup.results.value.length];
    expect(planned).toEqual([...first.slice(0, -1), "python-udp", "python-server stun:a"]);
    expect(found).toBeLessThan(planned.length);
    await vi.advanceTimersByTimeAsync(8_000);
    await ran;
    expect(names()).toEqual(planned);
    expect(engine.checkup.lines.value.every(({ found }) => found !== null)).toBe(true);
  });

  test("says what Python has not finished, after eight seconds", async () => {
    engine.isUnfinished = true;
    const ran = engine.checkup.run();
    await vi.advanceTimersByTimeAsync(8_000);
    await ran;
    expect(engine.found("python-udp").outcome).toBe("pass");
    expect(engine.found("python-server stun:a")).toMatchObject({ outcome: "fail", by: "engine" });
    expect(engine.sent.length).toBe(1);
  });

  test("that Python asked for is told beside a call, and its encoder left alone", async () => {
    engine.isInCall = true;
    const ran = engine.checkup.runForPython();
    expect(engine.told).toEqual([["info", expect.stringMatching(/about eight seconds/)]]);
    await vi.advanceTimersByTimeAsync(12_000);
    await ran;
    expect(engine.told[1]).toEqual([
      "error",
      "Of 12 checks 1 does not work, and 1 could be better. Permission for the camera: The browser refuses the camera on this page. Python has all of it in call.checks.",
    ]);
    expect(engine.found("encoder").detail).toMatch(/disturb the call/);
  });

  test("that Python asked for is told by the card where there is no call", async () => {
    const ran = engine.checkup.runForPython();
    await vi.advanceTimersByTimeAsync(12_000);
    await ran;
    expect(engine.told).toEqual([]);
    expect(engine.sent.length).toBe(1);
  });

  test("that Python asked for is reported as far as it came where a person cancels it", async () => {
    engine.isInCall = true;
    const ran = engine.checkup.runForPython();
    await settled();
    engine.checkup.cancel();
    const kept = engine.checkup.results.value;
    expect(kept.length).toBeGreaterThan(0);
    expect(engine.sent).toEqual([{ type: "check-report", checks: kept }]);
    await vi.advanceTimersByTimeAsync(12_000);
    await ran;
    expect(engine.sent.length).toBe(1);
    expect(engine.told.length, "no verdict on half a check").toBe(1);
  });

  test("that Python asked for is reported whole where a person begins it anew", async () => {
    const asked = engine.checkup.runForPython();
    await settled();
    const again = engine.checkup.run();
    await vi.advanceTimersByTimeAsync(12_000);
    await Promise.all([asked, again]);
    expect(engine.sent.length).toBe(1);
    expect(engine.sent[0]).toMatchObject({ checks: engine.checkup.results.value });
  });

  test("tells lost packets", async () => {
    EchoingPeer.loses = 10;
    await whole();
    expect(engine.found("path")).toMatchObject({ outcome: "warning" });
    expect(engine.found("path").detail).toMatch(/packets (9\.\d|10\.0) % were lost/);
  });

  test("says it where Python is silent, and has no spinner for ever", async () => {
    engine.isSilent = true;
    const ran = engine.checkup.run();
    await vi.advanceTimersByTimeAsync(6_500);
    expect(engine.found("path")).toMatchObject({ outcome: "fail" });
    await vi.advanceTimersByTimeAsync(6_000);
    await ran;
    expect(engine.found("python-checks")).toMatchObject({ outcome: "fail" });
    expect(engine.checkup.isRunning.value).toBe(false);
  });

  test("says why Python refuses", async () => {
    engine.refusal = "The connection is being checked already.";
    await whole();
    expect(engine.found("path").detail).toBe("The connection is being checked already.");
    expect(engine.found("python").detail).toBe("The connection is being checked already.");
  });

  test("that is cancelled ends at once, keeps what it found, and reports nothing", async () => {
    const ran = engine.checkup.run();
    await settled();
    engine.checkup.cancel();
    expect(engine.checkup.isRunning.value).toBe(false);
    const kept = engine.checkup.results.value.length;
    expect(kept).toBeGreaterThan(0);
    await vi.advanceTimersByTimeAsync(12_000);
    await ran;
    expect(engine.checkup.results.value.length).toBe(kept);
    expect(engine.sent).toEqual([]);
    expect(EchoingPeer.made.every(({ isClosed }) => isClosed)).toBe(true);
  });

  test("begins anew whenever it is asked to", async () => {
    await whole();
    await whole();
    expect(new Set(Object.keys(engine.outcomes())).size).toBe(engine.checkup.results.value.length);
    expect(engine.sent.length).toBe(2);
  });
});

describe("the report for others", () => {
  test("has what does not work first, and no address", async () => {
    await whole();
    const lines = reportOf(engine.checkup.results.value).split("\n");
    expect(lines[0]).toMatch(/^Does not work: Permission for the camera/);
    expect(lines).toContain("Fine: UDP sockets (Python). They work at (address) and (address) (12:30:05).");
  });
});
