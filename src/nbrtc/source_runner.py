"""Runs what `call.video_source` was assigned: at most one source at a time, on a thread of its own."""

import threading
from collections.abc import Callable

from .bridge import Bridge
from .messages import SetVideoSource
from .supplier import Supplier, VideoStatus
from .video_source import OpenSource

Complaint = Callable[[OpenSource, BaseException, str], None]


class SourceRunner:
    """The present source of one call.

    Parameters
    ----------
    bridge, call
        The way to the engine, and the call's name there.
    on_error
        Told the source, its error and the traceback, on the source's thread, for every failure.
    """

    def __init__(self, bridge: Bridge, call: str, on_error: Complaint) -> None:
        self._bridge, self._call, self._on_error = bridge, call, on_error
        self._source: OpenSource | None = None
        self._supplier: Supplier | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    @property
    def given(self) -> object:
        """What the user assigned; None without a source."""
        return None if self._source is None else self._source.given

    @property
    def status(self) -> VideoStatus | None:
        """How the pictures do; None where Python makes none."""
        return None if self._supplier is None else self._supplier.status

    def use(self, source: OpenSource | None, tell: Callable[[SetVideoSource], object]) -> None:
        """Take this source, or none.

        Parameters
        ----------
        tell
            Tells the engine. The earlier source sends nothing more before it is called, and this one nothing
            before it returned.
        """
        with self._lock:
            self._stop()
            self._source = source
            try:
                tell(SetVideoSource(name=None) if source is None else source.verb)
            finally:
                self._start(source)  # an engine that has just gone is followed by another one

    def close(self) -> None:
        """End after the picture that is being made. Idempotent."""
        self._is_closed = True  # without the lock, which waits for an engine's answer
        self._stop()

    def _stop(self) -> None:
        supplier, self._supplier = self._supplier, None
        if supplier is not None:
            supplier.close()

    def _start(self, source: OpenSource | None) -> None:
        if source is None or source.make is None or self._is_closed:
            return
        self._supplier = Supplier(
            self._bridge,
            self._call,
            source.make,
            source.who,
            fps=source.verb.fps,
            size=source.verb.size,
            is_live=lambda: True,  # the engine asks when somebody can see it
            on_error=lambda error, trace: self._on_error(source, error, trace),
            is_asked=True,
            name="nbrtc-video-source",
        )
        self._supplier.start()
