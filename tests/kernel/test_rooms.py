"""Two calls of one kernel in a room, over the server that needs no setting up; their pages only offer."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.kernel.kernel import Kernel, Page, started_kernel

PASSCODE = "s3cret-passcode"


async def offer() -> str:
    """A description as a page's; nobody will answer on its addresses any more."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio", direction="sendrecv")
    connection.addTransceiver("video", direction="sendrecv")
    connection.createDataChannel("control", negotiated=True, id=0)
    await connection.setLocalDescription(await connection.createOffer())
    sdp = connection.localDescription.sdp
    await connection.close()
    return sdp


class Caller(Page):
    """A page that clicks."""

    generation = 0

    def click(self) -> None:
        self.generation += 1
        body = {"id": uuid.uuid4().hex, "generation": self.generation, "sdp": asyncio.run(offer())}
        self.send({"type": "offer", **body, "takeOver": False})


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel with Alice's and Bob's call, not joined yet."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir(mode=0o700)
    with started_kernel(tmp_path) as kernel:
        kernel.run(
            f"call = alice = nbrtc.Call(room='physics-101', name='Alice', passcode={PASSCODE!r})\n"
            f"bob = nbrtc.Call(room='physics-101', name='Bob', passcode={PASSCODE!r})\n"
            "heard = []\n"
            "bob.on_chat(lambda message: heard.append(message.text))\n"
            "alice.on_participant_joined(lambda person: heard.append(f'{person.name} came'))\n"
            "alice.on_participant_left(lambda person: heard.append(f'{person.name} left'))"
        )
        yield kernel


def becomes(kernel: Kernel, expression: str) -> None:
    """Wait until an expression is true in the kernel, which looks for itself."""
    kernel.run(
        "import time\nlimit_s = time.monotonic() + 20\n"
        f"while not ({expression}):\n"
        "    if time.monotonic() > limit_s: raise TimeoutError([alice, bob, alice.errors, bob.errors])\n"
        "    time.sleep(0.1)"
    )


def test_alice_and_bob_meet_talk_and_part(room: Kernel) -> None:
    alice, bob = Caller(room, "alice"), Caller(room, "bob")
    assert room.value("(alice.room.phase, list(alice.participants))") == ("outside", ["you"])
    alice.click()
    becomes(room, "alice.room.phase == 'joined'")
    bob.click()
    becomes(room, "len(alice.participants) == 2 and len(bob.participants) == 2")

    assert room.value("[person.name for person in alice.participants.values()]") == ["Alice", "Bob"]
    assert room.value("(alice.participants['Bob'].is_you, bob.participants['Bob'].is_you)") == (False, True)
    said = room.value("(said := alice.chat.send('hello'), said.text, said.sender_name)[1:]")
    assert said == ("hello", "Alice")
    room.run("bob.chat.send('psst', to='Alice')")
    becomes(room, "'hello' in heard")
    becomes(room, "len(alice.chat.messages) == 2")
    assert room.value("[message.to for message in alice.chat.messages] == [None, alice.room._info.me]")
    assert room.value("list(alice.chat.messages.to_frame()['text'])") == ["hello", "psst"]

    room.run("bob.leave()")
    becomes(room, "'Bob left' in heard")
    assert room.value("heard") == ["Bob came", "hello", "Bob left"]
    assert room.value("alice.errors + bob.errors") == []


def test_nothing_secret_is_shown_or_saved(room: Kernel) -> None:
    Caller(room, "alice").click()
    becomes(room, "alice.room.phase == 'joined'")

    url = room.value("alice.invite_url")
    assert "/r/physics-101#token=" in url
    token = url.partition("token=")[2]
    shown = room.value("repr((alice, alice.room, alice.participants, alice.chat, alice.get_state()))")
    poster = room.run("alice").bundles[-1]
    opened = [m["content"] for m in room.comm_messages if m["msg_type"] != "comm_msg"]
    for secret in (token, PASSCODE):
        assert secret not in shown
        assert secret not in str(poster)
        assert secret not in str(opened)
    assert "physics-101" in poster["text/html"]


def test_after_a_crash_the_page_has_its_seat_again(room: Kernel) -> None:
    alice, bob = Caller(room, "alice"), Caller(room, "bob")
    alice.click()
    bob.click()
    becomes(room, "len(alice.participants) == 2 and len(bob.participants) == 2")
    ids = room.value("list(alice.participants)")
    room.run("heard.clear()")

    room.engine().kill()
    becomes(room, "alice.room.phase == 'reconnecting' and bob.room.phase == 'reconnecting'")
    alice.click()
    bob.click()
    becomes(room, "alice.room.phase == bob.room.phase == 'joined'")
    becomes(room, "len(alice.participants) == 2 and len(bob.participants) == 2")

    assert sorted(room.value("list(alice.participants)")) == sorted(ids)
    assert room.value("[line for line in heard if 'came' in line or 'left' in line]") == []
