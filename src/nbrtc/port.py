"""The kernel's end of the frames' socket: a credit out, the newest picture in."""

import contextlib
from typing import Protocol

import zmq

from .errors import EngineError
from .frame import Frame
from .messages import FrameCredit, FrameHeader, FrameStop, decode_frame_message, encode_bridge

GOODBYE_MS = 100
"""How long a closed port's last word may wait for an engine that is slow to read it."""


class Bridge(Protocol):
    """What is needed of the way to the engine (see `bridge.Bridge`)."""

    @property
    def epoch(self) -> int:
        """Counts the engines; a frames socket belongs to one of them."""

    def frames_socket(self, timeout_s: float) -> "zmq.Socket[bytes] | None":
        """A socket of the caller's thread to the present engine; None if none comes in time."""


Result = tuple[FrameHeader, bytes | bytearray]
"""An effect's picture: its header and its packed planes."""


class FramePort:
    """One subscriber's conversation with the engine. At most one picture waits for it, the newest.

    It outlives the engine: a new one is asked as soon as it is there. Used by one thread at a time; in a
    ``with`` block the credit is given back at its end.

    Parameters
    ----------
    bridge
        The way to the engine.
    call
        Of which call.
    participant
        Whose picture: a participant's id, or empty for the call's own camera.
    """

    def __init__(self, bridge: Bridge, call: str, participant: str = "") -> None:
        self._bridge = bridge
        self._call = call
        self._participant = participant
        self._size: tuple[int, int] | None = None
        self._queued = False
        self._effect = 0
        self._socket: zmq.Socket[bytes] | None = None
        self._epoch = -1
        self._after = -1
        self._is_asking = False

    def ask_for(self, size: tuple[int, int] | None, *, queued: bool, effect: int = 0) -> None:
        """From the next credit on: pictures of this size, and every one in order or the newest.

        Parameters
        ----------
        effect
            Whose results are sent (see `SetVideoEffect.number`).
        """
        self._size, self._queued, self._effect = size, queued, effect

    def receive(self, timeout_s: float, result: Result | None = None) -> Frame | None:
        """The newest frame after the last one, or None if none came in time.

        Parameters
        ----------
        timeout_s
            How long to wait, also for an engine.
        result
            An effect's picture; it is sent at once, with the credit for the next frame.

        Raises
        ------
        EngineError
            If the bridge was closed: no engine will come.
        """
        try:
            socket = self._connected(timeout_s)
            if socket is None:
                return None
            if not self._is_asking or result is not None:
                self._ask(socket, result)
            if not socket.poll(round(timeout_s * 1000)):
                return None
            header, *planes = socket.recv_multipart(copy=False)
            self._is_asking = False
            message = decode_frame_message(header.buffer)
            if isinstance(message, FrameHeader):
                self._after = message.number
                return Frame(message, planes[0].buffer)
            # the engine does not know the call or the participant: a new one may hear of them a moment later,
            # so nothing is asked for the rest of this turn
            socket.poll(round(timeout_s * 1000))
            return None
        except zmq.ContextTerminated as error:
            raise EngineError("nbrtc was closed: no more frames come.") from error

    def close(self) -> None:
        """Give the credit back. Idempotent."""
        socket, self._socket = self._socket, None
        if socket is None:
            return
        if self._is_asking:
            self._is_asking = False
            with contextlib.suppress(zmq.ContextTerminated):  # then nobody is there to hear it
                socket.linger = GOODBYE_MS
                socket.send_multipart([encode_bridge(FrameStop(call=self._call))])
        socket.close()

    def __enter__(self) -> "FramePort":
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

    def _ask(self, socket: zmq.Socket[bytes], result: Result | None) -> None:
        credit = FrameCredit(
            call=self._call,
            after=self._after,
            participant=self._participant,
            result=None if result is None else result[0],
            effect=self._effect,
            size=self._size,
            queued=self._queued,
        )
        parts: list[bytes | bytearray] = [encode_bridge(credit)]
        if result is not None:
            parts.append(result[1])
        socket.send_multipart(parts, copy=False)
        self._is_asking = True
