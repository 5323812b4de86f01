"""The notebooks that teach run from top to bottom, with a person's clicks and nothing else."""

import json
import re
import shutil
from pathlib import Path

from playwright.sync_api import Page, expect

from nbrtc.lab import LocalTurn
from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.notebook import Notebook, plain
from tests.browser.widget import Widget

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_every_notebook_is_run_here() -> None:
    names = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
    assert names == [
        "01-first-call", "02-rooms", "03-statistics", "04-recording", "05-effects", "06-nat-traversal",
    ]  # fmt: skip


def test_the_first_call_runs_from_top_to_bottom(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, json.loads((NOTEBOOKS / "01-first-call.ipynb").read_text()))
    outputs = run(notebook, calls=1)
    assert "'connected'" in outputs
    assert "uint8" in outputs
    assert "stopped" in outputs or "MB" in outputs
    pictures = [
        output
        for cell in notebook.cells()
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 2, "the snapshot and the plot"


def test_alice_and_bob_meet_in_one_notebook(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, json.loads((NOTEBOOKS / "02-rooms.ipynb").read_text()))
    outputs = run(notebook, calls=2)
    assert "('connected', 'connected')" in outputs
    # quality "auto" may send less than the camera gives
    assert re.search(r"\(\d+, \d+, 3\) uint8", outputs)
    assert "Alice wrote: Hello Bob!" in outputs
    assert re.search(r"the robot sees Alice: \(\d+, \d+, 3\)", outputs)
    assert "Alice's Python sees the robot: (240, 320, 3)" in outputs
    assert "/r/notebook-two and a token" in outputs
    assert "('closed', 'closed', 'closed')" in outputs


def test_the_call_as_data_runs_from_top_to_bottom(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, json.loads((NOTEBOOKS / "03-statistics.ipynb").read_text()))
    shutil.copytree(NOTEBOOKS / "data", notebook.lab.root / "data", dirs_exist_ok=True)
    outputs = run(notebook, calls=1)
    assert "'connected'" in outputs
    assert outputs.count("Met after") == 2
    assert "Not met within 120 s" in outputs
    assert "<Comparison of 2 calls: this call, 2020>" in outputs


def test_a_lesson_is_recorded_read_back_and_composed(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, json.loads((NOTEBOOKS / "04-recording.ipynb").read_text()))
    outputs = run(notebook, calls=1)
    assert "Ada: recorded\nRobot: recorded" in outputs
    assert "We are being recorded." in outputs
    assert re.search(r"<nbrtc.OpenRecording pip.mkv: \d\.\d s of pip>", outputs)
    assert re.search(r"<nbrtc.Recording lesson-.*\.mp4: stopped, ", outputs)
    assert "['Ada.mkv.partial', 'Robot.mkv.partial']" in outputs
    assert re.search(r"\[<nbrtc.OpenRecording lesson-.*-cut: \d\.\d s of Ada, Robot>\]", outputs)


def test_effects_and_sources_run_from_top_to_bottom(
    notebook_page: NotebookPage, open_notebook: OpenNotebook
) -> None:
    page = notebook_page("person")
    notebook = open_notebook(page, json.loads((NOTEBOOKS / "05-effects.ipynb").read_text()))
    outputs = run(notebook, calls=1)
    assert "Effect(name='blur', strength=0.7)" in outputs
    assert "'none'" in outputs
    assert re.search(r"\d+ pictures, [1-9]\d* dropped, sent at 0\.\d\d s", outputs)
    assert re.search(r"\(\d+, \d+, 3\) True", outputs)
    assert re.search(r"\d looks, mean brightness \d+ of 255", outputs)
    assert "AudioEffectStats" in outputs
    assert "'closed'" in outputs


def test_ways_through_networks_run_from_top_to_bottom(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, json.loads((NOTEBOOKS / "06-nat-traversal.ipynb").read_text()))
    outputs = run(notebook, calls=1)
    assert "Nobody listens on this port." in outputs
    assert "succeeded" in outputs
    assert not re.search(r"\b\d+\.\d+\.\d+\.\d+\b", re.sub(r"turn:\S+|on \d\S+", "", outputs)), "addresses"
    assert "Path to Python" in outputs
    assert "'closed'" in outputs
    if LocalTurn.is_installed():
        assert re.search(r"<LocalTurn on [\d.]+:\d+>", outputs)
        assert re.search(r"here \w+, there relay, checked", outputs), "the robot is reached through its relay"
    else:
        assert re.search(r"here host, there host, checked", outputs)


def run(notebook: Notebook, calls: int) -> str:
    """Run all code cells; the first ones show calls, and the one after them asks for their clicks."""
    code = [index for index, cell in enumerate(notebook.cells()) if cell["cell_type"] == "code"]
    shown, asking, rest = code[:calls], code[calls], code[calls + 1 :]
    for index in shown:
        notebook.run(index)
    notebook.start(asking)
    for index in shown:
        widget = Widget(notebook, index)
        expect(widget.root).to_contain_text("Python asks you to join.")
        widget.button("Start camera").click()
    notebook.wait_done(asking)
    for index in rest:
        notebook.run(index)
    notebook.screenshot(notebook.path.stem)
    return "\n".join(plain(notebook.text(index)) for index in code)
