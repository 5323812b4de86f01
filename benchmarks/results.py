"""All that one run measured, and medians over its rounds."""

import math
import platform
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec
import psutil

from benchmarks.audio_delay import AudioDelay
from benchmarks.footprint import Footprint
from benchmarks.session import Phase, Session

Key = tuple[str, str]
"""A contender's name and one of its phases."""


@dataclass
class Round:
    """One turn of all contenders."""

    load_average: float
    """Processes that wanted a core in the minute before, this program's own included."""
    sessions: list[Session] = field(default_factory=list)


@dataclass
class Results:
    """The rounds that count, and how many did not."""

    seconds: float
    footprint: Footprint | None = None
    audio: AudioDelay | None = None
    """Of nbrtc's jitter buffer at 2% loss."""
    stock_audio: AudioDelay | None = None
    """Of aiortc's, at the same loss."""
    rounds: list[Round] = field(default_factory=list)
    void_rounds: int = 0
    failures: list[str] = field(default_factory=list)

    def phases(self, key: Key) -> list[Phase]:
        """The same phase of every round."""
        contender, phase = key
        return [
            session.phases[phase]
            for session in self._sessions()
            if session.contender == contender and phase in session.phases
        ]

    @property
    def keys(self) -> list[Key]:
        """Contenders and phases in the order in which they ran."""
        ran = ((session.contender, phase) for session in self._sessions() for phase in session.phases)
        return list(dict.fromkeys(ran))

    def median(self, key: Key, value: Callable[[Phase], float]) -> float:
        """Over the rounds; NaN where nothing was measured."""
        values = [value(phase) for phase in self.phases(key)]
        return statistics.median(values) if values else math.nan

    def median_start(self, contender: str, value: Callable[[Session], float]) -> float:
        """Of a contender's starts; NaN where it did not run."""
        values = [value(session) for session in self._sessions() if session.contender == contender]
        return statistics.median(values) if values else math.nan

    def write(self, path: Path) -> None:
        # msgspec writes NaN as null, which every reader of JSON understands.
        text = msgspec.json.encode({"machine": machine(), **asdict(self)})
        path.write_bytes(msgspec.json.format(text, indent=1))

    def _sessions(self) -> Iterator[Session]:
        for one in self.rounds:
            yield from one.sessions


def machine() -> str:
    """One line for the head of a report."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())
    memory_gb = psutil.virtual_memory().total / 1e9
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{psutil.cpu_count()} cores of {model}, {memory_gb:.0f} GB, {system}"
