"""People in notebooks call each other, without a server to set up."""

import json
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.chromium import OTHER_QUADRANTS, QUADRANTS, SHARED_TITLE
from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.jupyterlab import JupyterLab
from tests.browser.probe import Probe
from tests.browser.watch import Watch
from tests.browser.widget import ROOM_CALL, Widget, is_near

CLIP = list(QUADRANTS.values())
OTHER = list(OTHER_QUADRANTS.values())
NEGATIVE = [(255 - red, 255 - green, 255 - blue) for red, green, blue in CLIP]
ORANGE = [(255, 128, 0)] * 4

SNAPSHOT = """
frame = call.participants[{name!r}].snapshot()
height, width, _ = frame.shape
ys, xs = (int(height * .1), int(height * .9)), (int(width * .1), int(width * .9))
print([frame[y, x].tolist() for y in ys for x in xs])
"""

HEAR = """
def heard(name):
    reports = [report for sample in call.stats.raw() if sample.peer == call.participants[name].id
               for report in sample.reports if report["type"] == "inbound-rtp" and report["kind"] == "audio"]
    return max((report.get("totalAudioEnergy", 0) for report in reports), default=0)

so_far = heard({name!r})
"""


def wait_heard(widget: Widget, name: str) -> None:
    """Wait until more of somebody's sound has come: the microphones beep."""
    widget.notebook.execute(HEAR.format(name=name))
    widget.wait_python(f"heard({name!r}) > so_far")


HOSTILE = "<img src=x onerror='window.nbrtcHacked = true'> <b>not bold</b>"


def test_two_notebooks_meet_in_a_room_and_one_comes_back_after_a_reload(
    notebook_page: NotebookPage, open_notebook: OpenNotebook
) -> None:
    ada = Widget(open_notebook(notebook_page(), ["import nbrtc\ncall = nbrtc.Call(quality='low')\ncall"]))
    bob = Widget(
        open_notebook(notebook_page("other-clip"), [ROOM_CALL.format(room="physics-101", name="Bob")])
    )
    for widget in (ada, bob):
        widget.notebook.run(0)

    # Ada names the room on the card, Bob in Python
    ada.root.get_by_label("Room").fill("physics-101")
    ada.root.get_by_label("Your name").fill("Ada")
    seen_by_ada, seen_by_bob = Watch(ada), Watch(bob)
    ada.enter()
    bob.enter()
    ada.wait_corners("Bob", OTHER)
    bob.wait_corners("Ada", CLIP)
    assert "Bob joined." in "".join(seen_by_ada.notes)
    assert "Ada joined." not in "".join(seen_by_bob.notes)  # she was there before him
    for widget, other in ((ada, "Bob"), (bob, "Ada")):
        widget.wait_python(f"call.participants[{other!r}].connection == 'connected'")
        wait_heard(widget, other)

    # the chat: unread until it is looked at, and text whatever is written
    bob.say("hello Ada")
    expect(ada.button("Chat")).to_have_accessible_description("1 unread")
    expect(ada.root.locator(".nbrtc-toast")).to_contain_text("Bob: hello Ada")
    expect(ada.drawer("Chat")).to_contain_text("hello Ada")
    expect(ada.button("Chat")).to_have_accessible_description("")
    ada.wait_python("[m.text for m in call.chat.messages] == ['hello Ada']")
    ada.notebook.execute(f"call.chat.send({HOSTILE!r})")
    expect(bob.drawer("Chat")).to_contain_text(HOSTILE)
    for widget in (ada, bob):
        messages = widget.drawer("Chat").get_by_role("list", name="Messages")
        expect(messages).to_contain_text(HOSTILE)
        expect(messages.locator("img, b")).to_have_count(0)
        assert widget.page.evaluate("window.nbrtcHacked") is None

    # Ada's Python looks at Bob, and he is told so for as long as it does
    seen = json.loads(ada.notebook.execute(SNAPSHOT.format(name="Bob")))
    assert is_near(seen, OTHER), seen
    expect(bob.person("Bob")).to_contain_text("Ada's Python receives your video")

    # what one switches off is seen to be off by the other
    ada.button("Microphone").click()
    expect(bob.tile("Ada")).to_contain_text("microphone off")
    ada.button("Camera").click()
    expect(bob.tile("Ada")).to_contain_text("camera off")
    expect(bob.tile("Ada").locator(".nbrtc-avatar")).to_be_visible()
    bob.wait_python("not call.participants['Ada'].video.is_on and call.participants['Ada'].is_muted")
    bob.notebook.screenshot("rooms-off")
    ada.button("Camera").click()
    bob.wait_corners("Ada", CLIP)
    expect(bob.tile("Ada")).not_to_contain_text("camera off")
    expect(bob.person("Bob")).not_to_contain_text("Python")

    bob.notebook.save()
    bob.page.reload()
    expect(ada.tile("Bob")).to_have_count(0, timeout=25_000)  # a seat would be held for 30 s
    assert "Bob left." in "".join(seen_by_ada.notes)
    bob.notebook.wait_ready()
    bob.enter()
    bob.wait_corners("Ada", CLIP)
    ada.wait_corners("Bob", OTHER)
    expect(bob.drawer("Chat")).to_contain_text("hello Ada")
    ada.notebook.screenshot("rooms-again")


