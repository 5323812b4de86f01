/**
 * The probe's worker: reads the number of every frame of a track and notes when it saw it.
 *
 * Works on the luma plane of `VideoFrame`: no canvas, no display, no colours. One worker reads the camera and the
 * returned track, so that both times come from one clock.
 */

let layout = null;
const seen = { captured: [], returned: [] };
const unreadable = { captured: 0, returned: 0 };

addEventListener("message", ({ data }) => {
  if (data.layout) layout = data.layout;
  else if (data.readable) void read(data.readable, data.side);
  else if (data.take) postMessage({ id: data.take, ...drain() });
});

function drain() {
  const batch = { captured: seen.captured, returned: seen.returned, unreadable: { ...unreadable } };
  seen.captured = [];
  seen.returned = [];
  unreadable.captured = unreadable.returned = 0;
  return batch;
}

async function read(readable, side) {
  const reader = readable.getReader();
  for (;;) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    const time_ms = performance.timeOrigin + performance.now();
    const { rtpTimestamp } = frame.metadata();
    const number = await readNumber(frame).finally(() => frame.close());
    if (number === null) unreadable[side] += 1;
    else seen[side].push([number, time_ms, rtpTimestamp ?? null]);
  }
}

/** The number that the frame carries, or null: a placeholder, or blocks that did not survive. */
async function readNumber(frame) {
  if (!/^(I420|NV12)/.test(frame.format ?? "")) throw new Error(`No luma plane in a ${frame.format} frame`);
  const { x, y, width } = frame.visibleRect;
  const block = (layout.block * width) / layout.width;
  // The middle rows of the blocks only; I420 wants even coordinates.
  const top = y + 2 * Math.round(block / 8);
  const rect = { x, y: top, width, height: 2 * Math.max(1, Math.round(block / 4)) };
  const pixels = new Uint8Array(frame.allocationSize({ rect }));
  const [{ offset, stride }] = await frame.copyTo(pixels, { rect });

  const luma = (index) => {
    const from = Math.round((index + 0.25) * block);
    const to = Math.round((index + 0.75) * block);
    let sum = 0;
    for (let row = 0; row < rect.height; row += 1) {
      for (let column = from; column < to; column += 1) sum += pixels[offset + row * stride + column];
    }
    return sum / (rect.height * (to - from));
  };

  const [white, black] = [luma(0), luma(1)];
  if (white - black < 60) return null;
  const bits = (from, count) => {
    let value = 0;
    for (let index = from; index < from + count; index += 1) {
      value = value * 2 + (luma(index) > (white + black) / 2 ? 1 : 0);
    }
    return value;
  };
  const number = bits(2, layout.number_bits);
  const check = bits(2 + layout.number_bits, layout.check_bits);
  const expected = (number * layout.check_factor + layout.check_offset) % 2 ** layout.check_bits;
  return check === expected ? number : null;
}
