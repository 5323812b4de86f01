"""The impaired network on a real connection: carries out what `lab.impairment.Shim` decides.

It sits between DTLS and ICE, so media, feedback and data channels are impaired and ICE's own checks are not:
100% loss is a blackout that the connection survives. It leans on the two attributes of aiortc's ICE transport
that its DTLS transport calls for every datagram.
"""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

from nbrtc.errors import EngineError
from nbrtc.lab.impairment import Fate, Shim


def install(ice_transport: Any, shim: Shim) -> Callable[[], None]:
    """Put a shim on an `RTCIceTransport`, before it connects or while it runs. On the transport's event loop.

    Our sending is the shim's direction ``"down"`` (from Python to the page), our receiving ``"up"``. The
    first datagram to arrive on a connection that runs already passes unseen, since DTLS waits for it on its
    own. What is still on its way when the shim is taken off, or when the transport closes, is cut, and the
    ledger says so.

    Returns
    -------
    Callable
        Takes the shim off again. It may be called twice; closing the transport calls it too.

    Raises
    ------
    EngineError
        If aiortc has moved the seam, or a shim is on this transport already.
    """
    for name in ("_send", "_recv"):
        if not callable(getattr(ice_transport, name, None)):
            raise EngineError(
                f"aiortc has no {type(ice_transport).__name__}.{name} any more, which the impairment needs: "
                f"install the aiortc that nbrtc names in its requirements."
            )
    if isinstance(getattr(ice_transport._send, "__self__", None), _Installed):
        raise EngineError(
            "This transport has an impairment already: take that off before putting on another."
        )
    return _Installed(ice_transport, shim).uninstall


class _Installed:
    """A shim on its transport."""

    def __init__(self, transport: Any, shim: Shim) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._shim = shim
        self._original_send: Callable[[bytes], Awaitable[None]] = transport._send
        self._original_recv: Callable[[], Awaitable[bytes]] = transport._recv
        # What came through and was not read yet. Bounded like what is in flight: the newest is cut. None
        # sends a waiting recv to the transport again.
        self._arrived: asyncio.Queue[bytes | None] = asyncio.Queue(Shim.MAX_IN_FLIGHT)
        previous = getattr(transport._recv, "__self__", None)
        if isinstance(previous, _Installed):  # taken off with some of it unread: that comes first
            self._arrived, self._original_recv = previous._arrived, previous._original_recv
        self._down = _Lane(self._loop, self._start_sending)
        self._up = _Lane(self._loop, self._arrive)
        self._sending: set[asyncio.Task[None]] = set()
        self._reader: asyncio.Task[None] | None = None
        self._failure: ConnectionError | None = None
        self._off = False
        transport._send = self.send
        transport._recv = self.recv
        transport.on("statechange", self._state_changed)

    async def send(self, data: bytes) -> None:
        """In place of the transport's `_send`."""
        fate = self._shim.admit("down", len(data), self._loop.time())
        if fate.delivered_s is None:
            return
        if fate.delivered_s > self._loop.time() or self._down.is_busy or self._sending:
            self._down.put(data, fate)
            return
        try:
            await self._original_send(data)
        except ConnectionError:
            self._shim.ledger.cut(fate)
            raise

    async def recv(self) -> bytes:
        """In place of the transport's `_recv`."""
        if self._arrived.empty():
            if self._failure is not None:
                raise self._failure
            if self._reader is None:  # not earlier: before ICE has connected there is nothing to read from
                self._reader = self._loop.create_task(self._read(), name="nbrtc-shim")
        data = await self._arrived.get()
        if self._off and self._arrived.empty():
            self._give_back_recv()
        if data is not None:
            return data
        if self._failure is not None:
            raise self._failure
        again: bytes = await self._transport._recv()
        return again

    def uninstall(self) -> None:
        """Give the transport its own methods back and cut what is on its way."""
        if self._off:
            return
        self._off = True
        self._transport._send = self._original_send
        self._transport.remove_listener("statechange", self._state_changed)
        if self._reader is not None:
            self._reader.cancel()
        for fate in self._down.close() + self._up.close():
            self._shim.ledger.cut(fate)
        if self._arrived.empty():
            self._give_back_recv()
            self._arrived.put_nowait(None)

    def _give_back_recv(self) -> None:
        if self._transport._recv == self.recv:  # else another shim has taken over
            self._transport._recv = self._original_recv

    async def _read(self) -> None:
        while True:
            try:
                data = await self._original_recv()
            except ConnectionError as error:
                self._failure = error
                if self._arrived.empty():
                    self._arrived.put_nowait(None)
                return
            fate = self._shim.admit("up", len(data), self._loop.time())
            if fate.delivered_s is None:
                continue
            if fate.delivered_s > self._loop.time() or self._up.is_busy:
                self._up.put(data, fate)
            else:
                self._arrive(data, fate)

    def _arrive(self, data: bytes, fate: Fate) -> None:
        try:
            self._arrived.put_nowait(data)
        except asyncio.QueueFull:
            self._shim.ledger.cut(fate)

    def _start_sending(self, data: bytes, fate: Fate) -> None:
        task = self._loop.create_task(self._send_late(data, fate))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send_late(self, data: bytes, fate: Fate) -> None:
        try:
            await self._original_send(data)
        except ConnectionError:  # its sender has gone on: as on a network, only the ledger knows
            self._shim.ledger.cut(fate)

    def _state_changed(self) -> None:
        if self._transport.state == "closed":
            self.uninstall()


class _Lane:
    """Datagrams on their way in one direction, at most `Shim.MAX_IN_FLIGHT`; one timer for the next."""

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[bytes, Fate], None]) -> None:
        self._loop = loop
        self._deliver = deliver
        self._numbers = itertools.count()  # keeps the order of those that are due together
        self._waiting: list[tuple[float, int, bytes, Fate]] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a datagram is on its way, which a later one must not overtake."""
        return bool(self._waiting)

    def put(self, data: bytes, fate: Fate) -> None:
        """Deliver `data` at its time."""
        if fate.delivered_s is None:
            raise ValueError(f"A datagram that is {fate.outcome} cannot be delivered.")
        heapq.heappush(self._waiting, (fate.delivered_s, next(self._numbers), data, fate))
        self._arm()

    def close(self) -> list[Fate]:
        """Stop the timer; return the fates of what was on its way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        cut = [fate for _, _, _, fate in sorted(self._waiting)]
        self._waiting.clear()
        return cut

    def _arm(self) -> None:
        due_s = self._waiting[0][0]
        if self._timer is not None:
            if self._timer.when() <= due_s:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due_s, self._fire)

    def _fire(self) -> None:
        self._timer = None
        while self._waiting and self._waiting[0][0] <= self._loop.time():
            _, _, data, fate = heapq.heappop(self._waiting)
            self._deliver(data, fate)
        if self._waiting:
            self._arm()
