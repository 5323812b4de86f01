"""Names that stand for others: the same for the same, and nothing can be learnt from them."""

import re

from nbrtc.stats.dumps.vocabulary import is_plain

_OPEN_PARTICIPANT = re.compile(r"|python|you|\d{1,9}-\d{1,9}|PC_\d{1,9}")
"""Names of connections that say nothing: our own, and those that browsers and rtcstats count."""

_FINGERPRINT = r"([0-9A-F]{2}:){15,63}[0-9A-F]{2}"
_OPEN_ID = re.compile(
    rf"[IO]T\d+[AV]\d+|R[IO][AV]\d+|S[AV]\d+|C[IO]T\d+_\d+|T\d+|P|AP|D\d+|CF{_FINGERPRINT}"
    r"|CP[\w+/]{8}_[\w+/]{8}|I[\w+/]{8}"
    r"|(remote-)?(in|out)bound-(audio|video)-\d+|codec-\d+|transport|candidate-(pair|local|remote)"
    r"|certificate-(local|remote)|((remote-)?(in|out)bound-rtp|transport)_\d+"
)
"""Ids of stats objects, of Chrome and of our engine: counted, of an SSRC or a fingerprint, or random."""


class Pseudonyms:
    """The pseudonyms of one redaction; numbered in the order of first sight."""

    def __init__(self) -> None:
        self._given: dict[str, dict[str, str]] = {}

    def of(self, sort: str, value: object) -> str:
        """``"track-1"`` for the first track, and so on; nothing stays nothing."""
        text = str(value)
        if not text:
            return ""
        given = self._given.setdefault(sort, {})
        return given.setdefault(text, f"{sort}-{len(given) + 1}")

    def number(self, sort: str, value: object) -> int:
        """A small number, for what has to be one."""
        return int(self.of(sort, value).rpartition("-")[2] or 0)

    def participant(self, name: str) -> str:
        """A participant's id; those that say nothing stay."""
        return name if _OPEN_PARTICIPANT.fullmatch(name) else self.of("participant", name)

    def object_id(self, id_: object) -> str:
        """The id of a stats object; those that say nothing stay."""
        text = str(id_)
        codec = re.fullmatch(r"(C[IO]T\d+_\d+)_(.*)", text)
        if codec:
            return f"{codec[1]}_{self.number('format', codec[2])}"
        return text if _OPEN_ID.fullmatch(text) else self.of("object", text)

    def section(self, mid: object) -> str:
        """A ``mid`` or ``rid``; those that are counted or words of the standards stay."""
        text = str(mid)
        return text if is_plain(text) or len(text) <= 2 else self.of("section", text)
