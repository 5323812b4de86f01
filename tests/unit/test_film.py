"""Whole films: made of small recordings, decoded again, and looked at."""

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from nbrtc.errors import RecordingError
from nbrtc.messages import RecordingLayout
from nbrtc.recordings import manifest as manifests
from nbrtc.recordings.decoding import Samples, pictures, sounds
from nbrtc.recordings.film.layouts import Rect, arrange, fit
from nbrtc.recordings.film.planes import DARK, Planes
from nbrtc.recordings.film.production import Abandoned, Production
from nbrtc.recordings.film.scenes import Standing
from tests.unit.staged_recordings import TINTS, Actor, Clip, flashes, number_in, stage

WIDTH, HEIGHT = 320, 180
FLASHES = (1000.0, 2500.0)
EVERYWHERE = Rect(0, 0, WIDTH, HEIGHT)


@dataclass
class Seen:
    """A film as a player finds it."""

    times_ms: list[float]
    pictures: list[Planes]
    sound: Samples

    def at(self, time_ms: float, rect: Rect = EVERYWHERE) -> Planes:
        nearest = min(range(len(self.times_ms)), key=lambda index: abs(self.times_ms[index] - time_ms))
        return self.pictures[nearest].part(rect)

    def numbers(self, rect: Rect) -> list[int]:
        """Each number that is read in a place, once."""
        read = [number_in(picture.part(rect).y) for picture in self.pictures]
        found = [number for number in read if number is not None]
        return [number for index, number in enumerate(found) if index == 0 or number != found[index - 1]]

    def flashes_ms(self, rect: Rect) -> list[float]:
        lit = [flashes(picture.part(rect).y) for picture in self.pictures]
        return [
            self.times_ms[index] for index, one in enumerate(lit) if one and not (index and lit[index - 1])
        ]

    def beeps_ms(self) -> list[float]:
        loud = np.flatnonzero(np.abs(self.sound[:, 0]) > 0.2) / 48
        return [float(loud[0]), *(float(at) for at in loud[1:][np.diff(loud) > 200])]


def film(
    folder: Path, layout: RecordingLayout, suffix: str = ".mp4", size: tuple[int, int] = (WIDTH, HEIGHT)
) -> Seen:
    target = folder / f"{layout}{suffix}"
    production = Production(folder / manifests.NAME, layout, target, width=size[0], height=size[1], fps=30)
    fractions: list[float] = []
    result = production.run(fractions.append, lambda: False)

    assert result.done == str(target)
    assert result.size_bytes == target.stat().st_size
    assert fractions == sorted(fractions)
    assert not list(folder.glob(f"{layout}*.partial"))
    whole = manifests.read(folder / manifests.NAME)
    assert result.duration_s * 1000 == pytest.approx(whole.duration_ms, abs=17)
    return watch(target, result.duration_s)


def watch(path: Path, duration_s: float) -> Seen:
    with av.open(str(path)) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(duration_s, abs=0.1)
    times_ms, found = [], []
    for time_ms, frame in pictures(path):
        planes = Planes.of(frame)
        times_ms.append(time_ms)
        found.append(Planes(planes.y.copy(), planes.u.copy(), planes.v.copy()))
    assert np.allclose(np.diff(times_ms), 1000 / 30, atol=1.01), "the film's pictures come evenly"
    assert times_ms[-1] + 1000 / 30 == pytest.approx(duration_s * 1000, abs=40)
    sound: Samples = np.zeros((round(duration_s * 48_000) + 48_000, 2), np.float32)
    for time_ms, samples in sounds(path):
        at = round(time_ms * 48)
        sound[max(0, at) : at + len(samples)] = samples[max(0, -at) :]
    return Seen(times_ms, found, sound)


def tint(planes: Planes) -> str:
    """Whose picture this is, from its middle."""
    y, x = planes.u.shape[0] // 2, planes.u.shape[1] // 2
    middle = np.s_[y - 4 : y + 4, x - 4 : x + 4]
    found = float(planes.u[middle].mean()), float(planes.v[middle].mean())
    name = min(TINTS, key=lambda one: abs(TINTS[one][0] - found[0]) + abs(TINTS[one][1] - found[1]))
    assert abs(TINTS[name][0] - found[0]) + abs(TINTS[name][1] - found[1]) < 16, f"nobody has {found}"
    return name


