"""The teaching lab: networks that misbehave on purpose, and a relay of one's own."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .local_turn import LocalTurn

__all__ = ["LocalTurn"]


def __getattr__(name: str) -> object:
    """Loaded when it is wanted: the engine uses this package, too."""
    if name != "LocalTurn":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .local_turn import LocalTurn

    return LocalTurn
