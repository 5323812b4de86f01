/** Intents that want an answer: sent on the data channel or the comm, again on the comm if nobody answers. */
import type { Intent, Reply } from "./messages";

const AGAIN_MS = 2000;
const GIVE_UP_MS = 20000;

type WithId<T> = T extends { readonly id: string } ? T : never;
export type Request = WithId<Intent>;

interface Pending {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly timers: readonly ReturnType<typeof setTimeout>[];
}

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

  /** Resolves when the engine has done it; rejects with its reason, or when nobody answers. */
  make(request: Request): Promise<void> {
    return new Promise((resolve, reject) => {
      const timers = [
        // the same id: the engine carries it out once, whichever copy arrives
        setTimeout(() => this.#sendByComm(request), AGAIN_MS),
        setTimeout(() => {
          this.#pending.delete(request.id);
          reject(new RefusedError("no-answer", "Python does not answer. Is the kernel running?"));
        }, GIVE_UP_MS),
      ];
      this.#pending.set(request.id, { resolve, reject, timers });
      this.#send(request);
    });
  }

  settle(reply: Reply): void {
    const pending = this.#take(reply.id);
    if (pending === undefined) return; // answered twice, over both ways
    if (reply.errorCode === null) pending.resolve();
    else pending.reject(new RefusedError(reply.errorCode, reply.errorMessage ?? "Python refused."));
  }

  /** Nothing will be answered any more. */
  abandon(): void {
    for (const id of [...this.#pending.keys()]) {
      this.#take(id)?.reject(new RefusedError("abandoned", "The call ended."));
    }
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.timers.forEach(clearTimeout);
    return pending;
  }
}
