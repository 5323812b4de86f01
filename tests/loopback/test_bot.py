"""Bots in a room of a real server: they see and hear each other, and nothing of one disturbs another."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nbrtc.engine.stay import was_inside
from nbrtc.errors import CallError
from nbrtc.messages import (
    ChatMessage,
    EngineStatus,
    Join,
    LeaveCall,
    ParticipantStatus,
    Record,
    RoomSettings,
    RoomTicket,
    Say,
)
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.loopback.bots import ROOM, Bot, OneServer, loudest_hertz, plain, write_clip
from tests.loopback.rooms import Ear

NewBot = Callable[..., Bot]


@pytest.fixture
async def server() -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions())
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def new_bot(server: SignalingServer) -> AsyncIterator[NewBot]:
    """Makes Bots that the test need not close."""
    made: list[Bot] = []

    def make(name: str, **opening: object) -> Bot:
        made.append(Bot(server.url, name, OneServer(server.url), **opening))
        return made[-1]

    yield make
    for bot in made:
        await bot.close()


async def together(*bots: Bot) -> None:
    """Wait until all of them are connected with each other."""
    for bot in bots:
        await bot.reaches("connected")
    for bot in bots:
        await bot.meets(*[other for other in bots if other is not bot])


async def play(bot: Bot, numbers: range, pause_s: float = 1 / 30) -> None:
    """Show one picture after the other."""
    for number in numbers:
        bot.show(number)
        await asyncio.sleep(pause_s)


async def test_two_bots_see_each_others_numbered_pictures(new_bot: NewBot) -> None:
    ada, bob = new_bot("Ada"), new_bot("Bob")
    await together(ada, bob)
    seen_by_ada, seen_by_bob = ada.watch(bob), bob.watch(ada)
    await asyncio.gather(play(ada, range(30)), play(bob, range(100, 130)))
    await ada.until(lambda: 129 in seen_by_ada, "Bob's last picture")
    await bob.until(lambda: 29 in seen_by_bob, "Ada's last picture")
    for numbers in (seen_by_ada, seen_by_bob):
        whole = [number for number in numbers if number is not None]
        assert whole == numbers, "a picture is damaged"
        assert whole == sorted(whole)
    assert len(set(seen_by_bob)) > 20
    assert [person.connection for person in ada.state.participants] == ["connected", "connected"]
    assert all(person.is_python for person in ada.state.participants)


async def test_two_bots_hear_each_others_tone(new_bot: NewBot, tmp_path: Path) -> None:
    low = write_clip(tmp_path / "low.webm", 0.5, hertz=440)
    high = write_clip(tmp_path / "high.webm", 0.5, hertz=1200, channels=2)
    ada = new_bot("Ada", video=None, audio=str(low))
    bob = new_bot("Bob", video=None, audio=str(high))
    await together(ada, bob)
    ada.watch(bob)
    bob.watch(ada)
    # longer than a loop, so that the seam between two loops is heard, too
    await ada.until(lambda: len(ada.heard[bob.id]) > 50, "a second of Bob's sound")
    await bob.until(lambda: len(bob.heard[ada.id]) > 50, "a second of Ada's sound")
    assert loudest_hertz(bob.heard[ada.id]) == pytest.approx(440, abs=5)
    assert loudest_hertz(ada.heard[bob.id]) == pytest.approx(1200, abs=5)
    stamps = [frame.timestamp for frame in bob.heard[ada.id]]
    assert all(later - earlier == 960 for earlier, later in itertools.pairwise(stamps))


async def test_what_one_bot_measures_of_its_sending_the_other_measures_of_its_receiving(
    new_bot: NewBot,
) -> None:
    ada, bob = new_bot("Ada"), new_bot("Bob")
    await together(ada, bob)

    def newest(bot: Bot, type_: str, key: str) -> Any:
        """A member of the newest video object of a type; 0 before there is one."""
        reports = [report for sample in bot.samples[-1:] for report in sample.reports]
        of_type = [one for one in reports if one["type"] == type_ and one.get("kind", "video") == "video"]
        return next((one.get(key, 0) for one in of_type), 0)

    await play(ada, range(30))
    await bob.until(lambda: newest(bob, "inbound-rtp", "framesReceived") > 20, "Bob's poll of Ada's pictures")
    await ada.until(
        lambda: newest(ada, "outbound-rtp", "framesSent") > 20 and newest(ada, "remote-inbound-rtp", "ssrc"),
        "Ada's poll, with Bob's report in it",
    )
    assert {sample.peer for sample in ada.samples} == {bob.id}
    assert newest(ada, "outbound-rtp", "ssrc") == newest(bob, "inbound-rtp", "ssrc")
    assert newest(ada, "remote-inbound-rtp", "ssrc") == newest(ada, "outbound-rtp", "ssrc")
    assert (newest(bob, "inbound-rtp", "frameWidth"), newest(bob, "inbound-rtp", "frameHeight")) == (
        newest(ada, "outbound-rtp", "frameWidth"),
        newest(ada, "outbound-rtp", "frameHeight"),
    )
    assert newest(bob, "inbound-rtp", "packetsLost") == 0
    fingerprints = [
        [one["fingerprint"] for one in bot.samples[-1].reports if one["type"] == "certificate"]
        for bot in (ada, bob)
    ]
    assert fingerprints[0] == fingerprints[1][::-1], "each one's own is the other's remote one"
    told = [(event.peer, event.name, event.value) for event in ada.events]
    assert (bob.id, "join", "Bob") in told
    assert (bob.id, "connection", "connected") in told
    assert ("", "phase", "connected") in told


async def test_a_file_is_played_in_a_loop_at_its_own_rate(new_bot: NewBot, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.webm", 0.6, fps=10)
    ada, bob = new_bot("Ada", video=str(clip), fps=0.0), new_bot("Bob", video=None)
    await together(ada, bob)
    seen = bob.watch(ada)
    await bob.until(lambda: len(seen) > 14, "two loops and more")
    assert set(seen) == set(range(6))
    # a busy machine may miss a picture; a step back, or a rate of another file's, is no machine's doing
    steps = [((later or 0) - (earlier or 0)) % 6 for earlier, later in itertools.pairwise(seen)]
    assert set(steps) <= {1, 2, 3}
    assert steps.count(1) > len(steps) / 2


async def test_a_file_that_cannot_be_played_is_said_and_the_call_goes_on(
    new_bot: NewBot, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film at all" * 100)
    silent = write_clip(tmp_path / "silent.webm", 0.3)
    ada, bob = new_bot("Ada", video=str(broken), audio=str(silent)), new_bot("Bob")
    await together(ada, bob)
    await ada.until(lambda: len(ada.problems) == 2, "both failures")
    said = {problem.code: problem.message for problem in ada.problems}
    assert "broken.mp4" in said["video-file"]
    assert "it has no sound" in said["audio-file"]
    seen = ada.watch(bob)
    await play(bob, range(10))
    await ada.until(lambda: 9 in seen, "Bob's picture")


async def test_three_bots_share_one_encoder_each(new_bot: NewBot) -> None:
    bots = [new_bot(name) for name in ("Ada", "Bob", "Cleo")]
    await together(*bots)
    ada, others = bots[0], bots[1:]
    seen = [other.watch(ada) for other in others]
    await play(ada, range(20))
    for numbers, other in zip(seen, others, strict=True):
        await other.sees(19, numbers)
    figures = plain(await ada.ask(EngineStatus()))
    (rendition,) = figures["renditions"]
    assert rendition["peers"] == 2
    assert rendition["frames"] <= 23, "it was encoded for each peer"


async def test_who_leaves_is_gone_for_the_others_and_may_come_again(new_bot: NewBot) -> None:
    ada, bob = new_bot("Ada"), new_bot("Bob")
    await together(ada, bob)
    before = bob.id
    await bob.ask(LeaveCall())
    await ada.until(lambda: len(ada.state.participants) == 1, "Bob's leaving")
    assert not ada.peers
    assert bob.state.phase == "idle"
    await bob.ask(Join())
    await together(ada, bob)
    assert bob.id != before
    seen = ada.watch(bob)
    await play(bob, range(5))
    await ada.until(lambda: 4 in seen, "the picture of the second stay")


async def test_a_bot_acknowledges_every_recording_as_long_as_it_goes_on(
    new_bot: NewBot, server: SignalingServer
) -> None:
    bot = new_bot("Robot")
    await bot.until(lambda: bot.state.phase == "connected", "the room")
    ear = Ear()
    ticket = RoomTicket(room=ROOM, server=server.url)
    ada = await OneServer(server.url).client(ticket, "Ada", ear)

    def acknowledged() -> tuple[str, ...]:
        return next(one.status.acknowledges for one in ear.participants if one.name == "Robot")

    ada.set_status(ParticipantStatus(recording=True, recording_id="tape"))
    await ada.join()
    await bot.until(lambda: acknowledged() == ("tape",), "the acknowledgement")
    await bot.until(lambda: any(one.status.recording for one in bot.state.participants), "who records")
    ada.set_status(ParticipantStatus())
    await bot.until(lambda: acknowledged() == (), "the end of it")
    await ada.close()


async def test_a_bot_whose_engine_was_lost_leaves_its_old_seat(new_bot: NewBot) -> None:
    """The next engine's Bot has the seat of the first, which is still held, and gives it up."""
    ada, bob = new_bot("Ada"), new_bot("Bob")
    await together(ada, bob)
    seat = bob.tickets[-1]
    assert seat is not None
    assert seat.resume_token is not None
    assert bob.session.stay is not None
    client = bob.session.stay.client
    assert client is not None
    assert client._task is not None
    bob.session._keep_ticket = lambda ticket: None  # type: ignore[method-assign]
    client._task.cancel()  # it must not come back and use the seat's token up
    await asyncio.wait([client._task])
    await client._disconnect()
    heir = new_bot("Bob", ticket=seat, epoch=1)
    await together(ada, heir)
    await ada.until(lambda: len(ada.state.participants) == 2, "the old seat to be free")
    assert heir.id != seat.participant
    without = [one for one in heir.tickets if one is not None and one.resume_token is None]
    assert [was_inside(one) for one in without] == [True], "a third engine would know it as well"


