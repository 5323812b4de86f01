"""`call.ice`: what was seen of ICE, as tables and as a picture."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from nbrtc.ice.redact import Redaction
from nbrtc.ice.trail import KEPT_RECORDS, IceTrail
from nbrtc.ice.view import CallIce
from nbrtc.messages import (
    CandidateFailed,
    CandidateRefused,
    CandidateSeen,
    CandidateType,
    IceDecision,
    IceRecord,
    IceStateSeen,
    PairSeen,
    ServerProbe,
)

BEGAN_S = 1_700_000_000.0
TURN = "turn:turn.example.org:3478?transport=tcp"


def candidate(
    identity: str,
    kind: CandidateType,
    address: str,
    *,
    at_s: float = 0.0,
    is_remote: bool = False,
    peer: str = "python",
    generation: int = 1,
) -> CandidateSeen:
    return CandidateSeen(
        time_s=BEGAN_S + at_s,
        peer=peer,
        generation=generation,
        id=identity,
        is_remote=is_remote,
        candidate_type=kind,
        address=address,
        port=5000,
        protocol="udp",
        relay_protocol="tcp" if kind == "relay" and not is_remote else None,
        url=TURN if kind == "relay" else "",
        related_address="192.168.1.20" if kind != "host" else "",
    )


def pair(
    local: str, remote: str, state: str, *, at_s: float, selected: bool = False, generation: int = 1
) -> PairSeen:
    return PairSeen(
        time_s=BEGAN_S + at_s,
        peer="python",
        generation=generation,
        local_id=local,
        remote_id=remote,
        state=state,  # type: ignore[arg-type]
        nominated=selected,
        selected=selected,
        rtt_s=0.02 if state == "succeeded" else None,
        requests_sent=3,
        responses_received=int(state == "succeeded"),
    )


def state(what: str, value: str, at_s: float) -> IceStateSeen:
    return IceStateSeen(time_s=BEGAN_S + at_s, peer="python", generation=1, what=what, state=value)  # type: ignore[arg-type]


def connected() -> list[IceRecord]:
    """A link that tried its host addresses, then went through the relay."""
    return [
        state("start", "", 0.0),
        state("gathering", "gathering", 0.01),
        candidate("h", "host", "192.168.1.20", at_s=0.02),
        CandidateFailed(
            time_s=BEGAN_S + 0.05,
            peer="python",
            generation=1,
            url="turn:dead.example.org",
            error_code=701,
            error_text="TURN server cannot be reached",
        ),
        candidate("r", "relay", "203.0.113.7", at_s=0.3),
        candidate("R", "host", "10.1.2.3", at_s=0.1, is_remote=True),
        CandidateRefused(
            time_s=BEGAN_S + 0.1, peer="python", generation=1, address="127.0.0.1", reason="127.0.0.1 is here"
        ),
        state("connection", "checking", 0.12),
        pair("h", "R", "waiting", at_s=0.12),
        pair("h", "R", "in-progress", at_s=0.15),
        pair("r", "R", "in-progress", at_s=0.32),
        pair("r", "R", "succeeded", at_s=0.35, selected=True),
        pair("h", "R", "failed", at_s=2.0),
        state("connection", "connected", 0.36),
        state("gathering", "complete", 0.5),
    ]  # fmt: skip


def view(records: Sequence[IceRecord], probes: Sequence[ServerProbe] = ()) -> CallIce:
    trail = IceTrail()
    trail.add(records)
    trail.add_probes(probes)
    return CallIce(trail, lambda: IceDecision(urls=(TURN,)), lambda timeout_s: list(probes))


def test_candidates_are_told_once_with_what_gave_them() -> None:
    again = candidate("h", "host", "192.168.1.20", at_s=9.0)
    frame = view([*connected(), again]).candidates()

    assert list(frame["id"]) == ["h", "r", "R"]
    assert list(frame["side"]) == ["local", "local", "remote"]
    assert frame.index[0] == pd.Timestamp(BEGAN_S + 0.02, unit="s", tz="UTC")
    relay = frame[frame["type"] == "relay"].iloc[0]
    assert (relay["url"], relay["relay_protocol"], relay["port"]) == (TURN, "tcp", 5000)


def test_a_pair_has_its_last_state_and_both_its_ends() -> None:
    frame = view(connected()).pairs()

    assert dict(zip(frame["local_id"], frame["state"], strict=True)) == {"h": "failed", "r": "succeeded"}
    relayed = frame[frame["local_id"] == "r"].iloc[0]
    assert relayed["selected"]
    assert (relayed["local_type"], relayed["remote_type"], relayed["remote_address"]) == (
        "relay",
        "host",
        "10.1.2.3",
    )
    assert relayed["rtt_s"] == 0.02
    assert pd.isna(frame[frame["local_id"] == "h"].iloc[0]["rtt_s"])


def test_the_selected_pair_is_the_newest_generations_and_only_one() -> None:
    moved: list[IceRecord] = [
        pair("h", "R", "succeeded", at_s=3.0, selected=True),  # the direct path took over
        candidate("x", "host", "10.0.0.9", generation=2, at_s=5.0),
        candidate("X", "srflx", "198.51.100.4", generation=2, at_s=5.0, is_remote=True),
    ]
    one = view([*connected(), moved[0]]).selected()
    assert list(one["local_id"]) == ["h"]

    again = view([*connected(), *moved, pair("x", "X", "succeeded", at_s=6.0, selected=True, generation=2)])
    assert list(again.selected()["local_id"]) == ["x"]
    assert view([*connected(), *moved]).selected().index.size == 1, (
        "the new one has candidates, but no pair yet"
    )


def test_redaction_leaves_no_address_anywhere() -> None:
    ice = view(connected())
    secret = ("192.168", "203.0.113", "10.1.2.3", "127.0.0.1")
    for frame in (ice.candidates(redact=True), ice.pairs(redact=True), ice.events(redact=True)):
        text = frame.to_csv()
        assert not [address for address in secret if address in text]
    shown = ice.candidates()
    assert "192.168.1.20" in set(shown["address"])

    names = ice.candidates(redact=True).set_index("id")
    assert names.loc["h", "address"] == names.loc["r", "related_address"] == "private-ipv4-1"
    assert names.loc["r", "address"] == "public-ipv4-1"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.1", "private-ipv4-1"),
        ("8.8.8.8", "public-ipv4-1"),
        ("fe80::1", "link-local-ipv6-1"),
        ("::1", "loopback-ipv6-1"),
        ("0a1b.local", "mdns-1"),
        ("turn.example.org", "name-1"),
        ("", ""),
    ],
)
def test_a_redacted_address_tells_its_kind(address: str, name: str) -> None:
    assert Redaction()(address) == name


def test_events_are_in_order_with_errors_and_refusals() -> None:
    frame = view(connected()).events()

    assert list(frame["event"]) == [
        "start", "gathering", "error", "refused", "connection", "selected", "connection", "gathering",
    ]  # fmt: skip
    assert frame[frame["event"] == "error"].iloc[0]["value"] == "701"
    assert frame[frame["event"] == "selected"].iloc[0]["value"] == "relay - host"


def test_probes_are_a_table() -> None:
    probe = ServerProbe(
        url=TURN,
        by="engine",
        ok=True,
        transport="tcp",
        time_s=BEGAN_S,
        rtt_s=0.03,
        candidate_types=("relay",),
    )
    ice = view([], [probe])
    for frame in (ice.probes(), ice.probe()):
        assert list(frame["url"]) == [TURN]
        assert frame.iloc[0]["candidate_types"] == "relay"


@pytest.mark.parametrize(
    ("timeout_s", "kind"),
    [
        *((0, ValueError), (-1, ValueError), (float("nan"), ValueError), (61, ValueError)),
        *((True, TypeError), ("5", TypeError), (None, TypeError)),
    ],
)
def test_a_time_that_is_none_is_refused(timeout_s: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="timeout_s is"):
        view([]).probe(timeout_s)


def test_before_anything_was_seen_tables_are_empty_and_the_picture_says_so() -> None:
    ice = view([])
    for frame in (ice.candidates(), ice.pairs(), ice.selected(), ice.events(), ice.probes()):
        assert frame.empty
        assert frame.index.name == "time"
    assert "Nothing of a connection" in ice.plot().texts[0].get_text()


def test_the_picture_has_a_bar_for_each_state_of_each_pair() -> None:
    figure = view(connected()).plot()
    top, bottom = figure.axes

    assert [label.get_text() for label in bottom.get_yticklabels()] == [
        "relay 203.0.113.7:5000 → host 10.1.2.3:5000",
        "host 192.168.1.20:5000 → host 10.1.2.3:5000",
    ]
    assert len(bottom.patches) == 5, "two states of the relayed pair, three of the direct one"
    first = bottom.patches[0]
    assert isinstance(first, Rectangle)
    assert first.get_x() == pytest.approx(0.32, abs=1e-4)
    assert first.get_width() == pytest.approx(0.03, abs=1e-3)
    assert {text.get_text() for text in top.texts} >= {"complete", "connected"}

    redacted = view(connected()).plot(redact=True).axes[1]
    assert "203.0.113.7" not in "".join(label.get_text() for label in redacted.get_yticklabels())


def test_the_picture_of_many_pairs_stays_readable() -> None:
    records: list[IceRecord] = [pair(f"l{n}", "R", "failed", at_s=n / 10) for n in range(50)]
    records.append(pair("best", "R", "succeeded", at_s=9.0, selected=True))
    bottom = view(records).plot().axes[1]

    assert len(bottom.get_yticks()) == 20
    assert "31 further pairs" in bottom.texts[-1].get_text()


def test_a_flood_of_records_is_bounded() -> None:
    trail = IceTrail()
    for number in range(KEPT_RECORDS + 10):
        trail.add([state("connection", str(number), 0.0)])
    kept = trail.records()
    assert len(kept) == KEPT_RECORDS
    assert isinstance(kept[0], IceStateSeen)
    assert kept[0].state == "10"
