"""Whom a recording is about while people come and go."""

from nbrtc.engine.gallery import OWN
from nbrtc.engine.scope import Chosen
from nbrtc.messages import Participant


def people(**names: str) -> dict[str, Participant]:
    return {identity: Participant(identity, name) for identity, name in names.items()}


def test_whoever_was_chosen_by_id_is_chosen_when_they_come_back_under_another_one() -> None:
    chosen = Chosen((OWN, "b1"))
    assert set(chosen.among(people(you="Ada", b1="Bob", c="Cy"))) == {OWN, "b1"}
    assert set(chosen.among(people(you="Ada", c="Cy"))) == {OWN}
    assert set(chosen.among(people(you="Ada", c="Cy", b2="Bob"))) == {OWN, "b2"}
    assert set(chosen.among(people(you="Ada", c="Cy"))) == {OWN}
    assert set(chosen.among(people(you="Ada", c="Cy", b3="Bob"))) == {OWN, "b3"}


def test_a_namesake_who_was_there_beside_them_is_somebody_else() -> None:
    chosen = Chosen(("g1",))
    assert set(chosen.among(people(g1="Guest", g2="Guest"))) == {"g1"}
    assert set(chosen.among(people(g2="Guest"))) == set()
    assert set(chosen.among(people(g2="Guest", g3="Guest"))) == {"g3"}


def test_names_and_everybody_hold_for_whoever_comes() -> None:
    assert set(Chosen(("Bob",)).among(people(b1="Bob", c="Cy"))) == {"b1"}
    assert set(Chosen("all").among(people(you="Ada", c="Cy"))) == {OWN, "c"}
    assert set(Chosen("local").among(people(you="Ada", c="Cy"))) == {OWN}
