"""The life of a call in its notebook: what starts it, what ends it, and what it survives."""

import json
import signal
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.chromium import QUADRANTS
from tests.browser.conftest import OpenNotebook
from tests.browser.jupyterlab import JupyterLab
from tests.browser.probe import Probe
from tests.browser.widget import CALL, Widget

CLIP = list(QUADRANTS.values())
NEGATIVE = [(255 - red, 255 - green, 255 - blue) for red, green, blue in CLIP]


def test_nothing_starts_before_a_click(page: Page, open_notebook: OpenNotebook) -> None:
    probe = Probe(page)
    notebook = open_notebook(page, [CALL])
    notebook.command("@jupyter-widgets/jupyterlab-manager:saveWidgetState")
    notebook.run_all()
    expect(Widget(notebook).button("Start camera")).to_be_enabled()
    assert probe.counts == (0, 0)
    saved = notebook.save()
    assert saved["metadata"]["widgets"], "the widget's state is in the file"

    # as its author opens it on another day: trusted, so that the widget is shown again
    widget = Widget(open_notebook(page, saved))
    expect(widget.root).to_contain_text("No kernel answers. Run this cell again to use the call.")
    expect(widget.button("Start camera")).to_be_disabled()
    assert probe.counts == (0, 0)

    # and as somebody else gets it: not trusted, and no such kernel here
    saved["metadata"] |= {"kernelspec": {"name": "else", "display_name": "Elsewhere", "language": "else"}}
    saved["metadata"] |= {"language_info": {"name": "else"}}
    saved["cells"][0]["source"] += "  # changed by a stranger"
    output = open_without_kernel(notebook.lab, page, saved)
    expect(output).to_contain_text("Run this cell in a notebook with a kernel to call.")
    assert probe.counts == (0, 0)


def open_without_kernel(lab: JupyterLab, page: Page, document: dict[str, Any]) -> Locator:
    (lab.root / "stranger.ipynb").write_text(json.dumps(document))
    page.goto(f"{lab.url}lab/workspaces/stranger/tree/stranger.ipynb")
    dialog = page.locator(".jp-Dialog")
    dialog.locator("select").select_option(label="No Kernel")
    dialog.get_by_role("button", name="Select").last.click()
    expect(dialog).to_be_hidden()
    return page.locator(".jp-OutputArea")


def test_leaving_releases_the_camera_and_a_click_starts_again(
    page: Page, open_notebook: OpenNotebook
) -> None:
    probe = Probe(page)
    notebook = open_notebook(page, [CALL])
    notebook.run(0)
    widget = Widget(notebook)
    notebook.execute("call.join()")
    expect(widget.root).to_contain_text("Python asks you to join.")
    widget.start()
    assert probe.live == ["audio", "video"]

    widget.button("Leave call").click()
    assert probe.live == []
    widget.wait_python("call.state == 'idle' and call.reason == 'The person left.'")
    expect(widget.root).not_to_contain_text("Python asks you to join.")

    widget.start()
    widget.wait_corners("python", CLIP)
    notebook.execute("call.leave()")
    probe.wait_live()
    expect(widget.notice("Python left the call.")).to_be_visible()


def test_a_cell_that_runs_twice_closes_its_first_call(page: Page, open_notebook: OpenNotebook) -> None:
    probe = Probe(page)
    notebook = open_notebook(page, [f"first = globals().get('call')\n{CALL}"])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()

    notebook.run(0)
    probe.wait_live()
    expect(widget.button("Start camera")).to_be_enabled()
    assert notebook.execute("print(first.state, call.state)") == "closed idle\n"
    widget.start()


def test_a_kernel_that_ends_releases_the_camera(page: Page, open_notebook: OpenNotebook) -> None:
    probe = Probe(page)
    notebook = open_notebook(page, [CALL])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    notebook.restart_kernel()
    probe.wait_live()
    expect(widget.root).to_contain_text("The kernel was restarted or has ended.")
    expect(widget.button("Start camera")).to_be_disabled()

    notebook.run(0)
    widget.start()
    notebook.lab.kernel_process(notebook.kernel_id).kill()
    probe.wait_live()
    expect(widget.root).to_contain_text("The kernel was restarted or has ended.")


