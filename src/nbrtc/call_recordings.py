"""The recordings of a call, whoever began them: this Python, or the widget's record button."""

import threading
from collections.abc import Callable

from .messages import CallState, RecordingStatus
from .recording import Recording

Stop = Callable[[str], RecordingStatus]
Watch = Callable[[], Callable[[], bool]]


class CallRecordings:
    """One `Recording` for each recording, however often it is told of. Any thread.

    Those that go on are kept so that their cells are brought up to date, and the newest one, so that it can
    be asked for; whichever else is over is forgotten.

    Parameters
    ----------
    stop
        Asks the engine to stop one, by its id, and returns the status after that.
    watch
        Makes what tells whether the present engine is still there.
    """

    def __init__(self, stop: Stop, watch: Watch) -> None:
        self._stop = stop
        self._watch = watch
        self._running: dict[str, Recording] = {}
        self._newest: Recording | None = None
        self._newest_began_s = float("-inf")
        self._lock = threading.Lock()

    @property
    def newest(self) -> Recording | None:
        """The one that began last, whether it goes on or not."""
        return self._newest

    def begun(self, status: RecordingStatus) -> Recording:
        """The recording of this status, which is the newest one."""
        with self._lock:
            if self._newest is None or self._newest.id != status.id:
                self._newest = Recording(status, self._stop, self._watch())
                self._newest_began_s = status.started_at_s
                if not self._newest.is_over:
                    self._running[status.id] = self._newest
            return self._newest

    def follow(self, state: CallState) -> None:
        """What the engine says of all that it still tells of."""
        newest = state.recording
        # a state may be told that is older than what `begun` was told on another thread
        if newest is not None and newest.started_at_s >= self._newest_began_s:
            self.begun(newest)
        for status in (*state.recordings, *(() if newest is None else (newest,))):
            if (recording := self._running.get(status.id)) is not None:
                recording.update(status)
        with self._lock:
            self._running = {key: each for key, each in self._running.items() if not each.is_over}

    def forget(self) -> list[Recording]:
        """Those that went on, of which nothing more will be told."""
        with self._lock:
            forgotten, self._running = list(self._running.values()), {}
        return forgotten
