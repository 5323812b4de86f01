/** What one call consists of on this page, and who tells whom. What the views may do with it is `session.ts`. */
import { computed, type Signal } from "@preact/signals";
import type { Assets } from "./assets";
import { Connection } from "./connection";
import type { PlotPoint } from "./contract";
import { Checkup } from "./doctor/checkup";
import { IceDesk } from "./ice/desk";
import { newId } from "./ids";
import type { Link } from "./link";
import { type CallState, type Event, type Intent, PROTOCOL, type Quality } from "./messages";
import { Notices } from "./notices";
import type { Scene } from "./outgoing";
import { OwnMedia, type Trouble } from "./own-media";
import { Post } from "./post";
import { Presence } from "./presence";
import { Recordings } from "./recordings";
import { Room } from "./room";
import { Analysis } from "./stats/analysis";
import { Tap } from "./tap";
import { Views } from "./views";

/** The call as a whole: what its parts ask it, and tell it. */
export interface Whole {
  readonly state: Signal<CallState | null>;
  readonly hasPython: () => boolean;
  readonly assets: () => Assets;
  /** Over the comm; false where nobody is behind it. */
  readonly sendByComm: (intent: Intent) => boolean;
  readonly isJoined: () => boolean;
  readonly quality: () => Quality;
  readonly scene: () => Scene;
  /** The link to Python carries media and messages. */
  readonly onOpen: () => void;
  readonly onLink: (link: Link, ended: AbortSignal) => void;
  readonly onEvent: (event: Event) => void;
  readonly onMeasured: (peer: string, point: PlotPoint) => void;
  /** A device was opened, closed or changed. */
  readonly onMedia: () => void;
  /** The last view has gone. */
  readonly onDeserted: () => void;
  readonly onKernelGone: () => void;
  /** No connection comes about any more. */
  readonly onGivenUp: (reason: string) => void;
}

export class Parts {
  readonly #whole: Whole;
  readonly notices = new Notices();
  readonly presence = new Presence(() => this.post.sendByComm({ type: "hello", protocol: PROTOCOL }));
  readonly views: Views;
  readonly post: Post;
  readonly analysis: Analysis;
  readonly ice: IceDesk;
  readonly tap = new Tap({
    onProblem: (text) => this.trouble({ key: "tap", code: "tap", text }),
    onStuck: (id) => this.room.mesh.reconnect(id),
  });
  readonly connection: Connection;
  readonly room: Room;
  readonly media: OwnMedia;
  readonly recordings: Recordings;
  readonly check: Checkup;

  constructor(whole: Whole) {
    this.#whole = whole;
    const { state, hasPython } = whole;
    this.views = new Views(() => this.presence.stop(), whole.onDeserted);
    this.post = new Post({
      sendByLink: (intent) => this.connection.send(intent),
      sendByComm: whole.sendByComm,
      onNobody: () => this.presence.kernel.value !== "gone" && whole.onKernelGone(),
      notices: this.notices,
    });
    this.analysis = new Analysis({
      hasPython,
      state,
      onPoint: whole.onMeasured,
      send: (message) => this.connection.send(message),
      sendByComm: (event) => void this.post.sendByComm(event),
      onProblem: (text) => this.trouble({ key: "stats", code: "stats", text }),
    });
    this.ice = new IceDesk({
      hasPython,
      ask: (request) => this.post.requests.make(request),
      send: (intent) => this.post.send(intent),
      onNetwork: (isOther) => {
        this.connection.networkChanged(isOther);
        this.room.mesh.networkChanged(isOther);
      },
    });
    this.connection = this.#connection();
    this.room = this.#room();
    this.media = this.#media();
    this.recordings = new Recordings({ state, post: this.post, notices: this.notices });
    this.check = new Checkup({
      hasPython,
      ice: () => this.ice.forCheck(),
      isInCall: whole.isJoined,
      ask: (request, over) => this.post.requests.make(request, over),
      send: (intent) => this.post.send(intent),
      tell: (level, text) => this.notices.tell("check", level, text),
    });
  }

  /** A connection is measured, and how it came about is noted. */
  trace(...made: Parameters<Analysis["follow"]>): void {
    this.analysis.follow(...made);
    this.ice.tracer.follow(...made);
  }

  /** Something that the browser could not do: for the person, and for `call.errors`. */
  trouble({ key, code, text }: Trouble): void {
    this.notices.tell(key, "warning", text);
    this.analysis.note("problem", `${key}: ${code}`);
    this.post.send({ type: "problem", code, message: text });
  }

  #connection(): Connection {
    const { state, onEvent, onOpen, onLink, onGivenUp } = this.#whole;
    return new Connection({
      ice: this.ice,
      tap: () => (state.value?.room ? this.tap : null),
      offer: (offer, signal) => this.post.requests.make(offer, signal),
      candidate: (candidate) => this.post.sendByComm(candidate),
      onEvent,
      onOpen,
      onLink,
      onCall: (...call) => this.analysis.called("python", ...call),
      onGivenUp,
      onProblem: (message) => this.post.send({ type: "problem", code: "ice", message }),
    });
  }

  #room(): Room {
    return new Room({
      tap: () => (this.#whole.hasPython() ? this.tap : null),
      ice: this.ice,
      send: (message) => this.post.send(message),
      onStatus: (status) => this.post.send(status),
      onConnection: (...made) => this.trace(...made),
      onCall: (...call) => this.analysis.called(...call),
      onProblem: (code, message) => this.post.send({ type: "problem", code, message }),
      notices: this.notices,
    });
  }

  #media(): OwnMedia {
    const { state, quality, scene, assets, onMedia } = this.#whole;
    return new OwnMedia({
      quality: computed(quality),
      mesh: this.room.mesh,
      scene,
      assets: { load: (name) => assets().load(name), base: () => assets().base() },
      onEffect: (effect) => {
        if (state.value !== null) state.value = { ...state.value, effect };
        return this.post.ask({ type: "set-effect", id: newId(), effect });
      },
      onChange: onMedia,
      onTrouble: (trouble) => this.trouble(trouble),
    });
  }
}
