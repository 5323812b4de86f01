"""Sound at its place in time, and mixed."""

from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.recordings.decoding import Samples
from nbrtc.recordings.film import voices
from nbrtc.recordings.film.voices import Mixer, Track, limited


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Times in milliseconds of the 20 ms packets of the file that is read; packet N is all N+1."""
    times: list[float] = []

    def read(path: Path, from_ms: float = 0.0) -> Generator[tuple[float, Samples]]:
        for number, time_ms in enumerate(times):
            yield time_ms, np.full((960, 2), (number + 1) / 1000, np.float32)

    monkeypatch.setattr(voices, "sounds", read)
    return times


def mixed(start_ms: float, length_ms: int) -> list[int]:
    """The number of the packet that is heard in each millisecond, 0 for silence."""
    track = Track(Path("one.mkv"), start_ms)
    mixer = Mixer([[track]])
    blocks = [mixer.block(48 * 10)[0] for _ in range(length_ms // 10)]
    mixer.close()
    numbers = np.round(np.concatenate(blocks)[24::48, 0] * 1000).astype(int)
    return [int(number) for number in numbers]


def test_sound_is_heard_where_it_belongs(packets: list[float]) -> None:
    packets += [0, 20, 40]

    assert mixed(30, 100) == [0] * 30 + [1] * 20 + [2] * 20 + [3] * 20 + [0] * 10


def test_unsteady_times_leave_the_sound_whole(packets: list[float]) -> None:
    packets += [0, 23, 38, 61, 80]

    assert mixed(0, 100) == [1] * 20 + [2] * 20 + [3] * 20 + [4] * 20 + [5] * 20


def test_what_was_lost_is_silent_for_as_long_as_it_was(packets: list[float]) -> None:
    packets += [0, 40, 60, 300]

    assert mixed(0, 320) == [1] * 20 + [0] * 20 + [2] * 20 + [3] * 20 + [0] * 220 + [4] * 20


def test_a_slow_clock_is_corrected_by_silence_once_it_is_20_ms_off(packets: list[float]) -> None:
    packets += [20.5 * number for number in range(60)]
    heard = mixed(0, 1300)

    assert heard.index(40) == 39 * 20
    assert heard.index(60) == pytest.approx(59 * 20.5, abs=20)
    assert 20 <= heard[: heard.index(60)].count(0) <= 22


def test_a_fast_clock_is_corrected_by_dropping_samples(packets: list[float]) -> None:
    packets += [19.5 * number for number in range(60)]
    heard = mixed(0, 1200)

    assert heard.index(40) == 39 * 20
    assert heard.index(60) == pytest.approx(59 * 19.5, abs=20)


def test_sound_from_before_the_beginning_is_cut_off(packets: list[float]) -> None:
    packets += [0, 20, 40]

    assert mixed(-30, 40) == [2] * 10 + [3] * 20 + [0] * 10


def test_levels_are_each_persons_own(packets: list[float]) -> None:
    packets += [0, 20]
    mixer = Mixer([[Track(Path("a"), 0)], [Track(Path("b"), 20)]])

    first, second = mixer.block()[1], mixer.block()[1]
    mixer.close()

    assert first == {0: pytest.approx(1e-6)}
    assert second == {0: pytest.approx(4e-6), 1: pytest.approx(1e-6)}


@given(st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=50))
def test_nothing_clips_and_what_is_quiet_stays(values: list[float]) -> None:
    samples = np.array([values, values], np.float32).T
    bent = limited(samples)

    assert np.all(np.abs(bent) <= 1)
    quiet = np.abs(samples) <= 0.7
    assert np.array_equal(bent[quiet], samples[quiet])
    order = np.argsort(samples[:, 0])
    assert np.all(np.diff(bent[order, 0]) >= 0)
