/** What a connection to another participant asks of this page's ICE. */
import type { IceConfiguration } from "../messages";
import type { Refusal } from "./guard";

export interface Ways {
  readonly configuration: IceConfiguration;
  /** Credentials are good for a while; else `refresh` first. */
  readonly isFresh: boolean;
  /** Resolves when credentials are good for a while, at the latest after some seconds; it does not reject. */
  refresh(): Promise<void>;
  /** What is missing where a connection takes long, as a sentence; empty where nothing can be said. */
  hint(peer: string, whom: string): string;
  /** A candidate of theirs that the browser does not get. */
  refused(peer: string, generation: number, refusal: Refusal): void;
  /** An ICE restart begins. */
  restarted(peer: string): void;
  /** A connection that worked does not, or does again: for who looks out for the network's return. */
  troubled(peer: string, isTroubled: boolean): void;
}
