/**
 * What stands where Python's engine stands in a notebook: takes the page's intents, owns the call's state and says
 * events. For a page without Python, so there is no link and no effect, and what is recorded is recorded here.
 */
import { DIRECT, UNDECIDED } from "../ice/configuration";
import type {
  CallState,
  ChatMessage,
  Effect,
  Event,
  IceConfiguration,
  Intent,
  MediaStatus,
  Quality,
  Reply,
  RoomInfo,
  StartRecording,
} from "../messages";
import { PROTOCOL } from "../messages";
import { DEFAULT_SETTINGS, Member, type MemberListener } from "./member";
import { Outcomes } from "./outcomes";
import { type IssuedServers, QUIET } from "./reading";
import { type Equipment, Recorder } from "./recorder/recorder";
import { Reporter } from "./reporter";
import { type Dial, SignalingError } from "./socket";

const KEPT_MESSAGES = 500;
const KEPT_REPLIES = 64;

/** As in messages/nouns.py, with the bitrates of engine/bandwidth.py. */
export const QUALITIES: readonly Quality[] = [
  { width: 1280, height: 720, fps: 30, name: "auto", bitrateBps: 2_500_000 },
  { width: 640, height: 480, fps: 15, name: "low", bitrateBps: 600_000 },
  { width: 1280, height: 720, fps: 30, name: "medium", bitrateBps: 2_500_000 },
  { width: 1920, height: 1080, fps: 30, name: "high", bitrateBps: 4_500_000 },
];

/** Where the page's address leads: which room, and what lets us in. */
export interface Place {
  /** Empty where the person has to name one. */
  readonly room: string;
  readonly token: string | null;
  /** An invitation: a room that is gone is not made anew. */
  readonly mustExist: boolean;
}

export interface GuestOptions {
  readonly dial: Dial;
  /** The server, for people to see. */
  readonly server: string;
  readonly place: Place;
  readonly name: string;
  /** Chosen at an earlier visit: whoever blurred their room then does not show it now. */
  readonly effect: Effect;
  readonly onEffect: (effect: Effect) => void;
  /** Null where this browser cannot record. */
  readonly equipment: Equipment | null;
  readonly say: (event: Event) => void;
  /** The person chose a room and a name; the address and the browser's memory follow. */
  readonly onChosen: (room: string, name: string) => void;
}

export class GuestEngine {
  readonly #options: GuestOptions;
  #place: Place;
  #name: string;
  #passcode: string | null = null;
  #member: Member | null = null;
  /** The request to enter that nothing was answered to yet. */
  #entering: string | null = null;
  #media: MediaStatus | null = null;
  #chat: readonly ChatMessage[] = [];
  /** What the room's server issued; it has credentials, so it is in no state. */
  #ice: IceConfiguration = DIRECT;
  /** Recordings whose badge stands in a view of this page. */
  #shown: readonly string[] = [];
  readonly #recorder: Recorder;
  readonly #outcomes = new Outcomes();
  readonly #reporter = new Reporter(() => this.#member?.reportToken ?? null);
  readonly #replies = new Map<string, Reply | null>();
  #state: CallState;

