"""Who is in the room, as one participant knows it, also over a time without its server."""

import msgspec

from ..messages.nouns import Participant


class Roster:
    """Everybody in the room, oneself too. No I/O.

    After a rejoin those who are not back yet are kept as not connected until the caller gives them up: they
    lost the same server, and their media still flows.
    """

    def __init__(self) -> None:
        self._everybody: dict[str, Participant] = {}
        self._missing: set[str] = set()

    def __contains__(self, participant: str) -> bool:
        return participant in self._everybody

    @property
    def present(self) -> set[str]:
        """Ids of those whom the server knows."""
        return self._everybody.keys() - self._missing

    @property
    def everybody(self) -> tuple[Participant, ...]:
        """In the order of joining."""
        return tuple(sorted(self._everybody.values(), key=lambda one: (one.order, one.id)))

    def get(self, participant: str) -> Participant | None:
        """Somebody, if they are in the room."""
        return self._everybody.get(participant)

    def put(self, participant: Participant) -> bool:
        """Add or replace somebody; whether it is somebody new."""
        is_new = participant.id not in self._everybody
        self._everybody[participant.id] = participant
        self._missing.discard(participant.id)
        return is_new

    def drop(self, participant: str) -> Participant | None:
        """Remove somebody who has left."""
        self._missing.discard(participant)
        return self._everybody.pop(participant, None)

    def replace(self, everybody: list[Participant]) -> list[Participant]:
        """Take the server's word after a rejoin; those who are new are returned, the missing are kept."""
        new = [one for one in everybody if self.put(one)]
        self._missing = self._everybody.keys() - {one.id for one in everybody}
        for absent in self._missing:
            self._everybody[absent] = msgspec.structs.replace(self._everybody[absent], is_connected=False)
        return new

    def lose(self, participant: str) -> None:
        """The server does not know somebody (yet)."""
        if participant in self._everybody:
            self._missing.add(participant)

    @property
    def missing(self) -> tuple[str, ...]:
        """Ids of those who were here before the server knew nobody any more."""
        return tuple(self._missing)

    def clear(self) -> None:
        """Nobody is left."""
        self._everybody.clear()
        self._missing.clear()
