"""The last chat messages of a room, for those who come later."""

from collections import deque
from typing import Any

MESSAGES = 200
TEXT_BYTES = 64 * 1024
"""A joiner gets the history in one packet."""


class History:
    """Bounded; the oldest message goes first."""

    def __init__(self) -> None:
        self._messages: deque[tuple[dict[str, Any], int]] = deque()
        self._size_bytes = 0

    def add(self, message: dict[str, Any]) -> None:
        """Keep a ``chat-message`` event."""
        size = len(message["message"].encode())
        self._messages.append((message, size))
        self._size_bytes += size
        while len(self._messages) > MESSAGES or self._size_bytes > TEXT_BYTES:
            self._size_bytes -= self._messages.popleft()[1]

    def public(self) -> tuple[dict[str, Any], ...]:
        """What was said to everybody."""
        return tuple(message for message, _ in self._messages if "to" not in message)

    def seen_by(self, participant: str) -> tuple[dict[str, Any], ...]:
        """What this participant said or was told: only for whoever proved to be the same as before."""
        return tuple(
            message
            for message, _ in self._messages
            if "to" not in message or participant in (message["to"], message["from"])
        )
