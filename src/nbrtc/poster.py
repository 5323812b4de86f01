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
    return f"{words} ({state.reason})" if state.reason else words


def html(state: CallState) -> str:
    """A static card: no script, no network."""
    quality = state.quality
    return (
        '<div style="max-width:32rem;padding:1rem;border:1px solid currentColor;border-radius:4px;'
        'font-family:system-ui,sans-serif">'
        "<strong>nbrtc video call</strong>"
        f"<p style='margin:.5rem 0 0'>The call was {escape(sentence(state))} when this notebook was saved "
        f"({quality.width}\u00d7{quality.height} at {quality.fps:g} frames a second was asked for). "
        "Open the notebook with a running kernel and run this cell to call.</p></div>"
    )
