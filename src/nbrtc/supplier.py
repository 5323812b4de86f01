"""Pictures as the user gives them, for a Bot or in the camera's place, and the thread that asks for them."""

import inspect
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from dataclasses import dataclass, replace
from pathlib import Path

from .backdrop import is_image, to_backdrop
from .bridge import Bridge
from .effect import describe, to_planes
from .errors import EngineError, FrameError
from .messages import SUPPLY, FrameHeader
from .pictures import pack, unpack
from .port import FramePort, Result
from .turns import quick_turns

POLL_S = 0.1
"""The thread looks this often whether it is to end."""
CLOCK_RATE = 90_000
TAKE_OVER_S = 1.0
"""So long a generator that is given again may still be at work for the thread that had it before."""

Next = Callable[[], object]
"""Makes the next picture; raises StopIteration after the last one."""
Complaint = Callable[[BaseException, str], None]


@dataclass(frozen=True)
class VideoStatus:
    """How pictures of Python's own are doing."""

    pictures: int = 0
    """Made and sent to the engine."""
    errors: int = 0
    """How often the user's code raised, or gave something else than a picture."""
    run_s: float = 0.0
    """How long it took to make the last one, in seconds."""
    is_over: bool = False
    """Whether the last picture was made, and stays."""


def to_next(video: object, what: str = "video") -> tuple[Next, str]:
    """How the next picture comes from what the user gave, and what that is called.

    Parameters
    ----------
    what
        The keyword or property that takes it, for the error.

    Raises
    ------
    TypeError
        If it is nothing that gives pictures.
    FrameError
        If it is an array that is no picture.
    ValueError
        If there is none in it any more.
    """
    if is_image(video) or getattr(video, "ndim", 0) in (2, 3):
        return iter([to_backdrop(video, what, Path(), "white")]).__next__, "the picture"
    if hasattr(video, "reformat"):
        return iter([video]).__next__, "the picture"
    if isinstance(video, Iterator):
        return _of_theirs(video, what), getattr(video, "__name__", type(video).__name__)
    if inspect.isgeneratorfunction(video):
        return video().__next__, describe(video)
    if callable(video):
        return video, describe(video)
    if isinstance(video, Iterable) and not isinstance(video, (bytes, dict)):
        if isinstance(video, Sized) and len(video) == 0:
            raise ValueError(f"{what} is an empty {type(video).__name__}; it needs a picture at least.")
        return iter(video).__next__, type(video).__name__
    raise TypeError(
        f"{what} is a file's path, a picture, or a generator, an iterable or a function without arguments "
        f"that gives pictures, not {video!r:.100}."
    )


def _of_theirs(pictures: Iterator[object], what: str) -> Next:
    """Of the user's own iterator: it is not closed, and goes on where it was when it is given again."""
    if inspect.isgenerator(pictures) and inspect.getgeneratorstate(pictures) == inspect.GEN_CLOSED:
        raise ValueError(
            f"{what}: the generator {pictures.__name__} has ended; call its function again for a new one."
        )

    def make() -> object:
        # the thread that had it until now may be making its last picture
        give_up_s = time.monotonic() + TAKE_OVER_S
        while getattr(pictures, "gi_running", False) and time.monotonic() < give_up_s:
            time.sleep(TAKE_OVER_S / 100)
        return next(pictures)

    return make


