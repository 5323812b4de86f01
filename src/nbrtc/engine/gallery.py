"""Everybody's pictures for the kernel: one viewer for the own camera and for each participant.

It knows whom Python wants to see or hear at all, which is what the page is told (`CallState.wanted`): nobody
is copied, sent or decoded for nothing. On the engine's loop.
"""

import asyncio
from collections.abc import Callable, Iterable

from .decode import Picture
from .feed import Feed
from .tasks import Tasks
from .viewer import Subscriber, Viewer, Wish

OWN = "you"
"""Stands for the page's own camera and microphone."""


class Gallery:
    """The viewers of one call.

    Parameters
    ----------
    on_wanted
        Told who is wanted whenever that changed: ids in order, `OWN` among them.
    """

    def __init__(self, on_wanted: Callable[[tuple[str, ...]], None]) -> None:
        self.wanted: tuple[str, ...] = ()
        self._on_wanted = on_wanted
        self._viewers: dict[str, Viewer] = {OWN: Viewer(self._changed)}
        self._kept: dict[str, frozenset[str]] = {}
        self._looking: asyncio.Handle | None = None
        self._closing = Tasks()
        self._is_closed = False

    def attach(self, participant: str, feed: Feed) -> None:
        """Show this video feed of somebody, or of `OWN`, from now on."""
        if self._is_closed:
            return
        if participant not in self._viewers:
            self._viewers[participant] = Viewer(self._changed)
        self._viewers[participant].attach(feed)

    def detach(self, participant: str) -> None:
        """The feed goes but may come back: its subscribers wait."""
        if participant in self._viewers:
            self._viewers[participant].detach()

    def remove(self, participant: str, reason: str) -> None:
        """Somebody left: whoever waits for their pictures is told. Idempotent."""
        viewer = self._viewers.pop(participant, None)
        if viewer is not None:
            viewer.end(reason)
            self._closing.spawn(viewer.close(), "nbrtc-viewer-close")
            self._changed()

    def keep(self, purpose: str, participants: Iterable[str]) -> None:
        """Want these besides what subscribers ask for, until said otherwise for the same purpose.

        Parameters
        ----------
        purpose
            Such as ``"effect"`` or ``"recording"``.
        """
        self._kept[purpose] = frozenset(participants)
        self._changed()

    def watch(self, participant: str, on_picture: Callable[[Picture], None] | None) -> None:
        """Tell every decoded picture of somebody from now on, which wants pictures; None ends it."""
        self._viewers[participant].watch(on_picture)

    def ask(self, participant: str, subscriber: Subscriber, wish: Wish) -> None:
        """A subscriber is ready for a picture; an empty id is the own camera."""
        viewer = self._viewers.get(participant or OWN)
        if viewer is None:
            subscriber.stop("left")
            return
        viewer.ask(subscriber, wish)

    def forget(self, subscriber: bytes) -> None:
        """A subscriber went."""
        for viewer in self._viewers.values():
            viewer.forget(subscriber)

    async def close(self) -> None:
        """Stop decoding for good and tell whoever waits. Idempotent."""
        self._is_closed = True
        if self._looking is not None:
            self._looking.cancel()
        for participant in list(self._viewers):
            self.remove(participant, "closed")
        await self._closing.finish()

    def _changed(self) -> None:
        """Look once for all that changes in one turn of the loop."""
        if self._looking is None and not self._is_closed:
            self._looking = asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._looking = None
        wanted = {participant for participant, viewer in self._viewers.items() if viewer.is_wanted}
        wanted |= {kept for ids in self._kept.values() for kept in ids if kept in self._viewers}
        ordered = tuple(sorted(wanted))
        if ordered != self.wanted:
            self.wanted = ordered
            self._on_wanted(ordered)
