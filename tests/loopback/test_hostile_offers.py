"""Offers and candidates that are wrong only for aiortc, and what they leave of a session: all of it."""

import asyncio
import re
from collections.abc import Callable

import aioice.ice
import msgspec
import pytest

from nbrtc.engine.seams import use_loopback_where_alone
from nbrtc.messages import Candidate, IceOptions, IceServerSource
from tests.loopback.conftest import Call


def without(sdp: str, pattern: str) -> str:
    return "".join(line for line in sdp.splitlines(keepends=True) if not re.match(pattern, line))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sdp: without(sdp, "a=rtpmap:.*VP8").replace("H264", "H263"),
        lambda sdp: sdp.replace("VP8", "VP9"),
        lambda sdp: sdp.replace("opus", "aces"),
        lambda sdp: without(sdp, "a=ice-ufrag"),
        lambda sdp: re.sub("a=candidate:.*", "a=candidate:1 1 udp", sdp),
        lambda sdp: sdp.replace("a=setup:actpass", "a=setup:sideways"),
        lambda sdp: sdp.replace("a=mid:0", "a=mid:" + "9" * 20_000),
        lambda sdp: sdp[: len(sdp) // 2] + "\r\nm=application\r\n",
        lambda sdp: sdp.replace("a=sctp-port:5000", "a=sctp-port:x"),
    ],
    ids=["no-vp8", "vp9", "no-opus", "no-ufrag", "candidate", "setup", "mid", "cut", "sctp-port"],
)
async def test_a_spoilt_offer_gets_an_error_and_the_next_one_a_call(call: Call, spoil: object) -> None:
    page = call.page()
    offer = await page.make_offer()
    assert callable(spoil)
    reply = await page.request(msgspec.structs.replace(offer, sdp=spoil(offer.sdp)))
    assert reply.error_code == "negotiation", reply
    assert call.state.phase == "failed"
    assert call.state.reason == reply.error_message
    assert call.state.owner is None

    await page.connect()
    await call.reaches("connected")
    assert call.state.reason == ""


async def test_a_fingerprint_that_is_not_the_senders_never_connects(call: Call) -> None:
    page = call.page()
    offer = await page.make_offer()
    digits = ":".join(["00"] * 32)
    forged = re.sub("a=fingerprint:sha-256 [^\r]*", f"a=fingerprint:sha-256 {digits}", offer.sdp)
    assert forged != offer.sdp
    reply = await page.request(msgspec.structs.replace(offer, sdp=forged))
    assert reply.error_code is None
    await call.reaches("idle")
    assert "connected" not in call.phases
    await page.connect()
    await call.reaches("connected")


async def test_a_vast_message_size_is_no_harm(call: Call) -> None:
    page = call.page()
    offer = await page.make_offer()
    vast = re.sub("max-message-size:.*", "max-message-size:" + "9" * 20, offer.sdp)
    reply = await page.request(msgspec.structs.replace(offer, sdp=vast))
    assert reply.error_code is None
    await call.reaches("connected")


@pytest.mark.parametrize(
    "text",
    [
        "candidate:",
        "candidate:1 1 udp",
        "candidate:1 one udp 1 192.0.2.1 9 typ host",
        "candidate:1 1 udp 1 192.0.2.1 99999999 typ",
        "candidate:1 1 udp 1 not-an-address 9 typ host",
        "candidate:1 1 udp 1 192.0.2.1 9 typ nonsense",
    ],
)
async def test_a_malformed_candidate_is_refused_and_the_call_goes_on(call: Call, text: str) -> None:
    page = await call.connected()
    page.say(Candidate(generation=page.generation, candidate=text, sdp_mid="0", sdp_m_line_index=0))
    seen = len(page.received)
    await call.until(lambda: len(page.received) > seen + 10, "the picture")
    assert call.state.phase == "connected"
    assert all("candidate" in problem for problem in call.problems)


async def test_a_candidate_without_a_section_is_refused(call: Call) -> None:
    page = await call.connected()
    page.say(Candidate(generation=page.generation, candidate="candidate:1 1 udp 1 192.0.2.1 9 typ host"))
    await call.until(lambda: call.problems, "a problem")
    assert "malformed" in call.problems[0]


@pytest.mark.parametrize(("host", "count"), [("192.0.2.1", 60), ("x{}.local", 12)])
async def test_a_flood_of_candidates_is_refused_once(call: Call, host: str, count: int) -> None:
    page = await call.connected()
    for number in range(count):
        text = f"candidate:{number} 1 udp 1 {host.format(number)} {9000 + number} typ host"
        page.say(Candidate(generation=page.generation, candidate=text, sdp_mid="0", sdp_m_line_index=0))
    await call.until(lambda: call.problems, "a problem")
    seen = len(page.received)
    await call.until(lambda: len(page.received) > seen + 10, "the picture")
    assert len(call.problems) == 1
    assert "More than" in call.problems[0]
    await asyncio.gather(page.request(await page.make_offer()))
    await call.reaches("connected")


@pytest.mark.parametrize(
    ("says_so", "is_offline", "sentence"),
    [(True, False, "no network address to call from"), (False, True, "besides 127.0.0.1")],
)
async def test_a_browser_without_any_address_is_told_so(
    call: Call, monkeypatch: pytest.MonkeyPatch, says_so: bool, is_offline: bool, sentence: str
) -> None:
    monkeypatch.setattr("nbrtc.engine.ownership.NO_CANDIDATE_S", 60 if says_so else 0.3)
    page = call.page()
    offer = await page.make_offer()
    bare = without(offer.sdp, "a=candidate|a=end-of-candidates")
    # of another generation: the page of this test does not take the answer, which would show it a way
    offer = msgspec.structs.replace(offer, sdp=bare, generation=offer.generation + 1)
    if is_offline:
        monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
        use_loopback_where_alone()
    page.say(offer)
    if says_so:
        page.say(Candidate(generation=offer.generation, candidate=""))
    await call.reaches("failed")
    assert sentence in call.state.reason
    await call.until(page.byes, "a goodbye")
    assert [(bye.code, bye.recover) for bye in page.byes()] == [("lost", False)]
    assert call.state.owner is None


async def test_a_browser_without_a_relay_is_told_which_server_gave_none(
    new_call: Callable[..., Call],
) -> None:
    server = IceServerSource(("stun:127.0.0.1:9", "turn:127.0.0.1:9?transport=udp"), "ada", "secret")
    call = new_call(ice_servers=(server,), ice_options=IceOptions(privacy=True))
    page = call.page()
    offer = await page.make_offer()
    page.say(msgspec.structs.replace(offer, sdp=without(offer.sdp, "a=candidate|a=end-of-candidates")))
    page.say(Candidate(generation=offer.generation, candidate=""))
    await call.reaches("failed")
    assert "the browser got none from turn:127.0.0.1:9?transport=udp: check" in call.state.reason
