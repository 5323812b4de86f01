"""`Doctor`: the connection check as a widget of its own, and `doctor`, which makes one."""

import uuid
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ..bridge import Bridge
from ..cells import close_earlier
from ..ice.policy import IcePolicy, to_options
from ..ice.servers import AnyServer, to_sources
from ..kernel_side import KernelSide
from ..messages import QUALITIES, CheckResult, OpenCall
from ..ticket import to_ticket
from . import page
from .checks import Checks

if TYPE_CHECKING:
    import pandas as pd

STATIC = Path(__file__).parents[1] / "static"
NO_ROOM = "connection-check"
"""Stands for a room where only its server is given; nobody joins it."""

if not (STATIC / "widget.js").exists():
    raise ImportError(
        f"The widget's bundle is missing at {STATIC / 'widget.js'}: install nbrtc from a wheel, or run "
        "`npm ci && npm run build` in js/."
    )


def doctor(
    *,
    ice_servers: Iterable[AnyServer] = (),
    ice_policy: IcePolicy | None = None,
    room: str | None = None,
    server: str | None = None,
) -> "Doctor":
    """Check what a call from this notebook would need: browser, network, servers, Python.

    Show what it returns in a cell; the check begins there by itself. No device is opened, and no server is
    contacted but those that are named here.

    >>> nbrtc.doctor(ice_servers=["stun:stun.example.org"])  # doctest: +SKIP

    Parameters
    ----------
    ice_servers, ice_policy
        As for `nbrtc.Call`: each server is tried from the browser and from Python.
    room
        A room's id, or an invite link, whose server is checked. Nobody joins it.
    server
        URL of an ``nbrtc serve`` that is checked; with or without `room`.

    Returns
    -------
    Doctor

    Raises
    ------
    TypeError, ValueError
        As `nbrtc.Call`.
    EngineError
        If there is no room for an engine's folder.
    """
    return Doctor(ice_servers=ice_servers, ice_policy=ice_policy, room=room, server=server)


class Doctor(anywidget.AnyWidget):
    """A connection check in a cell's output; see `doctor`, which makes one. It is used from any thread.

    The person may repeat the check by a click; `results` are those of the newest one.
    """

    _side: KernelSide

    # texts, not paths: of a path, anywidget holds every widget that was ever made, to reload it
    _esm = traitlets.Unicode((STATIC / "widget.js").read_text()).tag(sync=True)
    _css = traitlets.Unicode((STATIC / "widget.css").read_text()).tag(sync=True)
    face = traitlets.Unicode("doctor", read_only=True).tag(sync=True)
    """What the bundle shows of a call: nothing but its check."""

    def __init__(
        self,
        *,
        ice_servers: Iterable[AnyServer] = (),
        ice_policy: IcePolicy | None = None,
        room: str | None = None,
        server: str | None = None,
    ) -> None:
        ticket = to_ticket(NO_ROOM if room is None and server is not None else room, server=server)
        sources = to_sources(ice_servers)
        opening = OpenCall(
            call=uuid.uuid4().hex,
            name="You",
            quality=QUALITIES["auto"],
            folder=str(Path.cwd()),
            epoch=0,
            ice_servers=sources,
            ice_options=to_options(ice_policy, sources, in_room=ticket is not None),
            ticket=ticket,
        )
        self._side = KernelSide(
            Bridge.shared(), opening, lambda page, body: self.send({"to": page, "body": body})
        )
        close_earlier(self)
        super().__init__()
        # answered on the subshell that asks, as in Call
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda _data, default: default
        self.on_msg(lambda _widget, content, _buffers: self._side.from_page(content))
        self._side.checks.begin()  # the page begins by itself, once it is shown
        self._side.open()

    @property
    def checks(self) -> Checks:
        """The results, with everything that can be made of them."""
        return self._side.checks

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """As `Checks.results`."""
        return self.checks.results

    @property
    def ok(self) -> bool:
        """As `Checks.ok`."""
        return self.checks.ok

    def to_frame(self) -> "pd.DataFrame":
        """As `Checks.to_frame`."""
        return self.checks.to_frame()

    def to_html(self) -> str:
        """As `Checks.to_html`."""
        return self.checks.to_html()

    def save(self, path: str | PathLike[str]) -> Path:
        """As `Checks.save`."""
        return self.checks.save(path)

    def wait_for(self, timeout_s: float = 60.0) -> "Doctor":
        """As `Checks.wait_for`; returns this doctor."""
        self.checks.wait_for(timeout_s)
        return self

    def close(self, reason: str = "The check was closed in Python.") -> None:
        """End it; the results can still be read. Idempotent."""
        side: KernelSide | None = self.__dict__.get("_side")
        if side is not None:  # ipywidgets closes a widget whose arguments were refused, too
            side.checks.fail(reason)
            side.close(reason)
        super().close()

    def __repr__(self) -> str:
        return f"<nbrtc.Doctor: {page.summary(self.results)}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = repr(self.checks)
            data["text/html"] = self.checks._repr_html_()
        return bundle
