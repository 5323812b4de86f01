"""The kernel's side of one call, all but the widget."""

import itertools
import logging
import sys
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from .assets import Assets
from .audio_effect import AudioEffect
from .audio_runner import AudioRunner
from .bridge import Bridge
from .call_recordings import CallRecordings
from .complaint import WITHOUT_EFFECT, complaint, stuck
from .doctoring.checks import Checks
from .effect import VideoEffect
from .effect_beside import EffectsBeside
from .effect_code import pack as pack_function
from .effect_runner import EffectRunner
from .errors import CallError, EngineError, RecordingError
from .frame_watcher import FrameWatcher
from .messages import (
    AudioEffectBehind,
    Bye,
    CallState,
    ChangeCodec,
    ChangeEffect,
    ChangeQuality,
    ChangeStatsInterval,
    ChecksArrived,
    Codec,
    Effect,
    EffectNews,
    Event,
    Notice,
    Notification,
    OpenCall,
    PageMessage,
    Participant,
    Quality,
    Record,
    RecordingStatus,
    Report,
    RoomInfo,
    SetAudioEffect,
    SetVideoEffect,
    SoundEnded,
    StatsArrived,
    StatsEvent,
    StopRecord,
    TicketChanged,
    encode_json,
)
from .played_sound import PlayedSounds
from .port import FramePort
from .problems import blamed
from .recording import Recording
from .recording_choice import to_layout, to_path, to_tracks
from .side import Side, decided
from .source_runner import SourceRunner
from .video_effect_stats import VideoEffectStats
from .video_source import OpenSource, open_source

logger = logging.getLogger(__name__)

START_RECORDING_S = 15.0
"""The recording's folder and journal are on the disk before it begins."""
STOP_RECORDING_S = 30.0
"""A long recording's file is finished on disk, which takes its time."""
PAGE_ID_CHARACTERS = 64


