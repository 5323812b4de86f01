"""One encoder for many peers: renditions, keyframes, and what a slow peer costs the others."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable

import av
import pytest
from av import VideoFrame

from nbrtc.engine import broadcast as module
from nbrtc.engine.broadcast import Broadcast, BroadcastTrack, sort_by_limit
from nbrtc.engine.codecs import is_keyframe
from nbrtc.engine.outgoing import PASS_FRAMES
from tests.loopback.pictures import draw, noise, read

DECODERS = {"VP8": "vp8", "H264": "h264"}


class Reader:
    """A peer's sender: reads its track, and decodes it as the other side would."""

    def __init__(self, broadcast: Broadcast, codec: str = "VP8") -> None:
        self.track: BroadcastTrack = broadcast.track(codec)  # type: ignore[arg-type]
        self.data: list[bytes] = []
        self.stamps: list[int] = []
        self.numbers: list[int | None] = []
        self.sizes: list[tuple[int, int]] = []
        self._codec = codec
        self._decoder = av.CodecContext.create(DECODERS[codec], "r")
        self._task = asyncio.create_task(self._read())

    @property
    def keyframes(self) -> list[bool]:
        return [is_keyframe(self._codec, data) for data in self.data]

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.track.stop()

    async def _read(self) -> None:
        while True:
            packet = await self.track.recv()
            self.data.append(bytes(packet))
            self.stamps.append(packet.pts or 0)
            for frame in self._decoder.decode(av.Packet(bytes(packet))):  # type: ignore[attr-defined]
                self.numbers.append(read(frame))
                self.sizes.append((frame.width, frame.height))


NewReader = Callable[..., Reader]


@pytest.fixture
async def broadcast() -> AsyncIterator[Broadcast]:
    broadcast = Broadcast(30)
    yield broadcast
    await broadcast.close()


@pytest.fixture
async def new_reader(broadcast: Broadcast) -> AsyncIterator[NewReader]:
    made: list[Reader] = []

    def make(codec: str = "VP8") -> Reader:
        made.append(Reader(broadcast, codec))
        return made[-1]

    yield make
    for reader in made:
        await reader.close()


async def until(condition: Callable[[], object]) -> None:
    limit_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit_s
        await asyncio.sleep(0.005)


async def show(broadcast: Broadcast, picture: VideoFrame) -> None:
    """Show a picture and wait until all have it."""
    broadcast.show(picture, None)
    before = [rendition.frames for rendition in broadcast._renditions.values()]
    await until(lambda: [rendition.frames for rendition in broadcast._renditions.values()] != before)


async def test_all_get_the_same_bytes(broadcast: Broadcast, new_reader: NewReader) -> None:
    ada, bob = new_reader(), new_reader()
    await until(lambda: len(broadcast._tracks) == 2)
    for number in range(8):
        await show(broadcast, draw(number))
    await until(lambda: len(ada.data) == len(bob.data) == 8)
    assert ada.data == bob.data
    assert ada.numbers == list(range(8))
    assert ada.keyframes == [True] + [False] * 7
    assert all(later > earlier for earlier, later in itertools.pairwise(ada.stamps))


async def test_who_comes_later_begins_with_a_keyframe_of_the_last_picture(
    broadcast: Broadcast, new_reader: NewReader
) -> None:
    broadcast.show(draw(5), None)  # nobody is there: it is kept
    ada = new_reader()
    await until(lambda: ada.numbers == [5])
    bob = new_reader()
    await until(lambda: bob.numbers)
    assert bob.numbers[0] == 5
    assert bob.keyframes[0]


async def test_with_nobody_there_nothing_is_encoded(broadcast: Broadcast) -> None:
    taken: list[bool] = []
    broadcast.on_taken = lambda: taken.append(True)
    for number in range(3):
        broadcast.show(draw(number), None)
    assert len(taken) == 3
    assert broadcast.figures(0)["renditions"] == []


