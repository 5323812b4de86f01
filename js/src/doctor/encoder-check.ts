/** How fast this computer encodes pictures of the usual size. */
import type { CheckResult } from "../messages";
import { line, within } from "./line";

const [WIDTH, HEIGHT, WANTED_FPS] = [1280, 720, 30];
/** The last third is counted: the encoder's first pictures are slow. */
const [PICTURES, WARM] = [45, 15];
/** A slow computer is not kept at it until all are done. */
const MEASURE_MS = 1_200;
/** Pictures that wait for the encoder; more would be waited for afterwards. */
const QUEUE = 2;
const LATE_MS = 5_000;
const TITLE = "Encoding pictures";

export async function encoderSpeed(): Promise<CheckResult> {
  if (typeof VideoEncoder === "undefined") {
    return line("encoder", TITLE, "skipped", "This browser does not let pages measure it.");
  }
  const late = () => verdict(0);
  try {
    return await within(LATE_MS, measure().then(verdict), late);
  } catch (error) {
    return line("encoder", TITLE, "skipped", `The browser could not encode a test picture (${error}).`);
  }
}

function verdict(fps: number): CheckResult {
  const size = `${WIDTH}x${HEIGHT}`;
  if (fps >= WANTED_FPS) {
    const said = fps > 10 * WANTED_FPS ? `more than ${10 * WANTED_FPS}` : `${Math.round(fps)}`;
    return line("encoder", TITLE, "pass", `${said} pictures of ${size} a second.`, "", fps, "fps");
  }
  const detail = `${Math.round(fps)} pictures of ${size} a second; calls send up to ${WANTED_FPS}.`;
  return line(
    "encoder",
    TITLE,
    "warning",
    detail,
    "Close what else computes, or choose the quality Low; the call steps down by itself, too.",
    fps,
    "fps",
  );
}

async function measure(): Promise<number> {
  const made = pictures();
  let failure: DOMException | null = null;
  const encoder = new VideoEncoder({
    output: () => undefined,
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
    let [began_ms, counted] = [performance.now(), 0];
    for (let number = 0; number < PICTURES && failure === null; number += 1) {
      if (number === WARM) {
        await encoder.flush();
        [began_ms, counted] = [performance.now(), 0];
      }
      while (encoder.encodeQueueSize > QUEUE && failure === null) await moment();
      if (number > 0 && performance.now() - began_ms > MEASURE_MS) break;
      counted += 1;
      const frame = new VideoFrame(made[number % made.length] as Uint8Array<ArrayBuffer>, {
        format: "I420",
        codedWidth: WIDTH,
        codedHeight: HEIGHT,
        timestamp: Math.round((number * 1e6) / WANTED_FPS),
      });
      encoder.encode(frame, { keyFrame: number === 0 });
      frame.close();
    }
    await encoder.flush();
    if (failure !== null) throw failure;
    return (counted * 1000) / (performance.now() - began_ms);
  } finally {
    if (encoder.state !== "closed") encoder.close();
  }
}

const moment = () => new Promise((resolve) => setTimeout(resolve, 1));

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
