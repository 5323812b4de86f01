"""The kernel's end of the frames' socket for sound: a credit out, the next block in."""

import time

import zmq

from .engine_port import EnginePort
from .errors import EngineError
from .messages import AudioCredit, AudioHeader, decode_frame_message

ASK_AGAIN_S = 0.5
"""A credit that brought nothing for so long is given again: the engine may not have known the call."""

Result = tuple[AudioHeader, bytes]
"""A block that a function made: its header and its samples."""


class AudioPort(EnginePort):
    """One function's conversation with the engine, block by block."""

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
                self._ask(socket, result)
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

    def _ask(self, socket: zmq.Socket[bytes], result: Result | None) -> None:
        credit = AudioCredit(call=self._call, after=self._after, result=None if result is None else result[0])
        self._give(socket, credit, None if result is None else result[1])
