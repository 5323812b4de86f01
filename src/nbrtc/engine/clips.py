"""The files that a Bot plays: they begin together, for somebody, and end when nobody is there."""

import asyncio
import time
from collections.abc import Callable

from av import VideoFrame

from ..messages import OpenBot
from .playback import Player, VideoClip
from .voice import SoundClip, Voice

LEAD_S = 0.05
"""Clips start so long after they are asked to, so that picture and sound start together."""


class Clips:
    """The clips of one Bot, if it has any. On the engine's loop; each plays on a thread of its own.

    Parameters
    ----------
    opening
        Which files.
    show, voice
        Where pictures and sound go.
    problem
        Takes a code and a sentence for `Bot.errors`.
    """

    def __init__(
        self,
        opening: OpenBot,
        show: Callable[[VideoFrame, int | None], None],
        voice: Voice | None,
        problem: Callable[[str, str], None],
    ) -> None:
        self._problem = problem
        self._players: list[Player] = []
        if opening.video:
            clip = VideoClip(opening.video, opening.fps, opening.size, _on_loop(show))
            self._players.append(
                Player("nbrtc-bot-video", clip.play, self._failed("video", "picture", opening.video))
            )
        if opening.audio and voice is not None:
            sound = SoundClip(opening.audio, _on_loop(voice.emit))
            self._players.append(
                Player("nbrtc-bot-audio", sound.play, self._failed("audio", "sound", opening.audio))
            )

    async def play(self, on: bool) -> None:
        """Begin, unless they play already; or stop, and wait until they have."""
        origin_s = time.monotonic() + LEAD_S
        for player in self._players:
            if on:
                player.start(origin_s)
            else:
                await player.stop()

    def _failed(self, kind: str, part: str, path: str) -> Callable[..., object]:
        def failed(why: str) -> None:
            self._problem(
                f"{kind}-file", f"{path!r} cannot be played ({why}): the Bot goes on without its {part}."
            )

        return _on_loop(failed)


def _on_loop(function: Callable[..., object]) -> Callable[..., object]:
    """The function for a clip's thread, which ends before the loop does."""
    loop = asyncio.get_running_loop()
    return lambda *values: loop.call_soon_threadsafe(function, *values)
