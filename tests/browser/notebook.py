"""A notebook open in JupyterLab, as a test uses it: run cells, read outputs, press what they show.

Outputs are read from the notebook's model, because the page holds no text for cells that are scrolled away.
Every wait ends with `TIMEOUT_MS` at the latest.
"""

import json
import re
import time
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as WaitTimeout

from tests.browser.jupyterlab import JupyterLab

TIMEOUT_MS = 60_000
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
WIDGET = "window.jupyterapp.shell.currentWidget"
KERNEL = f"{WIDGET}?.sessionContext?.session?.kernel"

# Runs a command without waiting for it in the page: a cell may take as long as the test lets it.
START_CELL = f"""index => {{
  const cells = {WIDGET}.content;
  cells.activeCellIndex = index;
  cells.deselectAll();
  const runs = (window.nbrtcRuns ??= new Map());
  runs.set(index, false);
  window.jupyterapp.commands.execute("notebook:run-cell").finally(() => runs.set(index, true));
}}"""

# It shows a launcher where it had no tab. A list of kernels that JupyterLab asked for before the notebook has
# one, and gets after, makes it drop the new one and start another (as of 4.6): so the notebook is not in the
# address, and it asks by itself no more, which it would do every ten seconds.
OPEN = """async path => {
  const { commands, restored, shell, serviceManager } = window.jupyterapp;
  await restored;
  const lists = [serviceManager.kernels, serviceManager.sessions];
  for (const { _pollModels: poll } of lists)
    poll.frequency = { ...poll.frequency, interval: Infinity, max: Infinity };
  await Promise.all(lists.map(list => list.refreshRunning()));
  const opened = await commands.execute("docmanager:open", { path, factory: "Notebook" });
  for (const tab of [...shell.widgets("main")].filter(tab => tab !== opened)) {
    if (tab.context) tab.context.model.dirty = false;  // nobody is there to be asked whether to save
    tab.close();
  }
}"""

TEXT = f"""index => ({WIDGET}.content.model.toJSON().cells[index].outputs ?? [])
  .flatMap(output => [output.text, output.data?.["text/plain"], output.traceback?.join("\\n")])
  .flat().filter(Boolean).join("").replace(/\\x1b\\[[0-9;]*m/g, "")"""


class CellError(AssertionError):
    """A cell raised; the message is its traceback."""


