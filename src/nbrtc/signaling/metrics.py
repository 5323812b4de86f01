"""The server's figures for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """A registry of its own, so that two servers in one process do not share figures.

    Labels have few values (names of events, codes of errors), none that a client could choose.
    """

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        """For figures that others keep, like `Analytics`."""
        ProcessCollector(registry=self.registry)
        self._events = Counter("nbrtc_events", "Events that clients sent.", ["event"], registry=self.registry)
        self._refusals = Counter(
            "nbrtc_refusals", "Requests that were refused.", ["code"], registry=self.registry
        )
        self._drops = Counter(
            "nbrtc_dropped_clients", "Clients that were disconnected.", registry=self.registry
        )
        self._counting: dict[str, Counter] = {}

    def watch(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Show a figure that is read when somebody asks."""
        Gauge(name, what, registry=self.registry).set_function(read)

    def count_event(self, event: str) -> None:
        """One of `CLIENT_EVENTS` came."""
        counter = self._counting.get(event)
        if counter is None:
            counter = self._counting[event] = self._events.labels(event)
        counter.inc()

    def count_refusal(self, code: str) -> None:
        """A request was refused."""
        self._refusals.labels(code).inc()

    def count_drop(self) -> None:
        """A client was disconnected."""
        self._drops.inc()

    def text(self) -> bytes:
        """All figures, in Prometheus' text format."""
        return generate_latest(self.registry)
