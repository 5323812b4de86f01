"""A whole call but for widget and browser: the kernel's side, a real engine, and a page made of aiortc."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nbrtc.bridge import Bridge
from nbrtc.kernel_side import KernelSide
from nbrtc.messages import CallState, Intent, OpenCall, decode_event, encode_json
from nbrtc.own_sound import OwnSound
from tests.loopback.conftest import SMALL
from tests.loopback.page import Comm, Page

PATIENCE_S = 60.0
"""For a test that fails; a loaded machine needs some seconds."""
RATE = 48_000


class WholeCall(OwnSound, Comm):
    """As `nbrtc.Call`, without the widget."""

    def __init__(self, bridge: Bridge, folder: Path) -> None:
        self._loop = asyncio.get_running_loop()
        opening = OpenCall(call=uuid.uuid4().hex, name="Ada", quality=SMALL, folder=str(folder), epoch=0)
        self.page = Page(self)
        self._side = KernelSide(bridge, opening, self._send)
        self._side.open()

    @property
    def side(self) -> KernelSide:
        return self._side

    @property
    def state(self) -> CallState:
        return self._side.mirror.state

    def from_page(self, page: str, intent: Intent) -> None:
        self._side.from_page({"page": page, "body": encode_json(intent).decode()})

    async def connect(self) -> None:
        reply = await self.page.connect()
        assert reply.error_code is None, reply.error_message
        await self.until(lambda: self.state.phase == "connected", "the call to be connected")

    async def until(self, condition: Callable[[], object], what: str) -> None:
        limit_s = self._loop.time() + PATIENCE_S
        while not condition():
            if self._loop.time() > limit_s:
                pytest.fail(f"Waited in vain for {what}; {self.state}; {self._side.problems.items()}")
            await asyncio.sleep(0.005)

    async def call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One of the call's verbs, which wait for the engine, beside the page's loop."""
        return await asyncio.to_thread(function, *arguments, **options)

    async def sound(self, seconds: float) -> NDArray[np.float64]:
        """The next seconds that the page hears, mono, -1 to 1."""
        heard = self.page.samples
        heard.clear()
        await self.until(lambda: len(heard) >= seconds / 0.02, f"{seconds} s of sound")
        return joined(list(heard))

    async def close(self) -> None:
        await self.page.close()
        await self.call(self._side.close, "The test is over.")

    def _send(self, page: str | None, text: str) -> None:
        event = decode_event(text)
        if page in (None, self.page.id):
            self._loop.call_soon_threadsafe(self.page.take, event)


def joined(frames: "list[NDArray[Any]]") -> NDArray[np.float64]:
    """What aiortc decodes, stereo and interleaved, as mono."""
    stereo: NDArray[np.int16] = np.concatenate([frame.reshape(-1, 2) for frame in frames])
    mono: NDArray[np.float64] = stereo.astype(np.float64).mean(axis=1)
    return mono / 32768


def level(samples: NDArray[np.float64]) -> float:
    """RMS."""
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def hertz(samples: NDArray[np.float64]) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()])
