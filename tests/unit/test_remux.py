"""Recordings are copied into other containers, whole ones and those that were cut off."""

import random
from pathlib import Path

import pytest

from nbrtc.errors import RecordingError
from nbrtc.recordings.mkv import HEADER_BYTES
from nbrtc.recordings.probe import probe
from nbrtc.recordings.remux import remux
from tests.unit.recorded_media import camera, header_size, microphone, payloads, read, sound
from tests.unit.recorders import BEEP, FLASH, names, offset_s, recorded


@pytest.mark.parametrize(
    ("codec", "target"),
    [
        ("VP8", "b.webm"),
        ("VP9", "b.webm"),
        ("VP9", "b.mp4"),
        ("AV1", "b.webm"),
        ("AV1", "b.mp4"),
        ("AV1", "b.mkv"),
        ("H264", "b.mp4"),
        ("H264", "b.mkv"),
    ],
)
async def test_a_recording_is_copied_into_another_container(tmp_path: Path, codec: str, target: str) -> None:
    video, audio = camera(FLASH, codec=codec), microphone(sound(3.0, **BEEP))
    await recorded(tmp_path / "a.mkv", video, audio)
    remux(tmp_path / "a.mkv", tmp_path / target)
    before, after = read(tmp_path / "a.mkv"), read(tmp_path / target)
    assert after.picture_levels == before.picture_levels
    assert after.picture_times_s == pytest.approx(before.picture_times_s, abs=0.002)
    assert len(after.sound_times_s) == len(before.sound_times_s)
    assert after.duration_s == pytest.approx(before.duration_s, abs=0.05)
    assert abs(offset_s(tmp_path / target)) <= 0.04


@pytest.mark.parametrize(
    ("codec", "target"),
    [("VP8", "b.webm"), ("VP9", "b.webm"), ("H264", "b.mp4"), ("H264", "b.mkv"), ("AV1", "b.mkv")],
)
async def test_a_size_that_changes_decodes_to_the_end(tmp_path: Path, codec: str, target: str) -> None:
    video = camera([20] * 30, codec=codec, width=128, height=96)
    for width, height in ((320, 240), (64, 64)):
        video.frames += camera([200] * 30, codec=codec, width=width, height=height).frames
    await recorded(tmp_path / "a.mkv", video)
    remux(tmp_path / "a.mkv", tmp_path / target)
    for name in ("a.mkv", target):
        found = read(tmp_path / name)
        assert found.picture_sizes == [(128, 96)] * 30 + [(320, 240)] * 30 + [(64, 64)] * 30
        assert found.picture_levels[30:] == pytest.approx([200] * 60, abs=6)
        if name.endswith(".mp4"):
            content = (tmp_path / name).read_bytes()
            assert content.index(b"moov") < content.index(b"mdat"), "it plays while it is downloaded"
        else:
            assert header_size(tmp_path / name) == (320, 240)
        seen = probe(tmp_path / name, count=True)
        assert (seen.width, seen.height) == (320, 240)


async def test_a_recording_that_was_cut_anywhere_is_copied_up_to_there(tmp_path: Path) -> None:
    video, audio = camera([20] * 60), microphone(sound(2.0))
    await recorded(tmp_path / "a.mkv", video, audio)
    whole, sent = (tmp_path / "a.mkv").read_bytes(), payloads(tmp_path / "a.mkv")
    choice = random.Random(5)
    for number in range(40):
        cut = choice.randrange(HEADER_BYTES + 400, len(whole))
        source, target = tmp_path / f"{number}.mkv.partial", tmp_path / f"{number}.webm"
        source.write_bytes(whole[:cut])
        remux(source, target)
        found = payloads(target)
        assert [sent[kind][: len(found[kind])] for kind in sent] == list(found.values())
        rest = sum(len(data) for kind in sent for data in sent[kind][len(found[kind]) :])
        assert sum(map(len, found["video"] + found["audio"])) + rest == sum(
            map(len, sent["video"] + sent["audio"])
        )
        assert rest <= len(whole) - cut + 2000  # the block that was cut, and no more


async def test_remux_refuses_what_it_cannot_do_and_leaves_nothing(tmp_path: Path) -> None:
    await recorded(tmp_path / "a.mkv", camera([20] * 3))
    (tmp_path / "text.mkv").write_text("no film")
    (tmp_path / "empty.mkv.partial").write_bytes((tmp_path / "a.mkv").read_bytes()[:HEADER_BYTES])
    (tmp_path / "cut.mkv.partial").write_bytes((tmp_path / "a.mkv").read_bytes()[:300])
    before = names(tmp_path)
    for source, target in (
        ("a.mkv", "b.mp4"),
        ("a.mkv", "b.txt"),
        ("a.mkv", "a.mkv"),
        ("text.mkv", "b.webm"),
        ("cut.mkv.partial", "b.webm"),
    ):
        with pytest.raises(RecordingError):
            remux(tmp_path / source, tmp_path / target)
    assert names(tmp_path) == before
