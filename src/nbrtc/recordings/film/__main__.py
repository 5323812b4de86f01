"""``python -m nbrtc.recordings.film``: make one film, tell how far it is, stop when nobody listens."""

import argparse
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

from nbrtc.errors import RecordingError
from nbrtc.recordings.film.layouts import HEIGHT, WIDTH
from nbrtc.recordings.film.production import Abandoned, Production
from nbrtc.recordings.film.progress import Progress, write

_NICENESS = 10
"""Calls go on beside it."""


def main() -> int:
    """Return the exit code: 0 if the film is there, 1 if not."""
    options = _options()
    abandoned = threading.Event()
    # A daemon: it waits for an owner who may never say anything.
    threading.Thread(target=_watch_owner, args=(abandoned,), name="owner", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: abandoned.set())
    if hasattr(os, "nice"):
        os.nice(max(0, _NICENESS - os.nice(0)))
    width, height = options.size
    try:
        production = Production(
            options.manifest, options.layout, options.to, width=width, height=height, fps=options.fps
        )
        result = production.run(
            lambda fraction: _say(Progress(fraction=fraction), abandoned), abandoned.is_set
        )
    except RecordingError as error:
        result = Progress(error=str(error))
    except Abandoned:
        result = Progress(error="The film was given up: whoever asked for it is gone")
    except Exception as error:  # noqa: BLE001 - the owner gets a sentence, the log all of it
        traceback.print_exc()
        result = Progress(error=f"The film could not be made, by a mistake of nbrtc: {error!r}")
    _say(result, abandoned)
    return 0 if result.done else 1


def _say(line: Progress, abandoned: threading.Event) -> None:
    try:
        write(sys.stdout.buffer, line)
    except BrokenPipeError:
        abandoned.set()  # an owner who does not listen is gone, too
        # The line that could not be written would be tried again, and complained about, at the end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _watch_owner(abandoned: threading.Event) -> None:
    """Standard input is a pipe that only the owner holds: it ends with the owner, however that ends."""
    with suppress(OSError):
        while os.read(0, 4096):
            continue
    abandoned.set()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m nbrtc.recordings.film", description=__doc__)
    parser.add_argument("manifest", type=Path, help="the recording's manifest.json")
    parser.add_argument("--layout", choices=("pip", "grid", "speaker"), required=True)
    parser.add_argument(
        "--to", type=Path, required=True, metavar="PATH", help="the film: .mp4, .mkv or .webm"
    )
    parser.add_argument("--size", type=_size, default=(WIDTH, HEIGHT), help="in pixels (1280x720)")
    parser.add_argument("--fps", type=int, default=30, help="pictures a second (30)")
    return parser.parse_args()


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


if __name__ == "__main__":
    sys.exit(main())
