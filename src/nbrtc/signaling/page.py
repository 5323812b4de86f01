"""The guest page: the call in a browser without Jupyter."""

from pathlib import Path

from aiohttp import web

from ..errors import RoomError
from ..rooms.names import check_room_id
from .front import refusal

FOLDER = Path(__file__).parents[1] / "static"
PAGE = "page.html"
FILE = r"page[\w-]*(?:\.[\w-]+)*\.(?:js|css|svg)"
"""Of the folder, which has the widget's files too."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Said outright: the machine's own table may call JavaScript something that browsers refuse."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
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
"""Content-Security-Policy: nothing from elsewhere, and no script that came in with the text of a chat."""
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

    async def _page(self, request: web.Request) -> web.StreamResponse:
        if "room" in request.match_info:
            check_room_id(request.match_info["room"])
        return self._send(PAGE)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return self._send(request.match_info["name"])

    def _send(self, name: str) -> web.StreamResponse:
        path = self._folder / name
        if not path.is_file():
            message = "The guest page is not built: run node build.mjs in js/, or install a released nbrtc."
            return refusal(RoomError(message, "server-error"), 503)
        return web.FileResponse(path, headers={**HEADERS, "Content-Type": TYPES[path.suffix]})
