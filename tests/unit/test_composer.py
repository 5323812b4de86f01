"""Film processes and what becomes of their films: with processes of the test, which say what it wants."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from nbrtc.engine import composer as module
from nbrtc.engine import premiere
from nbrtc.engine.composer import Composer, Interrupted
from nbrtc.engine.film_plan import FilmPlan, film_of
from nbrtc.engine.place import Place
from nbrtc.errors import RecordingError
from nbrtc.recordings import manifest as manifests
from nbrtc.recordings.manifest import Manifest
from tests.unit.recorders import names

MAKES = """
import json, os, sys
to = sys.argv[-1]
print(json.dumps({"fraction": 0.5}), flush=True)
open(to, "xb").write(b"film of " + sys.argv[1].encode())
print(json.dumps({"done": to, "duration_s": 1.5, "size_bytes": os.path.getsize(to)}), flush=True)
"""
WAITS = """
import json, sys
open(sys.argv[-1] + ".partial", "xb").close()
print(json.dumps({"fraction": 0.25}), flush=True)
sys.stdin.read()
import os; os.unlink(sys.argv[-1] + ".partial")
"""
FAILS = """print('{"error": "There is nothing in it."}')"""
BABBLES = """print("hello")
while True: print("x" * 1000)"""
CRASHES = """import sys; sys.stderr.write("it hurts"); sys.exit(3)"""


@pytest.fixture
async def of() -> AsyncIterator[Callable[[str], Composer]]:
    made: list[Composer] = []

    def make(script: str) -> Composer:
        made.append(Composer((sys.executable, "-c", script)))
        return made[-1]

    yield make
    for composer in made:
        await composer.close()


Make = Callable[[str], Composer]


async def test_a_film_is_made_and_says_how_far_it_is(of: Make, tmp_path: Path) -> None:
    fractions: list[float] = []
    done = await of(MAKES).compose(tmp_path / "manifest.json", "pip", tmp_path / "a.mkv", fractions.append)
    assert fractions == [0.5]
    assert (done.done, done.duration_s) == (str(tmp_path / "a.mkv"), 1.5)
    assert (tmp_path / "a.mkv").read_bytes() == f"film of {tmp_path}/manifest.json".encode()


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (FAILS, "There is nothing in it"),
        (BABBLES, "said something unknown"),
        (CRASHES, r"unexpectedly \(3\)"),
    ],
)
async def test_what_goes_wrong_is_said_in_words(of: Make, tmp_path: Path, script: str, problem: str) -> None:
    with pytest.raises(RecordingError, match=problem):
        await of(script).compose(tmp_path / "manifest.json", "pip", tmp_path / "a.mkv", lambda _: None)


async def test_a_command_that_does_not_exist_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="did not start"):
        await Composer((str(tmp_path / "no"),)).compose(tmp_path, "pip", tmp_path / "a.mkv", lambda _: None)


async def test_closing_ends_the_running_process_and_whatever_waits(of: Make, tmp_path: Path) -> None:
    composer, begun = of(WAITS), asyncio.Event()
    outcomes: list[str] = []

    async def make(name: str) -> None:
        try:
            await composer.compose(tmp_path / "m", "pip", tmp_path / name, lambda _: begun.set())
        except Interrupted:
            outcomes.append(name)

    composer.work(make("a.mkv"))
    composer.work(make("b.mkv"))
    await asyncio.wait_for(begun.wait(), 20)
    assert (tmp_path / "a.mkv.partial").exists()
    await composer.close()
    assert sorted(outcomes) == ["a.mkv", "b.mkv"]
    assert names(tmp_path) == [], "the process removed what it had begun, and no other was started"


async def test_a_process_that_does_not_end_is_killed(
    of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "END_S", 0.2)
    stays = "import time; print('{\"fraction\": 0}', flush=True); time.sleep(600)"
    composer, begun = of(stays), asyncio.Event()
    making = asyncio.create_task(
        composer.compose(tmp_path / "m", "pip", tmp_path / "a.mkv", lambda _: begun.set())
    )
    await asyncio.wait_for(begun.wait(), 20)
    await composer.close()
    with pytest.raises(Interrupted):
        await making


class Recorded:
    """A recording of one file that was stopped."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder / "a.mkv", folder / "a.mkv.tracks", None)
        self.place.make()
        self.source = self.place.folder / "Ada.mkv"
        self.source.write_bytes(b"media")
        self.link = FilmPlan("link", folder / "a.mkv", source=self.source)
        self.compose = FilmPlan("compose", folder / "a.mkv", "pip")
        films = (film_of(self.place, self.link, "waiting"),)
        manifests.write(self.place.folder, Manifest(id="r", started_at_s=0.0, films=films))

    @property
    def film(self) -> tuple[str, str]:
        (film,) = manifests.read(self.place.folder / manifests.NAME).films
        assert film.path == f"../{self.place.asked.name}"
        return film.state, film.error


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


async def test_one_persons_file_gets_a_second_name_without_a_copy(recorded: Recorded) -> None:
    outcome = await premiere.link(recorded.place, recorded.link)
    assert outcome is not None
    assert (outcome.state, recorded.film) == ("complete", ("complete", ""))
    assert recorded.place.asked.samefile(recorded.source)


async def test_where_there_are_no_links_it_is_copied(
    of: Make, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert await premiere.link(recorded.place, recorded.link) is None
    outcome = await premiere.make(recorded.place, recorded.link, of(FAILS), lambda _: None)
    assert outcome is not None
    assert (outcome.state, recorded.film) == ("complete", ("complete", ""))
    assert recorded.place.asked.read_bytes() == b"media"
    assert not recorded.place.asked.samefile(recorded.source)


async def test_a_name_that_was_taken_meanwhile_is_not_overwritten(recorded: Recorded) -> None:
    recorded.place.asked.write_bytes(b"another's")
    outcome = await premiere.link(recorded.place, recorded.link)
    assert outcome is not None
    assert outcome.state == "failed"
    assert "exists by now. The separate files are complete in" in outcome.error
    assert recorded.film == ("failed", outcome.error)
    assert recorded.place.asked.read_bytes() == b"another's"


async def test_a_composed_film_is_in_the_manifest(of: Make, recorded: Recorded) -> None:
    told: list[float] = []
    outcome = await premiere.make(recorded.place, recorded.compose, of(MAKES), told.append)
    assert outcome is not None
    assert (outcome.state, outcome.duration_s, told) == ("complete", 1.5, [0.5])
    assert recorded.film == ("complete", "")


async def test_a_film_that_failed_says_where_the_separate_files_are(of: Make, recorded: Recorded) -> None:
    outcome = await premiere.make(recorded.place, recorded.compose, of(FAILS), lambda _: None)
    assert outcome is not None
    assert outcome.error == (
        f"a.mkv could not be made: There is nothing in it. The separate files are complete in "
        f"{recorded.place.folder}."
    )
    assert recorded.film == ("failed", outcome.error)


async def test_a_film_of_a_folder_that_is_gone_says_so(of: Make, recorded: Recorded) -> None:
    shutil.rmtree(recorded.place.folder)
    outcome = await premiere.make(recorded.place, recorded.compose, of(FAILS), lambda _: None)
    assert outcome is not None
    assert outcome.error.endswith(f"The folder {recorded.place.folder} was removed, or its disk is gone.")


async def test_a_film_that_the_engines_end_interrupts_waits_for_recover(of: Make, recorded: Recorded) -> None:
    composer = of(MAKES)
    await composer.close()
    assert await premiere.make(recorded.place, recorded.compose, composer, lambda _: None) is None
    assert recorded.film == ("waiting", "")
