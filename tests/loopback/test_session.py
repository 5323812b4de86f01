"""Who is in the call: offers, owners, goodbyes, over real peer connections in this process."""

import asyncio
import time
from pathlib import Path

import pytest

from nbrtc.messages import (
    PROTOCOL,
    Answer,
    CallState,
    Candidate,
    EngineStatus,
    Hello,
    Leave,
    LeaveCall,
    Offer,
    SetQuality,
    StateChanged,
    StatsArrived,
    StatsSample,
    Welcome,
)
from tests.loopback.conftest import SMALL, Call


async def test_a_view_that_says_hello_is_welcomed(call: Call) -> None:
    page = call.page()
    page.say(Hello(protocol=PROTOCOL))
    await call.until(lambda: page.events, "a welcome")
    welcome = page.events[0]
    assert isinstance(welcome, Welcome)
    assert welcome.protocol == PROTOCOL
    assert [quality.name for quality in welcome.qualities] == ["auto", "low", "medium", "high"]
    assert all(quality.bitrate_bps > 0 for quality in welcome.qualities)


async def test_a_call_counts_as_connected_once_the_page_has_said_what_it_sends(call: Call) -> None:
    page = call.page()
    reply = await page.connect(report=False)
    assert reply.error_code is None
    await call.until(lambda: call.link.is_open and page.received, "the picture")
    assert (call.state.phase, call.state.owner) == ("connecting", page.id)
    page.report()
    await call.reaches("connected")
    assert call.state.camera_on
    assert call.state.microphone_on
    assert call.state.participants[1].receives_video
    assert call.phases == ["idle", "connecting", "connected"]


async def test_a_report_that_overtakes_the_link_is_not_forgotten(call: Call) -> None:
    page = call.page()
    offer = await page.make_offer(report=False)
    page.say(offer)
    await call.until(lambda: call.state.owner == page.id, "the owner")
    page.report()  # by the comm, before the data channel opens
    await call.reaches("connected")


async def test_a_repeated_offer_is_answered_once(call: Call) -> None:
    page = call.page()
    offer = await page.make_offer()
    await page.request(offer)
    page.say(offer)
    await call.until(lambda: len(page.replies(offer.id)) == 2, "the same reply again")
    await call.reaches("connected")
    assert sum(isinstance(event, Answer) for event in page.events) == 1
    assert page.replies(offer.id)[0] == page.replies(offer.id)[1]


async def test_an_older_generation_is_refused_and_changes_nothing(call: Call) -> None:
    page = await call.connected()
    link = call.link
    reply = await page.request(Offer(id="late", generation=page.generation, sdp="v=0"))
    assert reply.error_code == "negotiation"
    assert "not newer" in (reply.error_message or "")
    assert call.link is link
    assert call.state.phase == "connected"


async def test_of_two_offers_at_once_the_newer_wins_and_both_get_a_reply(call: Call) -> None:
    page = call.page()
    first = await page.make_offer()
    second = await page.make_offer()
    page.say(first)
    replies = await asyncio.gather(page.request(first), page.request(second))
    assert [reply.error_code for reply in replies] == [None, None]
    await call.reaches("connected")
    assert call.link.generation == second.generation
    assert [event.generation for event in page.events if isinstance(event, Answer)] == [second.generation]


async def test_candidates_may_come_before_the_answer_or_for_a_link_that_is_gone(call: Call) -> None:
    page = call.page()
    offer = await page.make_offer()
    page.say(offer)
    for generation in (offer.generation, 99):
        page.say(Candidate(generation=generation, candidate="", sdp_mid="0", sdp_m_line_index=0))
    await call.reaches("connected")
    assert call.problems == []


async def test_a_second_page_must_ask_to_take_the_call_over(call: Call) -> None:
    first, second = await call.connected(), call.page()
    reply = await second.connect()
    assert reply.error_code == "call"
    assert "another window" in (reply.error_message or "")
    assert (call.state.owner, first.byes()) == (first.id, [])

    reply = await second.connect(take_over=True)
    assert reply.error_code is None
    await call.until(first.byes, "a goodbye")
    assert first.byes()[0].code == "taken-over"
    assert not first.byes()[0].recover
    await call.reaches("connected")
    assert call.state.owner == second.id
    await call.until(lambda: second.received, "the second page's picture")


async def test_what_the_first_page_says_afterwards_means_nothing(call: Call) -> None:
    first, second = await call.connected(), call.page()
    await second.connect(take_over=True)
    await call.until(
        lambda: call.state.owner == second.id and call.state.phase == "connected", "the take-over"
    )
    first.say(Leave(reason="late"))
    now_s = time.time()
    for page, time_s in ((first, now_s), (second, now_s + 1)):
        page.say(StatsSample(time_s=time_s, peer="python", generation=1, reports=()))

    def measured_s() -> list[float]:
        """By pages; the engine measures its own end, too."""
        arrived = [item.sample for item in call.notifications if isinstance(item, StatsArrived)]
        return [sample.time_s for sample in arrived if sample.peer == "python"]

    await call.until(measured_s, "a sample")
    assert call.state.phase == "connected"
    assert measured_s() == [now_s + 1]


