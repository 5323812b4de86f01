"""A function becomes bytes and, in another process, a function again; else a sentence says what to do."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nbrtc import effect_code
from nbrtc.effect_code import pack, unpack

ELSEWHERE = """
import sys
from nbrtc.effect_code import unpack
code = sys.stdin.buffer.read()
print(unpack(code, tuple(sys.argv[1:]))(5))
"""


def elsewhere(code: bytes, *path: str) -> str:
    """What the function makes of 5 in a process that knows nothing of this one."""
    command = [sys.executable, "-c", ELSEWHERE, *path]
    return subprocess.run(command, input=code, capture_output=True, check=True).stdout.decode().strip()


class Adder:
    """A function that is an object with a state."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, number: int) -> int:
        return number + self.number

    def add(self, number: int) -> int:
        return self(number)


def test_a_function_of_the_notebook_brings_along_what_it_uses() -> None:
    source = "base = 10\nclass Sum:\n  x = 3\ndef f(n): return base + n + Sum.x"
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), namespace)
    assert elsewhere(pack(namespace["f"])) == "18"


def test_an_importable_function_goes_by_its_name_and_is_found_on_the_kernels_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_effects_of_a_test.py").write_text("def double(n): return 2 * n\n")
    monkeypatch.syspath_prepend(tmp_path)
    import my_effects_of_a_test  # type: ignore[import-not-found]

    code = pack(my_effects_of_a_test.double)
    assert len(code) < 100, "a name, no copy"
    assert elsewhere(code, str(tmp_path)) == "10"


@pytest.mark.parametrize(
    "function", [Adder(2), Adder(2).add, lambda number: number + 2], ids=["object", "method", "lambda"]
)
def test_whatever_can_be_called_can_be_copied(function: Callable[[int], int]) -> None:
    assert unpack(pack(function))(5) == 7


def test_what_cannot_be_copied_is_said_with_what_to_do() -> None:
    lock = threading.Lock()

    def locked(frame: object) -> object:
        with lock:
            return frame

    with pytest.raises(TypeError, match=r"locked cannot run in the engine: .*_thread.lock.*leave out where="):
        pack(locked)


def test_what_is_too_large_is_said_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effect_code, "MAX_BYTES", 1_000_000)
    background = np.zeros(3_000_000, np.uint8)

    with pytest.raises(TypeError, match=r"brings along 3 MB; up to 1 MB are copied\. Let it read"):
        pack(lambda frame: frame + background)
