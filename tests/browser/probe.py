"""What a page has asked of its browser: cameras and microphones opened, connections made."""

from typing import cast

from playwright.sync_api import Page

# Every window of the tests begins with it (`windows.Window`).
COUNT = """
const probe = (window.nbrtcProbe = {
  reset() { Object.assign(probe, { asked: 0, connections: [], tracks: [] }); },
  changed() {
    const changed = [];
    if (media && media.getUserMedia !== getUserMedia) changed.push("another getUserMedia");
    if (window.RTCPeerConnection !== Counted) changed.push("another RTCPeerConnection");
    return changed.concat(Object.getOwnPropertyNames(navigator).map(name => `navigator.${name}`),
      isSecureContext === secure ? [] : ["another isSecureContext"]);
  },
});
probe.reset();
const secure = window.isSecureContext;
const media = navigator.mediaDevices;  // undefined on insecure pages
const open = media?.getUserMedia.bind(media);
const getUserMedia = async constraints => {
  probe.asked += 1;
  const stream = await open(constraints);
  probe.tracks.push(...stream.getTracks());
  return stream;
};
if (media) media.getUserMedia = getUserMedia;
const Counted = class extends RTCPeerConnection {
  constructor(...options) {
    super(...options);
    probe.connections.push(this);
  }
};
window.RTCPeerConnection = Counted;
"""

LIVE = """window.nbrtcProbe.tracks
  .filter(track => track.readyState === "live").map(track => track.kind).sort()"""

OPEN = """window.nbrtcProbe.connections.filter(connection => connection.signalingState !== "closed")"""


class Probe:
    """Counts in one window from now on, and after each reload."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.evaluate("window.nbrtcProbe?.reset()")  # none yet in a window that has opened nothing

    @property
    def counts(self) -> tuple[int, int]:
        """Calls of getUserMedia, and peer connections."""
        probe = self._page.evaluate("[window.nbrtcProbe.asked, window.nbrtcProbe.connections.length]")
        return cast("tuple[int, int]", tuple(probe))

    @property
    def live(self) -> list[str]:
        """Kinds of the tracks that are open: ``"audio"``, ``"video"``."""
        return cast("list[str]", self._page.evaluate(LIVE))

    def wait_live(self, *kinds: str, timeout_s: float = 60) -> None:
        """Wait until exactly these are open."""
        self._page.wait_for_function(
            f"kinds => JSON.stringify({LIVE}) === JSON.stringify(kinds)",
            arg=list(kinds),
            timeout=timeout_s * 1000,
        )
