"""Tables as files: CSV for spreadsheets, Parquet for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from annotation.core.panels import csv_table
from annotation.models import Campaign
from learner.exports.folders import write_csv
from learner.exports.tables import TABLES, Asked, Row, Table
from learner.models import Export

AT_ONCE = 10_000  # rows of a group


def write_tables(export: Export, campaign: Campaign, folder: Path) -> None:
    """A file for each table."""
    asked = Asked.of(export, campaign)
    for table in TABLES:
        if export.format == Export.Format.PARQUET:
            write_parquet(folder / f"{table.name}.parquet", table, table.rows(asked))
        else:
            write_csv(folder / f"{table.name}.csv", csv_table(list(table.columns), map(_as_text, table.rows(asked))))


def _as_text(row: Row) -> Row:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def write_parquet(path: Path, table: Table, rows: Iterator[Row]) -> None:
    """A file with the kinds of columns that the table says, also where it has no row. Times are in UTC, to the microsecond."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds: dict[type, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_(), datetime: pa.timestamp("us", "UTC")}
    schema = pa.schema([(name, kinds[kind]) for name, kind in table.columns.items()])
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        while some := list(islice(rows, AT_ONCE)):
            whole = [{name: row[name] for name in table.columns} for row in some]
            file.write_table(pa.Table.from_pylist(whole, schema))
