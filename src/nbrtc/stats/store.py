"""The kernel's memory of statistics: bounded rings of samples and of events."""

import logging
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.source import StatsSource

logger = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StatsSample).decode

Listener = Callable[[StatsSample | StatsEvent], None]

MAX_EVENTS = 20_000
SAMPLES_A_DICTIONARY = 64
"""Packed samples that share an unpacked one; more save little, and keep it longer after they went."""


class StatsStore:
    """The newest samples and events of a call, oldest first. Every method may be called from any thread.

    Samples are bounded twice and the oldest go first: 144,000 polls (four hours of ten connections, once a
    second), or 64 MiB (about 15 hours of one connection, an hour and a half of ten). They are kept packed,
    about 1 KB each instead of 20 KB of Python objects: polls of one connection resemble each other, so each
    is compressed with an earlier one as its dictionary. The byte count is exact.

    Events are bounded by number, `MAX_EVENTS`; the oldest go first.

    Parameters
    ----------
    max_samples
        Polls to keep, of all participants together.
    max_bytes
        Packed bytes to keep.
    max_events
        Events to keep.
    info
        What `info` says beside the format.
    """

    def __init__(
        self,
        *,
        max_samples: int = 10 * 4 * 3600,
        max_bytes: int = 64 * 2**20,
        max_events: int = MAX_EVENTS,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        if min(max_samples, max_bytes, max_events) < 1:
            raise ValueError(
                f"A store of max_samples={max_samples}, max_bytes={max_bytes} and max_events={max_events} "
                "holds nothing: give each a value of at least 1."
            )
        self._max_samples = max_samples
        self._max_bytes = max_bytes
        self._info = {"format": "nbrtc", **(info or {})}
        self._ring: deque[_Packed] = deque()
        # The same objects once more: who asks for one participant's newest shall not search everybody's.
        self._by_peer: dict[str, deque[_Packed]] = {}
        self._packers: dict[str, _Packer] = {}
        self._events: deque[StatsEvent] = deque(maxlen=max_events)
        self._size_bytes = 0
        self._dropped = 0
        self._events_dropped = 0
        self._version = 0
        self._is_live = True
        self._listeners: tuple[_Listening, ...] = ()
        self._changed = threading.Condition()
        # Held while something is stored and told, so that listeners hear everything in the order of the
        # rings, and nothing after the end. Taken before `_changed`, never after.
        self._telling = threading.RLock()

    # --- what comes

    def append(self, sample: StatsSample) -> None:
        """Add the newest sample, and tell the listeners; what comes after the end is ignored."""
        with self._telling:
            with self._changed:
                if not self._is_live:
                    return
                self._put(sample)
                self._version += 1
                self._changed.notify_all()
            self._tell(sample)

    def note(self, event: StatsEvent) -> None:
        """Add the newest event, and tell the listeners; what comes after the end is ignored."""
        with self._telling:
            with self._changed:
                if not self._is_live:
                    return
                self._events_dropped += len(self._events) == self._events.maxlen
                self._events.append(event)
            self._tell(event)

    def end(self) -> None:
        """No more comes: whoever waits goes on, nobody is called any more. Idempotent."""
        with self._telling, self._changed:
            self._is_live = False
            self._listeners = ()
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget every sample and event; the counts of dropped ones begin again."""
        with self._changed:
            self._ring.clear()
            self._by_peer.clear()
            self._packers.clear()
            self._events.clear()
            self._size_bytes = self._dropped = self._events_dropped = 0

    # --- what is here

    @property
    def info(self) -> Mapping[str, Any]:
        """``{"format": "nbrtc"}`` and what the constructor was given."""
        return self._info

    @property
    def is_live(self) -> bool:
        """Whether more may come."""
        return self._is_live

    @property
    def version(self) -> int:
        """How many samples ever came."""
        return self._version

    def samples(
        self, participant: str | None = None, *, newest: int | None = None, since_s: float | None = None
    ) -> list[StatsSample]:
        """Copies of the samples: all, one participant's, the `newest` of them, those after `since_s`."""
        return list(_unpacked(self._chosen(participant, newest, since_s)))

    def each(
        self, participant: str | None = None, *, newest: int | None = None, since_s: float | None = None
    ) -> Iterator[StatsSample]:
        """What `samples` gives, unpacked one by one: hours of them would not fit into memory as objects."""
        return _unpacked(self._chosen(participant, newest, since_s))

    def events(self, participant: str | None = None) -> list[StatsEvent]:
        """What happened: all, or one participant's."""
        with self._changed:
            kept = list(self._events)
        return [event for event in kept if participant is None or event.peer == participant]

    def participants(self) -> list[str]:
        """Whose samples are here, in the order in which they came."""
        with self._changed:
            return list(self._by_peer)

    def wait(self, version: int, timeout_s: float) -> bool:
        """Block until `version` is exceeded; False if it is not in time, or no more can come."""
        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            while self._version <= version:
                left_s = deadline_s - time.monotonic()
                if not self._is_live or left_s <= 0:
                    return False
                self._changed.wait(left_s)
            return True

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with what comes from now on, on the thread that brings it; returns what ends this.

        It has to return at once. One that raises is logged, the first time, and goes on being called. What is
        on its way while it is ended may still arrive.
        """
        listening = _Listening(listener)
        with self._changed:
            if self._is_live:
                self._listeners += (listening,)

        def stop() -> None:
            with self._changed:
                self._listeners = tuple(one for one in self._listeners if one is not listening)

        return stop

    @property
    def size_bytes(self) -> int:
        """Packed bytes of the samples now."""
        return self._size_bytes

    @property
    def dropped(self) -> int:
        """Samples that had to go to keep the bounds."""
        return self._dropped

    @property
    def events_dropped(self) -> int:
        """Events that had to go to keep the bound."""
        return self._events_dropped

    def __len__(self) -> int:
        return len(self._ring)

    def __repr__(self) -> str:
        return (
            f"<StatsStore of {len(self)} samples, {self._size_bytes / 1024:.0f} KiB, {self._dropped} dropped>"
        )

    # --- inside, with the lock held

    def _put(self, sample: StatsSample) -> None:
        packer = self._packers.get(sample.peer)
        if packer is None or not packer.suits(sample):
            packer = self._packers[sample.peer] = _Packer(sample)
            self._size_bytes += len(packer.dictionary)
        packed = packer.pack(sample)
        self._ring.append(packed)
        self._by_peer.setdefault(sample.peer, deque()).append(packed)
        self._size_bytes += len(packed.data)
        while len(self._ring) > self._max_samples or self._size_bytes > self._max_bytes:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self._ring.popleft()
        left = self._by_peer[oldest.peer]
        left.popleft()
        self._size_bytes -= len(oldest.data)
        self._dropped += 1
        if not left or left[0].dictionary is not oldest.dictionary:
            self._size_bytes -= len(oldest.dictionary)
        if not left:
            del self._by_peer[oldest.peer]
            del self._packers[oldest.peer]

    def _chosen(
        self, participant: str | None, newest: int | None, since_s: float | None
    ) -> "Iterable[_Packed]":
        with self._changed:
            ring = self._ring if participant is None else self._by_peer.get(participant, ())
            if newest is not None and since_s is None:
                return list(islice(reversed(ring), max(0, newest)))[::-1]
            kept = list(ring)
        # Not a search: clocks of several machines were at work, so the times may not be in order.
        if since_s is not None:
            kept = [packed for packed in kept if packed.time_s > since_s]
        return kept if newest is None else kept[max(0, len(kept) - max(0, newest)) :]

    def _tell(self, what: StatsSample | StatsEvent) -> None:
        for listening in self._listeners:
            listening.hear(what)


class _Packed(NamedTuple):
    """A sample as it is kept."""

    time_s: float
    peer: str
    dictionary: bytes
    data: bytes


class _Packer:
    """Packs samples of one connection by means of its first one."""

    def __init__(self, first: StatsSample) -> None:
        self.dictionary = _encode(first)
        self._generation = first.generation
        self._left = SAMPLES_A_DICTIONARY

    def suits(self, sample: StatsSample) -> bool:
        return self._left > 0 and sample.generation == self._generation

    def pack(self, sample: StatsSample) -> _Packed:
        self._left -= 1
        deflate = zlib.compressobj(level=3, zdict=self.dictionary)
        data = deflate.compress(_encode(sample)) + deflate.flush()
        return _Packed(sample.time_s, sample.peer, self.dictionary, data)


def _unpacked(chosen: Iterable[_Packed]) -> Iterator[StatsSample]:
    for packed in chosen:
        yield _decode(zlib.decompressobj(zdict=packed.dictionary).decompress(packed.data))


class _Listening:
    """A listener, and whether its failure was logged: one at 10 Hz would fill the log."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._has_failed = False

    def hear(self, what: StatsSample | StatsEvent) -> None:
        try:
            self._listener(what)
        except Exception:
            if not self._has_failed:
                logger.exception("A listener to statistics failed; it is called on, but not logged again")
            self._has_failed = True


def each_sample(source: StatsSource, participant: str | None = None) -> Iterator[StatsSample]:
    """The samples of any source one by one, so that hours of them never stand unpacked in memory at once."""
    return source.each(participant) if isinstance(source, StatsStore) else iter(source.samples(participant))
