"""An engine's frames socket for tests: real on the wire, credits are taken and pictures given by hand."""

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import zmq
from av import VideoFrame
from numpy.typing import NDArray

from nbrtc.bridge import Bridge
from nbrtc.messages import FrameCredit, FrameHeader, FrameStop, decode_frame_message, encode_bridge
from nbrtc.pictures import pack, unpack

PATIENCE_MS = 20_000


class Reader:
    """A subscriber, as the engine knows it: where its answers go, and what it said last."""

    def __init__(self, identity: bytes, message: FrameCredit | FrameStop, planes: bytes) -> None:
        self.identity = identity
        self.message = message
        self._planes = planes

    @property
    def is_asking(self) -> bool:
        """Whether it gave a credit; else it took its leave."""
        return isinstance(self.message, FrameCredit)

    @property
    def result(self) -> NDArray[np.uint8] | None:
        """The effect's picture that rode on the credit, as RGB."""
        if not isinstance(self.message, FrameCredit) or self.message.result is None:
            return None
        header = self.message.result
        picture = unpack(self._planes, header.width, header.height)
        return picture.to_ndarray(format="rgb24")  # type: ignore[return-value]  # RGB is uint8

    @property
    def result_number(self) -> int | None:
        """Of which frame it is the result."""
        credit = self.message
        return credit.result.number if isinstance(credit, FrameCredit) and credit.result else None


class FrameEngine(Bridge):
    """Stands for bridge and engine at once."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="nbrtc-test-"))
        self._router: zmq.Socket[bytes] | None = None
        self.start()

    def start(self) -> None:
        """A new engine is there."""
        self._epoch += 1
        router = self._context.socket(zmq.ROUTER)
        router.linger = 0
        with self._engine_came:
            router.bind(self._address)
            self._router = router  # after bind(): from here on another thread may use it
            self._engine_came.notify_all()

    def crash(self) -> None:
        """The engine is gone."""
        assert self._router is not None
        self._router.close()
        self._router = None

    def frames_socket(self, timeout_s: float) -> "zmq.Socket[bytes] | None":
        """As the bridge's."""
        self._require_usable()
        with self._engine_came:
            if not self._engine_came.wait_for(lambda: self._router is not None, timeout_s):
                return None
            socket = self._context.socket(zmq.DEALER)
            socket.linger = 0
            socket.connect(self._address)
            return socket

    @contextmanager
    def supplying(self, *, every: int = 1) -> Iterator["list[Reader]"]:
        """Meanwhile every credit is answered with the next picture; the list grows by all that was heard.

        With ``every=3`` the camera is three times as quick as the readers.
        """
        heard: list[Reader] = []
        stopped = threading.Event()

        def supply() -> None:
            number: dict[bytes, int] = {}
            while not stopped.is_set():
                with self._engine_came:
                    self._engine_came.wait_for(lambda: self._router is not None, 0.01)
                    router = self._router
                if router is None or not router.poll(10):
                    continue
                heard.append(reader := self.heard())
                if reader.is_asking:
                    earlier = number.get(reader.identity)
                    number[reader.identity] = every if earlier is None else earlier + every
                    self.give(reader, number[reader.identity], skipped=0 if earlier is None else every - 1)

        thread = threading.Thread(target=supply, name="supply")
        thread.start()
        try:
            yield heard
        finally:
            stopped.set()
            thread.join()

    def heard(self) -> Reader:
        """The next thing that any subscriber says."""
        assert self._router is not None
        if not self._router.poll(PATIENCE_MS):
            raise TimeoutError("no subscriber said anything")
        identity, header, *planes = self._router.recv_multipart()
        message = decode_frame_message(header)
        assert not isinstance(message, FrameHeader)
        return Reader(identity, message, planes[0] if planes else b"")

    def is_silent(self, during_ms: int) -> bool:
        """Whether no subscriber says anything."""
        assert self._router is not None
        return not self._router.poll(during_ms)

    def give(
        self,
        reader: Reader,
        number: int,
        picture: NDArray[np.uint8] | None = None,
        skipped: int = 0,
        sent: tuple[int, float] = (-1, 0.0),
    ) -> None:
        """Send a subscriber a picture, RGB."""
        assert self._router is not None
        rgb = np.full((48, 64, 3), number % 256, np.uint8) if picture is None else picture
        frame = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
        header = FrameHeader(
            number=number,
            width=frame.width,
            height=frame.height,
            timestamp=3000 * number,
            arrived_s=0.0,
            time_s=number / 30,
            skipped=skipped,
            sent_timestamp=sent[0],
            sent_s=sent[1],
        )
        self._router.send_multipart([reader.identity, encode_bridge(header), pack(frame)])

    def refuse(self, reader: Reader) -> None:
        """Say that the call is not known."""
        assert self._router is not None
        self._router.send_multipart([reader.identity, encode_bridge(FrameStop(call="call"))])

    def close(self) -> None:
        """End it all; whoever still waits for a picture is told."""
        if self._router is not None:
            self.crash()
        shutil.rmtree(self._folder)
        super().close()

    @property
    def _address(self) -> str:
        return f"ipc://{self._folder}/{self._epoch}"
