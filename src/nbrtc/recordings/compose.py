"""One file of everybody in a recording, made by a process of its own."""

import contextlib
import logging
import math
import operator
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from html import escape
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Protocol, SupportsFloat, SupportsIndex, get_args

import msgspec

from nbrtc.errors import RecordingError
from nbrtc.messages import RecordingLayout
from nbrtc.paths import expanded
from nbrtc.process import child_environment
from nbrtc.recordings import locks, manifest
from nbrtc.recordings.files import refuse_existing
from nbrtc.recordings.film import progress as film_progress
from nbrtc.recordings.film.progress import Progress
from nbrtc.recordings.live_output import LiveOutput, in_notebook, progress
from nbrtc.recordings.manifest import Film
from nbrtc.recordings.opened import OpenRecording
from nbrtc.recordings.opening import open_file
from nbrtc.recordings.vetting import FILMS, NAME_BYTES, is_plain

logger = logging.getLogger(__name__)

LAYOUTS = tuple(layout for layout in get_args(RecordingLayout) if layout != "separate")
# -P: the user's folder, where a queue.py of theirs may lie, is not in its path
COMMAND = (sys.executable, "-P", "-m", "nbrtc.recordings.film")
SIZE = (1280, 720)
FPS = 30
SIDES = (64, 4096)
RATES = (1, 60)
GOODBYE_S = 5.0
"""The film's process removes its unfinished file when it is told to end; then it is killed."""
LONGEST_LINE = 64 * 1024
NICE = 10
"""A call that goes on beside it comes first."""


class HasFolder(Protocol):
    """A `nbrtc.Recording` or `OpenRecording`."""

    @property
    def folder(self) -> Path | None:
        """Where its manifest is."""


def compose(
    recording: str | PathLike[str] | HasFolder,
    layout: RecordingLayout = "grid",
    to: str | PathLike[str] | None = None,
    *,
    size: tuple[SupportsIndex, SupportsIndex] = SIZE,
    fps: SupportsFloat = FPS,
) -> OpenRecording:
    """Make one file of everybody in a recording. Blocks until it is made, faster than it took to record.

    The separate files stay as they are. In a notebook or terminal one line says how far it is; interrupting
    leaves nothing behind.

    >>> nbrtc.compose("lesson", "speaker", "lesson-speaker.mp4")  # doctest: +SKIP

    Parameters
    ----------
    recording
        The folder, the manifest, the one file, what `call.record` returned, or what `open_recording` did.
        Of a guest's separate files, too: their folder, or the manifest among the downloads.
    layout
        ``"pip"``: the other large, the recorder in a corner; ``"grid"``: all alike; ``"speaker"``: whoever
        speaks large, the others small.
    to
        The file, ``.mkv``, ``.webm`` or ``.mp4``; by default ``<layout>.mkv`` in the recording's folder.
        Nothing is overwritten.
    size
        (width, height) of the picture, in pixels; even numbers.
    fps
        Pictures a second.

    Returns
    -------
    OpenRecording
        Of the film.

    Raises
    ------
    RecordingError
        If the recording goes on or was cut off, the file exists, the disk is full, or there is nobody in it.
    TypeError, ValueError
        For values that do not exist; the message names those that do.
    """
    place = _place(recording)
    pixels, rate = _checked(layout, size, fps)
    folder = place.parent
    title = place.name.removesuffix(manifest.NAME)
    target = folder / f"{title}{layout}.mkv" if to is None else expanded(to).absolute()
    if target.suffix.lower() not in FILMS or "\0" in str(target):
        raise RecordingError(f"{target.name!r} is no film: end the name in {', '.join(FILMS)}")
    if manifest.film_path(folder, target) is not None and not is_plain(target.name, FILMS):
        raise RecordingError(
            f"{target.name!r} is no name for a film beside its recording: use no backslashes, line ends and "
            f"other controls, and at most {NAME_BYTES} bytes"
        )
    if manifest.read(place).state == "recording":
        if locks.is_being_written(folder):
            raise RecordingError(f"{str(folder)!r} is still being recorded: stop it first")
        raise RecordingError(f"{str(folder)!r} was cut off: nbrtc.recover({str(folder)!r}) finishes it first")
    refuse_existing(target)
    # another film of it may be in the making: both write the manifest at their end
    with locks.held(folder, math.inf):
        run_film(place, layout, target, size=pixels, fps=rate, on_progress=shown(target.name))
        add_film(place, target, layout)
    return open_file(target)


