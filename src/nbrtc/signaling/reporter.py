"""Tells a room's server how connections went, where it collects that. Nobody waits for it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable

import aiohttp
import msgspec

from ..messages.signaling import MAX_OUTCOMES, AnalyticsReport, IceOutcomeJson

logger = logging.getLogger(__name__)

PATH = "/api/webrtc-analytics"
MAX_WAITING = 100
"""Outcomes that wait; the oldest are given up beyond this."""
PAUSE_S = 5.0
"""Between two reports, in which further outcomes come together."""
POST_S = 5.0


class OutcomeReporter:
    """Sends outcomes in reports of at most 20. On the loop.

    What a server does not take is given up, because figures that lack a few are no worse.

    Parameters
    ----------
    find
        The server's URL and this participant's resume token; None while there are none.
    """

    def __init__(self, find: Callable[[], tuple[str, str] | None]) -> None:
        self._find = find
        self._waiting: deque[IceOutcomeJson] = deque(maxlen=MAX_WAITING)
        self._task: asyncio.Task[None] | None = None

    def add(self, outcomes: Iterable[IceOutcomeJson]) -> None:
        """Report these soon."""
        self._waiting.extend(outcomes)
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._report(), name="nbrtc-outcomes")

    async def close(self) -> None:
        """Report nothing any more. Idempotent."""
        self._waiting.clear()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _report(self) -> None:
        while self._waiting:
            outcomes = [self._waiting.popleft() for _ in range(min(MAX_OUTCOMES, len(self._waiting)))]
            try:
                await self._post(outcomes)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                logger.debug("A report of %d outcomes was lost: %s", len(outcomes), type(error).__name__)
            await asyncio.sleep(PAUSE_S)
        self._task = None

    async def _post(self, outcomes: list[IceOutcomeJson]) -> None:
        found = self._find()
        if found is None:
            return
        url, token = found
        body = msgspec.json.encode(AnalyticsReport(outcomes=tuple(outcomes)))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=POST_S)) as http,
            # a token goes to the server that gave it, and to no other
            http.post(url + PATH, data=body, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 204:
                logger.debug("The room's server took no report (HTTP %d)", response.status)
