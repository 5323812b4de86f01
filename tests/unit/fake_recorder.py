"""A recorder without media: it follows what it is told, and a test says what arrives and how it ends."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from nbrtc.engine.feed import Feed
from nbrtc.engine.record import Recorder, RecordingProgress, RecordingResult
from nbrtc.engine.reel import NO_FEEDS, Feeds
from nbrtc.errors import RecordingError
from nbrtc.messages import VideoSize


class FakeRecorder:
    """One file, which is there with its own name once it has ended."""

    def __init__(
        self,
        path: Path,
        video: Feed | None,
        audio: Feed | None,
        *,
        size: VideoSize | None,
        on_end: Callable[[RecordingResult], None],
        since_s: float,
    ) -> None:
        self.since_s = since_s
        self.path, self.size = path, size
        self.feeds: Feeds = (video, audio)
        self.switched: list[Feeds] = []
        self.data = b""
        self.is_over = False
        self._on_end = on_end
        self._began_s = 0.0

    def start(self) -> None:
        self._began_s = time.monotonic()

    def switch(self, video: Feed | None, audio: Feed | None, since_s: float) -> None:
        self.feeds, self.since_s = (video, audio), since_s
        self.switched.append(self.feeds)

    @property
    def status(self) -> RecordingProgress:
        return RecordingProgress(1.5, len(self.data), "recording", self._began_s, "VP8", "opus", 64, 48)

    async def stop(self) -> RecordingResult:
        return self.result()

    def result(self, **fields: Any) -> RecordingResult:
        """Its file is complete; an empty one is not there."""
        self.is_over = True
        self.feeds = NO_FEEDS
        if not self.data:
            return RecordingResult(self.path, 0.0, 0, error=f"Nothing was recorded into {str(self.path)!r}")
        self.path.write_bytes(self.data)
        facts: dict[str, Any] = {
            "start_s": self._began_s,
            "video_codec": "VP8",
            "audio_codec": "opus",
            "width": 64,
            "height": 48,
        }
        return RecordingResult(self.path, 1.5, len(self.data), **facts | fields)

    def end(self, **fields: Any) -> None:
        """It ends by itself."""
        self._on_end(self.result(**fields))


class Recorders:
    """Makes them, and remembers them by the names of their files."""

    def __init__(self) -> None:
        self.made: dict[str, FakeRecorder] = {}
        self.refusal = ""

    def __call__(self, path: Path, video: Feed | None, audio: Feed | None, **how: Any) -> Recorder:
        if self.refusal:
            raise RecordingError(self.refusal)
        one = self.made[path.name] = FakeRecorder(path, video, audio, **how)
        return cast(Recorder, one)
