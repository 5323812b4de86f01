/**
 * A member of one room: joins, keeps its seat over a lost line, and knows who else is there. What signaling/client.py is
 * to the engine. Media between browsers does not depend on any of it.
 */

import { newId } from "../ids";
import type {
  ChatMessage,
  JoinedJson,
  JoinRoom,
  Participant,
  ParticipantJson,
  ParticipantStatus,
  PeerSignal,
  RoomInfo,
  RoomSettings,
} from "../messages";
import { chatMessageOf, type IssuedServers, issuedOf, participantOf, signalOf, statusOf } from "./reading";
import {
  type ClientEvent,
  type Dial,
  errorOf,
  isObject,
  type Line,
  type ServerEvent,
  SignalingError,
} from "./socket";

const PROTOCOL = 1;
/** How long the first joining is tried. */
export const JOIN_MS = 10_000;
/** How long somebody waits for an invitation's room to be opened: the link may be early, or the server was restarted. */
export const OPENING_MS = 15 * 60_000;
const BACKOFF = { least_ms: 200, most_ms: 2000, growth: 1.6 };
/** After a restart of the server the others come back one by one: who is still missing then has left. */
export const RETURN_MS = 10_000;
/** What cannot be sent now waits; of more than this the oldest are dropped, since newer ones replace them. */
const MAX_WAITING = 500;

export const DEFAULT_SETTINGS: RoomSettings = { chat: true, recording: true, listed: false };

/** A room that was joined before may refuse for a moment, while its server and the others come back. */
const PASSING = new Set([
  "unreachable",
  "room-not-found",
  "not-allowed",
  "already-in-room",
  "rate-limited",
  "server-full",
  "server-error",
]);
/** For so long; a seat is held for less. */
const PATIENCE_MS = 60_000;

export interface Ticket {
  readonly room: string;
  readonly name: string;
  readonly token: string | null;
  readonly passcode: string | null;
  /** An invitation: a room that is gone is not made anew. */
  readonly mustExist: boolean;
  readonly status: ParticipantStatus;
}

export interface MemberListener {
  /** The room's server issued its STUN and TURN servers: at each joining, before anybody is to be connected. */
  onIce(issued: IssuedServers): void;
  /** Phase, reason or what is known of the room changed; with everybody in it, where one has just come in. */
  onRoom(change: Partial<RoomInfo>, participants?: readonly Participant[]): void;
  /** Everybody, oneself too, in the order of joining; whole, after each change. */
  onParticipants(participants: readonly Participant[]): void;
  onSignal(signal: PeerSignal): void;
  onChat(messages: readonly ChatMessage[]): void;
  /** Something that a person should know and that nobody asked for. */
  onProblem(text: string): void;
}

export class Member {
  readonly #ticket: Ticket;
  readonly #dial: Dial;
  readonly #listener: MemberListener;
  /** Fresh for every joining; kept over a lost line. */
  readonly #me = newId();
  #participants = new Map<string, Participant>();
  #status: ParticipantStatus;
  #line: Line | null = null;
  #joined: JoinedJson | null = null;
  #waiting: [ClientEvent, object][] = [];
  #dismissal: SignalingError | null = null;
  #lostAt_ms = 0;
  #entering = false;
  #isTokenForgotten = false;
  #closed = false;
  #wake: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #missing: ReturnType<typeof setTimeout> | undefined;

  constructor(ticket: Ticket, dial: Dial, listener: MemberListener) {
    this.#ticket = ticket;
    this.#dial = dial;
    this.#listener = listener;
    this.#status = ticket.status;
  }

