/**
 * This page's ICE: what connections are made with, as the engine decided it; fresh credentials before one is made or
 * restarted; what is told of it, and what is said where no way is found.
 */
import { newId } from "../ids";
import type { Event, IceConfiguration, Intent, ProbeIce } from "../messages";
import type { Request } from "../requests";
import { DIRECT, hasTurn, turnUrls } from "./configuration";
import type { Refusal } from "./guard";
import { factsOf, hintOf } from "./hint";
import { Lookout } from "./lookout";
import { isOnline, knownNetwork, watchNetwork } from "./network";
import { probeServers } from "./probe";
import { Tracer } from "./tracer";
import type { Ways } from "./ways";

/** A credential that ends within this time is not used for a new connection. */
const FRESH_S = 60;
/** A connection is not held up for longer: an old credential may still do. */
const REFRESH_MS = 2_000;

export interface IceDeskOptions {
  /** False on the guest page. */
  readonly hasPython: () => boolean;
  /** Rejects where nobody answers, or the engine refuses. */
  readonly ask: (request: Request) => Promise<unknown>;
  readonly send: (intent: Intent) => void;
  /** This computer has another network, or one that is judged anew: what is connected looks whether it still is. */
  readonly onNetwork: (isOther: boolean) => void;
}

export class IceDesk implements Ways {
  readonly tracer: Tracer;
  readonly #options: IceDeskOptions;
  readonly #lookout: Lookout;
  readonly #troubled = new Set<string>();
  #configuration: IceConfiguration = DIRECT;
  /** When its credentials are refused, by this page's clock. */
  #endsAt_ms = Number.POSITIVE_INFINITY;
  #call = new AbortController();
  #refreshing: Promise<void> | null = null;

  constructor(options: IceDeskOptions) {
    this.#options = options;
    this.#lookout = new Lookout(
      () => this.#configuration,
      () => options.onNetwork(true),
    );
    this.tracer = new Tracer(options);
    this.#call.abort();
  }

  get configuration(): IceConfiguration {
    return this.#configuration;
  }

  configure(ice: IceConfiguration): void {
    this.#configuration = ice;
    // by the time of day, which goes on while a computer sleeps
    this.#endsAt_ms = ice.leftS === null ? Number.POSITIVE_INFINITY : Date.now() + 1000 * ice.leftS;
  }

  /** The person clicked: the network counts from now on. */
  start(): void {
    this.stop();
    this.#call = new AbortController();
    const report = () => this.#options.send({ type: "network", network: knownNetwork() });
    if (this.#options.hasPython()) report();
    const changed = (isOther: boolean) => {
      if (this.#options.hasPython()) report();
      if (isOnline()) this.#options.onNetwork(isOther);
    };
    watchNetwork(changed, this.#call.signal);
  }

  /** Idempotent. */
  stop(): void {
    this.#call.abort();
    this.#troubled.clear();
    this.#lookout.stop();
    this.tracer.flush();
  }

  /** Takes those events that are ICE's. */
  take(event: Event): void {
    if (event.type === "ice-configured") this.configure(event.ice);
    else if (event.type === "probe-ice") void this.#probe(event);
  }

  get isFresh(): boolean {
    return this.#endsAt_ms - Date.now() > 1000 * FRESH_S;
  }

  async refresh(): Promise<void> {
    if (this.isFresh) return;
    // all connections break at the same time, and need the same credentials
    this.#refreshing ??= this.#askFresh().finally(() => {
      this.#refreshing = null;
    });
    await this.#refreshing;
  }

  /**
   * With credentials that still hold. Where the engine would have to join the room first, which is what a configuration
   * says that ends at once, it is taken as it is.
   */
  async forCheck(): Promise<IceConfiguration> {
    if (this.#configuration.leftS !== 0) await this.refresh();
    return this.#configuration;
  }

  hint(peer: string, whom: string): string {
    const { iceTransportPolicy } = this.#configuration;
    const isRelayOnly = iceTransportPolicy === "relay";
    const rest = { isOnline: isOnline(), turn: turnUrls(this.#configuration), isRelayOnly, whom };
    return hintOf(factsOf(this.tracer.of(peer), rest));
  }

  refused(peer: string, generation: number, { address, reason }: Refusal): void {
    this.tracer.refused(peer, generation, address, reason);
  }

  restarted(peer: string): void {
    this.tracer.of(peer)?.restarted();
  }

  troubled(peer: string, isTroubled: boolean): void {
    if (isTroubled) this.#troubled.add(peer);
    else this.#troubled.delete(peer);
    const isWanted = this.#troubled.size > 0 && hasTurn(this.#configuration) && !this.#call.signal.aborted;
    if (isWanted) this.#lookout.start();
    else this.#lookout.stop();
  }

  async #askFresh(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, REFRESH_MS);
    });
    // what keeps the engine from giving others is its to say: the present ones are tried
    const asked = this.#options.ask({ type: "refresh-ice", id: newId() }).catch(() => {});
    await Promise.race([asked, late]);
    clearTimeout(timer);
  }

  async #probe({ iceServers, timeoutS }: ProbeIce): Promise<void> {
    const probes = await probeServers(iceServers, timeoutS * 1000, new AbortController().signal);
    this.#options.send({ type: "probes", probes });
  }
}
