"""A call as data: what both ends of a link measure, against the ledger of the network between them."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from itertools import pairwise
from math import isnan
from typing import Any

import pytest

from nbrtc.engine.link import Link
from nbrtc.engine.seams import SenderSeam
from nbrtc.lab.impairment import Direction, Ledger
from nbrtc.messages import (
    PROTOCOL,
    ChangeStatsInterval,
    EventArrived,
    Findings,
    Hello,
    Leave,
    StatsArrived,
    StatsEvent,
    StatsSample,
    Welcome,
)
from nbrtc.stats import StatsRow, StatsStore, derive
from tests.loopback.conftest import Call
from tests.loopback.page import Page
from tests.loopback.pictures import HEIGHT, WIDTH

ON_ITS_WAY = 12
"""Datagrams that one side has counted and the other has not yet, when both are asked at once."""
DATAGRAM_BYTES = 1500


class Measured:
    """What a kernel would know of the call; with `page`, what that measures too."""

    def __init__(self, call: Call, page: Page | None = None) -> None:
        self._call = call
        self._page = page
        self._start = len(call.notifications)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait; the page measures ten times a second meanwhile, as its poller does."""
        loop = asyncio.get_running_loop()
        limit_s = loop.time() + 60
        while not condition():
            assert loop.time() < limit_s, f"Waited in vain for {what}; {self._call.state}"
            if self._page is not None:
                self._page.send(await self._page.measure())
            await asyncio.sleep(0.1)

    def samples(self, peer: str) -> list[StatsSample]:
        arrived = [item for item in self._call.notifications[self._start :] if isinstance(item, StatsArrived)]
        return [item.sample for item in arrived if item.sample.peer == peer]

    @property
    def events(self) -> list[StatsEvent]:
        return [item.event for item in self._call.notifications if isinstance(item, EventArrived)]

    def rows(self, peer: str, direction: str, kind: str) -> list[StatsRow]:
        rows = derive(self.samples(peer))
        return [row for row in rows if (row.direction, row.kind) == (direction, kind)]

    def newest(self, peer: str, type_: str, kind: str | None = None) -> dict[str, Any]:
        """The newest object of a type, or nothing."""
        for sample in reversed(self.samples(peer)):
            for report in sample.reports:
                if report["type"] == type_ and report.get("kind") == kind:
                    return dict(report)
        return {}


def ledger(call: Call) -> Ledger:
    shim = call.session._ownership.shim
    assert shim is not None
    return shim.ledger


def arrived(call: Call, direction: Direction) -> tuple[int, int]:
    """Datagrams and bytes that have come out of the shim by now."""
    now_s = asyncio.get_running_loop().time()
    sizes = [
        row["size_bytes"]
        for row in ledger(call).to_rows()
        if row["direction"] == direction and row["delivered_s"] is not None and row["delivered_s"] <= now_s
    ]
    return len(sizes), sum(sizes)


def now_at(call: Call, type_: str, kind: str | None = None) -> dict[str, Any]:
    """The object of a type as Python's end has it now."""
    reports = call.link.reports()
    return next(dict(one) for one in reports if one["type"] == type_ and one.get("kind") == kind)


