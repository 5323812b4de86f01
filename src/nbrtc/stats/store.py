"""The kernel's memory of statistics: a bounded ring of samples."""

import threading
import zlib
from collections import deque

import msgspec

from nbrtc.messages import StatsSample

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StatsSample).decode


class StatsStore:
    """The newest samples of a call, oldest first. Every method may be called from any thread.

    The ring is bounded twice and the oldest samples go first: four hours of one poll a second, or 64 MiB.
    Samples are kept packed (about 3 KB each, a tenth of the Python objects), so the byte count is exact.

    Parameters
    ----------
    max_samples
        Polls to keep, of all participants together.
    max_bytes
        Packed bytes to keep.
    """

    def __init__(self, *, max_samples: int = 4 * 3600, max_bytes: int = 64 * 2**20) -> None:
        if max_samples < 1 or max_bytes < 1:
            raise ValueError(
                f"A store of max_samples={max_samples} and max_bytes={max_bytes} holds nothing: "
                "give both a value of at least 1."
            )
        self._max_samples = max_samples
        self._max_bytes = max_bytes
        self._packed: deque[tuple[str, bytes]] = deque()
        self._size_bytes = 0
        self._dropped = 0
        self._lock = threading.Lock()

    def append(self, sample: StatsSample) -> None:
        """Add the newest sample; called by the bridge's thread."""
        packed = zlib.compress(_encode(sample), 1)
        with self._lock:
            self._packed.append((sample.peer, packed))
            self._size_bytes += len(packed)
            while len(self._packed) > self._max_samples or self._size_bytes > self._max_bytes:
                self._size_bytes -= len(self._packed.popleft()[1])
                self._dropped += 1

    def samples(self, participant: str | None = None, *, newest: int | None = None) -> list[StatsSample]:
        """Copies of the samples, oldest first: all, one participant's, or only the `newest` of them."""
        with self._lock:
            kept = list(self._packed)
        chosen = [packed for peer, packed in kept if participant is None or peer == participant]
        if newest is not None:
            chosen = chosen[max(0, len(chosen) - newest) :]
        return [_decode(zlib.decompress(packed)) for packed in chosen]

    def participants(self) -> list[str]:
        """Whose samples are here, in the order of their first one."""
        with self._lock:
            return list(dict.fromkeys(peer for peer, _ in self._packed))

    def clear(self) -> None:
        """Forget every sample; the count of dropped ones begins again."""
        with self._lock:
            self._packed.clear()
            self._size_bytes = 0
            self._dropped = 0

    @property
    def size_bytes(self) -> int:
        """Packed bytes now."""
        return self._size_bytes

    @property
    def dropped(self) -> int:
        """Samples that had to go to keep the bounds."""
        return self._dropped

    def __len__(self) -> int:
        return len(self._packed)

    def __repr__(self) -> str:
        return (
            f"<StatsStore of {len(self)} samples, {self._size_bytes / 1024:.0f} KiB, {self._dropped} dropped>"
        )
