"""The kernel's side of one Bot."""

from tempfile import TemporaryDirectory

from .bridge import Bridge
from .messages import (
    CallState,
    Notification,
    OpenBot,
    Participant,
    ParticipantStatus,
    Quality,
    RoomInfo,
    TicketChanged,
)
from .side import Side, decided


class BotSide(Side[OpenBot]):
    """What a `Bot` is made of, beside what every side has, and its pictures.

    Parameters
    ----------
    bridge
        The way to the engine.
    opening
        The Bot as the user asked for it.
    folder
        What the engine plays from, removed in the end.
    """

    closed = "The Bot is closed ({reason}): make a new Bot()."

    def __init__(
        self, bridge: Bridge, opening: OpenBot, folder: "TemporaryDirectory[str] | None" = None
    ) -> None:
        status = ParticipantStatus(muted=opening.audio is None, video_off=opening.video is None)
        you = Participant(id="you", name=opening.name, is_python=True, is_you=True, status=status)
        state = CallState(
            quality=Quality(640, 480, 30),
            phase="connecting",
            participants=(you,),
            room=RoomInfo(opening.ticket.room, opening.ticket.room, phase="joining"),
            ice=decided(opening),
        )
        super().__init__(bridge, opening, state)
        self._folder = folder

    @property
    def name(self) -> str:
        """As others see it."""
        return self._opening.name

    def close(self, reason: str) -> None:
        """Leave for good. Idempotent."""
        if not self._is_open:
            return
        self._is_open = False
        self._end(reason)
        if self._folder is not None:
            self._folder.cleanup()

    def on_notification(self, notification: Notification) -> None:
        """The engine says something about this Bot."""
        match notification:
            case TicketChanged(ticket=ticket) if ticket is not None:
                self._remember(ticket=ticket)
            case _:
                super().on_notification(notification)

    def on_engine_lost(self, reason: str) -> None:
        """The engine went; the next one joins again."""
        super().on_engine_lost(reason)
        self.mirror.lose(reason)
