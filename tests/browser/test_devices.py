"""Camera and microphone: who switches them, how they follow the quality, what is said without them."""

import av
import numpy as np
from playwright.sync_api import Page, expect

from tests.browser.chromium import QUADRANTS, permissions
from tests.browser.conftest import NewPage, NotebookPage, OpenNotebook
from tests.browser.notebook import Notebook
from tests.browser.probe import Probe
from tests.browser.widget import CALL, Widget

CLIP = list(QUADRANTS.values())

UNPLUG = """
const track = nbrtcProbe.tracks.find(({ kind, readyState }) => kind === "video" && readyState === "live");
track.stop();
track.dispatchEvent(new Event("ended"));
"""


def test_a_camera_goes_off_and_comes_back_by_a_click(page: Page, open_notebook: OpenNotebook) -> None:
    probe = Probe(page)
    notebook = open_notebook(page, [CALL, "call.snapshot()"])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    widget.button("Camera").click()
    assert probe.live == ["audio"]
    expect(widget.root).to_contain_text("Your camera is off")
    widget.wait_python("not call.is_camera_on")
    notebook.run(1, may_raise=True)
    assert notebook.outputs(1)[0]["ename"] == "NotConnected"
    widget.button("Camera").click()
    widget.wait_corners("python", CLIP)
    notebook.run(1)

    page.evaluate(f"() => {{ {UNPLUG} }}")
    expect(widget.notice("The camera was disconnected.")).to_be_visible()
    assert probe.live == ["audio"]
    widget.wait_python("not call.is_camera_on and call.is_microphone_on")
    assert notebook.execute("print(call.errors[-1].code)") == "device-ended\n"
    widget.button("Camera").click()
    widget.wait_corners("python", CLIP)
    expect(widget.notice("The camera was disconnected.")).to_be_hidden()


def test_python_switches_off_at_once_and_on_only_by_a_click(page: Page, open_notebook: OpenNotebook) -> None:
    probe = Probe(page)
    notebook = open_notebook(page, [CALL])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    microphone = widget.button("Microphone")

    notebook.execute("call.is_camera_on = False")
    probe.wait_live("audio")
    notebook.execute("call.is_camera_on = True")
    widget.notice("Python asks for your camera.").get_by_role("button").click()
    probe.wait_live("audio", "video")
    expect(widget.notice("Python asks for your camera.")).to_be_hidden()

    notebook.execute("call.is_microphone_on = False")
    expect(microphone).to_have_attribute("aria-pressed", "false")
    notebook.execute("call.is_microphone_on = True")
    expect(microphone).to_have_attribute("aria-pressed", "true")

    microphone.click()
    widget.wait_python("not call.is_microphone_on")
    notebook.execute("call.is_microphone_on = True")
    asks = widget.notice("Python asks for your microphone.")
    expect(asks).to_be_visible()
    expect(microphone).to_have_attribute("aria-pressed", "false")
    asks.get_by_role("button").click()
    expect(microphone).to_have_attribute("aria-pressed", "true")
    widget.wait_python("call.is_microphone_on")


LISTEN = """
def listen(name):
    with call.record(name):
        first = None
        for frame in call.frames():
            first = frame.time_s if first is None else first
            if frame.time_s - first > 1.5:
                break
"""


def test_a_microphone_that_is_off_is_heard_as_silence(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL, LISTEN])
    notebook.run_all()
    widget = Widget(notebook)
    for name in ("Echo cancellation", "Noise suppression", "Automatic gain"):
        widget.root.get_by_role("switch", name=name).click()
    widget.start()
    widget.button("Microphone").click()
    widget.wait_python("not call.is_microphone_on")
    notebook.execute("listen('off.mkv')")
    widget.button("Microphone").click()
    widget.wait_python("call.is_microphone_on")
    notebook.execute("listen('on.mkv')")
    assert loudness(notebook, "off.mkv") < 1e-4
    assert loudness(notebook, "on.mkv") > 1e-2