async def test_a_bad_take_over_leaves_the_owner_alone(call: Call) -> None:
    first, second = await call.connected(), call.page()
    link = call.link
    for sdp in ("", "v=0\r\n", "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 1500):
        reply = await second.request(
            Offer(id=f"bad{len(sdp)}", generation=len(sdp) + 1, sdp=sdp, take_over=True)
        )
        assert reply.error_code == "negotiation"
    assert (call.link, call.state.owner, call.state.phase) == (link, first.id, "connected")
    assert first.byes() == []
    seen = len(first.received)
    await call.until(lambda: len(first.received) > seen + 5, "the first page's picture")


async def test_leaving_makes_the_call_idle_and_a_new_offer_brings_it_back(call: Call) -> None:
    page = await call.connected()
    page.send(Leave(reason="The person left."))
    await call.reaches("idle")
    assert (call.state.owner, call.state.reason, call.state.camera_on) == (None, "The person left.", False)
    assert call.session._ownership.link is None
    await page.connect()
    await call.reaches("connected")


async def test_leaving_and_coming_back_at_once_ends_connected(call: Call) -> None:
    page = await call.connected()
    offer = await page.make_offer()
    page.say(Leave(reason="clicked"))
    page.say(offer)
    await call.until(lambda: page.replies(offer.id), "a reply")
    await call.reaches("connected")
    assert call.link.generation == offer.generation


async def test_python_can_leave_and_the_page_hears_it(call: Call) -> None:
    page = await call.connected()
    await call.session.from_kernel(LeaveCall())
    assert call.state.phase == "idle"
    await call.until(page.byes, "a goodbye")
    assert (page.byes()[0].code, page.byes()[0].recover) == ("left", False)
    assert await call.session.from_kernel(EngineStatus()) == {}


async def test_a_page_that_closes_its_connection_is_not_asked_to_come_back(call: Call) -> None:
    page = await call.connected()
    await page.close()
    await call.reaches("idle")
    assert call.state.owner is None
    assert page.byes() == []


async def test_every_state_has_a_higher_revision(call: Call) -> None:
    page = await call.connected()
    page.send(Leave())
    await call.reaches("idle")
    revisions = [item.state.revision for item in call.notifications if isinstance(item, StateChanged)]
    assert revisions == sorted(set(revisions))
    mirrored = [event for event in page.events if isinstance(event, CallState)]
    assert mirrored


async def test_a_quality_reaches_the_page_and_both_directions(call: Call) -> None:
    page = await call.connected()
    before_bps = call.link.limit.target_bps
    reply = await page.request(SetQuality(id="q", quality=call.state.quality.__class__(1280, 720, 30)))
    assert reply.error_code is None
    link = call.link
    assert link.video.estimator is not None
    assert (
        link.limit.target_bps
        == link.video.estimator.target_bps
        == call.state.quality.bitrate_bps
        == 2_500_000
    )
    await page.request(SetQuality(id="back", quality=SMALL))
    assert link.limit.target_bps == link.video.estimator.target_bps == before_bps


async def test_closing_twice_is_closing_once(call: Call) -> None:
    page = await call.connected()
    await asyncio.gather(*(call.session.close("closed", "Python closed it.") for _ in range(2)))
    await call.session.close("closed", "And again.")
    await call.until(page.byes, "a goodbye")
    assert [bye.code for bye in page.byes()] == ["closed"]
    assert (call.state.phase, call.state.reason) == ("closed", "Python closed it.")
    reply = await page.connect()
    assert reply.error_code == "call"


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 20])
async def test_closing_while_an_offer_is_being_answered_leaves_nothing(tmp_path: Path, turns: int) -> None:
    call = Call(tmp_path)
    page = call.page()
    page.say(await page.make_offer())
    for _ in range(turns):
        await asyncio.sleep(0)
    await call.close()
    assert call.state.phase == "closed"


async def test_a_message_that_no_page_would_send_harms_nobody(call: Call) -> None:
    page = await call.connected()
    for text in (
        "",
        "{",
        "[]",
        '{"type":"unknown"}',
        '{"type":"pong","sentS":-1e308}',
        '{"type":"ping","sentS":1}',
    ):
        page.control.send(text)
    page.ignore_message_limit()
    page.control.send("x" * 300_000)
    page.control.send(b"\x00\xff")
    seen = len(page.received)
    await call.until(lambda: len(page.received) > seen + 5, "the picture")
    assert call.state.phase == "connected"
