"""What happens during a recording, on its way to the disk: a thread of its own, and never a second behind."""

import asyncio
import fcntl
import logging
import os
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from ..errors import RecordingError
from ..messages import StatsSample
from ..recordings import manifest as manifests
from ..recordings.journal import KEPT
from ..recordings.manifest import Manifest, Moment, Said

logger = logging.getLogger(__name__)

BEAT_S = 0.5
"""What comes within this time is written and synced together, so that a crash takes less than a second."""
WAITING = 10_000
"""Events that may wait for the disk. What comes beyond that is left out of the journal, and counted: it is in
memory, and so in the final manifest."""
WAITING_SAMPLES = 1_000
"""Samples that may wait: 10 MB. What comes beyond that is dropped and counted."""
KEPT_BYTES = 24 << 20
"""Of the events and messages in memory, as JSON: beyond `KEPT` of them, or this, the oldest are only in the
journal. A manifest of that size can still be read."""

_encode = msgspec.json.Encoder().encode


class Diary(Protocol):
    """`Journal`, or a test's own."""

    def note(self, what: Moment | Said) -> None:
        """Something happened, or was said."""

    def sample(self, sample: StatsSample) -> None:
        """Something was measured."""

    def keep(self, manifest: Manifest) -> None:
        """Write this manifest soon."""

    async def finish(self, manifest: Manifest) -> Manifest:
        """Write the last manifest, with all that happened, and close."""


