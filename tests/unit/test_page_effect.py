"""`call.effect` and `call.background`: what is assigned, what the page and the next engine are told."""

from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from nbrtc.assets import Assets
from nbrtc.bridge import Bridge
from nbrtc.kernel_side import KernelSide
from nbrtc.messages import EFFECTS, QUALITIES, CallState, ChangeEffect, Effect, OpenCall, StateChanged
from nbrtc.page_effect import PageEffect
from tests.unit.test_kernel_side import Wire

PICTURE = np.full((48, 64, 3), 90, np.uint8)


class Engine(Wire):
    """Does what it is asked: the state says so."""

    revision = 0

    def send(self, call: str, verb: Any) -> Any:
        outcome = super().send(call, verb)
        if isinstance(verb, ChangeEffect):
            self.choose(effect=verb.effect, background=verb.background)
        return outcome

    def choose(self, **fields: Any) -> None:
        """The page or Python chose something."""
        self.revision += 1
        state = CallState(quality=QUALITIES["auto"], revision=self.revision)
        for client in self.clients:
            kept = {"background": client.mirror.state.background, "effect": client.mirror.state.effect}
            told = msgspec.structs.replace(state, **{**kept, **fields})
            client.on_notification(StateChanged("call", told))


class Call(PageEffect):
    def __init__(self, engine: Engine, folder: Path) -> None:
        opening = OpenCall(call="call", name="Ada", quality=QUALITIES["auto"], folder=str(folder), epoch=0)
        self._side = KernelSide(cast(Bridge, engine), opening, lambda page, body: None)
        self._side.open()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def call(engine: Engine, tmp_path: Path) -> Call:
    return Call(engine, tmp_path)


def test_a_name_an_effect_and_none_are_taken(call: Call, engine: Engine) -> None:
    assert call.effect == Effect("none")
    call.effect = "grayscale"
    assert call.effect.name == "grayscale"
    call.effect = Effect("blur", strength=0.7)
    assert (call.effect.name, call.effect.strength) == ("blur", 0.7)
    assert repr(Effect("blur", strength=cast(float, np.float32(0.5))).strength) == "0.5"
    call.effect = None
    assert call.effect == Effect("none")
    assert [verb.effect.name for verb in engine.verbs if isinstance(verb, ChangeEffect)] == [
        "grayscale",
        "blur",
        "none",
    ]


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("blurr", ValueError, r"no effect 'blurr' \(did you mean 'blur'\?\); use 'none', 'blur'"),
        ("Sepia", ValueError, r"did you mean 'sepia'\?"),
        ("xyz", ValueError, r"no effect 'xyz'; use 'none'"),
        (0.7, TypeError, r"nbrtc.Effect\(name, strength=...\) or None, not 0.7"),
        (True, TypeError, "not True"),
        ("background", ValueError, r"needs a picture: call.background = "),
    ],
)
def test_anything_else_is_refused_and_changes_nothing(
    call: Call, engine: Engine, value: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call.effect = value
    assert engine.verbs == []


def test_every_effect_but_the_background_can_be_chosen_by_its_name(call: Call) -> None:
    for name in EFFECTS:
        if name != "background":
            call.effect = name
            assert call.effect.name == name


def test_an_effect_holds_in_the_next_engine_whoever_chose_it(call: Call, engine: Engine) -> None:
    call.effect = "blur"
    assert call._side.opening(1).effect == Effect("blur")
    engine.choose(effect=Effect("sepia", 0.4))
    assert call.effect == call._side.opening(2).effect == Effect("sepia", 0.4)


def test_a_background_is_an_asset_and_switches_its_effect_on(call: Call, engine: Engine) -> None:
    assert call.background is None
    call.background = PICTURE
    assert isinstance(call._side.assets, Assets)
    name = call._side.mirror.state.background
    assert name.startswith("background-")
    assert call._side.assets.read(name, 0)[0].startswith(b"\xff\xd8"), "no JPEG"
    assert call.effect == Effect("background")
    assert call._side.opening(1).background == name

    call.effect = "blur"
    assert call._side.mirror.state.background == name, "the picture stays for later"
    call.effect = "background"
    assert call.effect == Effect("background")


def test_a_background_reads_as_what_was_set_and_nobody_changes_it(call: Call) -> None:
    call.background = PICTURE
    read = call.background
    assert read is not None
    np.testing.assert_array_equal(read, PICTURE)
    read[:] = 0
    np.testing.assert_array_equal(call.background, PICTURE)


def test_none_takes_the_background_away_with_its_effect_and_no_other(call: Call) -> None:
    call.background = PICTURE
    call.background = None
    assert (call.background, call.effect, call._side.mirror.state.background) == (None, Effect("none"), "")
    call.background = PICTURE
    call.effect = "edge"
    call.background = None
    assert call.effect == Effect("edge")


def test_a_picture_that_the_page_chose_for_itself_needs_none_of_pythons(call: Call, engine: Engine) -> None:
    engine.choose(effect=Effect("background"))
    call.effect = "background"
    assert engine.verbs == [ChangeEffect(Effect("background"))]


def test_a_background_that_is_none_leaves_everything_as_it_was(call: Call, engine: Engine) -> None:
    with pytest.raises(ValueError, match="shape"):
        call.background = np.zeros((4, 4), np.uint8)
    assert (call.background, engine.verbs) == (None, [])
