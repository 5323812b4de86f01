"""Which cell made a call, told by a shell of our own."""

from collections.abc import Callable
from typing import Any

import pytest

from nbrtc import cells
from nbrtc.cells import close_earlier


class Made:
    """Something that a cell made."""

    def __init__(self) -> None:
        self.closed_because: list[str] = []
        close_earlier(self)

    def close(self, reason: str = "") -> None:
        self.closed_because.append(reason)

    @property
    def is_open(self) -> bool:
        return not self.closed_because


class Terminal:
    """IPython in a terminal: no requests, only a history."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {"In": [""]}
        self.execution_count = 1

    def run(self, text: str) -> Made:
        self.user_ns["In"].append(text)
        made = Made()
        self.execution_count += 1
        return made


class Notebook(Terminal):
    """A kernel, which knows the request that it works on."""

    request: dict[str, Any] | None = None

    def get_parent(self) -> dict[str, Any] | None:
        return self.request

    def ask(self, cell: str | None, run: str, kind: str = "execute_request") -> Made:
        metadata = {} if cell is None else {"cellId": cell}
        self.request = {"header": {"msg_id": run, "msg_type": kind}, "metadata": metadata}
        return Made()


Use = Callable[[Terminal | None], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    monkeypatch.setattr(cells, "_made", {})

    def use(shell: Terminal | None) -> None:
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)

    return use


def test_outside_ipython_nothing_is_closed(use: Use) -> None:
    use(None)
    first, second = Made(), Made()

    assert first.is_open
    assert second.is_open
    assert cells._made == {}


def test_running_a_cell_again_closes_what_it_made(use: Use) -> None:
    use(notebook := Notebook())
    first, beside = notebook.ask("a", "run 1"), notebook.ask("a", "run 1")
    other = notebook.ask("b", "run 2")
    assert first.is_open
    assert beside.is_open

    again = notebook.ask("a", "run 3")

    assert first.closed_because == beside.closed_because == ["The cell was run again."]
    assert again.is_open
    assert other.is_open


def test_a_run_without_history_is_a_run_too(use: Use) -> None:
    use(notebook := Notebook())
    first = notebook.ask("a", "run 1")
    assert notebook.execution_count == 1, "it does not count up, and yet"

    notebook.ask("a", "run 2")

    assert not first.is_open


def test_without_cell_ids_the_text_stands_for_the_cell(use: Use) -> None:
    for shell in (Terminal(), Notebook()):
        use(shell)
        first, other, again = (
            shell.run("call = Call()"),
            shell.run("other = Call()"),
            shell.run("call = Call()"),
        )

        assert not first.is_open
        assert other.is_open
        assert again.is_open


def test_what_a_widgets_callback_makes_belongs_to_no_cell(use: Use) -> None:
    use(notebook := Notebook())
    notebook.user_ns["In"].append("call = Call()")
    made = notebook.ask(None, "run 1")

    by_button = notebook.ask(None, "click", "comm_msg")

    assert made.closed_because == []
    notebook.ask(None, "run 2")
    assert made.closed_because == ["The cell was run again."]
    assert by_button.is_open


def test_the_register_keeps_nothing_alive(use: Use) -> None:
    use(notebook := Notebook())
    notebook.ask("a", "run 1")  # nobody holds it
    notebook.ask("a", "run 2")

    assert len(cells._made["a"]) == 1