  /**
   * Rejects with a `SignalingError`: the room's refusal, or ``unreachable`` after 10 s. Where an invitation's room is not
   * open, `onRoom` says so with the code ``room-not-found``, and it is waited for.
   */
  async join(): Promise<void> {
    this.#listener.onRoom({ phase: "joining", reason: "", code: "", me: "" });
    const began_ms = performance.now();
    let limit_ms = JOIN_MS;
    const goesOn = ({ code }: SignalingError) => {
      if (code === "room-not-found" && this.#ticket.mustExist && limit_ms !== OPENING_MS) {
        limit_ms = OPENING_MS;
        this.#listener.onRoom({ phase: "joining", reason: notOpen(this.#ticket.room), code });
      }
      const isWaiting = limit_ms === OPENING_MS && PASSING.has(code) && code !== "not-allowed";
      return (code === "unreachable" || isWaiting) && performance.now() - began_ms < limit_ms;
    };
    try {
      await this.#enter(goesOn);
    } catch (error) {
      if (!this.#closed) this.#refuse(error);
      throw error;
    }
  }

  /** Tell the room and hang up; idempotent, and quick enough for a page that goes away. */
  leave(): void {
    if (this.#closed) return;
    if (this.#joined !== null) this.#line?.request("leave-room", {}).catch(() => undefined); // nobody listens any more
    this.#end();
    this.#listener.onRoom({ phase: "outside", reason: "", code: "", me: "" });
  }

  /** To `signal.peer`, now or as soon as the line is back. */
  signal(signal: PeerSignal): void {
    const addressed = {
      to: signal.peer,
      ...(signal.generation === null ? {} : { generation: signal.generation }),
    };
    if (signal.description !== null) {
      this.#post(signal.description.type, { ...addressed, [signal.description.type]: signal.description });
    }
    if (signal.candidate !== null) this.#post("ice-candidate", { ...addressed, candidate: signal.candidate });
  }

  /** Rejects where the room does not take the message, or is out of reach. */
  async chat(text: string, to: string | null): Promise<void> {
    if (this.#line === null || this.#joined === null) {
      throw new SignalingError(
        "unreachable",
        "The room is out of reach at the moment: send it again in a while.",
      );
    }
    const said = await this.#line.request("chat-message", { message: text, ...(to === null ? {} : { to }) });
    const message = chatMessageOf(said);
    if (message !== null) this.#listener.onChat([message]);
  }

  /** Asks for fresh credentials; `onIce` comes before this resolves. Rejects with a `SignalingError`. */
  async refreshIce(): Promise<void> {
    if (this.#line === null || this.#joined === null) {
      throw new SignalingError("unreachable", "The room's server, which gives out servers, is out of reach.");
    }
    const said = await this.#line.request("turn-credentials", {});
    if (this.#closed || !isObject(said)) return;
    this.#listener.onIce(issuedOf(said.iceServers, said.ttl));
  }

  /** Shows the server whose seat this is, where it collects how connections went; else null. */
  get reportToken(): string | null {
    const isIn = this.#line !== null && this.#joined?.collectsAnalytics === true;
    return isIn ? (this.#joined?.resumeToken ?? null) : null;
  }

  /** What the others are told of us; the newest counts, also after the line was lost. */
  setStatus(status: ParticipantStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    const self = this.#participants.get(this.#me);
    if (self !== undefined) this.#keep({ ...self, status });
    if (this.#joined !== null && this.#line !== null) this.#ask("participant-status", { status });
  }

  // --- joining, and joining again

  /** Until it has worked, or `goesOn` says no to an error. */
  async #enter(goesOn: (error: SignalingError) => boolean): Promise<void> {
    this.#entering = true;
    try {
      await this.#tryAgain(goesOn);
    } finally {
      this.#entering = false;
    }
  }

  async #tryAgain(goesOn: (error: SignalingError) => boolean): Promise<void> {
    let pause_ms = BACKOFF.least_ms;
    for (;;) {
      try {
        await this.#attempt();
        return;
      } catch (error) {
        this.#hangUp();
        if (this.#closed || !(error instanceof SignalingError) || !goesOn(error)) throw error;
      }
      // spread, so that the pages of a class do not all come at once
      await this.#sleep(pause_ms * (0.5 + Math.random() / 2));
      if (this.#closed) throw new SignalingError("not-in-room", "You left the room.");
      pause_ms = Math.min(BACKOFF.most_ms, BACKOFF.growth * pause_ms);
    }
  }

  async #attempt(): Promise<void> {
    const { passcode } = this.#ticket;
    const token = this.#isTokenForgotten ? null : this.#ticket.token;
    const auth = { ...(token === null ? {} : { token }), ...(passcode === null ? {} : { passcode }) };
    let line: Line | null = null;
    try {
      line = await this.#dial(auth, {
        onEvent: (event, payload) => {
          if (line !== null && this.#line === line) this.#hear(event, payload);
        },
        onLost: () => {
          if (line !== null && this.#line === line) this.#lost();
        },
      });
    } catch (error) {
      // a server that restarted without its secret holds no token valid, and may let in without one
      const isRefused = error instanceof SignalingError && error.code === "not-allowed";
      this.#isTokenForgotten ||= this.#joined !== null && isRefused;
      throw error;
    }
    if (this.#closed) {
      line.close();
      throw new SignalingError("not-in-room", "You left the room.");
    }
    this.#line = line;
    this.#take((await line.request("join-room", this.#request())) as JoinedJson);
  }

  #request(): JoinRoom {
    const known = this.#joined;
    const passcode = this.#ticket.passcode;
    return {
      roomId: this.#ticket.room,
      userId: this.#me,
      userName: this.#ticket.name,
      protocol: PROTOCOL,
      status: this.#status,
      // a server that was restarted knows no rooms: whoever comes back first makes it again as it was
      create: known !== null || !this.#ticket.mustExist,
      ...(passcode === null ? {} : { passcode }),
      ...(known?.resumeToken ? { resumeToken: known.resumeToken } : {}),
      ...(known === null
        ? {}
        : { roomName: known.room.roomName, capacity: known.room.capacity, settings: known.room.settings }),
    };
  }

  #take(joined: JoinedJson): void {
    const isReturn = this.#joined !== null;
    const url = joined.inviteUrl ?? this.#joined?.inviteUrl ?? "";
    // without credentials: nothing here needs them again
    this.#joined = { ...joined, inviteUrl: url, iceServers: [] };
    const now = new Map(joined.participants.map((said) => [said.userId, this.#known(said)]));
    clearTimeout(this.#missing);
    if (isReturn && joined.resumed !== true) {
      for (const [id, earlier] of this.#participants) {
        if (!now.has(id)) now.set(id, { ...earlier, isConnected: false });
      }
      this.#missing = setTimeout(
        () => this.#giveUpMissing(new Set(joined.participants.map(({ userId }) => userId))),
        RETURN_MS,
      );
    }
    this.#participants = now;
    this.#listener.onIce(issuedOf(joined.iceServers, joined.iceTtl));
    this.#listener.onRoom(roomOf(joined, this.#me, url), this.#everybody());
    const messages = (joined.messages ?? []).map(chatMessageOf).filter((message) => message !== null);
    if (messages.length > 0) this.#listener.onChat(messages);
    const self = joined.participants.find(({ userId }) => userId === this.#me);
    if (JSON.stringify(statusOf(self?.status)) !== JSON.stringify(this.#status)) {
      this.#ask("participant-status", { status: this.#status });
    }
    for (const [event, payload] of this.#waiting.splice(0)) this.#ask(event, payload);
  }

  /** `returned` were there at the rejoin; whoever came since is connected. */
  #giveUpMissing(returned: ReadonlySet<string>): void {
    for (const [id, { isConnected }] of this.#participants) {
      if (!isConnected && !returned.has(id)) this.#participants.delete(id);
    }
    this.#tell();
  }

  #lost(): void {
    this.#line = null;
    if (this.#entering) return; // its request fails, and it tries again by itself
    if (this.#dismissal !== null) {
      this.#refuse(this.#dismissal);
      return;
    }
    this.#lostAt_ms = performance.now();
    const reason = "The room's server is out of reach; the call goes on with those who are in it.";
    this.#listener.onRoom({ phase: "reconnecting", reason, code: "unreachable" });
    const isPassing = ({ code }: SignalingError) =>
      code === "unreachable" || (PASSING.has(code) && performance.now() - this.#lostAt_ms < PATIENCE_MS);
    this.#enter(isPassing).catch((error: unknown) => {
      if (!this.#closed) this.#refuse(error);
    });
  }

  #refuse(error: unknown): void {
    const known = error instanceof SignalingError ? error : errorOf(null);
    this.#end();
    this.#listener.onRoom({ phase: "refused", reason: known.message, code: known.code, me: "" });
  }

  // --- what comes down

  #hear(event: ServerEvent, payload: unknown): void {
    if (!isObject(payload)) return;
    const id = typeof payload.userId === "string" ? payload.userId : "";
    switch (event) {
      case "participant-joined":
        if (isObject(payload.participant))
          this.#keep(this.#known(payload.participant as unknown as ParticipantJson));
        break;
      case "participant-left":
        if (id !== this.#me && this.#participants.delete(id)) this.#tell();
        break;
      case "participant-status": {
        const known = this.#participants.get(id);
        if (known === undefined || id === this.#me) break;
        this.#keep({ ...known, status: statusOf(payload.status), isConnected: payload.connected !== false });
        break;
      }
      case "chat-message": {
        const message = chatMessageOf(payload);
        if (message !== null) this.#listener.onChat([message]);
        break;
      }
      case "offer":
      case "answer":
      case "ice-candidate": {
        const signal = signalOf(event, payload);
        if (signal !== null) this.#listener.onSignal(signal);
        break;
      }
      case "error":
        // refusals of requests come with their acknowledgements; this one takes the seat away
        if (payload.code === "already-in-room") this.#dismissal = errorOf(payload);
        break;
    }
  }

  /** How the page's own connection stands is the page's to say, and not forgotten with a new list. */
  #known(said: ParticipantJson): Participant {
    const earlier = this.#participants.get(said.userId);
    const participant = participantOf(said, this.#me);
    return earlier === undefined ? participant : { ...participant, connection: earlier.connection };
  }

  /** How this page's own connection to somebody stands. */
  setConnection(id: string, connection: Participant["connection"]): void {
    const known = this.#participants.get(id);
    if (known !== undefined && known.connection !== connection) this.#keep({ ...known, connection });
  }

  #keep(participant: Participant): void {
    this.#participants.set(participant.id, participant);
    this.#tell();
  }

  #tell(): void {
    this.#listener.onParticipants(this.#everybody());
  }

  #everybody(): readonly Participant[] {
    return [...this.#participants.values()].sort((one, other) => one.order - other.order);
  }

  // --- sending

  #post(event: ClientEvent, payload: object): void {
    if (this.#closed) return;
    if (this.#line !== null && this.#joined !== null && this.#waiting.length === 0) this.#ask(event, payload);
    else {
      this.#waiting.push([event, payload]);
      if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    }
  }

  #ask(event: ClientEvent, payload: object): void {
    this.#line?.request(event, payload).catch((error: SignalingError) => {
      // who is not there any more needs nothing, and what the lost line swallowed is made good by recovery
      const isPlain = ["no-such-participant", "not-in-room", "unreachable"].includes(error.code);
      if (!this.#closed && !isPlain) this.#listener.onProblem(error.message);
    });
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, ms);
    });
  }

  #hangUp(): void {
    const line = this.#line;
    this.#line = null;
    line?.close();
  }

  #end(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#missing);
    this.#wake?.();
    this.#waiting.length = 0;
    this.#participants.clear();
    this.#hangUp();
  }
}

const notOpen = (room: string) =>
  `The room "${room}" is not open: it has not begun, or it is over. You are let in as soon as somebody opens it.`;

function roomOf(joined: JoinedJson, me: string, inviteUrl: string): Partial<RoomInfo> {
  const { room } = joined;
  return {
    id: room.roomId,
    name: room.roomName,
    capacity: room.capacity,
    // a server leaves out what has its default
    settings: { ...DEFAULT_SETTINGS, ...(room.settings as Partial<RoomSettings>) },
    me,
    inviteUrl,
    phase: "joined",
    reason: "",
    code: "",
  };
}
