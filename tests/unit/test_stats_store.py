"""The ring of samples: what goes in comes out, and it never grows past its bounds."""

import threading

import msgspec
import pytest

from nbrtc.messages import StatsSample
from nbrtc.stats import StatsStore
from tests.unit.stats_vectors import cases, samples_of

SAMPLES = samples_of(cases("loopback.json")[0])


def sample(number: int, peer: str = "python") -> StatsSample:
    return msgspec.structs.replace(SAMPLES[number % len(SAMPLES)], time_s=float(number), peer=peer)


def test_samples_come_out_as_they_went_in() -> None:
    store = StatsStore()
    for each in SAMPLES:
        store.append(each)
    assert store.samples() == SAMPLES
    assert len(store) == len(SAMPLES)


def test_the_oldest_go_when_the_samples_are_too_many() -> None:
    store = StatsStore(max_samples=3)
    for number in range(5):
        store.append(sample(number))
    assert [each.time_s for each in store.samples()] == [2, 3, 4]
    assert store.dropped == 2


def test_the_oldest_go_when_the_bytes_are_too_many() -> None:
    store = StatsStore(max_bytes=10_000)
    for number in range(20):
        store.append(sample(number))
    assert 0 < store.size_bytes <= 10_000
    assert store.samples()[-1].time_s == 19
    assert store.dropped == 20 - len(store)


def test_four_hours_of_this_call_fit() -> None:
    store = StatsStore()
    for each in SAMPLES:
        store.append(each)
    assert store.size_bytes / len(store) * 4 * 3600 < 64 * 2**20


def test_samples_can_be_asked_of_one_participant_and_only_the_newest() -> None:
    store = StatsStore()
    for number in range(6):
        store.append(sample(number, peer="ada" if number % 2 else "python"))
    assert store.participants() == ["python", "ada"]
    assert [each.time_s for each in store.samples("ada")] == [1, 3, 5]
    assert [each.time_s for each in store.samples("ada", newest=2)] == [3, 5]
    assert [each.time_s for each in store.samples(newest=1)] == [5]
    assert store.samples("nobody") == []


def test_clear_forgets_everything() -> None:
    store = StatsStore(max_samples=1)
    store.append(sample(0))
    store.append(sample(1))
    store.clear()
    assert (len(store), store.size_bytes, store.dropped, store.samples()) == (0, 0, 0, [])


def test_threads_may_append_while_another_reads() -> None:
    store = StatsStore(max_samples=50)

    def write() -> None:
        for number in range(200):
            store.append(sample(number))

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert len(store.samples(newest=3)) <= 3
    for writer in writers:
        writer.join()
    assert len(store) == 50
    assert store.dropped == 550
    store.clear()
    assert store.size_bytes == 0


@pytest.mark.parametrize("bounds", [{"max_samples": 0}, {"max_bytes": -1}])
def test_a_store_that_holds_nothing_is_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        StatsStore(**bounds)
