"""What a Bot answers to the offers of real browsers (see tests/data/sdp)."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nbrtc.engine.broadcast import Broadcast
from nbrtc.engine.peer import PythonPeer
from nbrtc.errors import NegotiationError

OFFERS = Path(__file__).parents[1] / "data/sdp"

ANSWERS = {
    "mesh": [("audio", "opus", "sendrecv"), ("video", "VP8", "sendrecv")],
    "tutorial": [("audio", "opus", "sendrecv"), ("video", "VP8", "sendrecv")],
    "receives-only": [("audio", "opus", "sendonly"), ("video", "VP8", "sendonly")],
    "inactive-video": [("audio", "opus", "sendrecv"), ("video", "VP8", "inactive")],
    "audio-and-data": [("audio", "opus", "sendrecv"), ("application", "", "")],
    "two-videos": [
        ("video", "VP8", "sendrecv"),
        ("audio", "opus", "sendrecv"),
        ("video", "", "inactive"),
        ("application", "", ""),
    ],
    "h264-only": [("audio", "opus", "sendrecv"), ("video", "H264", "sendrecv")],
}
"""Kind, first codec and direction of each section."""


def offer(name: str) -> str:
    return (OFFERS / f"chromium-{name}.sdp").read_text().replace("\n", "\r\n")


def sections(sdp: str) -> list[tuple[str, str, str]]:
    found = []
    for section in re.split(r"^m=", sdp, flags=re.MULTILINE)[1:]:
        codec = re.search(r"^a=rtpmap:\d+ ([\w-]+)/", section, re.MULTILINE)
        direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", section, re.MULTILINE)
        found.append((section.split()[0], codec[1] if codec else "", direction[1] if direction else ""))
    return found


@pytest.fixture
async def broadcast() -> AsyncIterator[Broadcast]:
    broadcast = Broadcast(30)
    yield broadcast
    await broadcast.close()


@pytest.fixture
async def peer(broadcast: Broadcast) -> AsyncIterator[PythonPeer]:
    peer = PythonPeer("ada", 1, broadcast=broadcast, voice=None, on_state=lambda peer, state: None)
    yield peer
    await peer.close()


@pytest.mark.parametrize("name", ANSWERS)
async def test_every_section_is_answered(peer: PythonPeer, name: str) -> None:
    answer = sections(await peer.answer(offer(name)))
    expected = ANSWERS[name]
    assert [(kind, direction) for kind, _, direction in answer] == [
        (kind, direction) for kind, _, direction in expected
    ]
    for (kind, codec, _), (_, wanted, _) in zip(answer, expected, strict=True):
        assert not wanted or codec == wanted, f"{kind} would be {codec}"


async def test_the_files_are_all_tried() -> None:
    assert {path.stem.removeprefix("chromium-") for path in OFFERS.glob("*.sdp")} == {*ANSWERS, "vp9-only"}


async def test_an_offer_without_a_codec_in_common_is_refused_in_words(peer: PythonPeer) -> None:
    with pytest.raises(NegotiationError, match=r"video has the codecs VP9.*needs VP8 or H\.264"):
        await peer.answer(offer("vp9-only"))


async def test_a_bot_without_a_picture_only_receives_video() -> None:
    peer = PythonPeer("ada", 1, broadcast=None, voice=None, on_state=lambda peer, state: None)
    try:
        answer = sections(await peer.answer(offer("mesh")))
    finally:
        await peer.close()
    assert answer[1][2] == "recvonly"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda sdp: sdp + "a=x\r\n" * 20_000, "bytes"),
        (lambda sdp: sdp.replace("v=0", "v=1", 1), "v=0"),
        (lambda sdp: sdp.replace("a=fingerprint:", "a=finger:"), "fingerprint"),
        (lambda sdp: sdp + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 8, "media sections"),
        (lambda sdp: sdp.replace("a=mid:1", "a=mid:0"), "could not be taken"),
        (lambda sdp: sdp.replace("a=setup:actpass", "a=setup:nobody"), "could not be taken"),
        (lambda sdp: sdp.replace("opus", "sopus"), "needs Opus"),
    ],
)
async def test_a_hostile_offer_is_refused_in_words(peer: PythonPeer, damage: object, said: str) -> None:
    assert callable(damage)
    with pytest.raises(NegotiationError, match=said):
        await peer.answer(damage(offer("mesh")))
