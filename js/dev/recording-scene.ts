/** Recordings of the demo page: `?recording=stopped&separate&left-out=Bob&note=...&saving&earlier=2`. */
import type { RecordedFile, RecordingStatus } from "../src/messages";
import { type FakeSession, recordingStatus } from "./fake-session";

const file = (name: string, sizeBytes: number, person = ""): RecordedFile => ({
  name,
  path: `/lessons/notebooks/lesson/${name}`,
  sizeBytes,
  person,
});

const pieces = [
  file("Ada Lovelace.mkv", 21_400_000, "you"),
  file("Bob.mkv", 18_900_000, "bob"),
  file("Chloé Dubois with a very long name indeed.mkv", 7_300_000, "chloé dubois"),
];

type State = RecordingStatus["state"];

/** `?recording` alone is one that runs. */
export function recordingsOf(query: URLSearchParams): {
  readonly recording: RecordingStatus | null;
  readonly recordings: readonly RecordingStatus[];
} {
  if (!query.has("recording")) return { recording: null, recordings: [] };
  const state = (query.get("recording") || "recording") as State;
  const isSeparate = query.has("separate");
  const isDone = state === "stopped";
  const recording = recordingStatus({
    state,
    path: isSeparate ? "/lessons/notebooks/lesson" : "/lessons/notebooks/lesson.mkv",
    startedAtS: Date.now() / 1000 - 83,
    durationS: isDone ? 200 : 83,
    sizeBytes: isDone ? 48_000_000 : 12_300_000,
    composedFraction: 0.42,
    error: state === "failed" ? "The disk is full: 3 minutes were saved." : null,
    note: query.get("note") ?? "",
    people: [
      { id: "you", name: "Ada Lovelace", state: "recorded" },
      { id: "bob", name: "Bob", state: query.get("left-out") === "Bob" ? "left-out" : "recorded" },
    ],
    files: isDone ? [...(isSeparate ? [] : [file("lesson.mkv", 48_000_000)]), ...pieces] : [],
  });
  const earlier = Array.from({ length: Number(query.get("earlier") ?? 0) }, (_, index) =>
    recordingStatus({
      id: `earlier ${index}`,
      state: "stopped",
      path: `/lessons/notebooks/recordings/call-2025-03-1${index}.webm`,
      startedAtS: 1_700_000_000 + 5000 * index,
      durationS: 61 * (index + 1),
      sizeBytes: 9_000_000 * (index + 1),
      files: [file(`call-2025-03-1${index}.webm`, 9_000_000 * (index + 1))],
    }),
  );
  return { recording, recordings: earlier };
}

/** A download on its way, with `?saving`. */
export function saveSome(session: FakeSession, query: URLSearchParams): void {
  if (!query.has("saving")) return;
  session.downloads.value = [
    { recording: "r1", file: "lesson.mkv", sizeBytes: 48_000_000, receivedBytes: 20_000_000 },
    { recording: "r1", file: "Bob.mkv", sizeBytes: 18_900_000, receivedBytes: 9_000_000 },
  ];
}
