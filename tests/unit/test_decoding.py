"""Recorded files read back, whole and not."""

from pathlib import Path

import numpy as np
import pytest

from nbrtc.errors import RecordingError
from nbrtc.recordings.decoding import pictures, sounds
from nbrtc.recordings.remux import remux
from tests.unit.staged_recordings import Actor, Clip, VideoCodec, luma_of, number_in, stage


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    stage(tmp_path / "lesson", Actor("Bob", (Clip(seconds=3, flashes_ms=(1000,)),)))
    return tmp_path / "lesson/Bob.mkv"


def numbers(path: Path, from_ms: float = 0) -> list[int | None]:
    return [number_in(luma_of(frame)) for _, frame in pictures(path, from_ms)]


def test_pictures_come_with_their_times(clip: Path) -> None:
    times_ms = [time_ms for time_ms, _ in pictures(clip)]

    assert times_ms == [round(number * 1000 / 30) for number in range(90)]
    assert numbers(clip) == list(range(90))


@pytest.mark.parametrize("from_ms", [1, 500, 1000, 1990, 2966.5, 3000, 9000])
def test_reading_begins_where_it_is_asked_to(clip: Path, from_ms: float) -> None:
    expected = [number for number in range(90) if round(number * 1000 / 30) >= from_ms]

    assert numbers(clip, from_ms) == expected
    found = next(sounds(clip, from_ms), None)
    if from_ms < 3000:
        assert found is not None
        assert found[0] == pytest.approx(from_ms, abs=0.1)
    else:
        assert found is None


def test_sound_is_the_same_wherever_reading_begins(clip: Path) -> None:
    whole, part = (np.concatenate([samples for _, samples in sounds(clip, from_ms)]) for from_ms in (0, 990))

    assert whole.shape == (3 * 48_000, 2)
    assert np.abs(whole[990 * 48 :] - part).max() < 0.02
    assert np.flatnonzero(np.abs(part[:, 0]) > 0.2)[0] == pytest.approx(10 * 48, abs=4 * 48)


@pytest.mark.parametrize("codec", ["VP8", "VP9", "H264"])
def test_a_cut_file_is_read_to_its_cut(tmp_path: Path, codec: VideoCodec) -> None:
    stage(tmp_path / "lesson", Actor("Bob", (Clip(seconds=3, video=codec),)))
    data = (tmp_path / "lesson/Bob.mkv").read_bytes()
    cut = tmp_path / "Bob.mkv.partial"
    cut.write_bytes(data[: len(data) * 2 // 3])
    read = numbers(cut)

    assert 40 < len(read) < 89
    assert read == list(range(len(read)))
    assert numbers(cut, 1000)[0] == 30
    assert 1 < sum(len(samples) for _, samples in sounds(cut)) / 48_000 < 3


@pytest.mark.parametrize("codec", ["VP8", "VP9", "H264"])
def test_damaged_frames_end_nothing(tmp_path: Path, codec: VideoCodec) -> None:
    stage(tmp_path / "lesson", Actor("Bob", (Clip(seconds=3, video=codec),)))
    path = tmp_path / "lesson/Bob.mkv"
    data = bytearray(path.read_bytes())
    dice = np.random.default_rng(1)
    # before the last keyframe: how big pictures get depends on how busy the encoder's machine is
    for at in dice.integers(4096, len(data) // 2, 20):
        data[at] ^= 0xFF
    path.write_bytes(data)

    assert len(list(pictures(path))) > 30
    assert numbers(path)[-1] == 89
    assert sum(len(samples) for _, samples in sounds(path)) > 48_000


def test_a_size_that_changes(tmp_path: Path) -> None:
    sizes = ((1.0, (641, 481)), (2.0, (160, 90)))
    stage(tmp_path / "lesson", Actor("Bob", (Clip(seconds=3, sizes=sizes, audio=False),)))
    found = [(frame.width, frame.height) for _, frame in pictures(tmp_path / "lesson/Bob.mkv")]

    assert [found[at] for at in (29, 30, 59, 60)] == [(320, 180), (641, 481), (641, 481), (160, 90)]


def test_mp4_is_read_too(tmp_path: Path) -> None:
    stage(tmp_path / "lesson", Actor("Bob", (Clip(seconds=1, video="H264"),)))
    remux(tmp_path / "lesson/Bob.mkv", tmp_path / "Bob.mp4")

    assert numbers(tmp_path / "Bob.mp4") == list(range(30))


def test_a_file_without_a_kind_of_media_has_none_of_it(tmp_path: Path) -> None:
    stage(
        tmp_path / "lesson",
        Actor("A", (Clip(seconds=0.2, video=None),)),
        Actor("B", (Clip(seconds=0.2, audio=False),)),
    )

    assert list(pictures(tmp_path / "lesson/A.mkv")) == []
    assert list(sounds(tmp_path / "lesson/B.mkv")) == []


@pytest.mark.parametrize(
    "content", [b"", b"#EXTM3U\nhttp://example.org/x.ts\n", b"ffconcat version 1.0\nfile '/etc/passwd'\n"]
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "Bob.mkv"
    path.write_bytes(content)

    with pytest.raises(RecordingError, match="neither Matroska nor MP4"):
        next(pictures(path))
    with pytest.raises(RecordingError, match="cannot be read"):
        next(sounds(tmp_path / "none.mkv"))


def test_a_file_is_closed_with_its_reader(clip: Path) -> None:
    reader = pictures(clip)
    next(reader)
    opened = [link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.samefile(clip)]
    reader.close()

    assert len(opened) == 1
    assert not [link for link in Path("/proc/self/fd").iterdir() if link.exists() and link.samefile(clip)]
