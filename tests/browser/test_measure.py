"""What the call leaves behind: statistics and a recording, from a real camera in a real browser."""

import json
import re
from pathlib import Path

import av
import numpy as np
from playwright.sync_api import Page, expect

from tests.browser.chromium import QUADRANTS
from tests.browser.conftest import OpenNotebook
from tests.browser.widget import CALL, Widget

COLLECT = """
import time
deadline = time.monotonic() + 50
while len(call.stats.to_frame("video")) < 8:
    assert time.monotonic() < deadline, call
    time.sleep(0.2)
frame = call.stats.to_frame()
"""

SUMMARY = """
import json
sent = frame[(frame.kind == "video") & (frame.direction == "send")]
received = frame[(frame.kind == "video") & (frame.direction == "receive")]
print(json.dumps({
    "tz": str(frame.index.tz),
    "size": [float(sent.frame_width.max()), float(sent.frame_height.max())],
    "sent_fps": float(sent.fps.max()),
    "received_fps": float(received.fps.max()),
    "sent_bps": float(sent.bitrate_bps.max()),
    "received_bps": float(received.bitrate_bps.max()),
    "rtt_s": float(frame.rtt_s.max()),
    "loss": float(frame.loss_fraction.max()),
}))
"""


def test_statistics_are_plausible(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL, COLLECT])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    notebook.run(1)
    figures = json.loads(notebook.execute(SUMMARY))
    assert figures["tz"] == "UTC"
    assert figures["size"] == [640, 480]
    assert 5 <= figures["sent_fps"] <= 35
    assert 5 <= figures["received_fps"] <= 35
    assert 20_000 < figures["sent_bps"] < 5_000_000
    assert 20_000 < figures["received_bps"] < 5_000_000
    assert 0 <= figures["rtt_s"] < 1
    assert 0 <= figures["loss"] <= 1
    widget.button("Statistics").click()
    expect(widget.root.locator(".uplot").first).to_be_visible()


REFUSED = {"nowhere/at/all.mkv": "nowhere", "x.avi": "avi"}
"""Paths, and what the refusal speaks of."""

RECORD = """
import time
with call.record("first.mkv") as recording:
    while recording.duration_s < 2:
        time.sleep(0.1)
recording
"""


def test_a_recording_decodes_and_a_refused_path_leaves_the_call_alone(
    page: Page, open_notebook: OpenNotebook
) -> None:
    notebook = open_notebook(page, [CALL, RECORD, *(f"call.record({path!r})" for path in REFUSED)])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    widget.wait_corners("python", list(QUADRANTS.values()))
    notebook.start(1)
    expect(widget.root.locator('[data-nbrtc="recording"]')).to_be_visible()
    notebook.wait_done(1)
    expect(widget.root.locator('[data-nbrtc="recording"]')).to_be_hidden()
    path = notebook.path.parent / "first.mkv"
    with av.open(path) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (640, 480)
        assert container.duration is not None
        duration_s = container.duration / av.time_base
        assert 1.5 <= duration_s <= 30
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert 5 * duration_s <= len(pictures) <= 20 * duration_s
    for colour, (row, column) in zip(
        QUADRANTS.values(), ((48, 64), (48, 576), (432, 64), (432, 576)), strict=True
    ):
        assert np.abs(pictures[-1][row, column].astype(int) - colour).max() < 40
    with av.open(path) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert np.abs(sound).max() > 0.01, "the fake microphone beeps"
    player = notebook.cell(1).locator("video")
    expect(player).to_be_visible()
    shown = player.evaluate(
        """async video => {
          if (video.readyState === 0) await new Promise(resolve => video.onloadedmetadata = resolve);
          return [video.duration, video.videoWidth, video.error?.message ?? null];
        }"""
    )
    assert shown[1:] == [640, None]
    assert abs(shown[0] - duration_s) < 0.5

    for cell, word in enumerate(REFUSED.values(), start=2):
        notebook.run(cell, may_raise=True)
        (error,) = notebook.outputs(cell)
        assert error["ename"] == "RecordingError"
        assert word in error["evalue"]
    assert notebook.execute("print(call.state)") == "connected\n"


def test_the_record_button_writes_a_dated_file_that_can_be_downloaded(
    page: Page, open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    notebook = open_notebook(page, [CALL])
    page.evaluate("window.showSaveFilePicker = undefined")  # its dialog is out of a test's reach
    folder = notebook.path.parent / "recordings"
    earlier = set(folder.glob("*.mkv"))
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    widget.record()
    badge = widget.root.locator('[data-nbrtc="recording"]')
    expect(badge).to_be_visible()
    expect(badge).to_contain_text("0:02")
    widget.button("Record").click()
    expect(badge).to_be_hidden()
    expect(widget.root.locator(".nbrtc-card")).to_contain_text("Saved call-")
    (path,) = set(folder.glob("*.mkv")) - earlier
    assert re.fullmatch(r"call-[-\d]+\.mkv", path.name)
    with av.open(path) as container:
        assert sum(1 for _ in container.decode(video=0)) > 8
    assert downloaded(widget, path.name, tmp_path) == path.read_bytes()
    widget.leave()  # by the comm from here on
    assert downloaded(widget, path.name, tmp_path) == path.read_bytes()


def downloaded(widget: Widget, name: str, folder: Path) -> bytes:
    """What the widget's button gives this browser."""
    with widget.page.expect_download() as download:
        widget.button(f"Download {name}").click()
    assert download.value.suggested_filename == name
    download.value.save_as(folder / name)
    return (folder / name).read_bytes()


IMPAIR = """
import time
from nbrtc.lab import network
network.impair(call, loss_fraction=0.08, delay_ms=40, seed=7)

def figures():
    frame = call.stats.to_frame("video")
    received = frame[frame.direction == "receive"]
    return {
        "loss": float(received.loss_fraction.max()),
        "rtt_s": call.engine_status()["rtt_s"],
        "fps": float(received.fps.tail(2).max()),
        "ledger": network.ledger(call),
    }

deadline = time.monotonic() + 50
while min(way["packets"] for way in network.ledger(call).values()) < 600 or not figures()["rtt_s"] > 0.07:
    assert time.monotonic() < deadline, figures()
    time.sleep(0.2)
"""


def test_a_bad_network_is_seen_and_survived(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL, IMPAIR])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    notebook.run(1)
    figures = json.loads(notebook.execute("import json; print(json.dumps(figures()))"))
    for direction in ("up", "down"):
        assert 0.04 < figures["ledger"][direction]["loss_fraction"] < 0.12
        assert figures["ledger"][direction]["mean_delay_ms"] > 39.9
    assert figures["loss"] > 0.02
    assert figures["fps"] > 2
    expect(widget.status).to_contain_text("Connected")
