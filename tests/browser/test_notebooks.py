"""The notebooks that teach run from top to bottom, with a person's one click."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.notebook import plain
from tests.browser.widget import Widget

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path: Path, page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, json.loads(path.read_text()))
    code = [index for index, cell in enumerate(notebook.cells()) if cell["cell_type"] == "code"]
    first, asking, *rest = code
    notebook.run(first)
    notebook.start(asking)
    widget = Widget(notebook, first)
    expect(widget.root).to_contain_text("Python asks you to join.")
    widget.start()
    notebook.wait_done(asking)
    for index in rest:
        notebook.run(index)
    expect(widget.button("Start camera")).to_be_enabled()
    outputs = "\n".join(plain(notebook.text(index)) for index in code)
    assert "'connected'" in outputs
    assert "uint8" in outputs
    assert "stopped" in outputs or "MB" in outputs
    notebook.screenshot(path.stem)
