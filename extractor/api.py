"""Frames in, frames out: the Python face of the engine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

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
    import pandas as pd

    return pd.DataFrame([fact.row() for fact in facts], columns=list(FACT_COLUMNS))


def mark_copies(facts: Iterable[Fact]) -> list[Fact]:
    """Set ``copied_from`` where a fact's sentence stood in an earlier note of the same patient (copy-forward)."""
    from dataclasses import replace

    facts = list(facts)
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for fact in facts:
        if fact.sentence_sha:
            key = (fact.patient_id, fact.sentence_sha)
            when = (str(fact.note_date or "9999"), fact.note_id)
            first[key] = min(first.get(key, when), when)
    marked = []
    for fact in facts:
        origin = first.get((fact.patient_id, fact.sentence_sha)) if fact.sentence_sha else None
        if origin and origin[1] != fact.note_id and origin[0] < str(fact.note_date or "9999"):
            fact = replace(fact, copied_from=origin[1])
        marked.append(fact)
    return marked


def extract(
    notes: pd.DataFrame, *, date_order: str = "auto", overlay: str | os.PathLike[str] | None = None
) -> pd.DataFrame:
    """Read the facts of a frame of notes.

    Returns one row for each mention (columns of ``facts.parquet``). The facts that only support a decision are in
    ``result.attrs["support"]``, a frame of the same columns.
    """
    from .pipeline.engine import Engine

    engine = Engine(date_order=date_order, overlay=overlay)
    facts = mark_copies(fact for note in notes_from(notes) for fact in engine.facts(note))
    facts.sort(key=lambda f: (f.patient_id, f.note_id, f.start, f.end, f.concept, f.fact_id))
    result = frame_of(f for f in facts if f.family != SUPPORT)
    result.attrs["support"] = frame_of(f for f in facts if f.family == SUPPORT)
    return result
