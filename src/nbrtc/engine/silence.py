"""The sound that a Bot without any sends; also what a link sends while Python supplies none."""

import asyncio
import time
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from av import Packet


class Silence(MediaStreamTrack):
    """The audio track of the link's sender: an Opus packet of silence every 20 ms, not encoded anew."""

    kind = "audio"
    OPUS = b"\xf8\xff\xfe"
    """RFC 6716: a 20 ms full-band CELT frame that decodes to zeros."""
    PACKET_S = 0.02
    SAMPLE_RATE = 48_000

    def __init__(self) -> None:
        super().__init__()
        self._start_s: float | None = None
        self._packets = 0

    async def recv(self) -> "Packet[Any]":
        """Wait until the next 20 ms are due."""
        now_s = time.monotonic()
        if self._start_s is None:
            self._start_s = now_s
        due_s = self._start_s + self._packets * self.PACKET_S
        if now_s - due_s > 1:  # the machine slept: go on from here instead of sending a burst
            self._start_s += now_s - due_s
        elif due_s > now_s:
            await asyncio.sleep(due_s - now_s)
        packet = Packet(self.OPUS)
        packet.pts = round(self._packets * self.PACKET_S * self.SAMPLE_RATE)
        packet.time_base = Fraction(1, self.SAMPLE_RATE)
        self._packets += 1
        return packet