class Supplier:
    """Asks for pictures and sends each to the engine, on a thread of the kernel.

    Nothing queues: the next picture is asked for when the engine took the last one, or wants the next, so
    that user code that is quicker than that is slowed down, and nothing is made in vain. If it raises, the
    last picture stays.

    Parameters
    ----------
    bridge, call
        The way to the engine, and the name of the Bot or the call there.
    make, who
        Makes the next picture; whom errors blame.
    fps
        How often a picture is made, at most. After an error it waits so long, too.
    size
        (width, height) to scale to, or None.
    is_live
        Whether the Bot is in its room; before that nothing is asked for.
    on_error
        Told the error and its traceback, on the thread.
    is_asked
        The engine keeps the pace: each picture, the first one too, is made when the engine wants it.
    name
        The thread's.
    """

    def __init__(
        self,
        bridge: Bridge,
        call: str,
        make: Next,
        who: str,
        *,
        fps: float,
        size: tuple[int, int] | None,
        is_live: Callable[[], bool],
        on_error: Complaint,
        is_asked: bool = False,
        name: str = "nbrtc-bot",
    ) -> None:
        self.status = VideoStatus()
        self._bridge, self._call = bridge, call
        self._make, self.who = make, who
        self._fps, self._size = fps, size
        self._is_live, self._on_error = is_live, on_error
        self._stopped = threading.Event()
        self._is_asked = is_asked
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, once."""
        self._thread.start()

    def close(self) -> None:
        """End after the picture that is being made. Idempotent."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            with quick_turns(), FramePort(self._bridge, self._call, SUPPLY) as port:
                self._supply(port)
        except EngineError:
            return  # nbrtc was closed
        finally:
            self._end()

    def _supply(self, port: FramePort) -> None:
        result: Result | None = None
        sent_epoch = -1
        is_waiting = self._is_asked
        due_s = time.monotonic()
        while not self._stopped.is_set():
            epoch = self._bridge.epoch
            is_new = result is not None and sent_epoch != epoch  # a new engine gets the last picture again
            if not self._is_live():
                self._stopped.wait(POLL_S)
                due_s = time.monotonic()
            elif is_new or is_waiting:
                answer = port.receive(POLL_S, result if is_new else None)
                is_waiting = answer is None
                if is_new:
                    sent_epoch = epoch
                if answer is not None and answer.number == 0:
                    sent_epoch = -1  # it came before the engine knew the call
            elif self.status.is_over:
                self._stopped.wait(POLL_S)
            else:
                if self._is_asked:
                    due_s = time.monotonic()
                else:
                    # a picture that was late is made up for, a pause is not
                    due_s = max(due_s + 1 / self._fps, time.monotonic() - 1 / self._fps)
                if self._stopped.wait(max(0.0, due_s - time.monotonic())):
                    return
                if (made := self._next(due_s)) is not None:
                    result, sent_epoch = made, -1
                elif self._is_asked:
                    self._stopped.wait(1 / self._fps)

    def _next(self, due_s: float) -> Result | None:
        began_s = time.monotonic()
        try:
            value = self._make()
            width, height, planes = to_planes(value, self.who)
        except StopIteration:
            self.status = replace(self.status, is_over=True)
            if not self.status.pictures and not self.status.errors:
                self._complain(FrameError(f"{self.who} ended without a picture."))
            return None
        except BaseException as error:  # noqa: BLE001  SystemExit would end the thread without a word
            self._complain(error)
            return None
        if self._size is not None and self._size != (width, height):
            picture = unpack(planes, width, height).reformat(width=self._size[0], height=self._size[1])
            width, height, planes = picture.width, picture.height, pack(picture)
        run_s = time.monotonic() - began_s
        self.status = replace(self.status, pictures=self.status.pictures + 1, run_s=run_s)
        header = FrameHeader(
            number=self.status.pictures,
            width=width,
            height=height,
            timestamp=round(CLOCK_RATE * due_s),
            arrived_s=began_s,
            time_s=due_s,
        )
        return header, planes

    def _complain(self, error: BaseException) -> None:
        self.status = replace(self.status, errors=self.status.errors + 1)
        self._on_error(error, "".join(traceback.format_exception(error)))

    def _end(self) -> None:
        """The ``finally`` of a generator that was made here runs on the thread that ran it."""
        maker = getattr(self._make, "__self__", None)
        if not isinstance(maker, Generator):
            return
        try:
            maker.close()
        except BaseException as error:  # noqa: BLE001  as above
            self._on_error(error, traceback.format_exc())
