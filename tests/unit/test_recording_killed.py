"""A process that is killed while it records loses less than a second, and a power cut does, too."""

import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.unit.recorded_media import Readback, read

REPOSITORY = Path(__file__).parents[2]
MOST_S = 90
"""A victim that is not killed by then ends by itself and says where it stood."""


@dataclass
class Killed:
    """What is left of one recording."""

    after_s: float
    kill_ms: float
    """The frame that was given last is so much later than the file's end."""
    power_ms: float
    """The same for what the disk was known to have."""


def test_kill_9_at_three_moments_loses_less_than_a_second(tmp_path: Path) -> None:
    choice = random.Random(911)
    moments_s = [choice.uniform(0.3, 0.9), choice.uniform(0.9, 1.6), choice.uniform(1.6, 2.4)]
    check(kill_at(tmp_path, moments_s))


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_kill_9_at_twenty_moments_loses_less_than_a_second(tmp_path: Path) -> None:
    choice = random.Random()
    moments_s = [choice.uniform(0.3, 1.0) for _ in range(5)] + [choice.uniform(1, 12) for _ in range(15)]
    killed = []
    for at in range(0, 20, 4):  # four side by side, as many as the cores bear
        folder = tmp_path / str(at)
        folder.mkdir()
        killed += kill_at(folder, moments_s[at : at + 4])
    check(killed)


def check(killed: list[Killed]) -> None:
    lines = [
        f"killed after {one.after_s:.2f} s: {one.kill_ms:.0f} ms lost; a power cut: {one.power_ms:.0f} ms"
        for one in killed
    ]
    for name, lost_ms in (
        ("kill -9", [one.kill_ms for one in killed]),
        ("power cut", [one.power_ms for one in killed]),
    ):
        p95_ms = float(np.percentile(lost_ms, 95))
        lines.append(f"{name}: p95 {p95_ms:.0f} ms, at most {max(lost_ms):.0f} ms")
        sys.stdout.write("\n".join(["", *lines, ""]))
        lines.clear()
        assert p95_ms <= 1000


def kill_at(folder: Path, moments_s: list[float]) -> list[Killed]:
    """Record in as many processes side by side, and kill each when its recording is so old."""
    victims = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.unit.recording_victim",
                str(folder / f"{number}.mkv"),
                str(MOST_S),
            ],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(len(moments_s))
    ]
    killed = []
    try:
        # All run at the same time: what the later ones say meanwhile is held by their pipes.
        for number, after_s in sorted(enumerate(moments_s), key=lambda item: item[1]):
            killed.append(follow(victims[number], folder / f"{number}.mkv", after_s))
    finally:
        for victim in victims:
            victim.kill()  # before anybody waits for it, which has no limit
            victim.communicate()
    return killed


def follow(victim: "subprocess.Popen[str]", path: Path, after_s: float) -> Killed:
    given_s: dict[str, list[float]] = {"video": [], "audio": []}
    synced_bytes = 0
    assert victim.stdout is not None
    for line in victim.stdout:
        word, value = line.split()
        if word == "synced":
            synced_bytes = int(value)
            continue
        given_s[word].append(float(value))
        if float(value) >= after_s:
            victim.kill()  # what it said until then is read to its end
    assert victim.wait(MOST_S) == -signal.SIGKILL
    assert not path.exists()
    partial = path.with_name(path.name + ".partial")
    kill_ms = lost_ms(partial, given_s)
    cut = path.with_name(path.name + ".cut")
    cut.write_bytes(partial.read_bytes()[:synced_bytes])
    power_ms = lost_ms(cut, given_s)
    return Killed(max(max(times) for times in given_s.values() if times), kill_ms, power_ms)


def lost_ms(path: Path, given_s: dict[str, list[float]]) -> float:
    """How much media of those who had been given frames is missing at the end."""
    found = read(path) if path.stat().st_size > 2048 else Readback(None, None, [], [], [], [], None)
    kept = {"video": len(found.picture_times_s), "audio": len(found.sound_times_s)}
    for times in (found.picture_times_s, found.sound_times_s):
        assert times == sorted(set(times))
    return max(
        1000 * (times[-1] - (times[kept[kind] - 1] if kept[kind] else 0.0))
        for kind, times in given_s.items()
        if times
    )
