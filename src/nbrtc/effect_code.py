"""A function on its way into another process: by its name where it can be imported, else as a copy."""

import pickle
import sys
from collections.abc import Callable, Sequence
from typing import Any

MAX_BYTES = 16 * 1024 * 1024
"""What a function brings along; large arrays belong into a file that it reads."""


def pack(function: Callable[..., Any]) -> bytes:
    """The function as bytes.

    Raises
    ------
    TypeError
        If it cannot be copied, or would be larger than `MAX_BYTES`; the message says what to do.
    """
    import cloudpickle

    name = getattr(function, "__qualname__", repr(function))
    try:
        # by name where its module has it under its name; a copy in the notebook, of a wrapped function, and
        # while a decorator is at work in a module
        code: bytes = cloudpickle.dumps(function)
    except Exception as error:
        raise TypeError(
            f"{name} cannot run in the engine: it brings along what cannot be copied ({error}). Put it into "
            'a module of its own and import it, or leave out where="engine".'
        ) from error
    if len(code) > MAX_BYTES:
        raise TypeError(
            f"{name} brings along {len(code) / 1e6:.0f} MB; up to {MAX_BYTES / 1e6:.0f} MB are copied. Let "
            "it read large data from a file."
        )
    return code


def unpack(code: bytes, path: Sequence[str] = ()) -> Callable[..., Any]:
    """The function, in a process that this kernel's engine has started.

    Parameters
    ----------
    path
        Where it imports from, before everything else.
    """
    sys.path[:0] = [place for place in path if place not in sys.path]
    function: Callable[..., Any] = pickle.loads(code)
    return function
