/** Intents that want an answer: sent on the data channel or the comm, again on the comm if nobody answers. */
import type { Intent, Reply } from "./messages";

export const AGAIN_MS = 2000;
export const GIVE_UP_MS = 20000;

type WithId<T> = T extends { readonly id: string } ? T : never;
export type Request = WithId<Intent>;

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly timers: readonly ReturnType<typeof setTimeout>[];
}

/** `code` is the engine's, or ``no-answer`` or ``abandoned``. */
export class RefusedError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export class Requests {
  readonly #pending = new Map<string, Pending>();
  readonly #send: (intent: Intent) => void;
  readonly #sendByComm: (intent: Intent) => void;

  constructor(send: (intent: Intent) => void, sendByComm: (intent: Intent) => void) {
    this.#send = send;
    this.#sendByComm = sendByComm;
  }

  /** Resolves when the engine has done it; rejects with its reason, when nobody answers, or when `signal` aborts. */
  make(request: Request, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timers = [
        // the same id: the engine carries it out once, whichever copy arrives
        setTimeout(() => this.#sendByComm(request), AGAIN_MS),
        setTimeout(
          () => this.#refuse(request.id, "no-answer", "Python does not answer. Is the kernel running?"),
          GIVE_UP_MS,
        ),
      ];
      this.#pending.set(request.id, { resolve, reject, timers });
      signal?.addEventListener("abort", () => this.#abandon(request.id), { once: true });
      this.#send(request);
    });
  }

  settle(reply: Reply): void {
    if (reply.errorCode !== null) {
      this.#refuse(reply.id, reply.errorCode, reply.errorMessage ?? "Python refused.");
    } else {
      this.#take(reply.id)?.resolve(); // unknown where it was answered twice, over both ways
    }
  }

  /** Nothing will be answered any more. */
  abandon(): void {
    for (const id of [...this.#pending.keys()]) this.#abandon(id);
  }

  #abandon(id: string): void {
    this.#refuse(id, "abandoned", "The call ended.");
  }

  #refuse(id: string, code: string, message: string): void {
    this.#take(id)?.reject(new RefusedError(code, message));
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.timers.forEach(clearTimeout);
    return pending;
  }
}
