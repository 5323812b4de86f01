"""What the tests measured, beside what is aimed at: shown at the end of the run, and in its JUnit file."""

from collections.abc import Callable, Mapping

import pytest

PREFIX = "seconds: "

ReportTimes = Callable[[str, Mapping[str, float], float], None]
"""What happened, how long each direction took in seconds, and how long it should take at most."""


@pytest.fixture
def report_times(record_property: Callable[[str, object], None]) -> ReportTimes:
    def report(what: str, took_s: Mapping[str, float], target_s: float) -> None:
        for direction, seconds in took_s.items():
            record_property(f"{PREFIX}{what}, {direction}", f"{seconds:.1f} (target {target_s:g})")

    return report


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table."""
    lines = [
        f"{name.removeprefix(PREFIX):<70} {value}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        for name, value in getattr(report, "user_properties", [])
        if name.startswith(PREFIX)
    ]
    if lines:
        terminalreporter.section("seconds until pictures came (again)")
        terminalreporter.write("\n".join(lines) + "\n")
