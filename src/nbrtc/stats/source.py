"""What statistics are read from: the live memory of a call, or a dump that was loaded."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nbrtc.messages import StatsEvent, StatsSample


class StatsSource(Protocol):
    """Samples and events, oldest first. Every method may be called from any thread.

    A *participant* is who is at the other end of a peer connection: ``"python"`` for what the page measures
    of its link, ``"you"`` for what Python measures of the same link at its own end, else a participant's id;
    in a dump the connection's name there.
    """

    @property
    def info(self) -> Mapping[str, Any]:
        """Where the statistics come from: ``format``, and what a dump says of its browser and connections."""

    @property
    def is_live(self) -> bool:
        """Whether more may come."""

    @property
    def version(self) -> int:
        """Grows with every sample."""

    def samples(
        self, participant: str | None = None, *, newest: int | None = None, since_s: float | None = None
    ) -> list[StatsSample]:
        """The samples: all, one participant's, only the `newest` of them, or those polled after `since_s`."""

    def events(self, participant: str | None = None) -> list[StatsEvent]:
        """What happened: all, or one participant's."""

    def participants(self) -> list[str]:
        """Whose samples are here, in the order of their first one."""

    def wait(self, version: int, timeout_s: float) -> bool:
        """Block until `version` is exceeded; False if it is not in time, or no more can come."""

    def listen(self, listener: "Callable[[StatsSample | StatsEvent], None]") -> Callable[[], None]:
        """Call `listener` with what comes from now on, on the thread that brings it; returns what ends this.

        It has to return at once. One that raises is logged and goes on being called.
        """
