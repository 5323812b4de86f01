"""A microphone's packets to blocks of 20 ms, which is what an audio effect works on. On the engine's loop.

Decoding a block takes 0.03 ms, less than handing it to a thread would.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from .feed import EncodedFrame, Feed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

logger = logging.getLogger(__name__)

SAMPLE_RATE = 48_000
BLOCK = 960
BLOCK_S = BLOCK / SAMPLE_RATE
FILLED = 3 * BLOCK
"""Lost samples up to here become silence, so that the sound goes on in step. A longer hole is a pause: the
others heard it as it was, and filling it up afterwards would make everything that follows late."""


@dataclass(frozen=True, slots=True)
class Block:
    """20 ms of somebody's sound."""

    number: int
    """Counts without gaps."""
    samples: "Samples"
    """(`BLOCK`, channels) int16 at 48 kHz."""
    timestamp: int
    """RTP timestamp of its first sample, unwrapped, in 1/48000 s."""
    arrived_s: float
    """`time.monotonic` when its packet arrived."""


class Hearing:
    """Decodes a feed from now on until it is closed.

    Parameters
    ----------
    feed
        Of Opus packets.
    channels
        1 or 2, of the blocks; the decoder makes one of the other.
    on_block
        Takes each block, in order.
    first_number
        Of the first block.
    """

    def __init__(
        self, feed: Feed, channels: int, on_block: Callable[[Block], None], first_number: int = 0
    ) -> None:
        self.number = first_number
        """Of the next block."""
        self.errors = 0
        self._channels = channels
        self._on_block = on_block
        self._decoder = opus_decoder(channels)
        self._rest = np.zeros((0, channels), np.int16)
        self._rest_timestamp = 0
        self._due: int | None = None
        self._unsubscribe = feed.subscribe(self._take)

    def close(self) -> None:
        """Hear nothing any more; idempotent."""
        self._unsubscribe()

    def _take(self, frame: EncodedFrame) -> None:
        packet = av.Packet(frame.data)
        packet.pts, packet.time_base = frame.timestamp, Fraction(1, frame.clock_rate)
        try:
            decoded = [each.to_ndarray() for each in self._decoder.decode(packet)]
        except av.FFmpegError as error:
            if self.errors % 100 == 0:  # whoever sends broken packets must not fill the log
                logger.warning("A packet of sound did not decode (%s): its time is silence", error)
            self.errors += 1
            return
        gap = 0 if self._due is None else frame.timestamp - self._due
        if 0 < gap <= FILLED:
            self._append(np.zeros((gap, self._channels), np.int16), frame)
        elif gap != 0 or self._due is None:
            self._begin_again(frame)
        for samples in decoded:
            self._append(cast("Samples", samples).reshape(-1, self._channels), frame)
        self._due = self._rest_timestamp + len(self._rest)

    def _begin_again(self, frame: EncodedFrame) -> None:
        """After a pause, or where the sender's time leapt; what came before it is completed by silence."""
        if len(self._rest):
            self._append(np.zeros((BLOCK - len(self._rest), self._channels), np.int16), frame)
        self._rest_timestamp = frame.timestamp

    def _append(self, samples: "Samples", frame: EncodedFrame) -> None:
        rest = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        while len(rest) >= BLOCK:
            block = Block(self.number, rest[:BLOCK], self._rest_timestamp, frame.arrived_s)
            self.number += 1
            self._rest_timestamp += BLOCK
            rest = rest[BLOCK:]
            self._on_block(block)
        self._rest = rest


def opus_decoder(channels: int) -> AudioCodecContext:
    """A decoder of Opus (RFC 6716) to interleaved int16 at 48 kHz."""
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.sample_rate = SAMPLE_RATE
    decoder.layout = "mono" if channels == 1 else "stereo"
    return decoder
