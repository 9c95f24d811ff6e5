"""What an incremental run found changed in the notes, and the patients whose decisions that touches.

``changes.csv`` of a run with ``--since`` has one row for each note that is new, changed or removed; identifiers and
dates, no word of a note.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "changes.csv"
COLUMNS = ("change", "patient_id", "note_id", "note_date", "note_type", "status")
#: what makes a note another one; its place in the export does not
_STATE = ("note_date", "note_type", "sha256", "status")


def write(former: Path, out: Path) -> dict[str, int]:
    """Writes ``changes.csv`` of the run ``out`` against the run ``former``; how many notes and patients it names.

    A note is ``new``, ``changed`` (text, date, type or how it could be read) or ``removed``; one that went to another
    patient is removed for one and new for the other.
    """
    from extractor.review.export import safe
    from extractor.writers import parquet

    counted: Counter[str] = Counter()
    patients: set[str] = set()
    with (
        parquet.atomic(out / NAME) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in _changes(former, out, ", ".join(COLUMNS)):
            counted[row[0]] += 1
            patients.add(row[1])
            writer.writerow([safe(cell) for cell in row])
    return {**{change: counted[change] for change in ("new", "changed", "removed")}, "patients": len(patients)}


def touched(former: Path, out: Path) -> set[str]:
    """The patients who have a note that is new, changed or removed."""
    return {row[0] for row in _changes(former, out, "DISTINCT patient_id")}


def _changes(former: Path, out: Path, wanted: str) -> Iterator[tuple[Any, ...]]:
    """Columns of the changed notes, by patient and note. Rejected rows are no notes."""
    import duckdb

    new, old = (
        f"(SELECT * FROM read_parquet('{str(run / 'notes.parquet').replace(chr(39), chr(39) * 2)}') "
        "WHERE status <> 'rejected')"
        for run in (out, former)
    )
    differs = " OR ".join(f"n.{name} IS DISTINCT FROM o.{name}" for name in _STATE)
    shown = ", ".join(f"CASE WHEN n.status IS NULL THEN o.{c} ELSE n.{c} END AS {c}" for c in COLUMNS[3:])
    with duckdb.connect() as connection:
        cursor = connection.execute(
            f"SELECT {wanted} FROM (SELECT CASE WHEN o.status IS NULL THEN 'new' WHEN n.status IS NULL THEN 'removed' "
            f"ELSE 'changed' END AS change, patient_id, note_id, {shown} "
            f"FROM {new} n FULL JOIN {old} o USING (patient_id, note_id) WHERE {differs}) ORDER BY patient_id"
            + ("" if wanted.startswith("DISTINCT") else ", note_id")
        )
        while rows := cursor.fetchmany(1_000):
            yield from rows
