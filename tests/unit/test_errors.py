"""The tree of errors and its names on the wire."""

from collections.abc import Iterator

import pytest

import nbrtc
from nbrtc import errors
from nbrtc.errors import NbrtcError, by_code


def tree(kind: type[NbrtcError] = NbrtcError) -> Iterator[type[NbrtcError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from tree(below)


@pytest.mark.parametrize("kind", [kind for kind in tree() if kind.__module__ == errors.__name__])
def test_every_error_crosses_the_bridge_as_itself(kind: type[NbrtcError]) -> None:
    rebuilt = by_code(kind.code, "what happened")

    assert type(rebuilt) is kind
    assert str(rebuilt) == "what happened"


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in tree()]

    assert len(codes) == len(set(codes)), "a new error must set its own code"


def test_an_unknown_code_is_still_an_error() -> None:
    assert type(by_code("from the future", "what happened")) is NbrtcError


def test_every_error_is_public_and_stands_in_the_drawn_tree() -> None:
    names = {kind.__name__ for kind in tree() if kind.__module__ == errors.__name__}

    assert names <= set(nbrtc.__all__)
    assert all(name in (errors.__doc__ or "") for name in names)


def test_all_names_what_can_be_loaded_and_nothing_is_forgotten() -> None:
    assert sorted(nbrtc.__all__) == sorted({*nbrtc._HOMES, "__version__"})
    assert all(getattr(nbrtc, name) is not None for name in nbrtc.__all__)
    assert dir(nbrtc) == sorted(nbrtc.__all__)


def test_a_name_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(AttributeError, match=r"no attribute 'Cal'; it offers Bot, Call,"):
        nbrtc.Cal  # noqa: B018  looking is what is tried
