"""What Python does with sound, over a real engine and real connections: effect, played sounds, recordings."""

import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from nbrtc.bridge import Bridge
from nbrtc.messages import LeaveCall
from tests.loopback.whole_call import RATE, WholeCall, hertz, level


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    bridge = Bridge()
    yield bridge
    bridge.close()


@pytest.fixture
async def call(bridge: Bridge, tmp_path: Path) -> AsyncIterator[WholeCall]:
    call = WholeCall(bridge, tmp_path)
    yield call
    await call.close()


def up_an_octave(samples: Any) -> Any:
    """The square of a sine is one of twice the pitch, and a constant."""
    return samples * samples - np.mean(samples * samples)


async def hears(call: WholeCall, what: Callable[[NDArray[np.float64]], bool]) -> None:
    """Listen until it sounds like this, half a second long."""
    for _ in range(100):
        if what(await call.sound(0.5)):
            return
    pytest.fail("it never sounded as it should")


def near(pitch: float) -> Callable[[NDArray[np.float64]], bool]:
    return lambda sound: level(sound) > 0.02 and abs(hertz(sound) - pitch) < 20


def silence(sound: NDArray[np.float64]) -> bool:
    return level(sound) < 1e-4


async def test_a_tone_arrives_as_the_function_made_it_and_ends_with_it(call: WholeCall) -> None:
    await call.connect()
    assert silence(await call.sound(0.2)), "a person's own voice came back"
    await call.call(call.audio_effect(dtype="float32"), up_an_octave)
    assert call.state.audio_effect == "up_an_octave()"
    await hears(call, near(880))
    stats = call.audio_effect_stats
    assert stats is not None
    assert (stats.name, stats.errors) == ("up_an_octave()", 0)
    assert stats.blocks > 20

    def fails(samples: Any) -> Any:
        raise RuntimeError("no idea")

    await call.call(call.audio_effect, fails)
    await hears(call, silence)
    assert [(one.code, one.message) for one in call.side.problems.items()] == [
        ("audio-effect", "fails() raised RuntimeError: no idea")
    ]
    await call.until(lambda: {one.key for one in call.page.notices()} == {"audio-effect"}, "a notice")
    await call.call(call.clear_audio_effect)
    left: list[object] = [call.state.audio_effect, call.audio_effect_stats]
    assert left == [None, None]
    await hears(call, silence)


async def test_a_function_that_sleeps_leaves_silence_and_one_that_is_too_slow_is_counted(
    call: WholeCall,
) -> None:
    await call.connect()
    asleep, release = threading.Event(), threading.Event()

    def sleeps(samples: Any) -> Any:
        asleep.set()
        release.wait(60)
        return samples

    await call.call(call.audio_effect, sleeps)
    await call.until(asleep.is_set, "the function to be called")
    assert silence(await call.sound(0.6))
    turns = threading.Event()

    def takes_30_ms(samples: Any) -> Any:
        turns.wait(0.03)
        return samples

    await call.call(call.audio_effect, takes_30_ms)

    def is_counted() -> bool:
        stats = call.audio_effect_stats
        return stats is not None and stats.late > 0 and stats.dropped > 0

    await call.until(is_counted, "late and dropped blocks")
    await hears(call, lambda sound: level(sound) > 0.02)
    release.set()
    found = call.audio_effect_stats
    assert found is not None
    assert found.delay_s >= found.run_s >= 0.03
    assert found.to_frame()["run_s"].min() >= 0.03


async def test_an_effect_that_was_set_before_the_call_holds_in_it_and_in_the_next_engine(
    call: WholeCall, bridge: Bridge
) -> None:
    await call.call(call.audio_effect(dtype="float32", channels=2), up_an_octave)
    await call.connect()
    await hears(call, near(880))
    before = bridge.epoch
    assert bridge.engine_pid is not None
    os.kill(bridge.engine_pid, signal.SIGKILL)  # at once: it is to have no time for a goodbye
    await call.until(lambda: bridge.epoch > before and bridge.engine_pid is not None, "a new engine")
    await call.connect()
    assert call.state.audio_effect == "up_an_octave()"
    await hears(call, near(880))


async def test_a_played_sound_arrives_with_its_pitch_and_length_and_is_mixed(call: WholeCall) -> None:
    with pytest.raises(Exception, match="Nobody would hear it"):
        call.play(np.zeros(10))
    await call.connect()
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    call.page.samples.clear()
    played = await call.call(call.play, tone[:: RATE // 8000], 8000)
    assert played.duration_s == pytest.approx(1.0)
    await call.until(lambda: call.state.playing, "the state to say so")
    await call.call(played.wait, 60)
    await call.until(lambda: not call.state.playing, "the state to say that it ended")
    await call.sound(0.2)
    await hears(call, silence)
    first = await call.call(call.play, np.tile(tone, 30))
    second = await call.call(call.play, np.tile(tone[::2], 30))
    await hears(call, lambda sound: near(1000)(sound) or near(2000)(sound))
    await call.call(first.stop)
    await call.call(first.wait, 60)
    await hears(call, near(2000))
    assert second.is_playing
    await call.page.close()
    await call.call(call.side.request, LeaveCall())
    await call.call(second.wait, 60)


async def test_a_recording_has_what_the_others_hear(call: WholeCall, tmp_path: Path) -> None:
    await call.connect()
    recording = await call.call(call.side.record, "plain", "local")
    await call.until(lambda: recording.duration_s > 0.5, "half a second")
    await call.call(call.audio_effect(dtype="float32"), up_an_octave)
    await hears(call, near(880))
    marked_s = recording.duration_s
    await call.until(lambda: recording.duration_s > marked_s + 1.0, "a second more")
    await call.call(recording.stop)
    files = [file for file in (tmp_path / "plain").iterdir() if file.suffix == ".mkv"]
    assert len(files) == 1
    sound = recorded(files[0])
    assert hertz(sound[: RATE // 4]) == pytest.approx(440, abs=20)
    assert hertz(sound[-RATE // 2 :]) == pytest.approx(880, abs=20)


def recorded(path: Path) -> NDArray[np.float64]:
    """A recording's sound, mono."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]) / 32768
