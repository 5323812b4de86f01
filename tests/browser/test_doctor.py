"""The connection check in a real notebook: in a cell of its own, on the card before a call, for a guest."""

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser import probe
from tests.browser.conftest import NewPage, OpenNotebook, Serve
from tests.browser.guest import Guest
from tests.browser.notebook import ARTIFACTS
from tests.browser.test_look import LOOKS, OUTSIDE, WIDTHS, resize
from tests.browser.widget import CALL, Widget

DOCTOR = "import nbrtc\ndoctor = nbrtc.doctor(ice_servers=['stun:127.0.0.1:9'])\ndoctor"
"""Nobody listens on that port of this machine."""

FOUND = """
import json
doctor.wait_for(50)
print(json.dumps([[r.name, r.by, r.outcome, r.value] for r in doctor.results]))
print(doctor.ok, len(doctor.to_frame()), "<script" in doctor.to_html(), doctor)
"""

PAGE_LINES = {"secure-context", "permission-camera", "devices", "codecs", "encoder", "candidates", "path"}
PYTHON_LINES = {"python-versions", "python-encoder-vp8", "python-addresses", "python-udp"}


def done(root: Locator) -> None:
    """Wait until a check has ended."""
    expect(root.get_by_role("button", name="Check again")).to_be_visible()


def test_a_doctor_in_a_cell_checks_by_itself(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [DOCTOR, FOUND])
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    asked = page.evaluate("window.nbrtcProbe.asked")  # the window may have served another test
    notebook.run(0)
    root = notebook.output(0).locator(".nbrtc")
    lines = root.get_by_role("list", name="Results of the check").get_by_role("listitem")
    expect(lines.filter(has_text="Path to Python")).to_contain_text("checking…")
    planned = lines.filter(has_text="UDP sockets")
    planned.wait_for()
    listed = sorted(lines.locator("bdi").all_inner_texts())
    done(root)
    assert sorted(lines.locator("bdi").all_inner_texts()) == listed

    said = notebook.execute(FOUND).splitlines()
    found: dict[str, list[Any]] = {name: rest for name, *rest in json.loads(said[0])}
    assert found.keys() >= PAGE_LINES | PYTHON_LINES
    assert found["path"][1] == "pass", root.inner_text()
    assert found["secure-context"] == ["page", "pass", None]
    assert found["python-udp"][:2] == ["engine", "pass"]
    for name in ("python-server stun:127.0.0.1:9", "server stun:127.0.0.1:9 from the page"):
        assert found[name][1] == "fail"
    assert found["encoder"][2] > 0
    assert said[1].startswith(f"False {len(found)} False <nbrtc.Doctor")
    assert page.evaluate("window.nbrtcProbe.asked") == asked, "a device was asked for"
    assert page.evaluate(f"{probe.OPEN}.length") == 0

    widget = Widget(notebook)
    for theme, name in LOOKS:
        notebook.set_theme(theme)
        resize(widget, WIDTHS[name])
        widget.root.screenshot(path=ARTIFACTS / f"look-doctor-{name}-{theme}.png")
        assert widget.root.evaluate(OUTSIDE) == []


def test_python_has_the_card_check_the_connection(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL])
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    notebook.run(0)
    widget = Widget(notebook)
    expect(widget.button("Start camera")).to_be_enabled()
    assert notebook.execute("print(call.checks.ok, len(call.checks))") == "False 0\n"

    notebook.execute("call.check()")
    widget.wait_python("call.checks.results")

    assert "True" in notebook.execute("print(call.checks.ok)"), notebook.execute("print(call.checks.results)")
    assert "True" in notebook.execute("print(call.checks.wait_for(1) is call.checks)")
    section = widget.root.get_by_role("region", name="Check of the connection")
    expect(section).to_be_visible()  # it opened by itself
    widget.button("Check my connection").focus()
    page.keyboard.press("Enter")
    expect(section).to_be_hidden()
    page.keyboard.press("Enter")  # what was found before is still there
    expect(section.get_by_role("listitem").filter(has_text="Path to Python")).to_contain_text("packets")
    expect(section.get_by_role("button", name="Check again")).to_be_visible()
    widget.root.screenshot(path=ARTIFACTS / "look-check-card.png")

    widget.start()
    notebook.execute("call.check()")
    expect(widget.notice("Python has the connection checked")).to_be_visible()
    expect(widget.notice("Python has all of it in call.checks.")).to_be_visible()
    widget.root.screenshot(path=ARTIFACTS / "look-check-call.png")
    widget.leave()


def test_a_guest_checks_the_connection_to_the_server(new_page: NewPage, serve: Serve) -> None:
    guest = Guest(new_page(), f"{serve().url}/r/check")
    guest.button("Check my connection").click()
    done(guest.root)

    lines = guest.root.get_by_role("listitem")
    server = lines.filter(has_text=re.compile("Fine: The room's server"))
    expect(server).to_contain_text(re.compile(r"answers after \d+ ms"))
    socket = lines.filter(has_text="WebSocket to the room's server")
    expect(socket).to_contain_text(re.compile(r"carries messages both ways, after \d+ ms"))
    assert "Python" not in guest.root.get_by_role("list", name="Results of the check").inner_text()
