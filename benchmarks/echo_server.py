"""The bare aiortc echo: what a tutorial would write, in a process of its own.

``python -m benchmarks.echo_server --bitrate 1000000 [--relay]`` prints its URL and serves

* ``POST /offer``: an SDP offer, answered; every received track is sent back as it is,
* ``POST /record`` with a path and ``POST /stop``: aiortc's `MediaRecorder` on the same tracks. This needs
  ``--relay``, because a track of aiortc has only one reader.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.codecs import vpx
from aiortc.contrib.media import MediaRecorder, MediaRelay


class EchoServer:
    """One peer connection a page; everything here runs on the event loop."""

    def __init__(self, relay: MediaRelay | None) -> None:
        self._relay = relay
        self._connection: RTCPeerConnection | None = None
        self._tracks: list[MediaStreamTrack] = []
        self._recorder: MediaRecorder | None = None

    async def offer(self, sdp: str) -> str:
        self._connection = connection = RTCPeerConnection()
        self._tracks.clear()

        @connection.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            self._tracks.append(track)
            connection.addTrack(self._relay.subscribe(track) if self._relay else track)

        await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return connection.localDescription.sdp

    async def record(self, path: str) -> str:
        if self._relay is None:
            raise RuntimeError("Recording beside the echo needs --relay")
        self._recorder = MediaRecorder(path)
        for track in self._tracks:
            self._recorder.addTrack(self._relay.subscribe(track))
        await self._recorder.start()
        return path

    async def stop(self, _: str) -> str:
        if self._recorder is not None:
            await self._recorder.stop()
        return ""


def serve(server: EchoServer, loop: asyncio.AbstractEventLoop) -> HTTPServer:
    """Answer HTTP on a thread, on a free port of the loopback interface; the work is done on `loop`."""
    routes: dict[str, Callable[[str], Awaitable[str]]] = {
        "/offer": server.offer,
        "/record": server.record,
        "/stop": server.stop,
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            reply = asyncio.run_coroutine_threadsafe(_call(routes[self.path], body), loop).result().encode()
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Quiet: standard output carries the URL only."""

    http = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=http.serve_forever, daemon=True).start()
    return http


async def _call(route: Callable[[str], Awaitable[str]], body: str) -> str:
    return await route(body)


async def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.echo_server", description="The bare aiortc echo"
    )
    parser.add_argument("--bitrate", type=int, required=True, help="of the video that goes back, in bit/s")
    parser.add_argument("--relay", action="store_true", help="read the tracks through a MediaRelay")
    options = parser.parse_args()
    # The contenders are compared at one bitrate; aiortc has it as constants of the module only.
    vpx.DEFAULT_BITRATE = vpx.MIN_BITRATE = vpx.MAX_BITRATE = options.bitrate
    http = serve(EchoServer(MediaRelay() if options.relay else None), asyncio.get_running_loop())
    print(f"http://127.0.0.1:{http.server_port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
