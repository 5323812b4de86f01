"""The clients of a server, all in one process of Node."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.signaling.servers import HERE

END_S = 10.0


class Generator:
    """Sends commands to ``generator.js``; its head says what there is."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Wait for a command's answer; RuntimeError if the clients have failed and said why."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The clients failed at {command!r}.")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def generator(url: str) -> Iterator[Generator]:
    """Clients for the server at `url`; they go away at the end."""
    command = ("node", str(HERE / "generator.js"), url)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Generator(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
