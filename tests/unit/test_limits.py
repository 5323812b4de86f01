"""How often a client may say what."""

import pytest

from nbrtc.messages.signaling import CLIENT_EVENTS
from nbrtc.signaling.limits import KINDS, PAIRS, Limits, Rate, Rates, TokenBucket


def passed(limits: Limits, event: str, count: int, now_s: float = 0.0, to: str | None = "bob") -> int:
    return sum(limits.admit(event, now_s, to) for _ in range(count))


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate_per_s=2, burst=3)

    assert [bucket.take(10.0) for _ in range(5)] == [True, True, True, False, False]
    assert [bucket.take(10.5) for _ in range(2)] == [True, False]
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_gives_nothing_for_a_clock_that_goes_backwards() -> None:
    bucket = TokenBucket(rate_per_s=1, burst=1)

    assert bucket.take(10.0)
    assert not bucket.take(5.0)
    assert not bucket.take(5.5)
    assert bucket.take(6.0)


def test_every_event_of_the_wire_is_limited() -> None:
    assert set(KINDS) == set(CLIENT_EVENTS)


@pytest.mark.parametrize(
    ("event", "at_once", "after_1_s"),
    [
        ("join-room", 5, 0),
        ("chat-message", 5, 5),
        ("participant-status", 10, 10),
        ("offer", 10, 1),
        ("ice-candidate", 200, 20),
    ],
)
def test_each_kind_has_its_rate(event: str, at_once: int, after_1_s: int) -> None:
    limits = Limits()

    assert passed(limits, event, 250) == at_once
    assert passed(limits, event, 50, now_s=1.0) == after_1_s


def test_the_last_of_ten_people_may_negotiate_with_all_twice() -> None:
    limits = Limits()

    for other in range(9):
        assert passed(limits, "offer", 2, to=f"p{other}") == 2
        assert passed(limits, "ice-candidate", 2 * 20, to=f"p{other}") == 40


def test_one_pair_that_goes_wild_leaves_the_other_pairs_alone() -> None:
    limits = Limits()

    assert passed(limits, "offer", 50, to="bob") == 10
    assert passed(limits, "offer", 10, to="cleo") == 10


def test_kinds_do_not_starve_each_other() -> None:
    limits = Limits()

    assert passed(limits, "chat-message", 20) == 5
    assert limits.admit("ice-candidate", 0.0, "bob")


def test_invented_receivers_neither_fill_the_memory_nor_get_past_the_total() -> None:
    limits = Limits()

    assert sum(passed(limits, "offer", 1, to=f"p{number}") for number in range(1000)) == 100
    assert len(limits._pairs) <= PAIRS


def test_whoever_goes_on_for_long_is_hostile() -> None:
    limits = Limits()

    assert [limits.is_hostile(0.0) for _ in range(120)] == [False] * 100 + [True] * 20


def test_somebody_clumsy_is_never_hostile() -> None:
    """Twice the allowed chat, for an hour of seconds."""
    limits = Limits(Rates(chat=Rate(1, 1)))
    for second in range(3600):
        assert limits.admit("chat-message", second)
        assert not limits.admit("chat-message", second + 0.5)
        assert not limits.is_hostile(second + 0.5)


def test_a_load_test_may_scale_the_rates() -> None:
    assert passed(Limits(Rates().scaled(10)), "chat-message", 100) == 50