async def test_what_both_ends_lose_is_what_the_network_lost(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    page = await call.connected(width=320, height=240, noisy=True)
    measured = Measured(call, page)
    await call.impair(seed=11, loss_fraction=0.05)
    before = now_at(call, "transport")
    totals = ledger(call).totals
    await measured.until(lambda: totals["up"]["packets"] > 1500, "traffic")

    def apart() -> dict[str, float]:
        """How many datagrams each count is from the ledger's, or from what the page has sent."""
        now, (packets, size_bytes) = now_at(call, "transport"), arrived(call, "up")
        counted = {key: now[key] - before[key] for key in before if isinstance(before[key], int)}
        found = {
            "packetsReceived": counted["packetsReceived"] - packets,
            "bytesReceived": (counted["bytesReceived"] - size_bytes) / DATAGRAM_BYTES,
            "packetsSent": counted["packetsSent"] - totals["down"]["packets"],
            "bytesSent": (counted["bytesSent"] - totals["down"]["bytes"]) / DATAGRAM_BYTES,
        }
        for kind, transceiver in (("video", page.video), ("audio", page.audio)):
            inbound = now_at(call, "inbound-rtp", kind)
            once = inbound["packetsReceived"] - inbound.get("retransmittedPacketsReceived", 0)
            # each RTP packet that was sent has come or is lost
            found[kind] = SenderSeam(transceiver.sender).sent[0] - once - inbound["packetsLost"]
        return found

    # on a busy machine datagrams wait to be read: then it shows a moment later
    await measured.until(
        lambda: all(abs(difference) <= ON_ITS_WAY for difference in apart().values()), "equal counts"
    )
    lost = sum(now_at(call, "inbound-rtp", kind)["packetsLost"] for kind in ("video", "audio"))
    assert 0 < lost <= totals["up"]["lost"]

    # and so do the derived frames say, of both ends: the page hears of its losses from reports on its packets
    for peer, direction, lane in (("you", "receive", "up"), ("python", "receive", "down")):
        rows = [row for kind in ("video", "audio") for row in measured.rows(peer, direction, kind)]
        known = [row for row in rows if not isnan(row.packets)]
        sent = sum(row.packets + row.packets_lost for row in known)
        lost_fraction = sum(row.packets_lost for row in known) / sent
        # repaired packets dilute it a little; three standard deviations of 1,000 packets are 0.02
        assert lost_fraction == pytest.approx(ledger(call).summary()[lane]["loss_fraction"], abs=0.02)


async def test_the_round_trip_is_the_networks_at_both_ends(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    await call.impair(delay_ms=50)
    page = await call.connected()
    measured = Measured(call, page)
    for peer in ("you", "python"):

        def rtts_s(peer: str = peer) -> list[float]:
            return [row.rtt_s for row in measured.rows(peer, "send", "audio") if not isnan(row.rtt_s)]

        await measured.until(lambda: any(rtt_s < 0.13 for rtt_s in rtts_s()), f"100 ms at {peer}'s end")
        assert min(rtts_s()) > 0.099, "faster than the network"

    def newest() -> dict[str, Any]:
        return measured.newest("you", "remote-inbound-rtp", "audio")

    await measured.until(lambda: newest()["roundTripTimeMeasurements"] >= 2, "two measurements")
    assert newest()["totalRoundTripTime"] >= 0.099 * newest()["roundTripTimeMeasurements"]
    mean_ms = ledger(call).summary()["up"]["mean_delay_ms"]
    assert mean_ms == pytest.approx(50, abs=1)


async def test_a_narrow_path_shows_as_the_rate_that_arrives(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    page = await call.connected(noisy=True, width=320, height=240)
    measured = Measured(call, page)
    await call.impair(rate_bps=300_000)
    before = now_at(call, "transport")
    totals = ledger(call).totals
    await measured.until(
        lambda: totals["up"]["overflow"] > 20 and len(measured.samples("you")) >= 10,
        "a queue that overflows, for a second",
    )
    came = now_at(call, "transport")["bytesReceived"] - before["bytesReceived"]
    assert came <= arrived(call, "up")[1] + ON_ITS_WAY * DATAGRAM_BYTES, "more than the network let through"
    rows = measured.rows("you", "receive", "video")
    first, *_, last = measured.samples("you")
    known = [row.bitrate_bps for row in rows if not isnan(row.bitrate_bps)]
    mean_bps = sum(known) / len(known)
    # what came before the impairment stands in the first poll; a full queue may come out on top of the rate
    assert 0 < mean_bps < 300_000 * (1 + 0.4 / (last.time_s - first.time_s))


async def test_both_directions_have_frames_sizes_and_codecs(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    page = await call.connected()
    measured = Measured(call, page)
    await measured.until(
        lambda: (
            measured.newest("you", "outbound-rtp", "video").get("framesSent", 0) > 30
            and measured.newest("you", "remote-outbound-rtp", "video")
            and measured.newest("you", "remote-inbound-rtp", "video")
        ),
        "a second of pictures and a report on them",
    )
    inbound = measured.newest("you", "inbound-rtp", "video")
    outbound = measured.newest("you", "outbound-rtp", "video")
    assert (inbound["frameWidth"], inbound["frameHeight"]) == (WIDTH, HEIGHT)
    assert (outbound["frameWidth"], outbound["frameHeight"]) == (WIDTH, HEIGHT)
    assert outbound["framesSent"] <= inbound["framesReceived"], "what goes back has come first"
    assert "framesEncoded" not in outbound, "Python encodes nothing without an effect"
    assert outbound["targetBitrate"] > 0
    assert {row.codec for row in measured.rows("you", "receive", "video")} == {"VP8"}
    assert {row.codec for row in measured.rows("you", "send", "audio")} == {"opus"}
    word = measured.newest("you", "remote-outbound-rtp", "video")
    # both ends are on one clock here
    assert word["timestamp"] - word["remoteTimestamp"] == pytest.approx(0, abs=2500)
    assert word["packetsSent"] >= inbound["packetsReceived"] - 100


async def test_events_tell_the_story_of_a_call_in_order(call: Call) -> None:
    page = await call.connected()
    measured = Measured(call)
    page.send(StatsEvent(time_s=1.7e9, peer="python", name="connectionstatechange", value="connected"))
    await call.until(lambda: measured.events[-1].name == "connectionstatechange", "the page's event")
    page.send(Leave(reason="That was all."))
    await call.reaches("idle")

    told = [(event.peer, event.name, event.value) for event in measured.events]
    wanted = [
        ("", "phase", "idle"),
        ("python", "join", "Python"),
        ("", "phase", "connecting"),
        ("", "page", page.id[:8]),
        ("", "microphone", "on"),
        ("", "camera", f"on {WIDTH}x{HEIGHT}@30"),
        ("", "phase", "connected"),
        ("python", "connectionstatechange", "connected"),
        ("", "phase", "idle"),
        ("", "page", "none"),
        ("", "camera", "off"),
    ]
    rest = iter(told)
    missing = [one for one in wanted if one not in rest]  # each is looked for behind the one before
    assert not missing, told
    own = [event.time_s for event in measured.events if event.name != "connectionstatechange"]
    assert own == sorted(own)


async def test_only_the_page_that_has_the_call_is_heard(call: Call) -> None:
    await call.connected()
    other = call.page()
    measured = Measured(call)
    before = len(measured.events)
    other.say(StatsEvent(time_s=1.7e9, peer="python", name="connectionstatechange", value="failed"))
    other.say(StatsSample(time_s=1.7e9, peer="python", generation=1, reports=()))
    last = StatsEvent(time_s=1.7e9, peer="python", name="signalingstatechange", value="stable")
    next(iter(call.pages.values())).say(last)
    await call.until(lambda: len(measured.events) > before, "the owner's event")
    assert measured.events[before:] == [last]
    assert measured.samples("python") == []


async def test_a_new_interval_is_followed_and_known_to_all(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=5.0))
    await call.connected()
    measured = Measured(call)
    assert call.state.stats_interval_s == 5.0
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    await measured.until(lambda: len(measured.samples("you")) >= 15, "samples ten times a second")
    assert call.state.stats_interval_s == 0.1
    assert measured.events[-1].name == "stats-interval"
    times = [sample.time_s for sample in measured.samples("you")]
    assert all(after > before for before, after in pairwise(times))


async def test_a_new_link_begins_a_new_epoch(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    page = await call.connected()
    measured = Measured(call, page)
    await measured.until(lambda: len(measured.rows("you", "receive", "video")) > 5, "the first link")
    await page.connect()
    await call.reaches("connected")
    await measured.until(
        lambda: sum(row.generation == 2 for row in measured.rows("you", "receive", "video")) > 5,
        "the second link",
    )
    rows = measured.rows("you", "receive", "video")
    firsts = [row for before, row in pairwise(rows) if row.generation != before.generation]
    assert [row.generation for row in firsts] == [2]
    assert all(isnan(row.packets) for row in firsts), "a difference across two connections"
    assert all(row.packets >= 0 for before, row in pairwise(rows) if row.generation == before.generation)


async def test_pythons_end_goes_on_measuring_a_page_that_has_fallen_silent(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    page = await call.connected()
    measured = Measured(call)
    await measured.until(lambda: measured.newest("you", "inbound-rtp", "video"), "the camera")
    await call.impair(loss_fraction=1.0)
    await call.reaches("reconnecting")
    silent = len(measured.samples("you"))
    await measured.until(lambda: len(measured.samples("you")) > silent + 10, "samples of the silence")
    rows = measured.rows("you", "receive", "video")[-8:]
    assert {row.packets for row in rows} == {0}
    await call.impair()
    await page.close()


async def test_a_store_of_the_kernel_reads_it(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    page = await call.connected()
    measured = Measured(call, page)
    await measured.until(lambda: len(measured.samples("you")) > 10, "a second")
    store = StatsStore()
    for item in call.notifications:
        if isinstance(item, StatsArrived):
            store.append(item.sample)
        elif isinstance(item, EventArrived):
            store.note(item.event)
    assert set(store.participants()) == {"you", "python"}
    assert [event.name for event in store.events()] == [event.name for event in measured.events]
    assert len(store.samples("you")) + len(store.samples("python")) == len(store.samples())
    assert store.samples("you")[-1] == measured.samples("you")[-1]


async def test_a_page_hears_what_is_wrong_and_that_it_is_over(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    page = await call.connected(width=320, height=240)
    measured = Measured(call, page)

    def told(source: type[Findings] | type[Welcome]) -> list[list[str]]:
        """The codes of each time."""
        said = [event.findings for event in page.events if isinstance(event, source)]
        return [[finding.code for finding in findings] for findings in said]

    assert told(Findings) == []
    await call.impair(seed=2, loss_fraction=0.15)
    await measured.until(lambda: any("network-loss" in codes for codes in told(Findings)), "the finding")
    finding = next(
        one
        for event in page.events
        if isinstance(event, Findings)
        for one in event.findings
        if one.code == "network-loss"
    )
    assert "Python" in finding.text, "people hear names"
    page.say(Hello(protocol=PROTOCOL))
    await call.until(lambda: told(Welcome), "the welcome")
    assert "network-loss" in told(Welcome)[0], "a page that comes later knows it, too"

    page.send(Leave(reason="That was all."))
    await call.until(lambda: told(Findings)[-1] == [], "that nothing is wrong without a call")


async def test_links_that_went_are_freed_with_their_statistics(call: Call) -> None:
    await call.session.from_kernel(ChangeStatsInterval(interval_s=0.1))
    page = await call.connected()
    measured = Measured(call)
    gone: list[weakref.ref[Link]] = []
    for generation in (2, 3):
        gone.append(weakref.ref(call.link))
        await page.connect()
        await call.reaches("connected")

        def is_measured(generation: int = generation) -> bool:
            return any(sample.generation == generation for sample in measured.samples("you"))

        await measured.until(is_measured, "the next link's samples")

    def freed() -> bool:
        gc.collect()
        return all(link() is None for link in gone)

    await call.until(freed, "the earlier links to be freed")
