"""`IceServer` and `IcePolicy`, as people write and read them."""

import hmac
import pickle
from base64 import b64encode
from typing import Any

import numpy as np
import pytest

import nbrtc
from nbrtc import IcePolicy, IceServer
from nbrtc.ice.policy import to_options
from nbrtc.ice.servers import entry_of, to_sources
from nbrtc.messages import IceDecision, IceOptions, IceServerSource

TURN = {"urls": "turn:a.example", "username": "ada", "credential": "s3cret"}


def test_a_server_shows_neither_credential_nor_secret() -> None:
    assert repr(IceServer("stun:a.example")) == "IceServer('stun:a.example')"
    assert repr(IceServer(["turn:a", "turns:a"], "ada", "s3cret")) == (
        "IceServer(['turn:a', 'turns:a'], username='ada', credential=...)"
    )
    assert repr(IceServer("turn:a", secret="s3cret")) == "IceServer('turn:a', secret=...)"


def test_a_server_is_what_the_engine_is_told() -> None:
    server = IceServer("turn:a", secret="s3cret", ttl_s=600)
    assert to_sources([server]) == (server.source,)
    assert IceServer.of(server.source) == server
    assert pickle.loads(pickle.dumps(server)) == server
    assert to_sources([{"urls": "turn:a", "secret": "s3cret", "ttl_s": 600}]) == (server.source,)


def test_a_secret_makes_credentials_that_expire() -> None:
    source = IceServer("turn:a", secret="north", ttl_s=600).source
    entry, expires_at_s = entry_of(source, "call", 1000.5)
    assert (entry.username, expires_at_s) == ("1600:call", 1600)
    assert entry.credential == b64encode(hmac.digest(b"north", b"1600:call", "sha1")).decode()
    named = IceServer("turn:a", "ada", secret="north").source
    assert entry_of(named, "call", 1000.0)[0].username == "4600:ada"
    assert entry_of(IceServer("turn:a", "1600:ada", "x").source, "call", 0.0)[1] == 1600


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"urls": "turn:a"}, "needs username and credential, or the secret"),
        ({"urls": "turn:a", "username": "ada"}, "needs username and credential"),
        ({**TURN, "secret": "s3cret"}, "has a credential and a secret"),
        ({"urls": "turn:a", "secret": "s3cret", "ttl_s": 5}, "ttl_s is 60 to 604800 s, not 5"),
        ({"urls": "turn:a", "secret": "s3cret", "username": "a" * 500}, "too long"),
        ({"urls": "turn://a", "secret": "s3cret"}, "has slashes"),
    ],
)
def test_what_is_no_server_is_refused(keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="server") as error:
        IceServer(**keywords)
    assert said in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    "keywords",
    [
        {"urls": []},
        {"urls": 5},
        {"urls": "turn:a", "secret": b"s3cret"},
        {"urls": "stun:a", "ttl_s": "s3cret"},
    ],
)
def test_what_has_another_type_is_refused(keywords: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="An ICE server") as error:
        IceServer(**keywords)
    assert "s3cret" not in str(error.value)


def test_stun_alone_needs_and_keeps_no_credentials() -> None:
    assert to_sources([{**TURN, "urls": "stun:a"}]) == (IceServerSource(("stun:a",)),)


def test_too_many_urls_are_refused() -> None:
    with pytest.raises(ValueError, match="21 URLs; 20 are the most"):
        to_sources([f"stun:a{number}" for number in range(21)])


def test_numpys_booleans_are_booleans() -> None:
    told: Any = {"privacy": np.True_, "low_latency": np.False_, "limit_bandwidth": np.False_}
    assert IcePolicy(**told) == IcePolicy(privacy=True, limit_bandwidth=False)
    assert IcePolicy(**told).options == IceOptions(privacy=True)


def test_a_policy_is_its_options() -> None:
    assert IcePolicy().options == IceOptions()
    asked = IcePolicy(
        privacy=True, low_latency=True, max_reliability=True, force_turn=True, limit_bandwidth=7e5
    )
    assert asked.options == IceOptions(True, True, True, 700_000, True)
    assert IcePolicy(limit_bandwidth=True).options.limit_bps == 500_000
    assert IcePolicy(limit_bandwidth=False).options.limit_bps is None
    assert IcePolicy.of(asked.options) == asked


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"privacy": 1}, TypeError),
        ({"low_latency": "no"}, TypeError),
        ({"limit_bandwidth": "500k"}, TypeError),
        ({"limit_bandwidth": 10}, ValueError),
        ({"limit_bandwidth": float("nan")}, ValueError),
        ({"private": True}, TypeError),
    ],
)
def test_a_policy_of_something_else_is_refused(keywords: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        IcePolicy(**keywords)


def test_relays_only_without_a_relay_is_refused_at_once() -> None:
    privacy = IcePolicy(privacy=True)
    with pytest.raises(ValueError, match="needs a TURN server: none is configured"):
        to_options(privacy, to_sources(["stun:a"]), in_room=False)
    assert to_options(privacy, to_sources([TURN]), in_room=False).privacy
    assert to_options(privacy, (), in_room=True).privacy, "the room's server may issue one"
    assert to_options(None, (), in_room=False) == IceOptions()
    with pytest.raises(TypeError, match=r"nbrtc\.IcePolicy"):
        to_options("privacy", (), in_room=False)


def test_a_policy_explains_itself() -> None:
    explanation = IcePolicy(privacy=True).explain(["stun:a", TURN], network={"effective_type": "4g"})
    text, page = repr(explanation), explanation._repr_html_()
    for shown in (text, page):
        assert "turn:a.example" in shown
        assert "stun:a is left out" in shown
        assert "s3cret" not in shown
    frame = explanation.to_frame()
    assert frame.index.tolist() == ["turn:a.example", "stun:a"]
    assert frame["used"].tolist() == [True, False]
    assert frame["place"].isna().tolist() == [False, True]


@pytest.mark.parametrize("servers", [{"urls": "stun:a"}, nbrtc.IceServer("stun:a"), "stun:a"])
def test_one_server_is_no_list_of_them(servers: Any) -> None:
    with pytest.raises(TypeError, match="put it into"):
        IcePolicy().explain(servers)


def test_a_calls_policy_explains_what_the_call_does() -> None:
    live = IceDecision(urls=("stun:live",), reasons=("stun:live is the only server.",))
    policy = IcePolicy.of(IceOptions(), lambda: live)
    assert policy.explain().decision == live
    assert policy.explain(["stun:other"]).decision.urls == ("stun:other",)
    assert policy == IcePolicy()


def test_the_configuration_hides_credentials_unless_asked() -> None:
    policy = IcePolicy(low_latency=True)
    hidden = policy.configuration(["stun:a", TURN])
    assert hidden == {
        "iceServers": [
            {"urls": ["stun:a"]},
            {"urls": ["turn:a.example"], "username": "(hidden)", "credential": "(hidden)"},
        ],
        "iceTransportPolicy": "all",
        "bundlePolicy": "max-bundle",
        "iceCandidatePoolSize": 1,
    }
    shown = policy.configuration([TURN], redact=False)
    assert shown["iceServers"][0]["credential"] == "s3cret"
    with pytest.raises(ValueError, match="A network has type"):
        policy.configuration([TURN], network={"speed": 1})


def test_the_names_are_public() -> None:
    assert {"IceServer", "IcePolicy", "ice_history", "forget_ice_history"} <= set(nbrtc.__all__)
