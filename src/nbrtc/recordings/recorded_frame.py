"""One picture of a recording."""

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image
    from av import VideoFrame
    from numpy.typing import NDArray


class RecordedFrame:
    """One picture of a recording; like `nbrtc.Frame`, with its time in the recording.

    `numpy.asarray(frame)` is its RGB picture, which is made when it is asked for.

    Parameters
    ----------
    time_s
        Seconds since the recording began.
    video_frame
        As it was decoded.
    size
        (width, height) that arrays and images are scaled to; None for its own.
    """

    def __init__(self, time_s: float, video_frame: "VideoFrame", size: tuple[int, int] | None = None) -> None:
        self._time_s = time_s
        self._video_frame = video_frame
        self._size = size or (video_frame.width, video_frame.height)

    @property
    def time_s(self) -> float:
        """Seconds since the recording began."""
        return self._time_s

    @property
    def width(self) -> int:
        """Pixels across."""
        return self._size[0]

    @property
    def height(self) -> int:
        """Pixels down."""
        return self._size[1]

    @property
    def video_frame(self) -> "VideoFrame":
        """The `av.VideoFrame` under it, in its own size; its `pts` counts in its file."""
        return self._video_frame

    def to_ndarray(self, format: str = "rgb24") -> "NDArray[np.uint8]":  # noqa: A002  PyAV's own name for it
        """A fresh array, by default (height, width, 3) uint8 RGB; `format` is a PyAV pixel format."""
        array = self._video_frame.to_ndarray(width=self.width, height=self.height, format=format)
        return cast("NDArray[np.uint8]", array)

    def to_image(self) -> "PIL.Image.Image":
        """A fresh PIL image (RGB)."""
        import PIL.Image

        return PIL.Image.fromarray(self.to_ndarray())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "NDArray[Any]":
        if copy is False:
            raise ValueError("A frame is decoded into a fresh RGB array: there is no array to share.")
        return self.to_ndarray().astype(dtype or "uint8", copy=False)

    def __repr__(self) -> str:
        return f"<RecordedFrame: {self.width}x{self.height} at {self.time_s:.3f} s>"
