"""What `Bot(...)` takes: each refusal names what would be valid, and nothing is started by one."""

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbrtc
from nbrtc.bridge import Bridge
from nbrtc.sound import to_pcm, write_wave
from nbrtc.supplier import to_next


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def shared() -> Bridge:
        raise AssertionError("an engine is asked for")

    monkeypatch.setattr(Bridge, "shared", shared)


@pytest.mark.parametrize(
    ("keywords", "error", "said"),
    [
        ({"rooom": "x"}, TypeError, "did you mean room"),
        ({"room": None}, TypeError, "needs a room"),
        ({"room": "../x"}, ValueError, "room"),
        ({"name": ""}, ValueError, "name"),
        ({"fps": 0}, ValueError, "0.1 to 60"),
        ({"fps": True}, ValueError, "0.1 to 60"),
        ({"size": (640,)}, ValueError, r"\(width, height\)"),
        ({"size": (8, 8)}, ValueError, "16 to 4096"),
        ({"video": 3}, TypeError, "generator"),
        ({"video": b"abc"}, TypeError, "generator"),
        ({"video": "https://example.org/a.mp4"}, ValueError, "no address like"),
        ({"video": "no/such/file.mp4"}, FileNotFoundError, "for video"),
        ({"audio": Path("no/such/file.wav")}, FileNotFoundError, "audio="),
        ({"audio": np.zeros(10)}, TypeError, r"\(samples, rate\)"),
        ({"audio": (np.zeros(10), 1)}, ValueError, "4000 to 384000"),
        ({"audio": (np.zeros((10, 3)), 8000)}, ValueError, r"\(10, 3\)"),
        ({"audio": (np.zeros(10, np.int64), 8000)}, TypeError, "int64"),
        ({"audio": (np.array([np.nan]), 8000)}, ValueError, "NaN"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    keywords: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        nbrtc.Bot(**({"room": "physics"} | keywords))


def picture(value: int = 0) -> Any:
    return np.full((4, 6, 3), value, np.uint8)


def generator() -> Iterator[Any]:
    yield picture(1)
    yield picture(2)


class Camera:
    """An object with a method, as a microscope's driver has."""

    def __call__(self) -> Any:
        return picture(3)


@pytest.mark.parametrize(
    ("video", "values", "who"),
    [
        (generator, [1, 2, None], "generator()"),
        (generator(), [1, 2, None], "generator"),
        ([picture(5), picture(6)], [5, 6, None], "list"),
        (np.stack([picture(7), picture(8)]), [7, 8, None], "ndarray"),
        (picture(9), [9, None], "the picture"),
        (lambda: picture(4), [4, 4, 4], "<lambda>()"),
        (Camera(), [3, 3], "Camera()"),
    ],
)
def test_pictures_come_from_many_things(video: object, values: list[int | None], who: str) -> None:
    make, name = to_next(video)
    assert name == who
    for value in values:
        if value is None:
            with pytest.raises(StopIteration):
                make()
        else:
            made: Any = make()
            assert made[0, 0, 0] == value


def test_samples_are_written_as_they_are(tmp_path: Path) -> None:
    stereo = np.array([[0.0, 1.0], [-1.0, 0.5], [2.0, -2.0]])
    write_wave(tmp_path / "sound.wav", (stereo, 16_000))
    with wave.open(str(tmp_path / "sound.wav"), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 16_000)
        samples = np.frombuffer(file.readframes(10), "<i2").reshape(-1, 2)
    assert samples.tolist() == [[0, 32767], [-32767, 16384], [32767, -32767]]
    half, _ = to_pcm(np.array([1.0, -1.0, 0.5], np.float16))
    assert half.ravel().tolist() == [32767, -32767, 16384]
    mono, channels = to_pcm(np.array([1, -2], np.int16))
    assert (mono.tolist(), channels) == ([[1], [-2]], 1)
