"""A client as the plain Socket.IO tutorials have it, from their protocol alone, on a site of its own.

It joins with ``{roomId, userId, userName}``, broadcasts ``{roomId, answer}`` and ``{roomId, candidate}``,
names its states muted, videoOff and screenSharing, and never offers, neither as creator nor as joiner. It
knows no acknowledgements, nobody's address, and no generation.
"""

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import Locator, Page

SOCKET_IO = Path(__file__).parents[2] / "js/node_modules/socket.io-client/dist/socket.io.min.js"

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Tutorial call</title>
<video id="remote" autoplay playsinline muted></video>
<script src="/socket.io.min.js"></script>
<script>
  let socket, pc, roomId;
  const heard = [];

  async function startCall(server, event, room, userId, userName) {
    roomId = room;
    const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
    pc = new RTCPeerConnection();
    stream.getTracks().forEach(track => pc.addTrack(track, stream));
    pc.ontrack = event => { document.getElementById("remote").srcObject = event.streams[0]; };
    pc.onicecandidate = event => {
      if (event.candidate) socket.emit("ice-candidate", { roomId, candidate: event.candidate });
    };
    socket = io(server);
    socket.on("offer", async ({ offer }) => {
      await pc.setRemoteDescription(new RTCSessionDescription(offer));
      const answer = await pc.createAnswer();
      await pc.setLocalDescription(answer);
      socket.emit("answer", { roomId, answer });
    });
    socket.on("answer", async ({ answer }) => {
      await pc.setRemoteDescription(new RTCSessionDescription(answer));
    });
    socket.on("ice-candidate", async ({ candidate }) => {
      await pc.addIceCandidate(new RTCIceCandidate(candidate));
    });
    const events = ["room-created", "room-joined", "participant-joined", "participant-left", "chat-message",
      "participant-status", "error"];
    for (const name of events) socket.on(name, data => heard.push({ event: name, ...data }));
    socket.on("connect", () => socket.emit(event, { roomId, userId, userName }));
  }

  const sendMessage = message => socket.emit("chat-message", { roomId, message });
  const sendStatus = status => socket.emit("participant-status", { roomId, ...status });
</script>
"""


class TutorialSite:
    """Serves the tutorial's page on this machine, from another origin than the room server's."""

    def __init__(self) -> None:
        files = {
            "/": ("text/html", PAGE.encode()),
            "/socket.io.min.js": ("text/javascript", SOCKET_IO.read_bytes()),
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, files))
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="tutorial-site")
        self._thread.start()

    def close(self) -> None:
        """End it; idempotent."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, files: dict[str, tuple[str, bytes]], *connection: Any) -> None:
        self._files = files
        super().__init__(*connection)

    def do_GET(self) -> None:
        kind, content = self._files.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class TutorialClient:
    """The tutorial's page in a window.

    Parameters
    ----------
    page
        The window; it goes to the site, with nothing left of an earlier call.
    site
        Where the page is.
    name
        Of its user.
    """

    def __init__(self, page: Page, site: TutorialSite, name: str) -> None:
        self.page = page
        self.name = name
        page.goto(site.origin)

    def create(self, server: str, room: str) -> None:
        """Make a room."""
        self._start(server, "create-room", room)
        self.wait_heard("room-created", roomId=room)

    def join(self, server: str, room: str) -> None:
        """Join a room that is there."""
        self._start(server, "join-room", room)
        self.wait_heard("room-joined", roomId=room)

    def say(self, text: str) -> None:
        """Write in the chat."""
        self.page.evaluate("text => sendMessage(text)", text)

    def set_status(self, **status: bool) -> None:
        """Say so of itself; with muted, videoOff or screenSharing."""
        self.page.evaluate("status => sendStatus(status)", status)

    def wait_heard(self, event: str, **fields: object) -> None:
        """Wait until the server has said this event, with these fields among others."""
        self.page.wait_for_function(
            "wanted => heard.some(said => Object.keys(wanted).every(name => said[name] === wanted[name]))",
            arg={"event": event, **fields},
        )

    @property
    def heard(self) -> list[dict[str, Any]]:
        """Every event but the signals."""
        return cast("list[dict[str, Any]]", self.page.evaluate("() => heard"))

    @property
    def remote(self) -> Locator:
        """The other's picture."""
        return self.page.locator("#remote")

    def _start(self, server: str, event: str, room: str) -> None:
        self.page.evaluate(
            "given => startCall(...given)", [server, event, room, f"user-{self.name.lower()}", self.name]
        )
