"""What notebooks are full of, as plain numbers and text: NumPy's scalars, which no encoder knows."""

from numbers import Integral, Real


def is_boolean(value: object) -> bool:
    """Whether it is True or False, or NumPy's, for which numpy need not be loaded."""
    kind = type(value)
    return kind is bool or (kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"))


def to_plain(value: object) -> object:
    """A scalar of NumPy's, or of a subclass, as the plain value that it holds; for msgspec's encoders.

    Raises
    ------
    TypeError
        For anything else, which stands in a message by mistake. It is not told: it may be a secret.
    """
    if is_boolean(value):
        return bool(value)
    match value:
        case str():
            return str(value)
        case Integral():
            return int(value)
        case Real():
            return float(value)
    raise TypeError(f"A value of type {type(value).__name__} cannot be sent to nbrtc's engine.")
