"""Parquet, batch by batch, whatever its types for text, dates and identifiers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from extractor.errors import InputError
from extractor.readers.columns import KNOWN, resolve
from extractor.readers.rows import Monitor, NoteRow, build

BATCH_ROWS = 512


def rows(path: Path, *, name: str, mapping: Mapping[str, str], date_order: str, monitor: Monitor) -> Iterator[NoteRow]:
    """The rows of one Parquet file; row numbers count from 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16)
    except (pa.ArrowException, OSError) as problem:
        raise InputError(f"{name}: cannot be read as Parquet ({type(problem).__name__})") from None
    with file:
        header = file.schema_arrow.names
        columns = resolve(header, mapping, name)
        if columns.note_date is None:
            monitor.say(f"{name}: no note_date column: the notes have no date")
        used = {field: header[at] for field in KNOWN if (at := columns.position(field)) is not None}
        number = 0
        size, total = path.stat().st_size, max(1, file.metadata.num_rows)
        monitor.position = lambda: size * number // total
        try:
            for batch in file.iter_batches(
                batch_size=BATCH_ROWS, columns=sorted(set(used.values())), use_threads=False
            ):
                cells = {field: batch.column(column).to_pylist() for field, column in used.items()}
                for values in zip(*cells.values(), strict=True):
                    number += 1
                    yield build(name, number, date_order=date_order, **dict(zip(cells, values, strict=True)))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as problem:
            raise InputError(f"{name}: cannot be read after row {number} ({type(problem).__name__})") from None
