"""Colours and markers that stay apart for everybody, and in print.

After M. Okabe and K. Ito, "Color universal design" (2008).
"""

from collections.abc import Mapping
from typing import Any

# Blue and vermillion stay apart in every common colour blindness; the dashes do in print.
WAYS: Mapping[str, dict[str, Any]] = {
    "send": {"color": "#0072B2", "linestyle": "-"},
    "receive": {"color": "#D55E00", "linestyle": "--"},
    "both ways": {"color": "#4D4D4D", "linestyle": "-"},
}

# A grey instead of their yellow, which is too faint on white.
PEOPLE = (
    ("#0072B2", "o"),
    ("#D55E00", "s"),
    ("#009E73", "^"),
    ("#CC79A7", "D"),
    ("#000000", "v"),
    ("#E69F00", "P"),
    ("#56B4E9", "X"),
    ("#7F7F7F", "*"),
)
"""For each participant or call, in the order of their appearance."""
