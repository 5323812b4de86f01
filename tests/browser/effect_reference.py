"""What the page's effects should make of a picture, written down in NumPy from their definitions.

Colours are those of Filter Effects Level 1, section 8.1: in RGB, cut off at 0 and 255. The effects of the
page work in Y, U and V instead and share no code with this.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

WEIGHTS = {"bt601": (0.299, 0.587, 0.114), "bt709": (0.2126, 0.7152, 0.0722)}
GRAYSCALE = np.tile([0.2126, 0.7152, 0.0722], (3, 1))
SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])


@dataclass(frozen=True)
class Space:
    """How samples are made of red, green and blue (ITU-R BT.601 and BT.709)."""

    matrix: str
    full_range: bool

    @property
    def init(self) -> dict[str, object]:
        """The `VideoColorSpaceInit` of WebCodecs."""
        name = "smpte170m" if self.matrix == "bt601" else "bt709"
        return {"matrix": name, "primaries": name, "transfer": name, "fullRange": self.full_range}

    @property
    def black(self) -> int:
        return 0 if self.full_range else 16

    @property
    def luma(self) -> int:
        """Steps from black to white."""
        return 255 if self.full_range else 219

    def planes(self, rgb: Bytes) -> tuple[Bytes, Bytes, Bytes]:
        """Y, U and V of an (H, W, 3) picture; chroma is the mean of up to four pixels."""
        red, green, blue = WEIGHTS[self.matrix]
        chroma = 255 if self.full_range else 224
        light = rgb @ np.array([red, green, blue])
        differences = [(rgb[..., 2] - light) / (1 - blue), (rgb[..., 0] - light) / (1 - red)]
        samples = [128 + chroma / 2 * halved(one) / 255 for one in differences]
        return to_bytes(self.black + self.luma * light / 255), to_bytes(samples[0]), to_bytes(samples[1])


def halved(plane: Floats) -> Floats:
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    mean: Floats = even.reshape((height + 1) // 2, 2, (width + 1) // 2, 2).mean(axis=(1, 3))
    return mean


def to_bytes(values: Floats) -> Bytes:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def coloured(rgb: Bytes, name: str, strength: float) -> Bytes:
    """A colour effect on an (H, W, 3) picture."""
    picture = rgb.astype(np.float64)
    match name:
        case "grayscale":
            return to_bytes(picture @ ((1 - strength) * np.eye(3) + strength * GRAYSCALE).T)
        case "sepia":
            return to_bytes(picture @ ((1 - strength) * np.eye(3) + strength * SEPIA).T)
        case "invert":
            return to_bytes(255 - picture)
        case "brightness":
            return to_bytes(picture * (1 + strength))
        case "contrast":
            return to_bytes((picture - 127.5) * (1 + strength) + 127.5)
    raise ValueError(f"{name!r} is no colour effect.")


def pixelated(rgb: Bytes, strength: float) -> Bytes:
    """Each square is its mean; the side is even, and at most a twelfth of the height."""
    height, width, _ = rgb.shape
    side = 2 * max(1, round(strength * height / 12 / 2))
    result = rgb.copy()
    for top in range(0, height, side):
        for left in range(0, width, side):
            square = rgb[top : top + side, left : left + side]
            result[top : top + side, left : left + side] = to_bytes(square.mean(axis=(0, 1)))
    return result


def edges(luma: Bytes, space: Space) -> Bytes:
    """Half of ``|Gx| + |Gy|`` of the Sobel operator on the luma plane, as light on black; (H, W)."""
    padded = np.pad(luma.astype(np.int64), 1, mode="edge")
    smooth = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    across = smooth[:, 2:] - smooth[:, :-2]
    smooth = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    down = smooth[2:] - smooth[:-2]
    return to_bytes((np.abs(across) + np.abs(down)) / 2 * 255 / space.luma)
