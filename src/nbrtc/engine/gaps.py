"""What is missing in a recording's file: when, of which track, and why."""

from typing import Literal

import msgspec

from nbrtc.engine.feed import Kind
from nbrtc.recordings.manifest import Gap

Reason = Literal["lost", "disk", "link"]

MOST = 10_000
"""Of one file. More are merged by twos: a list that is too long gets coarser, and forgets none."""


class Gaps:
    """The gaps of one file, in the file's ms. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._gaps: list[Gap] = []

    @property
    def all(self) -> tuple[Gap, ...]:
        """As it is now, by the time they ended."""
        return tuple(self._gaps)

    def add(self, from_ms: int, to_ms: int, kind: Kind, reason: Reason) -> None:
        """Say that a time is missing; none is missing if it ends before it begins."""
        if to_ms <= from_ms:
            return
        self._gaps.append(Gap(from_ms, to_ms, kind, reason))
        if len(self._gaps) > MOST:
            self._gaps = [gap for each in ("video", "audio") for gap in _merged(self._gaps, each)]
            self._gaps.sort(key=lambda gap: gap.to_ms)

    def move(self, kind: Kind, since_ms: int, by_ms: int) -> None:
        """The track's frames from `since_ms` on were moved in time; a gap that this closes is none."""
        moved = [
            gap
            if gap.kind != kind or gap.to_ms < since_ms
            else msgspec.structs.replace(
                gap,
                from_ms=gap.from_ms + (by_ms if gap.from_ms >= since_ms else 0),
                to_ms=gap.to_ms + by_ms,
            )
            for gap in self._gaps
        ]
        self._gaps = [gap for gap in moved if gap.from_ms < gap.to_ms]


def _merged(gaps: list[Gap], kind: str) -> list[Gap]:
    """Two neighbours become one from the first's beginning to the second's end, with the first's reason."""
    own = [gap for gap in gaps if gap.kind == kind]
    pairs = zip(own[::2], own[1::2], strict=False)
    merged = [msgspec.structs.replace(one, to_ms=other.to_ms) for one, other in pairs]
    return merged + (own[-1:] if len(own) % 2 else [])
