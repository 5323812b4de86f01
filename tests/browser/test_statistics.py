"""The statistics panel in a real notebook: a `StatsView` in another cell, alive beside a busy kernel."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.notebook import WIDGET
from tests.browser.widget import CALL, Widget

VIEW = "view = nbrtc.StatsView(call, metrics=['fps', 'rtt_s'])\nview"

BUSY = """
import time
while call.state != "idle":
    sum(range(100_000))
print("done")
"""

TITLES = "root => [...root.querySelectorAll('.nbrtc-plot-title')].map(each => each.textContent)"
END_S = "chart => Number(chart.getAttribute('aria-valuemax'))"


def titles(root: Locator) -> list[str]:
    return list(root.evaluate(TITLES))


def test_a_view_in_another_cell_follows_the_call_while_the_kernel_is_busy(
    page: Page, open_notebook: OpenNotebook
) -> None:
    notebook = open_notebook(page, [CALL, VIEW, BUSY])
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    notebook.run(0)
    call = Widget(notebook)
    call.start()
    call.wait_python("len(call.stats) > 4")
    notebook.run(1)
    root = notebook.output(1).locator(".nbrtc-statistics")
    chart = root.get_by_role("slider", name="Frame rate")
    expect(root.locator(".nbrtc-plot-number").first).to_have_text(re.compile(r"^\d+ fps$"))
    assert titles(root) == ["Frame rate", "Round-trip time"]
    notebook.execute("view.metrics = ['bitrate_bps', 'fps']")
    expect(root.locator(".nbrtc-plot-title").first).to_have_text("Bitrate")

    notebook.start(2)
    begun_s = chart.evaluate(END_S)
    later = "([chart, begun]) => Number(chart.getAttribute('aria-valuemax')) >= begun + 3"
    page.wait_for_function(later, arg=[chart.element_handle(), begun_s])
    assert page.evaluate(f"{WIDGET}.sessionContext.session.kernel.status") == "busy"

    # the person's choices act at once, too
    root.get_by_role("button", name="Metrics").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(root.locator(".nbrtc-plot-title").last).to_have_text("Audio level")
    assert titles(root) == ["Bitrate", "Frame rate", "Audio level"]

    chart.focus()
    page.keyboard.press("+")
    expect(root.get_by_role("slider", name="Frame rate, 30 s")).to_be_visible()
    page.keyboard.press("Space")
    expect(root.get_by_role("button", name="Resume")).to_be_visible()
    expect(chart).to_have_attribute("aria-valuetext", re.compile(r"Python sent \d+ fps, received \d+ fps"))
    paused_s = chart.evaluate(END_S)
    page.wait_for_function("paused => Date.now() / 1000 > paused + 3", arg=paused_s)  # three polls
    assert chart.evaluate(END_S) == paused_s
    page.keyboard.press("Space")
    page.wait_for_function(later, arg=[chart.element_handle(), paused_s])
    notebook.screenshot("statistics-view")

    call.leave()
    notebook.wait_output(2, "done")
    assert "['bitrate_bps', 'fps', 'audio_level']" in notebook.execute("print(view.metrics); view.close()")
    expect(root).to_have_count(0)