class Journal:
    """The journal, the statistics and the manifest in a recording's folder. Used on the engine's loop.

    Its thread writes; nothing here waits for the disk but the making, which creates an empty file, and
    `finish`. The lock on the journal says to other processes that the recording goes on. What the disk
    refuses is tried again as long as it can wait.

    Parameters
    ----------
    folder
        Exists, and has no journal yet.
    on_failure
        Told on the loop, once, that the disk refuses. The media are not affected.

    Raises
    ------
    RecordingError
        If the journal cannot be created.
    """

    def __init__(self, folder: Path, on_failure: Callable[[OSError], None]) -> None:
        self._folder = folder
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._changed = threading.Condition()
        self._lines: deque[bytes] = deque()  # bounded by WAITING
        self._samples: deque[bytes] = deque()  # bounded by WAITING_SAMPLES
        self._manifest: Manifest | None = None
        self._final: Manifest | None = None
        self._ending = False
        self._kept: deque[tuple[Moment | Said, int]] = deque()  # bounded by KEPT and KEPT_BYTES
        self._kept_bytes = 0
        self._forgotten = 0
        self._finishing: asyncio.Task[Manifest] | None = None
        self.dropped = 0
        """Events and samples that the disk was too slow for."""
        self._has_failed = False
        path = folder / manifests.JOURNAL
        try:
            self._journal = _Growing(path)
        except OSError as error:
            raise RecordingError(
                f"{str(path)!r} cannot be created ({error}): choose another folder"
            ) from error
        self._is_locked = self._lock()
        self._statistics: _Growing | None = None
        # A daemon, because what it wrote survives the interpreter's end; its owner awaits `finish`.
        self._thread = threading.Thread(target=self._run, name=f"journal of {folder.name}", daemon=True)
        self._thread.start()

    def note(self, what: Moment | Said) -> None:
        """Something happened, or somebody wrote to everybody."""
        if self._ending:
            return
        try:
            line = _encode(what)
        except UnicodeEncodeError:  # half a character, which a foreign server may have passed on
            what = _whole(what)
            line = _encode(what)
        self._kept.append((what, len(line)))
        self._kept_bytes += len(line)
        while len(self._kept) > KEPT or self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= self._kept.popleft()[1]
            self._forgotten += 1
        with self._changed:
            if len(self._lines) >= WAITING:
                self.dropped += 1
                return
            self._lines.append(line + b"\n")
            self._changed.notify()

    def sample(self, sample: StatsSample) -> None:
        """Statistics were polled."""
        if self._ending:
            return
        line = _encode(sample) + b"\n"
        with self._changed:
            if len(self._samples) >= WAITING_SAMPLES:
                self.dropped += 1
                return
            self._samples.append(line)
            self._changed.notify()

    def keep(self, manifest: Manifest) -> None:
        """The manifest as it is now; the newest is on the disk within a second."""
        with self._changed:
            if not self._ending:
                self._manifest = manifest
                self._changed.notify()

    async def finish(self, manifest: Manifest) -> Manifest:
        """Write everything, the manifest with all that happened last, and end. Idempotent.

        Returns the manifest as it was written, or would have been if the disk had taken it.
        """
        if self._finishing is None:
            with self._changed:
                self._final, self._ending = manifest, True
                self._changed.notify()
            self._finishing = self._loop.create_task(self._finished(), name="nbrtc-journal")
        return await asyncio.shield(self._finishing)

    async def _finished(self) -> Manifest:
        await asyncio.to_thread(self._thread.join)
        if self.dropped:
            logger.warning("The disk was too slow for %d events and samples", self.dropped)
        assert self._final is not None  # set before the thread was told to end
        return self._final

    # --- on the thread

    def _merged(self, manifest: Manifest) -> Manifest:
        moments = [what for what, _ in self._kept if isinstance(what, Moment)]
        chat = [what for what, _ in self._kept if isinstance(what, Said)]
        if self._forgotten:
            first_ms = self._kept[0][0].time_ms if self._kept else 0.0
            value = f"{self._forgotten} earlier ones are only in {manifests.JOURNAL}"
            moments.insert(0, Moment(time_ms=first_ms, peer="", name="overflow", value=value))
        return msgspec.structs.replace(
            manifest,
            events=tuple(sorted((*manifest.events, *moments), key=lambda one: one.time_ms)),
            chat=tuple(sorted((*manifest.chat, *chat), key=lambda one: one.time_ms)),
        )

    def _run(self) -> None:
        try:
            while self._await_news():
                self._write(self._manifest)
            if self._final is not None:
                self._final = self._merged(self._final)
            self._write(self._final)
        finally:
            self._journal.close()
            if self._statistics is not None:
                self._statistics.close()

    def _await_news(self) -> bool:
        """Wait until there is something to write, and then for what else comes; False at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ending or self._lines or self._samples or self._manifest is not None
            )
            self._changed.wait_for(lambda: self._ending, BEAT_S)
            return not self._ending

    def _write(self, manifest: Manifest | None) -> None:
        """Write what waits. What the disk refuses waits on, and the rest is not kept from it."""
        self._is_locked = self._is_locked or self._lock()
        with self._changed:
            lines, samples = list(self._lines), list(self._samples)
        with self._refusals():
            self._write_lines(lines)
        with self._refusals():
            self._write_samples(samples)
        with self._refusals():
            self._write_manifest(manifest)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._fail(error)

    def _write_lines(self, lines: list[bytes]) -> None:
        if lines:
            self._journal.append(b"".join(lines))
            self._took(self._lines, len(lines))

    def _write_samples(self, samples: list[bytes]) -> None:
        if not samples:
            return
        if self._statistics is None:
            self._statistics = _Growing(self._folder / manifests.STATISTICS)
        packer = zlib.compressobj(wbits=31)  # a gzip member of its own (RFC 1952, section 2.2)
        self._statistics.append(packer.compress(b"".join(samples)) + packer.flush())
        self._took(self._samples, len(samples))

    def _write_manifest(self, manifest: Manifest | None) -> None:
        if manifest is None:
            return
        manifests.write(self._folder, manifest)
        with self._changed:
            if self._manifest is manifest:
                self._manifest = None

    def _took(self, waiting: deque[bytes], count: int) -> None:
        with self._changed:
            for _ in range(count):
                waiting.popleft()

    def _lock(self) -> bool:
        """Take the lock; somebody who just looks whether it is free may hold it for a moment."""
        try:
            fcntl.flock(self._journal.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:  # then nobody can look, either
            logger.info("The file system of %s keeps no locks: %s", self._folder, error)
        return True

    def _fail(self, error: OSError) -> None:
        if self._has_failed:
            return
        self._has_failed = True
        logger.warning("The journal in %s cannot be written: %s", self._folder, error)
        try:
            self._loop.call_soon_threadsafe(self._on_failure, error)
        except RuntimeError:
            logger.debug("The loop has ended, so nobody hears of it")


class _Growing:
    """A new file that only grows. Made on one thread, then used by another."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self.descriptor = os.open(path, flags, 0o600)
        self._folder = path.parent
        self._size_bytes = 0

    def append(self, data: bytes) -> None:
        """Add all of `data` and wait for the disk, or add nothing of it."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
            os.fsync(self.descriptor)
            if not self._size_bytes:
                _sync_folder(self._folder)  # else a power cut may take the file's name
        except OSError:
            os.ftruncate(self.descriptor, self._size_bytes)
            raise
        self._size_bytes += len(data)

    def close(self) -> None:
        """Close it. Idempotent."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole(what: Moment | Said) -> Moment | Said:
    """The same with a question mark for each half of a character."""
    texts = {
        name: value.encode(errors="replace").decode()
        for name, value in msgspec.structs.asdict(what).items()
        if isinstance(value, str)
    }
    return msgspec.structs.replace(what, **texts)
