"""The page's end of the encoded tap, by hand: messages as js/src/tap/format.ts makes them."""

import json
import math
from collections.abc import Callable

from nbrtc.engine.tap_message import HEADER, VERSION

KEYFRAME = b"\x10\x00\x00\x9d\x01\x2a\x80\x02\xe0\x01"
"""How a VP8 keyframe of 640x480 begins (RFC 6386, section 9.1)."""
DELTA = b"\x11\x00\x00"
CODECS = {"VP8": 1, "VP9": 2, "AV1": 3, "H264": 4, "opus": 5}


def messages(
    data: bytes,
    *,
    participant: str = "bob",
    codec: str = "VP8",
    keyframe: bool = False,
    stream: int = 0,
    number: int = 0,
    timestamp: int = 0,
    arrived_ms: float = 1_700_000_000_000.0,
    captured_ms: float = math.nan,
    sent_ms: float | None = None,
    kept: bool = False,
    chunk_bytes: int = 16_000,
) -> list[bytes]:
    """A frame in chunks, sent when it arrived unless said otherwise."""
    flags = (codec != "opus") | keyframe << 1 | kept << 2
    chunks = [data[start : start + chunk_bytes] for start in range(0, len(data), chunk_bytes)] or [b""]
    name = participant.encode()
    return [
        HEADER.pack(
            VERSION,
            flags,
            CODECS[codec],
            stream,
            number,
            timestamp & 0xFFFFFFFF,
            arrived_ms,
            captured_ms,
            arrived_ms if sent_ms is None else sent_ms,
            len(data),
            index,
            len(chunks),
            640,
            480,
            len(name),
        )
        + name
        + chunk
        for index, chunk in enumerate(chunks)
    ]


class PageEnd:
    """Stands for a link."""

    def __init__(self, page: str = "page") -> None:
        self.page = page
        self.on_tap: Callable[[bytes], None] = lambda _: None
        self.asked: list[str] = []
        self.have: list[list[object]] = []

    def ask_tap(self, text: str) -> bool:
        """As the link's."""
        said = json.loads(text)
        self.asked += [said["keyframe"]] if "keyframe" in said else []
        self.have += said.get("have", [])
        return True

    def send(self, *parts: bytes) -> None:
        """These messages arrive."""
        for part in parts:
            self.on_tap(part)
