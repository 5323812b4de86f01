"""What was seen of a call's ICE so far, for any thread."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator

from ..messages import IceRecord, ServerProbe

KEPT_RECORDS = 5_000
"""About a hundred connections; the oldest are forgotten first."""
KEPT_PROBES = 500


class IceTrail:
    """Records and probes in the order in which they came; bounded, the oldest go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[IceRecord] = deque(maxlen=KEPT_RECORDS)
        self._probes: deque[ServerProbe] = deque(maxlen=KEPT_PROBES)

    def add(self, records: Iterable[IceRecord]) -> None:
        """Keep what page or engine saw."""
        with self._lock:
            self._records.extend(records)

    def add_probes(self, probes: Iterable[ServerProbe]) -> None:
        """Keep how servers answered."""
        with self._lock:
            self._probes.extend(probes)

    def records(self, peer: str | None = None) -> list[IceRecord]:
        """What was seen of one peer's connections, or of all."""
        with self._lock:
            return [record for record in self._records if peer is None or record.peer == peer]

    def probes(self) -> list[ServerProbe]:
        """How servers answered, oldest first."""
        with self._lock:
            return list(self._probes)

    def peers(self) -> Iterator[str]:
        """Whose connections were seen, in the order of their first record."""
        return iter(dict.fromkeys(record.peer for record in self.records()))
