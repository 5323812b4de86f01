"""Where the frames of one participant lie in one file.

RTP counts each track from an origin of its own. What ties the tracks together is the sender's capture clock,
which frames or sender reports tell: that is lips and voice. What ties people together is the time of arrival
here. Of that the smallest delay within some seconds counts, because delays only ever add; the file's time
follows it so gently that nobody hears it. Where nobody tells a capture clock, arrival takes its place for
each track.

Frames are placed at once, and the beginning of a track is provisional: what is learned within its first ten
seconds (a report that comes late, a first frame that was) moves it as a whole, also what is written already.
"""

import math
from typing import NamedTuple

from nbrtc.engine.feed import EncodedFrame, Kind, SenderReport
from nbrtc.engine.media_clock import QUIET_S, STALL_S, WINDOW_S, DelayWindow, MediaClock, told_capture_s

_WINDOW_FRAMES = 10
"""A window with fewer tells nothing."""
_LOOK_S = 0.5
_SMALL_S = 0.003
"""Not worth moving what is written."""
_VOUCHED_S = 10.0
"""A delay up to this is believed of a frame where the sender's clock says so."""
_BELIEVED_S = 2.0
"""A capture clock that makes one track this much later than the other is wrong."""
_CLOCK_STEP_S = 0.05
"""A capture clock that moves by more at once was set, or RTP time stood still."""
_SLEW = 0.01
"""Of the time that passes: how fast a track follows its capture clock. Nobody hears it."""
_DRIFT = 0.0005
"""Of the time that passes: how fast the file follows arrival. Clocks deviate by up to 0.0001."""
_FAST_DRIFT = 0.005
_FAR_S = 0.05
"""An error above which the file follows arrival faster."""


class Move(NamedTuple):
    """Frames of a track from a time on lie elsewhere than was said."""

    kind: Kind
    since_ms: int
    by_ms: int