class Notebook:
    """The notebook in the current tab of a page."""

    def __init__(self, lab: JupyterLab, page: Page, name: str) -> None:
        self.lab = lab
        self.page = page
        self.path = lab.root / name

    @classmethod
    def open(cls, lab: JupyterLab, page: Page, name: str, cells: list[str] | dict[str, Any]) -> "Notebook":
        """Write a notebook and open it, with a live and idle kernel.

        A page that has JupyterLab open already does not load it again.

        Parameters
        ----------
        cells
            The code of each cell; or the JSON of a whole notebook, which stays untrusted until its cells run.
        """
        notebook = cls(lab, page, name)
        document = cells if isinstance(cells, dict) else notebook_of(cells)
        notebook.path.write_text(json.dumps(document))
        if not page.url.startswith(f"{lab.url}lab/"):
            # A workspace of its own: JupyterLab would open the tabs of an earlier test again.
            page.goto(f"{lab.url}lab/workspaces/{notebook.path.stem}")
            page.wait_for_function("() => window.jupyterapp")
        page.evaluate(OPEN, name)
        notebook.wait_ready()
        return notebook

    # --- the kernel -------------------------------------------------------------------------------------

    def wait_ready(self) -> None:
        """Wait until the notebook is shown and its kernel is idle (also after `page.reload()`)."""
        self._wait(
            f"""path => window.jupyterapp && {WIDGET}?.context?.path === path
              && {KERNEL}?.status === "idle" && {WIDGET}.content.model?.cells.length""",
            self.path.name,
        )

    @property
    def kernel_id(self) -> str:
        """Id of the running kernel; stays the same when it is restarted."""
        return str(self.page.evaluate(f"() => {KERNEL}.id"))

    @property
    def engine(self) -> psutil.Process:
        """The one engine of the running kernel, to kill or to freeze it."""
        return self.lab.engine_process(self.kernel_id)

    def restart_kernel(self) -> None:
        """Restart the kernel, without JupyterLab's question, and wait until it is idle."""
        self.page.evaluate(f"async () => {{ await {KERNEL}.restart(); }}")
        self.wait_ready()

    def interrupt_kernel(self) -> None:
        """Raise KeyboardInterrupt in the running cell."""
        self.page.evaluate(f"async () => {{ await {KERNEL}.interrupt(); }}")

    def execute(self, code: str) -> str:
        """Run code in the notebook's kernel, not through the page, and return what it printed."""
        client = BlockingKernelClient(connection_file=str(self.lab.runtime / f"kernel-{self.kernel_id}.json"))
        client.load_connection_file()
        printed: list[str] = []

        def keep(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        client.start_channels(stdin=False, hb=False)
        try:
            wait_subscribed(client)
            reply = client.execute_interactive(
                code, allow_stdin=False, output_hook=keep, timeout=TIMEOUT_MS / 1000
            )
        finally:
            client.stop_channels()
        if reply["content"]["status"] != "ok":
            raise CellError(plain("\n".join(reply["content"].get("traceback", [reply["content"]["status"]]))))
        return "".join(printed)

    # --- cells ------------------------------------------------------------------------------------------

    def start(self, index: int) -> None:
        """Run a cell and do not wait for it."""
        self.page.evaluate(START_CELL, index)

    def run(self, index: int, *, may_raise: bool = False) -> None:
        """Run a cell, wait until it is done, and raise `CellError` if it did."""
        self.start(index)
        self.wait_done(index, may_raise=may_raise)

    def wait_done(self, index: int, *, may_raise: bool = False) -> None:
        """Wait until a cell that was started is done."""
        self._wait("index => window.nbrtcRuns?.get(index)", index)
        errors = [output for output in self.outputs(index) if output["output_type"] == "error"]
        if errors and not may_raise:
            raise CellError(f"cell {index}: " + plain("\n".join(errors[0]["traceback"])))

    def run_all(self) -> None:
        """Run every cell from the top, each to its end."""
        for index in range(len(self.cells())):
            self.run(index)

    def cells(self) -> list[dict[str, Any]]:
        """Every cell as nbformat has it."""
        return list(self.page.evaluate(f"() => {WIDGET}.content.model.toJSON().cells"))

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """The outputs of a cell as nbformat has them; none for text."""
        return list(self.cells()[index].get("outputs", []))

    def text(self, index: int) -> str:
        """Everything readable in a cell's outputs: streams, plain text, tracebacks without colours."""
        return str(self.page.evaluate(TEXT, index))

    def wait_output(self, index: int, pattern: str) -> re.Match[str]:
        """Wait until the cell's text matches, and return the match.

        Parameters
        ----------
        pattern
            A regular expression that Python and JavaScript read alike.
        """
        condition = f"([index, pattern]) => new RegExp(pattern).test(({TEXT})(index))"
        try:
            self._wait(condition, [index, pattern])
        except WaitTimeout as error:
            text = self.text(index)
            raise AssertionError(f"cell {index} never showed {pattern!r}; it shows:\n{text}") from error
        match = re.search(pattern, self.text(index))
        assert match, f"{pattern!r} matched in the page and no longer does: {self.text(index)}"
        return match

    def cell(self, index: int) -> Locator:
        """The cell in the page, its code too, scrolled into view."""
        self.page.evaluate(f"index => {WIDGET}.content.scrollToItem(index)", index)
        return self.page.locator(f'.jp-Notebook-cell[data-windowed-list-index="{index}"]')

    def output(self, index: int) -> Locator:
        """What the cell shows below its code, scrolled into view: a widget lives here."""
        return self.cell(index).locator(".jp-OutputArea")

    # --- the tab ----------------------------------------------------------------------------------------

    def command(self, name: str, **arguments: Any) -> None:
        """Execute a command of JupyterLab, such as ``notebook:create-output-view``."""
        script = "([name, args]) => { window.jupyterapp.commands.execute(name, args); }"
        self.page.evaluate(script, [name, arguments])

    def save(self) -> dict[str, Any]:
        """Save, and return what the file holds."""
        self.page.evaluate(f"async () => {{ await {WIDGET}.context.save(); }}")
        return dict(json.loads(self.path.read_text()))

    def set_theme(self, theme: str) -> None:
        """Switch to ``"light"`` or ``"dark"``; the guard of conftest.py switches back."""
        name = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
        self.command("apputils:change-theme", theme=name)
        self._wait("name => document.body.dataset.jpThemeName === name", name)

    def screenshot(self, name: str) -> Path:
        """Save a picture of the window as artifacts/<name>.png."""
        path = ARTIFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def _wait(self, condition: str, argument: Any = None) -> None:
        self.page.wait_for_function(condition, arg=argument, timeout=TIMEOUT_MS)


def wait_subscribed(client: BlockingKernelClient) -> None:
    """Wait until the kernel publishes to this client, too; `wait_for_ready` takes 0.2 s longer."""
    deadline_s = time.monotonic() + TIMEOUT_MS / 1000
    while time.monotonic() < deadline_s:
        client.kernel_info()
        try:
            client.get_iopub_msg(timeout=1)
        except Empty:
            continue
        return
    raise TimeoutError("The kernel does not answer")


def notebook_of(cells: list[str]) -> dict[str, Any]:
    """The JSON of a notebook with these code cells (nbformat 4.5)."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python under test", "language": "python"}
        },
        "cells": [
            {
                "id": f"cell-{n}",
                "cell_type": "code",
                "source": code,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for n, code in enumerate(cells)
        ],
    }


def plain(text: str) -> str:
    """Text without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
