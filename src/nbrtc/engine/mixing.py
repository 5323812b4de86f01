"""Several sounds to one, and that to Opus."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from av import AudioFrame

from .hearing import BLOCK, SAMPLE_RATE
from .voice import opus_encoder

if TYPE_CHECKING:
    from .hearing import Samples


def mixed(parts: "Sequence[Samples]") -> "Samples":
    """The sum of blocks of one or two channels, (`BLOCK`, channels), silence of none; too loud is clipped."""
    if not parts:
        return np.zeros((BLOCK, 1), np.int16)
    if len(parts) == 1:
        return parts[0]
    channels = max(part.shape[1] for part in parts)
    total = np.zeros((BLOCK, channels), np.int32)
    for part in parts:
        total += part  # one channel goes to both
    return np.clip(total, -32768, 32767).astype(np.int16)


class OpusPen:
    """Encodes block after block; where their channels change, so does the encoder.

    A block takes 0.1 to 0.2 ms, which is why the engine's loop does it itself.
    """

    def __init__(self) -> None:
        self._encoder = opus_encoder(1)
        self._channels = 1
        self._number = 0

    def write(self, samples: "Samples") -> bytes:
        """The Opus packet of a block, (`BLOCK`, channels) int16."""
        channels = samples.shape[1]
        if channels != self._channels:
            self._encoder, self._channels = opus_encoder(channels), channels
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout=self._encoder.layout.name
        )
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = self._number * BLOCK
        self._number += 1
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))
