"""Recorders of the senders in `recorded_media`, for the tests of recording."""

from pathlib import Path

from nbrtc.engine.feed import Feed
from nbrtc.engine.record import Recorder, RecordingResult
from nbrtc.messages import VideoSize
from tests.unit.recorded_media import Sender, play, read

BEEP = {"beep_from_s": 1.5, "beep_until_s": 1.6}
FLASH = [16] * 45 + [235] * 3 + [16] * 42
"""3 s at 30 fps; white when it beeps."""


def recorder(path: Path, *senders: Sender, size: VideoSize | None = None, **how: object) -> Recorder:
    feeds: dict[str, Feed] = {sender.kind: sender.feed for sender in senders}
    options = {"size": size, "on_end": unexpected} | how
    return Recorder(path, feeds.get("video"), feeds.get("audio"), **options)  # type: ignore[arg-type]


def unexpected(result: RecordingResult) -> None:
    raise AssertionError(f"the recording ended: {result}")


async def recorded(path: Path, *senders: Sender, **how: object) -> RecordingResult:
    one = recorder(path, *senders, **how)  # type: ignore[arg-type]
    one.start()
    play(*senders)
    return await one.stop()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def offset_s(path: Path) -> float:
    """How much later than the beep a file's flash is."""
    return read(path).offset_s
