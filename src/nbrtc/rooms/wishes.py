"""What somebody wanted of a room that another had made before: pure."""

from ..messages import RoomInfo, RoomTicket


def unmet(ticket: RoomTicket, room: RoomInfo) -> str:
    """What the room is other than the ticket's settings and capacity ask for, as a sentence; empty: nothing.

    Both are the creator's to choose: whoever comes later takes the room as it is, and is told so.
    """
    told = []
    if (wish := ticket.settings) is not None:
        if wish.recording != room.settings.recording:
            told.append(f"recording is {_allowed(room.settings.recording)}")
        if wish.chat != room.settings.chat:
            told.append(f"chat is {_allowed(room.settings.chat)}")
        if wish.listed != room.settings.listed:
            told.append(f"it is {'' if room.settings.listed else 'not '}listed")
    if ticket.capacity not in (None, room.capacity):
        told.append(f"it holds {room.capacity} people")
    if not told:
        return ""
    *others, last = told
    said = f"{', '.join(others)} and {last}" if others else last
    return f"The room {room.name!r} was there already, and its creator decides: {said}."


def _allowed(is_allowed: bool) -> str:
    return "allowed" if is_allowed else "forbidden"
