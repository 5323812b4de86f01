"""Participants of one room, with a real server: what they hear of each other, whatever happens between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from nbrtc.errors import RoomError
from nbrtc.messages import ParticipantStatus, PeerSignal, RoomSettings, SessionDescription
from nbrtc.signaling import client, membership, sockets
from nbrtc.signaling.client import ServerAddress
from nbrtc.signaling.limits import Rate, Rates
from tests.loopback.rooms import Hall, nowhere, refusal, until


@pytest.fixture
async def hall(request: pytest.FixtureRequest) -> AsyncIterator[Hall]:
    hall = Hall(**getattr(request, "param", {}))
    await hall.open()
    yield hall
    await hall.close()


# --- coming and going


async def test_two_people_meet(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")

    assert ada.ear.joined == ["Bob"]
    assert bob.ear.joined == []
    assert [(one.name, one.is_you, one.is_creator, one.protocol) for one in bob.ear.participants] == [
        ("Ada", False, True, 1),
        ("Bob", True, False, 1),
    ]
    assert bob.who("Ada").order < bob.who("Bob").order
    assert ada.who("Bob").id == bob.me
    assert ada.room.phase == "joined"
    assert (ada.room.id, ada.room.capacity, ada.room.server) == ("physics", 10, hall.url)
    assert ada.room.invite_url.startswith(f"{hall.url}/r/physics#token=")
    assert ada.ear.phases == ["joining", "joined"]
    assert [seat for seat, token in ada.ear.seats if token] == [ada.me]


async def test_a_bot_is_marked(hall: Hall) -> None:
    bot = hall.member("Bot", is_python=True)
    await bot.join()

    assert bot.who("Bot").is_python


async def test_leaving_is_heard_at_once_and_may_be_said_twice(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    earlier = bob.me
    await bob.leave()
    await bob.leave()
    await until(lambda: ada.ear.left, "Bob to be gone")

    assert ada.ear.left == [("Bob", "left")]
    assert ada.ear.names == ["Ada"]
    assert (bob.room.phase, bob.room.me, bob.ear.participants) == ("outside", "", ())
    assert bob.ear.seats[-1] == (earlier, None)

    await bob.join()
    await until(lambda: ada.sees("Ada", "Bob"))
    assert bob.me != earlier


async def test_joining_twice_is_refused_and_harms_nothing(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    with pytest.raises(RoomError, match="already"):
        await ada.join()

    assert ada.room.phase == "joined"
    assert bob.ear.left == []


@pytest.mark.parametrize("hall", [{"capacity": 2}], indirect=True)
async def test_a_full_room_says_so_in_words(hall: Hall) -> None:
    await hall.joined("Ada", "Bob")
    error = await refusal(hall.member("Cleo"))

    assert error.reason == "room-full"
    assert str(error) == 'The room "physics" is full (2 of 2).'


async def test_a_passcode_is_asked_for(hall: Hall) -> None:
    ada = hall.member("Ada", passcode="secret")
    await ada.join()

    assert (await refusal(hall.member("Bob"))).reason == "wrong-passcode"
    assert (await refusal(hall.member("Bob", passcode="guess"))).reason == "wrong-passcode"
    assert (await refusal(hall.member("Bob", passcode="guess" * 100))).reason == "too-large"
    error = await refusal(hall.member("Bob", passcode="guess" * 20_000))
    assert (error.reason, "guess" in str(error)) == ("too-large", False)
    bob = hall.member("Bob", passcode="secret")
    await bob.join()
    assert bob.sees("Ada", "Bob")


async def test_an_invitation_to_a_room_that_is_gone_says_so(hall: Hall) -> None:
    error = await refusal(hall.member("Bob", must_exist=True))

    assert error.reason == "room-not-found"
    assert "physics" in str(error)


async def test_a_refused_participant_may_try_again(hall: Hall) -> None:
    bob = hall.member("Bob", must_exist=True)
    await refusal(bob)
    await hall.joined("Ada")
    await bob.join()

    assert bob.ear.phases == ["joining", "refused", "joining", "joined"]


async def test_a_server_that_is_not_there_is_tried_for_a_while(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "JOIN_S", 0.5)
    await hall.shut()
    error = await refusal(hall.member("Ada"))

    assert error.reason == "unreachable"
    assert hall.url in str(error)


@pytest.mark.parametrize("hall", [{"max_clients_per_address": 1}], indirect=True)
async def test_a_server_without_room_for_more_connections_says_so(hall: Hall) -> None:
    await hall.joined("Ada")

    assert (await refusal(hall.member("Bob"))).reason == "server-full"


async def test_what_is_no_room_server_is_called_so(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "JOIN_S", 0.1)
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = ServerAddress(f"http://127.0.0.1:{runner.addresses[0][1]}")

    async def find() -> ServerAddress:
        return address

    error = await refusal(hall.member("Ada", find_server=find))
    await runner.cleanup()
    assert error.reason == "unreachable"
    assert "no room server" in str(error)
    assert "404" in str(error)


async def test_a_certificate_that_nobody_trusts_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "JOIN_S", 0.1)
    hall = Hall(certificate=self_signed(tmp_path / "server.pem"))
    await hall.open()

    async def find() -> ServerAddress:
        return ServerAddress(f"https://127.0.0.1:{hall.port}")

    error = await refusal(hall.member("Ada", find_server=find))
    await hall.close()
    assert error.reason == "unreachable"
    assert "certificate" in str(error)


def self_signed(path: Path) -> Path:
    """A PEM file with a certificate of nobody's, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    return path


