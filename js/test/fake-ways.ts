/** This page's ICE for a connection alone: what it is made with, and what is said of it. */
import { DIRECT } from "../src/ice/configuration";
import type { Refusal } from "../src/ice/guard";
import type { Ways } from "../src/ice/ways";
import type { IceConfiguration } from "../src/messages";

export class FakeWays implements Ways {
  configuration: IceConfiguration;
  said = "";
  refreshed = 0;
  isFresh = true;
  readonly refusals: Refusal[] = [];
  readonly restarts: string[] = [];
  readonly troubles = new Set<string>();
  /** Awaited by `refresh`. */
  ready: Promise<void> = Promise.resolve();

  constructor(change: Partial<IceConfiguration> = {}) {
    this.configuration = { ...DIRECT, ...change };
  }

  refresh(): Promise<void> {
    this.refreshed += 1;
    return this.ready;
  }

  hint(): string {
    return this.said;
  }

  refused(_peer: string, _generation: number, refusal: Refusal): void {
    this.refusals.push(refusal);
  }

  restarted(peer: string): void {
    this.restarts.push(peer);
  }

  troubled(peer: string, isTroubled: boolean): void {
    if (isTroubled) this.troubles.add(peer);
    else this.troubles.delete(peer);
  }
}
