"""Outcomes, read from what was seen of connections."""

from typing import Any

from nbrtc.ice.outcome import MAX_ATTEMPTS, Outcome, OutcomeBuilder
from nbrtc.messages import CandidateFailed, CandidateSeen, IceRecord, IceStateSeen, PairSeen

T = 1_700_000_000.0
TURN = "turn:t:3478?transport=udp"


def state(at_s: float, what: Any, value: str = "", peer: str = "ada", generation: int = 1) -> IceStateSeen:
    return IceStateSeen(T + at_s, peer, generation, what, value)


def seen(
    at_s: float, name: str, kind: Any, *, remote: bool = False, peer: str = "ada", **more: Any
) -> CandidateSeen:
    return CandidateSeen(T + at_s, peer, 1, name, remote, kind, "192.0.2.7", 5, "udp", **more)


def selected(at_s: float, local: str, remote: str, peer: str = "ada") -> PairSeen:
    return PairSeen(T + at_s, peer, 1, local, remote, "succeeded", nominated=True, selected=True)


def relayed(peer: str = "ada") -> list[IceRecord]:
    return [
        state(0, "start", peer=peer),
        seen(0.1, "L", "relay", url="turn:T", relay_protocol="udp", peer=peer),
        CandidateFailed(T + 0.2, peer, 1, "turn:dead", 701, "no answer"),
        seen(0.2, "R", "host", remote=True, peer=peer),
        state(0.4, "connection", "connected", peer=peer),
        selected(0.5, "L", "R", peer=peer),
    ]


def test_a_connection_that_worked_is_one_outcome_once() -> None:
    builder = OutcomeBuilder()
    (outcome,) = builder.take(relayed(), "wifi")

    assert outcome == Outcome(
        started_s=T,
        success=True,
        connect_s=outcome.connect_s,
        local_type="relay",
        remote_type="host",
        relay_protocol="udp",
        server=TURN,
        answered=(TURN,),
        silent=("turn:dead:3478?transport=udp",),
        network="wifi",
    )
    assert outcome.connect_s is not None
    assert abs(outcome.connect_s - 0.4) < 1e-6
    assert builder.take([selected(3, "L", "R"), state(9, "connection", "disconnected")]) == []
    assert builder.take([state(60, "closed")]) == []
    assert builder.finish() == []


def test_no_address_is_in_an_outcome() -> None:
    (outcome,) = OutcomeBuilder().take(relayed())
    assert "192.0.2.7" not in repr(outcome)
    assert set(type(outcome.to_json()).__struct_fields__) == {
        "success", "connect_s", "local_type", "remote_type", "relay_protocol"
    }  # fmt: skip


def test_the_pair_is_waited_for_but_not_for_ever() -> None:
    builder = OutcomeBuilder()
    assert builder.take(relayed()[:-1]) == []
    (outcome,) = builder.take([state(3, "gathering", "complete")])
    assert outcome.success
    assert outcome.local_type is None
    assert builder.finish() == []

    builder = OutcomeBuilder()
    assert builder.take(relayed()[:-1]) == []
    (outcome,) = builder.finish()
    assert outcome.success


def test_a_connection_that_failed_is_one_once() -> None:
    builder = OutcomeBuilder()
    (outcome,) = builder.take([*relayed()[:-2], state(15, "connection", "failed")])
    assert not outcome.success
    assert outcome.connect_s is None
    assert outcome.local_type is None
    assert outcome.answered == (TURN,)
    assert builder.take([state(30, "connection", "failed"), state(31, "closed")]) == []


def test_one_that_was_closed_while_it_tried_counts_only_after_a_while() -> None:
    assert OutcomeBuilder().take([state(0, "start"), state(4, "closed")]) == []
    (outcome,) = OutcomeBuilder().take([state(0, "start"), state(15, "closed")])
    assert not outcome.success


def test_a_restart_is_an_attempt_of_its_own() -> None:
    builder = OutcomeBuilder()
    builder.take(relayed())
    again: list[IceRecord] = [
        state(60, "restart"),
        seen(60.1, "L2", "host"),
        seen(60.1, "R2", "host", remote=True),
        state(60.5, "connection", "connected"),
        selected(60.5, "L2", "R2"),
    ]
    (outcome,) = builder.take(again)
    assert outcome.started_s == T + 60
    assert (outcome.local_type, outcome.server, outcome.answered) == ("host", "", ())


def test_the_engines_end_of_the_link_is_not_counted_twice() -> None:
    builder = OutcomeBuilder()
    assert [outcome.peer for outcome in builder.take(relayed("python"))] == ["python"]
    assert builder.take(relayed("you")) == []


def test_what_began_before_this_engine_is_left_alone() -> None:
    assert OutcomeBuilder().take([state(0, "connection", "connected"), selected(0.1, "L", "R")]) == []


def test_a_page_that_says_too_much_is_forgotten_from_the_front() -> None:
    builder = OutcomeBuilder()
    for generation in range(MAX_ATTEMPTS + 5):
        builder.take([state(0, "start", generation=generation)])
    failed = [state(20, "connection", "failed", generation=number) for number in (0, MAX_ATTEMPTS)]
    assert len(builder.take(failed)) == 1
