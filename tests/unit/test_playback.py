"""Clips in a loop: when each picture and each block of sound is due, whatever the machine was doing."""

import itertools
import struct
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from av import VideoFrame

from nbrtc.engine import playback
from nbrtc.engine.playback import Clip, ClipError, Player, VideoClip, next_loop_s
from nbrtc.engine.voice import BLOCK, SoundClip, blocks
from nbrtc.pictures import pack, unpack
from tests.loopback.bots import write_clip
from tests.loopback.pictures import read

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Shown:
    """What a clip shows or emits, until there is enough of it."""

    def __init__(self, enough: int) -> None:
        self.values: list[tuple[Any, int]] = []
        self.stopped = threading.Event()
        self._enough = enough

    def __call__(self, value: Any, stamp: int) -> None:
        self.values.append((value, stamp))
        if len(self.values) == self._enough:
            self.stopped.set()

    @property
    def stamps(self) -> list[int]:
        return [stamp for _, stamp in self.values]

    @property
    def numbers(self) -> list[int | None]:
        return [read(value) for value, _ in self.values if isinstance(value, VideoFrame)]


def steps(values: list[int]) -> list[int]:
    return [later - earlier for earlier, later in itertools.pairwise(values)]


def test_the_next_loop_follows_on_a_whole_block() -> None:
    assert next_loop_s(0.0, 1.0, 0.5) == 1.0
    assert next_loop_s(0.0, 0.501, 0.5) == pytest.approx(0.52)
    assert next_loop_s(1.04, 0.52, 1.5) == pytest.approx(1.56)
    assert next_loop_s(0.0, 0.0, 0.0) == pytest.approx(0.02), "a clip of no length would never let go"


def test_loops_that_a_sleeping_machine_missed_are_left_out() -> None:
    loop_s = next_loop_s(0.0, 2.0, 3600.5)
    assert 3600.5 - 2.0 <= loop_s <= 3600.5 + 2.0
    assert loop_s % 2.0 == 0


def test_pictures_come_in_order_and_the_seam_keeps_time(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.webm", 0.4, fps=10)
    shown = Shown(enough=9)
    VideoClip(str(clip), 0.0, None, shown).play(time.monotonic(), shown.stopped)
    assert shown.numbers == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert all(step == pytest.approx(9000, abs=200) for step in steps(shown.stamps))


COLOUR, BAR = (40, 200, 40), (250, 10, 10)
BT601, BT709 = 5, 1
LIMITED, FULL = 1, 2


def write_film(path: Path, space: int, span: int, *, aspect: Fraction | None = None) -> Path:
    """A second of one colour with a bar on its left, 64x32, as cameras and phones tag theirs."""
    rgb = np.full((32, 64, 3), COLOUR, np.uint8)
    rgb[:, :16] = BAR
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height = 64, 32
        stream.pix_fmt = "yuvj420p" if span == FULL else "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = space, span
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        for number in range(5):
            frame = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
                format=stream.pix_fmt, dst_colorspace=space, src_color_range=FULL, dst_color_range=span
            )
            frame.colorspace, frame.color_range = space, span
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_clockwise(path: Path) -> None:
    """Say in an MP4's track header that players turn it by 90 degrees, as phones that are held upright do."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8  # version 0: times, reserved, layer to volume
    turn = 0, 1 << 16, 0, -1 << 16, 0, 0, 32 << 16, 0, 1 << 30
    data[matrix : matrix + 36] = struct.pack(">9i", *turn)
    path.write_bytes(data)


def first_picture(path: Path, size: tuple[int, int] | None = None) -> "NDArray[np.uint8]":
    """As the engine's encoder sees it: bare planes, whatever they were tagged with."""
    shown = Shown(enough=1)
    VideoClip(str(path), 0.0, size, shown).play(time.monotonic(), shown.stopped)
    picture = shown.values[0][0]
    bare = unpack(pack(picture), picture.width, picture.height)
    return bare.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


