"""yuv420p pictures as packed planes: the form in which frames cross between kernel and engine.

A packed picture is Y, then U, then V, row after row without padding; odd sizes round the chroma up
(641x481 has chroma planes of 321x241). PyAV and NumPy are imported only when a picture is really made.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter
    from numpy.typing import NDArray

_BT709, _BT2020 = 1, (9, 10)
"""AVColorSpace, as decoders tell it; cameras of a call send BT.601, or do not tell."""
_FULL_RANGE = 2


def plane_shapes(width: int, height: int) -> tuple[tuple[int, int], ...]:
    """(rows, columns) of the three planes."""
    chroma = ((height + 1) // 2, (width + 1) // 2)
    return (height, width), chroma, chroma


def packed_size(width: int, height: int) -> int:
    """Bytes of a packed picture."""
    return sum(rows * columns for rows, columns in plane_shapes(width, height))


def pack(frame: "VideoFrame") -> bytearray:
    """Copy a yuv420p frame's planes into one packed buffer (0.2 ms at 640x480)."""
    packed = bytearray(packed_size(frame.width, frame.height))
    for section, plane in zip(_sections(packed, frame.width, frame.height), _planes(frame), strict=True):
        section[:] = plane
    return packed


def unpack(packed: "bytes | bytearray | memoryview", width: int, height: int) -> "VideoFrame":
    """Make a yuv420p `av.VideoFrame` from a packed buffer."""
    from av import VideoFrame

    frame = VideoFrame(width, height, "yuv420p")
    for plane, section in zip(_planes(frame), _sections(packed, width, height), strict=True):
        plane[:] = section
    return frame


def to_yuv420p(
    frame: "VideoFrame", size: tuple[int, int] | None = None, scaler: "VideoReformatter | None" = None
) -> "VideoFrame":
    """A frame of any format in the colours of a call: yuv420p, BT.601, limited range.

    Nothing travels with a packed picture that tells of other colours, so that those of a film in BT.709 or of
    a phone's full range are converted.

    Parameters
    ----------
    size
        (width, height); None for the frame's own.
    scaler
        Keeps what it set up for the next frame of the same form; one thread's.

    Returns
    -------
    av.VideoFrame
        The frame itself where there is nothing to convert.
    """
    from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

    width, height = size or (frame.width, frame.height)
    source = Colorspace.ITU709 if frame.colorspace == _BT709 else Colorspace.ITU601
    if frame.colorspace in _BT2020:
        source = Colorspace.BT2020
    is_rgb = frame.format.is_rgb
    is_full = is_rgb or frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    if (
        (width, height) == (frame.width, frame.height)
        and frame.format.name == "yuv420p"
        and source == Colorspace.ITU601
        and not is_full
    ):
        return frame
    return (scaler or VideoReformatter()).reformat(
        frame,
        width,
        height,
        "yuv420p",
        src_colorspace=source,
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
        dst_color_range=ColorRange.MPEG,
        threads=1,
    )


def turned(frame: "VideoFrame", degrees: float) -> "VideoFrame":
    """A yuv420p frame turned counter-clockwise by the nearest quarter, as `av.VideoFrame.rotation` counts."""
    import numpy as np
    from av import VideoFrame

    quarters = round(degrees / 90) % 4
    if quarters == 0:
        return frame
    width, height = (frame.height, frame.width) if quarters % 2 else (frame.width, frame.height)
    upright = VideoFrame(width, height, "yuv420p")
    for to, plane in zip(_planes(upright), _planes(frame), strict=True):
        to[:] = np.rot90(plane, quarters)
    return upright


def _planes(frame: "VideoFrame") -> "Iterator[NDArray[np.uint8]]":
    """Views of the frame's planes, without the padding that ends each row."""
    import numpy as np

    for plane, (rows, columns) in zip(frame.planes, plane_shapes(frame.width, frame.height), strict=True):
        yield np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:rows, :columns]


def _sections(
    packed: "bytes | bytearray | memoryview", width: int, height: int
) -> "Iterator[NDArray[np.uint8]]":
    """Views of the three planes in a packed buffer."""
    import numpy as np

    offset = 0
    for rows, columns in plane_shapes(width, height):
        yield np.frombuffer(packed, np.uint8, rows * columns, offset).reshape(rows, columns)
        offset += rows * columns
