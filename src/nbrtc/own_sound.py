"""The own microphone's sound in Python: changed before anybody else hears it, and sounds beside it."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

from . import poster
from .audio_effect import AudioEffect, DType
from .audio_effect_stats import AudioEffectStats
from .errors import NotConnected
from .kernel_side import KernelSide
from .played_sound import PlayedSound

Function = TypeVar("Function", bound=Callable[..., Any])


class OwnSound:
    """Base of `Call`: what it does with sound. Everything may be used from any thread."""

    _side: KernelSide

    @overload
    def audio_effect(self, function: Function) -> Function: ...

    @overload
    def audio_effect(
        self, *, dtype: DType = "int16", channels: int = 1
    ) -> Callable[[Function], Function]: ...

    def audio_effect(
        self, function: Callable[..., Any] | None = None, *, dtype: DType = "int16", channels: int = 1
    ) -> Any:
        """Decorator: the others hear `function(samples)` instead of the microphone. It returns the function.

        The function is called every 20 ms with the next 960 samples at 48 kHz, an ndarray (960, channels),
        and returns as many of the same type. Every sample reaches it once, in order. It may be a coroutine
        function. It runs in the kernel on a thread of its own. While it is late the others hear silence, and
        where it raises or returns something else they hear silence for these 20 ms, never the voice as it
        was; `errors` says why. Defining it again swaps it live.

        Parameters
        ----------
        dtype
            ``"int16"``, or ``"float32"`` from -1 to 1.
        channels
            1, or 2 for stereo: what the microphone gives is made so.

        Raises
        ------
        TypeError, ValueError
            If it is not a function of one array, or there is no such form.
        """

        def use(function: Function) -> Function:
            self._side.use_audio_effect(AudioEffect.of(function, dtype, channels))
            return function

        return use if function is None else use(function)

    def clear_audio_effect(self) -> None:
        """Let the others hear the microphone again."""
        self._side.use_audio_effect(None)

    @property
    def audio_effect_stats(self) -> AudioEffectStats | None:
        """How the audio effect does: blocks, silence, drops, errors, times; None without one."""
        return self._side.audio_effect.stats

    def play(self, sound: object, rate: int = 48_000) -> PlayedSound:
        """Play a sound into the call, beside the voice; the others hear it from now on. Returns at once.

        Several at once are mixed, at most eight. It ends with the call. The person hears it, too.

        Parameters
        ----------
        sound
            Samples, an ndarray (n,) or (n, channels) of float (-1 to 1) or int16. Or the path of a sound
            file; a relative one is below the notebook's folder.
        rate
            Samples per second; of a file it is its own.

        Raises
        ------
        NotConnected
            If nobody is in the call.
        CallError
            If the file cannot be read, or eight sounds play already.
        TypeError, ValueError, FileNotFoundError
            Saying what is no sound.
        """
        state = self._side.mirror.state
        if state.phase not in ("connected", "reconnecting"):
            raise NotConnected(f"Nobody would hear it: the call is {poster.sentence(state)}.")
        return self._side.sounds.play(sound, rate)
