"""`StatsView`: what the kernel tells its pages, and that it lets go of everything when it is closed."""

import gc
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats import CallStats, StatsStore
from nbrtc.stats.live import feed as feed_module
from nbrtc.stats.live.feed import Feed
from nbrtc.stats.live.view import VIEW_METRICS, StatsView
from nbrtc.stats.loaded import LoadedStats
from nbrtc.stats.point import points
from nbrtc.stats.source import StatsSource
from tests.unit.stats_vectors import cases, samples_of

SAMPLES = samples_of(cases("loopback.json")[0])
METRICS_TS = Path(__file__).parents[2] / "js/src/ui/statistics/metrics.ts"


def sample(number: int, peer: str = "python") -> StatsSample:
    return msgspec.structs.replace(SAMPLES[number % len(SAMPLES)], time_s=1000.0 + number, peer=peer)


class Page:
    """Everything that the feed sends, and a way to wait for it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self._changed = threading.Condition()

    def take(self, message: dict[str, Any]) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 20), self.messages

    def wait_past(self, page: str = "p1") -> None:
        """Findings end what is told of the past."""
        self.wait(lambda: any(each["kind"] == "findings" for each in self.messages))

    def points(self, peer: str = "python") -> list[dict[str, Any]]:
        return [
            dict(zip(message["keys"], row, strict=True))
            for message in self.messages
            if message["kind"] == "points" and message["peer"] == peer
            for row in message["rows"]
        ]


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def feed_of(page: Page) -> Iterator[Callable[[StatsSource], Feed]]:
    feeds: list[Feed] = []

    def make(source: StatsSource) -> Feed:
        feeds.append(Feed(source, page.take))
        return feeds[-1]

    yield make
    for feed in feeds:
        feed.close()


FeedOf = Callable[[StatsSource], Feed]


def test_a_page_is_told_the_past_and_then_what_comes(page: Page, feed_of: FeedOf) -> None:
    store = StatsStore()
    for number in range(3):
        store.append(sample(number))
    feed = feed_of(store)
    store.append(sample(3))
    assert page.messages == [], "nobody asked yet"

    feed.tell("p1")
    page.wait_past()
    assert page.points() == list(points(store.samples()))
    assert {each["to"] for each in page.messages if each["kind"] == "points"} == {"p1"}

    store.append(sample(4))
    assert page.points() == list(points(store.samples()))
    assert [each["to"] for each in page.messages if each["kind"] == "points"] == ["p1", None]


def test_a_long_past_comes_in_parts(page: Page, feed_of: FeedOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "MESSAGE_POINTS", 4)
    monkeypatch.setattr(feed_module, "KEPT_POINTS", 10)
    store = StatsStore()
    for number in range(12):
        store.append(sample(number))
        store.append(sample(number, "ada"))
    feed_of(store).tell("p1")
    page.wait_past()

    parts = [(each["peer"], len(each["rows"])) for each in page.messages if each["kind"] == "points"]
    assert parts == [("python", 4), ("python", 4), ("python", 2), ("ada", 4), ("ada", 4), ("ada", 2)]
    assert [point["time_s"] for point in page.points("ada")] == [1002.0 + number for number in range(10)]


def test_people_are_called_as_they_joined(page: Page, feed_of: FeedOf) -> None:
    store = StatsStore()
    store.note(StatsEvent(time_s=999.0, peer="p-1", name="join", value="Ada"))
    store.append(sample(0, "p-1"))
    feed = feed_of(store)
    store.note(StatsEvent(time_s=1001.0, peer="p-2", name="join", value="Bob"))
    store.append(sample(1, "p-2"))
    store.append(sample(1, "you"))
    feed.tell("p1")
    page.wait_past()
    names = {each["peer"]: each["name"] for each in page.messages if each["kind"] == "points"}
    assert names == {"p-1": "Ada", "p-2": "Bob", "you": "Python's end"}


def test_what_is_wrong_is_told_with_the_samples_that_show_it(page: Page, feed_of: FeedOf) -> None:
    store = StatsStore()
    feed = feed_of(store)
    feed.tell("p1")
    page.wait_past()
    assert page.messages == [{"kind": "findings", "findings": []}]
    store.append(sample(0))
    store.note(StatsEvent(time_s=1001.0, peer="python", name="connectionstatechange", value="failed"))
    (finding,) = page.messages[-1]["findings"]
    assert finding["code"] == "connection-failed"
    assert finding["participant"] == "python"
    assert {"level", "text", "advice", "startedAtS"} <= finding.keys()


def test_after_the_call_nothing_is_wrong_and_the_page_hears_why(page: Page, feed_of: FeedOf) -> None:
    store = StatsStore()
    store.note(StatsEvent(time_s=999.0, peer="", name="phase", value="connected"))
    feed = feed_of(store)
    store.append(sample(0))
    store.note(StatsEvent(time_s=1001.0, peer="python", name="connectionstatechange", value="failed"))
    feed.tell("p1")
    page.wait_past()
    assert {"kind": "phase", "phase": "connected"} in page.messages
    assert page.messages[-1]["findings"]
    store.note(StatsEvent(time_s=1002.0, peer="", name="phase", value="idle"))
    assert page.messages[-2:] == [{"kind": "phase", "phase": "idle"}, {"kind": "findings", "findings": []}]
    store.note(StatsEvent(time_s=1003.0, peer="", name="camera", value="off"))
    assert page.messages[-1] == {"kind": "findings", "findings": []}


def test_a_dump_is_told_whole_with_all_that_was_wrong(page: Page, feed_of: FeedOf) -> None:
    failed = StatsEvent(time_s=1001.0, peer="1-1", name="connectionstatechange", value="failed")
    dump = LoadedStats([sample(number, "1-1") for number in range(5)], [failed], {"format": "rtcstats"})
    feed_of(dump).tell("p1")
    page.wait_past()
    assert len(page.points("1-1")) == 5
    assert [each["code"] for each in page.messages[-1]["findings"]] == ["connection-failed"]


def test_a_closed_feed_is_silent_and_lets_go_of_its_source(page: Page) -> None:
    store = StatsStore()
    feed = Feed(store, page.take)
    feed.tell("p1")
    page.wait_past()
    count = len(page.messages)
    feed.close()
    feed.close()
    store.append(sample(0))
    feed.tell("p2")
    assert len(page.messages) == count
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None


def test_closing_ends_a_past_that_is_being_told() -> None:
    """The page's channel is slow: closing does not wait for a thousand messages."""
    store = StatsStore()
    for number in range(20):
        store.append(sample(number, f"p-{number}"))
    sent: list[object] = []
    began, closing = threading.Event(), threading.Event()

    def send(message: object) -> None:
        sent.append(message)
        began.set()
        assert closing.wait(20)

    feed = Feed(store, send)
    feed.tell("p1")
    assert began.wait(20)
    closer = threading.Thread(target=feed.close)
    closer.start()
    deadline_s = time.monotonic() + 20
    while feed.is_open and time.monotonic() < deadline_s:
        time.sleep(0.001)
    closing.set()
    closer.join(20)
    assert not closer.is_alive()
    assert len(sent) == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "nbrtc-stats-view"]


