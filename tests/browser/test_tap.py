"""The encoded tap in a real browser: what Bob sends to this page reaches Python, in every codec, unharmed.

The page is a plain one (js/test/tap-page.ts); Python's end is the engine's link, tap and decoder on a loop of
its own.
"""

import asyncio
import hashlib
import itertools
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
import pytest
from playwright.sync_api import Page

from nbrtc.engine.decode import Picture, VideoDecoder
from nbrtc.engine.feed import EncodedFrame
from nbrtc.engine.link import Link
from nbrtc.engine.seams import use_loopback_where_alone
from nbrtc.engine.tap import Tap
from nbrtc.messages import Candidate, Quality
from tests.browser.chromium import QUADRANTS
from tests.browser.conftest import NewPage

JS = Path(__file__).parents[2] / "js"
PATIENCE_S = 60.0
Result = TypeVar("Result")


class Python:
    """The engine's end, on a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="engine")
        self._thread.start()
        self.pictures: list[Picture] = []
        self.frames: list[EncodedFrame] = []
        self.sounds: list[EncodedFrame] = []
        self.link: Link | None = None
        self.run(self._open())

    async def _open(self) -> None:
        use_loopback_where_alone()
        self.tap = Tap()
        feeds = self.tap.add("bob")
        self.video = feeds["video"]
        feeds["video"].subscribe(self.frames.append)
        feeds["audio"].subscribe(self.sounds.append)
        self.decoder = VideoDecoder(feeds["video"], self.pictures.append)
        self.decoder.start()

    async def answer(self, generation: int, sdp: str) -> str:
        if self.link is not None:
            await self.link.close()
        self.link = Link(
            "page",
            generation,
            Quality(640, 480, 30),
            ice_servers=(),
            on_intent=lambda _: None,
            on_failed=lambda _: None,
        )
        self.tap.attach(self.link)
        return await self.link.answer(sdp)

    async def add_candidate(self, candidate: Candidate) -> None:
        assert self.link is not None
        await self.link.add_candidate(candidate)

    def figures(self) -> dict[str, Any]:
        figures: Any = self.tap.figures()
        assert figures["refused_messages"] == 0
        bob: dict[str, Any] = figures["participants"]["bob"]
        return bob

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_S)

    def close(self) -> None:
        async def close() -> None:
            await self.decoder.close()
            if self.link is not None:
                await self.link.close()

        self.run(close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page with the bundled tap, on this machine."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    folder = tmp_path_factory.mktemp("tap")
    subprocess.run([node, "test/bundle.mjs", "test/tap-page.ts", str(folder / "page.js")], cwd=JS, check=True)
    (folder / "index.html").write_text("<!doctype html><title>Tap</title><script src=page.js></script>")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments: Any) -> None:
            """Say nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def python() -> Iterator[Python]:
    result = Python()
    yield result
    result.close()


def connect(page: Page, python: Python, generation: int = 1, *, late: bool = False) -> None:
    sdp = page.evaluate("([generation, late]) => page.offer(generation, late)", [generation, late])
    answer = python.run(python.answer(generation, sdp))
    page.evaluate("([generation, sdp]) => page.answer(generation, sdp)", [generation, answer])

    def is_open() -> bool:
        for candidate in page.evaluate("page.candidates()"):
            if candidate["generation"] == generation:
                python.run(
                    python.add_candidate(
                        Candidate(
                            generation=generation,
                            candidate=candidate["candidate"],
                            sdp_mid=candidate["sdpMid"],
                            sdp_m_line_index=candidate["sdpMLineIndex"],
                        )
                    )
                )
        assert python.link is not None
        return python.link.is_open

    until(page, is_open, "the link")


def until(page: Page, condition: Callable[[], object], what: str) -> None:
    """Wait for a condition; the limit is for a test that fails."""
    for _ in range(round(PATIENCE_S / 0.02)):
        if condition():
            return
        page.wait_for_timeout(20)
    pytest.fail(f"Waited {PATIENCE_S:.0f} s in vain for {what}; the page: {page.evaluate('page.problems()')}")


