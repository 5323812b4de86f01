"""All rooms of a server: who comes in, who goes, and what becomes of the rooms they leave."""

import secrets
from collections.abc import Callable

import msgspec

from ..errors import RoomError
from ..messages.nouns import ParticipantStatus, RoomSettings
from ..messages.signaling import CAPACITY, EMPTY_ROOM_S, SEAT_S, CreateRoom, JoinedJson, JoinRoom
from .names import check_name, check_participant_id, check_room_id
from .outcome import Delivery, Outcome, Visitor
from .room import Room
from .seat import Seat

MAX_ROOMS = 1000
MAX_PROTOCOL = 1000
NO_NAME = "Guest"
"""Of whoever gives none."""


class Lobby:
    """The rules of coming and going: no I/O, and no clock but the caller's `now_s`.

    Each method checks a request whole, and only then changes anything.

    Parameters
    ----------
    capacity
        The most people that a room may hold, and what it holds unless its creator says less.
    max_rooms
        The most rooms.
    members_only
        Only the holders of a token for a room enter it, and only owners (and admins) create one.
    new_id, new_token
        Where ids of 128 random bits and resume tokens come from.
    """

    def __init__(
        self,
        *,
        capacity: int = CAPACITY,
        max_rooms: int = MAX_ROOMS,
        members_only: bool = False,
        seat_s: float = SEAT_S,
        empty_room_s: float = EMPTY_ROOM_S,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(16),
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self.rooms: dict[str, Room] = {}
        self._capacity = capacity
        self._max_rooms = max_rooms
        self._members_only = members_only
        self._seat_s = seat_s
        self._empty_room_s = empty_room_s
        self._new_id = new_id
        self._new_token = new_token
        self._places: dict[str, tuple[Room, Seat]] = {}

    @property
    def participant_count(self) -> int:
        """Seats of all rooms, held ones too."""
        return sum(len(room.seats) for room in self.rooms.values())

    def find(self, client: str) -> tuple[Room, Seat] | None:
        """Where a client sits, if it does."""
        return self._places.get(client)

    def place(self, client: str, room_id: str | None = None) -> tuple[Room, Seat]:
        """Where a client sits.

        Raises
        ------
        RoomError
            ``"not-in-room"``, also if it sits in another room than the one it names.
        """
        place = self._places.get(client)
        if place is None or room_id not in (None, place[0].id):
            raise RoomError("You are not in this room: join it first.", "not-in-room")
        return place

    def open(
        self, visitor: Visitor, request: CreateRoom | JoinRoom, passcode: object | None, now_s: float
    ) -> Room:
        """Make a room without anybody in it; it stays as long as an empty room does.

        Raises
        ------
        RoomError
            ``"room-exists"``, ``"not-allowed"``, ``"server-full"`` or ``"invalid"``.
        """
        room = self._new_room(visitor, request, passcode, now_s)
        self.rooms[room.id] = room
        return room

    def create(self, visitor: Visitor, request: CreateRoom, passcode: object | None, now_s: float) -> Outcome:
        """Make a room and join it.

        Raises
        ------
        RoomError
            As `open`.
        """
        room = self._new_room(visitor, request, passcode, now_s)
        return self._enter(room, visitor, request, now_s, creates=True)

    def join(self, visitor: Visitor, request: JoinRoom, passcode: object | None, now_s: float) -> Outcome:
        """Enter a room, or take one's seat in it again.

        `passcode` is for the room that is made where there is none and the request says `create`.

        Raises
        ------
        RoomError
            ``"room-not-found"``, ``"room-full"``, ``"wrong-passcode"``, ``"already-in-room"``,
            ``"not-allowed"``, ``"server-full"`` or ``"invalid"``.
        """
        room_id = check_room_id(request.room_id)
        self._check_token(visitor, room_id)
        room = self.rooms.get(room_id)
        if room is None:
            if not request.create:
                raise RoomError(f'There is no room "{room_id}", or not any more.', "room-not-found")
            room = self._new_room(visitor, request, passcode, now_s)
            return self._enter(room, visitor, request, now_s, creates=True)
        seat = None if request.user_id is None else room.seats.get(request.user_id)
        if seat is not None and seat.is_resumed_by(request.resume_token):
            return self._resume(room, seat, visitor, request, now_s)
        if place := self._places.get(visitor.client):
            if place[0] is room and request.user_id in (None, place[1].id):
                return self._joined(room, place[1], visitor)  # asked twice
            if place[0] is room:
                raise RoomError(f'You are in the room "{room_id}" already.', "already-in-room")
        is_same_person = seat is not None and visitor.subject is not None and seat.subject == visitor.subject
        if room.passcode is not None and not visitor.knows_passcode and not visitor.holds_token_for(room_id):
            raise RoomError(
                f'This is not the passcode of the room "{room_id}".'
                if visitor.gave_passcode
                else f'The room "{room_id}" asks for its passcode.',
                "wrong-passcode",
            )
        if seat is not None and not is_same_person:
            raise RoomError(
                f'Somebody is in the room "{room_id}" under this id: join with another one.',
                "already-in-room",
            )
        return self._enter(room, visitor, request, now_s, creates=False, instead=seat)

    def leave(self, client: str, room_id: str | None, now_s: float) -> Outcome:
        """Go for good.

        Raises
        ------
        RoomError
            ``"not-in-room"``.
        """
        room, seat = self.place(client, room_id)
        return Outcome({}, self._remove(room, seat, "left", now_s))

    def disconnect(self, client: str, now_s: float) -> Outcome:
        """Take note of a lost connection: the seat is held, but not for clients of the tutorial protocol."""
        if client not in self._places:
            return Outcome()
        room, seat = self._places[client]
        if seat.resume_token is None:
            return Outcome(None, self._remove(room, seat, "disconnected", now_s))
        del self._places[client]
        seat.client = None
        seat.held_until_s = now_s + self._seat_s
        room.last_activity_s = now_s
        return Outcome(None, room.tell_status(seat))

    def expire(self, now_s: float) -> Outcome:
        """Give up the seats and rooms whose time is over."""
        deliveries: list[Delivery] = []
        for room in list(self.rooms.values()):
            for seat in list(room.seats.values()):
                if seat.held_until_s is not None and seat.held_until_s <= now_s:
                    deliveries += self._remove(room, seat, "lost", now_s)
            if room.empty_since_s is not None and room.empty_since_s + self._empty_room_s <= now_s:
                del self.rooms[room.id]
        return Outcome(None, tuple(deliveries))

    def _check_token(self, visitor: Visitor, room_id: str) -> None:
        if visitor.holds_token_for(room_id):
            return
        if visitor.role is not None:
            raise RoomError(f'Your token is not for the room "{room_id}".', "not-allowed")
        if self._members_only:
            raise RoomError(
                f'The room "{room_id}" takes only those who have an invite link or a token for it.',
                "not-allowed",
            )

    def _new_room(
        self, visitor: Visitor, request: CreateRoom | JoinRoom, passcode: object | None, now_s: float
    ) -> Room:
        room_id = self._new_id() if request.room_id is None else check_room_id(request.room_id)
        self._check_token(visitor, room_id)
        if self._members_only and visitor.role not in ("owner", "admin"):
            raise RoomError(
                f'There is no room "{room_id}", and your token does not let you make one.', "not-allowed"
            )
        if room_id in self.rooms:
            raise RoomError(
                f'The room "{room_id}" exists already: join it, or choose another name.', "room-exists"
            )
        capacity = self._capacity if request.capacity is None else request.capacity
        if not 1 <= capacity <= self._capacity:
            raise RoomError(
                f"A room holds 1 to {self._capacity} people on this server, not {capacity}.", "invalid"
            )
        name = room_id if request.room_name is None else check_name(request.room_name)
        if len(self.rooms) >= self._max_rooms:
            raise RoomError(
                f"This server has {len(self.rooms)} rooms and makes no more: try again later.", "server-full"
            )
        return Room(
            id=room_id,
            name=name,
            capacity=capacity,
            settings=request.settings or RoomSettings(),
            passcode=passcode,
            created_at_s=now_s,
            last_activity_s=now_s,
            empty_since_s=now_s,
        )

    def _enter(
        self,
        room: Room,
        visitor: Visitor,
        request: CreateRoom | JoinRoom,
        now_s: float,
        *,
        creates: bool,
        instead: Seat | None = None,
    ) -> Outcome:
        participant = check_participant_id(self._new_id() if request.user_id is None else request.user_id)
        name = check_name(visitor.name or request.user_name or NO_NAME)
        if not 0 <= request.protocol <= MAX_PROTOCOL:
            raise RoomError(f"{request.protocol} is no version of the protocol.", "invalid")
        status = room.allowed_status(request.status or ParticipantStatus(), instead)
        if instead is None and len(room.seats) >= room.capacity:
            raise RoomError(
                f'The room "{room.id}" is full ({len(room.seats)} of {room.capacity}).', "room-full"
            )

        deliveries: list[Delivery] = []
        dismissed: tuple[str, ...] = ()
        if earlier := self._places.get(visitor.client):  # a connection is in one room at a time
            deliveries += self._remove(*earlier, "left", now_s)
        if instead is not None:
            dismissed = () if instead.client is None else (instead.client,)
            deliveries += self._remove(room, instead, "replaced", now_s)
        room.orders += 1
        seat = Seat(
            id=participant,
            name=name,
            order=room.orders,
            joined_at_s=now_s,
            is_creator=creates,
            is_python=request.is_python,
            protocol=request.protocol,
            status=status,
            subject=visitor.subject,
            client=visitor.client,
            resume_token=self._new_token() if request.protocol >= 1 else None,
        )
        if creates:
            self.rooms[room.id] = room
            room.creator_id = seat.id
        room.seats[seat.id] = seat
        room.empty_since_s = None
        room.last_activity_s = now_s
        self._places[visitor.client] = (room, seat)
        outcome = self._joined(
            room, seat, visitor, event="room-created" if isinstance(request, CreateRoom) else "room-joined"
        )
        return Outcome(outcome.reply, (*outcome.deliveries, *deliveries, *room.tell_joined(seat)), dismissed)

    def _resume(self, room: Room, seat: Seat, visitor: Visitor, request: JoinRoom, now_s: float) -> Outcome:
        status = seat.status if request.status is None else room.allowed_status(request.status, seat)
        deliveries: list[Delivery] = []
        if (earlier := self._places.get(visitor.client)) and earlier[1] is not seat:
            deliveries += self._remove(*earlier, "left", now_s)
        was_away = seat.client is None
        dismissed = () if seat.client in (None, visitor.client) else (seat.client,)
        if seat.client is not None:
            del self._places[seat.client]
        is_news = was_away or status != seat.status
        seat.client = visitor.client
        seat.held_until_s = None
        seat.status = status
        seat.resume_token = self._new_token()
        room.last_activity_s = now_s
        self._places[visitor.client] = (room, seat)
        outcome = self._joined(room, seat, visitor, resumed=True)
        news = room.tell_status(seat) if is_news else ()
        missed = seat.missed.take(visitor.client)
        return Outcome(outcome.reply, (*outcome.deliveries, *deliveries, *missed, *news), dismissed)

    def _joined(
        self, room: Room, seat: Seat, visitor: Visitor, *, event: str = "room-joined", resumed: bool = False
    ) -> Outcome:
        reply = JoinedJson(
            room_id=room.id,
            user_id=seat.id,
            room=room.to_json(),
            participants=tuple(other.to_json() for other in room.seats.values()),
            messages=room.history.seen_by(seat.id) if resumed else room.history.public(),
            resume_token=seat.resume_token,
            resumed=resumed,
        )
        public = msgspec.structs.replace(reply, resume_token=None)
        return Outcome(reply, (Delivery((visitor.client,), event, public),))

    def _remove(self, room: Room, seat: Seat, reason: str, now_s: float) -> tuple[Delivery, ...]:
        del room.seats[seat.id]
        if seat.client is not None:
            del self._places[seat.client]
        room.last_activity_s = now_s
        if not room.seats:
            room.empty_since_s = now_s
        return room.tell_left(seat, reason)