def run_film(
    place: Path,
    layout: RecordingLayout,
    target: Path,
    *,
    size: tuple[int, int] = SIZE,
    fps: int = FPS,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Progress:
    """Run the film's process to its end and return its last word; whatever interrupts this ends it.

    Parameters
    ----------
    place
        The manifest.
    layout, size, fps
        As in `compose`.
    target
        An absolute path that does not exist.
    on_progress
        Called with how much is done, 0 to 1, in this thread.

    Raises
    ------
    RecordingError
        What the process said, or how it ended. Nothing of the target is left then.
    """
    command = [*COMMAND, str(place), "--layout", layout]
    command += ["--to", str(target), "--size", f"{size[0]}x{size[1]}", "--fps", str(fps)]
    partial = target.with_name(target.name + ".partial")
    is_anothers = os.path.lexists(partial)
    last = Progress()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # when it ends, the process does
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,  # an interrupt of the cell reaches it in good order, through the pipe
            env=child_environment(),
        )
        try:
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
            assert process.stdout is not None
            while line := process.stdout.readline(LONGEST_LINE):
                last = _decoded(line)
                if last.fraction is not None:
                    on_progress(last.fraction)
            with contextlib.suppress(subprocess.TimeoutExpired):  # `_end` kills it
                process.wait(GOODBYE_S)
        finally:
            code = _end(process)
            if code < 0 and not is_anothers:  # it was killed, and could not clear up itself
                partial.unlink(missing_ok=True)
        if last.done is not None:
            if last.note:
                logger.warning("%s: %s", target.name, last.note)
            on_progress(1.0)
            return last
        if last.error:
            raise RecordingError(last.error)
        said.seek(0)
        words = said.read()[-2000:].decode(errors="replace").strip().splitlines()
        raise RecordingError(
            f"The film's process ended with code {code}: {words[-1] if words else 'no word'}"
        )


def add_film(place: Path, target: Path, layout: RecordingLayout) -> None:
    """Write a complete film into the manifest `place`, instead of one that waited for it.

    One that lies neither in the folder nor beside it is its owner's affair, and not said.
    """
    path = manifest.film_path(place.parent, target)
    if path is not None:
        manifest.put_film(place.parent, Film(path=path, layout=layout, state="complete"), place.name)


def shown(name: str) -> Callable[[float], None]:
    """What shows how far a film is: a line in the cell or terminal that changes, where there is either."""
    output = LiveOutput()
    words, done = f"Making {name}", f"{name} is made."

    def show(fraction: float) -> None:
        if in_notebook():
            html, text = progress(fraction, words) if fraction < 1 else (f"<p>{escape(done)}</p>", done)
            (output.update if output.is_shown else output.show)(html, text)
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r{words}: {100 * fraction:.0f} %" + ("\n" if fraction >= 1 else ""))
            sys.stderr.flush()

    return show


def _place(recording: object) -> Path:
    if isinstance(recording, str | os.PathLike):
        return manifest.find(recording)
    if isinstance(recording, OpenRecording) and manifest.is_manifest(recording.path):
        return recording.path
    folder = getattr(recording, "folder", None)
    if not isinstance(folder, Path):
        raise TypeError(
            "recording is a path, a Recording or what open_recording returned, not "
            f"{type(recording).__name__}"
        )
    return manifest.find(folder)


def _checked(
    layout: object, size: Iterable[SupportsIndex], fps: SupportsFloat
) -> tuple[tuple[int, int], int]:
    """Size and rate as plain integers, which NumPy's are, too."""
    if layout not in LAYOUTS:
        hint = ": everybody's own file is there already" if layout == "separate" else ""
        raise ValueError(f"There is no film {layout!r}{hint}; use {', '.join(map(repr, LAYOUTS))}.")
    try:
        width, height = map(operator.index, size)
        is_size = all(SIDES[0] <= side <= SIDES[1] and side % 2 == 0 for side in (width, height))
    except (TypeError, ValueError):
        is_size = False
    if not is_size:
        raise ValueError(f"size is two even numbers from {SIDES[0]} to {SIDES[1]}, not {size!r}.")
    given: object = fps
    per_s = float(given) if isinstance(given, Real) else 0.0
    rate = int(per_s) if per_s.is_integer() else 0  # 25.0 is whole
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"fps is a whole number from {RATES[0]} to {RATES[1]}, not {fps!r}.")
    return (width, height), rate


def _decoded(line: bytes) -> Progress:
    try:
        return film_progress.read(line)
    except msgspec.MsgspecError as error:
        raise RecordingError(f"The film's process said what nobody understands: {line[:80]!r}") from error


def _end(process: "subprocess.Popen[bytes]") -> int:
    """End the process, if it still runs, and give back its pipes; returns how it ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # it went first
        process.stdin.close()
    try:
        process.wait(GOODBYE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    return process.returncode
