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
