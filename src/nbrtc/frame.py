"""One picture of the camera in the kernel."""

import time
from typing import TYPE_CHECKING, Any, cast

from .messages import FrameHeader
from .pictures import unpack

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image
    from av import VideoFrame
    from numpy.typing import NDArray


class Frame:
    """One picture of the camera, as it arrived at the engine. `numpy.asarray(frame)` is its RGB picture.

    Parameters
    ----------
    header
        What the engine says about it.
    planes
        Its packed yuv420p planes (see `nbrtc.pictures`).
    """

    def __init__(self, header: FrameHeader, planes: "bytes | memoryview") -> None:
        self.header = header
        self._planes = planes
        self._video_frame: VideoFrame | None = None

    @property
    def number(self) -> int:
        """Counts the decoded frames of the call; a difference above 1 means that frames were skipped."""
        return self.header.number

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.header.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.header.height

    @property
    def time_s(self) -> float:
        """Media time of the call in seconds, by the camera's clock; goes on over reconnections."""
        return self.header.time_s

    @property
    def age_s(self) -> float:
        """Seconds since the engine received the frame's last packet."""
        return time.monotonic() - self.header.arrived_s

    @property
    def skipped(self) -> int:
        """Frames that this reader was too late for since its last one."""
        return self.header.skipped

    @property
    def video_frame(self) -> "VideoFrame":
        """The `av.VideoFrame` (yuv420p, BT.601, limited range) under it, with `pts` in 1/90000 s."""
        if self._video_frame is None:
            from fractions import Fraction

            frame = unpack(self._planes, self.width, self.height)
            frame.pts, frame.time_base = self.header.timestamp, Fraction(1, 90_000)
            self._video_frame = frame
        return self._video_frame

    def to_ndarray(self, format: str = "rgb24") -> "NDArray[np.uint8]":  # noqa: A002  PyAV's own name for it
        """A fresh array, by default (height, width, 3) uint8 RGB; `format` is a PyAV pixel format."""
        return cast("NDArray[np.uint8]", self.video_frame.to_ndarray(format=format))

    def to_image(self) -> "PIL.Image.Image":
        """A fresh PIL image (RGB)."""
        import PIL.Image

        return PIL.Image.fromarray(self.to_ndarray())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "NDArray[Any]":
        if copy is False:
            raise ValueError("A Frame is decoded into a fresh RGB array: there is no array to share.")
        return self.to_ndarray().astype(dtype or "uint8", copy=False)

    def __repr__(self) -> str:
        return f"<nbrtc.Frame {self.number}: {self.width}x{self.height} at {self.time_s:.3f} s>"
