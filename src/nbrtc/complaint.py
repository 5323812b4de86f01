"""What the widget says of code that fails: what happened, what follows, where more is."""

from .messages import OnLate

WITHOUT_EFFECT: dict[OnLate, str] = {
    "hold": "Its last good picture stays, if there was one",
    "pass": "Meanwhile the camera's own picture is shown",
}
"""What is seen while a video effect fails."""


def complaint(message: str, consequence: str) -> str:
    """A problem, which may end with a full stop or not, and what follows from it."""
    return f"{message.rstrip('.')}. {consequence}; see call.errors."


def stuck(name: str, working_s: float) -> str:
    """What is said of a video effect that does not return."""
    return f"{name} has been working on one frame for {working_s:.0f} s; it keeps its thread until it returns"
