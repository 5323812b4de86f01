"""docs/statistics.md names what there is, and its examples of tables work."""

from pathlib import Path

import pytest

from nbrtc.stats import COLUMNS, CallStats
from nbrtc.stats.expectations.condition import COMPARISONS
from nbrtc.stats.loaded import LoadedStats
from nbrtc.stats.plots.figures import COLUMNS as FIGURES
from nbrtc.stats.stream_row import StreamRow
from tests.unit.scripted_calls import scripted

GUIDE = (Path(__file__).parents[2] / "docs/statistics.md").read_text()


@pytest.mark.parametrize("column", dict.fromkeys([*COLUMNS[1:], *list(StreamRow.__dataclass_fields__)[1:]]))
def test_every_column_is_explained(column: str) -> None:
    assert f"`{column}`" in GUIDE


def test_the_figures_of_a_comparison_and_the_comparisons_are_explained() -> None:
    stems = {column.removesuffix(ending) for column in FIGURES for ending in ("_median", "_p5", "_p95")}
    assert {
        stem for stem in stems if not stem.endswith(("_median", "_p5", "_p95")) and f"`{stem}`" not in GUIDE
    } == set()
    assert all(f"`{name}`" in GUIDE for name in COMPARISONS)


def test_the_examples_of_tables_work() -> None:
    stats = CallStats(LoadedStats(scripted(30), [], {"format": "scripted"}))
    code = GUIDE.split("```python\n")[2].split("```")[0]
    assert "shape=" in code
    exec(code.replace("call.stats", "stats"), {"stats": stats})
