"""A camera and microphone made by the page: four colours, a number in each picture, a flash with a beep.

They come at every full second of this machine's clock, and tell who is seen, which pictures came, and what
time it was.
"""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

BITS = 12

BEACON = """async ([colours, bits]) => {
  const context = new AudioContext();
  const speaker = new MediaStreamAudioDestinationNode(context);
  const gain = new GainNode(context, { gain: 0 });
  const tone = new OscillatorNode(context, { frequency: 1000 });
  tone.connect(gain).connect(speaker);
  tone.start();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 480];
  const pen = canvas.getContext("2d");
  let number = 0;
  let flashes = false;
  const paint = () => {
    colours.forEach(([red, green, blue], i) => {
      pen.fillStyle = `rgb(${red} ${green} ${blue})`;
      pen.fillRect((i % 2) * 320, (i >> 1) * 240, 320, 240);
    });
    const now = Date.now() % 1000 < 300;
    if (now !== flashes) gain.gain.setValueAtTime(now ? 0.8 : 0, context.currentTime);
    flashes = now;
    pen.fillStyle = now ? "white" : "black";
    pen.fillRect(240, 160, 160, 120);
    for (let bit = 0; bit < bits; bit++) {
      pen.fillStyle = (number >> bit) & 1 ? "white" : "black";
      pen.fillRect(32 + bit * 48, 320, 48, 48);
    }
    number = (number + 1) % (1 << bits);
  };
  paint();
  setInterval(paint, 1000 / 15);
  navigator.mediaDevices.getUserMedia = async ({ video, audio }) => new MediaStream([
    ...(video ? canvas.captureStream(15).getVideoTracks() : []),
    ...(audio ? speaker.stream.clone().getAudioTracks() : []),
  ]);
  await context.resume();  // what starts on a busy machine may be silent for a while
  while (context.currentTime === 0) await new Promise(done => setTimeout(done, 20));
}"""


def become_beacon(page: Page, colours: list[tuple[int, int, int]]) -> None:
    """From now on, until it is closed, this page's devices are a beacon; the corners have these colours."""
    page.evaluate(BEACON, [colours, BITS])


class Sighting:
    """What a file holds of a beacon.

    Parameters
    ----------
    box
        x, y, width, height of the beacon's picture within that of the file, in pixels; the whole by default.
    """

    def __init__(self, path: Path, box: tuple[int, int, int, int] | None = None) -> None:
        self.numbers: list[int] = []
        times: list[float] = []
        lights: list[bool] = []
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                picture = frame.to_ndarray(format="rgb24")
                x, y, width, height = box or (0, 0, picture.shape[1], picture.shape[0])
                self.picture = picture[y : y + height, x : x + width]
                lights.append(self._at(320, 220) > 128)
                times.append(frame.time or 0.0)
                self.numbers.append(
                    sum(1 << bit for bit in range(BITS) if self._at(56 + bit * 48, 344) > 128)
                )
        self.flashes_s = onsets(np.array(times), np.array(lights))
        self.duration_s = times[-1] - times[0] if times else 0.0
        self.beeps_s = beeps(path)

    @property
    def corners(self) -> list[list[int]]:
        """RGB of the last picture's corners."""
        height, width, _ = self.picture.shape
        ys, xs = (round(height * 0.1), round(height * 0.9)), (round(width * 0.1), round(width * 0.9))
        return [self.picture[y, x].tolist() for y in ys for x in xs]

    def apart_s(self) -> list[float]:
        """How long after each flash its beep comes, where both are there."""
        pairs = [(flash, min(self.beeps_s, key=lambda beep: abs(beep - flash))) for flash in self.flashes_s]
        return [beep - flash for flash, beep in pairs if abs(beep - flash) < 0.4]

    def _at(self, x: int, y: int) -> float:
        """Brightness at a place of a beacon of 640x480."""
        height, width, _ = self.picture.shape
        return float(self.picture[y * height // 480, x * width // 640].mean())


def onsets(times_s: NDArray[np.float64], is_on: NDArray[np.bool_]) -> list[float]:
    """When something that was off went on."""
    return [float(time_s) for time_s in times_s[1:][is_on[1:] & ~is_on[:-1]]]


def beeps(path: Path) -> list[float]:
    """When each beep of a file's sound begins, in seconds."""
    times: list[NDArray[np.float64]] = []
    levels: list[NDArray[np.float64]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = frame.to_ndarray().astype(float)
            if not frame.format.is_planar:
                samples = samples.reshape(-1, frame.layout.nb_channels).T
            mono = samples[0] / (1 if frame.format.name.startswith("flt") else 32768)
            step = frame.sample_rate // 500
            count = len(mono) // step
            levels.append(np.abs(mono[: count * step]).reshape(count, step).max(axis=1))
            times.append((frame.time or 0.0) + np.arange(count) * step / frame.sample_rate)
    level, time = np.concatenate(levels), np.concatenate(times)
    heard = level > 0.15
    began: list[float] = []
    for at in onsets(time, heard):
        if not began or at - began[-1] > 0.5:  # a tone has many zero crossings, and Opus some ripple
            began.append(at)
    return began
