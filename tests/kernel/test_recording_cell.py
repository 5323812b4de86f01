"""A recording's own place in a notebook: it changes while other cells run, and in the end it is a player."""

import sys
from pathlib import Path

from tests.kernel.kernel import Kernel
from tests.unit.staged_recordings import Actor, Clip, stage

MAKE = """
import msgspec, pathlib, threading
from nbrtc.messages import RecordedFile, RecordedPerson, RecordingStatus
people = (RecordedPerson("you", "Ada", "recorded"), RecordedPerson("b", "Bob", "asked"))
status = RecordingStatus("1", str(pathlib.Path("first.mkv").absolute()), "recording", 0.0, people=people)
recording = nbrtc.Recording(status, lambda identity: status)
def tell(**fields):
    # as the bridge does: on a thread of its own
    news = msgspec.structs.replace(recording._status, **fields)
    thread = threading.Thread(target=recording.update, args=(news,))
    thread.start()
    thread.join()
"""


def test_a_recordings_cell_changes_with_it_and_ends_as_a_player(kernel: Kernel) -> None:
    kernel.run(MAKE)
    cell = kernel.run("recording")

    (shown,), (place,) = cell.bundles, cell.displays
    assert shown["text/plain"] == "<nbrtc.Recording first.mkv: recording, 0.0 s, 0 kB>"
    assert "Bob</td><td>asked" in shown["text/html"]
    assert place

    kernel.run("tell(state='composing', composed_fraction=0.5)")
    kernel.read_until(lambda: kernel.updates, "the cell's change")
    assert kernel.updates[0][0] == place
    assert "composing 50 %" in kernel.updates[0][1]["text/plain"]

    kernel.run(
        "pathlib.Path('first.mkv').write_bytes(b'media')\n"
        "tell(state='stopped', duration_s=2.0, files=(RecordedFile('first.mkv', status.path, 5),))"
    )
    kernel.read_until(lambda: len(kernel.updates) > 1, "the player")
    assert kernel.updates[-1][0] == place
    assert '<video controls preload="metadata"' in kernel.updates[-1][1]["text/html"]


def test_it_changes_while_the_kernel_computes(kernel: Kernel) -> None:
    kernel.run(MAKE)
    (place,) = kernel.run("recording").displays

    busy = kernel.start(
        "timer = threading.Timer(0.1, tell, kwargs={'state': 'composing'})\n"
        "timer.start()\n"
        "while recording.state == 'recording': sum(range(1000))\n"
        "print('told')\n"
        "timer.join()"
    )
    kernel.read_until(lambda: kernel.updates, "the cell's change")
    kernel.finish(busy)

    assert [shown for shown, _ in kernel.updates] == [place]
    assert busy.text == "told\n"


def test_composing_is_one_line_that_changes(kernel: Kernel, tmp_path: Path) -> None:
    stage(tmp_path / "lesson", Actor("Ada", (Clip(seconds=0.2),), id="you"))
    film = (
        "import json, shutil, sys\n"
        "to = sys.argv[sys.argv.index('--to') + 1]\n"
        "print(json.dumps({'fraction': 0.0})); print(json.dumps({'fraction': 0.5}))\n"
        "shutil.copy('lesson/Ada.mkv', to)\n"
        "print(json.dumps({'done': to}))"
    )
    kernel.run(
        f"from nbrtc.recordings import compose\ncompose.COMMAND = ({sys.executable!r}, '-c', {film!r})"
    )

    cell = kernel.run("made = nbrtc.compose('lesson', 'pip')")

    assert [bundle["text/plain"] for bundle in cell.bundles] == ["Making pip.mkv: 0 %"]
    assert [(place, data["text/plain"]) for place, data in kernel.updates] == [
        (cell.displays[0], "Making pip.mkv: 50 %"),
        (cell.displays[0], "pip.mkv is made."),
    ]
    assert kernel.value("[made.path.name, [person.name for person in made]]") == ["pip.mkv", ["pip"]]
