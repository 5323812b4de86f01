"""Others' frames in Python: from the tap's channel through session and gallery to whoever asks for them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nbrtc.engine.gallery import OWN
from nbrtc.engine.viewer import Subscriber, Wish
from nbrtc.messages import EngineStatus, FrameHeader, Leave, RoomTicket, SetVideoEffect
from nbrtc.pictures import unpack
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.loopback.conftest import SMALL, Call
from tests.loopback.page import Page
from tests.loopback.pictures import read
from tests.loopback.test_rooms import MakeCall
from tests.unit.tapped import messages
from tests.unit.test_gallery import encoded


@pytest.fixture
async def server() -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions())
    await server.start()
    yield server
    await server.close()


class Room:
    """Ada, whose Python wants to see Bob."""

    def __init__(self, ada: Call, bob: Call, page: Page, bobs_page: Page) -> None:
        self.ada, self.page, self.bobs_page = ada, page, bobs_page
        self.bob = next(person.id for person in ada.state.participants if person.name == "Bob")
        self.bobs_call = bob
        self.got: asyncio.Queue[tuple[FrameHeader, bytes]] = asyncio.Queue()
        self.stopped: list[str] = []
        self.subscriber = Subscriber(
            b"me", lambda header, planes: self.got.put_nowait((header, bytes(planes))), self.stopped.append
        )

    def ask(self, after: int = -1) -> None:
        self.ada.session.gallery.ask(self.bob, self.subscriber, Wish(after))

    async def picture(self) -> int | None:
        """The number that the next picture shows."""
        header, planes = await asyncio.wait_for(self.got.get(), 60)
        return read(unpack(memoryview(planes), header.width, header.height))

    def copy(self, page: Page, codec: str, *numbers: int, first: int = 0) -> None:
        """Ada's page copies frames of Bob with these pictures."""
        for position, frame in enumerate(encoded(codec, list(numbers))):
            for message in messages(
                frame.data,
                participant=self.bob,
                codec=codec,
                keyframe=frame.keyframe,
                number=first + position,
                timestamp=frame.timestamp,
            ):
                page.tap.send(message)


@pytest.fixture
async def room(new_call: MakeCall, server: SignalingServer) -> Room:
    ticket = RoomTicket("physics", server=server.url)
    ada, bob = (new_call(SMALL, name=name, ticket=ticket) for name in ("Ada", "Bob"))
    page, bobs_page = await ada.connected(), await bob.connected()
    await ada.until(lambda: len(ada.state.participants) == 2, "Bob")
    return Room(ada, bob, page, bobs_page)


@pytest.mark.parametrize("codec", ["VP8", "VP9", "AV1", "H264"])
async def test_another_participants_pictures_reach_who_asks(codec: str, room: Room) -> None:
    room.ask()
    await room.ada.until(lambda: room.bob in room.ada.state.wanted, "the page to be told")
    room.copy(room.page, codec, 7, 8, 9)
    assert await room.picture() in (7, 8, 9)

    # Bob sees in his list whose Python receives him
    def receives() -> bool:
        ada = next(p for p in room.bobs_call.state.participants if p.name == "Ada")
        return room.bob in ada.status.receives

    await room.bobs_call.until(receives, "Bob to know")
    figures: Any = await room.ada.session.from_kernel(EngineStatus())
    assert figures["tap"]["participants"][room.bob]["video_frames"] == 3
    assert figures["tap"]["refused_messages"] == 0


async def test_a_frame_larger_than_a_message_and_sound_beside_it_arrive(room: Room) -> None:
    feeds = room.ada.session._tap.add(room.bob)
    sizes: list[int] = []
    feeds["audio"].subscribe(lambda frame: sizes.append(len(frame.data)))
    feeds["video"].subscribe(lambda frame: sizes.append(len(frame.data)))
    picture = b"\x10" + bytes(400_000)
    for message in messages(picture, participant=room.bob, keyframe=True):
        room.page.tap.send(message)
    room.page.tap.send(messages(b"sound", participant=room.bob, codec="opus")[0])
    await room.ada.until(lambda: len(sizes) == 2, "both")
    assert sizes == [len(picture), 5]


async def test_a_keyframe_is_asked_of_the_page(room: Room) -> None:
    room.ask()
    await room.ada.until(lambda: room.page.tap_asked, "the request")
    assert json.loads(room.page.tap_asked[0]) == {"keyframe": room.bob}


async def test_who_waits_is_told_when_somebody_leaves(room: Room) -> None:
    room.ask()
    await room.ada.until(lambda: room.bob in room.ada.state.wanted, "Bob to be wanted")
    room.bobs_page.send(Leave())
    await room.ada.until(lambda: room.stopped, "the end of Bob's pictures")
    assert room.stopped == ["left"]
    await room.ada.until(lambda: room.bob not in room.ada.state.wanted, "Bob to be wanted no more")


async def test_pictures_go_on_over_a_new_link(room: Room) -> None:
    room.ask()
    room.copy(room.page, "VP8", 1)
    assert await room.picture() == 1
    first = room.ada.link
    await room.page.connect()
    await room.ada.until(lambda: room.ada.link is not first and room.ada.link.is_open, "the new link")
    room.ask(1)
    room.copy(room.page, "VP8", 2, first=1)
    assert await room.picture() == 2


async def test_garbage_in_the_taps_channel_harms_nobody(room: Room) -> None:
    for garbage in (b"", b"\x01", b"\xff" * 60_000, "text", messages(b"x", participant="mallory")[0]):
        room.page.tap.send(garbage)
    room.ask()
    room.copy(room.page, "VP8", 5)
    assert await room.picture() == 5
    figures: Any = await room.ada.session.from_kernel(EngineStatus())
    assert figures["tap"]["refused_messages"] == 4  # the text is no message at all


async def test_in_a_room_the_camera_is_wanted_only_while_python_uses_it(room: Room) -> None:
    ada = room.ada
    assert OWN not in ada.state.wanted
    await ada.until(lambda: ada.link.video.feed.frames > 10, "the camera")
    assert ada.link.outgoing.sent == 0, "in a room nothing is sent back without an effect"

    await ada.session.from_kernel(SetVideoEffect("edges"))
    await ada.until(lambda: OWN in ada.state.wanted, "the effect to want the camera")
    ada.show(3)
    await ada.until(lambda: ada.link.outgoing.sent > 0, "the effect's picture")
    await ada.session.from_kernel(SetVideoEffect(None))
    await ada.until(lambda: OWN not in ada.state.wanted, "nobody to want the camera")
    sent, frames = ada.link.outgoing.sent, ada.link.video.feed.frames
    await ada.until(lambda: ada.link.video.feed.frames > frames + 10, "the camera")
    assert ada.link.outgoing.sent == sent


async def test_in_a_solo_call_the_camera_is_always_wanted_and_comes_back(call: Call) -> None:
    await call.connected()
    assert call.state.wanted == (OWN,)
    await call.until(lambda: call.link.outgoing.sent > 3, "the camera's frames to go back")
