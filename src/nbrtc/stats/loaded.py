"""Statistics that were loaded: everything is here, nothing more comes."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from nbrtc.messages import StatsEvent, StatsSample


class LoadedStats:
    """The samples and events of a dump, in the order of time (a `StatsSource`). Any thread may read.

    Parameters
    ----------
    samples, events
        In any order. A connection of the dump is a participant, by its key there (``"12-1"``, ``"PC_0"``);
        events that belong to no connection have the peer ``""``. Names and values of events are verbatim, as
        text: a state is unquoted, an object stays JSON. Of getUserMedia and getDisplayMedia there are
        ``getUserMedia``, ``getUserMediaOnSuccess`` and ``getUserMediaOnFailure``, whose values are JSON
        objects with the members of the dump; a request and its result have the same ``request_id``.
    info
        ``format``: ``"webrtc-internals"``, ``"rtcstats"``, ``"rtcstats-jitsi"`` or ``"nbrtc"``;
        ``connections``: for each connection what the dump says of it (``url``, ``rtcConfiguration``,
        ``pid``); ``user_agent``, ``user_agent_data``, ``saved_at_s`` (Unix time) and ``machine`` where known;
        ``truncated``: whether the end is missing; ``unplaced_values``: how many values were left out, because
        the dump does not say to which poll they belong; ``undated_requests``: for media, by old browsers.
    """

    def __init__(
        self, samples: Iterable[StatsSample], events: Iterable[StatsEvent], info: Mapping[str, Any]
    ) -> None:
        self._samples = sorted(samples, key=lambda sample: (sample.time_s, sample.peer))
        self._events = sorted(events, key=lambda event: event.time_s)
        self._info = MappingProxyType(dict(info))
        self._by_peer: dict[str, list[StatsSample]] = {}
        for sample in self._samples:
            self._by_peer.setdefault(sample.peer, []).append(sample)

    @property
    def info(self) -> Mapping[str, Any]:
        """Where the statistics come from."""
        return self._info

    @property
    def is_live(self) -> bool:
        """Never."""
        return False

    @property
    def version(self) -> int:
        """How many samples there are."""
        return len(self._samples)

    def samples(
        self, participant: str | None = None, *, newest: int | None = None, since_s: float | None = None
    ) -> list[StatsSample]:
        """The samples: all, one participant's, only the `newest` of them, or those polled after `since_s`."""
        chosen = self._samples if participant is None else self._by_peer.get(participant, [])
        if since_s is not None:
            chosen = [sample for sample in chosen if sample.time_s > since_s]
        return chosen[max(0, len(chosen) - newest) :] if newest is not None else list(chosen)

    def events(self, participant: str | None = None) -> list[StatsEvent]:
        """What happened: all, or one participant's."""
        return [event for event in self._events if participant is None or event.peer == participant]

    def participants(self) -> list[str]:
        """Whose samples are here, in the order of their first one."""
        return list(self._by_peer)

    def wait(self, version: int, timeout_s: float) -> bool:
        """Whether there are more than `version` samples; returns at once, because no more can come."""
        return self.version > version

    def listen(self, listener: Callable[[StatsSample | StatsEvent], None]) -> Callable[[], None]:
        """Never calls anybody; returns what ends nothing."""
        return _nothing

    def __len__(self) -> int:
        return len(self._samples)

    def __repr__(self) -> str:
        return (
            f"<LoadedStats: {len(self._samples)} samples of {len(self._by_peer)} connections, "
            f"{len(self._events)} events, {self._info.get('format')}>"
        )


def _nothing() -> None:
    """What `LoadedStats.listen` gives to end its silence."""
