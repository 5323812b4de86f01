/** How fast this computer encodes pictures of the usual size. */
import { type Check, type Verdict, verdict, within } from "./check";

const [WIDTH, HEIGHT, WANTED_FPS] = [1280, 720, 30];
const PICTURES = 45;
/** They are slow, and not counted where others follow. */
const FIRST = 10;
/** A slow computer is not kept at it until all are done. */
const MEASURE_MS = 900;
/** For those that it still has then. */
const REST_MS = 200;
/** All of it, with the making of the pictures. */
const LIMIT_MS = 1_600;
/** Pictures that wait for the encoder; more would be waited for afterwards. */
const QUEUE = 2;

/** `isBusy`: a call encodes already, and the two would slow each other down. */
export const encoderSpeed = (isBusy: boolean): Check => ({
  name: "encoder",
  title: "Encoding pictures",
  limit_ms: LIMIT_MS,
  late: verdict(
    "warning",
    `Not one picture of ${WIDTH}x${HEIGHT} was encoded within ${LIMIT_MS / 1000} s.`,
    "Close what else computes, then check again.",
    0,
    "fps",
  ),
  run: async (over) => {
    if (isBusy) return verdict("skipped", "It would disturb the call; the statistics have its encoder.");
    if (document.hidden) {
      return verdict("skipped", "This tab is in the background, where browsers slow pages down.", SHOW);
    }
    if (typeof VideoEncoder === "undefined") {
      return verdict("skipped", "This browser does not let pages measure it.");
    }
    try {
      return verdictOf(await measure(over));
    } catch (error) {
      return verdict("skipped", `The browser could not encode a test picture (${error}).`);
    }
  },
});

const SHOW = "Show the tab, and check again.";

function verdictOf(fps: number): Verdict {
  const size = `${WIDTH}x${HEIGHT}`;
  if (fps >= WANTED_FPS) {
    const said = fps > 10 * WANTED_FPS ? `more than ${10 * WANTED_FPS}` : `${Math.round(fps)}`;
    return verdict("pass", `${said} pictures of ${size} a second.`, "", fps, "fps");
  }
  const detail = `${Math.round(fps)} pictures of ${size} a second; calls send up to ${WANTED_FPS}.`;
  const advice = "Close what else computes, or choose the quality Low; the call steps down by itself, too.";
  return verdict("warning", detail, advice, fps, "fps");
}

async function measure(over: AbortSignal): Promise<number> {
  const made = pictures();
  const done_ms: number[] = [];
  let failure: DOMException | null = null;
  const encoder = new VideoEncoder({
    output: () => done_ms.push(performance.now()),
    error: (error) => {
      failure = error;
    },
  });
  try {
    encoder.configure({
      codec: "vp8",
      width: WIDTH,
      height: HEIGHT,
      bitrate: 2_500_000,
      framerate: WANTED_FPS,
      latencyMode: "realtime",
    });
    const began_ms = performance.now();
    const isOver = () => over.aborted || failure !== null || performance.now() - began_ms > MEASURE_MS;
    for (let number = 0; number < PICTURES && !isOver(); number += 1) {
      while (encoder.encodeQueueSize > QUEUE && !isOver()) await dequeued(encoder);
      const frame = new VideoFrame(made[number % made.length] as Uint8Array<ArrayBuffer>, {
        format: "I420",
        codedWidth: WIDTH,
        codedHeight: HEIGHT,
        timestamp: Math.round((number * 1e6) / WANTED_FPS),
      });
      encoder.encode(frame, { keyFrame: number === 0 });
      frame.close();
    }
    await within(REST_MS, encoder.flush(), () => undefined, over);
    if (failure !== null) throw failure;
    return speedOf([began_ms, ...done_ms]);
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
}

/** Pictures a second, of the times at which the first was begun and each was done. */
function speedOf(times_ms: readonly number[]): number {
  const counted = times_ms.length > 2 * FIRST ? times_ms.slice(FIRST) : times_ms;
  const took_ms = (counted.at(-1) ?? 0) - (counted[0] ?? 0);
  return took_ms > 0 ? ((counted.length - 1) * 1000) / took_ms : 0;
}

/** A browser that does not say it (WebCodecs, `ondequeue`) is asked again soon. */
function dequeued(encoder: VideoEncoder): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      encoder.removeEventListener("dequeue", done);
      resolve();
    };
    const timer = setTimeout(done, 5);
    encoder.addEventListener("dequeue", done);
  });
}

/**
 * Something of which the left half moves, as hard to encode as a person. Made once, and as planes: drawing on a canvas
 * takes longer than encoding where no GPU helps.
 */
function pictures(): readonly Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: 4 }, (_, number) => {
    const planes = new Uint8Array((WIDTH * HEIGHT * 3) / 2).fill(128);
    for (let row = 0; row < HEIGHT; row += 1) {
      for (let column = 0; column < WIDTH; column += 1) {
        const moved = column < WIDTH / 2 ? column + 7 * number : column;
        planes[row * WIDTH + column] = 128 + 60 * wave(moved + 2 * row) * wave(3 * row);
      }
    }
    return planes;
  });
}

const WAVE = Float32Array.from({ length: 256 }, (_, place) => Math.sin((place * Math.PI) / 128));
const wave = (place: number) => WAVE[place & 255] ?? 0;
