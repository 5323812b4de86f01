"""The kernel's end of the frames' socket: a credit out, the newest picture in."""

import zmq

from .engine_port import Bridge, EnginePort
from .errors import EngineError
from .frame import Frame
from .messages import FrameCredit, FrameHeader, decode_frame_message

Result = tuple[FrameHeader, bytes | bytearray]
"""An effect's picture: its header and its packed planes."""


class FramePort(EnginePort):
    """One subscriber's conversation with the engine. At most one picture waits for it, the newest.

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
        super().__init__(bridge, call)
        self._participant = participant
        self._size: tuple[int, int] | None = None
        self._queued = False
        self._effect = 0

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
            if self._asked_s is None or result is not None:
                self._ask(socket, result)
            if not socket.poll(round(timeout_s * 1000)):
                return None
            header, *planes = socket.recv_multipart(copy=False)
            self._asked_s = None
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
        self._give(socket, credit, None if result is None else result[1])
