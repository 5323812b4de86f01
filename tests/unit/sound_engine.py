"""An engine's end of an audio effect for tests: real on the wire, blocks are given by hand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nbrtc.messages import AudioCredit, AudioHeader, FrameStop, decode_frame_message, encode_bridge
from tests.unit.frame_engine import PATIENCE_MS, FrameEngine

BLOCK = 960


@dataclass
class Asking:
    """What the kernel's thread said."""

    identity: bytes
    message: AudioCredit | FrameStop
    result: NDArray[np.int16] | None

    @property
    def number(self) -> int | None:
        """Of which block it brings the result."""
        if isinstance(self.message, AudioCredit) and self.message.result is not None:
            return self.message.result.number
        return None


class SoundEngine(FrameEngine):
    """Stands for bridge and engine at once."""

    def asked(self) -> Asking:
        """The next thing that the kernel's thread says."""
        assert self._router is not None
        if not self._router.poll(PATIENCE_MS):
            raise TimeoutError("nobody asked for sound")
        identity, header, *parts = self._router.recv_multipart()
        message = decode_frame_message(header)
        assert isinstance(message, (AudioCredit, FrameStop))
        samples = np.frombuffer(parts[0], np.int16).reshape(BLOCK, -1) if parts else None
        return Asking(identity, message, samples)

    def made(self, number: int) -> Asking:
        """What brings the result of this block; on a slow machine the credit may have been given twice."""
        while (asking := self.asked()).number is None and isinstance(asking.message, AudioCredit):
            pass
        assert asking.number == number
        return asking

    def say(self, asking: Asking, number: int, samples: NDArray[np.int16], **told: int) -> None:
        """Give a block."""
        assert self._router is not None
        header = AudioHeader(number=number, blocks=1, channels=samples.shape[1], arrived_s=0.0, **told)
        self._router.send_multipart([asking.identity, encode_bridge(header), samples.tobytes()])
