"""Which one file a recording becomes."""

from pathlib import Path

import msgspec
import pytest

from nbrtc.engine.film_plan import film_plan, layout_of, with_film
from nbrtc.engine.place import Place
from nbrtc.messages import RecordingLayout
from nbrtc.recordings.manifest import Manifest, Person, Piece

FOLDER = Path("/notebook/lesson.tracks")


def place(name: str, layout: RecordingLayout | None = None) -> Place:
    asked = Path("/notebook") / name
    return Place(asked, asked.with_name(name + ".tracks") if asked.suffix else asked, layout)


def manifest(*people: tuple[str, str, int], codec: str = "VP8") -> Manifest:
    """People as (id, name, number of files)."""
    return Manifest(
        id="r",
        started_at_s=0.0,
        people=tuple(
            Person(
                id=identity,
                name=name,
                joined_ms=0,
                pieces=tuple(
                    Piece(f"{name}-{n}.mkv", 0.0, 2000.0, 10, codec, "opus", state="complete")
                    for n in range(files)
                ),
            )
            for identity, name, files in people
        ),
    )


ADA, BOB, CY = ("you", "Ada", 1), ("b", "Bob", 1), ("c", "Cy", 1)


@pytest.mark.parametrize(
    ("name", "codec", "how", "to"),
    [
        ("a.mkv", "VP8", "link", "a.mkv"),
        ("a.mkv", "H264", "link", "a.mkv"),
        ("a.webm", "VP9", "remux", "a.webm"),
        ("a.webm", "H264", "compose", "a.webm"),
        ("a.mp4", "H264", "remux", "a.mp4"),
        ("a.mp4", "", "remux", "a.mp4"),
        ("a.mp4", "VP8", "link", "a.mkv"),
    ],
)
def test_one_persons_file_stays_untouched_where_it_can(name: str, codec: str, how: str, to: str) -> None:
    where = place(name)
    plan = film_plan(where, manifest(ADA, codec=codec))
    assert (plan.how, plan.to) == (how, Path("/notebook") / to)
    if how != "compose":
        assert plan.source == where.folder / "Ada-0.mkv"
        assert plan.duration_s == 2.0


def test_an_mp4_without_h264_says_why_it_is_an_mkv_and_what_to_do() -> None:
    plan = film_plan(place("a.mp4", "separate"), manifest(ADA))
    assert "Call(codec='h264')" in plan.note
    assert "layout='pip'" in plan.note
    assert film_plan(place("a.mp4", "pip"), manifest(ADA)).how == "compose"


@pytest.mark.parametrize(
    ("people", "layout"),
    [
        ((ADA,), "separate"),
        ((ADA, BOB), "pip"),
        ((ADA, ("b", "Bob", 1), ("b2", "Bob", 1)), "grid"),
        ((BOB, CY), "grid"),
        ((ADA, BOB, CY), "grid"),
        ((("you", "Ada", 2),), "grid"),
        ((ADA, ("b", "Bob", 0)), "separate"),
    ],
)
def test_the_layout_fits_those_who_are_in_it(
    people: tuple[tuple[str, str, int], ...], layout: RecordingLayout
) -> None:
    assert layout_of(place("a.mkv"), manifest(*people)) == layout
    plan = film_plan(place("a.mkv"), manifest(*people))
    assert plan.how == ("link" if layout == "separate" else "compose")


def test_who_joins_again_is_one_and_who_has_the_same_name_is_not() -> None:
    both = manifest(ADA, ("b", "Bob", 1), ("b2", "Bob", 1))
    ada, bob, again = both.people
    left = msgspec.structs.replace(bob, left_ms=5000.0)
    later = msgspec.structs.replace(again, joined_ms=6000.0)
    once = msgspec.structs.replace(both, people=(ada, left, later))
    assert (layout_of(place("a.mkv"), once), layout_of(place("a.mkv"), both)) == ("pip", "grid")


def test_a_folder_stays_one_unless_a_layout_is_asked_for() -> None:
    assert film_plan(place("lesson"), manifest(ADA, BOB)).how == "none"
    plan = film_plan(place("lesson", "speaker"), manifest(ADA, BOB))
    assert (plan.how, plan.to) == ("compose", Path("/notebook/lesson/speaker.mkv"))


def test_several_files_that_shall_be_apart_make_no_film_and_it_is_said() -> None:
    plan = film_plan(place("a.mkv", "separate"), manifest(ADA, BOB))
    assert (plan.how, plan.to) == ("none", Path("/notebook/a.mkv.tracks"))
    assert "2 files apart" in plan.note


def test_nothing_makes_nothing() -> None:
    plan = film_plan(place("a.mkv"), manifest(("you", "Ada", 0)))
    assert (plan.how, plan.to) == ("none", Path("/notebook/a.mkv"))
    assert with_film(place("a.mkv"), manifest()).films == ()


def test_the_manifest_has_the_film_that_will_be_made() -> None:
    (film,) = with_film(place("a.mkv"), manifest(ADA, BOB)).films
    assert (film.path, film.layout, film.state) == ("../a.mkv", "pip", "waiting")
    (film,) = with_film(place("lesson", "grid"), manifest(ADA, BOB)).films
    assert film.path == "grid.mkv"
