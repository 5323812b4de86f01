"""A connection that sends back what it gets: how a page measures its path to the engine. On the loop."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from ..errors import CallError, NegotiationError
from ..messages import IceServerEntry
from .description import check_description, media_sections
from .ice_end import IceEnd, connection_of
from .tasks import Tasks

logger = logging.getLogger(__name__)

MOST = 2
"""Echoes of one call at a time."""
LIFE_S = 20.0
"""A page measures for 5 s; whatever became of it, its echo ends by then."""
GATHER_S = 1.5
"""The answer waits so long for what servers give: nothing trickles into a check."""
CLOSE_S = 3.0
MAX_BYTES = 1200
"""Of one message; one that fits into no packet measures none. Longer ones are dropped."""
MAX_BUFFERED_BYTES = 32 * 1024
"""What is on its way back and does not get there; beyond it messages are dropped, as a full queue does."""


class Echo:
    """One peer connection with one data channel, unreliable and unordered, negotiated with id 0.

    Parameters
    ----------
    ice_servers, relay_only
        As of the call's own link: the path that is measured is the one that it would take.
    """

    def __init__(self, ice_servers: Sequence[IceServerEntry] = (), *, relay_only: bool = False) -> None:
        self._connection = connection_of(relay_only=relay_only)
        self._ice = IceEnd(self._connection, "you", 0, ice_servers, relay_only=relay_only)
        self._gathered: list[str] = []
        self._all_gathered = asyncio.Event()
        self._ice.on_candidate = self._candidate
        self._channel = self._connection.createDataChannel(
            "echo", negotiated=True, id=0, ordered=False, maxRetransmits=0
        )
        self._channel.on("message", self._send_back)
        self.ended = asyncio.Event()
        """The page closed its end, or no path was found."""
        self._connection.on("connectionstatechange", self._state_changed)
        self.dropped = 0
        """Messages that were too long, or one too many."""

    async def answer(self, sdp: str) -> str:
        """Take the page's offer and return the answer, with all candidates in it.

        Raises
        ------
        NegotiationError
            If the offer is hostile, malformed, or has anything but one data section.
        """
        check_description(sdp)
        if media_sections(sdp) != ["application"]:
            raise NegotiationError("An offer for a check has one data section, and nothing else.")
        try:
            await self._ice.take(sdp, "offer")
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # aiortc raises whatever its parser stumbles over
            raise NegotiationError(
                f"The check's offer could not be answered ({type(error).__name__}: {error})."
            ) from error
        answer = self._ice.begin(self._connection.localDescription.sdp)
        self._ice.end_candidates()
        if "a=end-of-candidates" in answer:
            return answer
        try:
            async with asyncio.timeout(GATHER_S):
                await self._all_gathered.wait()
        except TimeoutError:
            logger.info("A check's answer goes without the servers that have not answered yet")
        lines = [f"a={line}\r\n" for line in self._gathered]
        return answer + "".join(lines) + "a=end-of-candidates\r\n"

    async def close(self) -> None:
        """End the connection. Idempotent."""
        self.ended.set()
        await self._ice.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._connection.close()
        except TimeoutError:
            logger.warning("A check's connection did not close within %.0f s", CLOSE_S)

    def _candidate(self, line: str) -> None:
        if line:
            self._gathered.append(line)
        else:
            self._all_gathered.set()

    def _send_back(self, message: str | bytes) -> None:
        if self._channel.readyState != "open":
            return
        if len(message) > MAX_BYTES or self._channel.bufferedAmount > MAX_BUFFERED_BYTES:
            self.dropped += 1
            return
        self._channel.send(message)

    def _state_changed(self) -> None:
        if self._connection.connectionState in ("closed", "failed"):
            self.ended.set()


class Echoes:
    """The echoes of one call, each until its page closes it, at most `LIFE_S`. On the engine's loop."""

    def __init__(self) -> None:
        self._tasks, self._closing = Tasks(), Tasks()  # what ends is not cancelled any more
        self._newest: deque[Echo] = deque()  # at most `MOST`: the older ones are ending

    async def answer(self, sdp: str, ice_servers: Sequence[IceServerEntry] = (), *, relay_only: bool) -> str:
        """Make one for an offer; returns the answer. The oldest ends where that is one too many.

        Without a path an echo does not hear that its page gave up and asks again.

        Raises
        ------
        CallError
            If more are asked for than end meanwhile.
        NegotiationError
            As `Echo.answer`.
        """
        if len(self._tasks) + len(self._closing) >= 2 * MOST:
            raise CallError("The connection is being checked already: try again in a few seconds.")
        if len(self._newest) == MOST:
            self._newest.popleft().ended.set()
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        echo = Echo(ice_servers, relay_only=relay_only)
        self._newest.append(echo)
        self._tasks.spawn(self._live(echo, sdp, answer), "nbrtc-echo")
        return await answer

    async def close(self) -> None:
        """End them all. Idempotent."""
        self._tasks.cancel()
        await self._tasks.finish()
        await self._closing.finish()

    async def _live(self, echo: Echo, sdp: str, answer: "asyncio.Future[str]") -> None:
        try:
            async with asyncio.timeout(LIFE_S):
                try:
                    text = await echo.answer(sdp)
                except NegotiationError as error:
                    if not answer.done():
                        answer.set_exception(error)
                    return
                if not answer.done():
                    answer.set_result(text)
                await echo.ended.wait()
        except TimeoutError:
            logger.info("A check's connection was ended after %.0f s", LIFE_S)
        finally:
            if not answer.done():
                answer.set_exception(CallError("The call was closed."))
            if echo in self._newest:
                self._newest.remove(echo)
            self._closing.spawn(echo.close(), "nbrtc-echo-close")
