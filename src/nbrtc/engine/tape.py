"""A call's recordings: at most one at a time, going on over reconnections, reported to everybody."""

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ..errors import RecordingError
from ..messages import (
    Notice,
    Notification,
    ReadRecording,
    RecordedFile,
    RecordingLayout,
    RecordingStatus,
    RecordingTracks,
    RoomInfo,
)
from ..recordings.manifest import Manifest
from .absence import Absence
from .board import Board
from .composer import Composer
from .delivery import delivered, files_of
from .film_plan import FilmPlan, film_plan
from .gallery import OWN
from .place import Place, choose
from .premiere import Outcome, link, make
from .record import Recorder
from .reel import Feeds, MakeRecorder
from .scope import check, subjects
from .space import check as check_space
from .take import Take

logger = logging.getLogger(__name__)

PROGRESS_S = 1.0
EARLIER = 5
"""Earlier recordings that a call remembers."""
PAGES = 16
"""Pages whose badges are known; the one that spoke longest ago is forgotten."""
BADGES = 64
"""Of one page; what it says beyond that is not heard."""


@dataclass(slots=True)
class _Ending:
    """Why a recording ended by itself."""

    reason: str
    is_failure: bool


class Tape:
    """Starts, follows and stops the recordings of one session. On the engine's loop.

    `CallState.recording`, `recordings` and `recorded` are this object's.

    Parameters
    ----------
    folder
        Where relative names go: the notebook's folder.
    board
        The call's state.
    composer
        Makes films, also after the call was closed.
    feeds
        Gives picture and sound of somebody by id, as they are now.
    late_s
        How much later than at the page somebody's frames come now.
    keep
        Told whose frames the recording needs.
    """

    def __init__(
        self,
        folder: Path,
        board: Board,
        composer: Composer,
        *,
        feeds: Callable[[str], Feeds],
        late_s: Callable[[str], float] = lambda _: 0.0,
        keep: Callable[[Iterable[str]], None],
        recorder: MakeRecorder = Recorder,
    ) -> None:
        self._folder = folder
        self._board = board
        self._composer = composer
        self._feeds, self._late_s, self._keep = feeds, late_s, keep
        self._recorder = recorder
        self._take: Take | None = None
        self._statuses: list[RecordingStatus] = []  # the newest first, at most EARLIER + 1
        self._page: str | None = None
        self._shown: OrderedDict[str, frozenset[str]] = OrderedDict()  # bounded by PAGES
        self._looking: asyncio.Handle | None = None
        self._following: asyncio.Task[None] | None = None
        self._absence = Absence(lambda reason: self._end(reason, False))
        self._absence_note = self._last_note = ""
        self._room = ""  # where the take began
        self._stopping: asyncio.Task[RecordingStatus] | None = None
        self._ending: _Ending | None = None
        self._is_closed = False

    # --- what people want

    async def start(
        self, path: str, tracks: RecordingTracks = "all", layout: RecordingLayout | None = None
    ) -> RecordingStatus:
        """Begin a recording of the call.

        Raises
        ------
        RecordingError
            If a recording runs already, the room forbids it, nobody has one of the names, or the path cannot
            be used. Nothing was made then.
        """
        while self._stopping is not None:
            await asyncio.shield(self._stopping)
        state = self._board.state
        if self._is_closed or state.phase == "closed":
            raise RecordingError("This call is closed: make a new Call().")
        if self._take is not None:
            path = self._statuses[0].path
            raise RecordingError(
                f"{path} is being recorded already: stop it first, with call.recording.stop()."
            )
        if state.room is not None and not state.room.settings.recording:
            raise RecordingError(f"Nothing is recorded: {_forbidden(state.room.name)}")
        me = "" if state.room is None else state.room.me
        if not isinstance(tracks, str):
            tracks = tuple(OWN if name == me else name for name in tracks)
        check(tracks, subjects(state).values())
        place = choose(self._folder, path, layout)
        check_space(place.folder.parent)
        return self._roll(place, tracks)

    async def stop(self, identity: str | None = None) -> RecordingStatus | None:
        """Finish the separate files; what is made of them goes on behind.

        Idempotent. Returns the status of the recording with this id, or of the newest; None if there never
        was one.
        """
        take = self._take
        if take is None or identity not in (None, take.id):
            found = [status for status in self._statuses if identity in (None, status.id)]
            return next(iter(found or self._statuses), None)
        self.cut()
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._finish(take), name="nbrtc-recording-stop")
        return await asyncio.shield(self._stopping)

    def cut(self) -> None:
        """Record nothing from now on, whoever leaves meanwhile; `stop` follows. Idempotent.

        While nobody is in the call it ended when the last page went: nobody wants a minute of nothing.
        """
        if self._take is not None:
            self._take.cut(self._absence.since_s)
        self._absence.close()
        for timer in (self._following, self._looking):
            if timer is not None:
                timer.cancel()
        self._following = self._looking = None

    def expect_return(self) -> None:
        """The page that is in the call goes now, perhaps to be loaded again: the recording waits a while."""
        if self._take is not None and self._stopping is None:
            self._absence.expect_return()
            self.look()

    async def close(self) -> None:
        """Stop for good; films are the composer's. Idempotent."""
        try:
            await self.stop()
        finally:
            self._is_closed = True

    def file(self, wish: ReadRecording) -> Path:
        """The file that a page may read.

        Raises
        ------
        RecordingError
            If it is none of this call's recordings.
        """
        for status in self._statuses:
            for file in status.files:
                if (status.id, file.name) == (wish.recording, wish.file):
                    return Path(file.path)
        raise RecordingError(f"{wish.file!r} is no file of this call's recordings.")

    # --- what happens

    def shows(self, page: str, recordings: tuple[str, ...]) -> None:
        """The badges of these recordings stand in views of this page."""
        self._shown[page] = frozenset(recordings[:BADGES])
        self._shown.move_to_end(page)
        while len(self._shown) > PAGES:
            self._shown.popitem(last=False)
        self.look()

    def shown(self, page: str) -> tuple[str, ...]:
        """What `shows` was told of a page last."""
        return tuple(sorted(self._shown.get(page, ())))

    def look(self) -> None:
        """The call's state or link is new: follow it, once for all that changes in one turn of the loop."""
        if self._take is not None and self._looking is None and self._stopping is None:
            self._looking = asyncio.get_running_loop().call_soon(self._look)

    def hear(self, notification: Notification) -> None:
        """The kernel is told this of the call."""
        if self._take is not None:
            self._take.hear(notification)

    def _look(self) -> None:
        self._looking = None
        take = self._take
        if take is None or self._stopping is not None:
            return
        room = self._board.state.room
        if room is not None and not room.settings.recording:
            self._end(f"The recording was ended: {_forbidden(room.name)}", False)
            return
        if self._room != _id_of(room):
            self._end("The recording was ended: the call went into another room.", False)
            return
        if self._board.link is not None:
            self._page = self._board.link.page
        take.follow(self._board.state, self._page, take.id in self._shown.get(self._page or "", ()))
        self._wait_for_page(take)

    def _wait_for_page(self, take: Take) -> None:
        self._absence.see(self._board.state.owner is not None)
        before, self._absence_note = self._absence_note, self._absence.note
        if before != self._absence_note:
            self._publish(take.id, note=self._absence_note or self._last_note)

    # --- one recording, from its start to its end

    def _roll(self, place: Place, tracks: RecordingTracks) -> RecordingStatus:
        place.make()
        identity = uuid.uuid4().hex
        try:
            take = Take(
                identity,
                place,
                tracks,
                feeds=self._feeds,
                late_s=self._late_s,
                on_change=self._changed,
                on_note=self._note,
                on_end=self._end,
                recorder=self._recorder,
            )
        except RecordingError:
            place.unmake()
            raise
        self._take, self._ending = take, None
        self._absence_note = self._last_note = ""
        self._room = _id_of(self._board.state.room)
        status = RecordingStatus(
            id=identity,
            path=str(place.asked),
            state="recording",
            started_at_s=take.started_at_s,
            folder=str(place.folder),
            layout=place.layout,
        )
        self._statuses = [status, *self._statuses[:EARLIER]]
        self._following = asyncio.create_task(self._follow(take), name="nbrtc-recording")
        self._look()
        self._changed()
        return self._statuses[0]

    async def _follow(self, take: Take) -> None:
        while True:
            await asyncio.sleep(PROGRESS_S)
            take.tick()
            self._changed()

    def _changed(self) -> None:
        """How far the take is, and who is in it."""
        take = self._take
        if take is not None:
            self._publish(
                take.id,
                people=take.people,
                size_bytes=take.size_bytes,
                duration_s=take.duration_s if take.size_bytes else 0.0,
            )

    def _note(self, text: str, is_problem: bool) -> None:
        if self._take is None:
            return
        self._last_note = text
        self._publish(self._take.id, note=text)
        if is_problem:
            self._board.problem(RecordingError.code, text)
        else:
            self._board.broadcast(Notice(key="recording-space", level="warning", text=text))

    def _end(self, reason: str, is_failure: bool) -> None:
        """It ends by itself: what there is is finished, and everybody told why."""
        if self._take is None or self._stopping is not None:
            return
        self._ending = _Ending(reason, is_failure)
        self._board.problem(RecordingError.code, reason)
        self.cut()
        self._stopping = asyncio.create_task(self._finish(self._take), name="nbrtc-recording-stop")

    async def _finish(self, take: Take) -> RecordingStatus:
        """Complete the separate files, and have the one file made of them."""
        try:
            manifest = await take.finish()
            status = await self._deliver(take, manifest)
        except Exception as error:
            logger.exception("The recording in %s was not finished", take.place.folder)
            text = f"The recording could not be finished ({error}): nbrtc.recover({str(take.place.folder)!r})"
            status = {"state": "failed", "error": f"{text} saves what was written."}
        self._take = self._stopping = None
        self._publish(take.id, **status)
        return next(one for one in self._statuses if one.id == take.id)

    async def _deliver(self, take: Take, manifest: Manifest) -> dict[str, Any]:
        """What is told of a recording whose separate files are complete."""
        ending, place = self._ending, take.place
        plan = film_plan(place, manifest)
        files = files_of(place, manifest)
        notes = [plan.note, take.error if ending is None else ending.reason]
        status: dict[str, Any] = {
            "state": "stopped",
            "people": take.people,
            "duration_s": manifest.duration_ms / 1000,
            "size_bytes": take.size_bytes,
            "files": files,
            "path": str(plan.to),
            "layout": plan.layout,
            "note": " ".join(filter(None, notes)),
        }
        if manifest.state == "failed" or not files or (ending is not None and ending.is_failure):
            status |= {"state": "failed", "note": plan.note}
            status["error"] = manifest.error if ending is None else ending.reason
        if plan.how == "none" or not files:
            return status
        outcome = await link(place, plan) if plan.how == "link" else None
        if outcome is not None:
            return status | delivered(plan, files, outcome)
        if status["state"] == "stopped":
            status["state"] = "composing"
        self._composer.work(self._premiere(take.id, place, plan, status["state"], files))
        return status

    async def _premiere(
        self, identity: str, place: Place, plan: FilmPlan, state: str, files: tuple[RecordedFile, ...]
    ) -> None:
        try:
            outcome = await make(
                place,
                plan,
                self._composer,
                lambda fraction: self._publish(identity, composed_fraction=min(1.0, fraction)),
            )
        except Exception as error:
            logger.exception("The film %s was not made", plan.to)
            text = f"{plan.to.name} could not be made ({error}). The separate files are in {place.folder}."
            outcome = Outcome("failed", text)
        if outcome is not None:
            done = {"state": "stopped" if state == "composing" else state, "composed_fraction": 1.0}
            self._publish(identity, **done | delivered(plan, files, outcome))

    def _publish(self, identity: str, **fields: Any) -> None:
        """Tell everybody about a recording, unless the call is over."""
        if self._is_closed:
            return
        self._statuses = [
            msgspec.structs.replace(status, **fields) if status.id == identity else status
            for status in self._statuses
        ]
        recorded = () if self._take is None else self._take.recorded
        self._keep(recorded)
        newest, *earlier = self._statuses
        self._board.change(recording=newest, recordings=tuple(earlier), recorded=recorded)


def _id_of(room: RoomInfo | None) -> str:
    """Empty for a call outside of rooms."""
    return "" if room is None else room.id


def _forbidden(room: str) -> str:
    return f"the creator of the room {room!r} forbids it."
