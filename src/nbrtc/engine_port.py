"""What subscribers to pictures and to sound share: a conversation with the engine, credit by credit."""

import contextlib
import time
from typing import Protocol, Self

import zmq

from .messages import AudioCredit, FrameCredit, FrameStop, encode_bridge

GOODBYE_MS = 100
"""How long a closed port's last word may wait for an engine that is slow to read it."""


class Bridge(Protocol):
    """What is needed of the way to the engine (see `bridge.Bridge`)."""

    @property
    def epoch(self) -> int:
        """Counts the engines; a frames socket belongs to one of them."""

    def frames_socket(self, timeout_s: float) -> "zmq.Socket[bytes] | None":
        """A socket of the caller's thread to the present engine; None if none comes in time."""


class EnginePort:
    """One subscriber's conversation with the engine: a credit out, something in.

    It outlives the engine: a new one is asked as soon as it is there. Used by one thread at a time; in a
    ``with`` block the credit is given back at its end.

    Parameters
    ----------
    bridge
        The way to the engine.
    call
        Of which call.
    """

    def __init__(self, bridge: Bridge, call: str) -> None:
        self._bridge = bridge
        self._call = call
        self._socket: zmq.Socket[bytes] | None = None
        self._epoch = -1
        self._after = -1
        """The number of what came last."""
        self._asked_s: float | None = None
        """When the credit was given that nothing came on yet, on the monotonic clock."""

    def close(self) -> None:
        """Give the credit back. Idempotent."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        if self._asked_s is not None:
            self._asked_s = None
            with contextlib.suppress(zmq.ContextTerminated):  # then nobody is there to hear it
                socket.linger = GOODBYE_MS
                socket.send_multipart([encode_bridge(FrameStop(call=self._call))])
        socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connected(self, timeout_s: float) -> zmq.Socket[bytes] | None:
        """The socket to the present engine."""
        if self._socket is not None and self._epoch != self._bridge.epoch:
            self.close()
        if self._socket is None:
            self._epoch, self._after = self._bridge.epoch, -1
            self._socket = self._bridge.frames_socket(timeout_s)
        return self._socket

    def _give(
        self, socket: zmq.Socket[bytes], credit: FrameCredit | AudioCredit, made: bytes | bytearray | None
    ) -> None:
        """A credit, with what was made of what came last."""
        parts: list[bytes | bytearray] = [encode_bridge(credit), *([] if made is None else [made])]
        socket.send_multipart(parts, copy=False)
        self._asked_s = time.monotonic()
