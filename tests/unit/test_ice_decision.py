"""Which servers are used, in what order, and why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.ice.decision import configuration_of, decide, lack, servers_of
from nbrtc.ice.outcome import Outcome
from nbrtc.ice.urls import canonical, parse
from nbrtc.messages import IceDecision, IceOptions, IceServerEntry, NetworkInformation, ServerProbe

NOW_S = 1_700_000_000.0
STUN, UDP, TCP, TLS = "stun:s", "turn:t", "turn:t?transport=tcp", "turns:t"
SECRET = "s3cret"


def decided(urls: Any, options: IceOptions | None = None, **known: Any) -> IceDecision:
    return decide(urls, options or IceOptions(), **{"now_s": NOW_S, **known})


def probed(
    url: str, by: Any = "engine", *, ok: bool = True, rtt_s: float | None = None, **more: Any
) -> ServerProbe:
    return ServerProbe(url, by, ok, parse(url).transport, more.pop("time_s", NOW_S), rtt_s=rtt_s, **more)


def went(url: str, *, answered: bool = True, age_s: float = 0.0, network: str = "") -> Outcome:
    name = (canonical(url),)
    return Outcome(
        NOW_S - age_s,
        True,
        answered=name if answered else (),
        silent=() if answered else name,
        network=network,
    )


def said(decision: IceDecision, url: str) -> str:
    (reason,) = [reason for reason in decision.reasons if reason.startswith(f"{url} ")]
    return reason


def test_without_servers_only_direct_paths_are_tried() -> None:
    decision = decided(())
    assert decision.urls == decision.left_out == ()
    assert decision.ice_transport_policy == "all"
    assert decision.ice_candidate_pool_size == 0
    assert decision.max_bitrate_bps is None
    assert "none is contacted" in decision.reasons[0]


def test_the_usual_order_is_stun_then_turn_over_udp_tls_tcp() -> None:
    assert decided([TCP, TLS, UDP, STUN]).urls == (STUN, UDP, TLS, TCP)


@pytest.mark.parametrize("options", [IceOptions(privacy=True), IceOptions(force_turn=True)])
def test_relays_only_leaves_stun_out_and_says_so(options: IceOptions) -> None:
    decision = decided([STUN, UDP], options)
    assert decision.ice_transport_policy == "relay"
    assert decision.urls == (UDP,)
    assert decision.left_out == (STUN,)
    assert "only relayed candidates" in said(decision, STUN)


def test_relays_only_without_a_relay_is_a_sentence() -> None:
    assert lack(IceOptions(), [STUN]) is None
    assert lack(IceOptions(privacy=True), [UDP]) is None
    assert "IcePolicy(privacy=True) needs a TURN server" in str(lack(IceOptions(privacy=True), [STUN]))
    assert "force_turn=True" in str(lack(IceOptions(force_turn=True), []))


def test_one_that_both_ends_asked_in_vain_is_left_out() -> None:
    dead = [probed("turn:dead", "page", ok=False), probed("turn:dead", ok=False, error_code=701)]
    decision = decided(["turn:dead", UDP], probes=dead)
    assert decision.urls == (UDP,)
    assert "from the page: no answer, from Python: no answer" in said(decision, "turn:dead")

    assert decided(["turn:dead", UDP], IceOptions(max_reliability=True), probes=dead).urls == (
        UDP,
        "turn:dead",
    )
    assert decided(["turn:dead", STUN], probes=dead).urls == (STUN, "turn:dead"), "it is the only relay"


def test_one_that_one_end_asked_in_vain_comes_last() -> None:
    decision = decided(["turn:half", UDP], probes=[probed("turn:half", ok=False, error_code=401)])
    assert decision.urls == (UDP, "turn:half")
    assert "does not serve everywhere (from Python: it refuses the credential (401))" in said(
        decision, "turn:half"
    )


def test_an_old_probe_says_nothing() -> None:
    old = [probed("turn:a", by, ok=False, time_s=NOW_S - 7200) for by in ("page", "engine")]
    assert decided(["turn:a", UDP], probes=old).urls == ("turn:a", UDP)


def test_a_newer_probe_stands_for_the_older_one() -> None:
    probes = [probed(UDP, ok=True), probed(UDP, ok=False, time_s=NOW_S - 60)]
    assert "it answered Python" in said(decided([UDP], probes=probes), UDP)
    assert decided([UDP], probes=probes) == decided([UDP], probes=probes[::-1])


def test_where_udp_is_blocked_tls_and_tcp_come_first() -> None:
    probes = [
        probed(STUN, "page", ok=False),
        probed(UDP, "page", ok=False),
        probed(TCP, "page"),
        probed(TLS, "page"),
    ]
    decision = decided([STUN, UDP, TCP, TLS], probes=probes)
    assert decision.urls == (TLS, TCP, STUN, UDP)
    assert any("UDP does not get through from this page" in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("code", "why"),
    [(401, "it refuses the credential (401)"), (486, "its quota is used up (486)"), (437, "error 437")],
)
def test_a_refusal_over_udp_came_through_udp(code: int, why: str) -> None:
    probes = [probed(UDP, by, ok=False, error_code=code) for by in ("page", "engine")]
    decision = decided([UDP, TCP, TLS], probes=[*probes, probed(TCP, "page"), probed(TCP)])
    assert not any("UDP does not get through" in reason for reason in decision.reasons)
    assert decision.left_out == (UDP,)
    assert f"it serves nobody (from the page: {why}, from Python: {why})" in said(decision, UDP)


def test_low_latency_gathers_ahead_and_orders_by_round_trip_time() -> None:
    probes = [probed(UDP, rtt_s=0.2), probed(TLS, rtt_s=0.01), probed(STUN, rtt_s=0.05)]
    decision = decided([STUN, UDP, TLS], IceOptions(low_latency=True), probes=probes)
    assert decision.urls == (TLS, STUN, UDP)
    assert decision.ice_candidate_pool_size == 1
    assert decided([STUN, UDP, TLS], probes=probes).urls == (STUN, UDP, TLS)


def test_four_are_enough_and_each_way_has_its_place() -> None:
    decision = decided([*(f"stun:{name}" for name in "abcde"), UDP, TLS])
    assert decision.urls == ("stun:a", "stun:b", UDP, TLS)
    assert decision.left_out == ("stun:c", "stun:d", "stun:e")
    assert "4 are enough" in said(decision, "stun:c")
    assert len(decided([f"stun:{name}" for name in "abcde"], IceOptions(max_reliability=True)).urls) == 5


def test_one_that_is_dead_takes_no_living_ones_place() -> None:
    urls = [UDP, "turn:u", "turn:v", "turn:w", TLS]
    assert TLS in decided(urls).urls
    assert TLS not in decided(urls, probes=[probed(TLS, ok=False), *map(probed, urls[:-1])]).urls


def test_in_a_slow_network_two_are_asked() -> None:
    decision = decided([STUN, UDP, TLS], network=NetworkInformation(effective_type="2g"))
    assert decision.urls == (STUN, UDP)
    assert "2g" in said(decision, TLS)


def test_on_a_cellular_network_relays_come_first() -> None:
    assert decided([STUN, UDP], network=NetworkInformation(type="cellular")).urls == (UDP, STUN)


@pytest.mark.parametrize(
    ("network", "cap_bps"),
    [
        (NetworkInformation(type="wifi", effective_type="4g"), None),
        (NetworkInformation(type="cellular"), 1_000_000),
        (NetworkInformation(type="cellular", save_data=True), 300_000),
        (NetworkInformation(effective_type="2g", save_data=True), 200_000),
        (NetworkInformation(effective_type="slow-2g"), 100_000),
    ],
)
def test_the_network_caps_the_bitrate_unless_a_limit_is_asked_for(
    network: NetworkInformation, cap_bps: int | None
) -> None:
    assert decided([], network=network).max_bitrate_bps == cap_bps
    assert decided([], IceOptions(limit_bps=700_000), network=network).max_bitrate_bps == 700_000


def test_what_worked_before_comes_first_and_recent_times_weigh_more() -> None:
    a, b = "turn:a", "turn:b"
    assert decided([a, b], outcomes=[went(b)]).urls == (b, a)
    assert decided([a, b], outcomes=[went(a, answered=False)]).urls == (b, a)
    month_s = 30 * 86400.0
    outcomes = [
        went(a, age_s=3 * month_s),
        went(b, answered=False, age_s=3 * month_s),
        went(a, answered=False),
        went(b),
    ]
    assert decided([a, b], outcomes=outcomes).urls == (b, a)
    assert "1 of 2 earlier attempts" in said(decided([a, b], outcomes=outcomes), a)


def test_outcomes_of_another_network_weigh_less() -> None:
    outcomes = [went("turn:a", network="wifi"), *(went("turn:b", network="ethernet") for _ in range(2))]
    here = NetworkInformation(type="wifi")
    assert decided(["turn:b", "turn:a"], outcomes=outcomes, network=here).urls == ("turn:a", "turn:b")
    assert decided(["turn:b", "turn:a"], outcomes=outcomes).urls == ("turn:b", "turn:a")


def test_a_server_under_two_spellings_is_used_once() -> None:
    decision = decided([UDP, "turn:T:3478?transport=udp", UDP])
    assert decision.urls == (UDP,)
    assert "another spelling" in said(decision, "turn:T:3478?transport=udp")


def test_neighbours_with_the_same_credentials_are_one_entry_and_stun_has_none() -> None:
    entries = [IceServerEntry((STUN, UDP, TLS), "ada", SECRET), IceServerEntry(("turn:u",), "bob", "x")]
    decision = decided([STUN, UDP, TLS, "turn:u"])
    assert servers_of(decision, entries) == (
        IceServerEntry((STUN,)),
        IceServerEntry((UDP,), "ada", SECRET),
        IceServerEntry(("turn:u",), "bob", "x"),
        IceServerEntry((TLS,), "ada", SECRET),
    )
    made = configuration_of(decision, entries, 5.0)
    assert made.left_s == 5.0
    assert SECRET not in repr(made)


NAMES = [
    STUN,
    UDP,
    TCP,
    TLS,
    "stun:a",
    "stun:b:19302",
    "turn:u",
    "turn:[::1]:99",
    "turn:T:3478?transport=udp",
]
URLS = st.lists(st.sampled_from(NAMES), max_size=12)
OPTIONS = st.builds(
    IceOptions,
    privacy=st.booleans(),
    low_latency=st.booleans(),
    max_reliability=st.booleans(),
    limit_bps=st.none() | st.integers(50_000, 10**8),
    force_turn=st.booleans(),
)
PROBES = st.lists(
    st.builds(
        lambda url, by, ok, rtt_s, age_s: probed(
            url, by, ok=ok, rtt_s=rtt_s, time_s=NOW_S - age_s, error=SECRET
        ),
        st.sampled_from(NAMES),
        st.sampled_from(["page", "engine"]),
        st.booleans(),
        st.none() | st.floats(0, 5),
        st.sampled_from([0.0, 60.0, 7200.0]),
    ),
    max_size=12,
)
NETWORKS = st.none() | st.builds(
    NetworkInformation,
    type=st.sampled_from([None, "wifi", "cellular"]),
    effective_type=st.sampled_from([None, "slow-2g", "2g", "4g"]),
    save_data=st.sampled_from([None, True, False]),
)
OUTCOMES = st.lists(
    st.builds(
        went,
        st.sampled_from(NAMES),
        answered=st.booleans(),
        age_s=st.floats(0, 1e7),
        network=st.sampled_from(["", "wifi"]),
    ),
    max_size=10,
)


@given(URLS, OPTIONS, PROBES, NETWORKS, OUTCOMES)
def test_whatever_is_known_the_decision_is_sound(
    urls: list[str], options: IceOptions, probes: list[ServerProbe], network: Any, outcomes: list[Outcome]
) -> None:
    known = {"probes": probes, "network": network, "outcomes": outcomes}
    decision = decided(urls, options, **known)

    assert decision == decided(urls, options, **known), "the same comes out again"
    assert len(set(decision.urls)) == len(decision.urls)
    assert set(decision.urls) | set(decision.left_out) == set(urls), "none is invented, none is forgotten"
    assert not set(decision.urls) & set(decision.left_out)
    for url in (*decision.urls, *decision.left_out):
        said(decision, url)  # one sentence for each
    if options.privacy or options.force_turn:
        assert decision.ice_transport_policy == "relay"
        assert all(parse(url).kind == "turn" for url in decision.urls)
    elif urls:
        assert decision.urls, "something is tried as long as anything is configured"
    if any(parse(url).kind == "turn" for url in urls):
        assert any(parse(url).kind == "turn" for url in decision.urls), "the last relay stays"
    if not options.max_reliability:
        assert len(decision.urls) <= 4
    assert SECRET not in "".join(decision.reasons)
    entries = [IceServerEntry((url,), "ada", SECRET) for url in urls]
    assert tuple(url for entry in servers_of(decision, entries) for url in entry.urls) == decision.urls
