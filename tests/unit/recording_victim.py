"""``python -m tests.unit.recording_victim FILE MOST_S``: records until killed, and says what it was given.

A line for each frame, ``video`` or ``audio`` with the seconds since the recording began, and one for each
time that the disk was waited for, ``synced`` with the size. Who lives for ``MOST_S`` is shown with every
thread's stack, and ends.
"""

import asyncio
import faulthandler
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from nbrtc.engine.record import Recorder
from nbrtc.recordings.files import RecordingFile
from tests.unit.recorded_media import START_S, camera, microphone, sound

SECONDS = 14


def say(word: str, value: float) -> None:
    """Write one line, whole: two threads do."""
    os.write(sys.stdout.fileno(), f"{word} {value}\n".encode())


class Watched(RecordingFile):
    """Says when the disk has everything."""

    def sync(self) -> None:
        size_bytes = self.size_bytes
        super().sync()
        say("synced", size_bytes)


async def main() -> None:
    """Play a camera and a microphone in real time; their reports come after a second, as a browser's do."""
    video, audio = camera([20] * 30 * SECONDS), microphone(sound(SECONDS), delay_s=0.12)
    one = Recorder(Path(sys.argv[1]), video.feed, audio.feed, size=None, on_end=print, open_file=Watched)
    one.start()
    began_s = time.monotonic()
    frames = [*video.schedule(), *audio.schedule()]
    for arrived_s, _, sender, frame in sorted(frames, key=lambda item: item[:2]):
        due_s = arrived_s - START_S
        await asyncio.sleep(max(0, began_s + due_s - time.monotonic()))
        if due_s > 1.0 and sender.feed.report is None:
            sender.report()
        sender.feed.push(replace(frame, arrived_s=time.monotonic()))
        say(frame.kind, due_s)
    await one.stop()


faulthandler.dump_traceback_later(float(sys.argv[2]), exit=True)
asyncio.run(main())
