"""Which column of a table is which part of a note: our names, OMOP's, and what ``--columns`` says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extractor.errors import InputError, UsageError

#: our name -> names understood without ``--columns``, in order of preference (OMOP CDM 5.4 ``note``, MIMIC-IV-Note)
KNOWN: dict[str, tuple[str, ...]] = {
    "patient_id": ("patient_id", "person_id", "subject_id"),
    "note_id": ("note_id",),
    "note_date": ("note_date", "note_datetime", "charttime"),
    "note_type": ("note_type", "note_title"),
    "text": ("text", "note_text"),
}
REQUIRED = ("patient_id", "note_id", "text")


@dataclass(frozen=True, slots=True)
class Columns:
    """Position and name of each column that is used; None where an optional one is missing."""

    patient_id: int
    note_id: int
    text: int
    note_date: int | None
    note_type: int | None
    names: tuple[str, ...]

    def position(self, field: str) -> int | None:
        return getattr(self, field)


def parse_mapping(spec: str | None) -> dict[str, str]:
    """``--columns`` as a mapping from our name to the column's.

    >>> parse_mapping("patient_id=SUBJ, text=BODY")
    {'patient_id': 'SUBJ', 'text': 'BODY'}
    """
    mapping: dict[str, str] = {}
    for part in (spec or "").split(","):
        if not part.strip():
            continue
        field, equals, column = (piece.strip() for piece in part.partition("="))
        if not equals or not column or field not in KNOWN:
            raise UsageError(
                f'--columns: "{part.strip()}" is not understood '
                f"(expected FIELD=COLUMN; FIELD is one of {', '.join(KNOWN)})"
            )
        if field in mapping:
            raise UsageError(f"--columns: {field} is given twice")
        mapping[field] = column
    return mapping


def resolve(header: Sequence[str], mapping: Mapping[str, str], where: str) -> Columns:
    """Finds the columns of a note in a table's header; case does not matter.

    >>> resolve(["NOTE_ID", "person_id", "note_text"], {}, "note.csv").text
    2

    Raises InputError that names the file, the columns it has and those that are allowed.
    """
    lowered = [name.strip().strip("\ufeff").lower() for name in header]
    found: dict[str, int | None] = {}
    for field, known in KNOWN.items():
        wanted = (mapping[field].lower(),) if field in mapping else known
        match = next((name for name in wanted if name in lowered), None)
        if match is None:
            if field in REQUIRED or field in mapping:
                allowed = " or ".join(wanted)
                raise InputError(
                    f"{where}: no column for {field} (expected {allowed}; the file has: {_shown(header)}); "
                    f"map it with --columns {field}=NAME"
                )
            found[field] = None
            continue
        if lowered.count(match) > 1:
            raise InputError(
                f'{where}: row 1: the column "{match}" stands {lowered.count(match)} times (allowed: once)'
            )
        found[field] = lowered.index(match)
    return Columns(names=tuple(header), **found)  # type: ignore[arg-type]


#: one to three words: what a column name looks like and a cell with a date, a number or a sentence does not
_NAME = re.compile(r"[A-Za-z_#][\w#]*(?:[ ._-][A-Za-z_#][\w#]*){0,2}\Z")


def _shown(header: Sequence[str]) -> str:
    """The names of the columns for a message; a file without a header has data there, which is not repeated."""
    names = [name.strip().strip("\ufeff") for name in header if name.strip()]
    if not all(_NAME.match(name) and len(name) <= 30 for name in names):
        return "a first row that is no header"
    return ", ".join(names[:40]) or "none"
