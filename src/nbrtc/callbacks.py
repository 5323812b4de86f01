"""The user's callbacks on what happens in a call: on one thread of their own, in order, failing alone."""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, Literal

MAX_WAITING = 256
"""News waiting for slow callbacks; beyond this the oldest is dropped."""

Kind = Literal["state", "chat", "joined", "left"]
Callback = Callable[[Any], object]

ARGUMENTS: dict[Kind, str] = {
    "state": "the new state",
    "chat": "the new ChatMessage",
    "joined": "the Participant who joined",
    "left": "the Participant who left",
}


News = tuple[Kind, object]
CLOSED: News = ("state", "closed")
"""Nothing comes after this; the thread ends with it."""


class Callbacks:
    """Calls every callback that was registered for a kind of news with each piece of it.

    Parameters
    ----------
    on_error
        Told the callback and its error, on the callbacks' thread.
    """

    def __init__(self, on_error: Callable[[Callback, BaseException], None]) -> None:
        self._on_error = on_error
        self._callbacks: dict[object, tuple[Kind, Callback]] = {}
        self._waiting: queue.Queue[News] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_over = False

    def add(self, kind: Kind, callback: Callback) -> Callable[[], None]:
        """Call `callback` from the next news on; the returned function ends that and may be called twice."""
        if not callable(callback):
            raise TypeError(f"A callback is a function of {ARGUMENTS[kind]}, not {callback!r}.")
        registration = object()  # the same function may be registered twice; each stop ends its own
        self._callbacks[registration] = kind, callback

        def stop() -> None:
            self._callbacks.pop(registration, None)

        return stop

    def put(self, kind: Kind, value: object) -> None:
        """News, from any thread; returns at once. After the state ``closed`` the thread ends."""
        news = (kind, value)
        with self._lock:
            if self._is_over:
                return
            self._is_over = news == CLOSED
            if self._thread is None:
                if not self._callbacks:
                    return
                self._thread = threading.Thread(target=self._run, name="nbrtc-callbacks", daemon=True)
                self._thread.start()
        while True:
            try:
                self._waiting.put_nowait(news)
                return
            except queue.Full:
                with contextlib.suppress(queue.Empty):  # the thread may have been quicker
                    self._waiting.get_nowait()

    def _run(self) -> None:
        news: News | None = None
        while news != CLOSED:
            kind, value = news = self._waiting.get()
            for registration in list(self._callbacks):
                wanted, callback = self._callbacks.get(registration, (None, None))
                if callback is None or wanted != kind:
                    continue  # it is for something else, or an earlier callback stopped it
                try:
                    callback(value)
                except BaseException as error:  # noqa: BLE001  SystemExit would end the thread without a word
                    self._on_error(callback, error)
