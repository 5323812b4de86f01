"""One person's files, a piece after the other."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrtc.engine.feed import Feed
from nbrtc.engine.reel import NO_FEEDS, Feeds, Reel
from nbrtc.messages import VideoSize
from tests.unit.fake_recorder import Recorders


def feeds() -> Feeds:
    return Feed("video", lambda: None), Feed("audio", lambda: None)


class Bob:
    """A reel of somebody, in files that are numbered."""

    def __init__(self, folder: Path) -> None:
        self.recorders = Recorders()
        self.failures: list[str] = []
        self.changes = 0
        self._names: Iterator[Path] = (folder / f"Bob-{number}.mkv" for number in range(1, 100))
        self.origin_s = time.monotonic() - 5
        self.reel = Reel(
            lambda: next(self._names),
            origin_s=self.origin_s,
            size=VideoSize(64, 48),
            on_change=self._changed,
            on_failure=self.failures.append,
            recorder=self.recorders,
        )

    def _changed(self) -> None:
        self.changes += 1

    def follow(self, feeds: Feeds) -> None:
        self.reel.follow(feeds, time.monotonic(), self.origin_s)

    @property
    def files(self) -> list[tuple[str, str]]:
        return [(piece.file, piece.state) for piece in self.reel.pieces]


@pytest.fixture
def bob(tmp_path: Path) -> Bob:
    return Bob(tmp_path)


async def test_nothing_is_made_before_there_are_feeds(bob: Bob, tmp_path: Path) -> None:
    bob.follow(NO_FEEDS)
    assert (bob.files, bob.recorders.made) == ([], {})
    await bob.reel.stop()


async def test_feeds_come_and_go_within_one_file(bob: Bob) -> None:
    first, second = feeds(), feeds()
    for now in (first, first, NO_FEEDS, second):
        bob.follow(now)
    recorder = bob.recorders.made["Bob-1.mkv"]
    assert recorder.switched == [NO_FEEDS, second]
    assert recorder.size == VideoSize(64, 48)
    assert bob.files == [("Bob-1.mkv", "writing")]

    recorder.data = b"media"
    assert bob.reel.size_bytes == 5
    await bob.reel.stop()
    await bob.reel.stop()
    (piece,) = bob.reel.pieces
    assert (piece.state, piece.duration_ms, piece.size_bytes) == ("complete", 1500, 5)
    assert (piece.video_codec, piece.width) == ("VP8", 64)
    assert piece.start_ms == pytest.approx(5000, abs=4000)
    bob.follow(first)
    assert len(bob.recorders.made) == 1, "a reel that was stopped begins nothing"


async def test_another_codec_goes_on_in_another_file(bob: Bob) -> None:
    now = feeds()
    bob.follow(now)
    bob.recorders.made["Bob-1.mkv"].data = b"VP8"
    bob.recorders.made["Bob-1.mkv"].end(codec_changed=True)
    assert bob.files == [("Bob-1.mkv", "complete"), ("Bob-2.mkv", "writing")]
    assert bob.recorders.made["Bob-2.mkv"].feeds == now
    assert bob.failures == []
    await bob.reel.stop()


async def test_a_codec_that_changed_while_there_were_no_feeds_waits_for_them(bob: Bob) -> None:
    bob.follow(feeds())
    bob.recorders.made["Bob-1.mkv"].data = b"VP8"
    bob.follow(NO_FEEDS)
    bob.recorders.made["Bob-1.mkv"].end(codec_changed=True)
    assert bob.files == [("Bob-1.mkv", "complete")]
    bob.follow(feeds())
    assert bob.files[1:] == [("Bob-2.mkv", "writing")]
    await bob.reel.stop()


async def test_an_empty_piece_leaves_nothing(bob: Bob, tmp_path: Path) -> None:
    bob.follow(feeds())
    await bob.reel.stop()
    assert bob.files == []
    assert bob.failures == []


async def test_a_piece_that_fails_after_a_while_is_followed_by_another(bob: Bob) -> None:
    bob.follow(feeds())
    bob.recorders.made["Bob-1.mkv"].data = b"media"
    bob.recorders.made["Bob-1.mkv"].end(error="A frame was too large.")
    assert bob.files == [("Bob-1.mkv", "complete"), ("Bob-2.mkv", "writing")]
    assert bob.reel.pieces[0].error == "A frame was too large."
    bob.recorders.made["Bob-2.mkv"].end()  # with nothing in it
    assert len(bob.failures) == 1
    bob.follow(feeds())
    assert bob.files == [("Bob-1.mkv", "complete")], "what failed twice is not tried a third time"
    await bob.reel.stop()


async def test_a_file_that_cannot_be_made_is_said(bob: Bob) -> None:
    bob.recorders.refusal = "The folder is gone."
    bob.follow(feeds())
    assert (bob.failures, bob.reel.error) == (["The folder is gone."], "The folder is gone.")
    await bob.reel.stop()


async def test_a_file_that_did_not_get_its_name_is_left_to_recover(bob: Bob, tmp_path: Path) -> None:
    bob.follow(feeds())
    recorder = bob.recorders.made["Bob-1.mkv"]
    recorder.data = b"media"
    recorder.path = tmp_path / "Bob-1.mkv.partial"
    await bob.reel.stop()
    assert bob.files == [("Bob-1.mkv", "writing")]
