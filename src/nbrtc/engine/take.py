"""One take of a call: everybody's reels, the journal beside them, and who may be written when.

It lasts from the start of a recording until its separate files are complete. All on the engine's loop.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec

from ..messages import (
    CallState,
    ChatArrived,
    ChatMessage,
    EventArrived,
    Notification,
    Participant,
    RecordedPerson,
    RecordingTracks,
    StatsArrived,
)
from ..recordings.manifest import Manifest, Moment, Person, Said
from .consent import Consent, Ruling
from .film_plan import with_film
from .gallery import OWN
from .journal import Diary, Journal
from .moments import moment, standing
from .place import FileNames, Place
from .record import Recorder
from .reel import NO_FEEDS, Feeds, MakeRecorder, Reel
from .scope import Chosen, subjects
from .space import Growth, Space, free_bytes

logger = logging.getLogger(__name__)

MADE_BY = f"nbrtc {version('nbrtc')}"
FULL_BYTES = 256 * 1024
"""Where a file failed and no more than this is free, the disk is full, and the other files fail next."""
FULL = "The recording was ended, because its disk is full. The call goes on."
KEPT_S = 5
"""While nothing happens the manifest is written so often, in seconds."""
SHOWN_PEOPLE = 100
"""At most so many are in the status, those who are there first; the manifest has all."""
LATE_S = 0.25
"""Frames that come so much later than they arrived at the page waited there for the link, and more do."""
DRAIN_S = 2.0
"""What waits there when it is stopped is waited for, no longer than this."""
DRAIN_LOOK_S = 0.02
EARLIER_S = 5.0
"""Chat that was written so long before the start is not of this recording; the server's clock is another."""


@dataclass(slots=True)
class _Role:
    """Somebody in the recording."""

    name: str
    joined_ms: float
    reel: Reel
    left_ms: float | None = None
    acknowledged_ms: float | None = None
    is_on: bool = False
    since_s: float = 0.0
    """When the badge was confirmed last: nothing that arrived earlier is written."""