class Timeline:
    """Gives frames their time in the file. One thread; `start_s` may be read by any."""

    def __init__(self) -> None:
        self._zero_s: float | None = None
        self._began = False
        self._clocks: dict[Kind, MediaClock] = {}
        self._shared_s: float | None = None  # file time minus capture time, of all tracks that tell it
        self._windows: dict[Kind, DelayWindow] = {}
        self._usual_s: dict[Kind, float] = {}  # the delay that each track's windows are held to
        self._start_low_s: float | None = None
        self._first_s = 0.0
        self._looked_s = -math.inf
        self._last_ms: dict[Kind, int] = {}
        self._moves: list[Move] = []

    @property
    def start_s(self) -> float | None:
        """`time.monotonic` of the file's zero, cleaned of jitter; None before the first frame."""
        if self._zero_s is None:
            return None
        low_s = self._start_low_s
        if low_s is None:
            low_s = min((clock.low_s for clock in list(self._clocks.values())), default=0.0)
        return self._zero_s + low_s

    def place(self, frame: EncodedFrame, report: SenderReport | None) -> int:
        """Return the frame's time in ms, later than the last of its kind; the first frame's is 0.

        Until `begin` times may be negative: what was captured before the first frame arrived later.
        """
        if self._zero_s is None:
            self._zero_s = self._first_s = frame.arrived_s
        media_s = frame.timestamp / frame.clock_rate
        told_s = told_capture_s(frame, media_s, report)
        clock = self._clocks.get(frame.kind)
        self._look(frame.arrived_s)
        if clock is None or clock.leaps(media_s, frame.arrived_s):
            clock = self._start(frame, media_s, told_s, clock)
        else:
            if told_s is not None and told_s != clock.told_s:
                self._hear(frame.kind, clock, frame.arrived_s, told_s)
            self._slew(clock, media_s)
            clock.media_s, clock.arrived_s = media_s, frame.arrived_s
        self._measure(frame.kind, clock)
        return self._rise(frame.kind, round((media_s + clock.offset_s) * 1000))

    def moves(self) -> list[Move]:
        """What has to move before the frame that was placed last, which needs no move."""
        moves, self._moves = self._moves, []
        return moves

    def begin(self, time_ms: int) -> None:
        """Let this time be the file's zero. What is from before it will lie as close behind it as it can."""
        assert self._zero_s is not None
        self._zero_s += time_ms / 1000
        for clock in self._clocks.values():
            clock.offset_s -= time_ms / 1000
            clock.since_ms -= time_ms
            if clock.floor_ms is not None:
                clock.floor_ms -= time_ms
        self._last_ms = {kind: last_ms - time_ms for kind, last_ms in self._last_ms.items()}
        if self._shared_s is not None:
            self._shared_s -= time_ms / 1000
        self._began = True

    def switch(self) -> None:
        """Go on with other feeds, perhaps of another sender: only arrival links them to what came before."""
        if self._start_low_s is None and self._clocks:
            self._start_low_s = min(clock.low_s for clock in self._clocks.values())
        self._shared_s = None
        self._clocks.clear()
        self._windows.clear()
        self._usual_s.clear()

    # --- one frame -------------------------------------------------------------------------------------

    def _start(
        self, frame: EncodedFrame, media_s: float, told_s: float | None, earlier: MediaClock | None
    ) -> MediaClock:
        """Tie a track to the file, at its beginning and after a leap."""
        arrived_s = self._file_s(frame.arrived_s)
        by_arrival_s = arrived_s - (self._reference_s(frame.kind) or 0.0) - media_s
        if earlier is not None and frame.arrived_s - earlier.arrived_s > QUIET_S and self._is_quiet(frame):
            self._shared_s = None
            for clock in self._clocks.values():
                clock.capture_s = None
        offset_s, capture_s = by_arrival_s, None
        if told_s is not None:
            if self._shared_s is None:
                self._shared_s = by_arrival_s - told_s
            if abs(told_s + self._shared_s - by_arrival_s) <= _VOUCHED_S:
                offset_s, capture_s = told_s + self._shared_s, told_s
        time_ms = self._bounded(frame.kind, round((media_s + offset_s) * 1000))
        started = MediaClock(
            offset_s,
            media_s,
            frame.arrived_s,
            began_s=frame.arrived_s,
            since_ms=time_ms,
            floor_ms=self._last_ms.get(frame.kind),
            low_s=arrived_s - media_s - offset_s,
            told_s=told_s,
            capture_s=capture_s,
        )
        self._clocks[frame.kind] = started
        self._windows.pop(frame.kind, None)
        return started

    def _hear(self, kind: Kind, clock: MediaClock, arrived_s: float, told_s: float) -> None:
        """Take what the sender newly says about its clock."""
        step_s = 0.0 if clock.told_s is None else told_s - clock.told_s
        clock.told_s = told_s
        if clock.capture_s is None:
            if self._shared_s is None:
                self._shared_s = clock.offset_s - told_s
            if self._is_plausible(kind, clock, told_s):
                clock.capture_s = told_s
        elif abs(step_s) <= _CLOCK_STEP_S:
            clock.capture_s += step_s
        else:
            usual_s = self._reference_s(kind) or 0.0
            late_s = self._file_s(arrived_s) - clock.media_s - clock.offset_s - usual_s
            if abs(late_s - step_s) < abs(late_s):
                clock.capture_s += step_s  # RTP time stood still or ran off, and arrival agrees
            # Else the sender's clock was set, and the media went on.

    def _slew(self, clock: MediaClock, media_s: float) -> None:
        """Go a little of the way to where the track should be."""
        error_s = clock.owed_s
        if clock.capture_s is not None and self._shared_s is not None:
            error_s = clock.capture_s + self._shared_s - clock.offset_s
        most_s = _SLEW * min(1.0, media_s - clock.media_s)
        step_s = max(-most_s, min(most_s, error_s))
        clock.offset_s += step_s
        clock.owed_s = error_s - step_s

    def _measure(self, kind: Kind, clock: MediaClock) -> None:
        """Take the frame's delay into the minima, and follow arrival when a window is full."""
        clock.frames += 1
        delay_s = self._file_s(clock.arrived_s) - clock.media_s - clock.offset_s
        if clock.provisional:
            clock.low_s = min(clock.low_s, delay_s)
        window = self._windows.setdefault(kind, DelayWindow(clock.arrived_s))
        if clock.arrived_s - window.since_s >= WINDOW_S:
            self._windows[kind] = DelayWindow(clock.arrived_s, delay_s, 1)
            if window.frames >= _WINDOW_FRAMES:
                self._close(kind, clock, window)
            return
        window.low_s = min(window.low_s, delay_s)
        window.frames += 1

    def _rise(self, kind: Kind, time_ms: int) -> int:
        time_ms = self._bounded(kind, time_ms)
        self._last_ms[kind] = time_ms
        return time_ms

    def _bounded(self, kind: Kind, time_ms: int) -> int:
        last_ms = self._last_ms.get(kind)
        if last_ms is not None:
            time_ms = max(time_ms, last_ms + 1)
        return max(time_ms, 0) if self._began else time_ms

    # --- the beginnings --------------------------------------------------------------------------------

    def _look(self, now_s: float) -> None:
        """Put right what is provisional."""
        if now_s - self._looked_s < _LOOK_S:
            return
        self._looked_s = now_s
        if self._start_low_s is None and self._clocks and now_s - self._first_s > WINDOW_S:
            self._start_low_s = min(clock.low_s for clock in self._clocks.values())
        for kind, clock in sorted(self._clocks.items(), key=lambda item: item[1].began_s):
            if clock.provisional:
                by_s = self._correction_s(kind, clock)
                if abs(by_s) >= _SMALL_S:
                    self._correct(kind, clock, by_s)

    def _correction_s(self, kind: Kind, clock: MediaClock) -> float:
        if clock.capture_s is not None and self._shared_s is not None:
            if self._is_plausible(kind, clock, clock.capture_s) or clock.arrived_s - clock.began_s < STALL_S:
                return clock.capture_s + self._shared_s - clock.offset_s
            clock.capture_s = None
        reference_s = self._reference_s(kind)
        return 0.0 if reference_s is None else clock.low_s - reference_s

    def _correct(self, kind: Kind, clock: MediaClock, by_s: float) -> None:
        by_ms = round(by_s * 1000)
        if self._has_room(clock, by_ms):
            self._shift(kind, clock, by_ms)
            return
        others = [(each, other) for each, other in self._clocks.items() if other is not clock]
        if all(other.provisional for _, other in others):
            for each, other in others:
                self._shift(each, other, -by_ms)
            if clock.capture_s is not None and self._shared_s is not None:
                self._shared_s -= by_ms / 1000

    def _has_room(self, clock: MediaClock, by_ms: int) -> bool:
        """Whether a track's beginning may be moved there without meeting what is before it."""
        if clock.floor_ms is not None:
            return clock.since_ms + by_ms > clock.floor_ms
        return not self._began or clock.since_ms + by_ms >= 0

    def _shift(self, kind: Kind, clock: MediaClock, by_ms: int) -> None:
        self._moves.append(Move(kind, clock.since_ms, by_ms))
        clock.offset_s += by_ms / 1000
        clock.low_s -= by_ms / 1000
        clock.since_ms += by_ms
        self._last_ms[kind] += by_ms
        if kind in self._windows:
            self._windows[kind].low_s -= by_ms / 1000

    def _is_plausible(self, kind: Kind, clock: MediaClock, capture_s: float) -> bool:
        """Whether the track, placed by this capture clock, would be about as late as is usual."""
        if self._shared_s is None:
            return True
        reference_s, by_s = self._reference_s(kind), capture_s + self._shared_s - clock.offset_s
        if reference_s is None:
            return abs(by_s) <= _VOUCHED_S
        return abs(clock.low_s - by_s - reference_s) <= _BELIEVED_S

    def _reference_s(self, kind: Kind) -> float | None:
        """The smallest delay that a track should have: its own, or that of the one that was there first."""
        if kind in self._usual_s:
            return self._usual_s[kind]
        own = self._clocks.get(kind)
        for each, other in self._clocks.items():
            if each != kind and (own is None or other.began_s < own.began_s):
                return self._usual_s.get(each, other.low_s)
        return self._start_low_s

    # --- drift -----------------------------------------------------------------------------------------

    def _close(self, kind: Kind, clock: MediaClock, window: DelayWindow) -> None:
        """Compare a window's smallest delay with the usual one, and let the file follow."""
        is_shared = clock.capture_s is not None and self._shared_s is not None
        if kind not in self._usual_s:
            reference_s = None if is_shared else self._reference_s(kind)
            self._usual_s[kind] = window.low_s if reference_s is None else reference_s
            return
        error_s = window.low_s - self._usual_s[kind]
        if is_shared and kind == "video" and self._follows_sound(clock.arrived_s):
            return
        if error_s > STALL_S:
            clock.offset_s += error_s  # RTP time is too slow to be any clock's: at least it is not early
        else:
            rate = _DRIFT if abs(error_s) <= _FAR_S else _FAST_DRIFT
            error_s = max(-rate * WINDOW_S, min(rate * WINDOW_S, error_s))
            clock.owed_s = error_s
        if is_shared and self._shared_s is not None:
            self._shared_s += error_s

    def _follows_sound(self, now_s: float) -> bool:
        """Sound varies less on its way; while it comes it alone says how the clocks drift."""
        sound = self._clocks.get("audio")
        return sound is not None and sound.capture_s is not None and now_s - sound.arrived_s < WINDOW_S

    def _is_quiet(self, frame: EncodedFrame) -> bool:
        return all(
            frame.arrived_s - clock.arrived_s > QUIET_S
            for kind, clock in self._clocks.items()
            if kind != frame.kind
        )

    def _file_s(self, monotonic_s: float) -> float:
        assert self._zero_s is not None
        return monotonic_s - self._zero_s
