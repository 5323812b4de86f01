/** What each connection shall send this second: the network's, the CPU's and the people's limits in one. Pure. */
import type { Quality } from "../messages";
import { ASK_FACTOR, CpuLimit, NetworkLimit, type Reading } from "./limits";
import {
  bestWithin,
  cameraLadder,
  FULL_SIZE,
  fixedRung,
  peopleRung,
  type Rung,
  screenLadder,
  startOf,
} from "./rungs";

/** The link's outlet. It leads to Python, often on the same machine, and counts to no upload. */
export const PYTHON = "python";

export interface Circumstances {
  readonly quality: Quality;
  readonly isScreen: boolean;
  /** Pixels of the shared screen. */
  readonly screenPixels: number;
  /** Everybody else in the room, connected or not. */
  readonly others: number;
  /** A small screen or a cellular connection. */
  readonly isModest: boolean;
  /** What one peer's picture may use at most; null for no limit. */
  readonly cap_bps?: number | null;
}

export interface Sight {
  readonly id: string;
  readonly rank: number;
  /** Null while nothing is sent there. */
  readonly reading: Reading | null;
}

export interface Order extends Rung {
  /** Frames are given away before size, because the size was asked for. */
  readonly keepsSize: boolean;
  /** In words what made it less than it could be; empty where nothing did. */
  readonly limitedBy: string;
}

const WORDS = {
  network: "the network",
  cpu: "this computer's CPU",
  people: "the number of people",
  limit: "the bitrate limit of this call",
} as const;

/** The limit behind the words; of the network by the name that ``qualityLimitationReason`` has for it. */
export function limitOf(words: string): string {
  const limit = Object.entries(WORDS).find(([, said]) => said === words)?.[0] ?? "";
  return limit === "network" ? "bandwidth" : limit;
}

const capOf = ({ cap_bps }: Circumstances) => cap_bps ?? Number.POSITIVE_INFINITY;

export class Plan {
  readonly #networks = new Map<string, NetworkLimit>();
  /**
   * One for the mesh, one for the link: others' pictures give way before those that Python asked for, and the link
   * gives way once its own encoder complains.
   */
  #mesh = new CpuLimit();
  #link = new CpuLimit();
  #ladder: readonly Rung[] = [];
  #source = "";

  /** One second has passed, or something changed (`isTick` false): the orders for everybody. */
  next(now: Circumstances, sights: readonly Sight[], isTick: boolean): Map<string, Order> {
    for (const id of this.#networks.keys()) {
      if (!sights.some((sight) => sight.id === id)) this.#networks.delete(id);
    }
    if (!now.isScreen && now.quality.name !== "auto") return this.#fixed(now, sights);
    this.#follow(now);
    if (isTick) this.#limitCpu(now, sights);
    return new Map(sights.map((sight) => [sight.id, this.#order(now, sight, isTick)]));
  }

  /** Somebody's connection was replaced by a new one. */
  restart(id: string): void {
    this.#networks.get(id)?.restart();
  }

  #fixed(now: Circumstances, sights: readonly Sight[]): Map<string, Order> {
    this.#source = "";
    this.#networks.clear();
    this.#mesh = new CpuLimit();
    this.#link = new CpuLimit();
    return new Map(
      sights.map(({ id, rank, reading }) => {
        const rung = fixedRung(now.quality, id === PYTHON ? 0 : rank);
        const bitrate_bps = Math.min(rung.bitrate_bps, capOf(now));
        const limitedBy =
          id !== PYTHON && rank >= FULL_SIZE
            ? WORDS.people
            : bitrate_bps < rung.bitrate_bps
              ? WORDS.limit
              : reading?.limitation === "bandwidth"
                ? WORDS.network
                : reading?.limitation === "cpu"
                  ? WORDS.cpu
                  : "";
        return [id, { ...rung, bitrate_bps, keepsSize: true, limitedBy }];
      }),
    );
  }

  #follow(now: Circumstances): void {
    const source = now.isScreen ? `screen ${now.screenPixels}` : `${now.quality.width}x${now.quality.height}`;
    if (source === this.#source) return;
    this.#source = source;
    this.#ladder = now.isScreen ? screenLadder(now.screenPixels) : cameraLadder(now.quality);
    for (const network of this.#networks.values()) network.use(this.#ladder);
    this.#mesh = new CpuLimit();
    this.#link = new CpuLimit();
  }

  #limitCpu(now: Circumstances, sights: readonly Sight[]): void {
    const sending = sights.filter(({ reading }) => reading !== null);
    for (const [cpu, group] of [
      [this.#link, sending.filter(({ id }) => id === PYTHON)],
      [this.#mesh, sending.filter(({ id }) => id !== PYTHON)],
    ] as const) {
      const readings = group.flatMap(({ reading }) => (reading === null ? [] : [reading]));
      const best = Math.min(...group.map((sight) => Math.max(...this.#limits(now, sight))));
      if (group.length > 0) cpu.take(readings, best, this.#ladder.length - 1);
    }
  }

  #order(now: Circumstances, sight: Sight, isTick: boolean): Order {
    const network = this.#network(now, sight.id);
    const [, ...others] = this.#limits(now, sight);
    const [cpu, people, limit] = others;
    const best = Math.max(...others);
    if (isTick && sight.reading !== null) network.take(sight.reading, best);
    const at = Math.max(network.rung, best);
    const rung = this.#ladder[at] as Rung;
    const top_bps = this.#ladder[best]?.bitrate_bps ?? rung.bitrate_bps;
    const asked_bps = network.isAsking ? Math.min(top_bps, ASK_FACTOR * rung.bitrate_bps) : rung.bitrate_bps;
    const limitedBy =
      at === 0 ? "" : at === people ? "people" : at === limit ? "limit" : at === cpu ? "cpu" : "network";
    const isBeginning = limitedBy === "network" && !network.gaveWay;
    return {
      ...rung,
      bitrate_bps: Math.min(asked_bps, capOf(now)),
      // Python's pictures change their size only when the plan says so, not whenever the encoder is short of time
      keepsSize: now.isScreen || sight.id === PYTHON,
      limitedBy: limitedBy === "" || isBeginning ? "" : WORDS[limitedBy],
    };
  }

  #limits(now: Circumstances, { id, rank }: Sight): [number, number, number, number] {
    const isLink = id === PYTHON;
    return [
      this.#network(now, id).rung,
      (isLink ? this.#link : this.#mesh).rung,
      isLink ? 0 : peopleRung(this.#ladder, now.others, rank),
      bestWithin(this.#ladder, capOf(now)),
    ];
  }

  #network(now: Circumstances, id: string): NetworkLimit {
    const known = this.#networks.get(id);
    if (known !== undefined) return known;
    const made = new NetworkLimit(this.#ladder, startOf(this.#ladder, now.isModest));
    this.#networks.set(id, made);
    return made;
  }
}
