"""The interpreter's switch interval while effects run."""

import sys
from collections.abc import Iterator

import pytest

from nbrtc.turns import TURN_S, quick_turns


@pytest.fixture(autouse=True)
def interval_s() -> Iterator[float]:
    before_s = sys.getswitchinterval()
    yield before_s
    sys.setswitchinterval(before_s)


def test_the_interval_is_short_until_the_last_one_leaves(interval_s: float) -> None:
    with quick_turns():
        with quick_turns():
            assert sys.getswitchinterval() == pytest.approx(TURN_S)
        assert sys.getswitchinterval() == pytest.approx(TURN_S)
    assert sys.getswitchinterval() == pytest.approx(interval_s)


def test_an_error_puts_it_back_too(interval_s: float) -> None:
    with pytest.raises(ZeroDivisionError), quick_turns():
        _ = 1 / 0
    assert sys.getswitchinterval() == pytest.approx(interval_s)


def test_one_that_is_shorter_already_stays() -> None:
    sys.setswitchinterval(TURN_S / 2)
    with quick_turns():
        assert sys.getswitchinterval() == pytest.approx(TURN_S / 2)
