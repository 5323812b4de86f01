"""The own sound as the others hear it: the microphone's packets, or those that Python makes in their place.

What is recorded of oneself. A person who hides behind a changed voice is hidden in the recording, too.
"""

import math
import time
from dataclasses import replace

from .codecs import opus_samples
from .feed import EncodedFrame, Feed
from .hearing import BLOCK, SAMPLE_RATE, Block

SLACK = SAMPLE_RATE // 5
"""Samples that packets may be moved later, so that none overlap; beyond it the clock is tied anew."""


class HeardSound:
    """One feed over both sources, on the microphone's clock: sound lies where it was said, not sent.

    On the engine's loop.

    Parameters
    ----------
    microphone
        The link's packets.
    """

    def __init__(self, microphone: Feed) -> None:
        self.feed = Feed("audio", lambda: None)
        self._microphone = microphone
        self._is_python = False
        self._newest: EncodedFrame | None = None
        """Of the microphone."""
        self._shift = 0
        self._due = -math.inf
        self._unsubscribe = microphone.subscribe(self._pass)

    def use_python(self, on: bool) -> None:
        """Take Python's packets (True), or the microphone's."""
        self._is_python = on

    def take(self, data: bytes, source: Block | None, delay_s: float) -> None:
        """Python's next packet.

        Parameters
        ----------
        source
            What it was made of; None where only a sound is played.
        delay_s
            How much later than it was said the sound is sent.
        """
        if not self._is_python:
            return
        if source is None:
            arrived_s = time.monotonic() - delay_s
            timestamp = self._at(arrived_s)
        else:
            timestamp, arrived_s = source.timestamp + self._shift, source.arrived_s
        if self._due - timestamp > SLACK:
            self._shift += int(self._due) - timestamp
        timestamp = max(timestamp, int(self._due)) if self._due > timestamp else timestamp
        self._push(EncodedFrame("audio", "opus", timestamp, SAMPLE_RATE, True, data, arrived_s))

    def close(self) -> None:
        """Let go of the microphone; idempotent."""
        self._unsubscribe()

    def _pass(self, frame: EncodedFrame) -> None:
        self._newest = frame
        if self._is_python:
            return
        early = self._due - (frame.timestamp + self._shift)
        if early > SLACK:
            self._shift += int(early)
        elif early > 0:
            return  # its time was filled by what Python sent
        self._push(replace(frame, timestamp=frame.timestamp + self._shift) if self._shift else frame)

    def _push(self, frame: EncodedFrame) -> None:
        self._due = frame.timestamp + (opus_samples(frame.data) or BLOCK)
        report = self._microphone.report
        self.feed.report = (
            report and replace(report, timestamp=report.timestamp + self._shift) if self._shift else report
        )
        self.feed.push(frame)

    def _at(self, time_s: float) -> int:
        """Where a moment lies on the microphone's clock."""
        newest = self._newest
        if newest is None:
            return round(time_s * SAMPLE_RATE)
        return newest.timestamp + self._shift + round((time_s - newest.arrived_s) * SAMPLE_RATE)
