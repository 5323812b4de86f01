/** What becomes of a film's bytes: whole, in order, with the duration in the end, and what a full disk leaves. */
import { describe, expect, test } from "vitest";
import { FilmFile } from "../src/guest/recorder/film-file";
import { MemorySink, type Sink } from "../src/guest/recorder/sink";

const UNKNOWN = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const BEGINNING = [
  ...[0x1a, 0x45, 0xdf, 0xa3, 0x80],
  ...[0x18, 0x53, 0x80, 0x67, ...UNKNOWN],
  ...[0x15, 0x49, 0xa9, 0x66, 0x87, 0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40],
];
const cluster = (timestamp: number, track: number) => [
  ...[0x1f, 0x43, 0xb6, 0x75, ...UNKNOWN],
  ...[0xe7, 0x82, timestamp >> 8, timestamp & 0xff],
  ...[0xa3, 0x84, 0x80 | track, 0, 0, 0x80],
];
/** Bytes that a reader passes over (EBML's Void). */
const padding = [0xec, 0x47, 0xd0, ...Array.from({ length: 2000 }, () => 0)];
const blob = (...bytes: number[]) => new Blob([Uint8Array.from(bytes)]);

function file(sink: Sink = new MemorySink("a.webm")) {
  const problems: string[] = [];
  return { sink, problems, film: new FilmFile(Promise.resolve(sink), (text) => problems.push(text)) };
}
const bytesOf = async (sink: Sink) => [...new Uint8Array(await (sink as MemorySink).file("").arrayBuffer())];

describe("a film's file", () => {
  test("has its duration, whatever the pieces it came in", async () => {
    const all = [...BEGINNING, ...padding, ...cluster(1000, 1), ...cluster(3000, 2)];
    for (const length of [1, 500, all.length]) {
      const { film, sink, problems } = file();
      for (let at = 0; at < all.length; at += length) film.take(blob(...all.slice(at, at + length)));
      await film.complete();
      await film.complete();
      expect(problems).toEqual([]);
      expect(film.duration_ms).toBeCloseTo(3033.3, 1);
      expect(film.reached_ms).toBe(1000);
      const written = await bytesOf(sink);
      expect(written.length).toBe(film.size_bytes);
      // a longer size of the segment's information, and its duration
      expect(written.length).toBe(all.length + 7 + 11);
      expect(written.slice(-cluster(0, 1).length)).toEqual(cluster(3000, 2));
      const at = written.findIndex((byte, index) => byte === 0x44 && written[index + 1] === 0x89);
      expect(new DataView(Uint8Array.from(written).buffer).getFloat64(at + 3)).toBeCloseTo(3033.3, 1);
    }
  });

  test("of another kind stays as it is", async () => {
    const { film, sink } = file();
    const bytes = [0, 0, 0, 0x18, 0x66, 0x74, 0x79, 0x70, 1, 2, 3];
    film.take(blob(...bytes));
    await film.complete();
    expect(await bytesOf(sink)).toEqual(bytes);
    expect(film.duration_ms).toBeNull();
  });

  test.each([
    ["QuotaExceededError", "the disk is full"],
    ["NotAllowedError", "permission was withdrawn"],
    ["InvalidStateError", "could not be written (no)"],
  ])("that meets a %s ends there, and says so once", async (name, words) => {
    const sink = new MemorySink("a.webm");
    let writes = 0;
    const failing: Sink = {
      name: "a.webm",
      write: (bytes) => {
        writes += 1;
        return writes === 2 ? Promise.reject(new DOMException("no", name)) : sink.write(bytes);
      },
      patch: (...change) => sink.patch(...change),
      close: () => sink.close(),
    };
    const { film, problems } = file(failing);
    for (let piece = 0; piece < 4; piece += 1) film.take(blob(...padding));
    await film.complete();
    expect(problems).toEqual([expect.stringContaining(words)]);
    expect(writes).toBe(2);
    expect((await bytesOf(sink)).length).toBe(padding.length);
  });

  test("that cannot be opened says so", async () => {
    const problems: string[] = [];
    const sink = Promise.reject(new DOMException("The folder is gone.", "NotFoundError"));
    const film = new FilmFile(sink, (text) => problems.push(text));
    film.take(blob(...padding));
    await film.complete();
    expect(problems).toEqual([expect.stringContaining("The folder is gone.")]);
  });

  test("on a disk that takes nothing ends before memory is full", async () => {
    const stuck = () => new Promise<void>(() => undefined);
    const { film, problems } = file({ name: "a", write: stuck, patch: stuck, close: stuck });
    const megabytes = new Blob([new Uint8Array(16 << 20)]);
    for (let piece = 0; piece < 6; piece += 1) film.take(megabytes);
    expect(problems).toEqual([expect.stringContaining("64 MiB waited")]);
  });
});
