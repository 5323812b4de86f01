/** Whether the guest page's server answers: over HTTP, and over a WebSocket as the room's messages go. */
import { type Check, type Verdict, verdict } from "./check";

const ANSWER_MS = 4_000;
/** Engine.IO, version 4, at once over a WebSocket, as `guest/socket.ts` tries first. */
const SOCKET = "/socket.io/?EIO=4&transport=websocket";
/** Packets of Engine.IO and, within its messages, of Socket.IO; nobody joins a room by them. */
const [OPEN, CONNECT] = ["0", "40"];
const ASK = "Reload the page; ask whoever runs the server.";
const PROXY =
  "Try another network. Whoever runs the server: the proxy before it has to pass the headers Upgrade and Connection on, and WebSockets through.";

const health: Check = {
  name: "signaling",
  title: "The room's server",
  limit_ms: ANSWER_MS,
  late: verdict("fail", `It does not answer within ${ANSWER_MS / 1000} s.`, ASK),
  run: async (over) => {
    const began_ms = performance.now();
    const answer = await fetch("/health", { cache: "no-store", signal: over }).catch(() => null);
    const took_ms = performance.now() - began_ms;
    if (answer === null) return verdict("fail", "It does not answer.", ASK);
    if (!answer.ok) return verdict("fail", `It answers with status ${answer.status}.`, ASK);
    return verdict("pass", `It answers after ${took_ms.toFixed(0)} ms.`, "", took_ms / 1000, "s");
  },
};

const socket: Check = {
  name: "signaling-websocket",
  title: "WebSocket to the room's server",
  limit_ms: ANSWER_MS,
  late: verdict("fail", `No WebSocket gets through within ${ANSWER_MS / 1000} s.`, PROXY),
  run: openSocket,
};

export const SERVER: readonly Check[] = [health, socket];

function openSocket(over: AbortSignal): Promise<Verdict> {
  const address = new URL(SOCKET, location.origin);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const began_ms = performance.now();
  const opened = new WebSocket(address);
  const answered = new Promise<Verdict>((resolve) => {
    let isOpen = false;
    opened.onmessage = ({ data }: MessageEvent<unknown>) => {
      const packet = String(data);
      if (packet.startsWith(OPEN)) {
        isOpen = true;
        opened.send(CONNECT);
      } else if (packet.startsWith("4")) {
        // a refusal comes through, too
        const took_ms = performance.now() - began_ms;
        const detail = `It carries messages both ways, after ${took_ms.toFixed(0)} ms.`;
        resolve(verdict("pass", detail, "", took_ms / 1000, "s"));
      }
    };
    opened.onclose = () => {
      const detail = isOpen
        ? "It opens, and is cut off before it carries a message."
        : "The browser could not open one.";
      resolve(verdict("fail", detail, PROXY));
    };
    over.addEventListener("abort", () => opened.close(), { once: true });
  });
  return answered.finally(() => {
    opened.onmessage = opened.onclose = null;
    opened.close();
  });
}