class KernelSide(Side[OpenCall]):
    """What a `Call` is made of, beside what every side has: its recordings, effects, sources and sounds.

    Parameters
    ----------
    bridge
        The way to the engine.
    opening
        The call as the user asked for it.
    send
        Sends a text to one page, or to all (None). From any thread.
    """

    closed = "The call is closed ({reason}): make a new Call()."

    def __init__(self, bridge: Bridge, opening: OpenCall, send: Callable[[str | None, str], None]) -> None:
        person = Participant(id="you", name=opening.name, is_you=True)
        room = None if opening.ticket is None else RoomInfo(opening.ticket.room, opening.ticket.room)
        state = CallState(
            quality=opening.quality,
            codec=opening.codec,
            effect=opening.effect,
            background=opening.background,
            stats_interval_s=opening.stats_interval_s,
            participants=(person,),
            room=room,
            ice=decided(opening),
        )
        super().__init__(bridge, opening, state)
        self.assets = Assets()
        self.checks = Checks()
        self.effect = EffectRunner(
            bridge, opening.call, self._effect_failed, self._effect_left, self._effect_stuck
        )
        self._effects = itertools.count(1)
        self._watchers: weakref.WeakSet[FrameWatcher] = weakref.WeakSet()
        self.source = SourceRunner(bridge, opening.call, self._source_failed)
        self.audio_effect = AudioRunner(
            bridge, opening.call, self._audio_effect_failed, self._audio_effect_stuck
        )
        self.sounds = PlayedSounds(bridge, Path(opening.folder), self.request)
        self._beside = EffectsBeside()
        self._send = send
        self.recordings = CallRecordings(self._stop_recording, self._engine_watch)

    @property
    def folder(self) -> Path:
        """What the user's relative paths are below."""
        return Path(self._opening.folder)

    def close(self, reason: str) -> None:
        """End the call in the engine and in every page. Idempotent."""
        if not self._is_open:
            return
        self._is_open = False
        self.effect.close()
        self._beside.close()
        for watcher in list(self._watchers):
            watcher.close()
        self.source.close()
        self.audio_effect.close()
        self.sounds.lose(f"The call was closed ({reason})")
        self.checks.fail(f"The call was closed ({reason})")
        for recording in self.recordings.forget():
            recording.part(f"The call was closed ({reason})")
        self._tell_page(None, Bye(code="closed", reason=reason))
        self._tell_page(None, self._end(reason))

    # --- what the user wants

    def change_quality(self, quality: Quality) -> None:
        """Ask for another quality, now and of every later engine."""
        self._require_open()
        self._remember(quality=quality)
        self.request(ChangeQuality(quality=quality))

    def change_codec(self, codec: Codec) -> None:
        """Prefer another video codec between browsers, now and in every later engine."""
        self._require_open()
        self._remember(codec=codec)
        self.request(ChangeCodec(codec=codec))

    def change_stats_interval(self, interval_s: float) -> None:
        """Poll the statistics more or less often, now and in every later engine."""
        self._require_open()
        self._remember(stats_interval_s=interval_s)
        self.request(ChangeStatsInterval(interval_s=interval_s))

    def use_effect(self, effect: VideoEffect | None) -> None:
        """Send the effect's pictures back, or the camera's own; this engine's and every later one's."""
        self._require_open()
        verb = SetVideoEffect(name=None) if effect is None else _verb_of(effect, next(self._effects))
        self._remember(video_effect=None if effect is None else verb)
        self.effect.use(effect if verb.code is None else None, verb.number)
        # what runs beside the engine says by notifications what it does, soon after this
        self._beside.use(verb.number, None if verb.code is None else verb.name)
        self.request(verb)

    @property
    def effect_stats(self) -> VideoEffectStats | None:
        """Of the video effect, wherever it runs."""
        stats = self._beside.stats
        return self.effect.stats if stats is None else stats

    def watch(self, function: VideoEffect, participant: str, every_s: float) -> FrameWatcher:
        """Call a function with some of the frames of somebody, or of the own camera (empty), until told."""
        self._require_open()
        port = FramePort(self.bridge, self.id, participant)
        watcher = FrameWatcher(function, port, every_s, self._watcher_failed)
        self._watchers.add(watcher)
        return watcher

    def change_effect(self, effect: Effect, background: str) -> None:
        """Ask the page for one of its own effects, now and of every later engine."""
        self._require_open()
        self._remember(effect=effect, background=background)
        self.request(ChangeEffect(effect=effect, background=background))

    def use_source(self, value: object) -> None:
        """Show pictures in the camera's place, or the camera (None); this engine's and every later one's."""
        self._require_open()
        source = None if value is None else open_source(value, self.folder)
        self._remember(video_source=None if source is None else source.verb)
        self.source.use(source, self.request)

    def use_audio_effect(self, effect: AudioEffect | None) -> None:
        """Send the effect's sound, or the microphone's; this engine's and every later one's."""
        self._require_open()
        verb = SetAudioEffect(
            name=None if effect is None else effect.name, channels=1 if effect is None else effect.channels
        )
        self._remember(audio_effect=None if effect is None else verb)
        # a block that the engine gives on behalf of the earlier effect is none of this one's
        self.audio_effect.use(None)
        try:
            self.request(verb)
        finally:
            self.audio_effect.use(effect)  # an engine that has just gone is followed by another one

    def record(self, path: object, tracks: object = "all", layout: object = None) -> Recording:
        """Start recording into `path`; everything is checked here, or in the engine."""
        self._require_open()
        verb = Record(
            path=str(to_path(path, Path(self._opening.folder))),
            tracks=to_tracks(tracks),
            layout=to_layout(layout),
        )
        status = msgspec.msgpack.decode(self.request(verb, START_RECORDING_S), type=RecordingStatus)
        return self.recordings.begun(status)

    def _engine_watch(self) -> Callable[[], bool]:
        """Tells whether the engine of now is still there."""
        epoch = self.bridge.epoch
        return lambda: self.bridge.engine_pid is not None and self.bridge.epoch == epoch

    def _stop_recording(self, identity: str) -> RecordingStatus:
        try:
            value = self.request(StopRecord(recording=identity), STOP_RECORDING_S)
        except (CallError, EngineError) as error:
            raise RecordingError(f"The recording could not be finished: {error}") from error
        return msgspec.msgpack.decode(value, type=RecordingStatus)

    # --- what a page says; on whichever thread the kernel reads its comms

    def from_page(self, content: object) -> None:
        """Hand a page's message on to the engine, without looking inside, and return."""
        match content:
            case {"page": str(page), "body": str(body)} if len(page) <= PAGE_ID_CHARACTERS:
                if not self._is_open:
                    self._tell_page(page, self.mirror.state)
                    return
                try:
                    self.bridge.from_page(self.id, page, body)
                except EngineError as error:
                    self._tell_page(page, Notice(key="engine", level="error", text=str(error)))
            case _:
                logger.warning("A page's message was not understood and dropped")

    def _tell_page(self, page: str | None, event: Event) -> None:
        self._send(page, encode_json(event).decode())

    # --- what the engine says; on the bridge's thread

    def on_notification(self, notification: Notification) -> None:
        """The engine says something about this call."""
        match notification:
            case PageMessage():
                self._send(notification.page, notification.body)
            case ChecksArrived():
                self.checks.take(notification.checks)
            case TicketChanged():
                self._remember(name=notification.name, ticket=notification.ticket)
            case EffectNews():
                self._effect_news(notification)
            case SoundEnded():
                self.sounds.ended(notification)
            case AudioEffectBehind():
                self.audio_effect.behind(notification.late, notification.dropped)
            case _:
                super().on_notification(notification)
                if isinstance(notification, StatsArrived):  # these come every second
                    self._tell_who_left(self._attendance.look())
                    self.effect.look()

    def on_engine_lost(self, reason: str) -> None:
        """The engine went: say so everywhere; a page that was connected connects again by itself."""
        super().on_engine_lost(reason)
        self.samples.note(StatsEvent(time_s=time.time(), peer="", name="engine", value=reason))
        for recording in self.recordings.forget():
            recording.lose(reason)
        self._beside.lose()
        self.sounds.lose(reason)
        self.checks.fail(reason)
        self._tell_page(None, Bye(code="lost", reason=reason, recover=True))
        self._tell_page(None, self.mirror.lose(reason))

    def _state_changed(self, state: CallState) -> None:
        # what was chosen in the widget holds in the next engine, too
        self._remember(
            quality=state.quality, codec=state.codec, effect=state.effect, background=state.background
        )
        self.recordings.follow(state)
        super()._state_changed(state)

    def _effect_news(self, news: EffectNews) -> None:
        self._beside.take(news)
        if news.error:
            self.problems.add("video-effect", news.error, news.traceback, times=news.times)

    # --- what the user's code does wrong; on its own threads

    def _watcher_failed(self, effect: VideoEffect, error: BaseException, trace: str) -> None:
        """A function of `on_frame` raised; on its thread."""
        self._complain("on-frame", effect, effect.name, error, trace, "It goes on with the next frame")

    def _effect_left(self, effect: VideoEffect, working_s: float) -> None:
        self.problems.add(
            "video-effect",
            f"{effect.name} had been working on one frame for {working_s:.0f} s when it was taken off: it "
            "was left behind on its thread, which ends when the function returns.",
            key=effect,
        )

    def _effect_stuck(self, effect: VideoEffect, working_s: float, trace: str) -> None:
        message = stuck(effect.name, working_s)
        self._tell("video-effect", message, trace, (effect, "stuck"), WITHOUT_EFFECT[effect.on_late])

    def _effect_failed(self, effect: VideoEffect, error: BaseException, trace: str) -> None:
        self._complain("video-effect", effect, effect.name, error, trace, WITHOUT_EFFECT[effect.on_late])

    def _source_failed(self, source: OpenSource, error: BaseException, trace: str) -> None:
        self._complain("video-source", source, source.who, error, trace, "The last picture stays")

    def _audio_effect_failed(self, effect: AudioEffect, error: BaseException, trace: str) -> None:
        consequence = "The others hear silence for that time"
        self._complain("audio-effect", effect, effect.name, error, trace, consequence)

    def _audio_effect_stuck(self, effect: AudioEffect, working_s: float) -> None:
        message = f"{effect.name} has been working on 20 ms of sound for {working_s:.0f} s"
        message += "; it keeps its thread until it returns"
        self._tell("audio-effect", message, "", (effect, "stuck"), "The others hear silence for that time")

    def _complain(
        self, code: str, definition: object, who: str, error: BaseException, trace: str, consequence: str
    ) -> None:
        """Into `errors`, and once into the widget."""
        message = blamed(who, error)
        # one kind of failure of one definition is shown once, whatever numbers its message has
        self._tell(code, message, trace, (definition, type(error), _line(error.__traceback__)), consequence)

    def _tell(self, code: str, message: str, trace: str, kind: object, consequence: str) -> None:
        if not self.problems.add(code, message, trace, kind):
            return
        notice = Notice(key=code, level="error", text=complaint(message, consequence))
        try:
            self.bridge.send(self.id, Report(notice=notice))
        except EngineError:
            logger.exception("The widget could not be told of %s", message)


def _verb_of(effect: VideoEffect, number: int) -> SetVideoEffect:
    """What the engine is told of an effect."""
    verb = SetVideoEffect(
        name=effect.name,
        on_late=effect.on_late,
        form=effect.form,
        queued=effect.policy == "block",
        size=effect.size,
        number=number,
    )
    if effect.where == "kernel":
        return verb
    code = pack_function(effect.function)
    path = tuple(str(Path(place).absolute()) for place in sys.path)
    return msgspec.structs.replace(verb, code=code, path=path)


def _line(trace: TracebackType | None) -> Any:
    """Where an error was raised."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace and (trace.tb_frame.f_code, trace.tb_lineno)
