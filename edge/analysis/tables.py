"""Rows as JSON lines, CSV or Parquet, by the file's suffix."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edge.aside import put_in_place
from edge.errors import MienError

if TYPE_CHECKING:
    from arro3.core import DataType, RecordBatch

Value = str | float | int | bool | None
Row = Mapping[str, Value]
#: A table's columns in their order, and what each holds: str, float, int or bool.
Columns = Mapping[str, type]

JSON_LINES = (".jsonl", ".ndjson", ".json")
SUFFIXES = (".jsonl", ".csv", ".parquet")


def check_table(path: Path, option: str) -> None:
    """Raises MienError where no table of this name can be written, before the work that would fill it."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        try:
            import arro3.core
            import arro3.io  # noqa: F401 - only whether it is there
        except ImportError:
            raise MienError(
                f"{option} {path}: Parquet is written with arro3, which is not installed; pip install 'mien[tables]'"
            ) from None
    elif suffix not in (*JSON_LINES, ".csv"):
        raise MienError(f"{option} {path}: '{path.suffix}' is no table known here; name a {', '.join(SUFFIXES)}")


@contextmanager
def open_table(path: Path, columns: Columns, option: str) -> Iterator[Callable[[Iterable[Row]], None]]:
    """What writes rows to a table, which is put in place whole at the end; what a row lacks is null, in CSV empty.

    Raises MienError where the file can't be written.
    """
    check_table(path, option)
    with put_in_place(path, option) as aside:
        if path.suffix.lower() == ".parquet":
            yield from _parquet(aside, columns)
        elif path.suffix.lower() == ".csv":
            with aside.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns, lineterminator="\n", extrasaction="ignore")
                writer.writeheader()
                yield lambda rows: writer.writerows(rows)
        else:
            with aside.open("w", encoding="utf-8") as file:

                def write(rows: Iterable[Row]) -> None:
                    for row in rows:
                        whole = {name: row.get(name) for name in columns}
                        file.write(json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n")

                yield write


def _parquet(aside: Path, columns: Columns) -> Iterator[Callable[[Iterable[Row]], None]]:
    from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
    from arro3.io import write_parquet

    kinds: dict[type, DataType] = {
        str: DataType.string(),
        float: DataType.float64(),
        int: DataType.int64(),
        bool: DataType.bool(),
    }
    schema = Schema([Field(name, kinds[kind]) for name, kind in columns.items()])
    batches: list[RecordBatch] = []

    def write(rows: Iterable[Row]) -> None:
        kept = list(rows)
        arrays = [Array([row.get(name) for row in kept], kinds[kind]) for name, kind in columns.items()]
        batches.append(RecordBatch.from_arrays(arrays, schema=schema))

    yield write
    write_parquet(RecordBatchReader.from_batches(schema, batches), aside)
