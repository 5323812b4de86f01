"""chrome://webrtc-internals as a person uses it: opened before the call, and asked for its dumps after it."""

import gzip
import json
import time
from collections import Counter
from pathlib import Path
from typing import Literal

from playwright.sync_api import BrowserContext, Route

Format = Literal["webrtc-internals", "rtcstats"]

PATIENCE_S = 60.0

_BUTTONS: dict[Format, str] = {
    "webrtc-internals": "#dump-click-target",
    "rtcstats": "#dump-click-target-rtcstats",
}
_ADDRESS = "http://localhost/call"

_CALL = """<!doctype html><title>A call with itself</title><body><script>
const near = new RTCPeerConnection(), far = new RTCPeerConnection();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function negotiate(options) {
  await near.setLocalDescription(await near.createOffer(options));
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
}

async function begin() {
  near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate);
  for (const connection of [near, far]) {
    connection.ontrack = ({ track }) => {
      const player = document.createElement(track.kind);
      player.srcObject = new MediaStream([track]);
      player.play();
      document.body.append(player);
    };
  }
  const media = await navigator.mediaDevices.getUserMedia({
    video: { width: 320, height: 180, frameRate: 15 }, audio: true });
  await navigator.mediaDevices.getUserMedia({ video: { deviceId: { exact: "none such" } } })
    .catch(({ name }) => console.info(name));
  for (const track of media.getTracks()) { near.addTrack(track, media); far.addTrack(track, media); }
  near.createDataChannel("notes");
  await negotiate();
  while (near.connectionState !== "connected" || far.connectionState !== "connected") await pause(50);
}

// The picture stops and comes back: what Chromium derives from its frames has a gap.
async function without_picture(ms) {
  const [transceiver] = near.getTransceivers().filter(({ receiver }) => receiver.track.kind === "video");
  transceiver.direction = "inactive";
  await negotiate();
  await pause(ms);
  transceiver.direction = "sendrecv";
  await negotiate();
}
</script></body>"""


class Internals:
    """The page, and a call in another tab that it watches.

    Parameters
    ----------
    context
        One whose pages may use camera and microphone; it gets two tabs.
    folder
        For what is saved.
    """

    def __init__(self, context: BrowserContext, folder: Path) -> None:
        self._folder = folder
        self._page = context.new_page()
        self._page.goto("chrome://webrtc-internals")
        self._page.wait_for_selector(_BUTTONS["rtcstats"], state="attached")
        self.call = context.new_page()
        self.call.route(_ADDRESS, _answer)
        self.call.goto(_ADDRESS)

    def begin(self) -> None:
        """Start the call; returns when it is connected."""
        self.call.evaluate("begin()")

    def restart_ice(self) -> None:
        """Renegotiate with new candidates."""
        self.call.evaluate("negotiate({ iceRestart: true })")

    def stop_picture(self, ms: int) -> None:
        """Renegotiate the picture away, and back after a while."""
        self.call.evaluate(f"without_picture({ms})")

    def until_polled(self, times: int) -> None:
        """Wait until the page has asked each connection so often, which it does once a second."""
        deadline = time.monotonic() + times + PATIENCE_S
        while time.monotonic() < deadline:
            lines = gzip.decompress(self.save("rtcstats")).splitlines()[2:]
            polls = Counter(row[1] for row in map(json.loads, lines) if row[0] == "getStats")
            if len(polls) == 2 and min(polls.values()) >= times:
                return
            self._page.wait_for_timeout(250)
        raise TimeoutError(f"chrome://webrtc-internals did not poll {times} times")

    def save(self, format_: Format, *, compressed: bool = True) -> bytes:
        """Press the button that creates a dump."""
        self._page.bring_to_front()
        self._page.evaluate("document.querySelector('details').open = true")
        self._page.set_checked("#dump-checkbox", compressed)
        with self._page.expect_download() as download:
            self._page.click(_BUTTONS[format_])
        path = self._folder / f"{format_}-{compressed}"
        download.value.save_as(path)
        return path.read_bytes()


def _answer(route: Route) -> None:
    route.fulfill(body=_CALL, content_type="text/html")
