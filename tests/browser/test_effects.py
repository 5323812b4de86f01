"""The page's effects in a call: what Python receives, which is what anybody on the other side receives."""

import json

from tests.browser.conftest import NotebookPage, OpenNotebook
from tests.browser.widget import CALL, Widget

LOOK = """
import json
import threading
import time

import numpy as np
from PIL import Image

SIZE = 640, 480  # a busy computer sends less for a while
FACE = np.s_[75:165, 285:355]  # moves by 12 pixels at most
ROOM = np.s_[30:450, 6:62]

def detail(picture, part):
    # the energy of what is left without the low frequencies
    light = picture[part].astype(float).mean(axis=-1)
    return float(sum((np.diff(light, 2, axis=axis) ** 2).mean() for axis in (0, 1)))

def look(is_enough, timeout_s=60):
    # detail of face and room, and colourfulness, of each picture until the last three are enough
    found = []
    deadline = time.monotonic() + timeout_s
    for frame in call.frames():
        picture = np.asarray(Image.fromarray(frame.to_ndarray()).resize(SIZE))
        found.append([detail(picture, FACE), detail(picture, ROOM), float(np.ptp(picture, axis=-1).mean())])
        if time.monotonic() > deadline or (len(found) > 2 and all(map(is_enough, found[-3:]))):
            return found

def watch():
    blurred.extend(look(lambda now: now[0] > 80))

blurred = []
watching = threading.Thread(target=watch)
stop = call.on_state_change(lambda state: state == "connected" and watching.start())
call.effect = nbrtc.Effect("blur", strength=0.6)
"""


def test_from_the_first_picture_on_the_background_is_blurred_and_the_face_stays_sharp(
    notebook_page: NotebookPage, open_notebook: OpenNotebook
) -> None:
    page = notebook_page("person")
    notebook = open_notebook(page, [CALL, LOOK])
    notebook.run(0)
    notebook.run(1)
    Widget(notebook).start()
    blurred = json.loads(notebook.execute("watching.join(); stop(); print(json.dumps(blurred))"))
    notebook.screenshot("effect-blur")

    notebook.execute("call.effect = 'grayscale'")
    gray = json.loads(notebook.execute("print(json.dumps(look(lambda now: now[2] < 4)[-1]))"))
    notebook.execute("call.effect = None")
    face, room, colours = json.loads(notebook.execute("print(json.dumps(look(lambda now: now[2] > 15)[-1]))"))
    assert gray[2] < 4 < 15 < colours
    assert gray[1] > 0.7 * room
    assert blurred[0][0] < 0.3 * face, "at first nobody is told from the background, so all of it is blurred"
    assert blurred[-1][0] > 0.7 * face
    assert max(one[1] for one in blurred) < 0.1 * room
    assert notebook.execute("print(call.errors)").strip() == "[]"
