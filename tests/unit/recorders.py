"""Recorders of the senders in `recorded_media`, for the tests of recording."""

from pathlib import Path

from nbrtc.engine.feed import Feed
from nbrtc.engine.record import Recorder, RecordingResult
from nbrtc.errors import RecordingError
from nbrtc.messages import VideoSize
from tests.unit.recorded_media import Sender, play

BEEP = {"beep_from_s": 1.5, "beep_until_s": 1.6}


def recorder(path: Path, *senders: Sender, size: VideoSize | None = None, **how: object) -> Recorder:
    feeds: dict[str, Feed] = {sender.kind: sender.feed for sender in senders}
    codec = next((sender.codec for sender in senders if sender.kind == "video"), None)
    options = {"size": size, "video_codec": codec, "on_failure": unexpected} | how
    return Recorder(path, feeds.get("video"), feeds.get("audio"), **options)  # type: ignore[arg-type]


def unexpected(error: RecordingError) -> None:
    raise AssertionError(f"the recording failed: {error}")


async def recorded(path: Path, *senders: Sender, **how: object) -> RecordingResult:
    one = recorder(path, *senders, **how)  # type: ignore[arg-type]
    one.start()
    play(*senders)
    return await one.stop()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
