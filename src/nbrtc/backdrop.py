"""A picture that the user gives as a background or as a still: checked, bounded, in RGB."""

import io
import stat
import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from .errors import FrameError
from .paths import expanded

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image
    from numpy.typing import NDArray

MAX_SIZE = (1920, 1080)
"""Larger pictures are scaled down, keeping their proportions."""
MAX_PIXELS = 64_000_000
"""Refused above this, before anything is unpacked."""
MAX_FILE_BYTES = 64 << 20
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Of files. Pillow knows others that start programs."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Files that are pictures and no films."""
QUALITY = 90
"""Of the JPEG that a page gets."""
Ground = Literal["black", "white"]
"""Of what is transparent: nothing shines through a background, and a drawing's paper is white."""


def to_backdrop(value: object, what: str, folder: Path, ground: Ground = "black") -> "NDArray[np.uint8]":
    """A picture of at most `MAX_SIZE` as a fresh array (height, width, 3) of uint8, RGB.

    Parameters
    ----------
    value
        ndarray (height, width, 3) uint8, PIL image, or the path of a file.
    what
        Names the property in errors.
    folder
        Relative paths are below it.
    ground
        What is transparent becomes this.

    Raises
    ------
    FrameError
        For an array or a file that is no such picture, or has more than `MAX_PIXELS`.
    TypeError
        For anything else.
    FileNotFoundError
        If there is no such file.
    """
    import numpy as np

    if isinstance(value, (str, PathLike)):
        image = open_image(value, what, folder)
    elif is_image(value):
        image = value
    elif isinstance(value, np.ndarray):
        image = _of_array(value, what)
    else:
        raise TypeError(
            f"{what} is an ndarray (height, width, 3) of uint8, a PIL image or a file's path, "
            f"not {value!r:.100}."
        )
    width, height = image.size
    if width * height > MAX_PIXELS or min(width, height) < 1:
        raise FrameError(
            f"{what} has {width}x{height} pixels; at most {MAX_PIXELS // 1_000_000} million are taken."
        )
    image = _upright(image)
    image.thumbnail(MAX_SIZE)
    return np.array(_opaque(image, ground), np.uint8)


def to_rgb(image: "PIL.Image.Image", ground: Ground) -> "NDArray[np.uint8]":
    """A PIL image of any mode as people see it: (height, width, 3), upright, and opaque.

    Raises
    ------
    FrameError
        If it is of a file that is broken.
    """
    import numpy as np

    if image.mode != "RGB" or image.info:  # which may say how it lies, or which colour is transparent
        image = _opaque(_upright(image), ground)
    return np.asarray(image, np.uint8)


def to_jpeg(picture: "NDArray[np.uint8]") -> bytes:
    """The picture as a page gets it."""
    import PIL.Image

    output = io.BytesIO()
    PIL.Image.fromarray(picture).save(output, "JPEG", quality=QUALITY)
    return output.getvalue()


def open_image(path: "str | PathLike[Any]", what: str, folder: Path) -> "PIL.Image.Image":
    """A file's picture, upright; its size is known, its pixels may not be read yet.

    Raises
    ------
    FrameError
        If it is not a picture.
    FileNotFoundError
        If there is no such file.
    """
    import PIL.Image

    file = to_file(path, what, folder)
    if file.stat().st_size > MAX_FILE_BYTES:
        raise FrameError(f"{file.name!r} for {what} has more than {MAX_FILE_BYTES >> 20} MiB.")
    bombs = PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning
    try:
        return PIL.Image.open(io.BytesIO(file.read_bytes()), formats=FORMATS)
    except (OSError, ValueError, SyntaxError, *bombs) as error:
        why = "" if isinstance(error, PIL.UnidentifiedImageError) else f" ({error})"  # which says no more
        raise FrameError(
            f"{file.name!r} for {what} is not a picture that can be read{why}; it may be "
            f"{', '.join(FORMATS)}."
        ) from error


def to_file(path: "str | PathLike[Any]", what: str, folder: Path) -> Path:
    """The absolute path of a regular file.

    Raises
    ------
    ValueError
        For an address: nothing is fetched from a network.
    FileNotFoundError
        If there is no such file.
    """
    text = str(path)
    if "://" in text:
        raise ValueError(
            f"{what} takes files of this machine, no address like {text[:100]!r}: download it first."
        )
    file = (folder / expanded(text)).absolute()
    try:
        is_file = stat.S_ISREG(file.stat().st_mode)
    except (OSError, ValueError):  # a NUL in the path is a ValueError
        is_file = False
    if not is_file:
        raise FileNotFoundError(f"There is no file {str(file)!r} for {what}.")
    return file


def is_image(value: object) -> "TypeGuard[PIL.Image.Image]":
    """Whether it is a PIL image, without importing PIL."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def _of_array(array: "NDArray[Any]", what: str) -> "PIL.Image.Image":
    import numpy as np
    import PIL.Image

    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise FrameError(f"{what} is an array of shape {array.shape}; a picture is (height, width, 3).")
    if array.dtype != np.uint8:
        raise FrameError(
            f"{what} is an array of {array.dtype}; a picture is uint8, 0 to 255: "
            "numpy.clip(picture, 0, 255).astype(numpy.uint8)."
        )
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise FrameError(f"{what} has {array.shape[1]}x{array.shape[0]} pixels; {MAX_PIXELS:,} are taken.")
    return PIL.Image.fromarray(np.ascontiguousarray(array))


def _upright(image: "PIL.Image.Image") -> "PIL.Image.Image":
    """A copy, in RGB, RGBA or L."""
    import numpy as np
    import PIL.Image
    import PIL.ImageOps

    try:
        upright = PIL.ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
        elif upright.mode.startswith("I;16"):  # Pillow would clip it at 255
            upright = PIL.Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        elif upright.mode not in ("RGB", "L"):
            upright = upright.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise FrameError(f"The picture cannot be read ({error}).") from error
    return upright


def _opaque(image: "PIL.Image.Image", ground: Ground) -> "PIL.Image.Image":
    import PIL.Image

    if image.mode != "RGBA":
        return image.convert("RGB")
    return PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, ground), image).convert("RGB")