def places(layout: RecordingLayout, *people: Standing, ranking: tuple[int, ...] = ()) -> dict[int, Rect]:
    """Where the pictures of 16:9 of everybody are."""
    found = {}
    for tile in arrange(layout, people, ranking, WIDTH, HEIGHT):
        width, height = fit(16, 9, tile.rect.width, tile.rect.height, cover=False)
        rect = tile.rect
        found[tile.who] = Rect(
            rect.x + (rect.width - width) // 4 * 2, rect.y + (rect.height - height) // 4 * 2, width, height
        )
    return found


TWO = (Standing(0), Standing(1, local=True))


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bob is there from the start, with a file that begins a little later; Ada recorded."""
    folder = tmp_path_factory.mktemp("films") / "lesson"
    clip = Clip(seconds=4, flashes_ms=FLASHES)
    stage(
        folder,
        Actor("Ada", (clip,), id="you", tint="red"),
        Actor("Bob", (Clip(start_ms=217.0, seconds=3.7, flashes_ms=FLASHES),), tint="blue"),
    )
    return folder


@pytest.mark.parametrize(("layout", "suffix"), [("pip", ".mp4"), ("grid", ".mkv"), ("speaker", ".webm")])
def test_flash_and_beep_come_together_when_they_happened(
    lesson: Path, layout: RecordingLayout, suffix: str
) -> None:
    seen = film(lesson, layout, suffix)
    ranking = (1,) if layout == "speaker" else ()
    where = places(layout, *TWO, ranking=ranking)
    if layout == "pip":
        del where[1]  # cut at its sides: another test
    beeps = seen.beeps_ms()

    assert beeps == pytest.approx(FLASHES, abs=40)
    for who, rect in where.items():
        assert tint(seen.at(3000, rect)) == ["blue", "red"][who]
        flashed = seen.flashes_ms(rect)
        assert flashed == pytest.approx(FLASHES, abs=40)
        assert flashed == pytest.approx(beeps, abs=40)


def test_every_picture_is_in_the_film_and_in_order(lesson: Path) -> None:
    seen = film(lesson, "grid", ".mp4")
    where = places("grid", *TWO)

    assert seen.numbers(where[1]) == list(range(120))
    assert seen.numbers(where[0]) == list(range(111))


def test_a_camera_with_unsteady_times_loses_no_picture(tmp_path: Path) -> None:
    """Its pictures come half-way between those of the film, where rounding alone would skip some."""
    folder = tmp_path / "lesson"
    stage(folder, Actor("Bob", (Clip(start_ms=16.7, seconds=3, audio=False),)))
    seen = film(folder, "grid")

    assert seen.numbers(EVERYWHERE) == list(range(90))


def test_pip_has_a_white_frame_around_the_corner(lesson: Path) -> None:
    seen = film(lesson, "pip", ".mkv")
    inset = Rect(236, 4, 80, 60)  # a quarter of 320x240, 20 px from the corner
    picture = seen.at(3000)

    assert tint(seen.at(3000, inset)) == "red"
    assert picture.y[30, 234:236].mean() > 170
    assert picture.y[64:66, 240:310].mean() > 170
    assert tint(picture.part(Rect(100, 50, 100, 100))) == "blue"


def test_who_comes_goes_and_comes_again(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    stage(
        folder,
        Actor("Bob", (Clip(start_ms=500, seconds=1),), id="b1", tint="blue", joined_ms=500, left_ms=1500),
        Actor(
            "Bob",
            (Clip(start_ms=2500, seconds=1.5, first_number=500),),
            id="b2",
            tint="green",
            joined_ms=2500,
            acknowledged_ms=2500,
        ),
        duration_ms=4500,
    )
    seen = film(folder, "grid")

    assert [tint(seen.at(at)) for at in (1000, 3000)] == ["blue", "green"]
    for nobody_ms in (200, 2000):
        card = seen.at(nobody_ms)
        assert card.y[:50].max() < 50, "a quiet card"
        assert card.y[50:130].max() > 150, "that says something"
    assert number_in(seen.at(3000).y) == 515
    # After his last picture he is still there: frozen, which is less than three seconds here.
    assert number_in(seen.at(4400).y) == 544


def test_a_gap_freezes_and_then_shows_the_avatar(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    clip = Clip(seconds=6, missing_ms=((1000, 5000),), flashes_ms=(500, 5500))
    stage(folder, Actor("Bob", (clip,), tint="blue"))
    seen = film(folder, "grid")

    assert number_in(seen.at(3900).y) == 29
    assert seen.at(4200).y[50, 10] == pytest.approx(DARK[0], abs=4)
    assert number_in(seen.at(5100).y) in (153, 154)
    assert seen.flashes_ms(EVERYWHERE) == pytest.approx((500, 5500), abs=40)
    assert seen.beeps_ms() == pytest.approx((500, 5500), abs=40)
    assert np.abs(seen.sound[48 * 1100 : 48 * 4900]).max() < 0.01


def test_a_camera_that_is_off_is_an_avatar_and_a_screen_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    events = (
        (0.0, "camera", "on"),
        (1000.0, "camera", "off"),
        (2000.0, "screen", "on"),
        (3000.0, "screen", "off"),
    )
    stage(folder, Actor("Bob", (Clip(seconds=4),), tint="blue", events=events))
    seen = film(folder, "grid")

    off = [seen.at(at).y[50, 10] < 40 for at in (500, 1500, 2500, 3500)]
    assert off == [False, True, False, True]


def test_a_screen_on_which_nothing_moves_stays(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    clip = Clip(seconds=5, missing_ms=((500, 5000),), audio=False)
    stage(folder, Actor("Bob", (clip,), events=((0.0, "screen", "on"),)), duration_ms=5000)
    seen = film(folder, "grid")

    assert number_in(seen.at(4900).y) == 14


def test_only_sound_and_only_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    stage(
        folder,
        Actor("Bob", (Clip(seconds=2, video=None, flashes_ms=(1000,)),)),
        Actor("Eve", (Clip(seconds=2, audio=False, flashes_ms=(1000,)),), tint="green"),
    )
    seen = film(folder, "grid")
    where = places("grid", Standing(0), Standing(1))

    assert tint(seen.at(1000, where[1])) == "green"
    assert seen.flashes_ms(where[1]) == pytest.approx((1000,), abs=40)
    assert seen.beeps_ms() == pytest.approx((1000,), abs=40)
    assert seen.at(1000, where[0]).y[10, 10] < 40


@pytest.mark.parametrize("size", [(641, 481), (180, 320), (16, 16), (640, 360)])
def test_any_size_is_seen_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    folder = tmp_path / "lesson"
    stage(folder, Actor("Bob", (Clip(seconds=0.5, size=size, audio=False),), tint="blue"))
    seen = film(folder, "pip")
    width, height = fit(*size, WIDTH, HEIGHT, cover=False)
    rect = Rect((WIDTH - width) // 4 * 2, (HEIGHT - height) // 4 * 2, width, height)

    assert tint(seen.at(300)) == "blue"
    if size != (16, 16):
        assert seen.numbers(rect)[-1] == 14
    if width < WIDTH:
        assert seen.at(300).y[HEIGHT // 2, 2] == pytest.approx(DARK[0], abs=4)


def test_a_size_that_changes_on_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    clip = Clip(seconds=3, size=(320, 180), sizes=((1.0, (160, 120)), (2.0, (480, 270))), audio=False)
    stage(folder, Actor("Bob", (clip,), tint="blue"))
    seen = film(folder, "grid")

    assert number_in(seen.at(500).y) is not None
    assert number_in(seen.at(1500, Rect(40, 0, 240, 180)).y) is not None
    assert seen.at(1500).y[90, 15] == pytest.approx(DARK[0], abs=4)
    assert number_in(seen.at(2900).y) is not None


def test_ten_people_and_the_one_who_speaks(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    clips = [
        Clip(
            seconds=4,
            size=(160, 90),
            speaks_ms=((0, 1800),) if who == 3 else ((2000, 4000),) if who == 7 else (),
        )
        for who in range(10)
    ]
    stage(
        folder,
        *(
            Actor(f"P{who}", (clip,), tint={3: "red", 7: "green"}.get(who, "grey"))
            for who, clip in enumerate(clips)
        ),
    )
    seen = film(folder, "speaker")
    where = places("speaker", *(Standing(who) for who in range(10)), ranking=(3,))

    assert [tint(seen.at(at, where[3])) for at in (1000, 1900, 2200, 3500)] == [
        "red",
        "red",
        "green",
        "green",
    ]


@pytest.mark.parametrize("codec", ["H264", "VP9", "AV1"])
def test_every_codec_of_a_call(tmp_path: Path, codec: str) -> None:
    folder = tmp_path / "lesson"
    stage(folder, Actor("Bob", (Clip(seconds=1, video=codec, flashes_ms=(500,)),), tint="green"))  # type: ignore[arg-type]
    seen = film(folder, "pip")

    assert tint(seen.at(800)) == "green"
    assert seen.flashes_ms(EVERYWHERE) == pytest.approx((500,), abs=40)


def test_a_recording_that_was_cut_off_makes_a_film(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    whole = stage(folder, Actor("Bob", (Clip(seconds=2, flashes_ms=(1000,)),)))
    path = folder / "Bob.mkv"
    path.rename(folder / "Bob.mkv.partial")
    with (folder / "Bob.mkv.partial").open("r+b") as file:
        file.truncate(whole.people[0].pieces[0].size_bytes * 3 // 4)
    seen = film(folder, "grid")

    assert seen.flashes_ms(EVERYWHERE) == pytest.approx((1000,), abs=40)


def refused(folder: Path, target: Path, **how: int) -> str:
    with pytest.raises(RecordingError) as caught:
        Production(
            folder / manifests.NAME, "pip", target, **{"width": 320, "height": 180, "fps": 30} | how
        ).run(lambda fraction: None, lambda: False)
    return str(caught.value)


def test_what_cannot_be_made_is_said_in_a_sentence(tmp_path: Path, lesson: Path) -> None:
    empty = tmp_path / "empty"
    stage(empty, Actor("Bob", ()))
    taken = tmp_path / "taken.mp4"
    taken.write_bytes(b"mine")
    missing = tmp_path / "missing"
    stage(missing, Actor("Bob", (Clip(seconds=0.1),)))
    (missing / "Bob.mkv").unlink()

    assert "empty (0 s" in refused(empty, tmp_path / "a.mp4")
    assert "is not overwritten" in refused(lesson, taken)
    assert "one of .mp4, .mkv, .webm" in refused(lesson, tmp_path / "a.avi")
    assert "Bob.mkv' is missing" in refused(missing, tmp_path / "a.mp4")
    assert "641x480" in refused(lesson, tmp_path / "a.mp4", width=641, height=480)
    assert taken.read_bytes() == b"mine"
    assert not list(tmp_path.glob("*.partial"))


def test_a_film_that_is_given_up_leaves_nothing(lesson: Path, tmp_path: Path) -> None:
    asked: Iterator[bool] = iter([False] * 10 + [True])
    production = Production(
        lesson / manifests.NAME, "pip", tmp_path / "film.mp4", width=320, height=180, fps=30
    )
    with pytest.raises(Abandoned):
        production.run(lambda fraction: None, lambda: next(asked))

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_and_leaves_nothing(lesson: Path, tmp_path: Path) -> None:
    """A limit of the process stands for the disk's."""
    production = Production(
        lesson / manifests.NAME, "pip", tmp_path / "film.mkv", width=320, height=180, fps=30
    )
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(RecordingError, match="File too large"):
            production.run(lambda fraction: None, lambda: False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