class Take:
    """Everybody's reels of one recording, which begins now.

    Parameters
    ----------
    identity
        Of the recording.
    place
        Where it goes; its folder is there.
    tracks
        Whom it is about.
    feeds
        Gives picture and sound of somebody by id.
    late_s
        How much later than at the page somebody's frames come now.
    on_change
        Told when somebody stands differently, or a file began or ended.
    on_note
        Told a sentence that a person should read, and whether something failed.
    on_end
        Told why nothing more can be written, and whether that is a failure: it is to be stopped.
    """

    def __init__(
        self,
        identity: str,
        place: Place,
        tracks: RecordingTracks,
        *,
        feeds: Callable[[str], Feeds],
        late_s: Callable[[str], float] = lambda _: 0.0,
        on_change: Callable[[], None],
        on_note: Callable[[str, bool], None],
        on_end: Callable[[str, bool], None],
        recorder: MakeRecorder = Recorder,
        journal: Callable[[Path, Callable[[OSError], None]], Diary] = Journal,
    ) -> None:
        self.id = identity
        self.place = place
        self.error = ""
        """What failed, though the rest may be whole."""
        self.started_at_s = time.time()
        self._origin_s = time.monotonic()
        self._chosen = Chosen(tracks)
        self._feeds, self._late_s = feeds, late_s
        self._on_change, self._on_note, self._on_end = on_change, on_note, on_end
        self._recorder = recorder
        self._consent = Consent()
        self._roles: dict[str, _Role] = {}
        self._names = FileNames(place)
        self._state: CallState | None = None
        self._page: str | None = None
        self._due: asyncio.TimerHandle | None = None
        self._cut_s: float | None = None
        self._is_complete = False
        self._growth = Growth(self._origin_s)
        self._kept_s = 0
        self._journal = journal(place.folder, self._journal_failed)
        self._space = Space(
            place.folder,
            rate_bps=lambda: self._growth.rate_bps,
            on_low=lambda text: on_note(text, False),
            on_full=lambda text: on_end(text, False),
        )
        self._space.start()

    # --- how far it is

    @property
    def recorded(self) -> tuple[str, ...]:
        """Whose frames are written now."""
        if self._is_complete:
            return ()
        return tuple(sorted(one for one in self._consent.recorded if not self._roles[one].reel.error))

    @property
    def people(self) -> tuple[RecordedPerson, ...]:
        """Everybody, and how they stand."""
        people = [
            RecordedPerson(id=identity, name=role.name, state=self._consent.standing(identity))
            for identity, role in self._roles.items()
        ]
        if self._cut_s is not None:  # nobody can be taken in any more
            people = [
                msgspec.structs.replace(person, state="left-out") if person.state == "asked" else person
                for person in people
            ]
        return tuple(sorted(people, key=lambda person: person.state == "gone")[:SHOWN_PEOPLE])

    @property
    def duration_s(self) -> float:
        """Seconds since it began, or until it was cut."""
        return (time.monotonic() if self._cut_s is None else self._cut_s) - self._origin_s

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(role.reel.size_bytes for role in self._roles.values())

    def manifest(self) -> Manifest:
        """What is known now; what happened is in the journal."""
        state = self._state
        manifest = Manifest(
            id=self.id,
            started_at_s=self.started_at_s,
            room="" if state is None or state.room is None else state.room.id,
            name=next((one.name for one in state.participants if one.is_you), "") if state else "",
            made_by=MADE_BY,
            error=self.error,
            duration_ms=round(1000 * self.duration_s, 3),
            people=tuple(
                Person(
                    id=identity,
                    name=role.name,
                    joined_ms=role.joined_ms,
                    left_ms=role.left_ms,
                    acknowledged_ms=role.acknowledged_ms,
                    pieces=role.reel.pieces,
                )
                for identity, role in self._roles.items()
            ),
        )
        return with_film(self.place, manifest)

    # --- what happens

    def follow(self, state: CallState, page: str | None, is_shown: bool) -> None:
        """Rule on everybody, and write whom it may.

        Parameters
        ----------
        state
            The call's.
        page
            Whose camera is the own one: the page that has the link, or had it last.
        is_shown
            Whether that page shows the badge of this recording.
        """
        if self._cut_s is not None:
            return
        now_s, is_start = time.monotonic(), self._state is None
        here = self._chosen.among(subjects(state))
        self._state = state
        for person in here.values():
            self._meet(state, person, 0.0 if is_start else self._now_ms())
        rulings = []
        if page != self._page:
            self._page = page
            rulings += self._consent.ask_anew(OWN, now_s)
        shown = {
            identity: is_shown if identity == OWN else self.id in person.status.acknowledges
            for identity, person in here.items()
        }
        rulings += self._consent.update(shown, now_s)
        for ruling in rulings:
            self._apply(ruling, now_s)
        for identity, role in self._roles.items():
            is_written = self._consent.standing(identity) == "recorded"
            role.reel.follow(self._feeds(identity) if is_written else NO_FEEDS, now_s, role.since_s)
        self._look_again_in(self._consent.due_s - now_s, page, is_shown)
        if rulings:
            self._changed()

    def hear(self, notification: Notification) -> None:
        """What the kernel is told of the call: its events, chat and statistics go into the journal."""
        state = self._state
        if self._cut_s is not None or state is None:
            return
        me = "" if state.room is None else state.room.me
        match notification:
            case EventArrived(event=event):
                told = moment(event, me, self._now_ms())
                if told is not None and (told.peer == "" or told.peer in self._roles):
                    self._journal.note(told)
            case StatsArrived(sample=sample):
                self._journal.sample(sample)
            case ChatArrived(messages=messages):
                for message in messages:
                    self._hear_chat(message, OWN if message.sender == me else message.sender)

    def tick(self) -> None:
        """Measure how fast the files grow, and have the manifest written now and then; once a second."""
        self._growth.measure(time.monotonic(), self.size_bytes)
        self._kept_s += 1
        if self._kept_s >= KEPT_S:
            self.keep()

    def keep(self) -> None:
        """Have the manifest written as it stands now."""
        self._kept_s = 0
        if self._cut_s is None:
            self._journal.keep(self.manifest())

    # --- the end

    def cut(self, at_s: float | None = None) -> None:
        """Take nothing that happens from now on. Idempotent; `finish` completes the files.

        Until then everybody's frames are written on, as they may be still on their way. What lasts until
        `at_s` (of `time.monotonic`; None: now) is the recording's length.
        """
        if self._cut_s is not None:
            return
        self._cut_s = time.monotonic() if at_s is None else at_s
        if self._due is not None:
            self._due.cancel()
        self._space.close()

    async def finish(self) -> Manifest:
        """Complete every file and the manifest; returns it with all that happened. Once only."""
        self.cut()
        ends = (self._complete(identity, role) for identity, role in self._roles.items())
        for error in filter(None, await asyncio.gather(*ends, return_exceptions=True)):
            logger.error("A file in %s was not completed", self.place.folder, exc_info=error)
            self.error = f"A file was not completed ({error}): nbrtc.recover({str(self.place.folder)!r})."
        self._is_complete = True
        manifest = self.manifest()
        unfinished = (piece for one in manifest.people for piece in one.pieces if piece.state != "complete")
        self.error = " ".join(filter(None, [self.error, *(f"{piece.error}." for piece in unfinished)]))
        is_empty = not any(person.pieces for person in manifest.people)
        if is_empty and not self.error:
            self.error = self._why_nothing()
        return await self._journal.finish(
            msgspec.structs.replace(manifest, state="failed" if is_empty else "complete", error=self.error)
        )

    async def _complete(self, identity: str, role: _Role) -> None:
        """Complete somebody's files, with what waited in the page when it was cut."""
        assert self._cut_s is not None
        waited_s = 0.0
        while role.is_on and waited_s < DRAIN_S and self._late_s(identity) > max(LATE_S, waited_s):
            await asyncio.sleep(DRAIN_LOOK_S)
            waited_s = time.monotonic() - self._cut_s
        await role.reel.stop()

    def _why_nothing(self) -> str:
        if all(role.acknowledged_ms is None for role in self._roles.values()):
            return (
                "Nothing was recorded, because nobody's page showed the red badge: keep the widget in view "
                "when a recording begins."
            )
        return (
            f"Nothing was recorded, because no picture and no sound arrived within {self.duration_s:.1f} s: "
            "record for longer, or check camera and microphone."
        )

    # --- one step each

    def _meet(self, state: CallState, person: Participant, now_ms: float) -> None:
        """Somebody is here, for the first time or again."""
        role = self._roles.get(person.id)
        if role is not None and role.left_ms is None:
            return
        if role is None:
            self._roles[person.id] = _Role(person.name, now_ms, self._reel(state, person))
        else:
            role.left_ms = None
        for told in standing(state, person, now_ms):
            self._journal.note(told)

    def _reel(self, state: CallState, person: Participant) -> Reel:
        return Reel(
            lambda: self._names.next(person.name),
            origin_s=self._origin_s,
            size=state.camera if person.id == OWN else None,
            on_change=self._changed,
            on_failure=lambda error: self._failed(person, error),
            recorder=self._recorder,
        )

    def _apply(self, ruling: Ruling, now_s: float) -> None:
        role, now_ms = self._roles[ruling.person], self._now_ms()
        is_on = ruling.standing == "recorded"
        if is_on and not role.is_on:
            role.since_s = now_s
        if is_on and role.acknowledged_ms is None:
            role.acknowledged_ms = now_ms
        if ruling.standing == "gone":
            role.left_ms = now_ms
        elif is_on != role.is_on:
            told = Moment(time_ms=now_ms, peer=ruling.person, name="recorded", value="on" if is_on else "off")
            self._journal.note(told)
        role.is_on = is_on

    def _hear_chat(self, message: ChatMessage, sender: str) -> None:
        """Chat is written of those who are recorded, as their picture is."""
        is_old = message.time_s < self.started_at_s - EARLIER_S
        if message.to is None and not is_old and self._consent.standing(sender) == "recorded":
            said = Said(
                time_ms=self._now_ms(), sender=sender, sender_name=message.sender_name, text=message.text
            )
            self._journal.note(said)

    def _look_again_in(self, seconds: float, page: str | None, is_shown: bool) -> None:
        """Somebody's time is over then, though nobody says anything."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if seconds < float("inf") and self._state is not None:
            loop = asyncio.get_running_loop()
            self._due = loop.call_later(max(0.0, seconds), self.follow, self._state, page, is_shown)

    def _changed(self) -> None:
        self.keep()
        self._on_change()

    def _failed(self, person: Participant, error: str) -> None:
        """Nothing more is written of somebody; with a full disk, of nobody."""
        if self._cut_s is not None:
            return
        if self._is_full():
            self._on_end(FULL, False)
            return
        self.error = f"{'You are' if person.id == OWN else f'{person.name} is'} no longer recorded: {error}"
        if self.recorded:
            self._on_note(self.error, True)
        else:
            self._on_end(self.error, True)

    def _is_full(self) -> bool:
        try:
            return free_bytes(self.place.folder) <= FULL_BYTES
        except OSError:
            return False  # the folder is gone, or its disk: no space would help

    def _journal_failed(self, error: OSError) -> None:
        if self._is_full():
            self._on_end(FULL, False)  # which is said only once, and not when it has ended
            return
        text = f"What happens in the call is not written beside the recording any more ({error}); "
        self._on_note(text + "pictures and sound are", True)

    def _now_ms(self) -> float:
        return round(1000 * (time.monotonic() - self._origin_s), 3)
