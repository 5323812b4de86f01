"""Who is wanted, who gets pictures, and what happens to those who wait when somebody leaves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast

import av
import pytest
from av.video.codeccontext import VideoCodecContext

from nbrtc.engine.decode import MAX_PIXELS, Picture
from nbrtc.engine.feed import EncodedFrame, Feed
from nbrtc.engine.gallery import OWN, Gallery
from nbrtc.engine.viewer import Subscriber, Wish
from nbrtc.messages import QUEUED_FRAMES, FrameHeader
from nbrtc.pictures import unpack
from tests.loopback.pictures import draw, read
from tests.priority import opened
from tests.unit.tapped import KEYFRAME

ENCODERS = {
    "VP8": ("libvpx", {"deadline": "realtime", "lag-in-frames": "0"}),
    "VP9": ("libvpx-vp9", {"deadline": "realtime", "lag-in-frames": "0"}),
    "AV1": ("libsvtav1", {"preset": "11", "crf": "30", "svtav1-params": "pred-struct=1:lp=1"}),
    "H264": ("libx264", {"tune": "zerolatency", "profile": "baseline"}),
}
"""As browsers send: every picture by itself, none held back."""


def encoded(codec: str, numbers: list[int], width: int = 320, height: int = 240) -> list[EncodedFrame]:
    """Frames whose pictures carry these numbers; the first is a keyframe."""
    name, options = ENCODERS[codec]
    encoder = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.options = Fraction(1, 30), options
    opened(encoder)
    packets: list[Any] = []
    for position, number in enumerate(numbers):
        picture = draw(number, width, height)
        picture.pts, picture.time_base = position, Fraction(1, 30)
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    return [
        EncodedFrame("video", codec, 3000 * i, 90_000, bool(packet.is_keyframe), bytes(packet), 0.1 * i)
        for i, packet in enumerate(packets)
    ]


@dataclass
class Camera:
    """A feed by hand, and one subscriber of its pictures."""

    gallery: Gallery
    participant: str = "bob"
    asked: int = 0
    got: "asyncio.Queue[tuple[FrameHeader, bytes]]" = field(default_factory=asyncio.Queue)
    stopped: list[str] = field(default_factory=list)
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed("video", self._ask)
        self.gallery.attach(self.participant, self.feed)

    def ask(self, after: int = -1, **wish: Any) -> None:
        subscriber = Subscriber(
            b"me", lambda header, planes: self.got.put_nowait((header, bytes(planes))), self.stopped.append
        )
        self.gallery.ask(self.participant, subscriber, Wish(after, **wish))

    async def picture(self) -> tuple[FrameHeader, int | None]:
        """The next picture, and the number it shows."""
        header, planes = await asyncio.wait_for(self.got.get(), 20)
        return header, read(unpack(memoryview(planes), header.width, header.height))

    def _ask(self) -> None:
        self.asked += 1


@pytest.fixture
def wanted() -> list[tuple[str, ...]]:
    return []


@pytest.fixture
async def gallery(wanted: list[tuple[str, ...]]) -> AsyncIterator[Gallery]:
    result = Gallery(wanted.append)
    yield result
    await result.close()
    await result.close()


@pytest.mark.parametrize("codec", ENCODERS)
async def test_pictures_are_decoded_in_every_codec_and_any_size(codec: str, gallery: Gallery) -> None:
    camera = Camera(gallery)
    after = -1
    for number, (width, height) in enumerate([(320, 240), (640, 360), (160, 120)]):
        camera.ask(after)
        for frame in encoded(codec, [40 + number] * 3, width, height)[:1]:
            camera.feed.push(frame)
        header, shown = await camera.picture()
        assert (header.width, header.height, shown) == (width, height, 40 + number)
        after = header.number


async def test_pictures_are_scaled_to_what_is_asked_for(gallery: Gallery) -> None:
    camera = Camera(gallery)
    camera.ask(size=(160, 120))
    camera.feed.push(encoded("VP8", [40])[0])
    header, shown = await camera.picture()
    assert (header.width, header.height, shown) == (160, 120, 40)


async def test_whoever_wants_every_frame_gets_them_in_order_and_the_oldest_are_dropped(
    gallery: Gallery,
) -> None:
    camera = Camera(gallery)
    camera.ask(queued=True)
    frames = encoded("VP8", list(range(QUEUED_FRAMES + 6)))
    camera.feed.push(frames[0])
    first, shown = await camera.picture()
    assert shown == 0
    decoded: list[Picture] = []
    gallery.watch(camera.participant, decoded.append)
    for count, frame in enumerate(frames[1:], 1):
        camera.feed.push(frame)
        await until(lambda: len(decoded) == count, "a decoded picture")  # noqa: B023 - waited for here
    after, seen = first.number, []
    for _ in range(QUEUED_FRAMES):
        camera.ask(after, queued=True)
        header, shown = await camera.picture()
        seen.append((shown, header.skipped))
        after = header.number
    assert seen == [(6, 5), *[(number, 0) for number in range(7, QUEUED_FRAMES + 6)]]


async def test_a_frame_that_does_not_decode_is_followed_by_a_keyframe(gallery: Gallery) -> None:
    camera = Camera(gallery)
    camera.ask()
    asked = camera.asked
    camera.feed.push(EncodedFrame("video", "AV1", 0, 90_000, True, b"\x32\xff\xff\xff", 0.0))
    async with asyncio.timeout(20):
        while camera.asked == asked:  # noqa: ASYNC110 - the request has no event
            await asyncio.sleep(0.005)
    for frame in encoded("AV1", [7, 8]):
        camera.feed.push(frame)
    _, shown = await camera.picture()
    assert shown == 7


async def test_a_picture_that_claims_to_be_huge_is_refused(gallery: Gallery) -> None:
    camera = Camera(gallery)
    camera.ask()
    good = encoded("VP8", [9])
    huge = bytearray(good[0].data)
    assert huge[3:6] == KEYFRAME[3:6]
    huge[6:10] = (16383).to_bytes(2, "little") * 2
    assert MAX_PIXELS < 16383 * 16383
    camera.feed.push(EncodedFrame("video", "VP8", 0, 90_000, True, bytes(huge), 0.0))
    asked = camera.asked
    async with asyncio.timeout(20):
        while camera.asked == asked:  # noqa: ASYNC110 - the request has no event
            await asyncio.sleep(0.005)
    assert camera.got.empty()
    camera.feed.push(good[0])
    assert (await camera.picture())[1] == 9


async def test_somebody_is_wanted_while_a_subscriber_asks_and_a_little_longer(
    gallery: Gallery, wanted: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbrtc.engine.viewer.IDLE_S", 0.1)
    camera = Camera(gallery)
    Camera(gallery, "carol")
    camera.ask()
    await until(lambda: wanted, "Bob is wanted")
    assert wanted == [("bob",)]
    camera.ask()
    camera.feed.push(encoded("VP8", [1])[0])
    await camera.picture()
    await until(lambda: len(wanted) == 2, "Bob is wanted no more")
    assert wanted[1] == ()


async def test_who_waits_for_pictures_goes_on_wanting_them(
    gallery: Gallery, wanted: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbrtc.engine.viewer.IDLE_S", 0.05)
    camera = Camera(gallery)
    camera.ask()
    viewer = gallery._viewers["bob"]
    looked = asyncio.Event()
    monkeypatch.setattr(viewer, "_rest_after", lambda _: looked.set())
    await asyncio.wait_for(looked.wait(), 20)
    assert viewer.is_wanted
    gallery.forget(b"me")
    viewer._rest()
    await until(lambda: wanted == [("bob",), ()], "nobody is wanted")


async def test_purposes_keep_people_wanted(gallery: Gallery, wanted: list[tuple[str, ...]]) -> None:
    Camera(gallery)
    gallery.keep("effect", [OWN])
    gallery.keep("recording", ["bob", OWN, "a stranger"])
    await until(lambda: wanted, "a word")
    gallery.keep("effect", [])
    gallery.keep("recording", ["bob"])
    await until(lambda: len(wanted) == 2, "another word")
    assert wanted == [("bob", OWN), ("bob",)]


async def test_whoever_waits_for_somebody_who_left_is_told(
    gallery: Gallery, wanted: list[tuple[str, ...]]
) -> None:
    camera = Camera(gallery)
    camera.ask()
    await until(lambda: wanted, "Bob is wanted")
    gallery.remove("bob", "left")
    gallery.remove("bob", "left")
    assert camera.stopped == ["left"]
    await until(lambda: len(wanted) == 2, "nobody is wanted")
    camera.ask()
    assert camera.stopped == ["left", "left"]


async def test_a_feed_may_go_and_another_come(gallery: Gallery) -> None:
    camera = Camera(gallery, OWN)
    camera.ask()
    gallery.detach(OWN)
    camera.feed.push(encoded("VP8", [1])[0])
    feed = Feed("video", lambda: None)
    gallery.attach(OWN, feed)
    feed.push(encoded("VP8", [2])[0])
    assert (await camera.picture())[1] == 2


async def until(condition: Any, what: str) -> None:
    """Wait for a condition; the limit is for a test that fails."""
    try:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - conditions of plain values
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"Waited in vain: {what}")


async def test_the_queue_of_a_reader_that_was_killed_is_forgotten(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = Camera(gallery)
    frames = encoded("VP8", [1, 2, 3])
    dead = Subscriber(b"dead", lambda header, planes: None, lambda _: None)
    gallery.ask("bob", dead, Wish(-1, queued=True))
    viewer = gallery._viewers["bob"]
    camera.ask()
    camera.feed.push(frames[0])
    await camera.picture()
    assert b"dead" in viewer._queues
    monkeypatch.setattr("nbrtc.engine.viewer.IDLE_S", 0.0)
    camera.ask(1)
    camera.feed.push(frames[1])
    await camera.picture()
    assert viewer._queues == {}
