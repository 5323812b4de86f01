"""What a page has asked of its browser: cameras and microphones opened, connections made."""

from typing import cast

from playwright.sync_api import Page

COUNT = """
const probe = (window.nbrtcProbe = { asked: 0, connections: 0, tracks: [] });
const media = navigator.mediaDevices;
const open = media.getUserMedia.bind(media);
media.getUserMedia = async constraints => {
  probe.asked += 1;
  const stream = await open(constraints);
  probe.tracks.push(...stream.getTracks());
  return stream;
};
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    probe.connections += 1;
  }
};
"""

LIVE = """window.nbrtcProbe.tracks
  .filter(track => track.readyState === "live").map(track => track.kind).sort()"""


class Probe:
    """Counts in one window; made before the window opens anything, and alive over reloads."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.add_init_script(f"{{ {COUNT} }}")

    @property
    def counts(self) -> tuple[int, int]:
        """Calls of getUserMedia, and peer connections."""
        probe = self._page.evaluate("[window.nbrtcProbe.asked, window.nbrtcProbe.connections]")
        return cast("tuple[int, int]", tuple(probe))

    @property
    def live(self) -> list[str]:
        """Kinds of the tracks that are open: ``"audio"``, ``"video"``."""
        return cast("list[str]", self._page.evaluate(LIVE))

    def wait_live(self, *kinds: str, timeout_s: float = 10) -> None:
        """Wait until exactly these are open."""
        self._page.wait_for_function(
            f"kinds => JSON.stringify({LIVE}) === JSON.stringify(kinds)",
            arg=list(kinds),
            timeout=timeout_s * 1000,
        )
