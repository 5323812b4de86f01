"""The kernel's side of a call, with a bridge that only writes down what it is told."""

import json
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from nbrtc.audio_effect import AudioEffect
from nbrtc.bridge import Bridge
from nbrtc.effect import VideoEffect
from nbrtc.errors import CallError, EngineError, RecordingError
from nbrtc.kernel_side import KernelSide
from nbrtc.messages import (
    QUALITIES,
    CallState,
    ChangeCodec,
    ChangeIce,
    ChangeStatsInterval,
    ChatArrived,
    ChatMessage,
    Effect,
    EventArrived,
    IceOptions,
    IceServerSource,
    OpenCall,
    PageMessage,
    Participant,
    Phase,
    Problem,
    Quality,
    Record,
    RecordingStatus,
    Report,
    RoomInfo,
    RoomTicket,
    SetVideoEffect,
    SetVideoSource,
    StateChanged,
    StatsArrived,
    StatsEvent,
    StatsSample,
    StopRecord,
    TicketChanged,
    Verb,
    encode_bridge,
)
from nbrtc.recordings import manifest

LOW, HIGH = QUALITIES["low"], QUALITIES["high"]


class Wire:
    """A bridge without an engine."""

    def __init__(self) -> None:
        self.verbs: list[Verb] = []
        self.clients: list[KernelSide] = []
        self.from_pages: list[tuple[str, str]] = []
        self.value: Any = None
        self.failure: Exception | None = None

    def register(self, client: KernelSide) -> None:
        self.clients.append(client)

    def unregister(self, client: KernelSide, _reason: str) -> None:
        self.clients.remove(client)

    def from_page(self, _call: str, page: str, body: str) -> None:
        self._fail()
        self.from_pages.append((page, body))

    def request(self, call: str, verb: Verb, timeout_s: float = 10.0) -> msgspec.Raw:
        return self.send(call, verb).result(timeout_s)

    def send(self, _call: str, verb: Verb) -> "Future[msgspec.Raw]":
        self._fail()
        self.verbs.append(verb)
        future: Future[msgspec.Raw] = Future()
        future.set_result(msgspec.Raw(encode_bridge(self.value)))
        return future

    def frames_socket(self, _timeout_s: float) -> None:
        raise EngineError("nbrtc was closed.")

    epoch = 0
    engine_pid: int | None = 1

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class Told(list[tuple[str | None, dict[str, Any]]]):
    """What the pages were told."""

    def send(self, page: str | None, body: str) -> None:
        self.append((page, json.loads(body)))


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def side(wire: Wire, told: Told) -> KernelSide:
    opening = OpenCall(call="call", name="Ada", quality=LOW, folder="/", epoch=0)
    side = KernelSide(cast(Bridge, wire), opening, told.send)
    side.open()
    return side


def state(phase: Phase, revision: int = 1, **fields: Any) -> StateChanged:
    return StateChanged(call="call", state=CallState(quality=LOW, phase=phase, revision=revision, **fields))