# --- the widget


@pytest.fixture
def view() -> Iterator[StatsView]:
    made = StatsView(CallStats(StatsStore()), metrics=["fps", "rtt_s"])
    yield made
    made.close()


def test_metrics_are_columns_of_the_frame(view: StatsView) -> None:
    assert view.metrics == ["fps", "rtt_s"]
    view.metrics = ["jitter_s"]
    with pytest.raises(ValueError, match=r"\['fpss'\]: a StatsView draws bitrate_bps, fps, .*audio_level\."):
        view.metrics = ["fpss"]
    with pytest.raises(ValueError, match="No metrics were given"):
        StatsView(CallStats(StatsStore()), metrics=[])
    assert view.metrics == ["jitter_s"]


def test_the_page_knows_the_same_metrics() -> None:
    assert tuple(re.findall(r'key: "(\w+)"', METRICS_TS.read_text())) == VIEW_METRICS


def test_one_name_may_stand_for_a_list() -> None:
    view = StatsView(CallStats(StatsStore()), "fps", participants="python")
    assert (view.metrics, view.participants) == (["fps"], ["python"])
    view.close()


def test_only_what_has_statistics_can_be_viewed() -> None:
    with pytest.raises(TypeError, match=r"a Call, its stats, or what load_dump\(\) gave, not int"):
        StatsView(3)  # type: ignore[arg-type]


def test_a_call_is_viewed_by_its_stats() -> None:
    class Fake:
        stats = CallStats(StatsStore())

    view = StatsView(Fake())
    assert repr(view) == "<nbrtc.StatsView live: bitrate_bps, fps, rtt_s, loss_fraction>"
    view.close()
    assert "closed" in repr(view)


def test_a_dump_is_not_live() -> None:
    view = StatsView(CallStats(LoadedStats([sample(0)], [], {})))
    assert view.get_state()["_is_live"] is False
    view.close()


def test_without_a_kernel_there_is_a_sentence(view: StatsView) -> None:
    data = view._repr_mimebundle_()[0]
    assert data["text/plain"] == repr(view)
    assert "Run this cell in a notebook with a kernel" in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_closed_view_leaves_nothing_behind() -> None:
    store = StatsStore()
    view = StatsView(CallStats(store))
    view.close()
    view.close()
    store.append(sample(0))
    gone, widget = weakref.ref(store), weakref.ref(view)
    del store, view
    gc.collect()
    assert gone() is None
    assert widget() is None


def test_the_page_may_ask_and_say_nonsense(view: StatsView) -> None:
    sent: list[object] = []
    view.send = lambda content, buffers=None: sent.append(content)
    for content in (
        "hello",
        {"kind": "hello"},
        {"kind": "hello", "page": "x" * 65},
        {"kind": "x", "page": "p"},
    ):
        view._handle_custom_msg(content, [])
    assert sent == []
