/** The room of the demo page: `?phase=connected&people=4&drawer=chat&share=Bob&failed=Chloé&speaker=Bob`. */
import type { Person } from "../src/contract";
import type { RoomPhase } from "../src/messages";
import { chatMessage, type FakeSession, person, qualities } from "./fake-session";
import { picture } from "./pictures";

const names = [
  "Bob",
  "Chloé Dubois",
  "Dmitri",
  "Esi Owusu",
  "Frame counter",
  "Grace Hopper",
  "Hiroshi Tanaka",
  "Ines",
  "Jonas",
  "Klara",
  "Lev",
];

const messages: readonly (readonly [string, string])[] = [
  ["Bob", "Can everybody see the plot?"],
  ["Ada", "Yes. The scripts are at https://calls.example.edu/scripts."],
  [
    "Chloé Dubois",
    "The step size looks too large to me: the energy grows by 4 % in a hundred steps, which a symplectic integrator would not do.",
  ],
  ["Bob", "<b>Not bold</b>, and javascript:alert(1) is no link."],
  ["Ada", "I'll try dt = 0.01 :)\nand tell you."],
];

function someone(name: string, index: number, query: URLSearchParams): Person {
  const isPython = name === "Frame counter";
  const failed = query.get("failed") === name;
  const off = query.getAll("off").includes(name);
  const shares = query.get("share") === name;
  const connecting = query.get("connecting") === name;
  const reconnecting = query.get("reconnecting") === name;
  const stream =
    failed || connecting ? null : picture(shares ? "screen" : isPython ? "changed" : "camera", index + 1);
  return person(name.toLowerCase(), name, {
    isPython,
    order: index + 1,
    stream,
    connection: failed ? "failed" : connecting ? "connecting" : reconnecting ? "reconnecting" : "connected",
    reason: failed ? "no way through the network was found in three tries." : "",
    status: {
      muted: query.has("muted") || index % 4 === 2,
      videoOff: off,
      screenSharing: shares,
      recording: query.getAll("recorder").includes(name),
      recordingId: query.getAll("recorder").includes(name) ? `of ${name}` : "",
      receives: query.has("receives") && index === 0 ? ["me"] : [],
    },
  });
}

/** Puts the session into a room, where the address says so. */
export function furnish(session: FakeSession, query: URLSearchParams): void {
  const count = Number(query.get("people") ?? 0);
  session.hasPython = !query.has("guest");
  if (count === 0) return;
  const people = names.slice(0, count - 1).map((name, index) => someone(name, index, query));
  const { recording = null, recordings = [] } = session.state.value ?? {};
  session.enter(people, {
    phase: (query.get("room") ?? "joined") as RoomPhase,
    reason: query.get("reason") ?? "",
    code: query.get("code") ?? "",
    inviteUrl: query.has("local")
      ? "http://127.0.0.1:8700/r/physics-101#t=abc"
      : "https://calls.example.edu/r/physics-101#t=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb29tIjoicGh5c2ljcy0xMDEifQ.c2lnbmF0dXJl",
  });
  const state = session.state.value;
  if (state) {
    session.state.value = {
      ...state,
      recording,
      recordings,
      quality: qualities[0] ?? state.quality,
      screenRequested: query.has("ask-screen"),
      videoEffect: query.get("effect"),
      wanted: query.has("receives") ? ["you"] : [],
    };
  }
  if (session.phase.value === "connected") {
    session.statusText.value =
      count === 1 ? "Waiting for others: send them the invite link." : "In physics-101";
    if (query.get("room") === "reconnecting") {
      session.statusText.value =
        "The server of physics-101 is out of reach; trying again. Pictures and sound go on.";
    }
  }
  session.sending.value = { width: 640, height: 360, fps: 24, limitedBy: "The network carries no more." };
  session.speaker.value = query.get("speaker");
  session.pinned.value = query.get("pinned");
  session.chat.value = messages.map(([sender, text], index) =>
    chatMessage(`m${index}`, sender, text, {
      sender: sender === "Ada" ? "me" : sender.toLowerCase(),
      timeS: Date.now() / 1000 - 600 + index * 60,
    }),
  );
  session.isPictureWithheld.value = query.has("withheld");
  session.unread.value = Number(query.get("unread") ?? 0);
  if (query.has("sharing")) {
    session.screenOn.value = true;
    session.screenStream.value = picture("screen");
  }
  if (query.has("toast")) {
    setTimeout(() => {
      session.chat.value = [
        ...session.chat.value,
        chatMessage("new", "Bob", "Could you share your notebook? I would like to see the second cell."),
      ];
      session.people.value = [...session.people.value, someone("Klara", 9, query)];
      session.notices.value = [
        ...session.notices.value,
        { key: "person:klara", level: "info", text: "Klara joined." },
      ];
    }, 300);
  }
  if (query.has("shortcomings")) {
    session.shortcomings = [
      "This browser cannot share a screen.",
      "This browser hands no frames of others to Python: snapshot() of others does not work.",
    ];
  }
}