def is_as_encoded(page: Page, frames: list[EncodedFrame]) -> bool:
    """Whether these are the very bytes of Bob's encoder, one frame after the other without a hole."""
    ours = [hashlib.sha256(frame.data).hexdigest() for frame in frames]
    theirs = page.evaluate("kind => page.encoded()[kind]", frames[0].kind)
    # silence repeats itself: there may be more than one place where they could begin
    return any(theirs[start : start + len(ours)] == ours for start in range(len(theirs)))


def shows_the_clip(picture: Picture) -> bool:
    """Whether the quadrants are where they belong."""
    rgb = picture.frame.to_ndarray(format="rgb24")
    height, width, _ = rgb.shape
    corners = {
        f"{vertical} {horizontal}": rgb[round(y * height), round(x * width)]
        for vertical, y in (("top", 0.1), ("bottom", 0.9))
        for horizontal, x in (("left", 0.1), ("right", 0.9))
    }
    return all(np.array_equal(corners[name] > 128, np.array(QUADRANTS[name]) > 128) for name in QUADRANTS)


@pytest.mark.parametrize("codec", ["VP8", "VP9", "AV1", "H264"])
def test_bobs_picture_reaches_python_in(codec: str, new_page: NewPage, address: str, python: Python) -> None:
    page = new_page()
    page.goto(address)
    if not page.evaluate("mimeType => page.call(mimeType)", f"video/{codec}"):
        pytest.skip(f"this Chromium does not send {codec}")
    assert page.evaluate("page.supported()")
    connect(page, python)
    until(page, lambda: page.evaluate("page.shown()") > 3, "Bob's picture in the page")
    assert python.video.frames == 0, "frames came that nobody wanted"

    page.evaluate("page.want(['bob', 'you'])")
    until(page, lambda: len(python.pictures) >= 10 and len(python.sounds) >= 10, "Bob's pictures in Python")

    assert {frame.codec for frame in python.sounds} == {"opus"}
    assert shows_the_clip(python.pictures[-1])
    figures = python.figures()
    assert figures["dropped_frames"] == 0
    picture = python.pictures[-1].frame
    # Chromium does not say how large a picture in AV1 is
    size = (picture.width, picture.height) if codec != "AV1" else (0, 0)
    assert (figures["video_width"], figures["video_height"]) == size
    assert python.decoder.errors == 0
    assert is_as_encoded(page, list(python.frames))
    assert is_as_encoded(page, list(python.sounds))
    keyframes = python.video.keyframes
    python.loop.call_soon_threadsafe(python.video.request_keyframe)
    until(page, lambda: python.video.keyframes > keyframes, "the keyframe that Python asked for")
    # one picture and one sound are encoded: Bob's
    assert sorted(page.evaluate("page.encoders()")) == ["audio", "video"]


@pytest.mark.parametrize("late", [False, True], ids=["channel in the worker", "channel in the page"])
def test_copying_begins_ends_and_survives_a_new_link(
    late: bool, new_page: NewPage, address: str, python: Python
) -> None:
    page = new_page()
    page.goto(address)
    page.evaluate("page.call('video/VP8')")
    connect(page, python, late=late)
    page.evaluate("page.want(['bob'])")
    until(page, lambda: len(python.pictures) >= 5, "pictures")

    if not late:
        before = python.video.frames
        page.evaluate("page.block(2000)")
        assert python.video.frames > before, "a busy page held the copies back"

    page.evaluate("page.want([])")
    page.evaluate("page.block(0)")
    still = python.video.frames

    def has_stopped() -> bool:
        nonlocal still
        shown = page.evaluate("page.shown()")
        until(page, lambda: page.evaluate("page.shown()") > shown + 5, "the picture in the page to go on")
        before, still = still, python.video.frames
        return before == still

    until(page, has_stopped, "the copies to end")

    connect(page, python, 2, late=late)
    seen = len(python.pictures)
    last = python.pictures[-1].timestamp
    page.evaluate("page.want(['bob'])")
    until(page, lambda: len(python.pictures) >= seen + 5, "pictures over the new link")

    assert shows_the_clip(python.pictures[-1])
    assert python.pictures[-1].timestamp > last
    assert python.decoder.errors == 0
    asked = python.figures()["keyframe_requests"]
    keyframes = python.video.keyframes
    python.loop.call_soon_threadsafe(python.video.request_keyframe)
    until(page, lambda: python.video.keyframes > keyframes, "the keyframe that Python asked for")
    assert python.figures()["keyframe_requests"] > asked


