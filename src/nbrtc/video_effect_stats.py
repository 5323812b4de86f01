"""What a video effect does with its frames, as data."""

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

KEPT_FRAMES = 1000
"""The oldest rows are forgotten beyond this; the counts go on."""


class EffectRow(NamedTuple):
    """One frame that the function got."""

    number: int
    """Counts the camera's frames."""
    wait_s: float
    """Age of the frame when the function got it, in seconds since the engine received it."""
    run_s: float
    """How long the function took, with the conversion of pictures."""
    sent_s: float | None = None
    """Age of the frame when its result was sent; None where another one was sent instead, or none yet."""
    dropped: int = 0
    """Frames before it that the function was too slow for."""
    error: bool = False
    """The function raised, or returned something else than a picture."""
    timestamp: int = -1
    """RTP timestamp of the frame."""


class VideoEffectStats:
    """How a video effect does since it was set: counts of everything, and a row for each of its last frames.

    Thread-safe.

    Parameters
    ----------
    name
        The function, as a person knows it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._rows: deque[EffectRow] = deque(maxlen=KEPT_FRAMES)
        self._lock = threading.Lock()
        self._frames = self._dropped = self._errors = self._sent = 0
        self._began_s: float | None = None

    @property
    def frames(self) -> int:
        """Pictures that the function made."""
        return self._frames

    @property
    def dropped(self) -> int:
        """Frames of the camera that it was too slow for."""
        return self._dropped

    @property
    def errors(self) -> int:
        """Frames for which it raised or returned something else than a picture."""
        return self._errors

    @property
    def sent(self) -> int:
        """Pictures that are known to have been sent; the newest one wins where the network is slower."""
        return self._sent

    @property
    def wait_s(self) -> float | None:
        """Of the last frame: its age when the function got it; None before the first."""
        return self._rows[-1].wait_s if self._rows else None

    @property
    def run_s(self) -> float | None:
        """Of the last frame: how long the function took; None before the first."""
        return self._rows[-1].run_s if self._rows else None

    @property
    def sent_s(self) -> float | None:
        """Of the last result that was sent: the age of its frame then; None before the first."""
        with self._lock:
            return next((row.sent_s for row in reversed(self._rows) if row.sent_s is not None), None)

    @property
    def working_s(self) -> float:
        """How long the function has been working on the present frame, in seconds; 0 while it waits for one.

        It grows where the function does not return. Always 0 of one that runs beside the engine.
        """
        began_s = self._began_s
        return 0.0 if began_s is None else time.monotonic() - began_s

    def begin(self) -> None:
        """The function gets a frame now."""
        self._began_s = time.monotonic()

    def add(self, row: EffectRow) -> None:
        """The function is done with a frame."""
        with self._lock:
            self._began_s = None
            self._rows.append(row)
            self._dropped += row.dropped
            if row.error:
                self._errors += 1
            else:
                self._frames += 1
            self._sent += row.sent_s is not None

    def mark_sent(self, timestamp: int, sent_s: float) -> None:
        """The engine sent the result of the frame with this RTP timestamp. Known timestamps count once."""
        with self._lock:
            for place in range(len(self._rows) - 1, -1, -1):
                row = self._rows[place]
                if row.timestamp == timestamp:
                    if row.sent_s is None:
                        self._rows[place] = row._replace(sent_s=sent_s)
                        self._sent += 1
                    return
                if row.timestamp < timestamp:
                    return

    def rows(self) -> list[EffectRow]:
        """Of the last `KEPT_FRAMES` frames that the function got, oldest first."""
        with self._lock:
            return list(self._rows)

    def to_frame(self) -> "pd.DataFrame":
        """The last 1,000 frames that the function got, a row each.

        Returns
        -------
        pandas.DataFrame
            ``wait_s``, ``run_s`` and ``sent_s`` in seconds (see `EffectRow`), ``dropped``, ``error``; the
            index is the frame's number.
        """
        import pandas as pd

        columns = ["number", "wait_s", "run_s", "sent_s", "dropped", "error"]
        rows = [row[: len(columns)] for row in self.rows()]
        table = pd.DataFrame(rows, columns=columns).set_index("number")
        return table.astype({"sent_s": float, "wait_s": float, "run_s": float, "dropped": int, "error": bool})

    def __repr__(self) -> str:
        def ms(value: float | None) -> str:
            return "unknown" if value is None else f"{1000 * value:.0f} ms"

        return (
            f"<nbrtc.VideoEffectStats {self.name}: {self.frames} pictures, {self.dropped} dropped, "
            f"{self.errors} errors; waits {ms(self.wait_s)}, runs {ms(self.run_s)}, "
            f"sent at {ms(self.sent_s)}>"
        )
