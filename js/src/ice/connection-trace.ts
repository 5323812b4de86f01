/** What one connection's ICE does, as records: candidates, pairs, states. Until its signal aborts. */
import type { CandidateSeen, CandidateType, IceRecord, PairSeen, Transport } from "../messages";

/** While the way is looked for; Chromium's checks are 50 ms apart. */
const EAGER_MS = 200;
/** After it was found, for the pairs that are still under way. */
const EAGER_FOR_MS = 3_000;
const CALM_MS = 5_000;

export interface Traced {
  readonly peer: string;
  readonly generation: number;
  readonly signal: AbortSignal;
  readonly emit: (record: IceRecord) => void;
}

/** A report of getStats, as far as ICE goes (webrtc-stats, sections 8.17 to 8.19). */
interface Report {
  readonly id: string;
  readonly type: string;
  readonly address?: string;
  readonly port?: number;
  readonly protocol?: string;
  readonly candidateType?: string;
  readonly priority?: number;
  readonly url?: string;
  readonly relayProtocol?: string;
  readonly foundation?: string;
  readonly relatedAddress?: string;
  readonly relatedPort?: number;
  readonly localCandidateId?: string;
  readonly remoteCandidateId?: string;
  readonly state?: string;
  readonly nominated?: boolean;
  readonly selectedCandidatePairId?: string;
  readonly currentRoundTripTime?: number;
  readonly requestsSent?: number;
  readonly responsesReceived?: number;
}

/** Of `icecandidateerror` (webrtc-pc, section 4.8.2). */
export interface Failure {
  readonly url: string;
  readonly errorCode: number;
}

export class ConnectionTrace {
  /** What was seen so far, for who explains why there is no way. */
  readonly candidates = new Map<string, CandidateSeen>();
  readonly pairs = new Map<string, PairSeen>();
  readonly failures: Failure[] = [];
  readonly #connection: RTCPeerConnection;
  readonly #traced: Traced;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settled_ms = Number.POSITIVE_INFINITY;
  #gathering = "";
  #state = "";
  #isLooking = false;

  constructor(connection: RTCPeerConnection, traced: Traced) {
    this.#connection = connection;
    this.#traced = traced;
    const { signal } = traced;
    this.#tell("start", "");
    connection.addEventListener("icegatheringstatechange", () => this.#states(), { signal });
    connection.addEventListener("iceconnectionstatechange", () => this.#states(), { signal });
    connection.addEventListener("icecandidateerror", (event) => this.#failed(event), { signal });
    signal.addEventListener("abort", () => this.#end(), { once: true });
    this.#later();
  }

  /** `restartIce` was called. */
  restarted(): void {
    this.#tell("restart", "");
    this.#settled_ms = Number.POSITIVE_INFINITY;
    this.#later();
  }

  #states(): void {
    const { iceGatheringState, iceConnectionState } = this.#connection;
    if (iceGatheringState !== this.#gathering) this.#tell("gathering", iceGatheringState);
    if (iceConnectionState !== this.#state) this.#tell("connection", iceConnectionState);
    this.#gathering = iceGatheringState;
    this.#state = iceConnectionState;
    const isFound = iceConnectionState === "connected" || iceConnectionState === "completed";
    if (!isFound) this.#settled_ms = Number.POSITIVE_INFINITY;
    else this.#settled_ms = Math.min(this.#settled_ms, performance.now() + EAGER_FOR_MS);
    void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#traced.signal.aborted) return;
    this.#isLooking = true;
    try {
      const reports = await this.#connection.getStats();
      if (this.#traced.signal.aborted) return;
      const selected = new Set<string>();
      const pairs: Report[] = [];
      reports.forEach((report: Report) => {
        if (report.type === "local-candidate" || report.type === "remote-candidate") this.#candidate(report);
        else if (report.type === "candidate-pair") pairs.push(report);
        else if (report.selectedCandidatePairId !== undefined) selected.add(report.selectedCandidatePairId);
      });
      for (const pair of pairs) this.#pair(pair, selected.has(pair.id));
    } finally {
      this.#isLooking = false;
      this.#later();
    }
  }

  #later(): void {
    clearTimeout(this.#timer);
    if (this.#traced.signal.aborted) return;
    const wait_ms = performance.now() > this.#settled_ms ? CALM_MS : EAGER_MS;
    this.#timer = setTimeout(() => void this.#look(), wait_ms);
  }

  #candidate(report: Report): void {
    const known = this.candidates.get(report.id);
    // a name may get its address later, when the browser has resolved it
    if (known !== undefined && known.address === (report.address ?? "")) return;
    const seen: CandidateSeen = {
      type: "candidate-seen",
      ...this.#when(),
      id: report.id,
      isRemote: report.type === "remote-candidate",
      candidateType: oneOf<CandidateType>(["host", "srflx", "prflx", "relay"], report.candidateType, "host"),
      address: report.address ?? "",
      port: report.port ?? null,
      protocol: report.protocol === "tcp" ? "tcp" : "udp",
      relayProtocol:
        report.relayProtocol === undefined
          ? null
          : oneOf<Transport>(["udp", "tcp", "tls"], report.relayProtocol, "udp"),
      url: report.url ?? "",
      priority: report.priority ?? null,
      relatedAddress: report.relatedAddress ?? "",
      relatedPort: report.relatedPort ?? null,
      foundation: report.foundation ?? "",
    };
    this.candidates.set(report.id, seen);
    this.#traced.emit(seen);
  }

  #pair(report: Report, selected: boolean): void {
    const known = this.pairs.get(report.id);
    const state = oneOf<PairSeen["state"]>(
      ["frozen", "waiting", "in-progress", "failed", "succeeded"],
      report.state,
      "waiting",
    );
    const nominated = report.nominated ?? false;
    const isNews = known?.state !== state || known.nominated !== nominated || known.selected !== selected;
    if (!isNews) return;
    const seen: PairSeen = {
      type: "pair-seen",
      ...this.#when(),
      localId: report.localCandidateId ?? "",
      remoteId: report.remoteCandidateId ?? "",
      state,
      nominated,
      selected,
      rttS: report.currentRoundTripTime ?? null,
      requestsSent: report.requestsSent ?? null,
      responsesReceived: report.responsesReceived ?? null,
    };
    this.pairs.set(report.id, seen);
    this.#traced.emit(seen);
  }

  #failed({ url, errorCode, errorText, address }: RTCPeerConnectionIceErrorEvent): void {
    this.failures.push({ url, errorCode });
    this.#traced.emit({
      type: "candidate-failed",
      ...this.#when(),
      url,
      errorCode,
      errorText,
      address: address ?? "",
    });
  }

  #tell(what: "start" | "restart" | "closed" | "gathering" | "connection", state: string): void {
    this.#traced.emit({ type: "ice-state-seen", ...this.#when(), what, state });
  }

  #end(): void {
    clearTimeout(this.#timer);
    const { iceConnectionState } = this.#connection;
    if (iceConnectionState !== this.#state && iceConnectionState !== "closed") {
      this.#tell("connection", iceConnectionState); // whoever heard first that it failed has ended it on the spot
    }
    this.#tell("closed", "");
  }

  #when(): { readonly timeS: number; readonly peer: string; readonly generation: number } {
    const timeS = (performance.timeOrigin + performance.now()) / 1000;
    return { timeS, peer: this.#traced.peer, generation: this.#traced.generation };
  }
}

function oneOf<T extends string>(known: readonly T[], text: string | undefined, otherwise: T): T {
  return known.find((word) => word === text) ?? otherwise;
}