  constructor(options: GuestOptions) {
    this.#options = options;
    this.#place = options.place;
    this.#name = options.name;
    this.#state = {
      type: "state",
      quality: QUALITIES[0] as Quality,
      epoch: 0,
      revision: 0,
      phase: "idle",
      reason: "",
      owner: null,
      joinRequested: false,
      cameraRequested: false,
      microphoneRequested: false,
      cameraOn: false,
      microphoneOn: false,
      camera: null,
      effect: options.effect,
      background: "",
      videoEffect: null,
      videoSource: null,
      audioEffect: null,
      playing: false,
      recording: null,
      recordings: [],
      recorded: [],
      participants: this.#alone(),
      room: this.#outside(),
      codec: "auto",
      screenSharing: false,
      screenRequested: false,
      wanted: [],
      statsIntervalS: 1,
      ice: UNDECIDED,
      checkRequested: false,
    };
    this.#recorder = new Recorder({
      equipment: options.equipment,
      onChange: (recorded) => {
        this.#change(recorded);
        this.#member?.setStatus(this.#status());
      },
      onProblem: (text) => this.#say({ type: "notice", key: "recording", level: "error", text }),
    });
  }

  /** An intent of the page; what comes of it is said as events. */
  take(page: string, intent: Intent): void {
    if ("id" in intent && !this.#isNew(intent.id)) return;
    switch (intent.type) {
      case "hello":
        this.#say({
          type: "welcome",
          protocol: PROTOCOL,
          state: this.#state,
          qualities: QUALITIES,
          ice: this.#ice,
          chat: this.#chat,
          findings: [],
        });
        break;
      case "enter-room":
        this.#choose(intent.id, intent.room, intent.name, intent.passcode);
        break;
      case "enter":
        void this.#enter(page, intent.id);
        break;
      case "leave":
        if (this.#state.owner === page || this.#member !== null) this.#leave(intent.reason);
        break;
      case "media":
        this.#report(intent);
        break;
      case "peer-signal":
        this.#member?.signal(intent);
        break;
      case "peer-status":
        this.#member?.setConnection(intent.peer, intent.state);
        break;
      case "send-chat":
        void this.#send(intent.id, intent.text, intent.to);
        break;
      case "set-quality": {
        const quality = QUALITIES.find(({ name }) => name === intent.quality.name) ?? intent.quality;
        this.#say({ type: "apply-quality", quality });
        this.#change({ quality });
        this.#reply(intent.id);
        break;
      }
      case "set-codec":
        this.#change({ codec: intent.codec });
        this.#reply(intent.id);
        break;
      case "set-effect":
        this.#change({ effect: intent.effect });
        this.#options.onEffect(intent.effect);
        this.#reply(intent.id);
        break;
      case "start-recording":
        this.#record(intent);
        break;
      case "stop-recording":
        this.#recorder.stop();
        this.#reply(intent.id);
        break;
      case "recordings-shown":
        this.#shown = intent.recordings;
        this.#member?.setStatus(this.#status());
        this.#recorder.update(this.#state.participants, this.#shown);
        break;
      case "read-recording":
        this.#reply(
          intent.id,
          new SignalingError("invalid", "This page's recordings are saved by the browser."),
        );
        break;
      case "offer":
        this.#reply(intent.id, new SignalingError("invalid", "There is no Python behind this page."));
        break;
      case "ice":
        this.#reporter.add(this.#outcomes.take(intent.records));
        break;
      // what only a Python behind the page would want to know
      case "candidate":
      case "stats":
      case "event":
      case "pong":
      case "network":
      case "probes":
      case "check-report":
      case "problem":
        break;
      case "refresh-ice":
        void this.#refreshIce(intent.id);
        break;
      case "check-offer":
      case "run-checks":
        this.#reply(intent.id, new SignalingError("invalid", "There is no Python behind this page."));
        break;
    }
  }

  /** The page goes away. */
  close(): void {
    this.#recorder.close(); // before the call ends: its files stay for the next visit
    this.#leave("The page was closed or reloaded.");
  }

  // --- what the person wants

  #choose(id: string, room: string | null, name: string, passcode: string | null): void {
    if (this.#member !== null) {
      this.#reply(id, new SignalingError("not-allowed", "Leave the call first, then enter another room."));
      return;
    }
    const named = (room ?? "").trim().replace(/\s+/g, "-");
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(named)) {
      const text =
        named === ""
          ? "Name the room that you want to enter."
          : `A room's name has 1 to 64 letters (a to z), digits, - and _; "${named.slice(0, 40)}" has others.`;
      this.#reply(id, new SignalingError("invalid", text));
      return;
    }
    // a token is for one room, and lets nobody into another
    if (named !== this.#place.room) this.#place = { room: named, token: null, mustExist: false };
    this.#name = name.trim() || "Guest";
    this.#passcode = passcode;
    this.#options.onChosen(named, this.#name);
    this.#change({ room: this.#outside(), participants: this.#alone(), phase: "idle", reason: "" });
    this.#reply(id);
  }

  async #enter(page: string, id: string): Promise<void> {
    if (this.#place.room === "") {
      this.#reply(id, new SignalingError("invalid", "Name the room that you want to enter."));
      return;
    }
    this.#member?.leave();
    const ticket = {
      ...this.#place,
      name: this.#name,
      passcode: this.#passcode,
      status: this.#status(),
    };
    const member: Member = new Member(
      ticket,
      this.#options.dial,
      this.#listener(() => this.#member === member),
    );
    this.#member = member;
    this.#entering = id;
    this.#change({ phase: "connecting", owner: page, reason: "", room: this.#outside() });
    try {
      await member.join();
    } catch (error) {
      this.#entered(id, error); // the state says so, too
      return;
    }
    this.#entered(id);
  }

  /** Once: in the room, refused, or waiting until it is open. */
  #entered(id: string | null, error: unknown = null): void {
    if (id === null || this.#entering !== id) return;
    this.#entering = null;
    this.#reply(id, error);
  }

  /** Within the click, which lets a browser ask where to save. */
  #record(request: StartRecording): void {
    const { room, phase } = this.#state;
    try {
      if (phase !== "connected" || room === null)
        throw new SignalingError("not-in-room", "Join the room first.");
      if (!room.settings.recording) {
        throw new SignalingError(
          "not-allowed",
          "This room does not allow recording: its creator switched it off.",
        );
      }
      this.#recorder.start(request, room.name);
    } catch (error) {
      this.#reply(request.id, error);
      return;
    }
    this.#reply(request.id);
  }

  #leave(reason: string): void {
    this.#recorder.stop();
    this.#reporter.add(this.#outcomes.finish(Date.now() / 1000));
    this.#reporter.flush();
    this.#reporter.close();
    const member = this.#member;
    this.#member = null;
    member?.leave();
    this.#media = null;
    this.#configure({ servers: [], leftS: null });
    this.#change({
      phase: "idle",
      reason,
      owner: null,
      cameraOn: false,
      microphoneOn: false,
      camera: null,
      screenSharing: false,
      participants: this.#alone(),
      room: this.#outside(),
    });
  }

  #report(media: MediaStatus): void {
    this.#media = media;
    const { cameraOn, microphoneOn, camera, screenSharing } = media;
    this.#change({ cameraOn, microphoneOn, camera, screenSharing });
    this.#member?.setStatus(this.#status());
  }

  async #send(id: string, text: string, to: string | null): Promise<void> {
    try {
      if (this.#member === null) throw new SignalingError("not-in-room", "Join the room first.");
      await this.#member.chat(text, to);
    } catch (error) {
      this.#reply(id, error);
      return;
    }
    this.#reply(id);
  }

  async #refreshIce(id: string): Promise<void> {
    try {
      await this.#member?.refreshIce();
    } catch (error) {
      this.#reply(id, error);
      return;
    }
    this.#reply(id);
  }

  // --- what the room says

  #listener(isCurrent: () => boolean): MemberListener {
    return {
      onIce: (issued) => {
        if (isCurrent()) this.#configure(issued);
      },
      onRoom: (change, participants) => {
        if (isCurrent()) this.#roomChanged(change, participants);
      },
      onParticipants: (participants) => {
        if (isCurrent()) this.#change({ participants });
      },
      onSignal: (signal) => {
        if (isCurrent()) this.#say(signal);
      },
      onChat: (messages) => {
        if (isCurrent()) this.#keepChat(messages);
      },
      onProblem: (text) => this.#say({ type: "notice", key: "room", level: "warning", text }),
    };
  }

  #roomChanged(change: Partial<RoomInfo>, participants = this.#state.participants): void {
    const room = { ...(this.#state.room ?? this.#outside()), ...change } as RoomInfo;
    if (change.phase !== "refused") {
      // in one state: whoever is there already has not just come in
      this.#change({ room, participants, ...(change.phase === "joined" ? { phase: "connected" } : {}) });
      if (change.phase === "joining" && change.code === "room-not-found") this.#entered(this.#entering);
      return;
    }
    const wasAnswered = this.#entering === null;
    this.#recorder.stop();
    this.#member = null;
    this.#change({
      room,
      phase: "failed",
      reason: room.reason,
      owner: null,
      participants: this.#alone(),
    });
    // before that the answer to the page's own request says it
    if (wasAnswered) this.#say({ type: "bye", code: "lost", reason: room.reason, recover: false });
  }

  /** Nobody configures a guest's page but the room's server, which knows where its TURN servers are. */
  #configure({ servers, leftS }: IssuedServers): void {
    if (servers.length === 0 && this.#ice.iceServers.length === 0) return;
    this.#ice = { ...DIRECT, iceServers: servers, leftS };
    const urls = servers.flatMap((server) => server.urls);
    const reasons = urls.length === 0 ? [] : ["The room's server named these servers."];
    if (urls.join() !== this.#state.ice.urls.join()) this.#change({ ice: { ...UNDECIDED, urls, reasons } });
    this.#say({ type: "ice-configured", ice: this.#ice });
  }

  #keepChat(messages: readonly ChatMessage[]): void {
    const known = new Set(this.#chat.map(({ id }) => id));
    const fresh = messages.filter(({ id }) => !known.has(id));
    if (fresh.length === 0) return;
    this.#chat = [...this.#chat, ...fresh].slice(-KEPT_MESSAGES);
    this.#say({ type: "chat", messages: fresh });
  }

  // --- state and replies

  /** Everybody whom a page knows before it has joined. */
  #alone(): CallState["participants"] {
    return [
      {
        id: "you",
        name: this.#name,
        isPython: false,
        receivesVideo: false,
        isYou: true,
        isCreator: false,
        order: 0,
        protocol: 1,
        joinedAtS: 0,
        isConnected: true,
        connection: "new",
        status: QUIET,
      },
    ];
  }

  #outside(): RoomInfo | null {
    const { room } = this.#place;
    if (room === "") return null;
    return {
      id: room,
      name: room,
      me: "",
      phase: "outside",
      reason: "",
      code: "",
      capacity: 0,
      settings: DEFAULT_SETTINGS,
      inviteUrl: "",
      server: this.#options.server,
    };
  }

  #status() {
    const media = this.#media;
    const screenSharing = media?.screenSharing ?? false;
    return {
      ...QUIET,
      muted: !(media?.microphoneOn ?? false),
      videoOff: !(media?.cameraOn ?? false) && !screenSharing,
      screenSharing,
      recording: this.#recorder.recordingId !== "",
      recordingId: this.#recorder.recordingId,
      acknowledges: this.#shown,
    };
  }

  #change(change: Partial<CallState>): void {
    this.#state = { ...this.#state, ...change, revision: this.#state.revision + 1 };
    this.#say(this.#state);
    if (change.participants !== undefined) this.#recorder.update(change.participants, this.#shown);
  }

  #say(event: Event): void {
    this.#options.say(event);
  }

  /** A request that comes again gets its answer again, and is not carried out twice. */
  #isNew(id: string): boolean {
    const earlier = this.#replies.get(id);
    if (earlier !== undefined) {
      if (earlier !== null) this.#say(earlier);
      return false;
    }
    this.#replies.set(id, null);
    if (this.#replies.size > KEPT_REPLIES) this.#replies.delete([...this.#replies.keys()][0] as string);
    return true;
  }

  #reply(id: string, error: unknown = null): void {
    const reply: Reply = {
      type: "reply",
      id,
      errorCode: error === null ? null : error instanceof SignalingError ? error.code : "error",
      errorMessage: error === null ? null : error instanceof Error ? error.message : String(error),
    };
    this.#replies.set(id, reply);
    this.#say(reply);
  }
}
