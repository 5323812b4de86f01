"""What takes the camera's place, in the engine: the kernel's pictures on credit, a file, neither."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import av
import msgspec
import pytest
from av import VideoFrame

from nbrtc.engine import source as module
from nbrtc.engine.pace import ROOM
from nbrtc.engine.source import Source
from nbrtc.engine.stay import status_of
from nbrtc.engine.viewer import Subscriber
from nbrtc.errors import FrameError
from nbrtc.messages import QUALITIES, CallState, FrameHeader, SetVideoSource
from nbrtc.pictures import pack
from tests.loopback.pictures import HEIGHT, WIDTH, draw, read

PATIENCE_S = 20.0


class Kernel:
    """A frame port of the kernel: brings pictures, and counts how often the next one was wanted."""

    def __init__(self, source: Source, identity: bytes = b"kernel") -> None:
        self.answers: list[int] = []
        self.stops: list[str] = []
        self._source = source
        self._subscriber = Subscriber(
            identity, lambda header, planes: self.answers.append(header.number), self.stops.append
        )

    def ask(self, number: int | None = None) -> None:
        if number is not None:
            header = FrameHeader(
                number=number, width=WIDTH, height=HEIGHT, timestamp=0, arrived_s=0.0, time_s=0.0
            )
            self._source.result(self._subscriber.identity, header, memoryview(pack(draw(number))))
        self._source.ask(self._subscriber)

    def leave(self) -> None:
        self._source.forget(self._subscriber.identity)


class Place:
    """A source, and what was shown of it."""

    def __init__(self) -> None:
        self.shown: list[int | None] = []
        self.problems: list[tuple[str, str]] = []
        self.source = Source(self._show, lambda code, message: self.problems.append((code, message)))

    def _show(self, picture: VideoFrame) -> None:
        self.shown.append(read(picture))

    async def until(self, condition: Callable[[], object]) -> None:
        limit_s = asyncio.get_running_loop().time() + PATIENCE_S
        while not condition():
            assert asyncio.get_running_loop().time() < limit_s
            await asyncio.sleep(0.005)


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    place = Place()
    yield place
    await place.source.close()
    await place.source.close()


def use(place: Place, fps: float = 50.0) -> Kernel:
    place.source.use(SetVideoSource("camera", fps=fps))
    return Kernel(place.source)


def write_film(path: Path, pictures: int = 5) -> Path:
    with av.open(path, "w") as output:
        stream = output.add_stream("libvpx", rate=30)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 2_000_000
        for number in range(pictures):
            frame = draw(number)
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def test_others_are_told_of_a_picture_with_the_camera_off() -> None:
    off = CallState(quality=QUALITIES["auto"])
    assert status_of(off).video_off
    assert not status_of(msgspec.structs.replace(off, video_source="figure")).video_off


async def test_nothing_is_asked_for_before_somebody_sees_it(place: Place) -> None:
    kernel = use(place)
    kernel.ask()
    assert kernel.answers == []
    place.source.attach()
    assert kernel.answers == [0], "the first picture is wanted at once, and nothing came so far"


async def test_pictures_are_shown_in_order_and_asked_for_just_ahead(place: Place) -> None:
    kernel = use(place)
    place.source.attach()
    kernel.ask()
    for number in range(20):
        await place.until(lambda: len(kernel.answers) > number)  # noqa: B023 - awaited here
        assert len(kernel.answers) == number + 1, "one answer for each credit"
        assert len(place.shown) >= number - ROOM
        kernel.ask(number)
    await place.until(lambda: len(place.shown) == 20)
    assert place.shown == list(range(20))
    assert kernel.answers[:20] == list(range(20))
    assert place.source.figures() == {"pictures": 20, "waiting": 0}


async def test_a_kernel_that_does_not_wait_cannot_fill_the_place(place: Place) -> None:
    kernel = use(place, fps=0.1)
    place.source.attach()
    for number in range(10):
        kernel.ask(number)
    assert place.shown == [0]
    assert place.source.figures()["waiting"] == ROOM
    assert kernel.answers == []


async def test_a_late_picture_of_an_earlier_source_is_not_shown(place: Place) -> None:
    first = use(place)
    place.source.attach()
    first.ask(1)
    place.source.use(SetVideoSource("other", fps=50.0))
    assert first.answers == [1]
    first.ask(2)
    second = Kernel(place.source, b"second")
    second.ask(3)
    await place.until(lambda: len(place.shown) == 2)
    assert place.shown == [1, 3]

    place.source.use(None)
    second.ask(4)
    assert place.shown == [1, 3]
    assert second.stops


async def test_a_port_that_goes_is_not_answered(place: Place) -> None:
    kernel = use(place)
    kernel.ask()
    kernel.leave()
    place.source.attach()
    assert kernel.answers == []


async def test_nothing_is_made_long_after_the_last_link_went(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REST_S", 0.02)
    kernel = use(place)
    place.source.attach()
    kernel.ask()
    place.source.detach()
    kernel.ask(1)  # a link that is lost for a moment changes nothing
    await place.until(lambda: place.source._resting is None)
    count = len(kernel.answers)
    kernel.ask(2)
    await place.until(lambda: place.shown == [1, 2])
    assert len(kernel.answers) == count
    place.source.attach()
    await place.until(lambda: len(kernel.answers) == count + 1)


@pytest.mark.parametrize(("width", "height", "size"), [(160, 120, 10), (0, 0, 0), (-2, -2, 6)])
async def test_planes_that_do_not_fit_are_refused(place: Place, width: int, height: int, size: int) -> None:
    use(place)
    header = FrameHeader(number=1, width=width, height=height, timestamp=0, arrived_s=0.0, time_s=0.0)
    with pytest.raises(FrameError, match=f"{width}x{height}"):
        place.source.result(b"kernel", header, memoryview(bytes(size)))


async def test_a_file_is_played_in_a_loop_while_it_is_seen(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REST_S", 0.02)
    film = write_film(tmp_path / "film.mkv")
    place.source.use(SetVideoSource("film.mkv", fps=0, file=str(film)))
    assert place.source._player is None
    place.source.attach()
    await place.until(lambda: len(place.shown) >= 12)
    assert place.shown[:5] == [0, 1, 2, 3, 4]
    assert set(place.shown) == {0, 1, 2, 3, 4}
    place.source.detach()
    await place.until(lambda: place.source._player is None)
    place.source.attach()
    place.source.use(None)
    await place.source.close()
    count = len(place.shown)
    await asyncio.sleep(0)
    assert len(place.shown) == count
    assert place.problems == []


async def test_a_file_that_cannot_be_played_is_said(place: Place, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mkv"
    bad.write_bytes(b"no film")
    place.source.attach()
    place.source.use(SetVideoSource("bad.mkv", fps=0, file=str(bad)))
    await place.until(lambda: place.problems)
    ((code, message),) = place.problems
    assert code == "video-source"
    assert message.startswith("'bad.mkv' cannot be played (")
