"""What an audio effect's function gets, and what it may return."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nbrtc.audio_effect import BLOCK, AudioEffect
from nbrtc.audio_effect_stats import AudioEffectStats
from nbrtc.errors import SoundError

NOISE = np.random.default_rng(6).integers(-32768, 32768, (BLOCK, 1)).astype(np.int16)


def effect(value: Any, **form: Any) -> AudioEffect:
    """One whose function returns this value."""
    return AudioEffect.of(lambda _: value, **form)


def run(function: Callable[[Any], Any], samples: Any = NOISE, **form: Any) -> Any:
    made = AudioEffect.of(function, **form)
    return made.to_samples(made(samples))


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_function_gets_its_form_and_what_it_leaves_alone_is_unchanged(dtype: str, channels: int) -> None:
    seen: list[Any] = []

    def look(samples: Any) -> Any:
        seen.append(samples)
        return samples

    samples = np.repeat(NOISE, channels, axis=1)
    assert np.array_equal(run(look, samples, dtype=dtype, channels=channels), samples)
    assert (seen[0].shape, seen[0].dtype) == ((BLOCK, channels), np.dtype(dtype))
    if dtype == "float32":
        assert np.abs(seen[0]).max() <= 1


def test_a_function_may_change_its_samples_in_place_without_changing_anybody_elses() -> None:
    def silence(samples: Any) -> Any:
        samples[:] = 0
        return samples

    given = NOISE.copy()
    given.flags.writeable = False
    assert not np.any(run(silence, given))
    assert np.array_equal(given, NOISE)


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("float32")])
def test_a_dtype_is_a_name_or_numpys_own(dtype: Any) -> None:
    assert AudioEffect.of(lambda samples: samples, dtype=dtype).dtype == "float32"


def test_one_channel_may_come_back_as_a_row() -> None:
    assert run(lambda samples: samples[:, 0]).shape == (BLOCK, 1)


def test_what_is_a_little_too_loud_is_clipped() -> None:
    loud = np.full((BLOCK, 1), 1.5, np.float64)
    assert set(run(lambda _: loud, dtype="float32").ravel()) == {32767}
    assert set(run(lambda _: -loud, dtype="float32").ravel()) == {-32768}


def test_floats_of_16_bits_may_be_as_loud_as_the_others() -> None:
    full = np.ones((BLOCK, 1), np.float16)
    assert set(run(lambda _: full, dtype="float32").ravel()) == {32767}
    assert set(run(lambda _: -full, dtype="float32").ravel()) == {-32768}


NAN = np.full((BLOCK, 1), np.nan, np.float32)


@pytest.mark.parametrize(
    ("value", "form", "says"),
    [
        (None, {}, r"returned None; is a return missing\? Return an ndarray of int16 and shape \(960, 1\)"),
        (0.5, {}, "returned float"),
        ([0] * BLOCK, {}, "returned list"),
        (NOISE[:480], {}, r"shape \(480, 1\) for one of shape \(960, 1\)"),
        (NOISE[:, 0], {"channels": 2}, r"shape \(960,\) for one of shape \(960, 2\)"),
        (np.zeros((1, BLOCK), np.int16), {}, r"shape \(1, 960\)"),
        (np.zeros((BLOCK, 1)), {}, r'float64 for one of int16; .*dtype="float32"'),
        (np.zeros((BLOCK, 1), np.int64), {}, r"int64 for one of int16; numpy\.clip"),
        (NOISE, {"dtype": "float32"}, "int16 for one of float32"),
        (np.zeros((BLOCK, 1), np.complex64), {"dtype": "float32"}, "complex64"),
        (NAN, {"dtype": "float32"}, "NaN or infinite"),
        (NOISE.astype(np.float32), {"dtype": "float32"}, r"samples up to 32\d+; .*divide int16 by 32768"),
    ],
)
def test_anything_else_is_refused_with_what_came_and_what_to_do(
    value: Any, form: dict[str, Any], says: str
) -> None:
    made = effect(value, **form)
    with pytest.raises(SoundError, match=says) as caught:
        made.to_samples(made(np.repeat(NOISE, made.channels, axis=1)))
    assert made.name in str(caught.value)


def two(samples: Any, rate: int) -> Any:
    return samples


def generates(samples: Any) -> Any:
    yield samples


@pytest.mark.parametrize(
    ("function", "form", "error", "says"),
    [
        (5, {}, TypeError, "a function of the samples, not 5"),
        (two, {}, TypeError, r"two\(\) cannot be called with one argument"),
        (generates, {}, TypeError, r"generates\(\) is a generator"),
        (len, {"dtype": "float64"}, ValueError, "'int16' or 'float32', not 'float64'"),
        (len, {"dtype": np.float64}, ValueError, "'int16' or 'float32'"),
        (len, {"channels": 3}, ValueError, "1 or 2, not 3"),
        (len, {"channels": True}, ValueError, "1 or 2, not True"),
    ],
)
def test_what_cannot_be_an_effect_is_refused_at_once(
    function: Any, form: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        AudioEffect.of(function, **form)


def test_a_builtin_is_a_function_too() -> None:
    assert AudioEffect.of(np.negative).name == "negative()"


def test_its_figures_are_readable_in_a_cell() -> None:
    stats = AudioEffectStats("robot()", blocks=98, late=1, wait_s=0.0011893, run_s=0.0001973)
    assert repr(stats) == (
        "<nbrtc.AudioEffectStats robot(): 98 blocks, 1 late, 0 dropped, 0 errors; waits 1.2 ms, runs 0.2 ms>"
    )