SHARED = f"""<title>{SHARED_TITLE}</title>
<body style="margin: 0; background: rgb(255, 128, 0)"><progress></progress>
<script>onclick = () => {{
  const context = new AudioContext();
  const tone = new OscillatorNode(context);
  tone.connect(context.destination);
  tone.start();
}}</script>"""

EFFECT = """
import numpy as np

@call.video_effect
def negative(frame: np.ndarray) -> np.ndarray:
    return 255 - frame
"""


def open_shared(context_of: Page) -> Page:
    """A tab of one colour with a tone: what getDisplayMedia finds."""
    shared = context_of.context.new_page()
    shared.set_content(SHARED)
    shared.mouse.click(100, 100)
    context_of.bring_to_front()
    return shared


def test_a_screen_is_shared_and_an_effect_is_all_that_the_other_ever_sees(
    notebook_page: NotebookPage, open_notebook: OpenNotebook
) -> None:
    ada = Widget(open_notebook(notebook_page(), [ROOM_CALL.format(room="stage", name="Ada"), EFFECT]))
    bob_page = notebook_page("other-clip")
    probe = Probe(bob_page)
    bob = Widget(open_notebook(bob_page, [ROOM_CALL.format(room="stage", name="Bob")]))
    for widget in (bob, ada):  # Bob's engine has the room's server
        widget.notebook.run(0)
        widget.enter()
    bob.wait_corners("Ada", CLIP)

    shared = open_shared(ada.page)
    ada.button("Share screen").click()
    bob.wait_corners("Ada", ORANGE)
    expect(bob.tile("Ada")).to_contain_text("shares the screen")
    expect(ada.button("Microphone")).to_have_attribute("aria-pressed", "true")
    ada.wait_python("call.is_screen_sharing")
    bob.wait_python("call.participants['Ada'].is_screen_sharing")
    wait_heard(bob, "Ada")
    bob.notebook.screenshot("rooms-screen")
    ada.button("Share screen").click()
    bob.wait_corners("Ada", CLIP)
    expect(bob.tile("Ada")).not_to_contain_text("shares the screen")
    ada.wait_python("not call.is_screen_sharing")

    # with the microphone off, the tab's own sound is heard; closing the tab ends it without the page's button
    ada.button("Share screen").click()
    bob.wait_corners("Ada", ORANGE)
    ada.button("Microphone").click()
    expect(bob.tile("Ada")).to_contain_text("microphone off")
    wait_heard(bob, "Ada")
    ada.button("Microphone").click()
    shared.close()
    bob.wait_corners("Ada", CLIP)
    ada.wait_python("not call.is_screen_sharing and call.is_microphone_on")
    wait_heard(bob, "Ada")

    watch = Watch(bob, never=CLIP)
    watch.wait_frames(3)
    assert watch.never["Ada"] > 0, "it does not know the raw camera when it sees it"
    ada.notebook.run(1)
    bob.wait_corners("Ada", NEGATIVE)
    bob.notebook.execute("left = []; call.on_participant_left(lambda person: left.append(person.name))")
    seat = bob.tile("Ada").get_attribute("data-nbrtc-participant")
    connections = probe.counts
    engine = ada.notebook.engine
    watch = Watch(bob, never=CLIP)
    engine.kill()
    ada.wait_python("'engine' in [problem.code for problem in call.errors] and call.state == 'connected'")
    expect(ada.status).to_have_text("In stage")
    watch.wait_frames(10)
    bob.wait_corners("Ada", NEGATIVE)
    assert ada.notebook.engine != engine
    assert watch.never["Ada"] == 0, watch.frames
    expect(bob.tile("Ada")).to_have_attribute("data-nbrtc-participant", seat or "")
    expect(bob.tile("Ada")).not_to_contain_text("camera off")
    assert "Ada left." not in "".join(watch.notes)
    assert bob.notebook.execute("print(left)") == "[]\n"
    assert probe.counts == connections, "the pictures came over the connection that was there"


