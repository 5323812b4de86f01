/** The only file that knows socket.io-client: a line to the room server, with requests that are always answered. */
import { io } from "socket.io-client";
import type { ErrorCode } from "../messages";

const PATH = "/socket.io";
const CONNECT_MS = 4000;
const ANSWER_MS = 8000;

export const CLIENT_EVENTS = [
  "join-room",
  "leave-room",
  "offer",
  "answer",
  "ice-candidate",
  "chat-message",
  "participant-status",
  "turn-credentials",
] as const;
export type ClientEvent = (typeof CLIENT_EVENTS)[number];

export const SERVER_EVENTS = [
  "participant-joined",
  "participant-left",
  "participant-status",
  "offer",
  "answer",
  "ice-candidate",
  "chat-message",
  "error",
] as const;
export type ServerEvent = (typeof SERVER_EVENTS)[number];

/** What lets us in: a signed room token, a passcode, or neither. */
export interface Auth {
  readonly token?: string;
  readonly passcode?: string;
}

/** The server's refusal, or ``unreachable``. */
export class SignalingError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** An open line to the server. */
export interface Line {
  /** Resolves with the server's ``ok``; rejects with a `SignalingError`. */
  request(event: ClientEvent, payload: object): Promise<unknown>;
  /** Idempotent; nothing is heard after it. */
  close(): void;
}

export interface LineListener {
  onEvent(event: ServerEvent, payload: unknown): void;
  /** Once, when an open line is lost. */
  onLost(): void;
}

/** Opens a line, or rejects with a `SignalingError`. */
export type Dial = (auth: Auth, listener: LineListener) => Promise<Line>;

/** Lines to the server at `origin`. Reconnecting is the caller's affair: who joins again says so to the room, too. */
export function dialTo(origin: string): Dial {
  return (auth, listener) =>
    new Promise((resolve, reject) => {
      const socket = io(origin, {
        path: PATH,
        auth,
        // a websocket needs no sticky sessions; polling is for networks that let nothing else through
        transports: ["websocket", "polling"],
        tryAllTransports: true,
        reconnection: false,
        forceNew: true,
        timeout: CONNECT_MS,
      });
      const request = (event: ClientEvent, payload: object) =>
        socket
          .timeout(ANSWER_MS)
          .emitWithAck(event, payload)
          .then(okOf, () => {
            throw new SignalingError("unreachable", "The room's server does not answer.");
          });
      socket.on("connect", () => {
        for (const event of SERVER_EVENTS) {
          socket.on(event, (payload: unknown) => listener.onEvent(event, payload));
        }
        socket.on("disconnect", () => {
          close();
          listener.onLost();
        });
        resolve({ request, close });
      });
      const close = () => {
        socket.off();
        socket.disconnect();
      };
      socket.on("connect_error", (error) => {
        close();
        reject(refusalOf(error));
      });
    });
}

/** The server's ``ok``, or its refusal thrown. */
function okOf(answer: unknown): unknown {
  if (isObject(answer) && "ok" in answer) return answer.ok;
  throw errorOf(isObject(answer) ? answer.error : null);
}

/** What a server that was reached says of its refusal; anything else means that it was not. */
function refusalOf(error: Error & { readonly data?: unknown }): SignalingError {
  if (isObject(error.data) && typeof error.data.code === "string") {
    return errorOf({ message: error.message, ...error.data });
  }
  return new SignalingError("unreachable", "The room's server cannot be reached.");
}

export function errorOf(said: unknown): SignalingError {
  if (isObject(said) && typeof said.code === "string" && typeof said.message === "string") {
    return new SignalingError(said.code as ErrorCode, said.message);
  }
  return new SignalingError("server-error", "The room's server refused without saying why.");
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