def test_a_reload_ends_the_call_and_one_click_brings_it_back(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    widget.button("Devices").click()
    microphones = widget.root.get_by_role("combobox", name="Microphone")
    microphones.select_option(index=2)
    chosen = microphones.input_value()
    assert chosen, "not the default one"
    expect(widget.button("Microphone")).to_have_attribute("aria-pressed", "true")
    notebook.save()

    page.reload()
    notebook.wait_ready()
    widget.wait_python("call.state == 'idle'")
    expect(microphones).to_have_value(chosen)
    widget.start()
    widget.wait_corners("python", CLIP)


EFFECT = """
import numpy as np

@call.video_effect
def negative(frame: np.ndarray) -> np.ndarray:
    return 255 - frame
"""

WATCH = """([raw, tolerance]) => {
  const canvas = new OffscreenCanvas(64, 48);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const words = [];
  const seen = (window.nbrtcSeen = { pictures: 0, raw: 0, words });
  const look = () => {
    const text = document.querySelector(".nbrtc-status-words")?.textContent;
    if (text && text !== words.at(-1)?.[1]) words.push([Date.now() / 1000, text]);
    const video = document.querySelector('video[data-nbrtc="python"]');
    if (video === null || video.videoWidth === 0) return;
    context.drawImage(video, 0, 0, 64, 48);
    const places = [[6, 5], [57, 5], [6, 42], [57, 42]];
    const corners = places.map(([x, y]) => context.getImageData(x, y, 1, 1).data);
    seen.pictures += 1;
    const isRaw = corners.every((pixel, corner) => raw[corner].every(
      (value, channel) => Math.abs(value - pixel[channel]) <= tolerance));
    if (isRaw) seen.raw += 1;
  };
  setInterval(look, 20);
}"""


RECONNECTED = """() => {
  const words = window.nbrtcSeen.words.map(([, text]) => text);
  const lost = words.findIndex(text => text.startsWith("Reconnecting"));
  return lost >= 0 && words.slice(lost).includes("Connected");
}"""


def test_a_dead_or_hanging_engine_is_replaced_and_the_raw_camera_never_shows(
    page: Page, open_notebook: OpenNotebook, record_property: Callable[[str, object], None]
) -> None:
    notebook = open_notebook(page, [CALL, EFFECT])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    widget.wait_corners("python", CLIP)
    page.evaluate(WATCH, [[list(colour) for colour in CLIP], 60])
    page.wait_for_function("window.nbrtcSeen.raw > 0")  # it knows the raw camera when it sees it

    notebook.run(1)
    widget.wait_corners("python", NEGATIVE)
    page.evaluate("window.nbrtcSeen.raw = window.nbrtcSeen.pictures = 0")
    for fault in (signal.SIGKILL, signal.SIGSTOP):
        engine = notebook.engine
        page.evaluate("window.nbrtcSeen.words.length = 0")
        at_s = time.time()
        engine.send_signal(fault)
        page.wait_for_function(RECONNECTED)
        widget.wait_corners("python", NEGATIVE)
        widget.wait_playing("python")
        seen = page.evaluate("window.nbrtcSeen")
        words = [(round(moment_s - at_s, 2), text) for moment_s, text in seen["words"]]
        record_property(fault.name, words)
        assert notebook.engine != engine
        assert "engine" in notebook.execute("print([problem.code for problem in call.errors])")
        assert any("Reconnecting" in text for _, text in words), words
        assert seen["pictures"] > 10
        assert seen["raw"] == 0


BUSY = """
turns = 0
print("busy")
while call.state != "connected" or call.is_microphone_on:
    turns += 1
print("heard it")
"""


def test_a_busy_cell_does_not_touch_the_call(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL, BUSY])
    notebook.run(0)
    widget = Widget(notebook)
    expect(widget.button("Start camera")).to_be_enabled()
    notebook.start(1)
    notebook.wait_output(1, "busy")
    widget.start()
    widget.wait_corners("python", CLIP)
    widget.wait_playing("python")
    assert "heard" not in notebook.text(1)
    widget.button("Microphone").click()
    notebook.wait_output(1, "heard it")


def test_the_keyboard_alone_is_enough(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL, "'below'", "'last'"])
    notebook.run(0)
    widget = Widget(notebook)
    start = widget.button("Start camera")
    expect(start).to_be_enabled()
    widget.root.focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if start.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(widget.status).to_contain_text("Connected")

    for key, name, pressed in (
        ("m", "Microphone", "false"),
        ("v", "Camera", "false"),
        ("s", "Statistics", "true"),
        ("v", "Camera", "true"),
    ):
        page.keyboard.press(key)
        expect(widget.button(name)).to_have_attribute("aria-pressed", pressed)
    page.keyboard.press("Shift+Enter")  # goes on, and does not make another call
    expect(widget.status).to_contain_text("Connected")
    page.keyboard.press("Shift+Enter")
    notebook.wait_output(1, "below")
    widget.root.focus()
    for key in ("d", "d", "a", "b", "x", "y", "0", "0"):
        page.keyboard.press(key)
    assert [cell["cell_type"] for cell in notebook.cells()] == ["code"] * 3
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    expect(widget.status).to_contain_text("Connected")
