/**
 * What limits sending, second by second: the network of one connection, and the CPU that all share. Pure: readings in,
 * a rung of the ladder out. Down at once when it is needed, up only on evidence, and after a step up that failed later
 * each time, so that the picture does not change back and forth.
 */
import { bestWithin, type Rung } from "./rungs";

/** One second of one connection; null where the browser does not say. */
export interface Reading {
  /** The browser's own estimate for the connection (`availableOutgoingBitrate`). */
  readonly available_bps: number | null;
  readonly sent_bps: number | null;
  readonly lossFraction: number | null;
  readonly rtt_s: number | null;
  /** `qualityLimitationReason` (webrtc-stats, section 8.4). */
  readonly limitation: "none" | "cpu" | "bandwidth" | "other";
  /** Seconds of work for one frame. */
  readonly encode_s: number | null;
  readonly fps: number | null;
  /** What the source delivers, or what was asked where that is less. */
  readonly askedFps: number | null;
}

/** Of an estimate, so much belongs to the sound and to packet headers. */
const AUDIO_BPS = 48_000;
/** An estimate grows from 300 kbit/s within this time; what it says before does not count. */
const RAMP_S = 4;
/** Down when less than this part of the rung's bitrate is there... */
const TOO_LITTLE = 0.7;
/**
 * ...and up when this many times the next rung's is. Browsers probe only where clearly less is sent than would go, so a
 * poor picture leaves room for the way back; a good one uses the line.
 */
const ENOUGH = { poor: 1.6, good: 1.15, good_bps: 500_000 };
const LOSS_DOWN = 0.1;
const LOSS_HOLD = 0.03;
/** After a step the network needs this long to show what it did. */
const SETTLE_S = 2;
/** A step up that is taken back within this time has failed. */
const TRIAL_S = 8;
const CALM_S = { least: 2, most: 60 };
/** Questions (see `isAsking`) come this often: at once while they succeed, seldom while they do not. */
const ASK_S = { least: 1, first: 3, most: 4, afterFailure: 5, doubtful: 10, longest: 32 };
/** A question allows so many times the bitrate, so that few of them lead back to the top. */
export const ASK_FACTOR = 8;
/** What a question stirred up is over after this time, and is no reason to step down. */
const EXCUSED_S = 3;
/** A still picture takes less than its rung has; it may begin to move, so that this part is needed all the same. */
const LEAST_FILL = 0.25;

/** What the network of one connection allows. */
export class NetworkLimit {
  rung: number;
  #ladder: readonly Rung[];
  #age_s = 0;
  #strain = 0;
  #calm_s = 0;
  #settle_s = 0;
  #sinceUp_s = Number.POSITIVE_INFINITY;
  #wait_s = CALM_S.least;
  #asking = false;
  #askEvery_s = ASK_S.first;
  #sinceAsk_s = Number.POSITIVE_INFINITY;
  #gaveWay = false;
  /** How often is asked while steps up keep failing: a path that lets short bursts through answers wrongly. */
  #failureWait_s = ASK_S.afterFailure;
  /** No step down came after the last step up. */
  #stands = true;
  /** The part of a rung's bitrate that these pictures take. */
  #fill = 1;
  #idleRtt_s: number | null = null;
  #rttAtStep_s: number | null = null;

  constructor(ladder: readonly Rung[], start: number) {
    this.#ladder = ladder;
    this.rung = start;
  }

  /**
   * A question to the network: let the browser send more than the rung's bitrate for this second. An estimate grows
   * only where it is used or probed, and browsers probe when the limit rises; it counts only if it stands the test.
   * The picture keeps its size meanwhile, so that a "no" is not seen.
   */
  get isAsking(): boolean {
    return this.#asking;
  }

  /** It has stepped down, and is not back at the top; false where sending began modestly. */
  get gaveWay(): boolean {
    return this.#gaveWay && this.rung > 0;
  }

  /** Another connection to the same person: its estimate has to grow again, and its way may be another. */
  restart(): void {
    this.#age_s = 0;
    this.#strain = 0;
    this.#asking = false;
    this.#idleRtt_s = this.#rttAtStep_s = null;
  }

  /** Another ladder, because the source is another one: begin where the bitrate is about the same. */
  use(ladder: readonly Rung[]): void {
    const now_bps = this.#ladder[this.rung]?.bitrate_bps ?? 0;
    this.rung = this.rung === 0 ? 0 : bestWithin(ladder, now_bps);
    this.#ladder = ladder;
    this.#strain = 0;
  }

