"""CPU time of the processes that take part, and of the whole machine."""

import time
from collections.abc import Mapping

import psutil


class Load:
    """Counts from its making on. A value is CPU seconds per second: two busy cores are 2.0."""

    def __init__(self, browser: psutil.Process, processes: Mapping[str, psutil.Process]) -> None:
        self._browser = browser
        self._processes = dict(processes)
        self._started_s = time.monotonic()
        self._before_s = self._cpu_s()

    def cores(self) -> dict[str, float]:
        """``browser`` is its whole tree; ``machine`` is all that ran, this program and strangers included."""
        elapsed_s = time.monotonic() - self._started_s
        return {name: (cpu_s - self._before_s[name]) / elapsed_s for name, cpu_s in self._cpu_s().items()}

    def _cpu_s(self) -> dict[str, float]:
        machine = psutil.cpu_times()
        browser = [self._browser, *self._browser.children(recursive=True)]
        return {
            **{name: _process_cpu_s(process) for name, process in self._processes.items()},
            "browser": sum(_process_cpu_s(process) for process in browser),
            "machine": machine.user + machine.nice + machine.system + machine.irq + machine.softirq,
        }


def _process_cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
