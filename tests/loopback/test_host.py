"""The engine as a process: it serves one kernel over the bridge's sockets and ends when that does."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import av
import pytest
import zmq
import zmq.asyncio

from nbrtc.bridge import CONTROL_DOWN, CONTROL_UP, FRAMES
from nbrtc.messages import (
    CallRequest,
    CallState,
    CloseCall,
    EngineBeat,
    EngineStatus,
    FrameCredit,
    FrameHeader,
    FrameStop,
    Intent,
    KernelBeat,
    Notification,
    OpenCall,
    Outcome,
    PageMessage,
    Problem,
    Ready,
    Record,
    Request,
    decode_event,
    decode_frame_message,
    decode_notification,
    encode_bridge,
    encode_json,
)
from nbrtc.recordings import manifest as manifests
from tests.loopback.conftest import SMALL
from tests.loopback.page import Comm, Page
from tests.unit.recorders import names

LIMIT_S = 60


class Kernel(Comm):
    """The other end of the bridge, and the comm of its pages."""

    def __init__(self, home: Path) -> None:
        self.folder = Path(mkdtemp(prefix="nbrtc-test-"))  # a socket's path has at most 107 characters
        self.notifications: list[Notification] = []
        self.state: CallState | None = None
        self._home = home
        self._pages: list[Page] = []
        self._context = zmq.asyncio.Context()
        self._up = self._context.socket(zmq.PULL)
        self._up.bind(f"ipc://{self.folder}/{CONTROL_UP}")
        plain: zmq.Context[zmq.Socket[bytes]] = zmq.Context.shadow(self._context.underlying)
        self._down = plain.socket(zmq.PUSH)
        self._down.connect(f"ipc://{self.folder}/{CONTROL_DOWN}")
        self.frames = self._context.socket(zmq.DEALER)
        self.frames.connect(f"ipc://{self.folder}/{FRAMES}")

    async def start(self) -> None:
        self.log = self._home / "engine.log"
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "nbrtc.engine",
                str(self.folder),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | {"NBRTC_ENGINE_LOG": "info"},
            )
        self._reader = asyncio.create_task(self._read())
        await self.until(lambda: self.all(Ready), "the engine")

    def post(self, request: Request) -> None:
        self._down.send(encode_bridge(request))

    def post_bytes(self, data: bytes) -> None:
        self._down.send(data)

    def open_call(self) -> None:
        self.post(OpenCall(call="call", name="Ada", quality=SMALL, folder=str(self._home), epoch=0))

    def from_page(self, page: str, intent: Intent) -> None:
        self.post(PageMessage(call="call", page=page, body=encode_json(intent).decode()))

    def page(self) -> Page:
        self._pages.append(Page(self))
        return self._pages[-1]

    def all(self, kind: type[Any]) -> list[Any]:
        return [item for item in self.notifications if isinstance(item, kind)]

    async def until(self, condition: Callable[[], object], what: str) -> None:
        loop = asyncio.get_running_loop()
        limit_s = loop.time() + LIMIT_S
        while not condition():
            if loop.time() > limit_s:
                pytest.fail(f"Waited {LIMIT_S} s in vain for {what}; the log: {self.log.read_text()}")
            await asyncio.sleep(0.01)

    async def ask(self, verb: Any) -> Outcome:
        number = len(self.all(Outcome)) + 1
        self.post(CallRequest(id=number, call="call", verb=verb))
        await self.until(lambda: len(self.all(Outcome)) == number, "an outcome")
        outcome: Outcome = self.all(Outcome)[-1]
        return outcome

    async def alive(self) -> None:
        """The engine answers a beat that is sent now."""
        number = uuid.uuid4().int % 2**31
        self.post(KernelBeat(number=number))
        await self.until(lambda: EngineBeat(number=number) in self.notifications, "a beat")

    async def ended(self) -> int:
        """The kernel goes, however it does: its end of the pipe closes."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with asyncio.timeout(LIMIT_S):
            return await self.process.wait()

    async def close(self) -> None:
        for page in self._pages:
            await page.close()
        await self.ended()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._down.close(linger=0)
        self._context.destroy(linger=0)

    async def _read(self) -> None:
        while True:
            notification = decode_notification(await self._up.recv())
            self.notifications.append(notification)
            if isinstance(notification, PageMessage):
                event = decode_event(notification.body)
                if isinstance(event, CallState):
                    self.state = event
                for page in self._pages:
                    if notification.page in (None, page.id):
                        page.take(event)


@pytest.fixture
async def kernel(tmp_path: Path) -> AsyncIterator[Kernel]:
    result = Kernel(tmp_path)
    await result.start()
    yield result
    await result.close()


async def test_it_ends_with_its_kernel_and_takes_its_folder_along(kernel: Kernel) -> None:
    kernel.open_call()
    await kernel.alive()
    assert await kernel.ended() == 0
    assert not kernel.folder.exists()


