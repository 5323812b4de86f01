"""Encoders that keep to their own priority.

libsvtav1 makes itself and whoever opens it a real-time process (SCHED_FIFO, 99) where root opens it, and so
all that this process starts from then on. Two of them keep a small machine's cores from everybody else, for
ever.
"""

import os

from av.codec.context import CodecContext

NOBODY = 65534


def opened(encoder: CodecContext) -> None:
    """Open an encoder, as nobody where this is root."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        encoder.open()
    finally:
        if is_root:
            os.seteuid(0)
