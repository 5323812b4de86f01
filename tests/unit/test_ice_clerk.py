"""What page, kernel and room say of a call's ICE, and what follows."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from nbrtc.engine.board import Board
from nbrtc.engine.ice_clerk import IceClerk
from nbrtc.engine.member import RoomMember
from nbrtc.engine.ownership import Ownership
from nbrtc.errors import CallError
from nbrtc.messages import (
    CallState,
    ChangeIce,
    IceArrived,
    IceConfigured,
    IceOptions,
    IceServerEntry,
    IceServerSource,
    IceStateSeen,
    IceTrace,
    NetworkInformation,
    NetworkReport,
    Notification,
    OpenCall,
    PageMessage,
    ProbeReport,
    ProbesArrived,
    Problem,
    Quality,
    RefreshIce,
    Reply,
    RoomInfo,
    RoomTicket,
    ServerProbe,
    decode_event,
    encode_bridge,
)
from nbrtc.messages.signaling import IceOutcomeJson

QUALITY = Quality(640, 480, 30)
SECRET = IceServerSource(("turn:t",), secret="s3cret")
ISSUED = (IceServerEntry(("turn:room",), "99999999999:p", "c1"),)
PRIVATE = IceOptions(privacy=True)


class Owner:
    """In the place of the `Ownership`."""

    last_page = ""

    def __init__(self) -> None:
        self.dismissed: list[str] = []

    def dismiss(self, code: str, reason: str) -> None:
        self.dismissed.append(reason)


class Member:
    """In the place of the `RoomMember`."""

    def __init__(self) -> None:
        self.page: str | None = None
        self.entered = asyncio.Event()
        self.reported: list[IceOutcomeJson] = []

    def enter(self, page: str, *, is_answered: bool) -> None:
        self.page = page
        self.entered.set()

    def report_outcomes(self, outcomes: tuple[IceOutcomeJson, ...]) -> None:
        self.reported += outcomes


class Staged:
    """A clerk with a board of its own; the rest is a stand-in."""

    def __init__(self, *sources: IceServerSource, options: IceOptions, room: str | None) -> None:
        ticket = None if room is None else RoomTicket(room)
        opening = OpenCall("call", "Ada", QUALITY, "", 0, sources, options, ticket=ticket)
        self.notifications: list[Notification] = []
        self.clerk = IceClerk(opening, lambda: self.board)
        info = None if room is None else RoomInfo(room, room)
        self.board = Board("call", CallState(quality=QUALITY, room=info), self.notifications.append)
        self.owner, self.member = Owner(), Member()
        self.clerk.attach(cast("Ownership", self.owner), cast("RoomMember", self.member))

    def told(self, kind: type[Any]) -> list[Any]:
        """What the kernel was told."""
        return [item for item in self.notifications if isinstance(item, kind)]

    def events(self, kind: type[Any]) -> list[tuple[str | None, Any]]:
        """What pages were told, and which."""
        said = [(item.page, decode_event(item.body)) for item in self.told(PageMessage)]
        return [(page, event) for page, event in said if isinstance(event, kind)]


@pytest.fixture
async def stage() -> AsyncIterator[Any]:
    made: list[Staged] = []

    def build(
        *sources: IceServerSource, options: IceOptions | None = None, room: str | None = None
    ) -> Staged:
        made.append(Staged(*sources, options=options or IceOptions(), room=room))
        return made[-1]

    yield build
    for one in made:
        await one.clerk.close()


async def test_a_network_changes_what_every_page_connects_with(stage: Any) -> None:
    staged = stage()
    await staged.clerk.hear("p1", NetworkReport(network=NetworkInformation(save_data=True)))
    ((page, event),) = staged.events(IceConfigured)
    assert page is None
    assert event.ice.max_bitrate_bps == staged.board.state.ice.max_bitrate_bps == 300_000

    staged.board.change(owner="p1")
    await staged.clerk.hear("p2", NetworkReport(network=NetworkInformation()))
    assert staged.board.state.ice.max_bitrate_bps == 300_000, "another page's network is not the call's"


async def test_fresh_credentials_go_to_whoever_asks_and_are_in_no_state(stage: Any) -> None:
    staged = stage(SECRET)
    await staged.clerk.hear("p1", RefreshIce(id="r"))
    ((page, event),) = staged.events(IceConfigured)
    assert page == "p1"
    assert event.ice.ice_servers[0].credential
    assert staged.events(Reply) == [("p1", Reply(id="r"))]
    staged.board.change(ice=staged.clerk.desk.decision)
    assert event.ice.ice_servers[0].credential not in repr(encode_bridge(staged.board.state))
    assert b"s3cret" not in b"".join(encode_bridge(item) for item in staged.notifications)


async def test_a_trace_goes_to_the_kernel_and_its_outcome_to_the_room(stage: Any) -> None:
    staged = stage(room="lab")
    records = (
        IceStateSeen(1.0, "bob", 1, "start"),
        IceStateSeen(16.0, "bob", 1, "connection", "failed"),
    )
    await staged.clerk.hear("p2", IceTrace(records=records))
    assert staged.told(IceArrived) == [], "it has no call"

    staged.board.change(owner="p1")
    await staged.clerk.hear("p1", IceTrace(records=records))
    assert staged.told(IceArrived) == [IceArrived(call="call", records=records)]
    assert staged.member.reported == [IceOutcomeJson(success=False)]


async def test_probes_of_the_page_go_to_the_kernel_as_far_as_they_were_asked_for(stage: Any) -> None:
    staged = stage(SECRET)
    staged.board.change(owner="p1")
    probes = tuple(ServerProbe(url, "page", True, "udp", time.time()) for url in ("turn:t", "turn:other"))
    await staged.clerk.hear("p1", ProbeReport(probes=probes))
    assert staged.told(ProbesArrived) == [ProbesArrived(call="call", probes=probes[:1])]


async def test_a_page_that_needs_the_rooms_relays_joins_for_them_first(stage: Any) -> None:
    staged = stage(options=PRIVATE, room="lab")
    asking = asyncio.create_task(staged.clerk.hear("p1", RefreshIce(id="r")))
    await asyncio.wait_for(staged.member.entered.wait(), 20)
    staged.clerk.heard_room(ISSUED, 99999999999.0, None)
    await asking
    assert staged.events(IceConfigured)[-1][1].ice.ice_servers == ISSUED
    staged.clerk.require()


async def test_relays_only_in_a_room_that_issues_none_ends_the_call_in_words(stage: Any) -> None:
    staged = stage(options=PRIVATE, room="lab")
    staged.clerk.require()  # the room may still issue one
    staged.clerk.heard_room((), None, None)
    (reason,) = staged.owner.dismissed
    assert "needs a TURN server" in reason
    assert (staged.board.state.phase, staged.board.state.reason) == ("failed", reason)
    assert [problem.message for problem in staged.told(Problem)] == [reason]
    with pytest.raises(CallError, match="the room's server issues none"):
        staged.clerk.require()


async def test_python_changes_servers_and_policy_or_hears_why_not(stage: Any) -> None:
    staged = stage()
    with pytest.raises(CallError, match="needs a TURN server"):
        await staged.clerk.carry_out(ChangeIce((), PRIVATE))
    assert staged.events(IceConfigured) == []
    await staged.clerk.carry_out(ChangeIce((SECRET,), PRIVATE))
    assert staged.board.state.ice.urls == ("turn:t",)
    assert staged.events(IceConfigured)[-1][1].ice.ice_transport_policy == "relay"


async def test_another_room_does_not_get_the_first_ones_servers(stage: Any) -> None:
    staged = stage(room="lab")
    staged.clerk.heard_room(ISSUED, None, None)
    staged.clerk.follow(staged.board.state)
    assert staged.board.state.ice.urls == ("turn:room",)
    staged.board.change(room=RoomInfo("hall", "hall"))
    staged.clerk.follow(staged.board.state)
    assert staged.board.state.ice.urls == ()
