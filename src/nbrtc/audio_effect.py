"""An audio effect: the user's function, the form of sound that it takes, and what it may return."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from .effect import describe
from .errors import SoundError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 960
"""Samples of each channel in 20 ms."""
BLOCK_S = 0.02
SAMPLE_RATE = 48_000
LOUDEST = 2.0
"""A float above 1 is clipped, as sound is that was made too loud; above this it is on another scale."""
FULL = 32768
DType = Literal["int16", "float32"]
DTYPES: tuple[DType, ...] = get_args(DType)
CHANNELS = (1, 2)


@dataclass(frozen=True, eq=False)
class AudioEffect:
    """A function on samples, checked once; one object, so that function and form are swapped together."""

    function: Callable[..., Any]
    dtype: DType
    channels: int
    name: str

    @classmethod
    def of(cls, function: Callable[..., Any], dtype: object = "int16", channels: object = 1) -> "AudioEffect":
        """The effect that a function makes.

        Raises
        ------
        TypeError, ValueError
            If it is not a function of one array, or there is no such form of samples.
        """
        if not callable(function):
            raise TypeError(f"An audio effect is a function of the samples, not {function!r}.")
        name = describe(function)
        dtype = getattr(dtype, "__name__", getattr(dtype, "name", dtype))  # numpy.float32, too
        if dtype not in DTYPES:
            raise ValueError(f"dtype is {' or '.join(map(repr, DTYPES))}, not {dtype!r}.")
        if isinstance(channels, bool) or channels not in CHANNELS:
            raise ValueError(f"channels is 1 or 2, not {channels!r}.")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{name} is a generator; write it with return in the place of yield.")
        try:
            inspect.signature(function).bind(None)
        except ValueError:
            pass  # a builtin that does not tell
        except TypeError as error:
            raise TypeError(
                f"{name} cannot be called with one argument, the samples ({error}); write it as "
                "def effect(samples): ... return samples."
            ) from None
        return cls(function, dtype, channels, name)

    def __call__(self, samples: "NDArray[np.int16]") -> Any | Awaitable[Any]:
        """Whatever the function returns for these samples, which are its own to change."""
        import numpy as np

        if self.dtype == "int16":
            return self.function(samples.copy())
        return self.function(samples.astype(np.float32) / FULL)

    def to_samples(self, value: object) -> "NDArray[np.int16]":
        """What the function returned as int16, (`BLOCK`, channels).

        Raises
        ------
        SoundError
            With what came and what is wanted.
        """
        import numpy as np

        shape = (BLOCK, self.channels)
        wanted = f"an ndarray of {self.dtype} and shape {shape}, as it was given"
        if value is None:
            raise SoundError(f"{self.name} returned None; is a return missing? Return {wanted}.")
        if not isinstance(value, np.ndarray):
            raise SoundError(f"{self.name} returned {type(value).__name__}; return {wanted}.")
        if value.shape != shape and not (self.channels == 1 and value.shape == (BLOCK,)):
            raise SoundError(
                f"{self.name} returned an array of shape {value.shape} for one of shape {shape}; return as "
                "many samples as came, and keep what is over for the next call."
            )
        array = value.reshape(shape)
        return self._from_integers(array) if self.dtype == "int16" else self._from_floats(array)

    def _from_integers(self, array: "NDArray[Any]") -> "NDArray[np.int16]":
        import numpy as np

        if array.dtype != np.int16:
            raise SoundError(
                f"{self.name} returned an array of {array.dtype} for one of int16; "
                "numpy.clip(samples, -32768, 32767).astype(numpy.int16) makes one, or work with "
                '@call.audio_effect(dtype="float32").'
            )
        return array

    def _from_floats(self, array: "NDArray[Any]") -> "NDArray[np.int16]":
        import numpy as np

        if array.dtype.kind != "f":
            raise SoundError(
                f"{self.name} returned an array of {array.dtype} for one of float32, -1 to 1; work with "
                '@call.audio_effect(dtype="int16") where integers are wanted.'
            )
        if not np.isfinite(array).all():
            raise SoundError(f"{self.name} returned samples that are NaN or infinite.")
        peak = float(np.abs(array).max())
        if peak > LOUDEST:
            raise SoundError(
                f"{self.name} returned samples up to {peak:g}; they are -1 to 1 (divide int16 by 32768)."
            )
        wide = array.astype(np.float32, copy=False)  # in 16 bits full scale is infinite
        return np.clip(np.round(wide * FULL), -FULL, FULL - 1).astype(np.int16)
