"""The harness itself, on widgets that are not nbrtc's: when these fail, no browser test means anything."""

import json

import psutil
import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import Camera
from tests.browser.conftest import NewPage, OpenNotebook
from tests.browser.notebook import CellError

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

CAMERA = '''
import anywidget, ipywidgets, json, traitlets
class Camera(anywidget.AnyWidget):
    _esm = """
    export default { render({ model, el }) {
      const button = document.createElement("button");
      button.textContent = "Open camera";
      button.onclick = async () => {
        let outcome;
        try {
          const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
          const video = document.createElement("video");
          video.muted = true;
          video.srcObject = stream;
          await video.play();
          const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext("2d");
          canvas.drawImage(video, 0, 0);
          const { width, height } = stream.getVideoTracks()[0].getSettings();
          const at = (x, y) => [...canvas.getImageData(x * width, y * height, 1, 1).data];
          outcome = { width, height, audio: stream.getAudioTracks().length,
                      corners: [at(.1, .1), at(.9, .1), at(.1, .9), at(.9, .9)] };
          stream.getTracks().forEach(track => track.stop());
        } catch (error) { outcome = { error: error.name }; }
        model.set("outcome", outcome);
        model.save_changes();
      };
      el.append(button);
    } };
    """
    outcome = traitlets.Dict().tag(sync=True)
camera, heard = Camera(), ipywidgets.Label()
camera.observe(lambda change: setattr(heard, "value", "Python heard " + json.dumps(change.new)), "outcome")
ipywidgets.VBox([camera, heard])
'''


def test_a_button_reaches_python(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, ["print('hello')", BUTTON])
    notebook.run_all()

    notebook.output(1).get_by_role("button", name="Press me").click()

    expect(notebook.output(1).get_by_text("pressed in Python")).to_be_visible()
    assert notebook.text(0) == "hello\n"
    assert notebook.execute("print(output.outputs[0]['text'])") == "pressed in Python\n\n"


def test_the_clip_is_the_camera(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CAMERA])
    notebook.run(0)

    notebook.output(0).get_by_role("button", name="Open camera").click()

    heard = notebook.output(0).get_by_text("Python heard")
    expect(heard).to_contain_text("corners")
    outcome = json.loads(heard.inner_text().removeprefix("Python heard"))
    assert (outcome["width"], outcome["height"], outcome["audio"]) == (640, 480, 1)
    red, green, blue, white = ([channel > 128 for channel in corner[:3]] for corner in outcome["corners"])
    assert red == [True, False, False]
    assert green == [False, True, False]
    assert blue == [False, False, True]
    assert white == [True, True, True]


@pytest.mark.parametrize(("camera", "error"), [("denied", "NotAllowedError"), ("none", "NotFoundError")])
def test_cameras_that_fail(
    new_page: NewPage, open_notebook: OpenNotebook, camera: Camera, error: str
) -> None:
    notebook = open_notebook(new_page(camera), [CAMERA])
    notebook.run(0)

    notebook.output(0).get_by_role("button", name="Open camera").click()

    expect(notebook.output(0).get_by_text(error)).to_be_visible()


def test_errors_of_cells_reach_the_test(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, ["1 / 0"])

    with pytest.raises(CellError, match="ZeroDivisionError"):
        notebook.run(0)
    with pytest.raises(CellError, match="NameError"):
        notebook.execute("unknown")
    assert "ZeroDivisionError: division by zero" in notebook.text(0)


def test_a_kernel_is_restarted_and_killed(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, ["import os; print(os.getpid())", "while True: pass"])
    notebook.run(0)
    before = int(notebook.text(0))
    assert notebook.lab.kernel_process(notebook.kernel_id).pid == before

    notebook.restart_kernel()
    notebook.run(0)
    after = int(notebook.text(0))
    notebook.start(1)
    notebook.interrupt_kernel()
    notebook.wait_done(1, may_raise=True)

    assert after != before
    assert not psutil.pid_exists(before)
    assert "KeyboardInterrupt" in notebook.text(1)
    notebook.lab.kernel_process(notebook.kernel_id).kill()
    notebook.wait_ready()  # JupyterLab starts it again


def test_the_page_comes_back_after_a_reload(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [BUTTON])
    notebook.run(0)
    kernel = notebook.kernel_id
    notebook.save()

    page.reload()
    notebook.wait_ready()

    assert notebook.kernel_id == kernel
    expect(notebook.output(0).get_by_role("button", name="Press me")).to_be_visible()


def test_a_saved_notebook_opens_in_a_second_window(
    page: Page, new_page: NewPage, open_notebook: OpenNotebook
) -> None:
    notebook = open_notebook(page, ["print(6 * 7)"])
    notebook.run(0)
    saved = notebook.save()

    other = open_notebook(new_page(context=page.context), saved)

    assert other.text(0) == "42\n"
    assert other.kernel_id != notebook.kernel_id


def test_the_dark_theme(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [BUTTON])
    notebook.run(0)

    notebook.set_theme("dark")

    assert page.evaluate("document.body.dataset.jpThemeLight") == "false"
    assert notebook.screenshot("harness-dark").stat().st_size > 0


def test_pages_reach_this_machine_only(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, ["1"])
    # Chromium resolves any *.localhost to this machine, unless the harness's rule has hidden the name.
    hidden = notebook.lab.url.replace("127.0.0.1", "elsewhere.localhost")
    reached = "url => fetch(url, { mode: 'no-cors' }).then(() => true, () => false)"

    assert page.evaluate(reached, notebook.lab.url)
    assert not page.evaluate(reached, hidden)
