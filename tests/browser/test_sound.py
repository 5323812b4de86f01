"""What the others hear, in a real browser (js/test/sound-page.ts): microphone, Python's sound, or both."""

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page

JS = Path(__file__).parents[2] / "js"
PATIENCE_S = 60.0
HEARD_DB, SILENT_DB = -50.0, -80.0


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    out = tmp_path_factory.mktemp("sound") / "page.js"
    subprocess.run([node, "test/bundle.mjs", "test/sound-page.ts", str(out)], cwd=JS, check=True)
    return out.read_text()


def until_heard(page: Page, *wanted: str) -> None:
    """Wait until exactly these are heard; the limit is for a test that fails."""
    levels: dict[str, float] = {}
    for _ in range(round(PATIENCE_S / 0.05)):
        levels = page.evaluate("sounds.heard()")
        if all(level > HEARD_DB if name in wanted else level < SILENT_DB for name, level in levels.items()):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"waited in vain for {wanted} alone; heard {levels}")


def test_what_python_sends_goes_on_to_the_others_as_it_is_and_mixed(page: Page, script: str) -> None:
    page.add_script_tag(content=script)
    page.evaluate("sounds.start()")

    def send(**sources: object) -> None:
        page.evaluate("sources => sounds.send(sources)", sources)

    send(microphone=True)
    until_heard(page, "microphone")
    send(microphone=True, python=True)  # Python plays a sound
    until_heard(page, "microphone", "python")
    send(microphone=True, python=True, isChanged=True)  # Python changes the sound: its track as it is
    until_heard(page, "python")
    send(microphone=True, python=True, isChanged=True, tab=True)  # the same out of a graph
    until_heard(page, "python", "tab")
    send(microphone=True, python=True, isChanged=True, delay_s=0.3)
    until_heard(page, "python")
    send(microphone=True, isChanged=True)  # Python is out of reach
    until_heard(page)
    send(microphone=True)
    until_heard(page, "microphone")
