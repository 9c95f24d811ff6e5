"""The screening log as an Excel workbook: patients, criteria, evidence. Cells are never formulas."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from extractor.errors import InputError, UsageError
from extractor.writers import parquet
from extractor.writers.provenance import provenance

#: Excel's limits
MAX_ROWS, MAX_CHARACTERS = 1_048_575, 32_767
_EVIDENCE = (
    "fact_id",
    "patient_id",
    "note_id",
    "note_date",
    "concept",
    "value",
    "unit",
    "assertion",
    "text",
    "rule_id",
)


def write(run: Path, out: Path | None) -> Sequence[Path]:
    """Writes the workbook ``out`` (default ``screening_log.xlsx`` in the run).

    Raises UsageError where xlsxwriter is missing, InputError where the run is not decided or too large for a sheet.
    """
    import pyarrow.parquet as pq

    try:
        import xlsxwriter
    except ImportError:
        raise UsageError("--to xlsx: needs xlsxwriter (pip install 'trial-extractor[review]')") from None
    if not (run / "patients.parquet").is_file():
        raise InputError(f"{run}: has no decisions (run extractor evaluate first)")
    target = out or run / "screening_log.xlsx"
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with _workbook(xlsxwriter, target, options) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        bold = book.add_format({"bold": True})
        cited: set[str] = set()
        for name in ("patients", "criteria"):
            table = pq.read_table(run / f"{name}.parquet")
            if name == "criteria":
                cited.update(fact for evidence in table.column("evidence").to_pylist() for fact in evidence or ())
            _sheet(book, name, table.column_names, table.to_pylist(), day, bold)
        facts = [row for file in ("facts", "support") for row in pq.read_table(run / f"{file}.parquet").to_pylist()]
        _sheet(book, "evidence", _EVIDENCE, [row for row in facts if row["fact_id"] in cited], day, bold)
        about = provenance(parquet.read_json(run / "run.json") or {})
        rows = [{"what": what, "is": value} for what, value in about.items()]
        _sheet(book, "provenance", ("what", "is"), rows, day, bold)
    return [target]


@contextmanager
def _workbook(xlsxwriter: Any, target: Path, options: dict[str, Any]) -> Iterator[Any]:
    """A workbook that appears when it is whole. Its rows wait in a private folder beside it, never in a shared one."""
    packed = io.BytesIO()
    with parquet.atomic(target) as temporary:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            book = xlsxwriter.Workbook(packed, options | {"tmpdir": folder})
            try:
                yield book
                book.close()
            except xlsxwriter.exceptions.FileCreateError as problem:  # the library's word for an OSError
                cause = problem.args[0] if problem.args and isinstance(problem.args[0], OSError) else OSError()
                raise OSError(cause.errno, cause.strerror or "the workbook was not taken") from None
        temporary.write_bytes(packed.getvalue())


def _sheet(book: Any, name: str, header: Sequence[str], rows: Iterable[dict[str, Any]], day: Any, bold: Any) -> None:
    import datetime

    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    for at, column in enumerate(header):
        sheet.write_string(0, at, column, bold)
    for number, row in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise InputError(f"the sheet {name} has more than {MAX_ROWS:,} rows (use --to duckdb)")
        for at, column in enumerate(header):
            value = row[column]
            if isinstance(value, datetime.date):
                sheet.write_datetime(number, at, value, day)
            elif isinstance(value, (bool, int, float)):
                sheet.write(number, at, value)
            elif value is not None:
                text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                sheet.write_string(number, at, text[:MAX_CHARACTERS])
