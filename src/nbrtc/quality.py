"""The qualities of a call by name, and checked ones of the user's own."""

from .messages import Quality

QUALITIES = {
    "low": Quality(640, 480, 15, name="low"),
    "medium": Quality(1280, 720, 30, name="medium"),
    "high": Quality(1920, 1080, 30, name="high"),
}


def to_quality(value: "str | Quality") -> Quality:
    """The quality for a name or a `Quality`.

    Raises
    ------
    ValueError
        For an unknown name, naming the valid ones.
    TypeError
        For anything else.
    """
    if isinstance(value, Quality):
        return value
    if not isinstance(value, str):
        raise TypeError(f"quality must be a name or nbrtc.Quality(width, height, fps), not {value!r}.")
    if value not in QUALITIES:
        names = ", ".join(f'"{name}"' for name in QUALITIES)
        raise ValueError(f"There is no quality {value!r}; use {names} or nbrtc.Quality(width, height, fps).")
    return QUALITIES[value]
