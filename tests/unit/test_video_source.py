"""What `call.video_source` takes, and the thread that makes its pictures."""

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from av import VideoFrame

from nbrtc import figure_picture
from nbrtc.errors import EngineError
from nbrtc.figure_picture import FigurePicture
from nbrtc.messages import SetVideoSource
from nbrtc.source_runner import SourceRunner
from nbrtc.video_source import FIGURE_FPS, USUAL_FPS, OpenSource, VideoSource, open_source
from tests.unit.frame_engine import FrameEngine, Reader

PATIENCE_S = 20.0
GRAY = np.full((48, 64, 3), 70, np.uint8)


def opened(value: object, folder: Path = Path("/")) -> OpenSource:
    return open_source(value, folder)


def until(condition: Callable[[], object]) -> None:
    limit_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit_s
        time.sleep(0.005)


def picture(value: int) -> Any:
    return np.full((48, 64, 3), value, np.uint8)


# --- what it takes


def test_each_kind_has_a_name_for_people() -> None:
    def camera() -> Iterator[Any]:
        yield GRAY

    def still() -> Any:
        return GRAY

    named: dict[str, list[object]] = {
        "camera": [camera, camera()],
        "still": [still],
        "picture": [GRAY, PIL.Image.fromarray(GRAY), VideoFrame(64, 48, "yuv420p")],
        "list": [[GRAY, GRAY]],
    }
    for name, values in named.items():
        for value in values:
            source = opened(value)
            assert source.verb == SetVideoSource(name, fps=USUAL_FPS)
            assert source.given is value
            assert source.make is not None


def test_a_film_is_for_the_engine_and_a_photograph_is_a_still(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    PIL.Image.fromarray(GRAY).save(tmp_path / "photo.PNG")
    film = opened("film.mp4", tmp_path)
    assert film.verb == SetVideoSource("film.mp4", fps=0.0, file=str(tmp_path / "film.mp4"))
    assert film.make is None
    photo = opened(tmp_path / "photo.PNG", tmp_path)
    assert (photo.verb.name, photo.verb.file) == ("photo.PNG", None)
    assert photo.make is not None
    np.testing.assert_array_equal(photo.make(), GRAY)


def test_rate_and_size_are_the_users_where_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    for value in (lambda: GRAY, tmp_path / "film.mp4"):
        verb = opened(VideoSource(value, fps=12, size=(320, 240))).verb
        assert (verb.fps, verb.size) == (12.0, (320, 240))


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (7, TypeError, "call.video_source is a file's path, a picture, or a generator"),
        ({"a": 1}, TypeError, "call.video_source is"),
        (b"film.mp4", TypeError, "call.video_source is"),
        ("film.mp4", FileNotFoundError, "There is no file '/film.mp4' for call.video_source"),
        ("rtsp://camera/1", ValueError, "no address like 'rtsp://camera/1': download it first"),
        ("http://x/a.png", ValueError, "no address"),
    ],
)
def test_what_gives_no_pictures_is_refused(value: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        opened(value)


@pytest.mark.parametrize(
    "options", [{"fps": 0}, {"fps": 61}, {"fps": True}, {"fps": "30"}, {"size": (10, 10)}]
)
def test_a_rate_or_size_out_of_bounds_is_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} is"):
        VideoSource(GRAY, **options)


def test_looking_at_a_source_imports_no_matplotlib() -> None:
    import subprocess

    code = (
        "import sys, numpy; from pathlib import Path; from nbrtc.video_source import open_source;"
        "open_source(numpy.zeros((4, 4, 3), 'uint8'), Path('/')); print('matplotlib' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


# --- a figure


@pytest.fixture
def figure() -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.01, 2.01), dpi=50)
    figure.add_axes((0, 0, 1, 1)).set_axis_off()
    return figure


def colour(pixels: Any) -> list[int]:
    return [round(float(one)) for one in np.median(pixels, axis=(0, 1))]


def test_a_figure_is_drawn_when_it_changes_and_keeps_its_canvas(figure: Any) -> None:
    canvas = figure.canvas
    source = opened(figure)
    assert (source.verb.name, source.verb.fps) == ("figure", FIGURE_FPS)
    assert source.make is not None
    figure.set_facecolor("red")
    first: Any = source.make()
    assert (first.shape, first.dtype) == ((100, 150, 3), np.uint8)
    assert colour(first) == [255, 0, 0]
    figure.set_facecolor("blue")
    assert colour(source.make()) == [0, 0, 255]
    assert colour(first) == [255, 0, 0], "a picture that was given away was drawn over"
    assert figure.canvas is canvas