@pytest.mark.parametrize(
    ("space", "span"), [(BT601, LIMITED), (BT709, LIMITED), (BT601, FULL), (BT709, FULL)]
)
def test_a_films_colours_are_those_that_a_player_shows(tmp_path: Path, space: int, span: int) -> None:
    picture = first_picture(write_film(tmp_path / "film.mp4", space, span))
    assert picture[16, 48] == pytest.approx(COLOUR, abs=5)
    assert picture[16, 6] == pytest.approx(BAR, abs=8)


@pytest.mark.parametrize("size", [None, (16, 32)])
def test_a_phones_film_is_upright(tmp_path: Path, size: tuple[int, int] | None) -> None:
    film = write_film(tmp_path / "film.mp4", BT601, LIMITED)
    turn_clockwise(film)
    picture = first_picture(film, size)
    height, width = picture.shape[:2]
    assert (width, height) == (size or (32, 64))
    assert picture[height // 10, width // 2] == pytest.approx(BAR, abs=8), "what was left is above"
    assert picture[-height // 4, 2] == pytest.approx(COLOUR, abs=5)


def test_a_film_whose_pixels_are_no_squares_is_as_wide_as_players_show_it(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", BT601, LIMITED, aspect=Fraction(3, 2))
    assert first_picture(film).shape == (32, 96, 3)


def test_a_lower_rate_leaves_pictures_out(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.webm", 0.6, fps=20)
    shown = Shown(enough=5)
    VideoClip(str(clip), 10.0, (32, 16), shown).play(time.monotonic(), shown.stopped)
    assert {(picture.width, picture.height) for picture, _ in shown.values} == {(32, 16)}
    assert all(step == pytest.approx(9000, abs=200) for step in steps(shown.stamps))


def test_late_pictures_are_skipped(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.webm", 2.0, fps=10)
    shown = Shown(enough=3)
    VideoClip(str(clip), 0.0, None, shown).play(time.monotonic() - 1.05, shown.stopped)
    assert shown.numbers[0] == 0, "the first of a loop is shown in any case"
    assert (shown.numbers[1] or 0) >= 8


def test_sound_has_a_block_every_20_ms_over_the_seam(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.webm", 0.2, hertz=440)
    shown = Shown(enough=30)
    SoundClip(str(clip), shown).play(time.monotonic(), shown.stopped)
    assert set(steps(shown.stamps)) == {BLOCK}


def test_sound_that_is_shorter_than_the_film_is_followed_by_silence(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.webm", 0.4, hertz=440, sound_s=0.1)
    with Clip(str(clip), "audio") as opened:
        loudness = [int(abs(block).max()) for block in blocks(opened, 1)]
    assert len(loudness) == 20
    assert min(loudness[:4]) > 5000
    assert max(loudness[6:]) == 0


@pytest.fixture
def new_player() -> Iterator[Callable[..., Player]]:
    made: list[Player] = []

    def make(*arguments: Any) -> Player:
        made.append(Player("test-clip", *arguments))
        return made[-1]

    yield make
    for player in made:
        assert player._thread is None or not player._thread.is_alive()


async def test_a_player_starts_stops_and_starts_again(new_player: Callable[..., Player]) -> None:
    origins: list[float] = []
    played = threading.Event()

    def play(origin_s: float, stopped: threading.Event) -> None:
        origins.append(origin_s)
        played.set()
        stopped.wait(20)

    player = new_player(play, pytest.fail)
    player.start(1.0)
    player.start(2.0)
    assert played.wait(20)
    await player.stop()
    await player.stop()
    player.start(3.0)
    await player.stop()
    assert origins == [1.0, 3.0]


async def test_a_player_says_why_it_cannot_go_on(new_player: Callable[..., Player], tmp_path: Path) -> None:
    silent = write_clip(tmp_path / "silent.webm", 0.1)
    said: list[str] = []
    player = new_player(SoundClip(str(silent), Shown(1)).play, said.append)
    player.start(time.monotonic())
    assert player._thread is not None
    player._thread.join(20)
    assert said == ["it has no sound"]
    await player.stop()


def test_a_playlist_does_not_reach_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "READ_S", 0.2)
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/film.ts\n")
    with pytest.raises((av.FFmpegError, ClipError)):
        VideoClip(str(playlist), 0.0, None, Shown(1)).play(time.monotonic(), threading.Event())
