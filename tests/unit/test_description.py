"""Hostile and broken descriptions are refused at the door, each with its value; good ones are tuned."""

import re

import pytest

from nbrtc.engine.description import check_offer, with_bitrates
from nbrtc.errors import NegotiationError

FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AA"] * 32)
SECTIONS = (
    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
)


def describe(*lines: str) -> str:
    return "\r\n".join(("v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0", *lines)) + "\r\n"


def candidate(number: int, host: str) -> str:
    return f"a=candidate:{number} 1 udp 2122260223 {host} {50_000 + number} typ host"


def test_an_offer_of_the_page_passes() -> None:
    local = [candidate(number, f"{number}.local") for number in range(5)]
    check_offer(describe(FINGERPRINT, *SECTIONS, *local, candidate(9, "192.0.2.1")))


@pytest.mark.parametrize(
    ("sdp", "what"),
    [
        ("", "begins with '' instead of v=0"),
        ("garbage", "begins with 'garbage'"),
        (describe(), "0 media sections"),
        (describe(FINGERPRINT, *["m=audio 9 UDP/TLS/RTP/SAVPF 111"] * 900), "900 media sections"),
        (describe(FINGERPRINT, *["m=audio 9 UDP/TLS/RTP/SAVPF 111"] * 1500), "bytes; at most 32768"),
        (describe(FINGERPRINT, *SECTIONS[:2]), "audio, video; the link takes exactly one each"),
        (describe(FINGERPRINT, *SECTIONS, SECTIONS[1]), "exactly one each"),
        (describe(*SECTIONS), "no a=fingerprint"),
        (describe(FINGERPRINT, *SECTIONS, "a=x:" + "y" * 40_000), "at most 32768"),
        (describe(FINGERPRINT, *SECTIONS, *[candidate(n, "192.0.2.1") for n in range(51)]), "51 candidates"),
        (
            describe(FINGERPRINT, *SECTIONS, *[candidate(n, f"{n}.local") for n in range(6)]),
            "6 of them .local",
        ),
    ],
)
def test_a_hostile_offer_is_refused_and_said_why(sdp: str, what: str) -> None:
    with pytest.raises(NegotiationError, match=re.escape(what)):
        check_offer(sdp)


def test_an_answer_starts_at_the_asked_bitrate_and_may_grow_with_a_later_quality() -> None:
    answer = describe(*SECTIONS, "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000")
    lines = with_bitrates(answer, 2_500_000).split("\r\n")
    at = lines.index("a=rtpmap:96 VP8/90000")
    assert lines[at + 1] == "a=fmtp:96 x-google-start-bitrate=2500;x-google-max-bitrate=20000"
    assert [line for line in lines if line != lines[at + 1]] == answer.split("\r\n")


def test_an_answer_without_vp8_stays_as_it_is() -> None:
    answer = describe(*SECTIONS)
    assert with_bitrates(answer, 1_000_000) == answer
