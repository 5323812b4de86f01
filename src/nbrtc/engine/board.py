"""The board of a call: its state, and how everybody hears of it. On the engine's loop."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from ..messages import (
    CallState,
    Event,
    Notice,
    Notification,
    PageMessage,
    Problem,
    Reply,
    StateChanged,
    encode_json,
)
from .link import SILENT_S, Link

REMEMBERED_REPLIES = 64


class Board:
    """Holds the `CallState` and sends events: to one page or all, by data channel or comm.

    Parameters
    ----------
    call
        The call's id.
    state
        The state to begin with.
    notify
        Sends a notification to the kernel.
    """

    def __init__(self, call: str, state: CallState, notify: Callable[[Notification], None]) -> None:
        self.call = call
        self.state = state
        self.link: Link | None = None
        """The open link, whose data channel reaches its page whatever the kernel does."""
        self.notify = notify
        self.on_change: Callable[[CallState], None] = lambda _: None
        """Told each new state, after everybody else; it may change the state again."""
        self._replies: OrderedDict[str, Reply | None] = OrderedDict()
        self._noticed: set[str] = set()  # keys, of which there is a handful

    def change(self, **fields: Any) -> None:
        """Change fields of the state and tell everybody."""
        self.state = msgspec.structs.replace(self.state, revision=self.state.revision + 1, **fields)
        state = self.state
        self.notify(StateChanged(call=self.call, state=state))
        self.broadcast(state)
        self.on_change(state)

    def broadcast(self, event: Event) -> None:
        """To the owner over its data channel and to every page over the comm; a second copy is harmless."""
        if isinstance(event, Notice):
            self._noticed.add(event.key)
        if self.link is not None:
            self.link.send(event)
        self.notify(PageMessage(call=self.call, page=None, body=encode_json(event).decode()))

    def send(self, page: str, event: Event) -> None:
        """To one page, by the quickest way that works."""
        if self.link is None or self.link.page != page:
            self.send_by_comm(page, event)
        else:
            self.send_by(self.link, event)

    def send_by(self, link: Link, event: Event) -> None:
        """To the page of a link, by the comm if its data channel is not open or has fallen silent."""
        if link.silent_s > SILENT_S or not link.send(event):
            self.send_by_comm(link.page, event)

    def send_by_comm(self, page: str, event: Event) -> None:
        """To one page, through the kernel."""
        self.notify(PageMessage(call=self.call, page=page, body=encode_json(event).decode()))

    def problem(self, code: str, message: str, *, show: bool = True) -> None:
        """An error for `call.errors`, and for the widget unless it came from there."""
        self.notify(Problem(call=self.call, code=code, message=message))
        if show:
            self.broadcast(Notice(key=code, level="error", text=message))

    def retract(self, key: str) -> None:
        """Take a notice away: what it was about is over."""
        if key in self._noticed:
            self.broadcast(Notice(key=key, level="info", text=""))
            self._noticed.discard(key)

    def is_new(self, page: str, identity: str) -> bool:
        """Whether a request is to be carried out; one that was gets its earlier reply again."""
        key = f"{page}/{identity}"
        if key in self._replies:
            if (earlier := self._replies[key]) is not None:
                self.send(page, earlier)
            return False
        self._replies[key] = None
        while len(self._replies) > REMEMBERED_REPLIES:
            self._replies.popitem(last=False)
        return True

    def reply(self, page: str, reply: Reply) -> None:
        """Answer a request, now and whenever it comes again."""
        self._replies[f"{page}/{reply.id}"] = reply
        self.send(page, reply)