async def test_a_weak_peer_gets_the_low_rendition_and_harms_nobody(
    broadcast: Broadcast, new_reader: NewReader
) -> None:
    ada, bob, weak = new_reader(), new_reader(), new_reader()
    await until(lambda: len(broadcast._tracks) == 3)
    pictures = noise(320, 240)
    await show(broadcast, pictures[0])
    await until(lambda: weak.data)
    now_s = time.monotonic()
    weak.track.limit.add_sent(100_000, now_s)
    for moment in range(20):  # heavy loss, as it is reported
        weak.track.limit.add_loss(0.9, 0.01, now_s - 20 + moment)
    assert weak.track.limit.bitrate_bps(now_s) < 150_000
    for picture in pictures:
        await show(broadcast, picture)
    await until(lambda: (160, 120) in weak.sizes)
    assert {rendition.level for rendition in broadcast._renditions.values()} == {"full", "low"}
    assert broadcast._rendition(ada.track).bitrate_bps == ada.track.limit.target_bps
    assert set(ada.sizes) == set(bob.sizes) == {(320, 240)}
    weak.track.limit._free = True  # the network is as good as any again
    await show(broadcast, pictures[0])
    await until(lambda: weak.sizes[-1] == (320, 240))
    assert weak.keyframes[-1]


async def test_only_a_large_difference_parts_the_peers(broadcast: Broadcast) -> None:
    tracks = [broadcast.track("VP8") for _ in range(3)]
    limits = [1_000_000, 600_000, 400_000]
    for track, limit_bps in zip(tracks, limits, strict=True):
        track.limit.target_bps = limit_bps
    sort_by_limit(tracks, 0.0)
    assert [track.level for track in tracks] == ["full", "full", "low"]
    levels = []
    for moment_s, limit_bps in enumerate((650_000, 720_000), 1):
        tracks[2].limit.target_bps = limit_bps
        sort_by_limit(tracks, float(moment_s))
        levels.append(tracks[2].level)
    assert levels == ["low", "full"]
    for track in tracks:
        track.stop()


async def test_many_requests_for_keyframes_make_few(
    broadcast: Broadcast, new_reader: NewReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEYFRAME_INTERVAL_S", 60.0)
    ada = new_reader()
    await until(lambda: broadcast._tracks)
    await show(broadcast, draw(0))
    for number in range(1, 6):
        ada.track.request_keyframe()
        await show(broadcast, draw(number))
    await until(lambda: len(ada.data) >= 6)
    assert sum(ada.keyframes) == 1


async def test_a_sender_that_is_stuck_goes_on_at_a_keyframe(
    broadcast: Broadcast, new_reader: NewReader
) -> None:
    ada, stuck = new_reader(), new_reader()
    await until(lambda: len(broadcast._tracks) == 2)
    stuck._task.cancel()
    for number in range(PASS_FRAMES + 3):
        await show(broadcast, draw(number))
    await until(lambda: len(ada.numbers) >= PASS_FRAMES + 3)
    assert stuck.track.dropped >= PASS_FRAMES
    stuck._task = asyncio.create_task(stuck._read())
    await show(broadcast, draw(99))
    await until(lambda: 99 in stuck.numbers)
    assert None not in stuck.numbers
    assert ada.numbers[: PASS_FRAMES + 3] == list(range(PASS_FRAMES + 3))


async def test_a_still_picture_is_refreshed(
    broadcast: Broadcast, new_reader: NewReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFRESH_S", 0.05)
    ada = new_reader()
    await until(lambda: broadcast._tracks)
    await show(broadcast, draw(7))
    await until(lambda: len(ada.numbers) > 3)
    assert set(ada.numbers) == {7}


async def test_a_picture_that_cannot_be_encoded_is_left_out(
    broadcast: Broadcast, new_reader: NewReader
) -> None:
    ada = new_reader()
    await until(lambda: broadcast._tracks)
    broadcast.show(VideoFrame(16_500, 16, "yuv420p"), None)
    await until(lambda: broadcast.failed)
    await show(broadcast, draw(8))
    await until(lambda: 8 in ada.numbers)


async def test_a_peer_without_vp8_gets_h264(broadcast: Broadcast, new_reader: NewReader) -> None:
    ada, bob = new_reader(), new_reader("H264")
    await until(lambda: len(broadcast._tracks) == 2)
    for number in range(6):
        broadcast.show(draw(number), None)
        await until(lambda: len(ada.numbers) == len(bob.numbers) == number + 1)  # noqa: B023 - awaited here
    assert bob.numbers == list(range(6))
    assert bob.data[0][:4] == b"\x00\x00\x00\x01"
    broadcast.show(draw(6, 161, 121), None)  # H.264 has even sizes only
    await until(lambda: ada.sizes[-1] == (161, 121))
    await until(lambda: len(bob.sizes) == len(ada.sizes))
    assert set(bob.sizes) == {(160, 120)}
