"""How the connections of participants went, as counts for Prometheus; nothing else is kept."""

import math

from prometheus_client import CollectorRegistry, Counter, Histogram

from ..errors import RoomError
from ..messages.signaling import MAX_OUTCOMES, AnalyticsReport

MAX_CONNECT_S = 3600.0
BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)


class Analytics:
    """Counts outcomes. Labels are words of the standards, none that a client could choose.

    Parameters
    ----------
    registry
        Where the figures are shown.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._outcomes = Counter(
            "nbrtc_ice_outcomes",
            "Connections between participants, as their clients report them.",
            ["success", "local_type", "remote_type", "relay_protocol"],
            registry=registry,
        )
        self._seconds = Histogram(
            "nbrtc_ice_connect_seconds",
            "From the start of a connection until it was connected.",
            buckets=BUCKETS_S,
            registry=registry,
        )

    def add(self, report: AnalyticsReport) -> None:
        """Count a report, whole or not at all.

        Raises
        ------
        RoomError
            ``"invalid"`` for none or more than 20 outcomes, or a time that cannot be.
        """
        outcomes = report.outcomes
        if not 1 <= len(outcomes) <= MAX_OUTCOMES:
            raise RoomError(f"A report has 1 to {MAX_OUTCOMES} outcomes, not {len(outcomes)}.", "invalid")
        for outcome in outcomes:
            seconds = outcome.connect_s
            if seconds is not None and not (math.isfinite(seconds) and 0 <= seconds <= MAX_CONNECT_S):
                raise RoomError(f"connectS is 0 to {MAX_CONNECT_S:.0f} s, not {seconds:g} s.", "invalid")
        for outcome in outcomes:
            self._outcomes.labels(
                str(outcome.success).lower(),
                outcome.local_type or "none",
                outcome.remote_type or "none",
                outcome.relay_protocol or "none",
            ).inc()
            if outcome.success and outcome.connect_s is not None:
                self._seconds.observe(outcome.connect_s)
