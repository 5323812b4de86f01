"""One call in the engine: who owns it, where it stands, and what each intent and request does to it.

All on the engine's loop. The session owns its link, decoder and recording; `CallState` is its whole public face and
goes to the kernel and to every page whenever something in it changes.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ..errors import CallError, NbrtcError, NegotiationError, NotConnected
from ..lab.impairment import Shim
from ..messages import (
    PROTOCOL,
    Answer,
    ApplyQuality,
    Bye,
    CallState,
    Candidate,
    ChangeQuality,
    EngineStatus,
    Event,
    Hello,
    Impair,
    Intent,
    Join,
    Leave,
    LeaveCall,
    MediaStatus,
    Notice,
    Notification,
    Offer,
    OpenCall,
    PageMessage,
    PageProblem,
    Participant,
    Pong,
    Problem,
    Quality,
    ReadLedger,
    Record,
    RecordingStatus,
    Reply,
    Report,
    SetQuality,
    SetVideoEffect,
    StartRecording,
    StateChanged,
    StatsArrived,
    StatsSample,
    StopRecord,
    StopRecording,
    Switch,
    SwitchMedia,
    Verb,
    Welcome,
    encode_json,
)
from .bandwidth import video_bitrate_bps
from .link import Link
from .studio import Studio
from .tape import Tape

logger = logging.getLogger(__name__)

QUALITIES = {"low": (640, 480, 15), "medium": (1280, 720, 30), "high": (1920, 1080, 30)}
SILENT_S = 1.5
"""The page is said to reconnect after this long without a sign of it."""
VANISHED_S = 4.5
"""And is given up after this long, so that everybody knows within 5 s."""
REMEMBERED_REPLIES = 64


def with_bitrate(quality: Quality) -> Quality:
    """The quality with the bitrate that fits it."""
    bitrate_bps = video_bitrate_bps(quality.width, quality.height, quality.fps)
    return msgspec.structs.replace(quality, bitrate_bps=bitrate_bps)


class Session:
    """The engine's side of one `nbrtc.Call`."""

    def __init__(self, opening: OpenCall, notify: Callable[[Notification], None]) -> None:
        self.call = opening.call
        self._opening = opening
        self._notify = notify
        self._link: Link | None = None
        self._state = CallState(
            epoch=opening.epoch,
            quality=with_bitrate(opening.quality),
            video_effect=opening.video_effect,
            participants=(
                Participant(id="you", name=opening.name),
                Participant(id="python", name="Python", is_python=True),
            ),
        )
        self._replies: OrderedDict[str, Reply | None] = OrderedDict()
        self._shim: Shim | None = None
        self.studio = Studio(self._decoded_changed)
        self.studio.use_effect(opening.video_effect is not None)
        self._tape = Tape(Path(opening.folder), self._recording_changed, self._problem)
        self._watch = asyncio.create_task(self._watch_page(), name="nbrtc-session")
        self._closed = False
        self._change()

    # --- what the page wants

    async def from_page(self, page: str, intent: Intent) -> None:
        """Carry out an intent of `page`; errors become replies or notices, never exceptions."""
        try:
            await self._dispatch(page, intent)
        except NbrtcError as error:
            if identity := getattr(intent, "id", None):
                self._reply(page, Reply(id=identity, error_code=error.code, error_message=str(error)))
            else:
                self._problem(error.code, str(error))

    async def _dispatch(self, page: str, intent: Intent) -> None:
        identity = getattr(intent, "id", None)
        if identity is not None:
            key = f"{page}/{identity}"
            if key in self._replies:
                if (earlier := self._replies[key]) is not None:
                    self._send(page, earlier)
                return
            self._replies[key] = None
            while len(self._replies) > REMEMBERED_REPLIES:
                self._replies.popitem(last=False)
        match intent:
            case Hello():
                self._welcome(page)
            case Offer():
                await self._offer(page, intent)
            case Candidate() if self._is_current(page, intent.generation):
                assert self._link is not None
                await self._link.add_candidate(intent)
            case Leave() if page == self._state.owner:
                await self._unlink()
                self._change(phase="idle", owner=None, reason=intent.reason, **self._devices_off())
            case MediaStatus() if page == self._state.owner:
                self._media(intent)
            case SetQuality():
                self._quality(intent.quality)
                self._reply(page, Reply(id=intent.id))
            case StartRecording():
                self._record(intent.path or self._tape.dated_name())
                self._reply(page, Reply(id=intent.id))
            case StopRecording():
                await self._tape.stop()
                self._reply(page, Reply(id=intent.id))
            case StatsSample() if page == self._state.owner:
                self._notify(StatsArrived(call=self.call, sample=intent))
            case PageProblem():
                self._problem(intent.code, intent.message, show=False)
            case Candidate() | Leave() | MediaStatus() | StatsSample() | Pong():
                logger.debug("A late %s of page %s means nothing any more", type(intent).__name__, page)

    def _welcome(self, page: str) -> None:
        qualities = tuple(
            with_bitrate(Quality(width=width, height=height, fps=fps, name=name))
            for name, (width, height, fps) in QUALITIES.items()
        )
        self._send(
            page,
            Welcome(
                protocol=PROTOCOL,
                state=self._state,
                qualities=qualities,
                ice_servers=self._opening.ice_servers,
            ),
        )

    async def _offer(self, page: str, offer: Offer) -> None:
        owner = self._state.owner
        if owner not in (None, page) and not offer.take_over:
            raise CallError("This call is open in another window. Move it here, or leave it there first.")
        if self._is_current(page, offer.generation + 1):
            raise NegotiationError(f"Generation {offer.generation} is older than the link that is there.")
        if self._link is not None:
            if self._link.page != page:
                self._send(
                    self._link.page, Bye(code="taken-over", reason="The call moved to another window.")
                )
            await self._unlink()
        rejoining = owner == page and self._state.phase in ("connected", "reconnecting")
        self._change(
            phase="reconnecting" if rejoining else "connecting", owner=page, join_requested=False, reason=""
        )
        link = Link(
            page,
            offer.generation,
            self._state.quality,
            ice_servers=self._opening.ice_servers,
            on_intent=lambda intent: self._spawn(self.from_page(page, intent)),
            on_open=lambda: self._linked(link),
            on_failed=lambda reason: self._spawn(self._lost(link, reason)),
        )
        self._link = link
        try:
            sdp = await link.answer(offer.sdp)
        except NegotiationError as error:
            await self._unlink()
            self._change(phase="failed", owner=None, reason=str(error))
            raise
        if self._link is not link:
            return  # a newer offer overtook this one
        link.impair(self._shim)
        self.studio.attach(link)
        self._tape.attach(link)
        self._send(page, Answer(generation=offer.generation, sdp=sdp))
        self._reply(page, Reply(id=offer.id))

    def _media(self, status: MediaStatus) -> None:
        requested: dict[str, Any] = {}
        if status.camera_on:
            requested["camera_requested"] = False
        if status.microphone_on:
            requested["microphone_requested"] = False
        self._tape.size = status.camera or self._tape.size
        self._change(
            camera_on=status.camera_on,
            microphone_on=status.microphone_on,
            camera=status.camera,
            participants=(
                self._state.participants[0],
                Participant(id="python", name="Python", is_python=True, receives_video=status.camera_on),
            ),
            **requested,
        )

    def _quality(self, quality: Quality) -> None:
        quality = with_bitrate(quality)
        if self._link is not None:
            self._link.change_quality(quality)
        if self._state.owner is not None:
            self._send(self._state.owner, ApplyQuality(quality=quality))
        self._change(quality=quality)

    # --- what Python wants

    async def from_kernel(self, verb: Verb) -> object:
        """Carry out a verb of the Call; the result goes back to the kernel, errors are raised."""
        match verb:
            case Join():
                if self._state.phase not in ("connecting", "connected", "reconnecting"):
                    self._change(join_requested=True)
            case LeaveCall():
                await self._bye("left", "Python left the call.")
            case Switch():
                self._switch(verb)
            case ChangeQuality():
                self._quality(verb.quality)
            case SetVideoEffect():
                self.studio.use_effect(verb.name is not None)
                self._change(video_effect=verb.name)
            case Record():
                return self._record(verb.path)
            case StopRecord():
                return await self._tape.stop(verb.recording)
            case Impair():
                self._shim = None if verb.impairment is None else Shim(verb.impairment)
                if self._link is not None:
                    self._link.impair(self._shim)
            case ReadLedger():
                return None if self._shim is None else self._shim.ledger.summary()
            case EngineStatus():
                return self._figures()
            case Report():
                self._broadcast(verb.notice)
        return None

    def _switch(self, verb: Switch) -> None:
        if self._link is None or self._state.owner is None:
            raise NotConnected('Nobody is in the call: click "Start camera" in the widget first.')
        requests: dict[str, Any] = {}
        if verb.camera_on is not None:
            requests["camera_requested"] = verb.camera_on and not self._state.camera_on
        if verb.microphone_on is not None:
            requests["microphone_requested"] = verb.microphone_on and not self._state.microphone_on
        self._send(self._state.owner, SwitchMedia(microphone_on=verb.microphone_on, camera_on=verb.camera_on))
        self._change(**requests)

    def _record(self, path: str) -> RecordingStatus:
        if self._link is None or self._state.phase not in ("connected", "reconnecting"):
            raise NotConnected("There is nothing to record: nobody is in the call yet.")
        return self._tape.start(path, self._link)

    def _figures(self) -> dict[str, object]:
        figures: dict[str, object] = {"phase": self._state.phase}
        if (link := self._link) is not None:
            figures |= {
                "rtt_s": link.rtt_s,
                "silent_s": link.silent_s,
                "video_frames": link.video.feed.frames,
                "audio_frames": link.audio.feed.frames,
                "video_keyframes": link.video.feed.keyframes,
                "sent_frames": link.outgoing.sent,
                "send_limit_bps": link.limit.bitrate_bps(time.monotonic()),
                "effect_delay_s": link.outgoing.effect_delay_s,
                "audio_buffer_delay_s": link.audio.buffer.counters.delay_s,
                "video_buffer_delay_s": link.video.buffer.counters.delay_s,
            }
        return figures

    # --- the link's life

    def _is_current(self, page: str, generation: int) -> bool:
        return self._link is not None and self._link.page == page and self._link.generation >= generation

    def _linked(self, link: Link) -> None:
        if link is self._link:
            self._change(phase="connected", reason="")

    async def _watch_page(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            link = self._link
            if link is None:
                continue
            silent_s = link.silent_s
            if link.is_open and silent_s > VANISHED_S:
                await self._lost(link, f"The page has not been heard for {silent_s:.1f} s.")
            elif link.is_open and silent_s > SILENT_S and self._state.phase == "connected":
                self._change(phase="reconnecting", reason="No sign of the page; waiting for it.")
            elif link.is_open and silent_s < SILENT_S and self._state.phase == "reconnecting":
                self._change(phase="connected", reason="")
            elif not link.is_open and silent_s > 3 * VANISHED_S:
                await self._lost(link, "The page and the engine found no network path within 13 s.")

    async def _lost(self, link: Link, reason: str) -> None:
        if link is not self._link:
            return
        # the page may be alive behind a broken network: it hears this over the comm and offers anew
        self._send(link.page, Bye(code="lost", reason=reason, recover=True))
        await self._unlink()
        self._change(phase="idle", owner=None, reason=reason, **self._devices_off())

    async def _bye(self, code: Any, reason: str) -> None:
        if self._state.owner is not None:
            self._send(self._state.owner, Bye(code=code, reason=reason))
            await asyncio.sleep(0.05)  # SCTP needs a turn of the loop and the wire to carry it
        await self._unlink()
        self._change(phase="idle", owner=None, reason=reason, **self._devices_off())

    async def _unlink(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self.studio.detach()
            self._tape.detach()
            await link.close()

    async def close(self, code: Any, reason: str) -> None:
        """End the call for good: finish the recording, tell the page, free everything. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._watch.cancel()
        await self._tape.stop()
        await self._bye(code, reason)
        await self.studio.close()
        self._change(phase="closed", reason=reason)

    # --- telling everybody

    def _devices_off(self) -> dict[str, Any]:
        return {
            "camera_on": False,
            "microphone_on": False,
            "camera": None,
            "camera_requested": False,
            "microphone_requested": False,
            "participants": (
                self._state.participants[0],
                Participant(id="python", name="Python", is_python=True),
            ),
        }

    def _decoded_changed(self) -> None:
        self._change()

    def _recording_changed(self, status: RecordingStatus | None) -> None:
        self._change(recording=status)

    def _problem(self, code: str, message: str, show: bool = True) -> None:
        self._notify(Problem(call=self.call, code=code, message=message))
        if show:
            self._broadcast(Notice(key=code, level="error", text=message))

    def _change(self, **fields: Any) -> None:
        self._state = msgspec.structs.replace(self._state, revision=self._state.revision + 1, **fields)
        self._notify(StateChanged(call=self.call, state=self._state))
        self._broadcast(self._state)

    def _broadcast(self, event: Event) -> None:
        """To the owner over its data channel, to every page over the comm: revisions make the second harmless."""
        if self._link is not None:
            self._link.send(event)
        self._notify(PageMessage(call=self.call, page=None, body=encode_json(event).decode()))

    def _send(self, page: str, event: Event) -> None:
        link = self._link
        if link is None or link.page != page or not link.send(event):
            self._notify(PageMessage(call=self.call, page=page, body=encode_json(event).decode()))

    def _reply(self, page: str, reply: Reply) -> None:
        self._replies[f"{page}/{reply.id}"] = reply
        self._send(page, reply)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        _TASKS.add(task)
        task.add_done_callback(_TASKS.discard)


_TASKS: set[asyncio.Task[Any]] = set()
