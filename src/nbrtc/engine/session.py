"""One call in the engine: what each intent of a page and each verb of the kernel does to it.

All on the engine's loop. `CallState` on the board is the whole public face of a session; the link, the studio
and the tape do the work.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..complaint import WITHOUT_EFFECT, complaint
from ..errors import CallError, NbrtcError, NotConnected
from ..lab.impairment import Shim
from ..messages import (
    PROTOCOL,
    QUALITIES,
    ApplyQuality,
    AskForCheck,
    AudioEffectBehind,
    CallState,
    Candidate,
    ChangeCodec,
    ChangeEffect,
    ChangeIce,
    ChangeQuality,
    ChangeStatsInterval,
    CheckOffer,
    CheckReport,
    EffectNews,
    EngineStatus,
    Enter,
    EnterRoom,
    Hello,
    IceTrace,
    Impair,
    Intent,
    Join,
    Leave,
    LeaveCall,
    MediaStatus,
    NetworkReport,
    Notice,
    Notification,
    Offer,
    OpenCall,
    PageProblem,
    PeerSignal,
    PeerStatus,
    PlaySound,
    ProbeReport,
    ProbeServers,
    Quality,
    ReadLedger,
    ReadRecording,
    Record,
    RecordingsShown,
    RefreshIce,
    Reply,
    Report,
    RunChecks,
    Say,
    SendChat,
    SetAudioEffect,
    SetCodec,
    SetEffect,
    SetQuality,
    SetVideoEffect,
    SetVideoSource,
    ShareScreen,
    SoundEnded,
    StartRecording,
    StatsEvent,
    StatsSample,
    StopRecord,
    StopRecording,
    StopSound,
    Switch,
    SwitchMedia,
    Verb,
    Welcome,
)
from .bandwidth import video_bitrate_bps
from .board import Board
from .check_desk import CheckDesk
from .composer import Composer
from .effect_process import EffectProcess
from .gallery import OWN, Gallery
from .ice_clerk import IceClerk
from .link import Link
from .member import PYTHON, Doors, RoomMember
from .ownership import Ownership
from .place import dated, within
from .reel import NO_FEEDS, Feeds
from .shelf import Shelf
from .sound_desk import SoundDesk
from .source import Source
from .studio import Studio
from .tap import Tap
from .tape import Tape
from .watch import Watch

logger = logging.getLogger(__name__)


def with_bitrate(quality: Quality) -> Quality:
    """The quality with the bitrate that fits it."""
    bitrate_bps = video_bitrate_bps(quality.width, quality.height, quality.fps)
    return msgspec.structs.replace(quality, bitrate_bps=bitrate_bps)


class Session:
    """The engine's side of one `nbrtc.Call`.

    Parameters
    ----------
    opening
        The call as the kernel knows it.
    notify
        Sends a notification to the kernel.
    doors
        How it gets into a room.
    composer
        Makes films of its recordings.
    folder
        Where the engine's sockets are, for a video effect in a process of its own.
    """

    def __init__(
        self,
        opening: OpenCall,
        notify: Callable[[Notification], None],
        doors: Doors,
        composer: Composer,
        folder: str = "",
    ) -> None:
        self._opening = opening
        self._notify = notify
        self._ice_clerk = IceClerk(opening, lambda: self._board)
        self.ice = self._ice_clerk.desk
        state = CallState(
            epoch=opening.epoch,
            ice=self.ice.decision,
            quality=with_bitrate(opening.quality),
            effect=opening.effect,
            background=opening.background,
            video_effect=None if opening.video_effect is None else opening.video_effect.name,
            video_source=None if opening.video_source is None else opening.video_source.name,
            audio_effect=None if opening.audio_effect is None else opening.audio_effect.name,
            codec=opening.codec,
            stats_interval_s=opening.stats_interval_s,
        )
        self._board = Board(opening.call, state, self._tell)
        self._checks = CheckDesk(self._board, self.ice)
        self.gallery = Gallery(self._wanted_changed)
        self.studio = Studio()
        self._effect_process = EffectProcess(
            opening.call, folder, on_news=self._effect_news, on_gone=self.gallery.forget
        )
        self._use_effect(opening.video_effect)
        self.source = Source(self.studio.show_source, self._board.problem)
        self._use_source(opening.video_source)
        self.desk = SoundDesk(
            on_playing=lambda is_playing: self._board.change(playing=is_playing),
            on_ended=lambda sound, error: notify(SoundEnded(call=opening.call, sound=sound, error=error)),
            on_behind=lambda late, dropped: notify(AudioEffectBehind(opening.call, late, dropped)),
        )
        self.desk.use_effect(opening.audio_effect)
        self._tap = Tap()
        self._be_in_room(opening.ticket is not None)
        self._folder, self._shelf = Path(opening.folder), Shelf()
        self._tape = Tape(
            self._folder,
            self._board,
            composer,
            feeds=self._feeds,
            late_s=self._tap.late_s,
            keep=lambda people: self.gallery.keep("recording", people),
        )
        self._ownership = Ownership(
            self._board,
            self.ice,
            on_intent=self.from_page,
            on_attach=self._attach,
            on_detach=self._detach,
            on_enter=self._enter,
            on_exit=lambda seat_s: self._member.exit(seat_s),
        )
        self._member = RoomMember(self._board, opening, doors, on_ice=self._ice_clerk.heard_room)
        self._ice_clerk.attach(self._ownership, self._member)
        self._ownership.on_records = self._ice_clerk.trace
        self._watch = Watch(self._board)
        self._watch.follow(self._board.state)
        self._board.on_change = self._changed
        self._closed = False

    async def close(self, code: Literal["closed", "kernel-gone"], reason: str) -> None:
        """End the call for good: tell the page, finish the recording, free everything. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._tape.cut()
        self._ownership.dismiss(code, reason)
        self._board.change(phase="closed", reason=reason)
        try:
            await self._tape.close()
        finally:
            await self._member.close()
            await self._ownership.close()
            await self._checks.close()
            await self._ice_clerk.close()
            await self._effect_process.close()
            await self.gallery.close()
            await self.desk.close()
            await self.source.close()
            self._watch.close()

    # --- what a page wants

    async def from_page(self, page: str, intent: Intent) -> None:
        """Carry out an intent of `page`; errors become replies or notices, never exceptions."""
        identity = getattr(intent, "id", None)
        is_read = isinstance(intent, ReadRecording)  # asked again, because its answer got lost: read again
        if identity is not None and not is_read and not self._board.is_new(page, identity):
            return
        try:
            await self._carry_out(page, intent)
        except NbrtcError as error:
            self._refuse(page, identity, error.code, str(error))
        except Exception as error:
            logger.exception("An intent of page %s failed: %s", page, type(intent).__name__)
            self._refuse(page, identity, "error", f"{type(error).__name__}: {error}")

    def _refuse(self, page: str, identity: str | None, code: str, message: str) -> None:
        if identity is None:
            self._board.problem(code, message)
        else:
            self._board.reply(page, Reply(id=identity, error_code=code, error_message=message))

    async def _carry_out(self, page: str, intent: Intent) -> None:
        owner = self._board.state.owner
        is_owner = page == owner
        match intent:
            case Hello():
                self._welcome(page)
            case Offer():
                self._ice_clerk.require()
                await self._ownership.offer(page, intent)
                self.ice.offered()
            case Candidate():
                await self._ownership.candidate(page, intent)
            case Leave() if is_owner or (
                owner is None and page in (self._ownership.last_page, self._member.page)
            ):
                await self._leave(intent)
            case MediaStatus() if is_owner:
                self._media(intent)
            case StatsSample() if is_owner:
                self._watch.take_sample(intent)
            case StatsEvent() if is_owner or (owner is None and page == self._ownership.last_page):
                self._watch.take_event(intent)
            case PeerSignal() if page == self._member.page:
                self._member.signal(intent)
            case PeerStatus() if page == self._member.page:
                self._member.peer_changed(intent)
            case SendChat():
                if page != self._member.page:
                    raise CallError("Only the window that has the call can write: move the call here first.")
                await self._member.say(intent.text, intent.to)
                self._board.reply(page, Reply(id=intent.id))
            case EnterRoom():
                self._member.change_room(page, intent)
                self._board.reply(page, Reply(id=intent.id))
            case Enter():
                raise CallError("A page that has Python joins with an offer.")
            case SetQuality():
                self._quality(intent.quality)
                self._board.reply(page, Reply(id=intent.id))
            case SetEffect():
                self._board.change(effect=intent.effect)
                self._board.reply(page, Reply(id=intent.id))
            case SetCodec():
                self._board.change(codec=intent.codec)
                self._board.reply(page, Reply(id=intent.id))
            case StartRecording():
                self._require_media()
                path = within(self._folder, intent.path) or dated(self._folder, intent.suffix)
                await self._tape.start(path, intent.tracks, intent.layout)
                self._board.reply(page, Reply(id=intent.id))
            case StopRecording():
                await self._tape.stop()
                self._board.reply(page, Reply(id=intent.id))
            case RecordingsShown():
                self._tape.shows(page, intent.recordings)
                if page == self._member.page:
                    self._member.acknowledge(self._tape.shown(page))
            case ReadRecording():
                self._board.send(page, await self._shelf.read(self._tape.file(intent), intent))
            case NetworkReport() | ProbeReport() | IceTrace() | RefreshIce():
                await self._ice_clerk.hear(page, intent)
            case CheckOffer() | RunChecks() | CheckReport():
                await self._checks.hear(page, intent)
            case PageProblem():
                self._board.problem(intent.code, intent.message, show=False)
            case _:
                logger.debug("A late %s of page %s means nothing any more", type(intent).__name__, page)

    async def _leave(self, leave: Leave) -> None:
        """A person who leaves ends the recording; a page that may be loaded again does not."""
        if leave.may_return:
            self._tape.expect_return()
        else:
            self._tape.cut()
        self._ownership.release(leave.reason)
        if not leave.may_return:
            await self._tape.stop()

    def _welcome(self, page: str) -> None:
        welcome = Welcome(
            protocol=PROTOCOL,
            state=self._board.state,
            qualities=tuple(map(with_bitrate, QUALITIES.values())),
            ice=self.ice.configuration,
            chat=self._member.messages,
            findings=self._watch.findings,
        )
        self._board.send(page, welcome)

    def _media(self, status: MediaStatus) -> None:
        state = self._board.state
        self._board.change(
            camera_on=status.camera_on,
            microphone_on=status.microphone_on,
            camera=status.camera,
            camera_requested=state.camera_requested and not status.camera_on,
            microphone_requested=state.microphone_requested and not status.microphone_on,
            screen_sharing=status.screen_sharing,
            screen_requested=state.screen_requested and not status.screen_sharing,
        )
        self._ownership.reported()

    # --- what Python wants

    async def from_kernel(self, verb: Verb) -> object:
        """Carry out a verb of the Call; the result goes back to the kernel, errors are raised."""
        match verb:
            case Join():
                if self._board.state.phase not in ("connecting", "connected", "reconnecting"):
                    self._board.change(join_requested=True)
            case LeaveCall():
                self._tape.cut()
                self._ownership.dismiss("left", "Python left the call.")
                await self._tape.stop()
            case Switch():
                self._switch(verb)
            case ShareScreen():
                self._share_screen(verb.on)
            case Say():
                return await self._member.say(verb.text, verb.to)
            case ChangeQuality():
                self._quality(verb.quality)
            case ChangeCodec():
                self._board.change(codec=verb.codec)
            case ChangeIce() | ProbeServers():
                return await self._ice_clerk.carry_out(verb)
            case AskForCheck():
                self._checks.request()
            case ChangeStatsInterval():
                self._board.change(stats_interval_s=verb.interval_s)
            case ChangeEffect():
                self._board.change(effect=verb.effect, background=verb.background)
            case SetVideoSource():
                self._board.retract("video-source")  # the earlier one's
                self._use_source(verb)
                self._board.change(video_source=verb.name)
            case SetVideoEffect():
                self._board.retract("video-effect")  # the earlier one's
                self._use_effect(verb)
                self._board.change(video_effect=verb.name)
            case SetAudioEffect():
                self._board.retract("audio-effect")  # the earlier one's
                self.desk.use_effect(verb)
                self._board.change(audio_effect=verb.name)
            case PlaySound():
                self._require_media("Nobody would hear it")
                return await self.desk.play(verb.sound, verb.path, keep=verb.keep)
            case StopSound():
                self.desk.stop(verb.sound)
            case Record():
                self._require_media()
                return await self._tape.start(verb.path, verb.tracks, verb.layout)
            case StopRecord():
                return await self._tape.stop(verb.recording)
            case Impair():
                self._ownership.impair(None if verb.impairment is None else Shim(verb.impairment))
            case ReadLedger():
                return None if self._ownership.shim is None else self._ownership.shim.ledger.summary()
            case EngineStatus():
                link = self._ownership.link
                parts = {"tap": self._tap.figures(), "source": self.source.figures()}
                return {} if link is None else {**link.figures(time.monotonic()), **parts}
            case Report():
                self._board.broadcast(verb.notice)
        return None

    def _quality(self, quality: Quality) -> None:
        quality = with_bitrate(quality)
        if self._ownership.link is not None:
            self._ownership.link.change_quality(quality)
        if self._board.state.owner is not None:
            self._board.send(self._board.state.owner, ApplyQuality(quality=quality))
        self._board.change(quality=quality)

    def _share_screen(self, on: bool) -> None:
        owner = self._require_owner()
        if not on:
            self._board.send(owner, SwitchMedia(screen_on=False))
        self._board.change(screen_requested=on and not self._board.state.screen_sharing)

    def _require_owner(self) -> str:
        owner = self._board.state.owner
        if self._ownership.link is None or owner is None:
            raise NotConnected('Nobody is in the call: click "Start camera" in the widget first.')
        return owner

    def _switch(self, verb: Switch) -> None:
        state, owner = self._board.state, self._require_owner()
        requested: dict[str, Any] = {}
        if verb.camera_on is not None:
            requested["camera_requested"] = verb.camera_on and not state.camera_on
        if verb.microphone_on is not None:
            requested["microphone_requested"] = verb.microphone_on and not state.microphone_on
        self._board.send(owner, SwitchMedia(microphone_on=verb.microphone_on, camera_on=verb.camera_on))
        self._board.change(**requested)

    def _require_media(self, what: str = "There is nothing to record") -> None:
        if self._ownership.link is None or self._board.state.phase not in ("connected", "reconnecting"):
            raise NotConnected(f"{what}: nobody is in the call yet.")

    # --- what the parts report

    def _changed(self, state: CallState) -> None:
        """What follows from a new state. Each step changes the state only if it is not so already."""
        self._watch.follow(state)
        self._ice_clerk.follow(state)
        self.studio.share_screen(state.screen_sharing)
        self._tape.look()
        if state.phase not in ("connected", "reconnecting"):
            self.desk.stop(None)  # sounds end with the call
        in_room = state.room is not None
        if in_room == self.studio.echoes:
            self._be_in_room(in_room)
        self._follow_members()
        self._member.follow(state)
        if not in_room and state.participants[-1].receives_video != state.camera_on:
            python = msgspec.structs.replace(PYTHON, receives_video=state.camera_on)
            self._board.change(participants=(state.participants[0], python))

    def _attach(self, link: Link) -> None:
        self.studio.attach(link)
        self.source.attach()
        self.desk.attach(link)
        self.gallery.attach(OWN, link.video.feed)
        self._tap.attach(link)
        self._tape.look()
        self._watch.attach(link)

    def _detach(self) -> None:
        self._watch.detach()
        self.studio.detach()
        self.source.detach()
        self.desk.detach()
        self.gallery.detach(OWN)
        self._tap.detach()
        self._tape.look()

    def _enter(self, page: str, is_answered: bool) -> None:
        self._member.enter(page, is_answered=is_answered)
        if page == self._member.page:
            self._member.acknowledge(self._tape.shown(page))  # its views show what they showed

    def _use_effect(self, effect: SetVideoEffect | None) -> None:
        on = effect is not None and effect.name is not None
        self._effect_process.use(effect)
        on_late = "hold" if effect is None else effect.on_late
        self.studio.use_effect(on, on_late, 0 if effect is None else effect.number)
        self.gallery.watch(OWN, self.studio.take_camera if on and on_late == "pass" else None)
        self.gallery.keep("effect", (OWN,) if on else ())

    def _use_source(self, source: SetVideoSource | None) -> None:
        self.studio.use_source(source is not None and source.name is not None)
        self.source.use(source)

    def _effect_news(self, news: EffectNews, show: bool) -> None:
        self._notify(news)
        if show:
            text = complaint(news.error, WITHOUT_EFFECT[self.studio.on_late])
            self._board.broadcast(Notice(key="video-effect", level="error", text=text))

    def _be_in_room(self, on: bool) -> None:
        """In a room Python gets the camera only when it wants it, and does not send it back."""
        self.studio.echoes = not on
        self.gallery.keep("solo", () if on else (OWN,))

    def _follow_members(self) -> None:
        """Take the frames of those who are in the room now, whenever Python wants them."""
        state = self._board.state
        others = {person.id for person in state.participants if not person.is_you} if state.room else set()
        for left in self._tap.participants - others:
            self._tap.remove(left)
            self.gallery.remove(left, "left")
        for joined in others - self._tap.participants:
            self.gallery.attach(joined, self._tap.add(joined)["video"])

    def _wanted_changed(self, wanted: tuple[str, ...]) -> None:
        self._board.change(wanted=wanted)

    def _feeds(self, participant: str) -> Feeds:
        """Picture and sound of somebody, or of `OWN` as the others see it."""
        if participant == OWN:
            link = self._ownership.link
            return NO_FEEDS if link is None else (link.shown.feed, link.heard.feed)
        feeds = self._tap.feeds(participant)
        return NO_FEEDS if feeds is None else (feeds["video"], feeds["audio"])

    def _tell(self, notification: Notification) -> None:
        """What the kernel is told, a recording hears, too."""
        self._notify(notification)
        self._tape.hear(notification)
