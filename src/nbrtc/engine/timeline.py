"""Where the frames of two feeds lie in one file.

RTP counts each track from an origin of its own. Sender reports tie both to the sender's clock, which is what
keeps lips and voice together; the time of arrival stands in while a report is missing and tells whether a
jump of either clock is real.
"""

from dataclasses import dataclass

from nbrtc.engine.feed import EncodedFrame, Kind, SenderReport

_JUMP_S = 3.0
"""RTP time and arrival that part by more than this between two frames are no jitter."""
_STEP_S = 2.0
"""A report further than this from the track's time shows a clock that was set, not one that drifts."""
_SLEW_S = 0.0005
"""Correction a frame: audio moves by at most 25 ms a second, below what anybody hears."""


@dataclass(slots=True)
class _Clock:
    """Ties one feed's RTP time to the file: file time = media time + offset."""

    offset_s: float
    timestamp: int
    arrived_s: float


class Timeline:
    """Gives frames their time in the file. One thread.

    Parameters
    ----------
    arrived_s
        `time.monotonic` that is the file's zero: the arrival of its first frame.
    """

    def __init__(self, arrived_s: float) -> None:
        self._zero_s = arrived_s
        self._ntp_zero_s: float | None = None
        self._clocks: dict[Kind, _Clock] = {}
        self._last_ms: dict[Kind, int] = {}

    def switch(self) -> None:
        """Go on with other feeds, perhaps of another sender: only arrival links them to what came before."""
        self._ntp_zero_s = None
        self._clocks.clear()

    def place(self, frame: EncodedFrame, report: SenderReport | None) -> int | None:
        """Return the frame's time in ms, later than the last of its kind; None if it lies before zero."""
        media_s = frame.timestamp / frame.clock_rate
        clock = self._clocks.get(frame.kind)
        fresh = clock is None or _jumped(clock, frame, reported=report is not None)
        if clock is None or fresh:
            clock = _Clock(frame.arrived_s - self._zero_s - media_s, frame.timestamp, frame.arrived_s)
            self._clocks[frame.kind] = clock
        clock.timestamp, clock.arrived_s = frame.timestamp, frame.arrived_s
        if report is not None:
            self._follow(clock, frame, report, fresh=fresh)
        time_ms = round((media_s + clock.offset_s) * 1000)
        if time_ms < 0:
            return None
        time_ms = max(time_ms, self._last_ms.get(frame.kind, -1) + 1)
        self._last_ms[frame.kind] = time_ms
        return time_ms

    def _follow(self, clock: _Clock, frame: EncodedFrame, report: SenderReport, *, fresh: bool) -> None:
        """Bring the track's offset to what the sender says: at once at its start, gently afterwards."""
        captured_s = report.ntp_s + (frame.timestamp - report.timestamp) / frame.clock_rate
        time_s = frame.timestamp / frame.clock_rate + clock.offset_s
        if self._ntp_zero_s is None:
            self._ntp_zero_s = captured_s - time_s
        error_s = captured_s - self._ntp_zero_s - time_s
        if abs(error_s) <= _STEP_S:
            clock.offset_s += error_s if fresh else max(-_SLEW_S, min(_SLEW_S, error_s))
            return
        late_s = frame.arrived_s - self._zero_s - time_s
        if abs(late_s - error_s) < abs(late_s):
            clock.offset_s += error_s  # RTP time stood still or ran off, and arrival agrees with the report
        else:
            self._ntp_zero_s += error_s  # the sender's wall clock was set; the media went on


def _jumped(clock: _Clock, frame: EncodedFrame, *, reported: bool) -> bool:
    """Tell whether RTP time leapt. A late frame is no leap where a report vouches for the sender's clock."""
    passed_s = (frame.timestamp - clock.timestamp) / frame.clock_rate
    late_s = frame.arrived_s - clock.arrived_s - passed_s
    return passed_s < 0 or late_s < -_JUMP_S or (late_s > _JUMP_S and not reported)
