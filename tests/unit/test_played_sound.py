"""`call.play`: what it takes, and what it gives back until the sound has ended."""

import stat
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from nbrtc.bridge import Bridge
from nbrtc.errors import CallError, NotConnected
from nbrtc.kernel_side import KernelSide
from nbrtc.messages import CallState, PlaySound, Quality, SoundEnded, StopSound, Verb
from nbrtc.own_sound import OwnSound
from nbrtc.played_sound import PlayedSounds

TONE = np.zeros(480, np.int16)


class Engine:
    """Answers the verbs, and remembers what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[Verb] = []
        self.answer: Callable[[Verb], object] = lambda _: 1.5
        self.wave: tuple[int, int, int, int] | None = None
        """Channels, rate, samples and mode of the file that came."""

    def ask(self, verb: Verb, timeout_s: float) -> msgspec.Raw:
        assert timeout_s > 0
        self.asked.append(verb)
        if isinstance(verb, PlaySound) and not verb.keep:
            with wave.open(verb.path) as file:
                mode = stat.S_IMODE(Path(verb.path).stat().st_mode)
                self.wave = file.getnchannels(), file.getframerate(), file.getnframes(), mode
        return msgspec.Raw(msgspec.msgpack.encode(self.answer(verb)))

    @property
    def played(self) -> PlaySound:
        return next(verb for verb in reversed(self.asked) if isinstance(verb, PlaySound))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    (tmp_path / "engine").mkdir()
    return Engine(tmp_path / "engine")


@pytest.fixture
def sounds(engine: Engine, tmp_path: Path) -> PlayedSounds:
    return PlayedSounds(cast(Bridge, engine), tmp_path, engine.ask)


def test_samples_go_to_the_engine_in_a_file_that_nobody_else_can_read(
    engine: Engine, sounds: PlayedSounds
) -> None:
    played = sounds.play(np.zeros((480, 2)), 16_000)
    assert engine.wave == (2, 16_000, 480, 0o600)
    assert Path(engine.played.path).parent == engine.folder
    assert (played.duration_s, played.is_playing, played.error) == (1.5, True, "")
    assert repr(played) == "<nbrtc.PlayedSound samples of 1.5 s, playing>"


def test_a_file_is_found_below_the_notebooks_folder_and_stays(
    engine: Engine, sounds: PlayedSounds, tmp_path: Path
) -> None:
    (tmp_path / "gong.wav").write_bytes(b"RIFF")
    played = sounds.play("gong.wav", 48_000)
    assert (engine.played.path, engine.played.keep) == (str(tmp_path / "gong.wav"), True)
    assert sounds.play(tmp_path / "gong.wav", 48_000).name == played.name == "gong.wav"


def test_its_end_is_heard_by_whoever_waits(engine: Engine, sounds: PlayedSounds) -> None:
    played = sounds.play(TONE, 48_000)
    with pytest.raises(TimeoutError, match=r"samples still plays after 0\.01 s"):
        played.wait(0.01)
    ending = threading.Timer(0.05, lambda: sounds.ended(SoundEnded("call", engine.played.sound)))
    ending.start()
    assert played.wait(20) is played
    ending.join()
    assert not played.is_playing
    played.stop()
    assert len(engine.asked) == 1, "what has ended is not stopped"
    sounds.ended(SoundEnded("call", "another's"))


def test_stopping_asks_the_engine(engine: Engine, sounds: PlayedSounds) -> None:
    played = sounds.play(TONE, 48_000)
    played.stop()
    assert engine.asked[-1] == StopSound(sound=engine.played.sound)


def test_a_sound_that_breaks_off_says_why(engine: Engine, sounds: PlayedSounds) -> None:
    played = sounds.play(TONE, 48_000)
    sounds.ended(SoundEnded("call", engine.played.sound, error="bad data"))
    assert played.wait(0).error == "samples could not be played to its end: bad data"


def test_an_end_that_comes_before_the_answer_counts(engine: Engine, sounds: PlayedSounds) -> None:
    def ends_first(verb: Verb) -> object:
        assert isinstance(verb, PlaySound)
        sounds.ended(SoundEnded("call", verb.sound))
        return None

    engine.answer = ends_first
    played = sounds.play(TONE, 48_000)
    assert (played.is_playing, played.duration_s) == (False, None)


def test_all_end_with_the_engine(sounds: PlayedSounds) -> None:
    first, second = sounds.play(TONE, 48_000), sounds.play(TONE, 48_000)
    sounds.lose("The engine was killed.")
    assert [each.wait(0).error for each in (first, second)] == ["The engine was killed."] * 2


@pytest.mark.parametrize(
    ("sound", "rate", "error", "says"),
    [
        ("http://example.org/gong.wav", 48_000, ValueError, "nothing is played from the network"),
        ("missing.wav", 48_000, FileNotFoundError, r"no sound file .*missing\.wav"),
        (b"bytes.wav", 48_000, ValueError, r"not \(\)"),
        (np.zeros((4, 3)), 48_000, ValueError, r"not \(4, 3\)"),
        (np.zeros(0), 48_000, ValueError, r"not \(0,\)"),
        (np.zeros(4, np.int64), 48_000, TypeError, "int64"),
        (np.full(4, np.nan), 48_000, ValueError, "NaN"),
        (TONE, 3, ValueError, "not 3"),
        (TONE, True, ValueError, "not True"),
        (None, 48_000, ValueError, r"not \(\)"),
        (TONE, "fast", ValueError, "not 'fast'"),
    ],
)
def test_what_is_no_sound_is_refused_and_leaves_nothing(
    engine: Engine, sounds: PlayedSounds, sound: Any, rate: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        sounds.play(sound, rate)
    assert list(engine.folder.iterdir()) == []
    assert engine.asked == []


def test_a_refusal_of_the_engine_leaves_nothing(engine: Engine, sounds: PlayedSounds) -> None:
    def refuse(_: Verb) -> object:
        raise CallError("8 sounds play already")

    engine.answer = refuse
    with pytest.raises(CallError, match="8 sounds"):
        sounds.play(TONE, 48_000)
    assert list(engine.folder.iterdir()) == []
    assert sounds._sounds == {}


def test_nobody_in_the_call_is_said_before_anything_is_written() -> None:
    class Side:
        mirror = type("Mirror", (), {"state": CallState(quality=Quality(640, 480, 30))})

    call = OwnSound()
    call._side = cast(KernelSide, Side())
    with pytest.raises(NotConnected, match="Nobody would hear it: the call is"):
        call.play(TONE)
