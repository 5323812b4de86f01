"""What a viewer without a live kernel sees in the widget's place, and the text of a call's repr."""

from html import escape

from .messages import CallState

PHASES = {
    "idle": 'not started: click "Start camera" in the widget',
    "connecting": "connecting",
    "connected": "connected",
    "reconnecting": "reconnecting",
    "failed": "failed",
    "closed": "closed",
}


def sentence(state: CallState) -> str:
    """Where the call stands, with the reason."""
    words = PHASES[state.phase]
    if state.phase == "connected":
        on = [
            name
            for name, is_on in (("camera", state.camera_on), ("microphone", state.microphone_on))
            if is_on
        ]
        words += f", {' and '.join(on)} on" if on else ", camera and microphone off"
        if state.recording is not None and state.recording.state == "recording":
            words += ", recording"
    words += _room(state)
    return f"{words} ({state.reason})" if state.reason else words


def _room(state: CallState) -> str:
    """Where it stands with the room, while somebody is in the call."""
    room = state.room
    if room is None or room.phase == "outside":
        return ""
    if room.phase == "joined":
        others = len(state.participants) - 1
        return f", in room {room.id} with {others} other{'' if others == 1 else 's'}"
    where = {"joining": "joining", "reconnecting": "reconnecting to", "refused": "refused by"}[room.phase]
    return f", {where} room {room.id}" + (f": {room.reason}" if room.reason else "")


def html(state: CallState) -> str:
    """A static card: no script, no network, and nothing that is not meant for every reader of the file."""
    quality = state.quality
    where = "had not been started" if state.phase == "idle" else f"was {sentence(state)}"
    return (
        '<div style="max-width:32rem;padding:1rem;border:1px solid currentColor;border-radius:4px;'
        'font-family:system-ui,sans-serif">'
        f"<strong>nbrtc video call with {escape(_person(state))}{escape(_place(state))}</strong>"
        f'<p style="margin:.5rem 0 0">The call {escape(where)} when this notebook was saved '
        f"({quality.width}\u00d7{quality.height} at {quality.fps:g} frames a second was asked for). "
        "Run this cell in a notebook with a kernel to call.</p></div>"
    )


def _place(state: CallState) -> str:
    return "" if state.room is None else f" in room {state.room.id}"


def _person(state: CallState) -> str:
    return next((participant.name for participant in state.participants if participant.is_you), "you")
