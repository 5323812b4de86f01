"""What nbrtc costs before any call: its import and its bundle."""

import gzip
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INTERPRETERS = 10

TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"

NBRTC, CALL, ANYWIDGET = "import nbrtc", "from nbrtc import Call", "import anywidget"


@dataclass(frozen=True)
class Footprint:
    """Times are medians of fresh interpreters that alternate."""

    import_nbrtc_ms: float
    import_call_ms: float
    """`nbrtc` loads its names when they are used: this is the import with the widget."""
    import_anywidget_ms: float
    bundle_gzip_kb: float
    """Of ``widget.js`` and ``widget.css`` together, in 1000 bytes."""


def footprint(static: Path) -> Footprint:
    """Measure on this machine; `static` is the folder of the built bundle."""
    times_s: dict[str, list[float]] = {NBRTC: [], CALL: [], ANYWIDGET: []}
    for _ in range(INTERPRETERS):
        for statement, taken_s in times_s.items():
            command = [sys.executable, "-c", TIMED.format(statement)]
            taken_s.append(float(subprocess.run(command, capture_output=True, check=True, text=True).stdout))
    size = sum(len(gzip.compress((static / name).read_bytes())) for name in ("widget.js", "widget.css"))
    return Footprint(
        import_nbrtc_ms=statistics.median(times_s[NBRTC]) * 1000,
        import_call_ms=statistics.median(times_s[CALL]) * 1000,
        import_anywidget_ms=statistics.median(times_s[ANYWIDGET]) * 1000,
        bundle_gzip_kb=size / 1000,
    )
