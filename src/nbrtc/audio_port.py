"""The kernel's end of the frames' socket for sound: a credit out, the next block in."""

import contextlib
import time

import zmq

from .bridge import Bridge
from .errors import EngineError
from .messages import (
    AudioCredit,
    AudioHeader,
    FrameStop,
    decode_frame_message,
    encode_bridge,
)
from .port import GOODBYE_MS

ASK_AGAIN_S = 0.5
"""A credit that brought nothing for so long is given again: the engine may not have known the call."""

Result = tuple[AudioHeader, bytes]
"""A block that a function made: its header and its samples."""


class AudioPort:
    """One function's conversation with the engine, block by block. It outlives the engine.

    Used by one thread at a time; in a ``with`` block the credit is given back at its end.

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
        self._asked_s: float | None = None

    def receive(
        self, timeout_s: float, result: Result | None = None
    ) -> tuple[AudioHeader, memoryview] | None:
        """The block after the last one and its samples (int16, interleaved), or None if none came in time.

        Parameters
        ----------
        timeout_s
            How long to wait, also for an engine.
        result
            What was made of the last block; it is sent at once, with the credit for the next.

        Raises
        ------
        EngineError
            If the bridge was closed: no engine will come.
        """
        try:
            socket = self._connected(timeout_s)
            if socket is None:
                return None
            now_s = time.monotonic()
            if result is not None or self._asked_s is None or now_s - self._asked_s > ASK_AGAIN_S:
                self._ask(socket, result, now_s)
            if not socket.poll(round(timeout_s * 1000)):
                return None
            header, *parts = socket.recv_multipart(copy=False)
            message = decode_frame_message(header.buffer)
            if isinstance(message, AudioHeader) and parts:
                if message.number <= self._after:
                    return None  # an answer to a question that was asked twice
                self._asked_s, self._after = None, message.number
                return message, parts[0].buffer
            # the engine does not know the call: a new one may hear of it a moment later
            return None
        except zmq.ContextTerminated as error:
            raise EngineError("nbrtc was closed: no more sound comes.") from error

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

    def __enter__(self) -> "AudioPort":
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

    def _ask(self, socket: zmq.Socket[bytes], result: Result | None, now_s: float) -> None:
        credit = AudioCredit(call=self._call, after=self._after, result=None if result is None else result[0])
        parts: list[bytes] = [encode_bridge(credit)]
        if result is not None:
            parts.append(result[1])
        socket.send_multipart(parts, copy=False)
        self._asked_s = now_s
