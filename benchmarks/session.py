"""One session: a contender in a fresh page, from the click through its phases."""

import math
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from playwright.sync_api import Page

from benchmarks.chromium import Chromium, Probe
from benchmarks.contenders import BITRATE_BPS, Contender, Stage
from benchmarks.jupyterlab import JupyterLab
from benchmarks.latency import Arrival, Latency, Matches, latency, recovery_ms
from benchmarks.load import Load

RAMP_S = 6.0
"""From the first picture until the first phase: encoders and bandwidth estimates have settled."""
SETTLE_S = 1.5
"""From the beginning of a phase until it counts."""
FIRST_PICTURE_LIMIT_S = 20.0


@dataclass(frozen=True)
class Stream:
    """Video of one direction, as getStats tells it."""

    width: int
    height: int
    fps: float
    bitrate_bps: float
    codec: str


@dataclass(frozen=True)
class Phase:
    """What was measured in one phase of one session."""

    latency: Latency
    sent: Stream
    received: Stream
    cores: dict[str, float]
    recovery_ms: float = math.nan
    """From the kernel's release until the full rate is back; NaN where it was not busy."""


@dataclass
class Session:
    """All of one contender in one round."""

    contender: str
    click_to_picture_ms: float
    camera_to_picture_ms: float
    """From getUserMedia's promise to the first returned picture."""
    phases: dict[str, Phase] = field(default_factory=dict)


def measure(contender: Contender, lab: JupyterLab, chromium: Chromium, name: str, seconds: float) -> Session:
    """Play one session; the phases last `seconds` each."""
    notebook = f"{name}.ipynb"
    url = lab.write_notebook(notebook, *contender.cells)
    with closing(contender), chromium.page(url) as page, closing(lab.kernel_of(notebook)) as kernel:
        stage = Stage(page, lab, kernel)
        contender.prepare(stage)
        return _Course(contender, stage, chromium, seconds).run()


class _Course:
    """The measuring hand of one session."""

    def __init__(self, contender: Contender, stage: Stage, chromium: Chromium, seconds: float) -> None:
        self._contender = contender
        self._stage = stage
        self._chromium = chromium
        self._seconds = seconds
        self._probe = Probe(stage.page)
        self._matches = Matches()

    def run(self) -> Session:
        session = self._start()
        self._probe.set_encoder(BITRATE_BPS)
        self._probe.watch(self._contender.returned)
        self._wait(RAMP_S)
        for name, phase in self._contender.phases(self._stage).items():
            self._take()
            with phase as ended:
                self._wait(SETTLE_S)
                measured = self._phase()
            if ended:
                self._wait(SETTLE_S)
                _, arrivals = self._take()
                measured = replace(measured, recovery_ms=recovery_ms(arrivals, ended[0] * 1000))
            session.phases[name] = measured
        return session

    def _start(self) -> Session:
        self._stage.page.locator(self._contender.start).first.click()
        deadline = time.monotonic() + FIRST_PICTURE_LIMIT_S
        while time.monotonic() < deadline:
            self._wait(0.3)
            batch, arrivals = self._take()
            if arrivals:
                first_ms, marks = arrivals[0].returned_ms, batch["marks"]
                return Session(
                    self._contender.name,
                    click_to_picture_ms=first_ms - marks["clicked_ms"],
                    camera_to_picture_ms=first_ms - marks["granted_ms"],
                )
        states = ", ".join(self._probe.connection_states()) or "none"
        raise TimeoutError(f"no picture came back within {FIRST_PICTURE_LIMIT_S:g} s; connections: {states}")

    def _phase(self) -> Phase:
        processes = self._contender.processes(self._stage)
        self._take()
        before = self._probe.stats()
        load, started_s = Load(self._chromium.process, processes), time.monotonic()
        self._wait(self._seconds)
        cores, elapsed_s = load.cores(), time.monotonic() - started_s
        batch, arrivals = self._take()
        after = self._probe.stats()
        return Phase(
            latency(batch, arrivals, elapsed_s),
            sent=_stream(before, after, "outbound-rtp", "bytesSent"),
            received=_stream(before, after, "inbound-rtp", "bytesReceived"),
            cores=cores,
        )

    def _take(self) -> tuple[dict[str, Any], list[Arrival]]:
        batch = self._probe.take()
        return batch, self._matches.add(batch)

    def _wait(self, seconds: float) -> None:
        page: Page = self._stage.page
        page.wait_for_timeout(seconds * 1000)


def _stream(before: list[dict[str, Any]], after: list[dict[str, Any]], kind: str, count: str) -> Stream:
    """The entry of this kind that moved most; an unused transceiver has one too."""
    earlier = {entry["id"]: entry for entry in before}

    def moved(entry: dict[str, Any]) -> float:
        return float(entry[count] - earlier.get(entry["id"], {}).get(count, 0))

    entry = max((entry for entry in after if entry["type"] == kind), key=moved)
    elapsed_s = (entry["timestamp"] - earlier[entry["id"]]["timestamp"]) / 1000
    return Stream(
        width=entry.get("frameWidth", 0),
        height=entry.get("frameHeight", 0),
        fps=entry.get("framesPerSecond", 0.0),
        bitrate_bps=moved(entry) * 8 / elapsed_s,
        codec=entry.get("codec", ""),
    )
