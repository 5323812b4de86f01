"""What is known of one connection and its problems."""

from collections.abc import Iterator

from nbrtc.messages import StatsSample
from nbrtc.stats.findings.beat import Beat
from nbrtc.stats.findings.circumstances import Circumstances
from nbrtc.stats.findings.course import Course, Sign
from nbrtc.stats.findings.period import Period
from nbrtc.stats.findings.rules_media import MEDIA_RULES
from nbrtc.stats.findings.rules_path import PATH_RULES
from nbrtc.stats.findings.scene import Key, Scene

BEAT_S = 0.9
"""Polls that come sooner are passed over: what is judged takes a second, however often it is polled."""
PAUSE_S = 60.0
"""After a longer one (a computer that slept) nothing is compared with what was before."""

RULES = (*PATH_RULES, *MEDIA_RULES)


class Docket:
    """Takes the polls of one connection in the order of time. Not for several threads.

    Parameters
    ----------
    peer
        Whose connection.
    around
        The circumstances of the whole call.
    """

    def __init__(self, peer: str, around: Circumstances) -> None:
        self.heard_at_s = float("-inf")
        """Unix time of the newest poll."""
        self._base: StatsSample | None = None
        self._began_at_s = self._turned_at_s = 0.0
        self._turns = 0
        self._courses: dict[Key, Course] = {}
        self._around = around
        self._scene = Scene(peer, around, self._is_on)
        self._peer = peer

    def add(self, sample: StatsSample) -> None:
        """A poll. One of an older generation than the newest is late, and not looked at."""
        base = self._base
        self.heard_at_s = max(self.heard_at_s, sample.time_s)
        if base is None or sample.generation > base.generation or sample.time_s - base.time_s > PAUSE_S:
            self._restart(sample)
            return
        if sample.generation < base.generation or sample.time_s - base.time_s < BEAT_S:
            if sample.time_s < base.time_s - PAUSE_S:
                self._restart(sample)  # the page's clock was put back
            return
        self._base = sample
        turns = self._around.picture_turns(self._peer)
        if turns != self._turns:
            self._turns, self._turned_at_s = turns, sample.time_s
        self._scene.age_s = sample.time_s - self._began_at_s
        self._scene.picture_age_s = sample.time_s - self._turned_at_s
        self._scene.recent.append(Beat(base, sample))
        for rule in RULES:
            for sign in rule(self._scene):
                self.see(sample.time_s, sign)

    def see(self, time_s: float, sign: Sign) -> None:
        """One rule's word about the connection."""
        key = sign.code, sign.direction, sign.kind
        course = self._courses.get(key)
        if course is None:
            if sign.severity == 0:
                return  # most of what is looked at is well, and never anything else
            course = self._courses[key] = Course()
        course.add(time_s, sign)

    def present(self, now_s: float) -> Iterator[Period]:
        """What is wrong."""
        for key, course in self._courses.items():
            if course.is_on and not course.is_over(now_s):
                yield self._period(key, course, is_past=False)

    def take_past(self, now_s: float) -> Iterator[Period]:
        """What is over since the last time."""
        for key, course in self._courses.items():
            if course.is_over(now_s):
                yield self._period(key, course, is_past=True)
                course.end()

    def close(self) -> Iterator[Period]:
        """The connection is gone, or nothing more comes: what was wrong ended with its last sign."""
        for key, course in self._courses.items():
            if course.is_on:
                yield self._period(key, course, is_past=True)
                course.end()

    def _is_on(self, key: Key) -> bool:
        course = self._courses.get(key)
        return course is not None and course.is_on

    def _restart(self, sample: StatsSample) -> None:
        self._base = sample
        self._began_at_s = self._turned_at_s = sample.time_s
        self._turns = self._around.picture_turns(self._peer)
        self._scene.recent.clear()

    def _period(self, key: Key, course: Course, *, is_past: bool) -> Period:
        code, direction, kind = key
        return Period(
            peer=self._peer,
            code=code,
            direction=direction,
            kind=kind,
            severity=course.severity if is_past else course.now,
            began_at_s=course.began_at_s or 0.0,
            ended_at_s=course.shown_at_s if is_past else None,
            figures=course.figures(whole=is_past),
        )
