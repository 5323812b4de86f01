"""Checks of what the user passes and assigns: each error names what would be valid."""

from collections import ChainMap
from collections.abc import Collection
from difflib import get_close_matches
from inspect import isfunction
from numbers import Integral, Real

from .messages.plain import is_boolean

MAX_NAME = 64
"""Characters of a person's name."""
FPS = (0.1, 60.0)
"""How often pictures of Python's own may be shown, a second."""
SIDES = (16, 4096)
"""Pixels that pictures may be scaled to."""


def unknown_keywords(who: str, unknown: Collection[str], valid: Collection[str]) -> TypeError:
    """The error for keywords that do not exist."""
    names = ", ".join(map(repr, unknown))
    return TypeError(f"{who} has no keyword {names}{_near(unknown, valid)}; it takes {', '.join(valid)}.")


def check_assignment(owner: type, name: str, *parts: type) -> None:
    """Refuse what would silently become a new attribute, or cover a method.

    Parameters
    ----------
    parts
        Base classes whose methods are as good as its own; others may assign theirs.

    Raises
    ------
    AttributeError
        Naming the attributes that are near, or what to do with the method.
    """
    own = ChainMap(*[dict(vars(one)) for one in (owner, *parts)])
    if name.startswith("_") or (hasattr(owner, name) and not isfunction(own.get(name))):
        return
    if hasattr(owner, name):
        raise AttributeError(f"{owner.__name__}.{name} is a method: call it or decorate with it.")
    settable = [key for key, value in own.items() if getattr(value, "fset", None) is not None]
    near = _near([name], [key for key in own if not key.startswith("_")])
    raise AttributeError(
        f"{owner.__name__} has no attribute {name!r}{near}; what can be assigned: {', '.join(settable)}."
    )


def to_boolean(what: str, value: object) -> bool:
    """True or False, also NumPy's; nothing else, because ``"no"`` is true."""
    if not is_boolean(value):
        raise TypeError(f"{what} is True or False, not {value!r}.")
    return bool(value)


def to_number(what: str, value: object, span: tuple[float, float]) -> float:
    """A number between two others, NumPy's too; a boolean is none."""
    if isinstance(value, bool) or not isinstance(value, Real) or not span[0] <= float(value) <= span[1]:
        raise ValueError(f"{what} is a number from {span[0]:g} to {span[1]:g}, not {value!r}.")
    return float(value)


def to_fps(fps: object) -> float | None:
    """Pictures a second, or None."""
    return None if fps is None else to_number("fps", fps, FPS)


def to_size(size: object) -> tuple[int, int] | None:
    """(width, height) in pixels, or None."""
    if size is None:
        return None
    match size:
        case (Integral() as width, Integral() as height) if all(
            SIDES[0] <= int(side) <= SIDES[1] for side in (width, height)
        ):
            return int(width), int(height)
    raise ValueError(f"size is (width, height) of {SIDES[0]} to {SIDES[1]} pixels each, not {size!r}.")


def to_name(value: object) -> str:
    """A person's name as others see it."""
    if not isinstance(value, str):
        raise TypeError(f"name is a string, not {value!r}.")
    name = value.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"name has 1 to {MAX_NAME} printable characters, unlike {value[: MAX_NAME + 1]!r}.")
    return name


def _near(names: Collection[str], valid: Collection[str]) -> str:
    near = [match for name in names for match in get_close_matches(name, valid, n=2)]
    return f" (did you mean {' or '.join(near)}?)" if near else ""
