/**
 * This page's ICE: what connections are made with, as the engine decided it, and fresh credentials before one is made
 * or restarted.
 */
import { newId } from "../ids";
import type { Event, IceConfiguration } from "../messages";
import type { Request } from "../requests";
import { DIRECT } from "./configuration";

/** A credential that ends within this time is not used for a new connection. */
const FRESH_S = 60;

export interface IceDeskOptions {
  /** Rejects where nobody answers, or the engine refuses. */
  readonly ask: (request: Request) => Promise<unknown>;
}

export class IceDesk {
  readonly #options: IceDeskOptions;
  #configuration: IceConfiguration = DIRECT;

  constructor(options: IceDeskOptions) {
    this.#options = options;
  }

  get configuration(): IceConfiguration {
    return this.#configuration;
  }

  configure(ice: IceConfiguration): void {
    this.#configuration = ice;
  }

  /** Takes those events that are ICE's; false where it is another one. */
  take(event: Event): boolean {
    if (event.type !== "ice-configured") return false;
    this.configure(event.ice);
    return true;
  }

  /** Resolves when the credentials are good for a while, or when there is no way to get others. */
  async refresh(): Promise<void> {
    const { expiresAtS } = this.#configuration;
    if (expiresAtS === null || expiresAtS - Date.now() / 1000 > FRESH_S) return;
    await this.#options.ask({ type: "refresh-ice", id: newId() });
  }
}
