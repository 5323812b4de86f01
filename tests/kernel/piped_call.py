"""A call in a process of its own, whose page's messages are lines of standard input and output.

``python -m tests.kernel.piped_call FOLDER FIFO``: its video effect runs beside the engine and counts. After
the line ``block`` the process holds its own interpreter in C until something is written to the FIFO.
"""

import ctypes
import json
import os
import sys
import threading
import uuid
from typing import Any

from nbrtc.bridge import Bridge
from nbrtc.effect import VideoEffect
from nbrtc.kernel_side import KernelSide
from nbrtc.messages import OpenCall, Quality
from tests.loopback.pictures import HEIGHT, WIDTH, draw

FIRST, LAST = 100, 149
"""The effect's numbers, in turn; the camera's are smaller."""


class Counter:
    """The effect."""

    def __init__(self) -> None:
        self.number = FIRST - 1

    def __call__(self, frame: Any) -> Any:
        self.number = FIRST if self.number == LAST else self.number + 1
        return draw(self.number)


def main(folder: str, fifo: str) -> None:
    lock = threading.Lock()

    def send(page: str | None, body: str) -> None:
        with lock:
            sys.stdout.write(json.dumps({"page": page, "body": body}) + "\n")
            sys.stdout.flush()

    bridge = Bridge()
    opening = OpenCall(
        call=uuid.uuid4().hex, name="Ada", quality=Quality(WIDTH, HEIGHT, 30), folder=folder, epoch=0
    )
    side = KernelSide(bridge, opening, send)
    side.open()
    side.use_effect(VideoEffect.of(Counter(), where="engine"))
    door = os.open(fifo, os.O_RDWR)
    for line in sys.stdin:
        if line != "block\n":
            side.from_page(json.loads(line))
            continue
        with lock:  # no other line is half written
            sys.stdout.write("blocked\n")
            sys.stdout.flush()
            ctypes.PyDLL(None).read(door, ctypes.create_string_buffer(1), 1)
            sys.stdout.write("free\n")
            sys.stdout.flush()
    side.close("The test is over.")
    bridge.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
