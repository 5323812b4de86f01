"""The harness itself, on a widget that is not nbrtc's: when this fails, no browser test means anything.

Cameras that work or fail, reloads, killed kernels, second windows and themes are proved by the tests of the
call that need them.
"""

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.notebook import CellError
from tests.browser.windows import Windows

BUTTON = """
import ipywidgets
output = ipywidgets.Output()
button = ipywidgets.Button(description="Press me")
@button.on_click
@output.capture()
def pressed(_):
    print("pressed in Python")
ipywidgets.VBox([button, output])
"""
FOREVER = "print('running')\nwhile True: pass"


def test_cells_clicks_and_errors_reach_the_test_and_pages_reach_this_machine_only(
    page: Page, open_notebook: OpenNotebook
) -> None:
    notebook = open_notebook(page, ["import os; print(os.getpid())", BUTTON, "1 / 0", FOREVER])
    notebook.run(0)
    notebook.run(1)
    notebook.output(1).get_by_role("button", name="Press me").click()
    expect(notebook.output(1).get_by_text("pressed in Python")).to_be_visible()
    assert notebook.execute("print(output.outputs[0]['text'])") == "pressed in Python\n\n"

    with pytest.raises(CellError, match="ZeroDivisionError"):
        notebook.run(2)
    with pytest.raises(CellError, match="NameError"):
        notebook.execute("unknown")
    assert "ZeroDivisionError: division by zero" in notebook.text(2)

    before = int(notebook.text(0))
    assert notebook.lab.kernel_process(notebook.kernel_id).pid == before
    notebook.restart_kernel()
    notebook.run(0)
    notebook.start(3)
    notebook.wait_output(3, "running")  # an interrupt that comes before the cell is lost
    notebook.interrupt_kernel()
    notebook.wait_done(3, may_raise=True)
    assert "KeyboardInterrupt" in notebook.text(3)
    assert int(notebook.text(0)) != before
    assert not psutil.pid_exists(before)

    # Chromium resolves any *.localhost to this machine, unless the harness's rule has hidden the name.
    hidden = notebook.lab.url.replace("127.0.0.1", "elsewhere.localhost")
    reached = "url => fetch(url, { mode: 'no-cors' }).then(() => true, () => false)"
    assert page.evaluate(reached, notebook.lab.url)
    assert not page.evaluate(reached, hidden)


LEFTOVERS = (
    ("nbrtcLeft = new RTCPeerConnection()", "nbrtcLeft.close()", "an open peer connection"),
    (
        "navigator.mediaDevices.getUserMedia({ audio: true }).then(media => [nbrtcLeft] = media.getTracks())",
        "nbrtcLeft.stop()",
        "an open track: audio",
    ),
    (
        "nbrtcLeft = RTCPeerConnection, RTCPeerConnection = class {}",
        "RTCPeerConnection = nbrtcLeft",
        "another RTCPeerConnection",
    ),
    (
        "Object.defineProperty(navigator, 'userAgent', { value: 'another', configurable: true })",
        "delete navigator.userAgent",
        "navigator.userAgent",
    ),
)


def test_a_window_serves_the_next_test_only_if_nothing_is_left_in_it(
    windows: Windows, open_notebook: OpenNotebook
) -> None:
    window = windows.take("clip")
    page = window.page
    notebook = open_notebook(page, ["'not saved'"])
    page.evaluate("localStorage.nbrtc = window.nbrtcOf = 'an earlier test'")
    notebook.run(0)
    windows.give_back(window)

    assert windows.take("clip") is window
    assert page.evaluate("[localStorage.length, 'nbrtcOf' in window]") == [0, False]
    notebook = open_notebook(page, ["2 * 21"])
    notebook.run(0)
    assert notebook.text(0) == "42"
    assert window.empty()
    expect(page.locator(".jp-Notebook")).to_have_count(0)
    for leave, take_away, words in LEFTOVERS:
        assert window.left() == []
        page.evaluate(f"async () => {{ await ({leave}); }}")
        assert window.left() == [words]
        page.evaluate(f"() => {{ {take_away}; }}")

    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw Error('late'); })")
    assert window.left() == ["an error in the page"]
    assert not window.empty()
    without_jupyterlab = windows.new("clip")
    windows.give_back(without_jupyterlab)
    assert without_jupyterlab.page.is_closed(), "it cannot be emptied"
    strange = windows._kept["clip"] = windows.new("clip")
    windows.take("clip").close()
    assert strange.page.is_closed(), "it cannot be shown to be empty"
    window.is_broken = False
    page.reload()
    assert not window.empty(), "JupyterLab has its address still to follow"
    window.close()
