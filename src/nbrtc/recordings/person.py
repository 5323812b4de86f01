"""Somebody in a recording: their files, read as pictures and sound by the recording's own time."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbrtc.recordings.recorded_frame import RecordedFrame

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 48_000
"""Samples a second of everything that is decoded."""
HOLD_S = 3.0
"""A picture stands for so long at most when no other follows."""
SNAP_SAMPLES = RATE // 50
"""Sound that is off its place by less is appended instead: times in files are whole milliseconds."""
RATES = (8_000, 192_000)


class Stretch(NamedTuple):
    """One file of somebody, and where it lies in the recording."""

    path: Path
    start_s: float
    """Where its time zero lies."""
    duration_s: float
    """0 where it is not known."""
    has_video: bool = True
    has_audio: bool = True


class Standing(NamedTuple):
    """From when on somebody's picture was there, or was not."""

    time_s: float
    is_shown: bool


class PersonRecording:
    """What a recording has of one participant. Any thread may read; each reader opens the files anew.

    Made by `nbrtc.open_recording`. Times are seconds since the recording began. Whoever left and came back
    under the same name is one person.

    Parameters
    ----------
    ids
        As in the manifest; the first join's first.
    name
        As the participant wished to be called.
    stretches
        Their files, in any order.
    duration_s
        Of the whole recording.
    standings
        When there was a camera, a screen or a source of pictures, in the order of time; without any there is
        taken to be one.
    presence
        From when to when they were there; None: to the end.
    """

    def __init__(
        self,
        ids: Sequence[str],
        name: str,
        stretches: Sequence[Stretch],
        duration_s: float,
        standings: Sequence[Standing] = (),
        presence: Sequence[tuple[float, float | None]] = (),
    ) -> None:
        self._ids = tuple(ids)
        self._name = name
        self._stretches = sorted(stretches, key=lambda stretch: stretch.start_s)
        self._duration_s = duration_s
        self._standings = tuple(standings)
        self._presence = tuple(presence)

    @property
    def id(self) -> str:
        """Participant id; ``"you"`` is whoever recorded, ``"film"`` a file that stands alone."""
        return self._ids[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """One for each join."""
        return self._ids

    @property
    def name(self) -> str:
        """As they wished to be called."""
        return self._name

    @property
    def files(self) -> list[Path]:
        """Their files in the order of time; none of whoever was left out."""
        return [stretch.path for stretch in self._stretches]

    @property
    def presence(self) -> tuple[tuple[float, float | None], ...]:
        """From when to when they were in the call, in seconds; None: to the recording's end."""
        return self._presence

    def frames(
        self,
        from_s: float = 0.0,
        to_s: float | None = None,
        every_s: float | None = None,
        size: tuple[int, int] | None = None,
    ) -> Iterator[RecordedFrame]:
        """Their pictures in the order of time, one in memory at a time.

        Parameters
        ----------
        from_s, to_s
            Pictures from the first time to before the second; None goes to the end.
        every_s
            Only the first picture of every so many seconds; None gives all.
        size
            (width, height) that their arrays are scaled to; None for their own.

        Raises
        ------
        ValueError
            For times or sizes that make no sense.
        RecordingError
            If a file cannot be read, when the first picture of it is asked for.
        """
        check_span(from_s, to_s)
        if every_s is not None and not every_s > 0:
            raise ValueError(f"every_s is a number of seconds above 0, not {every_s!r}.")
        if size is not None and not _is_size(size):
            raise ValueError(f"size is (width, height) in pixels, not {size!r}.")
        return self._frames(from_s, to_s, every_s, size)

    def _frames(
        self, from_s: float, to_s: float | None, every_s: float | None, size: tuple[int, int] | None
    ) -> Iterator[RecordedFrame]:
        from nbrtc.recordings.decoding import pictures

        next_s = from_s
        for stretch in self._within(from_s, to_s):
            if not stretch.has_video:
                continue
            with closing(pictures(stretch.path, max(0.0, 1000 * (from_s - stretch.start_s)))) as decoded:
                for time_ms, picture in decoded:
                    time_s = round(stretch.start_s + time_ms / 1000, 6)
                    if to_s is not None and time_s >= to_s:
                        break
                    if time_s < next_s:
                        continue
                    if every_s is not None:
                        next_s = from_s + every_s * (int((time_s - from_s) / every_s + 1e-9) + 1)
                    yield RecordedFrame(time_s, picture, size)

    def frame(self, time_s: float, size: tuple[int, int] | None = None) -> "NDArray[np.uint8] | None":
        """The picture that stood at this time: (height, width, 3) uint8 RGB; None where there was none.

        There is none while camera and screen are off and no ``video_source`` takes their place, and from 3 s
        after the last one. Each call decodes from the keyframe before: for many pictures `frames` is faster.

        Raises
        ------
        ValueError
            For a time below 0.
        RecordingError
            If a file cannot be read.
        """
        check_span(time_s, None)
        if not self._is_shown(time_s):
            return None
        # the picture at exactly this time counts, and none of those after it
        before = self.frames(max(0.0, time_s - HOLD_S), time_s + 1e-6, size=size)
        last = deque(before, maxlen=1)
        return last[0].to_ndarray() if last else None

    def audio(
        self, from_s: float = 0.0, to_s: float | None = None, rate: int = RATE
    ) -> "NDArray[np.float32]":
        """Their sound: (samples, 2) float32 from -1 to 1, silence where there is none.

        Sample ``n`` is heard at ``from_s + n / rate``. Only the range that is asked for is decoded, but all
        of it is in memory: an hour at 48 kHz takes 1.4 GB.

        Raises
        ------
        ValueError
            For times or rates that make no sense.
        RecordingError
            If a file cannot be read.
        """
        import numpy as np

        from nbrtc.recordings.decoding import sounds

        end_s = self._duration_s if to_s is None else to_s
        check_span(from_s, to_s)
        if not RATES[0] <= rate <= RATES[1]:
            raise ValueError(
                f"rate is a number of samples a second from {RATES[0]} to {RATES[1]}, not {rate!r}."
            )
        heard = np.zeros((max(0, round((end_s - from_s) * RATE)), 2), np.float32)
        for stretch in self._within(from_s, end_s):
            if not stretch.has_audio:
                continue
            start_ms = max(0.0, 1000 * (from_s - stretch.start_s))
            offset, follows = (stretch.start_s - from_s) * RATE, None
            with closing(sounds(stretch.path, start_ms)) as decoded:
                for time_ms, samples in decoded:
                    at = round(offset + time_ms * RATE / 1000)
                    if follows is not None and abs(at - follows) <= SNAP_SAMPLES:
                        at = follows
                    follows = at + len(samples)
                    if at >= len(heard):
                        break
                    begin = max(0, -at)
                    section = heard[at + begin : max(0, at + len(samples))]
                    section[:] = samples[begin : begin + len(section)]
        return heard if rate == RATE else _resampled(heard, rate)

    def _within(self, from_s: float, to_s: float | None) -> list[Stretch]:
        """The files that may have something of this time; the length of a file is not always known."""
        return [
            stretch
            for stretch in self._stretches
            if (to_s is None or stretch.start_s < to_s)
            and (not stretch.duration_s or stretch.start_s + stretch.duration_s + HOLD_S >= from_s)
        ]

    def _is_shown(self, time_s: float) -> bool:
        before = [standing for standing in self._standings if standing.time_s <= time_s]
        return before[-1].is_shown if before else True

    def __repr__(self) -> str:
        count = len(self._stretches)
        files = "left out" if not count else f"{count} file{'' if count == 1 else 's'}"
        return f"<nbrtc.PersonRecording {self._name!r} ({self.id}): {files}>"


def _is_size(size: Any) -> bool:
    try:
        width, height = size
        return bool(width >= 1 and height >= 1)
    except (TypeError, ValueError):
        return False


def check_span(from_s: float, to_s: float | None) -> None:
    """Refuse times that make no sense (`TypeError`, `ValueError`)."""
    times: tuple[object, ...] = (from_s, 0.0 if to_s is None else to_s)
    for time_s in times:
        if not isinstance(time_s, Real):
            raise TypeError(f"A time is a number of seconds since the recording began, not {time_s!r}.")
    if not from_s >= 0:
        raise ValueError(f"A recording begins at 0 s: {from_s!r} is before that.")
    if to_s is not None and not to_s >= from_s:
        raise ValueError(f"to_s is {to_s!r}, which is before from_s, {from_s!r}.")


def _resampled(heard: "NDArray[np.float32]", rate: int) -> "NDArray[np.float32]":
    """The same sound at another rate, as long to the sample."""
    import numpy as np
    from av import AudioFrame, AudioResampler

    resampler = AudioResampler("fltp", "stereo", rate)
    parts: list[NDArray[Any]] = []
    for begin in range(0, len(heard), RATE):
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(heard[begin : begin + RATE].T), "fltp", "stereo")
        frame.sample_rate, frame.pts = RATE, begin
        parts += [part.to_ndarray().T for part in resampler.resample(frame)]
    if parts:
        parts += [part.to_ndarray().T for part in resampler.resample(None)]
    length = round(len(heard) * rate / RATE)
    found = np.concatenate(parts)[:length] if parts else np.zeros((0, 2), np.float32)
    return np.concatenate([found, np.zeros((length - len(found), 2), np.float32)])
