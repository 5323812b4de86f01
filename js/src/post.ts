/** The page's two ways to the engine: the link's data channel while it is open, else the comm. */
import type { Intent } from "./messages";
import type { Notices } from "./notices";
import { RefusedError, type Request, Requests } from "./requests";

export interface PostOptions {
  /** False without an open link. */
  readonly sendByLink: (intent: Intent) => boolean;
  /** False where nobody is behind it any more. */
  readonly sendByComm: (intent: Intent) => boolean;
  readonly onNobody: () => void;
  readonly notices: Notices;
}

export class Post {
  readonly sendByLink: (intent: Intent) => boolean;
  readonly requests: Requests;
  readonly #options: PostOptions;

  constructor(options: PostOptions) {
    this.#options = options;
    this.sendByLink = options.sendByLink;
    this.requests = new Requests(
      (intent) => this.send(intent),
      (intent) => this.sendByComm(intent),
    );
  }

  send(intent: Intent): void {
    if (!this.sendByLink(intent)) this.sendByComm(intent);
  }

  sendByComm(intent: Intent): boolean {
    const sent = this.#options.sendByComm(intent);
    if (!sent) this.#options.onNobody();
    return sent;
  }

  /** Sent before this returns; a refusal becomes a notice. */
  ask(request: Request): Promise<void> {
    const asked = this.requests.make(request);
    asked.catch((error: unknown) => {
      if (error instanceof RefusedError && error.code === "abandoned") return;
      const text = error instanceof Error ? error.message : String(error);
      this.#options.notices.tell(request.type, "error", text);
    });
    return asked;
  }
}
