"""The user's callbacks on a call's phases: on a thread of their own, in order, failing alone."""

import contextlib
import queue
import threading
from collections.abc import Callable

from .messages import Phase

MAX_WAITING = 256
"""Phases waiting for slow callbacks; beyond this the oldest are dropped."""

Callback = Callable[[Phase], object]


class PhaseCallbacks:
    """Calls every registered callback with each phase.

    Parameters
    ----------
    on_error
        Told the callback and its error, on the callbacks' thread.
    """

    def __init__(self, on_error: Callable[[Callback, BaseException], None]) -> None:
        self._on_error = on_error
        self._callbacks: dict[object, Callback] = {}
        self._waiting: queue.Queue[Phase] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None

    def add(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` from the next phase on; the returned function ends that and may be called twice."""
        if not callable(callback):
            raise TypeError(f"A callback is a function of the new state, not {callback!r}.")
        registration = object()  # the same function may be registered twice; each stop ends its own
        self._callbacks[registration] = callback

        def stop() -> None:
            self._callbacks.pop(registration, None)

        return stop

    def put(self, phase: Phase) -> None:
        """A new phase, from one thread at a time; returns at once. After ``closed`` the thread ends."""
        if self._thread is None:
            if not self._callbacks:
                return
            self._thread = threading.Thread(target=self._run, name="nbrtc-callbacks", daemon=True)
            self._thread.start()
        while True:
            try:
                self._waiting.put_nowait(phase)
                return
            except queue.Full:
                with contextlib.suppress(queue.Empty):  # the thread may have been quicker
                    self._waiting.get_nowait()

    def _run(self) -> None:
        phase: Phase | None = None
        while phase != "closed":
            phase = self._waiting.get()
            for registration in list(self._callbacks):
                if (callback := self._callbacks.get(registration)) is None:
                    continue  # an earlier callback stopped it
                try:
                    callback(phase)
                except BaseException as error:  # noqa: BLE001  SystemExit would end the thread without a word
                    self._on_error(callback, error)