def test_a_figure_that_rests_is_drawn_seldom_and_one_drawn_elsewhere_is_not_missed(
    figure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = FigurePicture(figure)
    make()
    figure.set_facecolor("lime")
    figure.stale = False  # another canvas drew it
    assert colour(make()) == [0, 255, 0]
    monkeypatch.setattr(figure_picture, "REDRAW_S", 3600.0)
    threading.Timer(0.1, lambda: figure.set_facecolor("red")).start()
    assert colour(make()) == [255, 0, 0]


def test_a_transparent_figure_lies_on_white_and_another_size_is_followed(figure: Any) -> None:
    make = FigurePicture(figure)
    figure.set_facecolor("none")
    assert colour(make()) == [255, 255, 255]
    figure.set_size_inches(4, 3)
    assert make().shape == (150, 200, 3)


def test_what_fails_once_while_a_figure_changes_is_no_error_and_what_fails_again_is(figure: Any) -> None:
    make, draw = FigurePicture(figure), figure.draw
    failures = iter([RuntimeError("x and y differ")])

    def fail(renderer: Any) -> None:
        for error in failures:
            raise error
        draw(renderer)

    figure.draw = fail
    assert make().shape == (100, 150, 3)
    figure.draw = lambda renderer: 1 / 0
    with pytest.raises(ZeroDivisionError):
        make()


# --- the thread


@pytest.fixture
def engine() -> Iterator[FrameEngine]:
    engine = FrameEngine()
    yield engine
    engine.close()


class Kernel:
    """A runner, and what it told the engine and the user."""

    def __init__(self, engine: FrameEngine) -> None:
        self.told: list[SetVideoSource] = []
        self.errors: list[BaseException] = []
        self.runner = SourceRunner(engine, "call", lambda source, error, trace: self.errors.append(error))

    def use(self, value: object) -> None:
        self.runner.use(None if value is None else opened(value), self.told.append)


@pytest.fixture
def kernel(engine: FrameEngine) -> Iterator[Kernel]:
    kernel = Kernel(engine)
    yield kernel
    kernel.runner.close()
    until(lambda: not any(thread.name == "nbrtc-video-source" for thread in threading.enumerate()))


def value_of(reader: Reader) -> int:
    assert reader.result is not None
    return round(float(reader.result.mean()) / 10) * 10


def test_each_picture_is_made_when_the_engine_wants_it(engine: FrameEngine, kernel: Kernel) -> None:
    made: list[int] = []

    def camera() -> Iterator[Any]:
        for number in range(10, 250, 10):
            made.append(number)
            yield picture(number)

    kernel.use(camera)
    reader = engine.heard()
    assert reader.result is None
    assert engine.is_silent(150)
    assert made == [], "a picture was made before anybody wanted one"
    engine.give(reader, 0)
    for number in (10, 20, 30):
        reader = engine.heard()
        assert value_of(reader) == number
        assert made[-1] == number
        engine.give(reader, number)


def test_the_last_picture_stays_when_they_are_over_and_the_next_engine_gets_it(
    engine: FrameEngine, kernel: Kernel
) -> None:
    kernel.use([picture(70)])
    engine.give(engine.heard(), 0)
    reader = engine.heard()
    assert value_of(reader) == 70
    engine.give(reader, 1)
    until(lambda: kernel.runner.status and kernel.runner.status.is_over)
    assert kernel.errors == []
    engine.crash()
    engine.start()
    assert value_of(engine.heard()) == 70


def test_a_picture_that_came_before_the_engine_knew_the_call_comes_again(
    engine: FrameEngine, kernel: Kernel
) -> None:
    kernel.use(picture(80))
    engine.give(engine.heard(), 0)
    reader = engine.heard()
    assert value_of(reader) == 80
    engine.refuse(reader)
    reader = engine.heard()
    assert reader.result is None
    engine.give(reader, 0)  # of which the engine has none
    assert value_of(engine.heard()) == 80


def test_errors_are_told_at_the_asked_rate_and_a_generator_ends_with_its_own(
    engine: FrameEngine, kernel: Kernel
) -> None:
    def camera() -> Iterator[Any]:
        yield picture(20)
        yield None
        yield picture(30)
        raise ZeroDivisionError("no")

    kernel.use(camera)
    engine.give(engine.heard(), 0)
    for number, value in ((1, 20), (2, 30)):
        reader = engine.heard()
        assert value_of(reader) == value
        engine.give(reader, number)
    until(lambda: kernel.runner.status and kernel.runner.status.is_over)
    assert [type(error).__name__ for error in kernel.errors] == ["FrameError", "ZeroDivisionError"]
    assert "camera() returned None" in str(kernel.errors[0])


def test_a_function_that_always_fails_is_not_called_without_rest(engine: FrameEngine, kernel: Kernel) -> None:
    calls: list[float] = []

    def camera() -> Any:
        calls.append(time.monotonic())
        raise ValueError

    kernel.use(VideoSource(camera, fps=20))
    engine.give(engine.heard(), 0)
    until(lambda: len(calls) >= 4)
    kernel.runner.close()
    assert all(later - earlier >= 0.045 for earlier, later in itertools.pairwise(calls))


def test_a_source_that_is_replaced_sends_nothing_more_and_its_generator_is_closed(
    engine: FrameEngine, kernel: Kernel
) -> None:
    entered, go, closed = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Iterator[Any]:
        try:
            entered.set()
            go.wait(PATIENCE_S)
            yield picture(10)
        finally:
            closed.set()

    kernel.use(slow)
    engine.give(engine.heard(), 0)
    assert entered.wait(PATIENCE_S)
    kernel.use(lambda: picture(90))
    go.set()
    assert closed.wait(PATIENCE_S)
    engine.give(engine.heard(), 0)
    assert value_of(engine.heard()) == 90
    assert [verb.name for verb in kernel.told] == ["slow", "<lambda>"]


def test_none_ends_the_thread_and_reads_as_none(engine: FrameEngine, kernel: Kernel) -> None:
    kernel.use(GRAY)
    assert kernel.runner.given is GRAY
    assert kernel.runner.status is not None
    kernel.use(None)
    assert [kernel.runner.given, kernel.runner.status] == [None, None]
    assert kernel.told[-1] == SetVideoSource(None)


def test_a_source_that_was_told_to_an_engine_that_just_went_is_made_for_the_next(
    engine: FrameEngine, kernel: Kernel
) -> None:
    def gone(verb: SetVideoSource) -> None:
        raise EngineError("gone")

    with pytest.raises(EngineError):
        kernel.runner.use(opened(GRAY), gone)
    engine.give(engine.heard(), 0)
    assert value_of(engine.heard()) == 70
