"""The Parquet files of a run: their schemas, and writing that is whole or not there at all.

The same rows give the same bytes: fixed types, row groups, compression and no time stamps.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from extractor.errors import ExtractorError
from extractor.records import FACT_COLUMNS

ROW_GROUP = 32_768
#: names that ``atomic`` gives
_TEMPORARY = re.compile(r"\.\w+\.(?:parquet|json|csv)\.\d+\.tmp")

_FLOATS = frozenset({"value", "value_high", "ref_low", "ref_high"})
_DATES = frozenset({"note_date", "date_start", "date_end"})
_INTEGERS = frozenset({"start", "end"})


def _fact_type(column: str) -> pa.DataType:
    if column in _FLOATS:
        return pa.float64()
    if column in _DATES:
        return pa.date32()
    return pa.int64() if column in _INTEGERS else pa.string()


FACTS = pa.schema([(column, _fact_type(column)) for column in FACT_COLUMNS])

NOTES = pa.schema(
    [
        ("note_id", pa.string()),
        ("patient_id", pa.string()),
        ("note_date", pa.date32()),
        ("note_type", pa.string()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("n_facts", pa.int64()),
        ("sha256", pa.string()),
        ("characters", pa.int64()),
        ("source", pa.string()),
        ("row", pa.int64()),
    ]
)

CRITERIA = pa.schema(
    [
        ("patient_id", pa.string()),
        ("trial_id", pa.string()),
        ("criterion_id", pa.string()),
        ("parent_id", pa.string()),
        ("kind", pa.string()),
        ("tier", pa.string()),
        ("truth", pa.string()),
        ("outcome", pa.string()),
        ("presumed", pa.bool_()),
        ("provisional", pa.string()),
        ("clear_date", pa.date32()),
        ("needs_review", pa.bool_()),
        ("review_codes", pa.list_(pa.string())),
        ("reason", pa.string()),
        ("missing", pa.string()),
        ("evidence", pa.list_(pa.string())),
    ]
)

PATIENTS = pa.schema(
    [
        ("patient_id", pa.string()),
        ("trial_id", pa.string()),
        ("decision", pa.string()),
        ("cohort", pa.string()),
        ("failed", pa.list_(pa.string())),
        ("open", pa.list_(pa.string())),
        ("earliest_date", pa.date32()),
        ("next_question", pa.string()),
        ("index_date", pa.date32()),
        ("index_date_assumed", pa.bool_()),
        ("n_notes", pa.int64()),
        ("last_note_date", pa.date32()),
    ]
)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A file that appears under its name only when it is whole; what was there stays until then.

    Raises ExtractorError where the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as problem:
        raise ExtractorError(f"{path}: cannot be written ({problem.strerror or type(problem).__name__})") from None
    finally:
        with suppress(OSError):  # the place that cannot be written holds nothing of ours
            temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes what a process that was killed had half written in the folder."""
    for path in folder.glob(".*.tmp"):
        if _TEMPORARY.fullmatch(path.name):
            path.unlink(missing_ok=True)


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch | pa.Table]) -> int:
    """Streams batches to one file in row groups of a fixed size, whatever the sizes of the batches; rows written."""
    rows = 0
    with (
        atomic(path) as temporary,
        pq.ParquetWriter(
            temporary, schema, compression="zstd", version="2.6", use_dictionary=True, write_statistics=True
        ) as writer,
    ):
        pending: list[pa.Table] = []
        held = 0
        for batch in batches:
            table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
            table = table if table.schema.equals(schema) else table.cast(schema)
            pending.append(table)
            held += table.num_rows
            rows += table.num_rows
            while held >= ROW_GROUP:
                joined = pa.concat_tables(pending)
                writer.write_table(joined.slice(0, ROW_GROUP), row_group_size=ROW_GROUP)
                pending = [joined.slice(ROW_GROUP)]
                held -= ROW_GROUP
        if held or rows == 0:
            joined = pa.concat_tables(pending) if pending else pa.Table.from_batches([], schema=schema)
            writer.write_table(joined, row_group_size=ROW_GROUP)
    return rows


def table_of(schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Plain rows as a table of the schema; a column that a row lacks is null."""
    return pa.table(
        [pa.array([row.get(field.name) for row in rows], type=field.type) for field in schema], schema=schema
    )


def table_of_cells(schema: pa.Schema, rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows as sequences in the order of the schema as a table."""
    if not rows:
        return pa.Table.from_batches([], schema=schema)
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)], schema=schema)


def write_json(path: Path, value: Any) -> None:
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """The file's object, or None where there is none or it was never finished."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