async def test_a_server_that_comes_late_is_found(hall: Hall) -> None:
    await hall.shut()
    ada = hall.member("Ada")
    joining = asyncio.create_task(ada.join())
    await until(lambda: ada.room.phase == "joining")
    await hall.open()
    await joining

    assert ada.sees("Ada")


async def test_leaving_while_joining_ends_the_attempt(hall: Hall) -> None:
    await hall.shut()
    ada = hall.member("Ada")
    joining = asyncio.create_task(ada.join())
    await until(lambda: ada.room.phase == "joining")
    await ada.leave()

    with pytest.raises(RoomError, match="left while joining"):
        await joining
    assert ada.room.phase == "outside"


async def test_a_cancelled_join_leaves_nothing_behind(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    wire = await hall.wire()
    wire.stall()
    cleo = hall.member("Cleo", wire=wire)
    joining = asyncio.create_task(cleo.join())
    await until(lambda: cleo.room.phase == "joining")
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining

    assert cleo.room.phase == "outside"
    assert ada.sees("Ada", "Bob")
    assert bob.ear.joined == []


# --- what they say to each other


async def test_signals_reach_one_peer_in_order_with_sender_and_generation(hall: Hall) -> None:
    ada, bob, cleo = await hall.joined("Ada", "Bob", "Cleo")
    ada.send_offer(bob.me, "v=0 of Ada", generation=3)
    for number in range(100):
        ada.send_candidate(bob.me, f"candidate:{number}", generation=3)
    answer = SessionDescription(type="answer", sdp="v=0 of Bob")
    bob.signal(PeerSignal(peer=ada.me, generation=3, description=answer))
    await until(lambda: len(bob.ear.signals) == 101 and ada.ear.signals, "the signals")

    offer = SessionDescription(type="offer", sdp="v=0 of Ada")
    assert bob.ear.signals[0] == PeerSignal(peer=ada.me, generation=3, description=offer)
    assert bob.ear.candidates == [f"candidate:{number}" for number in range(100)]
    assert ada.ear.signals == [PeerSignal(peer=bob.me, generation=3, description=answer)]
    assert cleo.ear.signals == []


async def test_the_end_of_candidates_travels(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    ada.send_candidate(bob.me, "")
    await until(lambda: bob.ear.candidates == [""])


async def test_signals_to_nobody_are_dropped(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    ada.send_candidate("nobody", "candidate:1")
    ada.send_candidate(ada.me, "candidate:2")
    ada.send_candidate(bob.me, "candidate:3")
    await until(lambda: bob.ear.candidates == ["candidate:3"])

    assert len(ada._outbox) <= 1


@pytest.mark.parametrize("hall", [{"rates": Rates(candidate_of_pair=Rate(5, 0.5))}], indirect=True)
async def test_whoever_is_told_to_slow_down_does_and_loses_nothing(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LIMITED_S", 0.5)
    ada, bob = await hall.joined("Ada", "Bob")
    for number in range(12):
        ada.send_candidate(bob.me, f"candidate:{number}")
    await until(lambda: len(bob.ear.candidates) == 12, "all candidates")

    assert bob.ear.candidates == [f"candidate:{number}" for number in range(12)]


async def test_chat_reaches_everybody_or_one_and_those_who_come_later(hall: Hall) -> None:
    ada, bob, cleo = await hall.joined("Ada", "Bob", "Cleo")
    said = await ada.chat("hello <b>everybody</b>")
    await ada.chat("only for Bob", to=bob.me)
    await until(lambda: len(bob.ear.chat) == 2 and cleo.ear.chat, "the messages")

    assert (said.sender, said.sender_name, said.to) == (ada.me, "Ada", None)
    assert bob.ear.texts == ["hello <b>everybody</b>", "only for Bob"]
    assert bob.ear.chat[1].to == bob.me
    assert cleo.ear.chat == [said]
    assert ada.ear.texts == ["hello <b>everybody</b>", "only for Bob"]

    dan = hall.member("Dan")
    await dan.join()
    assert dan.ear.chat == [said]


@pytest.mark.parametrize(
    ("text", "to", "reason"),
    [
        ("", None, "invalid"),
        ("x" * 5000, None, "too-large"),
        ("ü" * 60_000, None, "too-large"),
        ("\ud800", None, "invalid"),
        ("hi", "nobody", "no-such-participant"),
    ],
    ids=["empty", "long", "more-than-a-packet", "half-a-character", "nobody"],
)
async def test_a_message_that_is_refused_says_why(hall: Hall, text: str, to: str | None, reason: str) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    with pytest.raises(RoomError) as caught:
        await ada.chat(text, to)

    assert caught.value.reason == reason
    await ada.chat("still here")
    await until(lambda: bob.ear.texts == ["still here"])


async def test_a_room_may_forbid_chat(hall: Hall) -> None:
    ada, _ = await hall.joined("Ada", "Bob", settings=RoomSettings(chat=False))
    with pytest.raises(RoomError, match="chat"):
        await ada.chat("hello")
    assert not ada.room.settings.chat


async def test_chat_outside_a_room_says_so(hall: Hall) -> None:
    with pytest.raises(RoomError) as caught:
        await hall.member("Ada").chat("hello")
    assert caught.value.reason == "not-in-room"


async def test_the_latest_status_wins_and_late_comers_see_it(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    for number in range(30):
        ada.set_status(ParticipantStatus(muted=number % 2 == 0, video_off=True))
    await until(lambda: bob.who("Ada").status.video_off and not bob.who("Ada").status.muted)
    assert ada.who("Ada").status == ParticipantStatus(video_off=True)

    ada.set_status(ParticipantStatus(screen_sharing=True, receives=(bob.me,)))
    await until(lambda: bob.who("Ada").status.screen_sharing)
    cleo = hall.member("Cleo")
    await cleo.join()
    assert cleo.who("Ada").status == ParticipantStatus(screen_sharing=True, receives=(bob.me,))


async def test_a_status_from_before_joining_is_told(hall: Hall) -> None:
    ada = hall.member("Ada")
    ada.set_status(ParticipantStatus(video_off=True))
    await ada.join()
    bob = hall.member("Bob")
    await bob.join()

    assert bob.who("Ada").status.video_off


async def test_whoever_comes_late_sees_who_records_and_is_heard_to_have_seen_it(hall: Hall) -> None:
    (ada,) = await hall.joined("Ada")
    ada.set_status(ParticipantStatus(recording=True, recording_id="tape"))
    bob = hall.member("Bob")
    bob.set_status(ParticipantStatus(acknowledges=("film",)))
    await bob.join()
    assert bob.who("Ada").status.recording_id == "tape", "with the answer to joining"

    bob.set_status(ParticipantStatus(acknowledges=("tape",)))
    await until(lambda: ada.who("Bob").status.acknowledges == ("tape",), "Bob's word")
    cleo = hall.member("Cleo")
    await cleo.join()
    assert cleo.who("Bob").status.acknowledges == ("tape",)


async def test_a_room_that_forbids_recording_tells_nobody_of_one(
    hall: Hall, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = await hall.joined("Ada", "Bob", settings=RoomSettings(recording=False))
    ada.set_status(ParticipantStatus(recording=True, recording_id="tape"))
    await until(lambda: "Recording is not allowed" in caplog.text, "the refusal")
    ada.set_status(ParticipantStatus(muted=True))
    await until(lambda: bob.who("Ada").status.muted)
    assert bob.who("Ada").status == ParticipantStatus(muted=True)


# --- lost connections


async def test_a_cut_connection_is_mended_without_anybody_leaving(hall: Hall) -> None:
    wire = await hall.wire()
    ada, bob = hall.member("Ada", wire=wire), hall.member("Bob")
    await ada.join()
    await bob.join()
    me, order = ada.me, bob.who("Ada").order
    token = ada.ear.seats[-1][1]
    wire.cut()
    await until(lambda: ada.room.phase == "reconnecting")
    assert ada.ear.names == ["Ada", "Bob"]
    ada.send_candidate(bob.me, "candidate:while away")
    ada.set_status(ParticipantStatus(muted=True))
    bob.send_candidate(me, "candidate:to the absent")
    await until(lambda: ada.room.phase == "joined", "Ada to be back")
    await until(lambda: bob.ear.candidates and ada.ear.candidates and bob.who("Ada").status.muted)
    await until(lambda: bob.who("Ada").is_connected)

    assert (ada.me, bob.who("Ada").order) == (me, order)
    assert bob.ear.candidates == ["candidate:while away"]
    assert ada.ear.candidates == ["candidate:to the absent"]
    assert (bob.ear.left, bob.ear.joined, ada.ear.left, ada.ear.joined) == ([], [], [], ["Bob"])
    assert ada.ear.seats[-1][1] not in (None, token)


async def test_chat_while_away_is_refused_and_what_others_wrote_is_there_afterwards(hall: Hall) -> None:
    wire = await hall.wire()
    ada, bob = hall.member("Ada", wire=wire), hall.member("Bob")
    await ada.join()
    await bob.join()
    await bob.chat("before")
    wire.stall()
    wire.cut()
    await until(lambda: ada.room.phase == "reconnecting")
    with pytest.raises(RoomError) as caught:
        await ada.chat("hello?")
    assert caught.value.reason == "unreachable"
    await bob.chat("while you were away")
    wire.resume()
    await until(lambda: len(ada.ear.chat) == 2, "the missed message")

    assert ada.ear.texts == ["before", "while you were away"]


async def test_a_connection_that_has_died_silently_is_noticed(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PING_S", 1.0)
    await hall.shut()
    await hall.open()
    wire = await hall.wire()
    ada = hall.member("Ada", wire=wire)
    await ada.join()
    wire.stall()
    await until(lambda: ada.room.phase == "reconnecting", "the silence to be noticed", s=30)
    wire.cut()
    wire.resume()
    await until(lambda: ada.room.phase == "joined", "Ada to be back")


async def test_a_signal_that_is_not_confirmed_is_sent_again(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ACK_S", 0.3)
    wire = await hall.wire()
    ada, bob = hall.member("Ada", wire=wire), hall.member("Bob")
    await ada.join()
    await bob.join()
    wire.stall()
    ada.send_offer(bob.me, "v=0")
    await until(lambda: ada.room.phase == "reconnecting", "the silence to be noticed", s=30)
    wire.cut()
    wire.resume()
    await until(lambda: bob.ear.signals, "the offer")
    assert bob.ear.left == []


async def test_a_server_that_restarts_finds_the_room_as_it_was(hall: Hall) -> None:
    settings = RoomSettings(chat=True, recording=False)
    ada, bob, cleo = await hall.joined("Ada", "Bob", "Cleo", passcode="secret", capacity=4, settings=settings)
    ids = {member.me for member in (ada, bob, cleo)}
    ada.set_status(ParticipantStatus(muted=True, receives=(bob.me, cleo.me)))
    await until(lambda: bob.who("Ada").status.muted)
    await hall.shut()
    await until(lambda: all(one.room.phase == "reconnecting" for one in (ada, bob, cleo)))
    ada.send_candidate(bob.me, "candidate:during the outage")
    ada.send_candidate(cleo.me, "candidate:during the outage")
    await hall.open()
    await until(lambda: all(one.sees("Ada", "Bob", "Cleo") for one in (ada, bob, cleo)), "everybody")
    await until(lambda: bob.ear.candidates and cleo.ear.candidates, "the kept signals")
    await until(lambda: bob.who("Ada").status.receives == (bob.me, cleo.me), "Ada's status")

    assert {one.id for one in ada.ear.participants} == ids
    for member in (ada, bob, cleo):
        assert member.ear.left == []
        assert (member.room.capacity, member.room.settings) == (4, settings)
    assert ada.ear.joined == ["Bob", "Cleo"]
    assert (await refusal(hall.member("Eve"))).reason == "wrong-passcode"


async def test_an_invitation_that_a_restarted_server_did_not_sign_costs_nobody_the_call(hall: Hall) -> None:
    (ada,) = await hall.joined("Ada")
    token = ada.room.invite_url.partition("#token=")[2]
    bob = hall.member("Bob", token=token, must_exist=True)
    await bob.join()
    await hall.shut()
    await until(lambda: bob.room.phase == "reconnecting")
    await hall.open()  # with another secret
    await until(lambda: ada.sees("Ada", "Bob") and bob.sees("Ada", "Bob"), "both to be back")

    assert (ada.ear.left, bob.ear.left) == ([], [])
    assert (await refusal(hall.member("Eve", token=token))).reason == "not-allowed"


async def test_whoever_does_not_come_back_has_left_after_a_while(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "ABSENT_S", 0.5)
    wire = await hall.wire()
    ada, bob = hall.member("Ada"), hall.member("Bob", wire=wire)
    await ada.join()
    await bob.join()
    wire.stall()
    await hall.shut()
    await hall.open()
    await until(lambda: ada.room.phase == "joined" and not ada.who("Bob").is_connected)
    ada.send_candidate(bob.me, "candidate:1")
    await until(lambda: ada.ear.left == [("Bob", "lost")], "Bob to be given up")

    assert ada.ear.names == ["Ada"]
    assert len(ada._outbox) == 0


async def test_a_room_that_became_anothers_meanwhile_refuses_in_words(hall: Hall) -> None:
    (ada,) = await hall.joined("Ada", passcode="secret")
    seat = ada.me
    await hall.shut()
    await until(lambda: ada.room.phase == "reconnecting")
    find, ada._find_server = ada._find_server, nowhere
    await hall.open()
    eve = hall.member("Eve", passcode="other")
    await eve.join()
    ada._find_server = find
    await until(lambda: ada.room.phase == "refused", "the refusal")

    assert ada.room.code == "wrong-passcode"
    assert "physics" in ada.room.reason
    assert ada.ear.participants == ()
    assert ada.ear.seats[-1] == (seat, None)


async def test_leaving_while_away_is_quick(hall: Hall) -> None:
    (ada,) = await hall.joined("Ada")
    await hall.shut()
    await until(lambda: ada.room.phase == "reconnecting")
    async with asyncio.timeout(20):  # it would be tried for a minute
        await ada.close()

    assert ada.room.phase == "outside"
