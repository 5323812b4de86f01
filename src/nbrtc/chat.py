"""The chat of a room, as Python writes and reads it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, overload

import msgspec

from .messages import CallState, ChatMessage, Say, Verb
from .participants import Participant, Participants

if TYPE_CHECKING:
    import pandas as pd

MAX_MESSAGES = 5_000
"""The oldest are forgotten beyond this."""
SHOWN = 20
"""As many of the newest stand in a notebook's output."""


class ChatMessages(Sequence[ChatMessage]):
    """What was written, oldest first; at most the last 5,000. One moment's, it does not grow."""

    def __init__(self, messages: Sequence[ChatMessage]) -> None:
        self._messages = tuple(messages)

    @overload
    def __getitem__(self, index: int) -> ChatMessage: ...
    @overload
    def __getitem__(self, index: slice) -> "ChatMessages": ...
    def __getitem__(self, index: int | slice) -> "ChatMessage | ChatMessages":
        if isinstance(index, slice):
            return ChatMessages(self._messages[index])
        return self._messages[index]

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[ChatMessage]:
        return iter(self._messages)

    def to_frame(self) -> "pd.DataFrame":
        """A line for each message.

        Returns
        -------
        pandas.DataFrame
            Index ``time``: UTC, to the microsecond, by the server's clock. Columns, all str: ``sender`` and
            ``sender_name``, ``text``, and ``to``, which is NaN where everybody got the message.
        """
        import numpy as np
        import pandas as pd

        times_us = np.array([round(message.time_s * 1e6) for message in self], dtype=np.int64)
        index = pd.DatetimeIndex(times_us.astype("datetime64[us]"), name="time").tz_localize("UTC")
        columns = {
            "sender": [message.sender for message in self],
            "sender_name": [message.sender_name for message in self],
            "text": [message.text for message in self],
            "to": [np.nan if message.to is None else message.to for message in self],
        }
        return pd.DataFrame(
            {name: pd.Series(values, index=index, dtype="str") for name, values in columns.items()},
            index=index,
        )

    def __repr__(self) -> str:
        lines = [f"{_clock(message)} {message.sender_name}: {message.text}" for message in self[-SHOWN:]]
        earlier = len(self) - len(lines)
        return "\n".join([*([f"({earlier} earlier)"] if earlier else []), *lines]) or "<no messages>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{_clock(message)}</td><td>{escape(message.sender_name)}</td>"
            f"<td style='text-align:left;white-space:pre-wrap'>{escape(message.text)}</td></tr>"
            for message in self[-SHOWN:]
        )
        head = "<tr><th>time (UTC)</th><th>from</th><th>text</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


class Chat:
    """What `call.chat` is. Used from any thread.

    Parameters
    ----------
    request
        Asks the engine and waits for its word (see `KernelSide.request`).
    participants
        Who can be written to.
    """

    def __init__(self, request: Callable[[Verb], msgspec.Raw], participants: Participants) -> None:
        self._request = request
        self._participants = participants
        self._messages: OrderedDict[str, ChatMessage] = OrderedDict()
        self._lock = threading.Lock()

    def send(self, text: str, to: str | Participant | None = None) -> ChatMessage:
        """Write to everybody, or to one participant alone (by id, by a unique name, or itself).

        Returns the message as the room got it.

        Raises
        ------
        TypeError, ValueError
            If there is nothing to read in it.
        RoomError
            If the room refuses: not joined, chat switched off, too long (4 KiB), too many a second. `reason`
            is the code.
        CallError
            If the call has no room, or is closed.
        KeyError
            If nobody, or more than one, is called `to`.
        """
        if not isinstance(text, str):
            raise TypeError(f"A chat message is a string, not {text!r}.")
        if not text.strip():
            raise ValueError("A chat message has something to read in it.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("A chat message is text; this one has half a character (a surrogate).") from None
        if isinstance(to, str):
            to = self._participants[to]
        value = self._request(Say(text=text, to=None if to is None else to.id))
        message = msgspec.msgpack.decode(value, type=ChatMessage)
        self.take((message,))
        return message

    @property
    def messages(self) -> ChatMessages:
        """What was written so far, one's own too, oldest first."""
        with self._lock:
            return ChatMessages(list(self._messages.values()))

    def take(self, messages: Sequence[ChatMessage]) -> list[ChatMessage]:
        """Keep what the engine brought; returns those that were not known."""
        with self._lock:
            fresh = [message for message in messages if message.id not in self._messages]
            for message in fresh:
                self._messages[message.id] = message
            while len(self._messages) > MAX_MESSAGES:
                self._messages.popitem(last=False)
        return fresh

    def __repr__(self) -> str:
        return f"<nbrtc.Chat with {len(self._messages)} messages>"


def from_others(messages: Sequence[ChatMessage], state: CallState) -> list[ChatMessage]:
    """What others wrote since this participant joined: not its own, nor what was there before."""
    me = next((noun for noun in state.participants if noun.is_you), None)
    if state.room is None or me is None or me.id != state.room.me:
        return []
    return [message for message in messages if message.sender != me.id and message.time_s >= me.joined_at_s]


def _clock(message: ChatMessage) -> str:
    return f"{datetime.fromtimestamp(message.time_s, UTC):%H:%M:%S}"