def test_an_audio_effect_runs_when_the_engine_knows_it_and_not_on_its_predecessors_blocks(
    side: KernelSide, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[tuple[object, int]] = []
    monkeypatch.setattr(side.audio_effect, "use", lambda effect: used.append((effect, len(wire.verbs))))
    effect = AudioEffect.of(lambda sound: sound)
    side.use_audio_effect(effect)
    assert used == [(None, 0), (effect, 1)]
    wire.failure = EngineError("It went.")
    with pytest.raises(EngineError):
        side.use_audio_effect(effect)
    assert used[2:] == [(None, 1), (effect, 1)], "the next engine is told of it"
    monkeypatch.undo()


def test_a_video_effect_that_hangs_is_looked_for_with_each_sample_and_said_once(
    side: KernelSide, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    effect = VideoEffect.of(lambda frame: frame, on_late="pass")
    monkeypatch.setattr(side.effect, "look", lambda: side._effect_stuck(effect, 4.4, "in <lambda>"))
    for second in range(2):
        sample = StatsSample(time_s=second, peer="you", generation=1, reports=())
        side.on_notification(StatsArrived(call="call", sample=sample))
    (problem,) = side.problems.items()
    assert (problem.code, problem.count, problem.traceback) == ("video-effect", 2, "in <lambda>")
    assert problem.message.startswith("<lambda>() has been working on one frame for 4 s")
    (report,) = [verb for verb in wire.verbs if isinstance(verb, Report)]
    assert "Meanwhile the camera's own picture is shown" in report.notice.text


def test_what_no_engine_can_be_told_changes_nothing(side: KernelSide, wire: Wire) -> None:
    before = side.opening(1)
    with pytest.raises(TypeError, match="type object cannot be sent"):
        side.change_ice((cast(IceServerSource, object()),), IceOptions())
    assert side.opening(1) == before
    assert wire.verbs == []


def test_a_call_that_no_engine_can_be_told_of_is_refused_and_keeps_none_from_starting() -> None:
    bridge = Bridge()
    opening = OpenCall(call="call", name=cast(str, object()), quality=LOW, folder="/", epoch=0)
    with pytest.raises(TypeError, match="type object cannot be sent"):
        KernelSide(bridge, opening, Told().send).open()
    assert (bridge.engine_pid, bridge._clients) == (None, {})
    bridge.close()


def test_an_audio_effect_that_hangs_is_said_once(side: KernelSide, wire: Wire) -> None:
    effect = AudioEffect.of(lambda sound: sound)
    for seconds in (1.2, 2.2):
        side._audio_effect_stuck(effect, seconds)
    (problem,) = side.problems.items()
    assert (problem.code, problem.count) == ("audio-effect", 2)
    assert "<lambda>() has been working on 20 ms of sound for 2 s" in problem.message
    (report,) = [verb for verb in wire.verbs if isinstance(verb, Report)]
    assert "The others hear silence" in report.notice.text


def test_the_next_engine_is_told_all_that_was_asked_of_the_last(side: KernelSide, wire: Wire) -> None:
    side.change_quality(HIGH)
    side.use_effect(VideoEffect.of(lambda frame: frame))

    opening = side.opening(3)

    assert (opening.epoch, opening.name) == (3, "Ada")
    assert opening.quality == HIGH
    assert opening.video_effect == SetVideoEffect(name="<lambda>()", number=1)
    side.use_effect(None)
    assert side.opening(4).video_effect is None
    assert wire.verbs[-1] == SetVideoEffect(name=None)


def test_what_was_asked_of_an_engine_that_just_went_is_not_forgotten(side: KernelSide, wire: Wire) -> None:
    wire.failure = EngineError("gone")

    with pytest.raises(EngineError):
        side.change_quality(HIGH)

    assert side.opening(1).quality == HIGH


def test_a_page_is_heard_and_told_without_a_look_inside(side: KernelSide, wire: Wire, told: Told) -> None:
    side.from_page({"page": "p", "body": "anything"})
    side.on_notification(PageMessage(call="call", page="p", body='{"any": "thing"}'))

    assert wire.from_pages == [("p", "anything")]
    assert told == [("p", {"any": "thing"})]


def test_a_page_hears_that_no_engine_could_be_started(side: KernelSide, wire: Wire, told: Told) -> None:
    wire.failure = EngineError("The disk is full.")

    side.from_page({"page": "p", "body": "{}"})

    assert told == [("p", {"type": "notice", "key": "engine", "level": "error", "text": "The disk is full."})]


def test_a_lost_engine_is_said_to_pages_errors_state_and_recording(
    side: KernelSide, wire: Wire, told: Told
) -> None:
    wire.value = RecordingStatus(id="1", path="/a.mkv", state="recording", started_at_s=0)
    recording = side.record("a.mkv")
    wire.engine_pid = None
    side.on_notification(state("connected", camera_on=True))

    side.on_engine_lost("The engine was killed.")

    assert [(to, event["type"]) for to, event in told] == [(None, "bye"), (None, "state")]
    assert (told[0][1]["code"], told[0][1]["recover"]) == ("lost", True)
    assert (told[1][1]["phase"], told[1][1]["cameraOn"]) == ("failed", False)
    assert [problem.message for problem in side.problems.items()] == ["The engine was killed."]
    assert side.mirror.state.reason == "The engine was killed."
    assert recording.state == "failed"


def test_a_recording_follows_the_state_and_its_path_is_below_the_notebook(
    side: KernelSide, wire: Wire
) -> None:
    wire.value = RecordingStatus(id="1", path="a.mkv", state="recording", started_at_s=0)
    recording = side.record("a.mkv", ["Bob"], "pip")

    side.on_notification(state("connected", recording=msgspec.structs.replace(wire.value, duration_s=3.0)))
    assert recording.duration_s == 3.0

    wire.failure = EngineError("gone")
    with pytest.raises(RecordingError, match="could not be finished: gone"):
        recording.stop()
    wire.failure, wire.value = None, msgspec.structs.replace(wire.value, state="stopped", duration_s=4.0)
    assert recording.stop().duration_s == 4.0
    assert wire.verbs == [Record(path="/a.mkv", tracks=("Bob",), layout="pip"), StopRecord(recording="1")]


def test_an_earlier_recording_is_followed_while_the_next_one_runs(side: KernelSide, wire: Wire) -> None:
    wire.value = RecordingStatus(id="1", path="/a.mkv", state="recording", started_at_s=0)
    first = side.record("a.mkv")
    composing = msgspec.structs.replace(wire.value, state="composing", composed_fraction=0.5)
    wire.value = RecordingStatus(id="2", path="/b.mkv", state="recording", started_at_s=1)
    second = side.record("b.mkv")

    side.on_notification(state("connected", 1, recording=wire.value, recordings=(composing,)))
    assert (first.state, first.composed_fraction, second.state) == ("composing", 0.5, "recording")

    stopped = msgspec.structs.replace(composing, state="stopped")
    side.on_notification(state("connected", 2, recording=wire.value, recordings=(stopped,)))
    assert first.state == "stopped"
    assert side.recordings.newest is second
    assert side.recordings.forget() == [second], "what is over is not kept"


def test_a_recording_that_the_widget_began_is_there_for_python(side: KernelSide, wire: Wire) -> None:
    before = side.recordings.newest
    assert before is None
    status = RecordingStatus(id="1", path="/recordings/call.mkv", state="recording", started_at_s=5)
    side.on_notification(state("connected", 1, recording=status))
    began = side.recordings.newest
    assert began is not None
    wire.value = msgspec.structs.replace(status, state="stopped", duration_s=4.0)
    assert began.stop().duration_s == 4.0
    assert wire.verbs == [StopRecord(recording="1")]
    side.on_notification(state("connected", 2, recording=wire.value))
    assert side.recordings.newest is began, "it can be opened when it is over"

    wire.value = msgspec.structs.replace(status, id="2", started_at_s=9)
    second = side.record("b.mkv")
    side.on_notification(state("connected", 3, recording=status))  # it was on its way when the second began
    assert side.recordings.newest is second
    side.on_notification(state("connected", 4, recording=wire.value))
    assert side.recordings.newest is second
    side.on_notification(state("connected", 5, recording=msgspec.structs.replace(wire.value, duration_s=1.0)))
    assert second.duration_s == 1.0


def test_wrong_arguments_never_reach_the_engine(side: KernelSide, wire: Wire) -> None:
    for arguments in ((7,), ("a.mkv", "Bob"), ("a.mkv", "all", "mosaic"), ("",)):
        with pytest.raises((TypeError, ValueError, RecordingError)):
            side.record(*arguments)

    assert wire.verbs == []


def test_a_recording_of_a_closed_call_is_told_by_its_folder(
    side: KernelSide, wire: Wire, tmp_path: Path
) -> None:
    folder = tmp_path / "lesson"
    folder.mkdir()
    wire.value = RecordingStatus(
        id="1", path=str(folder), state="recording", started_at_s=0, folder=str(folder)
    )
    recording = side.record(folder)

    manifest.write(folder, manifest.Manifest("1", 0.0, state="complete", duration_ms=3000.0))
    side.close("over")

    assert recording.stop().state == "stopped"
    assert recording.duration_s == 3.0
    assert wire.verbs == [Record(path=str(folder))]


def test_the_engines_problems_are_the_calls_errors(side: KernelSide) -> None:
    for _ in range(2):
        side.on_notification(Problem(call="call", code="recording", message="The disk is full."))

    (problem,) = side.problems.items()
    assert (problem.code, problem.count) == ("recording", 2)


def test_a_failing_effect_is_shown_once_in_the_widget_and_again_when_it_is_defined_anew(
    side: KernelSide, wire: Wire
) -> None:
    def fail(frame: int) -> int:
        raise ValueError(f"frame {frame}")

    def play(effect: VideoEffect, frames: range) -> None:
        for number in frames:
            try:
                effect.function(number)
            except ValueError as error:
                side._effect_failed(effect, error, "trace")

    first = VideoEffect.of(fail)
    play(first, range(3))
    assert [verb for verb in wire.verbs if isinstance(verb, Report)] == wire.verbs
    assert len(wire.verbs) == 1, "the messages differ, the failure is one"
    (problem,) = side.problems.items()
    assert (problem.count, problem.message) == (3, "fail() raised ValueError: frame 2")

    play(VideoEffect.of(fail), range(3))
    assert len(wire.verbs) == 2
    assert [problem.count for problem in side.problems.items()] == [3, 3]


def test_a_source_holds_in_the_next_engine_and_its_failure_is_shown_once(
    side: KernelSide, wire: Wire
) -> None:
    def camera() -> object:
        return None

    side.use_source(camera)
    assert side.opening(1).video_source == SetVideoSource("camera", fps=30.0)
    source = side.source._source
    assert source is not None
    for number in range(3):
        side._source_failed(source, ValueError(number), "trace")
    assert [verb for verb in wire.verbs if isinstance(verb, Report)] == wire.verbs[1:]
    assert len(wire.verbs) == 2, "the messages differ, the failure is one"
    (problem,) = side.problems.items()
    assert (problem.code, problem.count) == ("video-source", 3)
    assert problem.message == "camera() raised ValueError: 2"

    side.use_source(None)
    assert side.opening(2).video_source is None
    assert wire.verbs[-1] == SetVideoSource(None)


def test_closing_is_final_and_said_once(side: KernelSide, wire: Wire, told: Told) -> None:
    side.close("The cell was run again.")
    side.close("again")

    assert [event["type"] for _, event in told] == ["bye", "state"]
    assert wire.clients == []
    with pytest.raises(CallError, match=r"closed \(The cell was run again\.\): make a new Call"):
        side.change_quality(Quality(64, 48, 1))
    side.from_page({"page": "late", "body": "{}"})
    assert told[-1][0] == "late"
    assert told[-1][1]["phase"] == "closed"
    assert wire.from_pages == []


def test_statistics_and_events_are_remembered_and_end_with_the_call(side: KernelSide, wire: Wire) -> None:
    sample = StatsSample(time_s=1.0, peer="you", generation=1, reports=({"id": "T", "type": "transport"},))
    event = StatsEvent(time_s=2.0, peer="", name="phase", value="connected")
    side.on_notification(StatsArrived(call="call", sample=sample))
    side.on_notification(EventArrived(call="call", event=event))
    assert side.samples.samples() == [sample]
    assert side.samples.events() == [event]

    side.on_engine_lost("The engine was killed.")
    lost = side.samples.events()[-1]
    assert (lost.peer, lost.name, lost.value) == ("", "engine", "The engine was killed.")
    was_live = side.samples.is_live

    side.close("over")
    assert (was_live, side.samples.is_live) == (True, False)
    assert side.samples.samples() == [sample]


def test_the_interval_of_statistics_holds_in_the_next_engine(side: KernelSide, wire: Wire) -> None:
    assert side.mirror.state.stats_interval_s == side.opening(0).stats_interval_s == 1.0
    side.change_stats_interval(0.2)
    assert side.opening(1).stats_interval_s == 0.2
    assert wire.verbs == [ChangeStatsInterval(interval_s=0.2)]

    wire.failure = EngineError("gone")
    with pytest.raises(EngineError):
        side.change_stats_interval(3.0)
    assert side.opening(2).stats_interval_s == 3.0


def test_a_failing_callback_is_among_the_errors(side: KernelSide) -> None:
    def fail(phase: Phase) -> None:
        raise ValueError(phase)

    side.callbacks.add("state", fail)
    side.on_notification(state("connecting"))
    side.close("over")
    thread = side.callbacks._thread
    assert thread is not None
    thread.join(20)

    messages = [problem.message for problem in side.problems.items()]
    assert messages == ["fail() raised ValueError: connecting", "fail() raised ValueError: closed"]


# --- in a room

ADA, BOB = Participant("me", "Ada", is_you=True, joined_at_s=100.0), Participant("b0b", "Bob")


def room_state(revision: int, *people: Participant) -> StateChanged:
    room = RoomInfo("physics", "physics", me="me", phase="joined")
    return state("connected", revision, room=room, participants=people)


def test_the_next_engine_knows_room_name_and_seat(side: KernelSide, told: Told) -> None:
    seat = RoomTicket("physics", passcode="s3cret", participant="me", resume_token="s3cret", page="p")
    side.on_notification(TicketChanged(call="call", name="Grace", ticket=seat))

    assert (side.opening(1).name, side.opening(1).ticket) == ("Grace", seat)
    assert told == [], "no page is told of it"
    side.on_notification(TicketChanged(call="call", name="Grace", ticket=None))
    assert side.opening(2).ticket is None


def test_what_was_chosen_in_the_widget_holds_in_the_next_engine(side: KernelSide, wire: Wire) -> None:
    side.on_notification(StateChanged("call", CallState(quality=HIGH, codec="vp9", revision=1)))
    assert (side.opening(1).quality, side.opening(1).codec) == (HIGH, "vp9")

    chosen = CallState(quality=HIGH, effect=Effect("blur", 0.9), background="background-1.jpg", revision=2)
    side.on_notification(StateChanged("call", chosen))
    assert (side.opening(1).effect, side.opening(1).background) == (Effect("blur", 0.9), "background-1.jpg")

    side.change_codec("av1")
    assert side.opening(2).codec == "av1"
    assert wire.verbs == [ChangeCodec("av1")]


def test_servers_and_policy_are_the_next_engines_too_unless_this_one_refuses(
    wire: Wire, side: KernelSide
) -> None:
    servers, options = (IceServerSource(("turn:t",), secret="s3cret"),), IceOptions(privacy=True)
    side.change_ice(servers, options)
    assert side.ice == (servers, options)
    assert (side.opening(2).ice_servers, side.opening(2).ice_options) == (servers, options)
    assert wire.verbs == [ChangeIce(servers, options)]

    wire.failure = CallError("It needs a TURN server.")
    with pytest.raises(CallError, match="TURN"):
        side.change_ice((), options)
    assert side.ice == (servers, options)


def test_callbacks_hear_who_comes_what_they_write_and_who_goes(side: KernelSide) -> None:
    heard: list[str] = []
    side.callbacks.add("joined", lambda person: heard.append(f"{person.name} came"))
    side.callbacks.add("chat", lambda message: heard.append(message.text))
    side.callbacks.add("left", lambda person: heard.append(f"{person.name} went, {person.is_present}"))
    before, own, news = (
        ChatMessage(text, sender, sender, text, time_s)
        for sender, text, time_s in (("b0b", "before", 99.0), ("me", "own", 101.0), ("b0b", "news", 102.0))
    )

    side.on_notification(room_state(1, ADA))
    side.on_notification(ChatArrived("call", (before,)))
    side.on_notification(room_state(2, ADA, BOB))
    for _ in range(2):
        side.on_notification(ChatArrived("call", (own, news)))
    side.on_notification(room_state(3, ADA))
    side.close("over")
    thread = side.callbacks._thread
    assert thread is not None
    thread.join(20)

    assert heard == ["Bob came", "news", "Bob went, False"]
    assert [message.text for message in side.chat.messages] == ["before", "own", "news"]
