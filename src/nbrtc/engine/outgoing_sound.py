"""The audio track of the link's sender: what Python sends, and silence while it sends nothing.

Never the person's own voice by itself. Everything lies on one grid of 20 ms of the monotonic clock, so that
time goes on evenly whoever supplies the sound.
"""

import asyncio
import time
from collections import deque
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from av import Packet

from .hearing import BLOCK, BLOCK_S, SAMPLE_RATE
from .silence import Silence

WAITING = 5
"""Packets, 100 ms; beyond it the oldest are dropped, for a sender that is stuck."""
LATE_S = 1.0
"""After the machine has slept the track goes on from then, instead of sending a burst."""


class OutgoingSound(MediaStreamTrack):
    """Yields `av.Packet`, which aiortc sends without encoding. On the engine's loop."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.effect_delay_s: float | None = None
        """How old the sound of an audio effect is when it is sent, in seconds; None without one."""
        self.sent = 0
        """Packets of Python's."""
        self._is_fed = False
        self._number = -1
        self._queue: deque[tuple[bytes, int]] = deque(maxlen=WAITING)
        self._news = asyncio.Event()

    def use(self, on: bool) -> None:
        """Send what `put` brings from now on (True), or silence."""
        self._is_fed = on
        if not on:
            self._queue.clear()
        self._news.set()

    def put(self, data: bytes, number: int) -> None:
        """The Opus packet of a step of the grid."""
        if self._is_fed:
            self._queue.append((data, number))
            self._news.set()

    async def recv(self) -> "Packet[Any]":
        """Wait for the next packet, or until the next 20 ms of silence are due."""
        while True:
            now_s = time.monotonic()
            while self._queue:
                data, number = self._queue.popleft()
                if number > self._number and now_s - number * BLOCK_S < LATE_S:
                    self.sent += 1
                    return self._packet(data, number)
            number = self._number + 1
            if now_s - number * BLOCK_S > LATE_S:
                number = step(now_s)
            wait_s = None if self._is_fed else number * BLOCK_S - now_s
            if wait_s is not None and wait_s <= 0:
                return self._packet(Silence.OPUS, number)  # costs nothing to make
            self._news.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _packet(self, data: bytes, number: int) -> "Packet[Any]":
        self._number = number
        packet = Packet(data)
        packet.pts, packet.time_base = number * BLOCK, Fraction(1, SAMPLE_RATE)
        return packet


def step(time_s: float) -> int:
    """The step of the grid that a moment of `time.monotonic` belongs to."""
    return int(time_s / BLOCK_S)
