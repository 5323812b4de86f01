"""The camera's clip: a moving picture whose every frame carries its number, and a tone for the microphone.

The number is written in the top rows as blocks of black and white, large enough to survive VP8 at low
bitrates: a white and a black block for reference, the bits of the number and those of a checksum. `reader.js`
reads it back from the luma plane, so the browser needs neither a canvas nor a conversion of colours.
"""

import math
import wave
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 640, 480, 30
FRAMES = 300
"""Ten seconds: the clip repeats, and no frame that is still of interest is that old."""

BLACK, WHITE = 16, 235
"""Luma of the blocks, in the limited range that video uses."""

PAN_PX = 3
"""How far the texture moves from one frame to the next: enough that no block of the codec is skipped."""

Plane = NDArray[np.uint8]


@dataclass(frozen=True)
class Layout:
    """Where the number stands in a frame, for `reader.js`."""

    number_bits: int = 12
    check_bits: int = 6
    check_factor: int = 37
    check_offset: int = 21
    block: int = WIDTH // 20
    """Side of a block in pixels, in a frame that is `width` wide."""
    width: int = WIDTH
    frames: int = FRAMES

    @property
    def blocks(self) -> int:
        return 2 + self.number_bits + self.check_bits

    def check(self, number: int) -> int:
        """A checksum of the number; a neighbouring number differs from it in several bits."""
        return (number * self.check_factor + self.check_offset) % (1 << self.check_bits)

    def json(self) -> dict[str, int]:
        return asdict(self) | {"blocks": self.blocks}


LAYOUT = Layout()


def number_blocks(number: int) -> Plane:
    """The strip of blocks that says `number`: luma, shape (block, width)."""
    bits = [1, 0]
    bits += [number >> bit & 1 for bit in reversed(range(LAYOUT.number_bits))]
    bits += [LAYOUT.check(number) >> bit & 1 for bit in reversed(range(LAYOUT.check_bits))]
    row = np.repeat(np.where(np.array(bits) == 1, WHITE, BLACK).astype(np.uint8), LAYOUT.block)
    return np.tile(row, (LAYOUT.block, 1))


def frames() -> Iterator[tuple[Plane, Plane, Plane]]:
    """The Y, U and V planes of every frame, 4:2:0."""
    random = np.random.default_rng(7)
    texture = _texture(random)
    grain = random.normal(0, 3, (4, HEIGHT, WIDTH))
    chroma = np.linspace(108, 148, WIDTH // 2)
    for number in range(FRAMES):
        luma = np.roll(texture, -number * PAN_PX, axis=1)[:, :WIDTH] + grain[number % 4]
        plane = np.clip(luma, BLACK, WHITE).astype(np.uint8)
        plane[: LAYOUT.block] = number_blocks(number)
        turned = np.roll(chroma, number * PAN_PX // 2).astype(np.uint8)
        rows = HEIGHT // 2
        yield plane, np.tile(turned, (rows, 1)), np.tile(turned[::-1], (rows, 1))


def write_video(path: Path) -> None:
    """Write the clip as YUV4MPEG2, which Chromium plays as a camera without decoding anything."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420\n".encode())
        for planes in frames():
            file.write(b"FRAME\n")
            file.writelines(plane.tobytes() for plane in planes)


def write_tone(path: Path, *, seconds: int = 10, frequency_hz: float = 440.0, rate: int = 48000) -> None:
    """Write a steady tone as 16-bit mono WAV; it repeats without a click."""
    time_s = np.arange(seconds * rate) / rate
    samples = (8000 * np.sin(2 * math.pi * frequency_hz * time_s)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def _texture(random: np.random.Generator) -> NDArray[np.float64]:
    """Cloudy noise around mid grey that is periodic in x over exactly the clip's pan."""
    width = FRAMES * PAN_PX
    picture = np.zeros((HEIGHT, width))
    for cell in (60, 30, 15, 6):
        coarse = random.normal(0, 1, (HEIGHT // cell, width // cell))
        picture += np.kron(coarse, np.ones((cell, cell))) * math.sqrt(cell) * 2.5
    smooth = (picture + np.roll(picture, 2, axis=1) + np.roll(picture, 2, axis=0)) / 3
    return 125 + smooth