CY = """
from itertools import repeat
import numpy as np

cy = nbrtc.Bot(room="attic", name="Cy", video=repeat(np.full((120, 160, 3), (255, 128, 0), np.uint8)), fps=5)
cy.wait_for("connected")
"""


def test_the_room_outlives_the_kernel_that_ran_its_server(
    notebook_page: NotebookPage, open_notebook: OpenNotebook
) -> None:
    pages = {"Ada": notebook_page(), "Bob": notebook_page("other-clip")}
    probe = Probe(pages["Bob"])
    ada, bob = widgets = [
        Widget(open_notebook(page, [ROOM_CALL.format(room="attic", name=name), CY]))
        for name, page in pages.items()
    ]
    for widget in widgets:  # Ada's engine has the room's server
        widget.notebook.run(0)
        widget.enter()
    bob.notebook.run(1)
    bob.wait_corners("Cy", ORANGE)
    bob.wait_corners("Ada", CLIP)
    seat = bob.tile("Cy").get_attribute("data-nbrtc-participant")
    connections = probe.counts
    lab, watch = ada.notebook.lab, Watch(bob)
    kernel, engine = lab.kernel_process(ada.notebook.kernel_id), ada.notebook.engine
    assert server_owner(lab) == engine.pid
    for process in (engine, kernel):
        process.kill()

    wait_until(lambda: server_owner(lab) == bob.notebook.engine.pid)
    bob.wait_python("call.room.phase == 'joined' and len(call.participants) >= 2")
    bob.notebook.execute("cy.chat.send('are you there?')")
    expect(bob.drawer("Chat")).to_contain_text("are you there?")
    assert watch.frames["Cy"] > 0
    bob.wait_playing("Cy")

    # Jupyter starts the kernel again, and Ada comes as somebody new
    ada.page.get_by_role("dialog", name="Kernel Restarting").get_by_role("button", name="Ok").click()
    ada.notebook.wait_ready()
    ada.notebook.run(0)
    ada.enter()
    ada.wait_corners("Bob", OTHER)
    ada.wait_corners("Cy", ORANGE)
    bob.wait_corners("Ada", CLIP)
    bob.notebook.screenshot("rooms-outlived")
    notes = "".join(watch.notes)
    assert "Ada left." in notes, notes
    assert "Cy left." not in notes, notes
    expect(bob.tile("Cy")).to_have_attribute("data-nbrtc-participant", seat or "")
    asked, made = probe.counts
    assert (asked, made - 1) == connections, "but for the new Ada's the media connections were left alone"


def server_owner(lab: JupyterLab) -> int | None:
    """The process that runs the room server, as the engines tell each other."""
    (notice,) = lab.runtime.glob("nbrtc-signaling-*.json")
    owner: int | None = json.loads(notice.read_text())["pid"]
    return owner


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something outside of the pages."""
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.05)