async def test_chat_goes_both_ways(new_bot: NewBot) -> None:
    ada, bob = new_bot("Ada"), new_bot("Bob")
    await together(ada, bob)
    message = msgspec.convert(await ada.ask(Say("hello")), ChatMessage, from_attributes=True)
    assert (message.sender, message.text) == (ada.id, "hello")


async def test_a_room_that_is_full_is_said(new_bot: NewBot, server: SignalingServer) -> None:
    ada = new_bot("Ada", ticket=RoomTicket(room=ROOM, server=server.url, capacity=1))
    await ada.until(lambda: ada.state.phase == "connected", "the room")
    bob = new_bot("Bob")
    await bob.until(lambda: bob.state.phase == "failed", "the refusal")
    assert "full" in bob.state.reason
    assert bob.state.room is not None
    assert bob.state.room.code == "room-full"
    assert bob.problems[0].message == bob.state.reason


async def test_a_bot_that_makes_its_room_decides_what_is_allowed_there(
    new_bot: NewBot, server: SignalingServer
) -> None:
    strict, usual = RoomSettings(recording=False), RoomSettings()
    ada = new_bot("Ada", ticket=RoomTicket(room=ROOM, server=server.url, settings=strict))
    await ada.until(lambda: ada.state.phase == "connected", "the room")
    bob = new_bot("Bob", ticket=RoomTicket(room=ROOM, server=server.url, settings=usual))
    await bob.until(lambda: bob.state.phase == "connected", "the same room")
    assert (bob.state.room is not None, ada.problems) == (True, [])
    assert [problem.message for problem in bob.problems] == [
        f"The room {ROOM!r} was there already, and its creator decides: recording is forbidden."
    ]


async def test_a_verb_that_a_bot_has_not_is_refused(new_bot: NewBot) -> None:
    ada = new_bot("Ada")
    with pytest.raises(CallError, match="Record"):
        await ada.ask(Record("/tmp/film.mkv"))


async def test_signaling_that_is_lost_leaves_the_pictures_alone(
    new_bot: NewBot, server: SignalingServer
) -> None:
    ada, bob = new_bot("Ada"), new_bot("Bob")
    await together(ada, bob)
    seen = bob.watch(ada)
    port = server.port
    await server.close()
    await ada.until(lambda: ada.state.phase == "reconnecting", "the loss")
    await play(ada, range(10))
    await bob.until(lambda: 9 in seen, "a picture without any server")
    again = SignalingServer(ServerOptions(port=port))
    await again.start()
    try:
        for bot in (ada, bob):
            await bot.reaches("connected")
        await ada.until(lambda: len(ada.state.participants) == 2, "everybody again")
        assert ada.peers[bob.id].generation == 1, "the connection was made anew"
        await play(ada, range(50, 60))
        await bob.until(lambda: 59 in seen, "pictures go on")
    finally:
        for bot in (ada, bob):
            await bot.close()
        await again.close()
