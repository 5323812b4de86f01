"""What `call.video_source` and `Bot(video=)` take, and what becomes of it."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from .arguments import to_fps, to_size
from .backdrop import SUFFIXES, to_backdrop, to_file
from .figure_picture import FigurePicture, is_figure
from .messages import SetVideoSource
from .supplier import Next, to_next

USUAL_FPS = 30.0
FIGURE_FPS = 10.0
"""A figure is drawn in Python, beside everything else that the kernel does."""
WHAT = "call.video_source"


@dataclass(frozen=True, eq=False)
class VideoSource:
    """Pictures for `Call.video_source` or `Bot`, with a rate and a size of their own.

    >>> call.video_source = nbrtc.VideoSource(pictures(), fps=15, size=(640, 480))    # doctest: +SKIP

    Attributes
    ----------
    pictures
        Anything that may be assigned to `Call.video_source`.
    fps
        How often a picture is shown, 0.1 to 60; None for 30, for a figure 10, for a file its own rate.
    size
        (width, height) in pixels to scale to, 16 to 4096 each; None for as they are.

    Raises
    ------
    ValueError
        For a rate or size out of these bounds.
    """

    pictures: object
    fps: float | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "fps", to_fps(self.fps))
        object.__setattr__(self, "size", to_size(self.size))


@dataclass(frozen=True, eq=False)
class OpenSource:
    """A source that was checked: what the engine is told, and who makes its pictures."""

    given: object
    """As the user assigned it."""
    verb: SetVideoSource
    make: Next | None
    """Makes the next picture; None where the engine plays a file."""
    who: str
    """Whom errors blame."""


def open_source(value: object, folder: Path, what: str = WHAT) -> OpenSource:
    """Check a source.

    Parameters
    ----------
    folder
        Relative paths are below it.
    what
        The keyword or property that takes it, for errors.

    Raises
    ------
    TypeError
        If it is nothing that gives pictures.
    ValueError
        For an address, or a picture that is none.
    FileNotFoundError
        If there is no such file.
    """
    source = value if isinstance(value, VideoSource) else VideoSource(value)
    pictures, usual_fps, file, make = source.pictures, USUAL_FPS, None, None
    if isinstance(pictures, (str, PathLike)):
        path = to_file(pictures, what, folder)
        name = who = path.name
        if path.suffix.lower() in SUFFIXES:
            make, _ = to_next(to_backdrop(path, what, folder, "white"))
        else:
            file, usual_fps = str(path), 0.0
    elif is_figure(pictures):
        make, name, who, usual_fps = FigurePicture(pictures), "figure", "the figure", FIGURE_FPS
    else:
        make, who = to_next(pictures, what)
        name = who.removeprefix("the ").removesuffix("()")
    fps = usual_fps if source.fps is None else source.fps
    return OpenSource(value, SetVideoSource(name, fps=fps, file=file, size=source.size), make, who)