  /** One second has passed. `others` is the rung that CPU and people allow: there is no reason to be better. */
  take(reading: Reading, others: number): void {
    this.#age_s += 1;
    this.#sinceUp_s += 1;
    this.#sinceAsk_s += 1;
    this.#settle_s -= 1;
    const room_bps = reading.available_bps === null ? null : reading.available_bps - AUDIO_BPS;
    this.#look(reading, room_bps);
    const trouble = this.#trouble(reading, room_bps);
    const isExcused = this.#sinceAsk_s <= EXCUSED_S;
    this.#strain = trouble > 0 && !isExcused ? this.#strain + trouble : Math.max(0, this.#strain - 1);
    this.#calm_s = trouble > 0 || (reading.lossFraction ?? 0) > LOSS_HOLD ? 0 : this.#calm_s + 1;
    const wasAsking = this.#asking;
    this.#asking = false;
    if (trouble > 0 && isExcused) this.#askEvery_s = Math.max(this.#askEvery_s, ASK_S.most);
    if (this.#strain >= 2 && this.#settle_s <= 0) this.#down(reading, room_bps);
    else if (this.rung <= others || this.#calm_s < CALM_S.least) return;
    else if (room_bps === null) this.#try();
    else if (wasAsking) this.#hear(room_bps, others);
    else if (this.#sinceAsk_s >= this.#askEvery_s) this.#ask();
  }

  /** What the pictures take is seen only while nothing but the rung holds them back. */
  #look({ sent_bps, limitation }: Reading, room_bps: number | null): void {
    if (this.#stands && this.#sinceUp_s > 2 * TRIAL_S) this.#failureWait_s = ASK_S.afterFailure;
    if (sent_bps === null || limitation !== "none" || this.#asking) return;
    if (room_bps === null || sent_bps > TOO_LITTLE * room_bps) return;
    const fill = sent_bps / this.#bitrate(this.rung);
    this.#fill = Math.min(1, Math.max(LEAST_FILL, fill, 0.8 * this.#fill));
  }

  #trouble(reading: Reading, room_bps: number | null): number {
    if (reading.rtt_s !== null) this.#followRtt(reading.rtt_s);
    if (this.#age_s <= RAMP_S) return 0;
    const asked_bps = this.#fill * this.#bitrate(this.rung);
    if ((reading.lossFraction ?? 0) > LOSS_DOWN || this.#isQueueing(reading.rtt_s)) return 1;
    if (room_bps !== null) return room_bps < 0.4 * asked_bps ? 2 : Number(room_bps < TOO_LITTLE * asked_bps);
    // without an estimate the encoder's own complaint counts, if it sends clearly less than it may
    const isStarved = reading.sent_bps !== null && reading.sent_bps < TOO_LITTLE * asked_bps;
    return Number(reading.limitation === "bandwidth" && isStarved);
  }

  #followRtt(rtt_s: number): void {
    const idle_s = this.#idleRtt_s ?? rtt_s;
    this.#idleRtt_s = rtt_s < idle_s ? rtt_s : idle_s + 0.01 * (rtt_s - idle_s);
  }

  /** Packets wait in a queue on the way: the round trip is longer than it was. */
  #isQueueing(rtt_s: number | null): boolean {
    const idle_s = this.#idleRtt_s;
    return rtt_s !== null && idle_s !== null && rtt_s > idle_s + Math.max(0.15, idle_s);
  }

  #down(reading: Reading, room_bps: number | null): void {
    const queueing = this.#isQueueing(reading.rtt_s);
    const isLossy = (reading.lossFraction ?? 0) > LOSS_DOWN;
    const isShort = room_bps !== null && room_bps < TOO_LITTLE * this.#fill * this.#bitrate(this.rung);
    this.#strain = 0;
    this.#settle_s = SETTLE_S;
    if (queueing && !isLossy && !isShort) {
      // sending less did not shorten the way: it is a longer way, not a queue
      const isLongerWay = this.#rttAtStep_s !== null && (reading.rtt_s ?? 0) > 0.8 * this.#rttAtStep_s;
      this.#rttAtStep_s = isLongerWay ? null : reading.rtt_s;
      if (isLongerWay) {
        this.#idleRtt_s = reading.rtt_s;
        return;
      }
    }
    if (this.#sinceUp_s <= TRIAL_S) {
      this.#wait_s = Math.min(CALM_S.most, 2 * this.#wait_s);
      this.#askEvery_s = this.#failureWait_s;
      this.#failureWait_s = Math.min(ASK_S.longest, 1.4 * this.#failureWait_s);
    }
    const fitting = isShort ? this.#fitting(room_bps) : 0;
    this.rung = Math.min(this.#ladder.length - 1, Math.max(this.rung + 1, fitting));
    this.#gaveWay = true;
    this.#stands = false;
    this.#calm_s = 0;
  }

  #ask(): void {
    this.#asking = true;
    this.#sinceAsk_s = 0;
  }

  /** The answer to the question of the last second. */
  #hear(room_bps: number, others: number): void {
    const fitting = this.#fitting(room_bps);
    if (fitting >= this.rung) {
      this.#askEvery_s = Math.max(this.#askEvery_s, Math.min(ASK_S.most, this.#askEvery_s + 1));
      return;
    }
    // where several steps up have failed, the next ones are small, and each has to stand for a while
    const isDoubtful = this.#failureWait_s >= ASK_S.doubtful;
    if (isDoubtful && this.#stands) this.#failureWait_s /= 1.4;
    this.rung = isDoubtful ? this.rung - 1 : Math.max(others, fitting);
    this.#sinceUp_s = 0;
    this.#stands = true;
    this.#askEvery_s = isDoubtful ? ASK_S.most : ASK_S.least;
  }

  /** A browser that has no estimate: one rung up, and longer pauses each time that failed. */
  #try(): void {
    if (this.#sinceUp_s > 2 * CALM_S.most) this.#wait_s = CALM_S.least;
    if (this.#calm_s < Math.max(this.#wait_s, 2 * CALM_S.least)) return;
    this.rung -= 1;
    this.#sinceUp_s = 0;
    this.#calm_s = 0;
  }

  /** The best rung that there is enough for, or the last one. */
  #fitting(room_bps: number): number {
    const index = this.#ladder.findIndex(({ bitrate_bps }) => {
      const enough = bitrate_bps < ENOUGH.good_bps ? ENOUGH.poor : ENOUGH.good;
      return room_bps >= enough * this.#fill * bitrate_bps;
    });
    return index < 0 ? this.#ladder.length - 1 : index;
  }

