"""The server's HTTP interface: rooms, health and figures, as JSON in camelCase."""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web

from ..errors import RoomError
from ..messages.signaling import CreateRoom
from ..rooms import Lobby, Room
from .access import Claims, hash_passcode
from .desk import passcode_of, visitor_of
from .doorkeeper import Doorkeeper
from .front import Front, answer, bearer
from .limits import AddressLimits, Rate
from .log import note
from .metrics import Metrics
from .proxies import address_of

NEW_ROOMS = Rate(10, 50)
"""Rooms that one address may make over HTTP."""


class Rest:
    """The routes below ``/api``, ``/health`` and ``/metrics``. On the server's loop.

    A room token comes as ``Authorization: Bearer``. Strangers see the rooms that are listed, a token's holder
    its room with everybody in it, an admin all.
    """

    def __init__(
        self, lobby: Lobby, doorkeeper: Doorkeeper, front: Front, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self._lobby = lobby
        self._doorkeeper = doorkeeper
        self._front = front
        self._metrics = metrics
        self._clock = clock
        self._started_s = time.monotonic()
        self._makers = AddressLimits(NEW_ROOMS, "Too many new rooms from this address: wait a few seconds.")

    def mount(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.router.add_get("/api/rooms", self._rooms)
        app.router.add_post("/api/rooms", self._create)
        app.router.add_get("/api/rooms/{room}", self._room)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._figures)

    async def _rooms(self, request: web.Request) -> web.Response:
        claims = self._claims(request)
        rooms = [
            _details(room, self._is_member(claims, room))
            for room in self._lobby.rooms.values()
            if self._is_member(claims, room) or (claims is None and room.settings.listed)
        ]
        return answer({"rooms": rooms, "count": len(rooms)})

    async def _room(self, request: web.Request) -> web.Response:
        claims = self._claims(request)
        room = self._lobby.rooms.get(request.match_info["room"])
        if claims is not None and not claims.opens(request.match_info["room"]):
            raise RoomError("Your token is not for this room.", "not-allowed")
        if room is None:
            if claims is None and self._doorkeeper.require_token:
                raise RoomError("A room shows itself only to those who have a token for it.", "not-allowed")
            raise RoomError("There is no such room, or not any more.", "room-not-found")
        is_member = self._is_member(claims, room)
        if not is_member and (room.passcode is not None or self._doorkeeper.require_token):
            raise RoomError("This room shows itself only to those who have a token for it.", "not-allowed")
        return answer(_details(room, is_member))

    async def _create(self, request: web.Request) -> web.Response:
        now_s = self._clock()
        self._makers.check(address_of(request), now_s)
        claims = self._claims(request)
        try:
            wanted = msgspec.json.decode(await request.read(), type=CreateRoom)
        except msgspec.MsgspecError as error:
            raise RoomError(f"This is no room: {error}", "invalid") from error
        passcode = passcode_of(wanted.passcode)
        hashed = None if passcode is None else hash_passcode(passcode)
        room = self._lobby.open(visitor_of("", claims), wanted, hashed, now_s)
        note("room made", room=room.id)
        invite_url = self._doorkeeper.invitation(self._front.base_url(request), room.id, claims, now_s)
        return answer(
            {**_details(room, is_member=True), "inviteUrl": invite_url},
            status=201,
            headers={"Location": f"/api/rooms/{room.id}"},
        )

    async def _health(self, _: web.Request) -> web.Response:
        return answer(
            {
                "status": "ok",
                "rooms": len(self._lobby.rooms),
                "users": self._lobby.participant_count,
                "uptime": time.monotonic() - self._started_s,
                "version": version("nbrtc"),
            }
        )

    async def _figures(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": self._metrics.content_type})

    def _claims(self, request: web.Request) -> Claims | None:
        token = bearer(request)
        if token is None and "Authorization" not in request.headers:
            return None
        return self._doorkeeper.admit(token, self._clock())

    @staticmethod
    def _is_member(claims: Claims | None, room: Room) -> bool:
        return claims is not None and claims.opens(room.id)


def _details(room: Room, is_member: bool) -> dict[str, Any]:
    """A room, with names only for those who may enter it."""
    said: dict[str, Any] = msgspec.to_builtins(room.to_json())
    if is_member:
        said["participants"] = [msgspec.to_builtins(seat.to_json()) for seat in room.seats.values()]
    else:
        said.pop("creatorId", None)
    return said
