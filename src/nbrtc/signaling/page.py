"""The guest page: the call in a browser without Jupyter."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from aiohttp import web

from ..errors import RoomError
from ..rooms.names import check_room_id
from .front import refusal

FOLDER = Path(__file__).parents[1] / "static"
PAGE = "page.html"
NOTHING: Mapping[str, str] = MappingProxyType({})
FILE = r"page[\w-]*(?:\.[\w-]+)*\.(?:js|css|svg)"
"""Of the folder, which has the widget's files too."""

PACKED = r"segmenter(?:-\w+)?-[0-9a-f]{16}\.(?:js|wasm|tflite)"
"""What lies there packed with gzip, each named after its content: it never changes."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".tflite": "application/octet-stream",
}
"""Said outright: the machine's own table may call JavaScript something that browsers refuse."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy: nothing from elsewhere, and no script that came in with the text of a chat.
WebAssembly tells a person from the background."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
    "Cache-Control": "no-cache",
}


class GuestPage:
    """Serves the built page at ``/`` and ``/r/{room}``, and its files at ``/static``."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def mount(self, app: web.Application) -> None:
        """Add the routes to an application."""
        app.router.add_get("/", self._page)
        app.router.add_get("/r/{room}", self._page)
        app.router.add_get(f"/static/{{name:{FILE}}}", self._file)
        app.router.add_get(f"/static/{{name:{PACKED}}}", self._packed)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if "room" in request.match_info:
            check_room_id(request.match_info["room"])
        return self._send(PAGE)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return self._send(request.match_info["name"])

    async def _packed(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        kept = {"Content-Encoding": "gzip", "Cache-Control": "public, max-age=31536000, immutable"}
        return self._send(name, f"{name}.gz", kept)

    def _send(
        self, name: str, file: str | None = None, more: Mapping[str, str] = NOTHING
    ) -> web.StreamResponse:
        path = self._folder / (file or name)
        if not path.is_file():
            message = "The guest page is not built: run node build.mjs in js/, or install a released nbrtc."
            return refusal(RoomError(message, "server-error"), 503)
        return web.FileResponse(path, headers={**HEADERS, "Content-Type": TYPES[Path(name).suffix], **more})
