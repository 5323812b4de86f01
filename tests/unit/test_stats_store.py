"""The rings of samples and events: what goes in comes out and is told, and they stay within bounds."""

import threading
from typing import Any

import msgspec
import pytest

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats import StatsStore
from nbrtc.stats import store as store_module
from nbrtc.stats.store import each_sample
from tests.unit.stats_vectors import cases, samples_of

DECODE = store_module._decode
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


@pytest.mark.parametrize("bounds", [{"max_samples": 0}, {"max_bytes": -1}, {"max_events": 0}])
def test_a_store_that_holds_nothing_is_refused(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        StatsStore(**bounds)


def test_samples_after_a_time_can_be_asked_for_although_clocks_differ() -> None:
    store = StatsStore()
    for number, peer in ((0, "ada"), (5, "python"), (3, "ada"), (6, "python")):
        store.append(sample(number, peer))
    assert [each.time_s for each in store.samples(since_s=2.0)] == [5, 3, 6]
    assert [each.time_s for each in store.samples(since_s=3.0, newest=1)] == [6]
    assert [each.time_s for each in store.samples("ada", since_s=0.0)] == [3]
    assert store.samples(newest=0) == []


def test_asking_for_the_newest_unpacks_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    store = StatsStore()
    for number in range(300):
        store.append(sample(number, peer=f"peer {number % 10}"))
    unpacked: list[bytes] = []

    def decode(data: bytes) -> StatsSample:
        unpacked.append(data)
        return DECODE(data)

    monkeypatch.setattr(store_module, "_decode", decode)
    assert [each.time_s for each in store.samples("peer 3", newest=2)] == [283, 293]
    assert len(unpacked) == 2
    next(store.each())
    assert len(unpacked) == 3


def test_a_participant_whose_samples_all_went_is_forgotten() -> None:
    store = StatsStore(max_samples=2)
    for number, peer in enumerate(("ada", "python", "python")):
        store.append(sample(number, peer))
    assert store.participants() == ["python"]
    assert store.samples("ada", newest=1) == []
    store.append(sample(3, "ada"))
    assert store.samples("ada") == [sample(3, "ada")]


def test_the_byte_count_is_that_of_what_is_kept() -> None:
    """Samples share dictionaries, and each is counted once, as long as somebody needs it."""
    store = StatsStore(max_samples=150)
    for number in range(400):
        store.append(sample(number, peer="ada" if number % 3 else "python"))
        kept = list(store._ring)
        dictionaries = {id(packed.dictionary): len(packed.dictionary) for packed in kept}
        assert store.size_bytes == sum(len(packed.data) for packed in kept) + sum(dictionaries.values())
    assert store.samples() == [
        sample(number, "ada" if number % 3 else "python") for number in range(250, 400)
    ]


def test_even_one_sample_that_is_too_large_leaves_a_clean_store() -> None:
    store = StatsStore(max_bytes=100)
    for number in range(3):
        store.append(sample(number))
    assert (len(store), store.size_bytes, store.dropped, store.participants()) == (0, 0, 3, [])


# --- events


def event(number: int, peer: str = "") -> StatsEvent:
    return StatsEvent(time_s=float(number), peer=peer, name="quality", value=str(number))


def test_the_oldest_events_go_when_they_are_too_many() -> None:
    store = StatsStore(max_events=2)
    for number in range(5):
        store.note(event(number, peer="ada" if number % 2 else ""))
    assert store.events() == [event(3, "ada"), event(4)]
    assert store.events("ada") == [event(3, "ada")]
    assert store.events_dropped == 3
    store.clear()
    assert (store.events(), store.events_dropped) == ([], 0)


# --- those who wait and listen


def test_listeners_hear_what_comes_in_order_until_they_stop() -> None:
    store = StatsStore()
    store.append(sample(0))
    heard: list[object] = []
    stop = store.listen(heard.append)
    store.append(sample(1))
    store.note(event(2))
    store.append(sample(3))
    stop()
    stop()
    store.append(sample(4))
    assert heard == [sample(1), event(2), sample(3)]


def test_a_listener_that_fails_is_logged_once_and_called_on(caplog: pytest.LogCaptureFixture) -> None:
    store = StatsStore()
    calls = []

    def fail(what: object) -> None:
        calls.append(what)
        raise RuntimeError("the plot is broken")

    heard: list[object] = []
    store.listen(fail)
    store.listen(heard.append)
    store.append(sample(0))
    store.append(sample(1))
    assert len(calls) == len(heard) == 2
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_listener_may_read_the_store_and_stop_itself() -> None:
    store = StatsStore()
    counts = []

    def look(_: object) -> None:
        counts.append(len(store.samples()))
        stop()

    stop = store.listen(look)
    store.append(sample(0))
    store.append(sample(1))
    assert counts == [1]


def test_whoever_waits_goes_on_with_the_next_sample() -> None:
    store = StatsStore()
    version = store.version
    assert not store.wait(version, 0.0)
    outcome: list[bool] = []
    waiting = threading.Thread(target=lambda: outcome.append(store.wait(version, 30.0)))
    waiting.start()
    store.append(sample(0))
    waiting.join(30)
    assert outcome == [True]
    assert store.version == version + 1
    assert store.wait(version, 0.0)


def test_whoever_waits_goes_on_with_the_end() -> None:
    store = StatsStore()
    outcome: list[bool] = []
    waiting = threading.Thread(target=lambda: outcome.append(store.wait(store.version, 30.0)))
    waiting.start()
    store.end()
    waiting.join(30)
    assert outcome == [False]


def test_nothing_comes_after_the_end() -> None:
    store = StatsStore()
    heard: list[object] = []
    store.append(sample(0))
    store.listen(heard.append)
    store.end()
    store.end()
    store.append(sample(1))
    store.note(event(2))
    assert not store.is_live
    assert (len(store), store.events(), heard) == (1, [], [])


def test_every_listener_hears_everything_that_threads_append_in_the_order_of_the_ring() -> None:
    store = StatsStore()
    heard: list[object] = []
    store.listen(heard.append)

    def write(peer: str) -> None:
        for number in range(50):
            store.append(sample(number, peer))

    writers = [threading.Thread(target=write, args=[peer]) for peer in ("ada", "bob", "eve")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert heard == store.samples()
    assert len(heard) == 150


def test_the_store_says_what_it_is() -> None:
    assert StatsStore().info == {"format": "nbrtc"}
    assert StatsStore(info={"room": "tea"}).info == {"format": "nbrtc", "room": "tea"}
    assert list(each_sample(StatsStore())) == []
