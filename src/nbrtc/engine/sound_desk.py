"""The sound desk: what Python sends of sound, over all links of a call.

An audio effect's results and the sounds that are played are mixed, encoded once and sent every 20 ms, on the
beat of the monotonic clock. While there is neither, nothing runs and the link sends its silence. All on the
engine's loop.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import CallError
from ..messages import AudioHeader, SetAudioEffect
from .audio_effect import AudioEffect, Listener
from .hearing import BLOCK_S, Block, Hearing
from .link import Link
from .mixing import OpusPen, mixed
from .outgoing_sound import step
from .playing import PlayingSound
from .reserve import LEAD, Reserve
from .tasks import Tasks

if TYPE_CHECKING:
    from .hearing import Samples

MOST_SOUNDS = 8
"""At once; nobody can tell more apart."""
LATE_S = 1.0
"""After the machine has slept the sound goes on from then, instead of in a burst."""
TELL_STEPS = 50
"""A second: how often the kernel hears of an effect that does not return, and so takes no block."""


class SoundDesk:
    """One call's.

    Parameters
    ----------
    on_playing
        Told whether a sound plays, when that changed.
    on_ended
        Told which sound ended, and why if it was before its time.
    on_behind
        Told how many blocks more were late, and left out, where the effect takes none.
    """

    def __init__(
        self,
        on_playing: Callable[[bool], object],
        on_ended: Callable[[str, str], object],
        on_behind: Callable[[int, int], object],
    ) -> None:
        self._on_playing, self._on_ended, self._on_behind = on_playing, on_ended, on_behind
        self._link: Link | None = None
        self._effect: AudioEffect | None = None
        self._hearing: Hearing | None = None
        self._beside = Reserve()
        """The microphone, where a recording has it beside a sound that is played."""
        self._asked: tuple[Listener, int] | None = None
        self._sounds: dict[str, PlayingSound] = {}
        self._pen, self._recorded = OpusPen(), OpusPen()
        self._number = 0
        """Of the next step of the grid."""
        self._block = 0
        """Number of the next block that is heard."""
        self._is_beating = self._is_playing = False
        self._tasks, self._closing = Tasks(), Tasks()

    def attach(self, link: Link) -> None:
        """Send on this link, and hear its microphone, from now on."""
        self._link = link
        self._follow()

    def detach(self) -> None:
        """The link goes."""
        self._deafen()
        if self._effect is not None:
            self._effect.interrupt()
        self._link = None

    async def close(self) -> None:
        """End everything. Idempotent."""
        self.use_effect(None)
        self.stop(None)
        self.detach()
        self._tasks.cancel()
        await self._closing.finish()

    # --- the effect

    def use_effect(self, effect: SetAudioEffect | None) -> None:
        """Send what the kernel's function makes of the microphone, or nothing of it (None)."""
        self._deafen()
        self._effect = None
        if effect is not None and effect.name is not None:
            self._effect = AudioEffect(effect.channels)
            if self._asked is not None:
                self._effect.ask(*self._asked)
        self._follow()

    def ask(self, listener: Listener, after: int) -> None:
        """The kernel's function is ready for the block after `after`."""
        self._asked = listener, after  # also for an effect that the engine is about to hear of
        if self._effect is not None:
            self._effect.ask(listener, after)

    def result(self, header: AudioHeader, samples: memoryview) -> None:
        """What the kernel's function made of a block; it comes before the next `ask`.

        Raises
        ------
        SoundError
            If these are not the samples of one block.
        """
        if self._effect is not None:  # else it was taken off while the kernel still worked
            self._effect.result(header, samples)

    def forget(self, identity: bytes) -> None:
        """A port of the kernel's was closed."""
        if self._asked is not None and self._asked[0].identity == identity:
            self._asked = None
        if self._effect is not None:
            self._effect.forget(identity)

    # --- sounds

    async def play(self, sound: str, path: str, *, keep: bool) -> float | None:
        """Play a file from the next 20 ms on; returns its length in seconds, None where it does not say.

        Raises
        ------
        CallError
            If it cannot be read, or too many play already.
        """
        if len(self._sounds) >= MOST_SOUNDS:
            raise CallError(f"{MOST_SOUNDS} sounds play already: wait for one of them, or stop it.")
        playing = self._sounds[sound] = PlayingSound(path, keep=keep)
        try:
            length_s = await playing.start()
        except CallError:
            self._sounds.pop(sound, None)
            raise
        self._tell()
        self._follow()
        return length_s

    def stop(self, sound: str | None) -> None:
        """End a sound, or all (None); what is over is left alone."""
        for each in list(self._sounds) if sound is None else [sound]:
            if each in self._sounds:
                self._end(each)

    def _end(self, sound: str) -> None:
        playing = self._sounds.pop(sound)
        self._closing.spawn(playing.close(), "nbrtc-sound-close")
        self._on_ended(sound, playing.error)
        self._tell()
        self._follow()

    def _tell(self) -> None:
        if self._is_playing != bool(self._sounds):
            self._is_playing = not self._is_playing
            self._on_playing(self._is_playing)

    # --- the beat

    def _follow(self) -> None:
        """What is to be sent, heard and recorded now."""
        is_live = self._effect is not None or bool(self._sounds)
        if is_live and not self._is_beating:
            self._is_beating = True
            self._number = step(time.monotonic()) + 1
            self._tasks.spawn(self._run(), "nbrtc-sound-desk")
        link = self._link
        if link is None:
            return
        link.sound.use(is_live)
        if self._effect is not None:
            self._listen(link, self._effect.channels, self._effect.hear)
        elif self._sounds and link.heard.feed.is_wanted:
            self._listen(link, 2, self._beside.put)
        else:
            link.sound.effect_delay_s = None
            self._deafen()
        link.heard.use_python(self._hearing is not None)

    def _listen(self, link: Link, channels: int, on_block: Callable[[Block], None]) -> None:
        if self._hearing is None:
            self._hearing = Hearing(link.audio.feed, channels, on_block, self._block)

    def _deafen(self) -> None:
        if self._hearing is None:
            return
        self._block = self._hearing.number  # an earlier effect's results are nobody's
        self._hearing.close()
        self._hearing = None
        if self._link is not None and self._effect is None:
            for block in self._beside.flush():
                self._link.heard.take(self._recorded.write(block.samples), block, 0.0)

    async def _run(self) -> None:
        try:
            while self._effect is not None or self._sounds:
                wait_s = self._number * BLOCK_S - time.monotonic()
                if wait_s < -LATE_S:
                    self._number = step(time.monotonic())
                await asyncio.sleep(max(0.0, wait_s))
                self._tick(time.monotonic())
                self._number += 1
        finally:
            self._is_beating = False

    def _tick(self, now_s: float) -> None:
        self._follow()
        effect, link = self._effect, self._link
        own = None if effect is None else effect.take(now_s)
        played = self._played()
        if effect is not None and self._number % TELL_STEPS == 0 and any(untold := effect.untold()):
            self._on_behind(*untold)
        if link is None:
            return
        if effect is None:
            link.sound.put(self._pen.write(mixed(played)), self._number)
            if self._hearing is not None:
                self._record(link, played)
            return
        link.sound.effect_delay_s = effect.delay_s
        parts = played if own is None else [own.samples, *played]
        data = self._pen.write(mixed(parts))
        link.sound.put(data, self._number)
        if parts:
            link.heard.take(data, own, effect.delay_s or 0.0)

    def _played(self) -> "list[Samples]":
        blocks = []
        for name, sound in list(self._sounds.items()):
            block = sound.take()
            if block is not None:
                blocks.append(block)
            elif sound.is_over:
                self._end(name)
        return blocks

    def _record(self, link: Link, played: "list[Samples]") -> None:
        """The others' page mixes the microphone and what is played; the recording has both, too."""
        own = self._beside.take()
        if own is None:
            self._beside.pause()
        parts = played if own is None else [own.samples, *played]
        if parts:
            link.heard.take(self._recorded.write(mixed(parts)), own, LEAD * BLOCK_S)
