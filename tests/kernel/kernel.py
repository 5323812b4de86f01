"""A real ipykernel, and the page that a widget of it would have: both are driven from here."""

import ast
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from nbrtc.messages import PROTOCOL

Message = dict[str, Any]
PATIENCE_S = 60.0
"""A generous bound on everything that is waited for; a quiet machine needs a small part of it."""


class CellError(Exception):
    """A cell raised; the text is its traceback."""


@dataclass
class Cell:
    """One execution and what it put out so far."""

    msg_id: str
    text: str = ""
    bundles: list[dict[str, Any]] = field(default_factory=list)
    displays: list[str] = field(default_factory=list)
    """Of each bundle, the id by which it can be replaced, or nothing."""
    error: str = ""
    is_done: bool = False


class Kernel:
    """A kernel and the only client of it. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(cwd=str(folder), extra_arguments=["--IPKernelApp.log_level=ERROR"])
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE_S)
        self.comm_messages: list[Message] = []
        self.updates: list[tuple[str, dict[str, Any]]] = []
        """Outputs that were replaced: the display's id and what it shows now."""
        self._cells: dict[str, Cell] = {}

    @property
    def process(self) -> psutil.Process:
        """The kernel's process."""
        assert self.manager.provisioner is not None
        return psutil.Process(self.manager.provisioner.pid)  # type: ignore[attr-defined]  # of the local one

    def start(self, code: str, cell_id: str | None = None) -> Cell:
        """Begin to run a cell, as JupyterLab does where `cell_id` is given."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        message = self.client.session.msg("execute_request", {**content, "user_expressions": {}})
        message["metadata"] = {} if cell_id is None else {"cellId": cell_id}
        self.client.shell_channel.send(message)
        return self._cells.setdefault(message["header"]["msg_id"], Cell(message["header"]["msg_id"]))

    def finish(self, cell: Cell) -> Cell:
        """Wait for a cell's end."""
        self.read_until(lambda: cell.is_done, f"the end of cell {cell.msg_id}")
        if cell.error:
            raise CellError(cell.error)
        return cell

    def run(self, code: str, cell_id: str | None = None) -> Cell:
        """Run a cell to its end."""
        return self.finish(self.start(code, cell_id))

    def value(self, expression: str) -> Any:
        """The value of an expression that has a literal repr."""
        return ast.literal_eval(self.run(f"print(ascii(({expression})))").text)

    def read_until(self, is_there: Callable[[], object], what: str) -> None:
        """Take in what the kernel publishes until `is_there()`."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not is_there():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{what} did not come within {PATIENCE_S:.0f} s")
            self.read(0.1)

    def read(self, timeout_s: float) -> None:
        """Take in one published message, if one comes."""
        try:
            message = self.client.get_iopub_msg(timeout=timeout_s)
        except Empty:
            return
        content, kind = message["content"], message["header"]["msg_type"]
        if kind.startswith("comm_"):
            self.comm_messages.append(message)
        if kind == "update_display_data":
            self.updates.append((content["transient"]["display_id"], content["data"]))
        cell = self._cells.get(message["parent_header"].get("msg_id", ""))
        if cell is None:
            return
        match kind:
            case "stream":
                cell.text += content["text"]
            case "execute_result" | "display_data":
                cell.bundles.append(content["data"])
                cell.displays.append(content.get("transient", {}).get("display_id", ""))
            case "error":
                cell.error = "\n".join(content["traceback"])
            case "status" if content["execution_state"] == "idle":
                cell.is_done = True

    def subshell(self) -> str:
        """A new subshell's id (JEP 91): JupyterLab sends comm messages on one, beside the running cell."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            reply = self.client.get_control_msg(timeout=PATIENCE_S)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return str(reply["content"]["subshell_id"])
        raise TimeoutError("The kernel made no subshell")

    def engine(self) -> psutil.Process:
        """The engine of this kernel's calls, once it runs."""
        pid = self.value("(call.engine_status(), nbrtc.bridge.Bridge.shared().engine_pid)[1]")
        return psutil.Process(pid)

    def shut_down(self) -> float:
        """End the kernel in good order; returns after how many seconds it was gone."""
        process, began_s = self.process, time.monotonic()
        self.client.shutdown()
        wait_for_end(process)
        return time.monotonic() - began_s

    def close(self) -> None:
        """End what is left, by force if it does not listen."""
        if self.manager.is_alive():
            self.manager.shutdown_kernel()
        self.client.stop_channels()
        self.manager.cleanup_resources()


def wait_for_end(process: psutil.Process) -> None:
    """Wait until a process has ended; who reaps an orphan, and when, is the system's affair."""
    deadline_s = time.monotonic() + PATIENCE_S
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{process} did not end within {PATIENCE_S:.0f} s")
        time.sleep(0.01)


@contextmanager
def started_kernel(folder: Path) -> Iterator[Kernel]:
    """A kernel with nbrtc imported."""
    kernel = Kernel(folder)
    try:
        kernel.run("import nbrtc")
        yield kernel
    finally:
        kernel.close()


class Page:
    """Speaks for a widget's page over its comm: intents up, events down.

    Parameters
    ----------
    call
        Name of the call's variable in the kernel.
    subshell
        Where the comm's messages are sent; None for the main shell, behind the running cell.
    """

    def __init__(self, kernel: Kernel, call: str = "call", subshell: str | None = None) -> None:
        self.id = uuid.uuid4().hex
        self._kernel = kernel
        self._comm = kernel.value(f"{call}.comm.comm_id")
        self._subshell = subshell

    def send(self, intent: Message) -> None:
        """Say something to the engine."""
        self.send_raw({"page": self.id, "body": json.dumps(intent)})

    def send_raw(self, content: object) -> None:
        """Send any custom message, also one that makes no sense."""
        session = self._kernel.client.session
        data = {"method": "custom", "content": content}
        message = session.msg("comm_msg", {"comm_id": self._comm, "data": data})
        if self._subshell is not None:
            message["header"]["subshell_id"] = self._subshell
        self._kernel.client.shell_channel.send(message)

    def hello(self) -> Message:
        """Say hello; returns the welcome."""
        self.send({"type": "hello", "protocol": PROTOCOL})
        return self.next("welcome")

    def events(self, kind: str | None = None) -> list[Message]:
        """What came down for this page so far."""
        found = []
        for message in self._kernel.comm_messages:
            content = message["content"]
            custom = content.get("data", {}).get("content", {})
            if content["comm_id"] == self._comm and custom.get("to", "") in (None, self.id):
                found.append(json.loads(custom["body"]))
        return [event for event in found if kind in (None, event["type"])]

    def next(self, kind: str, is_it: Callable[[Message], bool] = lambda _: True) -> Message:
        """The newest event of a kind that fits, once it is there."""

        def fitting() -> list[Message]:
            return [event for event in self.events(kind) if is_it(event)]

        self._kernel.read_until(fitting, f"a fitting {kind} for the page")
        return fitting()[-1]

    def count(self, kind: str, number: int) -> None:
        """Wait until so many events of a kind have come."""
        self._kernel.read_until(
            lambda: len(self.events(kind)) >= number, f"{kind} number {number} for the page"
        )
        assert len(self.events(kind)) == number
