"""The impaired network as a pure rule: seeded loss, a queue, delay in order, an exact ledger."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.lab.impairment import Direction, Fate, Ledger, Shim
from nbrtc.messages import Impairment


def fates(
    impairment: Impairment,
    count: int,
    *,
    every_s: float = 0.01,
    direction: Direction = "up",
    size: int = 1000,
) -> list[Fate]:
    shim = Shim(impairment)
    return [shim.admit(direction, size, every_s * n) for n in range(count)]


def delivered(all_fates: list[Fate]) -> list[float]:
    return [fate.delivered_s for fate in all_fates if fate.delivered_s is not None]


def test_without_an_impairment_everything_passes_at_once() -> None:
    for fate in fates(Impairment(), 50):
        assert (fate.outcome, fate.delivered_s) == ("delivered", fate.sent_s)


@given(st.integers(0, 2**32), st.floats(0, 1), st.lists(st.floats(0, 0.5), min_size=1, max_size=50))
def test_loss_depends_on_the_seed_and_the_place_but_not_on_timing(
    seed: int, loss_fraction: float, pauses_s: list[float]
) -> None:
    steady = fates(Impairment(seed=seed, loss_fraction=loss_fraction), len(pauses_s))
    other = Shim(Impairment(seed=seed, loss_fraction=loss_fraction, delay_ms=5, jitter_ms=9, rate_bps=1e6))
    now_s = 0.0
    for fate, pause_s in zip(steady, pauses_s, strict=True):
        now_s += pause_s
        assert (other.admit("up", 10, now_s).outcome == "lost") == (fate.outcome == "lost")


def test_the_directions_have_dice_of_their_own() -> None:
    both, alone = Shim(Impairment(seed=4, loss_fraction=0.5)), Shim(Impairment(seed=4, loss_fraction=0.5))
    up, down = [], []
    for n in range(200):
        up.append(both.admit("up", 100, n).outcome)
        down.append(both.admit("down", 100, n).outcome)
    assert up == [alone.admit("up", 100, n).outcome for n in range(200)]
    assert up != down


def test_the_seed_decides_and_the_fraction_is_met() -> None:
    lost = {
        seed: [fate.outcome for fate in fates(Impairment(seed=seed, loss_fraction=0.1), 10_000)]
        for seed in (1, 2)
    }
    assert lost[1] != lost[2]
    for outcomes in lost.values():
        assert outcomes.count("lost") == pytest.approx(1000, abs=100)  # 3.3 standard deviations


@pytest.mark.parametrize("loss_fraction", [0.0, 1.0])
def test_the_extremes_are_exact(loss_fraction: float) -> None:
    outcomes = {fate.outcome for fate in fates(Impairment(loss_fraction=loss_fraction), 1000)}
    assert outcomes == ({"lost"} if loss_fraction else {"delivered"})


@given(st.floats(0, 200), st.floats(0, 200), st.lists(st.floats(0, 0.05), min_size=1, max_size=60))
def test_jitter_lies_within_its_bounds_and_never_reorders(
    delay_ms: float, jitter_ms: float, pauses_s: list[float]
) -> None:
    shim, now_s, last_s = Shim(Impairment(delay_ms=delay_ms, jitter_ms=jitter_ms)), 0.0, 0.0
    for pause_s in pauses_s:
        now_s += pause_s
        delivered_s = shim.admit("up", 100, now_s).delivered_s
        assert delivered_s is not None
        assert delivered_s >= last_s
        assert delay_ms / 1000 - 1e-9 <= delivered_s - now_s
        assert delivered_s <= max(last_s, now_s + (delay_ms + jitter_ms) / 1000 + 1e-9)
        last_s = delivered_s


def test_jitter_varies_and_reorders_when_asked_to() -> None:
    shim = Shim(Impairment(delay_ms=20, jitter_ms=50), reorder=True)
    times = delivered([shim.admit("up", 100, 0.005 * n) for n in range(100)])
    assert times != sorted(times)
    delays = [time_s - 0.005 * n for n, time_s in enumerate(times)]
    assert min(delays) < 0.03
    assert max(delays) > 0.06


def test_the_link_carries_its_rate_and_drops_the_tail() -> None:
    overloaded = fates(Impairment(rate_bps=800_000), 2000, every_s=0.005)  # 1.6 Mbit/s for 10 s
    times = delivered(overloaded)
    carried_bps = 8 * 1000 * len(times) / times[-1]
    assert carried_bps == pytest.approx(800_000, rel=0.01)
    assert {fate.outcome for fate in overloaded} == {"delivered", "overflow"}
    waits = [fate.delivered_s - fate.sent_s for fate in overloaded if fate.delivered_s is not None]
    assert max(waits) <= Shim.QUEUE_S + 0.011
    assert max(waits) > Shim.QUEUE_S - 0.01


def test_a_queue_empties_in_a_pause() -> None:
    shim = Shim(Impairment(rate_bps=80_000))
    first = [shim.admit("up", 1000, 0.0).delivered_s for _ in range(3)]
    assert first == pytest.approx([0.1, 0.2, 0.3])
    assert shim.admit("up", 1000, 5.0).delivered_s == pytest.approx(5.1)


def test_what_is_in_flight_is_bounded() -> None:
    shim = Shim(Impairment(delay_ms=1000))
    outcomes = [shim.admit("down", 100, 0.0).outcome for _ in range(shim.MAX_IN_FLIGHT + 10)]
    assert outcomes.count("overflow") == 10
    assert shim.admit("down", 100, 1.0).outcome == "delivered"


@pytest.mark.parametrize(
    "impairment",
    [
        Impairment(loss_fraction=2),
        Impairment(loss_fraction=math.nan),
        Impairment(delay_ms=-1),
        Impairment(jitter_ms=math.inf),
        Impairment(rate_bps=0),
    ],
)
def test_figures_out_of_range_are_refused_by_name_and_value(impairment: Impairment) -> None:
    with pytest.raises(ValueError, match=r"^(loss_fraction|delay_ms|jitter_ms|rate_bps) is .*: give"):
        Shim(impairment)


# --- the ledger -------------------------------------------------------------------------------------------


def test_totals_stay_exact_when_rows_are_forgotten() -> None:
    ledger = Ledger(limit=100)
    shim = Shim(Impairment(seed=1, loss_fraction=0.2, delay_ms=40, rate_bps=1e6), ledger=ledger)
    all_fates = [shim.admit("up" if n % 3 else "down", 100 + n, 0.001 * n) for n in range(5000)]
    assert len(ledger.to_rows()) == 100
    assert [row["size_bytes"] for row in ledger.to_rows()] == [100 + n for n in range(4900, 5000)]
    for direction in ("up", "down"):
        mine = [fate for fate in all_fates if fate.direction == direction]
        totals = ledger.totals[direction]
        assert totals["packets"] == len(mine)
        assert totals["bytes"] == sum(fate.size_bytes for fate in mine)
        for outcome in ("delivered", "lost", "overflow", "cut"):
            assert totals[outcome] == sum(fate.outcome == outcome for fate in mine)
        assert totals["delivered_bytes"] == sum(f.size_bytes for f in mine if f.outcome == "delivered")
        assert 0 < totals["lost"] + totals["overflow"] < len(mine)


def test_a_cut_datagram_moves_from_delivered_to_cut() -> None:
    shim = Shim(Impairment(delay_ms=100))
    kept, cut = shim.admit("up", 10, 0.0), shim.admit("up", 20, 0.0)
    shim.ledger.cut(cut)
    totals = shim.ledger.totals["up"]
    assert (totals["delivered"], totals["delivered_bytes"], totals["cut"]) == (1, 10, 1)
    assert totals["delay_s"] == pytest.approx(0.1)
    assert [row["outcome"] for row in shim.ledger.to_rows()] == [kept.outcome, "cut"]


def test_rows_and_summary_are_plain_values() -> None:
    shim = Shim(Impairment(seed=3, loss_fraction=0.5, delay_ms=25))
    for n in range(1000):
        shim.admit("down", 1200, 0.01 * n)
    row = shim.ledger.to_rows()[0]
    assert set(row) == {"direction", "size_bytes", "sent_s", "delivered_s", "outcome"}
    summary = shim.ledger.summary()
    assert summary["down"]["loss_fraction"] == summary["down"]["lost"] / 1000
    assert summary["down"]["mean_delay_ms"] == pytest.approx(25)
    assert math.isnan(summary["up"]["loss_fraction"])
