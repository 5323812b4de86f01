"""Blocks wait for their turn: each is given once, in order, or left out and counted, and few ever wait."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.engine.hearing import BLOCK, Block
from nbrtc.engine.reserve import LEAD, LOOK, MOST, Reserve

LOUD = np.full((BLOCK, 1), 5000, np.int16)
QUIET = np.zeros((BLOCK, 1), np.int16)


def block(number: int, *, quiet: bool = False) -> Block:
    return Block(number, QUIET if quiet else LOUD, BLOCK * number, 0.02 * number)


def numbers(blocks: list[Block | None]) -> list[int]:
    return [each.number for each in blocks if each is not None]


@given(st.lists(st.sampled_from(["put", "quiet", "take", "pause"]), max_size=300))
def test_none_is_repeated_or_out_of_order_and_none_is_lost_uncounted(steps: list[str]) -> None:
    reserve, put = Reserve(), 0
    given_out: list[Block | None] = []
    for step in steps:
        if step in ("put", "quiet"):
            reserve.put(block(put, quiet=step == "quiet"))
            put += 1
        elif step == "take":
            given_out.append(reserve.take())
        else:
            reserve.pause()
        assert len(reserve) <= MOST
    found = numbers(given_out)
    assert found == sorted(set(found))
    assert len(found) + reserve.dropped + len(reserve) == put


def test_the_first_waits_for_the_second_so_that_unevenness_is_not_heard() -> None:
    reserve = Reserve()
    reserve.put(block(0))
    assert reserve.take() is None
    reserve.put(block(1))
    assert numbers([reserve.take(), reserve.take(), reserve.take()]) == [0, 1]


def test_a_first_one_that_stays_alone_is_given_all_the_same() -> None:
    reserve = Reserve()
    reserve.put(block(0))
    assert numbers([reserve.take() for _ in range(LEAD)]) == [0]


def test_a_burst_after_a_stall_leaves_the_newest() -> None:
    reserve = Reserve()
    for number in range(20):
        reserve.put(block(number))
    assert reserve.dropped == 20 - MOST
    assert numbers([reserve.take() for _ in range(MOST)])[-1] == 19


def test_a_delay_that_stays_is_made_up_for_in_a_pause_only() -> None:
    reserve = Reserve()
    late = LEAD + 2
    for number in range(late):
        reserve.put(block(number))
    taken: list[Block | None] = []
    for number in range(late, late + 2 * LOOK):
        taken.append(reserve.take())
        reserve.put(block(number))
    assert reserve.dropped == 0, "a word was cut"
    for number in range(late + 2 * LOOK, late + 2 * LOOK + 10):
        taken.append(reserve.take())
        reserve.put(block(number, quiet=True))
    assert 0 < reserve.dropped <= 2
    assert len(reserve) == late - reserve.dropped


def test_an_even_flow_loses_nothing_in_its_pauses() -> None:
    reserve, taken = Reserve(), 0
    for number in range(10 * LOOK):
        reserve.put(block(number, quiet=True))
        taken += reserve.take() is not None
    assert reserve.dropped == 0
    assert taken == 10 * LOOK - 1
