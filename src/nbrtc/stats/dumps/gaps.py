"""Where the gaps of a series are, where another series tells it.

A series of chrome://webrtc-internals says when it begins and ends, not in which polls between its member was
missing. Two members come and go by rules (of Chromium), so that their gaps can be known; what else has gaps
stays out: ``roundTripTime`` of sender reports, for instance, of which no other member tells when it was
missing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Columns = Mapping[str, Sequence[Any]]

_FRAMES = ("framesEncoded", "framesDecoded", "frames")


def presence(name: str, columns: Columns, selected: Sequence[bool]) -> list[bool] | None:
    """In which polls of its object a member was there, by its rule; None where it has none.

    Parameters
    ----------
    name
        The member with gaps.
    columns
        The members of the object that have none.
    selected
        In which of its polls the object, a candidate pair, carried the media.
    """
    if name == "framesPerSecond":
        counter = next((columns[frames] for frames in _FRAMES if frames in columns), None)
        return None if counter is None else _grows(counter)
    if name == "availableOutgoingBitrate":
        return list(selected)
    return None


def _grows(counter: Sequence[Any]) -> list[bool]:
    """Whether it is larger than in the poll before; in the first, whether it is not 0."""
    numbers = [value if type(value) in (int, float) else 0 for value in counter]
    return [now > before for before, now in zip([0, *numbers], numbers, strict=False)]
