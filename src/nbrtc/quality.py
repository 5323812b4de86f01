"""The qualities of a call by name, and checked ones of the user's own."""

import operator

from .messages import QUALITIES, Quality


def to_quality(value: "str | Quality") -> Quality:
    """The quality for a name or a `Quality`.

    Raises
    ------
    ValueError
        For an unknown name, naming the valid ones.
    TypeError
        For anything else, and for a size that is not in whole pixels.
    """
    if isinstance(value, Quality):
        return Quality(
            _whole("width", value.width), _whole("height", value.height), float(value.fps), name=value.name
        )
    if not isinstance(value, str):
        raise TypeError(f"quality must be a name or nbrtc.Quality(width, height, fps), not {value!r}.")
    if value not in QUALITIES:
        names = ", ".join(f'"{name}"' for name in QUALITIES)
        raise ValueError(f"There is no quality {value!r}; use {names} or nbrtc.Quality(width, height, fps).")
    return QUALITIES[value]


def _whole(what: str, value: object) -> int:
    """A number of pixels, also as NumPy counts them."""
    try:
        return operator.index(value)  # type: ignore[arg-type]  # that is what is tried
    except TypeError:
        raise TypeError(f"The {what} of a Quality is a whole number of pixels, not {value!r}.") from None
