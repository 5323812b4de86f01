"""A Bot and a real browser see and hear each other, whoever joined first, whatever protocol the page speaks.

The page is a plain one with socket.io-client: as nbrtc's own pages speak (it offers, to one participant, with
a generation), and as clients of the tutorial protocol do (it never offers, and answers to everybody).
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av import VideoFrame
from playwright.sync_api import Page

import nbrtc
from nbrtc.bridge import Bridge
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.browser.chromium import QUADRANTS
from tests.browser.conftest import NewPage
from tests.loopback.pictures import HEIGHT, WIDTH, draw, read

SOCKET_IO = Path(__file__).parents[2] / "js/node_modules/socket.io-client/dist/socket.io.min.js"
ROOM = "bots"
PATIENCE_S = 60.0

CLIENT = """
window.start = async ({ room, offers, creates }) => {
  const socket = io({ transports: ["websocket"] });
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const pc = window.pc = new RTCPeerConnection();
  const video = document.createElement("video");
  video.autoplay = true;  // with sound: a page that captures may
  document.body.append(video);
  media.getTracks().forEach(track => pc.addTrack(track, media));
  const stream = new MediaStream();
  pc.ontrack = ({ track }) => { stream.addTrack(track); video.srcObject = stream; };
  let bot;
  const address = () => (offers ? { to: bot, generation: 1 } : {});
  const send = (event, data) => socket.emit(event, { roomId: room, ...address(), ...data });
  pc.onicecandidate = ({ candidate: found }) =>
    found && send("ice-candidate", { candidate: found.toJSON() });
  const call = async id => {
    bot = id;
    if (!offers) return;
    await pc.setLocalDescription();
    send("offer", { offer: pc.localDescription.toJSON() });
  };
  socket.on("answer", async ({ answer }) => pc.setRemoteDescription(answer));
  socket.on("offer", async ({ offer }) => {
    await pc.setRemoteDescription(offer);
    await pc.setLocalDescription();
    send("answer", { answer: pc.localDescription.toJSON() });
  });
  socket.on("ice-candidate", ({ candidate }) => candidate && pc.addIceCandidate(candidate));
  socket.on("participant-joined", ({ participant }) => call(participant.userId));
  const me = { userId: "web", userName: "Web", ...(offers ? { protocol: 1 } : {}) };
  const answer = await socket.emitWithAck(creates ? "create-room" : "join-room", { roomId: room, ...me });
  if (answer.error) throw new Error(answer.error.message);
  const others = answer.ok.participants.filter(one => one.userId !== "web");
  if (others.length) await call(others[0].userId);
};
window.picture = ({ width, height }) => {
  const video = document.querySelector("video");
  if (!video?.videoWidth) return null;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(video, 0, 0, width, height);
  const { data } = canvas.getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, i) => data[4 * i + 1]);
};
window.energy = async () => {
  for (const report of (await pc.getStats()).values())
    if (report.type === "inbound-rtp" && report.kind === "audio") return report.totalAudioEnergy;
  return 0;
};
"""


class Server:
    """A server of rooms, on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="signaling")
        self._thread.start()
        self._server = SignalingServer(ServerOptions())
        self._run(self._server.start())
        self.url = self._server.url

    def close(self) -> None:
        self._run(self._server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    Bridge.shared().close()
    server.close()


def join(page: Page, server: Server, **options: bool) -> None:
    """Let the page join, with its camera and microphone."""
    page.context.grant_permissions(["camera", "microphone"], origin=server.url)
    page.goto(f"{server.url}/health")
    page.add_script_tag(path=SOCKET_IO)
    page.evaluate(f"() => {{ {CLIENT} }}")
    page.evaluate("options => start(options)", {"room": ROOM, **options})


def number_in(page: Page) -> int | None:
    """The number in the picture that the page receives."""
    green = page.evaluate("size => picture(size)", {"width": WIDTH, "height": HEIGHT})
    if green is None:
        return None
    grey = np.array(green, np.uint8).reshape(HEIGHT, WIDTH, 1).repeat(3, axis=2)
    return read(VideoFrame.from_ndarray(grey, format="rgb24"))


def until(page: Page, condition: Callable[[], object], what: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            pytest.fail(f"Waited {PATIENCE_S:.0f} s in vain; {what()}")
        page.wait_for_timeout(30)


def new_bot(server: Server) -> nbrtc.Bot:
    counter = iter(range(1_000_000))
    times_s = np.arange(16_000) / 16_000
    return nbrtc.Bot(
        room=ROOM,
        name="Bot",
        server=server.url,
        video=lambda: draw(next(counter) // 10 % 256),  # each number for 0.3 s
        audio=(np.sin(2 * np.pi * 440 * times_s) / 2, 16_000),
    )


@pytest.mark.parametrize(
    ("page_first", "offers"),
    [(False, True), (True, True), (False, False), (True, False)],
    ids=["page joins", "page was there", "tutorial client joins", "tutorial client was there"],
)
def test_a_bot_and_a_page_see_and_hear_each_other(
    new_page: NewPage, server: Server, page_first: bool, offers: bool
) -> None:
    page = new_page()
    if page_first:
        join(page, server, offers=offers, creates=True)
        bot = new_bot(server)
    else:
        bot = new_bot(server).wait_for("connected")
        join(page, server, offers=offers, creates=False)
    with bot:
        seen: set[int] = set()

        def sees_three_in_a_row() -> bool:
            if (number := number_in(page)) is not None:
                seen.add(number)
            return any({one, one + 1, one + 2} <= seen for one in seen)

        until(page, sees_three_in_a_row, lambda: (seen, bot.errors))
        until(page, lambda: page.evaluate("energy()") > 0.001, lambda: page.evaluate("energy()"))
        until(page, lambda: "web" in bot.participants, lambda: bot.participants)
        picture = bot.participants["Web"].snapshot(PATIENCE_S)
        height, width, _ = picture.shape
        for corner, colour in QUADRANTS.items():
            row, column = corner.split()
            pixel = picture[height // 10 if row == "top" else -height // 10][
                width // 10 if column == "left" else -width // 10
            ]
            assert np.all((pixel > 128) == (np.array(colour) > 128)), corner
        assert bot.participants["Web"].connection == "connected"
        assert bot.errors == []
        figures = next(iter(bot.engine_status()["peers"].values()))
        assert figures["codec"] == "VP8"
        assert figures["audio_frames"] > 0
