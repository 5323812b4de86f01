"""ICE servers as people write them."""

from typing import Any

import pytest

from nbrtc.ice.servers import to_sources
from nbrtc.messages import IceServerSource

TURN = {
    "urls": ["turn:a.example", "turns:a.example?transport=tcp"],
    "username": "ada",
    "credential": "s3cret",
}


def test_urls_dictionaries_and_entries_are_taken() -> None:
    entry = IceServerSource(urls=("stun:b.example",))

    assert to_sources(["stun:a.example:3478", TURN, entry]) == (
        IceServerSource(urls=("stun:a.example:3478",)),
        IceServerSource(urls=tuple(TURN["urls"]), username="ada", credential="s3cret"),
        entry,
    )
    assert to_sources([]) == ()
    assert to_sources(url for url in ["stuns:a.example"])[0].urls == ("stuns:a.example",)


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("https://a.example", "must begin with one of stun:, stuns:, turn:, turns:"),
        ("turn:a.example", "needs username and credential"),
        ({**TURN, "credential": ""}, "needs username and credential"),
        ({**TURN, "password": "s3cret"}, "this one has urls, username, credential, password"),
        ({"username": "ada"}, "An ICE server has urls, username, credential"),
    ],
)
def test_what_no_browser_would_take_is_refused(server: Any, said: str) -> None:
    with pytest.raises(ValueError, match=r"ICE|TURN") as error:
        to_sources([server])
    assert said in str(error.value)


@pytest.mark.parametrize(
    "servers",
    [
        "stun:a.example",
        TURN,
        IceServerSource(urls=("stun:a.example",)),
        5,
        None,
        [5],
        [None],
        [{"urls": 5}],
        [{"urls": []}],
        [{"urls": [5]}],
        [{**TURN, "credential": 5}],
    ],
)
def test_what_is_no_list_of_servers_is_refused(servers: Any) -> None:
    with pytest.raises(TypeError, match=r"ice_servers is a list|An ICE server"):
        to_sources(servers)


@pytest.mark.parametrize(
    "servers", [TURN, [{**TURN, "password": 1}], [{**TURN, "username": 1}], [{**TURN, "urls": "http:"}]]
)
def test_no_error_shows_a_credential(servers: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        to_sources(servers)
    assert "s3cret" not in str(error.value)