def test_a_lost_link_costs_a_recording_nothing(new_page: NewPage, address: str, python: Python) -> None:
    page = new_page()
    page.goto(address)
    page.evaluate("page.call('video/VP8')")
    connect(page, python)
    page.evaluate("page.record(['bob'])")
    page.evaluate("page.want(['bob'])")
    until(page, lambda: len(python.frames) >= 10, "pictures")

    assert python.link is not None
    away_s = time.monotonic()
    python.run(python.link.close())
    shown = page.evaluate("page.shown()")
    until(page, lambda: page.evaluate("page.shown()") > shown + 30, "the picture in the page to go on")
    away_s = time.monotonic() - away_s
    connect(page, python, 2)
    # the frames of the time without a link come first: what is new now comes after all of them
    newest = len(page.evaluate("page.encoded().video"))
    until(page, lambda: len(python.frames) > newest - 20, "what waited in the page")

    frames, sounds = list(python.frames), list(python.sounds)
    assert python.figures()["dropped_frames"] == 0
    assert is_as_encoded(page, frames)
    assert is_as_encoded(page, sounds)
    assert not any(frame.after_gap for frame in frames[1:] + sounds[1:])
    # it is placed when it arrived at the page, although it came here in a burst
    for media in frames, sounds:
        drifts = [frame.arrived_s - frame.timestamp / frame.clock_rate for frame in media]
        assert max(drifts) - min(drifts) < 0.7 * away_s


def test_a_flash_and_its_beep_are_captured_at_the_same_time(
    new_page: NewPage, address: str, python: Python
) -> None:
    page = new_page()
    page.goto(address)
    page.evaluate("page.call('video/VP8', 'clip')")
    connect(page, python)
    page.evaluate("page.want(['bob'])")
    until(page, lambda: len(page.evaluate("page.drawn()")) >= 7, "flashes")

    drawn = page.evaluate("page.drawn()")
    heard_s, seen_s = beeps(python), flashes(python)
    assert min(len(heard_s), len(seen_s)) >= 3
    # a busy machine draws late: that is no error of the capture times
    apart_s = [
        flash_s - nearest(heard_s, flash_s) - dict(drawn)[nearest(list(dict(drawn)), flash_s)]
        for flash_s in seen_s
    ]
    assert abs(float(np.median(apart_s))) <= 0.1, apart_s


def nearest(moments: list[float], to: float) -> float:
    return min(moments, key=lambda moment: abs(moment - to))


def flashes(python: Python) -> list[float]:
    """When the pictures that begin a flash were captured."""
    pictures = list(python.pictures)
    captured_s = {frame.timestamp: frame.captured_s for frame in list(python.frames)}
    bright = [
        (captured_s[picture.timestamp], float(picture.frame.to_ndarray(format="gray").mean()) > 128)
        for picture in pictures
    ]
    return onsets(bright)


def beeps(python: Python) -> list[float]:
    """When the sound of each beep began to be captured."""
    decoder = av.CodecContext.create("libopus", "r")
    loud: list[tuple[float | None, bool]] = []
    for frame in list(python.sounds):
        for decoded in decoder.decode(av.Packet(frame.data)):
            samples = (
                decoded.to_ndarray().astype(float).reshape(-1, len(decoded.layout.channels)).mean(axis=1)
            )
            for start in range(0, len(samples), 48):
                at_s = None if frame.captured_s is None else frame.captured_s + start / 48_000
                loud.append((at_s, float(np.abs(samples[start : start + 48]).max()) > 3000))
    return onsets(loud)


def onsets(moments: list[tuple[float | None, bool]]) -> list[float]:
    """Where it goes from off to on; before the first capture time nothing is known."""
    return [
        at_s
        for (_, was_on), (at_s, is_on) in itertools.pairwise(moments)
        if is_on and not was_on and at_s is not None
    ]
