"""Frames as files. Existing files are replaced, as pandas does."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import pandas as pd

NEEDS_PYARROW = (
    "Parquet files need pyarrow, which is not installed: pip install nbrtc[parquet], or write CSV or JSON."
)


def to_csv(frame: "pd.DataFrame", path: str | Path) -> Path:
    """Write a header and a line per row; times in ISO 8601, what is missing is empty, floats in full.

    ``pandas.read_csv(path, index_col="time", parse_dates=["time"])`` reads it.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    path = _checked(path)
    frame.to_csv(path, date_format="%Y-%m-%dT%H:%M:%S.%fZ", encoding="utf-8")
    return path


def to_parquet(frame: "pd.DataFrame", path: str | Path) -> Path:
    """Write columns with their types and the index; ``pandas.read_parquet(path)`` gives the frame back.

    A column that holds values of several kinds becomes text, because Parquet has one type a column.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    FileNotFoundError
        If the folder does not exist.
    """
    require_pyarrow()
    path = _checked(path)
    mixed = [name for name, dtype in frame.dtypes.items() if dtype == "object"]
    texts = {name: frame[name].map(str, na_action="ignore").astype("str") for name in mixed}
    frame.assign(**texts).to_parquet(path, engine="pyarrow", compression="zstd")
    return path


def to_json(frame: "pd.DataFrame", path: str | Path) -> Path:
    """Write a list with a line and a record per row; times in ISO 8601, what is missing is null.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    path = _checked(path)
    columns = {"time": frame.index.strftime("%Y-%m-%dT%H:%M:%S.%fZ").tolist()}
    for name in frame.columns:
        values = frame[name].astype(object)
        columns[name] = values.where(values.notna(), None).tolist()
    records = (dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True))
    encode = msgspec.json.Encoder().encode
    path.write_bytes(b"[\n" + b",\n".join(encode(record) for record in records) + b"\n]\n")
    return path


def require_pyarrow() -> None:
    """Do nothing where pyarrow can be imported; else say how to get it."""
    try:
        import_module("pyarrow")
    except ImportError as error:
        raise ImportError(NEEDS_PYARROW) from error


def _checked(path: str | Path) -> Path:
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(path.parent)!r}: make it first, or choose another path."
        )
    return path
