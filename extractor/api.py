"""Frames in, frames out: the Python face of the engine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .dates import parse_iso
from .errors import InputError
from .records import FACT_COLUMNS, SUPPORT, Fact, Note

if TYPE_CHECKING:
    import pandas as pd

NOTE_COLUMNS = ("patient_id", "note_id", "note_date", "note_type", "text")


def notes_from(frame: pd.DataFrame) -> Iterable[Note]:
    """The notes of a frame with the columns of ``NOTE_COLUMNS``; ``note_date`` and ``note_type`` may be missing.

    Raises InputError where a required column is missing.
    """
    for name in ("patient_id", "note_id", "text"):
        if name not in frame.columns:
            raise InputError(f"notes: no column {name!r}; found: {', '.join(map(str, frame.columns))}")
    size = len(frame)
    dates = frame["note_date"].tolist() if "note_date" in frame.columns else [None] * size
    types = frame["note_type"].tolist() if "note_type" in frame.columns else [""] * size
    columns = (frame["patient_id"].tolist(), frame["note_id"].tolist(), dates, types, frame["text"].tolist())
    for patient, note, date, kind, text in zip(*columns, strict=True):
        words = text if isinstance(text, str) else ""
        yield Note(str(patient), str(note), parse_iso(date), kind if isinstance(kind, str) else "", words)


def frame_of(facts: Iterable[Fact]) -> pd.DataFrame:
    """Facts as a frame with the columns of ``facts.parquet``."""
    return _frame(fact.row() for fact in facts)


def _frame(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(FACT_COLUMNS))


def mark_copies(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Set ``copied_from`` of rows of facts whose sentence stood in an earlier note of the patient (copy-forward).

    ``note_date`` may be a date or its ISO text; of a note without one nobody knows what was earlier.
    """
    first: dict[tuple[str, str], tuple[str, str]] = {}
    dated = [row for row in rows if row["sentence_sha"] and row["note_date"]]
    for row in dated:
        key = (row["patient_id"], row["sentence_sha"])
        when = (str(row["note_date"]), row["note_id"])
        first[key] = min(first.get(key, when), when)
    for row in dated:
        origin = first[row["patient_id"], row["sentence_sha"]]
        if origin[0] < str(row["note_date"]):
            row["copied_from"] = origin[1]
    return rows


def extract(
    notes: pd.DataFrame, *, date_order: str = "auto", overlay: str | os.PathLike[str] | None = None
) -> pd.DataFrame:
    """Read the facts of a frame of notes.

    Returns one row for each mention (columns of ``facts.parquet``). The facts that only support a decision are in
    ``result.attrs["support"]``, a frame of the same columns.
    """
    from .pipeline.engine import Engine

    engine = Engine(date_order=date_order, overlay=overlay)
    rows = mark_copies([fact.row() for note in notes_from(notes) for fact in engine.facts(note)])
    rows.sort(key=lambda r: (r["patient_id"], r["note_id"], r["start"], r["end"], r["concept"], r["fact_id"]))
    result = _frame(row for row in rows if row["family"] != SUPPORT)
    result.attrs["support"] = _frame(row for row in rows if row["family"] == SUPPORT)
    return result
