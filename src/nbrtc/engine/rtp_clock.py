"""One RTP time for a track that is fed by turns: the camera's frames, Python's pictures, repetitions."""

CLOCK_RATE = 90_000
JUMP_TICKS = 2 * CLOCK_RATE
"""A source that is further from the track's time than this has a time of its own, as after a reconnection."""


class RtpClock:
    """Stamps that always grow, and as fast as time does; receivers derive their delay from that."""

    def __init__(self) -> None:
        self._last = -1
        self._last_s: float | None = None
        self._shift = 0

    def stamp(self, timestamp: int | None, now_s: float) -> int:
        """The track's time for the next frame.

        Parameters
        ----------
        timestamp
            The frame's own RTP time, unwrapped, in 1/90000 s; None for a picture that is shown again.
        now_s
            `time.monotonic`.
        """
        if self._last_s is None:
            stamp = timestamp or 0
        else:
            expected = self._last + round(CLOCK_RATE * (now_s - self._last_s))
            if timestamp is None:
                stamp = expected
            else:
                if abs(timestamp + self._shift - expected) > JUMP_TICKS:
                    self._shift = expected - timestamp
                stamp = timestamp + self._shift
        self._last, self._last_s = max(stamp, self._last + 1), now_s
        return self._last
