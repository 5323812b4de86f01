"""A minute of audio at 2% seeded loss through a jitter buffer, in virtual time: does its delay grow?"""

import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from nbrtc.engine.jitter import AudioJitterBuffer

PACKET_S = 0.02
TICKS = 960
"""Of Opus' 48 kHz clock, in a packet of 20 ms."""
MINUTE = 3000
"""Packets in a minute."""
EDGE_S = 10.0
LOSS_FRACTION = 0.02
JITTER_S = 0.01

Add = Callable[[int, float], list[int]]
"""Takes the number of a packet and the time now; returns the numbers of the packets that leave."""


@dataclass(frozen=True)
class AudioDelay:
    """Median time that packets spend in the buffer, in its first and in its last ten seconds."""

    first_ms: float
    last_ms: float

    @property
    def growth_ms(self) -> float:
        return self.last_ms - self.first_ms


def ours() -> AudioDelay:
    buffer = AudioJitterBuffer()

    def add(number: int, now_s: float) -> list[int]:
        left = buffer.add(number, number * TICKS, False, b"opus", now_s)
        return [frame.timestamp // TICKS for frame in left]

    return _play(add)


def stock() -> AudioDelay:
    """aiortc's own, made as its receiver makes it."""
    buffer = JitterBuffer(capacity=16, prefetch=4)

    def add(number: int, now_s: float) -> list[int]:
        packet = RtpPacket(sequence_number=number, timestamp=number * TICKS, payload=b"opus")
        packet._data = packet.payload  # type: ignore[attr-defined]  # the receiver puts the payload there
        _, frame = buffer.add(packet)
        return [] if frame is None else [frame.timestamp // TICKS]

    return _play(add)


def _play(add: Add) -> AudioDelay:
    """Every buffer gets the same packets: the seed decides which are lost and when the others arrive."""
    arrived_s: dict[int, float] = {}
    delays_ms: list[tuple[float, float]] = []
    for now_s, number in _arrivals():
        arrived_s[number] = now_s
        delays_ms += [(now_s, (now_s - arrived_s[left]) * 1000) for left in add(number, now_s)]
    end_s = MINUTE * PACKET_S
    return AudioDelay(
        first_ms=statistics.median(delay for now_s, delay in delays_ms if now_s < EDGE_S),
        last_ms=statistics.median(delay for now_s, delay in delays_ms if now_s > end_s - EDGE_S),
    )


def _arrivals() -> Iterator[tuple[float, int]]:
    seeded = random.Random(2)
    for number in range(MINUTE):
        jitter_s = seeded.uniform(0, JITTER_S)
        if seeded.random() >= LOSS_FRACTION:
            yield number * PACKET_S + jitter_s, number