  #bitrate(rung: number): number {
    return this.#ladder[rung]?.bitrate_bps ?? 0;
  }
}

/** One encoder that works for this part of the time cannot keep up. */
const BUSY = 0.85;
const CPU_SETTLE_S = 4;
const CPU_TRIAL_S = 20;
const CPU_CALM_S = { least: 15, most: 240 };

/** What the CPU allows to all connections that it encodes for. */
export class CpuLimit {
  rung = 0;
  #strain = 0;
  #calm_s = 0;
  #settle_s = 0;
  #sinceUp_s = Number.POSITIVE_INFINITY;
  #wait_s = CPU_CALM_S.least;

  /** One second has passed. `best` is the best rung that is really sent, `last` the last one of the ladder. */
  take(readings: readonly Reading[], best: number, last: number): void {
    this.#sinceUp_s += 1;
    this.#settle_s -= 1;
    const trouble = Math.max(0, ...readings.map(troubleOf));
    this.#strain = trouble > 0 ? this.#strain + trouble : Math.max(0, this.#strain - 1);
    this.#calm_s = trouble > 0 ? 0 : this.#calm_s + 1;
    if (this.#strain >= 3 && this.#settle_s <= 0) {
      if (this.#sinceUp_s <= CPU_TRIAL_S) this.#wait_s = Math.min(CPU_CALM_S.most, 2 * this.#wait_s);
      this.rung = Math.min(last, Math.max(this.rung, best) + 1);
      this.#settle_s = CPU_SETTLE_S;
      this.#strain = 0;
    } else if (this.rung > 0 && this.#calm_s >= this.#wait_s) {
      this.rung -= 1;
      this.#sinceUp_s = 0;
      this.#calm_s = 0;
    }
  }
}

/** Two where pictures are already lost to it. */
function troubleOf({ limitation, encode_s, fps, askedFps }: Reading): number {
  const isBusy = encode_s !== null && fps !== null && encode_s * fps > BUSY;
  if (limitation !== "cpu" && !isBusy) return 0;
  return fps !== null && askedFps !== null && fps < 0.6 * askedFps ? 2 : 1;
}
