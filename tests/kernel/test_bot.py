"""`nbrtc.Bot` as a script has it: real engine processes and the server of this user that they start."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from av import VideoFrame
from matplotlib.figure import Figure
from PIL import Image

import nbrtc
from nbrtc.bridge import Bridge
from tests.browser.server import ServerProcess
from tests.loopback.bots import write_clip
from tests.loopback.pictures import draw, read

ROOM = "script"
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A runtime directory of its own, so that no other test's server is found."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    yield
    Bridge.shared().close()


def until(condition: Callable[[], object], what: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            pytest.fail(f"Waited {PATIENCE_S:.0f} s in vain; {what()}")
        time.sleep(0.02)


def numbered(first: int, count: int) -> Iterator[VideoFrame]:
    for number in range(first, first + count):
        yield draw(number)


def number_of(picture: Any) -> int | None:
    return read(VideoFrame.from_ndarray(picture, format="rgb24"))


def test_two_bots_of_a_script_meet_and_see_each_other() -> None:
    with (
        nbrtc.Bot(room=ROOM, name="Ada", video=numbered(0, 10), fps=20) as ada,
        nbrtc.Bot(room=ROOM, name="Bob", video=lambda: draw(200)) as bob,
    ):
        ada.wait_for("connected")
        bob.wait_for("connected")
        until(lambda: {person.name for person in bob.participants.values()} == {"Ada", "Bob"}, lambda: bob)
        until(lambda: ada.video_status is not None and ada.video_status.is_over, lambda: ada.errors)
        assert number_of(ada.participants["Bob"].snapshot(PATIENCE_S)) == 200
        # the last picture stays, although it was made before Bob looked
        assert number_of(bob.participants["Ada"].snapshot(PATIENCE_S)) == 9
        assert number_of(ada.participants["Ada"].snapshot(PATIENCE_S)) == 9
        until(lambda: bob.participants["Ada"].connection == "connected", lambda: bob.participants)
        assert "is in room 'script' with 1 other; its pictures are over" in repr(ada)
        assert bob.participants["Ada"].is_python
        assert ada.errors == bob.errors == []
        frames = iter(ada.participants["Bob"].frames())
        assert [number_of(next(frames).to_ndarray()) for _ in range(3)] == [200] * 3
        figures = ada.engine_status()
        assert [peer["state"] for peer in figures["peers"].values()] == ["connected"]
        bobs = ada.participants["Bob"].id
        assert ada.stats.expect(bitrate_bps__gt=0, participant=bobs, within_s=PATIENCE_S)
        assert ada.stats.latest[bobs, "receive", "video"].codec == "VP8"
        assert "join" in [event.name for event in ada.stats.source.events(bobs)]
    assert ada.state == bob.state == "closed"
    assert len(ada.stats.to_frame()) > 0, "it can be read when the Bot is closed"
    ada.close()


def note(heard: list[str], word: str, happened: threading.Event) -> Callable[[nbrtc.Participant], None]:
    def callback(person: nbrtc.Participant) -> None:
        heard.append(f"{person.name} {word}")
        happened.set()

    return callback


def test_bots_chat_and_hear_who_comes_and_goes() -> None:
    heard: list[str] = []
    came, went = threading.Event(), threading.Event()
    spoke = threading.Event()
    with nbrtc.Bot(room=ROOM, name="Ada") as ada:
        ada.wait_for("connected")
        for register, word, happened in (
            (ada.on_participant_joined, "came", came),
            (ada.on_participant_left, "went", went),
        ):
            register(note(heard, word, happened))
        ada.on_chat(lambda message: heard.append(f"{message.sender_name}: {message.text}"))
        ada.on_chat(lambda _: spoke.set())
        with nbrtc.Bot(room=ROOM, name="Bob") as bob:
            bob.wait_for("connected")
            assert came.wait(PATIENCE_S)
            bob.chat.send("hello")
            assert spoke.wait(PATIENCE_S)
        assert went.wait(PATIENCE_S)
        assert heard == ["Bob came", "Bob: hello", "Bob went"]
        assert [message.text for message in ada.chat.messages] == ["hello"]


def test_a_generator_that_raises_is_noted_and_the_last_picture_stays() -> None:
    def broken() -> Iterator[Any]:
        yield draw(77)
        yield np.zeros((10, 10), np.uint8)  # no picture: noted, and the generator goes on
        raise ZeroDivisionError("no more")

    with nbrtc.Bot(room=ROOM, name="Ada", video=broken) as ada, nbrtc.Bot(room=ROOM, name="Bob") as bob:
        until(lambda: ada.video_status is not None and ada.video_status.is_over, lambda: ada.errors)
        said = [problem.message for problem in ada.errors]
        assert any("shape (10, 10)" in message for message in said)
        assert any("broken() raised ZeroDivisionError: no more" in message for message in said)
        assert "broken" in ada.errors[-1].traceback
        until(lambda: len(bob.participants) == 2, lambda: bob)
        assert number_of(bob.participants["Ada"].snapshot(PATIENCE_S)) == 77


def test_files_and_samples_are_played_and_the_wav_goes_with_the_bot(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.webm", 0.4, fps=10)
    times_s = np.arange(8000) / 16_000
    sound = (np.sin(2 * np.pi * 300 * times_s).astype(np.float32), 16_000)
    with nbrtc.Bot(room=ROOM, name="Ada", video=clip, audio=sound, size=(320, 240)) as ada:
        folder = Path(ada._side.opening(0).audio or "").parent
        assert (folder / "sound.wav").exists()
        with nbrtc.Bot(room=ROOM, name="Bob") as bob:
            until(lambda: len(bob.participants) == 2, lambda: bob)
            picture = bob.participants["Ada"].snapshot(PATIENCE_S)
            assert picture.shape == (240, 320, 3)
            assert number_of(picture) in range(4)
            peer = next(iter(bob.engine_status()["peers"]))
            until(lambda: bob.engine_status()["peers"][peer]["audio_frames"] > 20, bob.engine_status)
        assert ada.errors == []
    assert not folder.exists()


def test_what_a_call_may_show_a_bot_may_too(tmp_path: Path) -> None:
    figure = Figure(figsize=(3.2, 2.4), dpi=100, facecolor="lime")
    picture = tmp_path / "blue.png"
    Image.new("RGB", (64, 48), (0, 0, 255)).save(picture)
    turned = nbrtc.VideoSource(lambda: draw(5), fps=5, size=(160, 120))
    with (
        nbrtc.Bot(room=ROOM, name="Ada", video=figure) as ada,
        nbrtc.Bot(room=ROOM, name="Bob", video=picture) as bob,
        nbrtc.Bot(room=ROOM, name="Carol", video=turned) as carol,
    ):
        bots = (ada, bob, carol)
        assert [bot._side.opening(0).fps for bot in bots] == [10, 30, 5]
        until(lambda: all(len(bot.participants) == 3 for bot in bots), lambda: bots)
        chart = carol.participants["Ada"].snapshot(PATIENCE_S)
        assert chart.shape == (240, 320, 3)
        assert np.abs(chart[120, 160].astype(int) - (0, 255, 0)).max() < 24
        still = ada.participants["Bob"].snapshot(PATIENCE_S)
        assert still.shape == (48, 64, 3)
        assert np.abs(still[24, 32].astype(int) - (0, 0, 255)).max() < 24
        small = bob.participants["Carol"].snapshot(PATIENCE_S)
        assert small.shape == (120, 160, 3)
        assert [bot.errors for bot in bots] == [[], [], []]


def test_a_lost_engine_brings_the_bots_back_with_their_pictures() -> None:
    with (
        nbrtc.Bot(room=ROOM, name="Ada", video=[draw(33)]) as ada,
        nbrtc.Bot(room=ROOM, name="Bob", video=lambda: draw(44)) as bob,
    ):
        until(lambda: ada.video_status is not None and ada.video_status.is_over, lambda: ada.errors)
        bob.wait_for("connected")
        psutil.Process(Bridge.shared().engine_pid).kill()
        ada.wait_for("failed", PATIENCE_S)
        ada.wait_for("connected", PATIENCE_S)
        until(lambda: len(ada.participants) == 2, lambda: ada.participants)
        assert number_of(ada.participants["Bob"].snapshot(PATIENCE_S)) == 44
        assert number_of(bob.participants["Ada"].snapshot(PATIENCE_S)) == 33
        assert [problem.code for problem in ada.errors] == ["engine"]


def test_a_refusal_is_raised_by_whoever_waits() -> None:
    with nbrtc.Bot(room=ROOM, passcode="sesame") as ada:
        ada.wait_for("connected")
        invitation = ada.invite_url
        with nbrtc.Bot(room=invitation, name="Guest") as guest:
            guest.wait_for("connected")
        with nbrtc.Bot(room=invitation.replace(f"/r/{ROOM}", "/r/other")) as bob:
            with pytest.raises(nbrtc.RoomError) as refused:
                bob.wait_for("connected", PATIENCE_S)
            assert refused.value.reason == "not-allowed"
            assert bob.errors[0].code == "room/not-allowed"
            assert "token=" not in repr(bob)
        assert "sesame" not in repr(ada) + str(ada._side.opening(0))


def test_who_left_can_join_again() -> None:
    with nbrtc.Bot(room=ROOM) as bot:
        bot.wait_for("connected")
        bot.leave()
        assert bot.state == "idle"
        bot.join()
        bot.wait_for("connected")
    with pytest.raises(nbrtc.CallError, match="closed"):
        bot.join()


def test_a_bot_that_is_dropped_stays_until_nbrtc_ends() -> None:
    nbrtc.Bot(room=ROOM, name="Ghost")
    with nbrtc.Bot(room=ROOM, name="Ada") as ada:
        until(lambda: {person.name for person in ada.participants.values()} == {"Ada", "Ghost"}, lambda: ada)


def test_bots_that_are_closed_just_before_the_end_have_left_and_their_engine_ends_by_itself(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path)
    try:
        bots = [nbrtc.Bot(room=ROOM, name=name, server=server.url) for name in ("Ada", "Bob")]
        for bot in bots:
            bot.wait_for("connected")
        bridge = Bridge.shared()
        assert bridge._process is not None
        engine = bridge._process
        for bot in bots:
            bot.close()
        bridge.close()
        assert engine.ended == "ended with exit code 0"
        assert server.health()["users"] == 0
    finally:
        server.close()
