"""URLs of STUN and TURN servers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.ice.urls import ServerUrl, canonical, parse, try_parse


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("stun:a.example", ServerUrl("stun", "a.example", 3478, "udp")),
        ("STUN:A.example.:19302", ServerUrl("stun", "a.example", 19302, "udp")),
        ("stuns:a.example", ServerUrl("stun", "a.example", 5349, "tls")),
        ("turn:192.0.2.1", ServerUrl("turn", "192.0.2.1", 3478, "udp")),
        ("turn:a?transport=udp", ServerUrl("turn", "a", 3478, "udp")),
        ("turn:a:80?transport=tcp", ServerUrl("turn", "a", 80, "tcp")),
        ("turn:a?transport=UDP", ServerUrl("turn", "a", 3478, "udp")),
        ("turns:a", ServerUrl("turn", "a", 5349, "tls")),
        ("turns:a:443?transport=tcp", ServerUrl("turn", "a", 443, "tls")),
        ("turn:[2001:DB8:0::1]:3479", ServerUrl("turn", "2001:db8::1", 3479, "udp")),
    ],
)
def test_they_are_taken_apart(url: str, parts: ServerUrl) -> None:
    assert parse(url) == parts
    assert parse(canonical(url)) == parts
    assert canonical(canonical(url)) == canonical(url)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://a.example", "must begin with one of stun:"),
        ("", "must begin with one of stun:"),
        ("turn://a.example", "has slashes"),
        ("turn:ada:s3cret@a.example", "names a user"),
        ("turn:1795478400:ada:aB/s3cret+eF=@a.example", "turn:***@a.example' names a user"),
        ("turn:ada:x:s3cret@a.example", "names a user"),
        ("turn:ada:s3cret?x@a.example", "names a user"),
        ("s3cret:pw@a.example", "must begin with one of stun:"),
        ("turn:a.example?username=ada&credential=s3cret", "is not scheme:host"),
        ("turn:a.example?transport=udp&credential=s3cret", "is not scheme:host"),
        ("turn:", "is not scheme:host"),
        ("turn:a b", "is not scheme:host"),
        ("turn:a.example:port", "is not scheme:host"),
        ("turn:a.example?transport=sctp", "is not scheme:host"),
        ("turn:a.example?transport=udp&x=1", "is not scheme:host"),
        ("turn:a.example\n", "is not scheme:host"),
        ("turn:ä.example", "is not scheme:host"),
        ("turn:a.example:0", "has port 0"),
        ("turn:a.example:65536", "has port 65536"),
        ("stun:a.example?transport=tcp", "has a transport"),
        ("turns:a.example?transport=udp", "DTLS"),
        ("turn:[1:2]", "no valid IPv6 address"),
    ],
)
def test_what_is_none_is_refused_in_words(url: str, said: str) -> None:
    with pytest.raises(ValueError, match="The ICE server URL") as error:
        parse(url)
    assert said in str(error.value)
    assert "s3cret" not in str(error.value)
    assert try_parse(url) is None
    assert canonical(url) == ""


@given(st.text(max_size=60) | st.text("turnsd:@/[]?=.1", max_size=40).map("turn:{}".format))
def test_no_text_does_any_harm(url: str) -> None:
    parts = try_parse(url)
    assert parts is None or parse(canonical(url)) == parts
