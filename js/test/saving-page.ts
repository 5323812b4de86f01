/**
 * A plain page for tests/browser/test_saving.py: recordings saved to a real disk and badges laid out by a real browser;
 * the engine is a function that has the file's bytes.
 */
import { callState, FakeSession, participant, roomInfo } from "../dev/fake-session";
import { Downloads } from "../src/downloads";
import type { ReadRecording } from "../src/messages";
import { Notices } from "../src/notices";
import { Reads } from "../src/reads";
import { mount } from "../src/ui/mount";

const CHUNK_BYTES = 96 * 1024;

/** Byte `at` of the file: a pattern whose period fits no chunk. */
const byteAt = (at: number): number => (at * 31 + (at >> 10)) & 0xff;

/** Save a file of this size; resolves with what the notices say, and the most that was in flight. */
async function save(size: number, name: string): Promise<{ notices: string[]; most: number }> {
  let inFlight = 0;
  let most = 0;
  const answer = ({ id, offset }: ReadRecording) => {
    inFlight -= 1;
    const length = Math.max(0, Math.min(CHUNK_BYTES, size - offset));
    const text = String.fromCharCode(...Array.from({ length }, (_, at) => byteAt(offset + at)));
    reads.take({ type: "recording-chunk", id, sizeBytes: size, data: btoa(text) });
  };
  const reads = new Reads({
    sendByLink: (intent) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      setTimeout(() => answer(intent as ReadRecording));
      return true;
    },
    sendByComm: () => {},
  });
  const notices = new Notices();
  await new Downloads({ reads, notices, sizeOf: () => size }).save("r", name);
  return { notices: notices.items.value.map(({ text }) => text), most };
}

/** A person chooses a place: a file of the browser's own file system is written in the same way. */
function pick(): void {
  const picker = async ({ suggestedName }: { suggestedName: string }) =>
    (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true });
  Object.assign(window, { showSaveFilePicker: picker });
}

async function picked(name: string): Promise<{ size: number; wrong: number }> {
  const file = await (await (await navigator.storage.getDirectory()).getFileHandle(name)).getFile();
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { size: file.size, wrong: bytes.findIndex((byte, at) => byte !== byteAt(at)) };
}

const session = new FakeSession();
let view = new AbortController();

/** Bob records, or does not; this view shows it. */
function show(recordingId: string): void {
  const bob = participant("b", "Bob", { status: { recording: recordingId !== "", recordingId } });
  session.phase.value = "connected";
  session.people.value = [{ participant: bob, stream: null, connection: "connected", reason: "" }];
  const me = participant("me", "Ada", { isYou: true, order: 0 });
  session.state.value = callState({ room: roomInfo(), participants: [me, bob] });
}

function open(): void {
  view = new AbortController();
  mount(document.body, session, view.signal);
}

const page = {
  save,
  pick,
  picked,
  show,
  open,
  close: () => view.abort(),
  /** What the session was told of the badges, each time. */
  told: () => session.calls.filter(([name]) => name === "showsRecordings").map(([, ids]) => ids),
};
Object.assign(window, { page });
