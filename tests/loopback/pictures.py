"""Small pictures that carry their number, so that a test knows which one it sees and whether it is whole."""

import numpy as np
from av import VideoFrame

WIDTH, HEIGHT = 160, 120
NUMBERS = 256
ROWS, COLUMNS = 4, 4


def draw(number: int, width: int = WIDTH, height: int = HEIGHT) -> VideoFrame:
    """A grey picture with 16 fields: the number's eight bits, light or dark, and their inverse."""
    bits = np.unpackbits(np.array([number % NUMBERS, ~number % NUMBERS], np.uint8)).reshape(ROWS, COLUMNS)
    rows = np.minimum(np.arange(height) * ROWS // height, ROWS - 1)
    columns = np.minimum(np.arange(width) * COLUMNS // width, COLUMNS - 1)
    luma = np.where(bits[rows][:, columns] == 1, 200, 50).astype(np.uint8)
    return VideoFrame.from_ndarray(np.repeat(luma[:, :, None], 3, axis=2), format="rgb24").reformat(
        format="yuv420p"
    )


def noise(width: int = WIDTH, height: int = HEIGHT) -> list[VideoFrame]:
    """Eight pictures that no encoder can make small."""
    dice = np.random.default_rng(1)
    luma = dice.integers(40, 220, (8, height, width, 1), np.uint8)
    return [
        VideoFrame.from_ndarray(np.repeat(one, 3, axis=2), format="rgb24").reformat(format="yuv420p")
        for one in luma
    ]


def read(frame: VideoFrame) -> int | None:
    """The number in a picture; None if the picture is damaged, or carries none."""
    luma = frame.to_ndarray(format="gray").astype(np.float64)
    height, width = luma.shape
    if min(height, width) < 32:
        return None  # too small to tell
    cells = [
        luma[
            row * height // ROWS + height // 16 : (row + 1) * height // ROWS - height // 16,
            column * width // COLUMNS + width // 16 : (column + 1) * width // COLUMNS - width // 16,
        ]
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
    means = np.array([cell.mean() for cell in cells])
    if np.any(np.abs(means - 125) < 40) or any(cell.std() > 25 for cell in cells):
        return None
    number, inverse = np.packbits(means > 125)
    return int(number) if number == ~inverse else None
