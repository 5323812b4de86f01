"""Who is in a film when, from the manifest alone; and who speaks."""

from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.recordings.film.scenes import Scene, roles, scenes
from nbrtc.recordings.film.speakers import Speakers
from nbrtc.recordings.manifest import Manifest, Moment, Person, Piece


def person(identity: str, name: str = "", *, pieces: tuple[float, ...] = (0.0,), **times: Any) -> Person:
    files = tuple(
        Piece(f"{name or identity}-{index}.mkv", start_ms, 1000.0, 1, "VP8", "opus")
        for index, start_ms in enumerate(pieces)
    )
    joined = {"joined_ms": 0.0, "acknowledged_ms": 0.0} | times
    return Person(id=identity, name=name or identity, pieces=files, **joined)


def manifest(*people: Person, events: tuple[Moment, ...] = ()) -> Manifest:
    return Manifest("id", 0.0, duration_ms=10_000.0, people=people, events=events)


def cut(*people: Person, events: tuple[Moment, ...] = ()) -> tuple[Scene, ...]:
    whole = manifest(*people, events=events)
    return scenes(whole, roles(whole), whole.duration_ms)


def present(scene: Scene) -> list[int]:
    return [one.who for one in scene.people]


def test_whoever_recorded_comes_last_and_who_has_no_file_does_not_come() -> None:
    cast = roles(manifest(person("you", "Ada"), person("b", "Bob"), person("c", "Eve", pieces=())))

    assert [(role.name, role.local) for role in cast] == [("Bob", False), ("Ada", True)]


def test_a_scene_begins_where_somebody_comes_or_goes() -> None:
    found = cut(person("you"), person("b", joined_ms=2000.0, acknowledged_ms=2100.0, left_ms=7000.0))

    assert [(scene.from_ms, scene.to_ms, present(scene)) for scene in found] == [
        (0, 2100, [1]),
        (2100, 7000, [0, 1]),
        (7000, 10_000, [1]),
    ]


def test_nobody_is_a_scene_too() -> None:
    (before, there) = cut(person("b", joined_ms=4000.0, acknowledged_ms=4000.0))

    assert (before.to_ms, before.people) == (4000, ())
    assert present(there) == [0]


def test_whoever_joins_again_is_the_same_role() -> None:
    whole = manifest(
        person("b1", "Bob", left_ms=4000.0),
        person("b2", "Bob", joined_ms=3500.0, acknowledged_ms=3600.0),
    )
    (role,) = roles(whole)

    assert [piece.file for piece in role.pictures] == ["Bob-0.mkv", "Bob-0.mkv"]
    assert [present(scene) for scene in scenes(whole, (role,), 10_000.0)][-1] == [0]


def test_two_who_are_there_together_are_two_though_one_of_them_leaves_soon() -> None:
    guests = [
        person("a", "Guest", pieces=(0.0, 7000.0), left_ms=8000.0),
        person("b", "Guest", pieces=(3000.0,), joined_ms=3000.0, acknowledged_ms=3000.0),
    ]
    assert len(roles(manifest(person("you", "Ada"), *guests))) == 3


def test_a_file_that_failed_is_nobodys_picture() -> None:
    bob = person("b", "Bob")
    (piece,) = bob.pieces
    failed = msgspec.structs.replace(bob, pieces=(msgspec.structs.replace(piece, state="failed"),))
    assert [role.name for role in roles(manifest(person("you", "Ada"), failed))] == ["Ada"]


def test_two_people_of_one_name_are_two() -> None:
    assert len(roles(manifest(person("b1", "Bob"), person("b2", "Bob", joined_ms=100.0)))) == 2


def test_pictures_from_before_the_camera_went_off_do_not_come_back() -> None:
    events = (
        Moment(0, "b", "camera", "640x480"),
        Moment(3000, "b", "camera", "off"),
        Moment(3200, "b", "camera", "on"),
        Moment(6000, "b", "camera", "off"),
        Moment(9000, "b", "camera", "on"),
    )
    shows = [scene.people[0].shows_from_ms for scene in cut(person("b"), events=events)]

    assert shows == [0, None, 3000, None, 8500]


def test_a_screen_replaces_the_camera() -> None:
    events = (
        Moment(0, "you", "camera", "off"),
        Moment(2000, "you", "screen", "on"),
        Moment(5000, "you", "screen", "off"),
    )
    found = cut(person("you"), events=events)

    assert [(scene.people[0].sharing, scene.people[0].shows_from_ms) for scene in found] == [
        (False, None),
        (True, 1500),
        (False, None),
    ]


def test_pictures_of_ones_own_are_seen_while_the_camera_is_off() -> None:
    events = (
        Moment(0, "you", "camera", "off"),
        Moment(2000, "you", "source", "slides"),
        Moment(5000, "you", "source", "none"),
    )
    found = cut(person("you"), events=events)

    assert [(scene.people[0].sharing, scene.people[0].shows_from_ms) for scene in found] == [
        (False, None),
        (False, 1500),
        (False, None),
    ]


times = st.floats(-1000, 12_000)


@given(
    st.lists(
        st.tuples(st.sampled_from(["you", "b", "c"]), times, times, st.none() | times), min_size=1, max_size=6
    ),
    st.lists(
        st.tuples(
            times,
            st.sampled_from(["you", "b", "c", ""]),
            st.sampled_from(["camera", "screen", "source"]),
            st.sampled_from(["on", "off", "none"]),
        ),
        max_size=12,
    ),
)
def test_scenes_cover_all_of_the_time_once(
    joins: list[tuple[str, float, float, float | None]], happened: list[tuple[float, str, str, str]]
) -> None:
    people = [
        person(identity, joined_ms=joined, acknowledged_ms=known, left_ms=left)
        for identity, joined, known, left in joins
    ]
    found = cut(*people, events=tuple(Moment(*one) for one in happened))

    assert found[0].from_ms == 0
    assert found[-1].to_ms == 10_000
    assert all(one.to_ms == two.from_ms for one, two in pairwise(found))
    assert all(len(set(present(scene))) == len(scene.people) for scene in found)


def heard(*spoken: tuple[int, int, int, float]) -> Speakers:
    """After ten seconds of (who, from, to, amplitude)."""
    speakers = Speakers()
    for time_ms in range(0, 10_000, 20):
        squares = {who: amplitude**2 for who, start, end, amplitude in spoken if start <= time_ms < end}
        speakers.hear(time_ms, 20, squares)
    return speakers


def test_the_first_who_speaks_is_seen_at_once_and_the_next_from_where_they_began() -> None:
    speakers = heard((0, 1000, 5000, 0.1), (1, 5500, 10_000, 0.1))

    assert [speakers.ranking(at) for at in (900, 1100, 5400, 5600)] == [(), (0,), (0,), (1, 0)]


def test_a_cough_changes_nothing() -> None:
    speakers = heard((0, 0, 10_000, 0.05), (1, 4000, 4300, 0.5))

    assert speakers.ranking(9999) == (0,)


def test_pauses_between_words_do_not_end_a_speech() -> None:
    words = [(1, start, start + 400, 0.1) for start in range(3000, 8000, 900)]

    assert heard((0, 0, 2000, 0.1), *words).ranking(9999) == (1, 0)


def test_a_quiet_room_is_no_voice() -> None:
    assert heard((0, 0, 10_000, 0.001)).ranking(9999) == ()