def loudness(notebook: Notebook, name: str) -> float:
    """Root mean square of the recorded sound, full scale 1, without the first moment."""
    with av.open(notebook.path.parent / name) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
        rate_hz = container.streams.audio[0].rate
    heard = sound[:, rate_hz // 4 :]
    assert heard.shape[1] > rate_hz / 2
    return float(np.sqrt(np.mean(np.square(heard, dtype=np.float64))))


def test_without_a_camera_the_call_still_connects(new_page: NewPage, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(new_page("none"), [CALL])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    expect(widget.notice("No camera was found. Plug one in, then turn it on.")).to_be_visible()
    widget.wait_python("not call.is_camera_on and call.is_microphone_on")


IN_USE = """
const open = navigator.mediaDevices.getUserMedia;
window.restore = () => { navigator.mediaDevices.getUserMedia = open; };
navigator.mediaDevices.getUserMedia = async constraints => {
  if (constraints.video) throw new DOMException("Could not start video source", "NotReadableError");
  return open(constraints);
};
"""
INSECURE = """
const secure = Object.getOwnPropertyDescriptor(window, "isSecureContext");
window.restore = () => {
  Object.defineProperty(window, "isSecureContext", secure);
  delete navigator.userAgent;
};
Object.defineProperty(window, "isSecureContext", { value: false, configurable: true });
"""
VS_CODE = """
Object.defineProperty(window, "isSecureContext", { value: true, configurable: true });
Object.defineProperty(navigator, "userAgent", { value: "Mozilla/5.0 Code/1.106 VSCode", configurable: true });
"""
RESTORE = "() => { window.restore(); delete window.restore; }"


def test_what_is_missing_is_said_in_a_sentence(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL])
    notebook.run(0)
    widget = Widget(notebook)

    def starts_without(sentence: str, *, microphone: bool) -> None:
        widget.start()
        expect(widget.notice(sentence)).to_be_visible()
        widget.wait_python(f"not call.is_camera_on and call.is_microphone_on is {microphone}")
        widget.leave()

    page.context.clear_permissions()
    starts_without("The browser denies the camera and microphone. Allow them with the icon", microphone=False)
    page.context.grant_permissions(permissions("clip"))
    page.evaluate(f"() => {{ {IN_USE} }}")
    starts_without(
        "The camera cannot be opened. Close other programs that use it, then turn it on.", microphone=True
    )
    page.evaluate(RESTORE)
    page.evaluate(f"() => {{ {INSECURE} }}")
    starts_without("Browsers open cameras only on https:// or localhost", microphone=False)
    page.evaluate(f"() => {{ {VS_CODE} }}")
    starts_without("VS Code does not let notebooks use cameras.", microphone=False)
    page.evaluate(RESTORE)


CAMERA_SIZE = """nbrtcProbe.tracks.filter(track => track.kind === "video" && track.readyState === "live")
  .map(track => track.getSettings()).map(({ width, height }) => `${width}x${height}`).join()"""


def test_the_quality_is_applied_to_the_open_camera(
    notebook_page: NotebookPage, open_notebook: OpenNotebook
) -> None:
    page = notebook_page("any-size")
    Probe(page)
    notebook = open_notebook(page, [CALL, "call.quality = 'tiny'"])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    wait_size(widget, 1280, 720)

    widget.button("Quality: Auto").click()
    widget.root.get_by_role("menuitemradio", name="Low").click()
    wait_size(widget, 640, 480)
    widget.wait_python("call.quality.name == 'low'")

    notebook.execute("call.quality = 'high'")
    wait_size(widget, 1920, 1080)
    expect(widget.button("Quality: High")).to_be_visible()
    notebook.execute("import nbrtc; call.quality = nbrtc.Quality(320, 240, 60)")
    wait_size(widget, 320, 240)

    notebook.run(1, may_raise=True)
    (error,) = notebook.outputs(1)
    assert error["ename"] == "ValueError"
    assert all(name in error["evalue"] for name in ("'tiny'", '"low"', '"medium"', '"high"'))


def wait_size(widget: Widget, width: int, height: int) -> None:
    """Wait until the camera has this size, and what comes back from Python has it, too."""
    widget.page.wait_for_function(f"size => {CAMERA_SIZE} === size", arg=f"{width}x{height}")
    video = widget.video("python").element_handle()
    widget.page.wait_for_function(
        "([video, width, height]) => video.videoWidth === width && video.videoHeight === height",
        arg=[video, width, height],
    )