async def test_a_running_recording_is_finished_and_the_page_told_when_the_kernel_goes(
    kernel: Kernel, tmp_path: Path
) -> None:
    kernel.open_call()
    page = kernel.page()
    await page.connect()
    await kernel.until(lambda: kernel.state and kernel.state.phase == "connected", "the call")
    outcome = await kernel.ask(Record(str(tmp_path / "call.mkv")))
    assert outcome.error_code is None
    await kernel.until(
        lambda: kernel.state and kernel.state.recording and kernel.state.recording.duration_s > 0.5,
        "the recording",
    )
    assert await kernel.ended() == 0
    await kernel.until(page.byes, "a goodbye, by the data channel")
    assert page.byes()[0].code == "kernel-gone"
    assert (tmp_path / "call.mkv").exists()
    assert not (tmp_path / "call.mkv.partial").exists()
    with av.open(str(tmp_path / "call.mkv")) as file:
        assert sum(1 for _ in file.decode(video=0)) > 5


async def test_a_film_that_the_kernels_end_interrupts_is_left_to_recover(
    kernel: Kernel, tmp_path: Path
) -> None:
    kernel.open_call()
    page = kernel.page()
    await page.connect()
    await kernel.until(lambda: kernel.state and kernel.state.phase == "connected", "the call")
    outcome = await kernel.ask(Record(str(tmp_path / "call.mp4"), layout="pip"))
    assert outcome.error_code is None
    await kernel.until(
        lambda: kernel.state and kernel.state.recording and kernel.state.recording.duration_s > 0.5,
        "the recording",
    )
    assert await kernel.ended() == 0
    assert [name for name in names(tmp_path) if name.startswith("call")] == ["call.mp4.tracks"]
    manifest = manifests.read(tmp_path / "call.mp4.tracks" / manifests.NAME)
    assert [(film.path, film.state) for film in manifest.films] == [("../call.mp4", "waiting")]
    assert manifest.state == "complete"


async def test_malformed_messages_of_the_bridge_are_logged_and_the_engine_goes_on(kernel: Kernel) -> None:
    kernel.open_call()
    for data in (
        b"",
        b"\xc1",
        b"not msgpack",
        encode_bridge({"type": "open-call"}),
        encode_bridge(Ready(pid=1)),
    ):
        kernel.post_bytes(data)
    await kernel.alive()
    bad = FrameHeader(number=1, width=0, height=0, timestamp=0, arrived_s=0.0, time_s=0.0)
    for parts in (
        [b""],
        [b"\xc1", b"x"],
        [encode_bridge(bad)],
        [encode_bridge(FrameCredit(call="call", result=bad)), b"planes"],
        [encode_bridge(FrameCredit(call="call", result=bad)), b"", b"", b""],
        [encode_bridge(FrameStop(call="nobody"))],
    ):
        await kernel.frames.send_multipart(parts)
    await kernel.frames.send(encode_bridge(FrameCredit(call="nobody")))
    async with asyncio.timeout(LIMIT_S):
        answer = decode_frame_message(await kernel.frames.recv())
    assert answer == FrameStop(call="nobody", reason="closed")
    await kernel.alive()
    log = kernel.log.read_text()
    assert log.count("malformed request") == 5
    assert log.count("malformed frame message") == 4
    assert "Traceback" not in log


async def test_a_page_that_speaks_nonsense_is_reported(kernel: Kernel) -> None:
    kernel.open_call()
    kernel.post(PageMessage(call="call", page="page", body='{"type":"offer"}'))
    kernel.post(PageMessage(call="nobody", page="page", body="{}"))
    await kernel.until(lambda: kernel.all(Problem), "a problem")
    assert "page's message was refused" in kernel.all(Problem)[0].message
    await kernel.alive()


async def test_a_verb_for_a_call_that_is_closed_is_refused_in_words(kernel: Kernel) -> None:
    kernel.open_call()
    kernel.open_call()  # a second time changes nothing
    assert (await kernel.ask(EngineStatus())).error_code is None
    kernel.post(CloseCall(call="call", reason="Python closed it."))
    await kernel.until(lambda: kernel.state and kernel.state.phase == "closed", "the end")
    outcome = await kernel.ask(EngineStatus())
    assert outcome.error_code == "call"
    assert "make a new Call" in (outcome.error_message or "")


async def test_two_calls_do_not_touch_each_other(kernel: Kernel) -> None:
    kernel.open_call()
    kernel.post(OpenCall(call="other", name="Bob", quality=SMALL, folder=".", epoch=0))
    page = kernel.page()
    await page.connect()
    await kernel.until(lambda: kernel.state and kernel.state.phase == "connected", "the call")
    kernel.post(CloseCall(call="other", reason="Done."))
    seen = len(page.received)
    await kernel.until(lambda: len(page.received) > seen + 10, "the picture")
