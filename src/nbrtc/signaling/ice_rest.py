"""What participants ask and tell over HTTP of their connections: TURN credentials, and how they went."""

import hmac
from collections.abc import Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from ..errors import RoomError
from ..messages.signaling import AnalyticsReport, SignalingWire, TurnRequest
from ..rooms import Lobby
from ..rooms.seat import Seat
from .analytics import Analytics
from .doorkeeper import Doorkeeper
from .front import answer, bearer, refusal
from .limits import AddressLimits, Rate
from .proxies import address_of
from .turn import TurnIssuer

ASKED = Rate(30, 60)
"""TURN credentials for one address, behind which a whole class may be."""
TOLD = Rate(120, 60)
"""Reports from one address."""

T = TypeVar("T", bound=SignalingWire)


class IceRest:
    """``POST /api/turn-credentials`` and ``POST /api/webrtc-analytics``. On the server's loop.

    Parameters
    ----------
    turn
        Makes the credentials.
    analytics
        Counts reports; None where none are taken.
    """

    def __init__(
        self,
        lobby: Lobby,
        doorkeeper: Doorkeeper,
        turn: TurnIssuer,
        analytics: Analytics | None,
        clock: Callable[[], float],
    ) -> None:
        self._lobby = lobby
        self._doorkeeper = doorkeeper
        self._turn = turn
        self._analytics = analytics
        self._clock = clock
        self._asked = AddressLimits(ASKED, "Too many TURN credentials for this address: wait a minute.")
        self._told = AddressLimits(TOLD, "Too many reports from this address: wait a minute.")

    def mount(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.router.add_post("/api/turn-credentials", self._credentials)
        app.router.add_post("/api/webrtc-analytics", self._report)

    async def _credentials(self, request: web.Request) -> web.Response:
        self._asked.check(address_of(request), self._clock())
        wanted = await _read(request, TurnRequest)
        room = self._lobby.rooms.get(wanted.room_id or "")
        seat = None if room is None else room.seats.get(wanted.user_id or "")
        if seat is None or not seat.is_resumed_by(bearer(request) or wanted.resume_token):
            # the same for a room that is not there: whoever has no seat learns nothing
            raise RoomError(
                "TURN credentials are for those who are in a room: send its roomId, your userId, and your "
                "resume token as Authorization: Bearer.",
                "not-allowed",
            )
        return answer(self._turn.issue(seat.id))

    async def _report(self, request: web.Request) -> web.Response:
        if self._analytics is None:
            sentence = "This server collects no analytics: `nbrtc serve --analytics` does."
            return refusal(RoomError(sentence, "invalid"), 404)
        now_s = self._clock()
        self._told.check(address_of(request), now_s)
        token = bearer(request)
        if token is None:
            raise RoomError(
                "Reports are taken from participants: send your resume token or room token as "
                "Authorization: Bearer.",
                "not-allowed",
            )
        if self._seat_of(token) is None:
            self._doorkeeper.admit(token, now_s)
        self._analytics.add(await _read(request, AnalyticsReport))
        return web.Response(status=204)

    def _seat_of(self, token: str) -> Seat | None:
        """Whose present resume token it is; every seat is looked at, so that time tells nothing."""
        given = token.encode(errors="replace")
        found = None
        for room in self._lobby.rooms.values():
            for seat in room.seats.values():
                if seat.resume_token and hmac.compare_digest(given, seat.resume_token.encode()):
                    found = seat
        return found


async def _read(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.MsgspecError as error:
        raise RoomError(f"This is no request of this kind: {error}", "invalid") from error
