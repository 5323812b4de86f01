"""What the user passes and assigns."""

import numpy as np
import pytest

from nbrtc.arguments import check_assignment, to_boolean, to_name, to_number, to_size, unknown_keywords


class Parent:
    inherited = 1

    def parents_method(self) -> None: ...


class Owner(Parent):
    @property
    def quality(self) -> int:
        return 1

    @quality.setter
    def quality(self, value: int) -> None: ...

    @property
    def state(self) -> int:
        return 1

    def leave(self) -> None: ...


@pytest.mark.parametrize("name", ["quality", "inherited", "_private", "parents_method", "state"])
def test_what_exists_may_be_assigned_or_refuses_by_itself(name: str) -> None:
    """Base classes assign their own methods: traitlets does so with `notify_change`."""
    check_assignment(Owner, name)


def test_a_slip_of_the_pen_is_refused_with_what_is_near() -> None:
    with pytest.raises(AttributeError, match=r"'qualty' \(did you mean quality\?\); .* assigned: quality\.$"):
        check_assignment(Owner, "qualty")
    with pytest.raises(AttributeError, match=r"no attribute 'zzz'; what can be assigned: quality\.$"):
        check_assignment(Owner, "zzz")


def test_a_method_is_not_covered() -> None:
    with pytest.raises(AttributeError, match=r"Owner\.leave is a method"):
        check_assignment(Owner, "leave")


def test_unknown_keywords_are_named_with_the_known() -> None:
    assert str(unknown_keywords("Call()", ["nme", "x"], ["name", "quality"])) == (
        "Call() has no keyword 'nme', 'x' (did you mean name?); it takes name, quality."
    )


@pytest.mark.parametrize("value", [True, np.True_])
def test_true_is_true(value: bool) -> None:
    assert to_boolean("is_camera_on", value) is True


@pytest.mark.parametrize("value", ["no", 1, 0, None, np.int64(1)])
def test_nothing_else_is_a_boolean(value: object) -> None:
    with pytest.raises(TypeError, match="is_camera_on is True or False, not"):
        to_boolean("is_camera_on", value)


def test_a_name_is_what_people_can_read() -> None:
    assert to_name("  Ada L\u00f6velace ") == "Ada L\u00f6velace"
    for bad in ("", "  ", "a\nb", "a\u202eb", "x" * 65, "a\0"):
        with pytest.raises(ValueError, match="1 to 64 printable characters"):
            to_name(bad)
    with pytest.raises(TypeError, match="a string, not 5"):
        to_name(5)


@pytest.mark.parametrize("value", [0.1, 5, np.float32(2.5), np.int64(1)])
def test_a_number_within_its_bounds_is_taken(value: float) -> None:
    number = to_number("stats_interval_s", value, (0.1, 5.0))
    assert type(number) is float
    assert number == value


@pytest.mark.parametrize("value", [0.09, 5.01, float("nan"), float("inf"), "1", True, None, 1j])
def test_any_other_number_is_refused_with_the_bounds(value: object) -> None:
    with pytest.raises(ValueError, match=r"stats_interval_s is a number from 0\.1 to 5, not "):
        to_number("stats_interval_s", value, (0.1, 5.0))


@pytest.mark.parametrize("size", [(640, 480), [640, 480], tuple(np.array([640, 480]))])
def test_a_size_is_two_whole_numbers(size: object) -> None:
    found = to_size(size)
    assert found == (640, 480)
    assert {type(side) for side in found} == {int}


@pytest.mark.parametrize("size", [(640.0, 480), (15, 480), (640,), 640, "640x480", np.array([640, 480])])
def test_any_other_size_is_refused_with_the_bounds(size: object) -> None:
    with pytest.raises(ValueError, match=r"size is \(width, height\) of 16 to 4096 pixels each, not "):
        to_size(size)
