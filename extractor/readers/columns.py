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


#: what names of columns are made of in exports of hospitals; a cell of a file without a header is made of other words
_WORDS = frozenset(
    "id ids no nr num number key code name type kind class category title subject subj patient patients pat person pt mrn "
    "empi ehr emr chart encounter enc visit csn hadm stay episode admission note notes doc document documents report text "
    "txt txt1 body content contents html rtf raw full clean string narrative comment comments section date dates datetime "
    "dt dttm time timestamp day created updated signed written charted chart storetime charttime author provider service "
    "department dept specialty site source src status seq sequence row index line version language lang concept value "
    "values unit units length hash file path url of the is".split()
)
_PART = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _shown(header: Sequence[str]) -> str:
    """The columns for a message: names that are made of the words of column names, of others the place alone.

    A file without a header has data in its first row, which is never repeated.
    """
    shown = []
    for place, name in enumerate((name.strip().strip("\ufeff") for name in header), start=1):
        parts = _PART.findall(_HUMP.sub("_", name[:60]))
        known = parts and len(name) <= 40 and sum(map(str.isdigit, name)) <= 1
        shown.append(name if known and all(part.lower() in _WORDS for part in parts) else f"column {place}")
    if all(name == f"column {place}" for place, name in enumerate(shown, start=1)):
        return "a first row that is no header" if shown else "none"
    return ", ".join(shown[:40])
