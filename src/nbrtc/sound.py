"""Samples that a Bot is to play, checked and written to a file for the engine."""

import wave
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

RATES = (4_000, 384_000)
MAX_CHANNELS = 2


def write_wave(path: Path, sound: tuple[Any, Any]) -> None:
    """Write ``(samples, rate)`` as a WAV file of 16 bits.

    Parameters
    ----------
    sound
        Samples, an ndarray (n,) or (n, channels) of float (-1 to 1) or int16, and their rate per second.

    Raises
    ------
    TypeError, ValueError
        Saying what is no sound.
    """
    samples, rate = sound
    pcm, channels = to_pcm(samples)
    is_number = isinstance(rate, Real) and not isinstance(rate, bool)
    if not is_number or not RATES[0] <= rate <= RATES[1] or int(rate) != rate:
        raise ValueError(f"A sound has {RATES[0]} to {RATES[1]} samples a second, not {rate!r}.")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(int(rate))
        file.writeframes(pcm.tobytes())


def to_pcm(samples: object) -> "tuple[np.ndarray[Any, np.dtype[np.int16]], int]":
    """Samples as int16, interleaved, and how many channels they have.

    Raises
    ------
    TypeError, ValueError
        Saying what is no sound.
    """
    import numpy as np

    array = np.asarray(samples)
    columns = array[:, None] if array.ndim == 1 else array
    if columns.ndim != 2 or not 1 <= columns.shape[1] <= MAX_CHANNELS or len(columns) == 0:
        raise ValueError(
            f"Samples have the shape (n,) or (n, channels) with at most {MAX_CHANNELS} channels, "
            f"not {array.shape}."
        )
    if columns.dtype == np.int16:
        return np.ascontiguousarray(columns, "<i2"), columns.shape[1]
    if columns.dtype.kind != "f":
        raise TypeError(f"Samples are of float (-1 to 1) or int16, not {array.dtype}.")
    if not np.isfinite(columns).all():
        raise ValueError("Samples are finite numbers; some of these are NaN or infinite.")
    wide = columns.astype(np.float64 if columns.itemsize > 4 else np.float32, copy=False)  # 16 bits overflow
    return np.ascontiguousarray(np.round(np.clip(wide, -1, 1) * 32767), "<i2"), columns.shape[1]
