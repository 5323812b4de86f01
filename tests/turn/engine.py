"""Python's end of a call, as the engine has it: the link, in a network of its own."""

import asyncio
from concurrent.futures import Future

from nbrtc.engine.link import Link
from nbrtc.errors import NegotiationError
from nbrtc.messages import Answer, Candidate, IceConfiguration, Offer, Quality
from tests.turn.namespaces import LoopIn


class Engine:
    """Answers a page's offers: a newer one replaces the link, as `nbrtc.engine.ownership` does.

    Parameters
    ----------
    loop
        Of the network where it stands.
    ice
        What its links are made with.
    """

    def __init__(self, loop: LoopIn, ice: IceConfiguration) -> None:
        self._loop, self._ice = loop, ice
        self._link: Link | None = None
        self._earlier = 0
        self._taking: list[Future[None]] = []
        self._closing: list[asyncio.Task[None]] = []
        """Of earlier links: a new one does not wait for them."""
        self._said: list[Answer | Candidate] = []

    def hear(self, said: Offer | Candidate) -> None:
        """Take what the page says, in its own time."""
        work = self._answer(said) if isinstance(said, Offer) else self._add(said)
        self._taking.append(self._loop.begin(work))

    def said(self) -> list[Answer | Candidate]:
        """Answers and candidates that the page has not heard of, in their order.

        Raises
        ------
        NegotiationError
            If an offer or a candidate was refused.
        """
        for taking in self._taking:
            if taking.done():
                taking.result()
        self._taking = [taking for taking in self._taking if not taking.done()]
        said, self._said = self._said, []
        return said

    @property
    def frames(self) -> int:
        """Pictures of the page that came, over all links."""
        return self._earlier + (0 if self._link is None else self._link.video.feed.frames)

    def close(self) -> None:
        self._loop.run(self._close())

    async def _answer(self, offer: Offer) -> None:
        if self._link is not None:
            self._earlier += self._link.video.feed.frames
            self._closing.append(asyncio.create_task(self._link.close()))
        link = self._link = Link(
            "page",
            offer.generation,
            Quality(320, 240, 20),
            ice_servers=self._ice.ice_servers,
            relay_only=self._ice.ice_transport_policy == "relay",
            on_intent=lambda _: None,
            on_failed=lambda _: None,
        )
        link.on_candidate = lambda candidate: self._said.append(candidate)
        try:
            sdp = await link.answer(offer.sdp)
        except NegotiationError:
            if link is self._link:
                raise
            return  # after a blackout offers come all at once, and a newer one has closed this link
        self._said.append(Answer(generation=offer.generation, sdp=sdp))

    async def _add(self, candidate: Candidate) -> None:
        if self._link is not None and self._link.generation == candidate.generation:
            await self._link.add_candidate(candidate)

    async def _close(self) -> None:
        if self._link is not None:
            await self._link.close()
        await asyncio.gather(*self._closing)
