"""One call, many views: in one page, in several windows, in a notebook that scrolls and is rearranged."""

from playwright.sync_api import Page, expect

from tests.browser.chromium import QUADRANTS
from tests.browser.conftest import NewPage, OpenNotebook
from tests.browser.jupyterlab import JupyterLab
from tests.browser.notebook import WIDGET, Notebook
from tests.browser.probe import Probe
from tests.browser.widget import CALL, Widget

CLIP = list(QUADRANTS.values())

STANDINGS = """
recording.stop().wait(50)
print([event.value for event in recording.manifest.events if event.name == "recorded"])
"""

FOUR_SECONDS = """
first = None
for frame in call.frames():
    first = frame.time_s if first is None else first
    if frame.time_s - first > 4:
        break
print("four seconds of pictures")
"""


def test_views_mirror_each_other_and_the_last_ends_the_call(page: Page, open_notebook: OpenNotebook) -> None:
    probe = Probe(page)
    notebook = open_notebook(page, [CALL, "display(call)"])
    notebook.run(0)
    notebook.run(1)
    first, second = Widget(notebook, 0), Widget(notebook, 1)
    first.start()
    expect(second.status).to_contain_text("Connected")
    second.wait_corners("python", CLIP)
    second.button("Microphone").click()
    expect(first.button("Microphone")).to_have_attribute("aria-pressed", "false")

    page.evaluate(f"{WIDGET}.content.activeCellIndex = 0")
    notebook.command("notebook:clear-cell-output")
    expect(first.root).to_have_count(0)
    assert probe.live == ["audio", "video"]
    # the view that came first has gone; the other one still hears the kernel, whose answer comes by the comm
    second.leave()
    second.start()
    second.wait_corners("python", CLIP)

    page.evaluate(f"{WIDGET}.content.activeCellIndex = 1")
    notebook.command("notebook:clear-cell-output")
    expect(second.root).to_have_count(0)
    assert probe.live == ["audio", "video"], "a view may come back at once"
    probe.wait_live()
    second.wait_python("call.state == 'idle' and call.reason == 'The widget was closed in the page.'")


def test_scrolling_and_moving_a_cell_keep_the_call(
    lab: JupyterLab, new_page: NewPage, open_notebook: OpenNotebook
) -> None:
    # the mode that takes cells away when they are scrolled out of sight
    lab.set_setting("@jupyterlab/notebook-extension", "tracker", windowingMode="full")
    page = new_page()
    probe = Probe(page)
    notebook = open_notebook(page, [CALL, "1", *["print('line\\n' * 40)"] * 20])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    notebook.execute("recording = call.record('lesson')")
    widget.wait_python("[one.state for one in recording.people] == ['recorded']")
    for index in range(2, 22):
        notebook.start(index)
    notebook.wait_done(21)  # they wait for one another in the kernel's queue

    page.evaluate(f"{WIDGET}.content.activeCellIndex = 0; {WIDGET}.content.deselectAll()")
    notebook.command("notebook:move-cell-down")
    moved = Widget(notebook, 1)
    expect(moved.status).to_contain_text("Connected")
    moved.wait_playing("python")
    page.evaluate(f"{WIDGET}.content.activeCellIndex = 21")  # the active cell is never taken away
    notebook.cell(20)
    expect(moved.root).to_be_hidden()
    assert "four seconds" in notebook.execute(FOUR_SECONDS)  # longer than the grace
    assert probe.live == ["audio", "video"]
    assert probe.counts == (1, 1)
    # whoever scrolls or moves the cell does not fall out of a recording, not even for a moment
    assert notebook.execute(STANDINGS).strip() == "['on']"
    notebook.cell(1)
    expect(moved.status).to_contain_text("Connected")
    moved.wait_playing("python")
    moved.wait_playing("own")


def test_another_window_takes_the_call_over(
    page: Page, new_page: NewPage, open_notebook: OpenNotebook
) -> None:
    here = Probe(page)
    notebook = open_notebook(page, [CALL])
    notebook.run(0)
    first = Widget(notebook)
    first.start()
    notebook.save()

    window = new_page(context=page.context)
    there = Probe(window)
    other = Notebook(notebook.lab, window, notebook.path.name)
    window.goto(f"{notebook.lab.url}lab/workspaces/other/tree/{notebook.path.name}")
    other.wait_ready()
    assert other.kernel_id == notebook.kernel_id
    second = Widget(other)
    expect(second.status).to_contain_text("This call is open in another window.")
    assert there.counts == (0, 0)

    second.button("Move the call here").click()
    expect(second.status).to_contain_text("Connected")
    second.wait_corners("python", CLIP)
    here.wait_live()
    expect(first.status).to_contain_text("This call is open in another window.")
    expect(first.notice("The call moved to another window.")).to_be_visible()

    second.leave()
    expect(first.button("Start camera")).to_be_enabled()
