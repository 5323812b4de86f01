/** A room server without sockets: lines that are cut by hand, and the few rules that a guest depends on. */

import { GuestEngine, type Place } from "../src/guest/engine";
import type { Equipment } from "../src/guest/recorder/recorder";
import {
  type Auth,
  type ClientEvent,
  type Dial,
  type Line,
  type LineListener,
  type ServerEvent,
  SignalingError,
} from "../src/guest/socket";
import type { Event, Intent, JoinRoom, ParticipantJson } from "../src/messages";

export interface Asked {
  readonly event: ClientEvent;
  readonly payload: Record<string, unknown>;
}

export class FakeServer {
  readonly asked: Asked[] = [];
  readonly auths: Auth[] = [];
  readonly people = new Map<string, ParticipantJson>();
  isUp = true;
  /** What the next requests are answered with, instead of what they asked for. */
  refusals: SignalingError[] = [];
  /** As if it had been restarted: no room, no tokens. */
  exists = false;
  /** It signed none of the tokens that are about. */
  hasNewSecret = false;
  /** Of the room, where its creator changed them. */
  settings: Record<string, boolean> = {};
  /** What it gives to those who join and to those who ask. */
  ice: { iceServers?: unknown; iceTtl?: unknown } = {};
  collectsAnalytics = false;
  #listener: LineListener | null = null;
  #tokens = 0;
  #orders = 0;
  #seat = "";

  readonly dial: Dial = async (auth, listener) => {
    this.auths.push(auth);
    if (!this.isUp) throw new SignalingError("unreachable", "The room's server cannot be reached.");
    if (this.hasNewSecret && auth.token !== undefined) {
      throw new SignalingError("not-allowed", "The room token is not one of this server's.");
    }
    this.#listener = listener;
    const line: Line = {
      request: async (event, payload) => {
        this.asked.push({ event, payload: payload as Asked["payload"] });
        const refusal = this.refusals.shift();
        if (refusal !== undefined) throw refusal;
        return this.#answer(event, payload as Asked["payload"]);
      },
      close: () => {
        if (this.#listener === listener) this.#listener = null;
      },
    };
    return line;
  };

  get isConnected(): boolean {
    return this.#listener !== null;
  }

  of(event: ClientEvent): Asked["payload"][] {
    return this.asked.filter((each) => each.event === event).map(({ payload }) => payload);
  }

  say(event: ServerEvent, payload: unknown): void {
    this.#listener?.onEvent(event, payload);
  }

  /** Cut the line; everything stays as it is. */
  cut(): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.onLost();
  }

  /** Killed and started anew: it knows nobody. */
  restart(): void {
    this.exists = false;
    this.people.clear();
    this.#orders = this.#tokens = 0;
    this.#seat = "";
    this.cut();
  }

  enter(userId: string): void {
    const participant = this.#seatFor(userId, userId);
    this.say("participant-joined", { userId, userName: userId, participant });
  }

  #seatFor(userId: string, userName: string, status: unknown = {}): ParticipantJson {
    this.exists = true;
    const participant: ParticipantJson = {
      userId,
      userName,
      order: ++this.#orders,
      joinedAt: 1000,
      isCreator: false,
      isPython: false,
      protocol: 1,
      connected: true,
      status: status as ParticipantJson["status"],
    };
    this.people.set(userId, participant);
    return participant;
  }

  leave(userId: string): void {
    this.people.delete(userId);
    this.say("participant-left", { userId, reason: "left" });
  }

  #answer(event: ClientEvent, payload: Record<string, unknown>): unknown {
    if (event === "chat-message") {
      return { id: `m${this.asked.length}`, from: this.#seat, userName: "Gus", timestamp: 2000, ...payload };
    }
    if (event === "turn-credentials") return { iceServers: this.ice.iceServers, ttl: this.ice.iceTtl };
    if (event !== "join-room") return {};
    const request = payload as unknown as JoinRoom;
    if (!this.exists && !request.create) throw new SignalingError("room-not-found", "There is no such room.");
    const resumed = request.resumeToken === `token ${this.#tokens}` && this.people.has(request.userId ?? "");
    this.#seat = request.userId ?? "";
    if (!resumed) this.#seatFor(this.#seat, request.userName ?? "", request.status);
    this.#tokens += 1;
    const settings = request.settings ?? this.settings;
    const room = {
      roomId: request.roomId,
      roomName: request.roomName ?? request.roomId,
      capacity: 10,
      settings,
    };
    return {
      roomId: request.roomId,
      userId: this.#seat,
      room,
      participants: [...this.people.values()],
      resumeToken: `token ${this.#tokens}`,
      inviteUrl: "http://localhost/r/lab#token=x",
      ...this.ice,
      ...(this.collectsAnalytics ? { collectsAnalytics: true } : {}),
      ...(resumed ? { resumed } : {}),
    };
  }
}

export const PAGE = "page-1";

/** A guest's engine on such a server, and all that it said. */
export class Guest {
  readonly said: Event[] = [];
  readonly chosen: string[][] = [];
  readonly engine: GuestEngine;
  #ids = 0;

  constructor(server: FakeServer, place: Partial<Place> = {}, equipment: Equipment | null = null) {
    this.engine = new GuestEngine({
      effect: { name: "none", strength: null },
      onEffect: () => undefined,
      dial: server.dial,
      server: "http://localhost",
      place: { room: "lab", token: null, mustExist: false, ...place },
      name: "Gus",
      equipment,
      say: (event) => this.said.push(event),
      onChosen: (...chosen) => this.chosen.push(chosen),
    });
  }

  of<Type extends Event["type"]>(type: Type): Extract<Event, { type: Type }>[] {
    return this.said.filter((event) => event.type === type) as Extract<Event, { type: Type }>[];
  }

  get state() {
    const state = this.of("state").at(-1);
    if (state === undefined) throw new Error("No state was said.");
    return state;
  }

  get names(): string[] {
    return this.state.participants.map(({ name }) => name);
  }

  take(intent: Intent): void {
    this.engine.take(PAGE, intent);
  }

  newId(): string {
    this.#ids += 1;
    return `request-${this.#ids}`;
  }

  reply(id: string) {
    return this.of("reply").findLast((reply) => reply.id === id);
  }

  enter(): string {
    const id = this.newId();
    this.take({ type: "enter", id, takeOver: false });
    return id;
  }
}
