/** The only file that knows anywidget: it turns a model into a session and a render into a view. */
import type { Event, Intent } from "./messages";
import { Session } from "./session";
import { mount } from "./ui/mount";

interface Model {
  send(content: unknown): void;
  on(name: string, callback: (...values: never[]) => void): void;
  off(name: string, callback: (...values: never[]) => void): void;
}

interface Downward {
  readonly to: string | null;
  readonly body: string;
}

/** One factory call for each model. Nothing happens here: an untrusted notebook runs this on open. */
export default () => {
  let session: Session | null = null;

  function open(model: Model): Session {
    const created = new Session((page: string, intent: Intent) => {
      try {
        model.send({ page, body: JSON.stringify(intent) });
        return true;
      } catch {
        return false; // the comm is closed: the kernel has gone
      }
    });
    model.on("msg:custom", (content: Downward) => {
      if (content.to === null || content.to === created.page) created.take(JSON.parse(content.body) as Event);
    });
    // a kernel restart runs no cleanup; this event is all that tells
    model.on("comm_live_update", () => {
      if ((model as { comm_live?: boolean }).comm_live === false) created.kernelGone();
    });
    window.addEventListener("pagehide", () => created.unload());
    return created;
  }

  return {
    render({ model, el }: { model: Model; el: HTMLElement }) {
      session ??= open(model);
      const view = new AbortController();
      mount(el, session, view.signal);
      session.attach(view.signal);
      return () => view.abort();
    },
  };
};
