"""The engine's end of an audio effect: the microphone's blocks on credit, and results on their way back.

All on the engine's loop. Each block is given to the function once and in order, and its result is sent once.
Where the function is late the others hear silence, which is counted; what it was too slow for is left out,
and counted, too.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SoundError
from ..messages import AudioHeader
from .hearing import BLOCK, BLOCK_S, Block
from .reserve import Reserve

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAITING = 25
"""Blocks, 0.5 s; when one more comes the oldest are left out until `KEPT` wait."""
KEPT = 5
LATE_S = BLOCK_S
"""A function that owes a block for longer than this, when it is due, is late; before, the network was."""
SMOOTHING = 0.1


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of the kernel's that asks for blocks, and the way to it."""

    identity: bytes
    deliver: Callable[[AudioHeader, bytes], None]


class AudioEffect:
    """One function, from the moment that it is set to the moment that it is taken off or replaced.

    Parameters
    ----------
    channels
        Of its blocks.
    """

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self.late = 0
        """Blocks of silence that were sent because the function was late."""
        self.delay_s: float | None = None
        """How old the sound is when it is sent, smoothed; None before the first block."""
        self._waiting: deque[Block] = deque()
        self._given: Block | None = None
        self._given_to = b""
        self._reserve = Reserve()
        self._listener: Listener | None = None
        self._left_out = 0
        self._told_late = self._told_dropped = 0

    @property
    def dropped(self) -> int:
        """Blocks that were left out because the function was slower than the sound, or stood still."""
        return self._left_out + self._reserve.dropped

    def hear(self, block: Block) -> None:
        """The microphone's next block."""
        self._waiting.append(block)
        if len(self._waiting) > WAITING:
            self._left_out += len(self._waiting) - KEPT
            while len(self._waiting) > KEPT:
                self._waiting.popleft()
        self._serve()

    def ask(self, listener: Listener, after: int) -> None:
        """The function is ready for the block after `after`; whoever asked last gets it."""
        given = self._given
        if given is not None and self._given_to == listener.identity and after < given.number:
            return  # the block and this question have crossed each other
        self._given = None  # its result came before this, or never will
        self._listener = listener
        self._serve()

    def forget(self, identity: bytes) -> None:
        """A port was closed."""
        if self._listener is not None and self._listener.identity == identity:
            self._listener = None

    def result(self, header: AudioHeader, samples: memoryview) -> None:
        """What the function made of a block; of one that it was not given or gave back, nothing is sent.

        Raises
        ------
        SoundError
            If these are not the samples of one block.
        """
        size = 2 * BLOCK * self.channels
        if header.blocks != 1 or header.channels != self.channels or len(samples) != size:
            raise SoundError(
                f"A block of {self.channels} channels has {size} bytes; {len(samples)} came, of "
                f"{header.blocks} blocks and {header.channels} channels."
            )
        given = self._given
        if given is None or header.number != given.number:
            return
        self._given = None
        made: NDArray[np.int16] = np.frombuffer(samples, np.int16).reshape(BLOCK, self.channels).copy()
        self._reserve.put(replace(given, samples=made))

    def untold(self) -> tuple[int, int]:
        """(late, dropped) since the kernel was told last; whoever asks tells it."""
        late, dropped = self.late - self._told_late, self.dropped - self._told_dropped
        self._told_late, self._told_dropped = self.late, self.dropped
        return late, dropped

    def take(self, now_s: float) -> Block | None:
        """What is sent for the next 20 ms; None is silence."""
        block = self._reserve.take()
        if block is not None:
            age_s = now_s - block.arrived_s
            self.delay_s = (
                age_s if self.delay_s is None else self.delay_s + SMOOTHING * (age_s - self.delay_s)
            )
            return block
        owed = self._given or (self._waiting[0] if self._waiting else None)
        if owed is None:
            self._reserve.pause()
        elif not self._reserve and now_s - owed.arrived_s > LATE_S:
            self.late += 1
        return None

    def interrupt(self) -> None:
        """The microphone's connection went: what waits is of the past."""
        self._waiting.clear()

    def _serve(self) -> None:
        if self._listener is None or not self._waiting:
            return
        listener, self._listener = self._listener, None
        block = self._given = self._waiting.popleft()
        self._given_to = listener.identity
        late, dropped = self.untold()
        header = AudioHeader(
            number=block.number,
            blocks=1,
            channels=self.channels,
            arrived_s=block.arrived_s,
            dropped=dropped,
            late=late,
        )
        listener.deliver(header, block.samples.tobytes())
