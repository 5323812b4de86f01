"""The cases of tests/data/stats, which the TypeScript is tested on too.

``python -m tests.unit.stats_vectors`` writes anew what the recorded ones expect: read the difference.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nbrtc.messages import StatsSample
from nbrtc.stats import StatsRow, derive
from nbrtc.stats.point import points

FOLDER = Path(__file__).parents[1] / "data" / "stats"
RECORDED = ("loopback.json", "rtcstats-firefox.json")


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a file, as JSON has them."""
    found: list[dict[str, Any]] = json.loads((FOLDER / name).read_text())["cases"]
    return found


def samples_of(case: dict[str, Any]) -> list[StatsSample]:
    return msgspec.convert(case["samples"], list[StatsSample])


def plain(row: StatsRow) -> dict[str, Any]:
    """A row as JSON has it."""
    return {name: _known(value) for name, value in asdict(row).items()}


def near(expected: dict[str, Any]) -> dict[str, Any]:
    """Equal to a row or a point but for rounding: the two languages add up in another order."""
    return {
        name: pytest.approx(value, rel=1e-9) if isinstance(value, float | int) else value
        for name, value in expected.items()
    }


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and isnan(value) else value


def _text(document: list[dict[str, Any]]) -> str:
    """JSON with a line for each report, row and point, so that a difference can be read."""

    def line(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    def lines(values: Sequence[object]) -> str:
        return "[\n" + ",\n".join(line(value) for value in values) + "\n]"

    def sample(value: dict[str, Any]) -> str:
        head = {name: member for name, member in value.items() if name != "reports"}
        return f'{line(head)[:-1]}, "reports": {lines(value["reports"])}}}'

    def case(value: dict[str, Any]) -> str:
        samples = ",\n".join(sample(each) for each in value["samples"])
        rows, points = lines(value["rows"]), lines(value["points"])
        return (
            f'{{"name": {line(value["name"])}, "samples": [{samples}],\n"rows": {rows},\n"points": {points}}}'
        )

    return '{"cases": [\n' + ",\n".join(case(each) for each in document) + "\n]}\n"


def renew(name: str) -> None:
    document = cases(name)
    for case in document:
        samples = samples_of(case)
        case.update(rows=[plain(row) for row in derive(samples)], points=list(points(samples)))
    (FOLDER / name).write_text(_text(document))


if __name__ == "__main__":
    for recorded in RECORDED:
        renew(recorded)
