"""The nouns of the package: a note goes in, facts come out.

Everything is frozen; a changed record is a new record (``dataclasses.replace``). Names and columns are those of
the output files (OMOP CDM 5.4, FHIR R4, UCUM and ConText words where those have a word for the thing).
"""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import field
from operator import attrgetter
from typing import Any

from .frozen import dataclass

ASSERTIONS = ("present", "absent", "possible", "hypothetical")
EXPERIENCERS = ("patient", "family", "other")
TEMPORALITIES = ("current", "historical", "future")
COMPARATORS = ("=", "<", "<=", ">", ">=", "~")
PRECISIONS = ("day", "month", "year", "note")

#: Family of the facts that support a decision but are no vocabulary concept (a report's type, "no known allergies").
#: They are written to ``support.parquet``, never to ``facts.parquet``.
SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Note:
    """One free-text note as it was read; ``text`` is never changed, offsets count its characters."""

    patient_id: str
    note_id: str
    note_date: datetime.date | None
    note_type: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a family reads: a mention before the engine adds assertion, date, section and identity.

    ``start``/``end`` is the evidence (name, value and unit); ``anchor`` the span whose assertion counts (the name
    itself; the evidence where None). A field that is None is decided by the engine; a family sets one only where it
    knows better (``assertion="present"`` for a stated result such as "TTF-1 negative").
    ``date`` is ``(earliest, latest, precision)``.
    """

    family: str
    concept: str
    start: int
    end: int
    rule_id: str
    anchor: tuple[int, int] | None = None
    code: str = ""
    value: float | None = None
    value_high: float | None = None
    comparator: str | None = None
    unit: str | None = None
    value_as_written: str | None = None
    unit_as_written: str | None = None
    value_text: str | None = None
    ref_low: float | None = None
    ref_high: float | None = None
    assertion: str | None = None
    experiencer: str | None = None
    temporality: str | None = None
    date: tuple[datetime.date, datetime.date, str] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """One mention of one concept, with its evidence. The columns of ``facts.parquet``, in order."""

    fact_id: str
    patient_id: str
    note_id: str
    note_date: datetime.date | None
    note_type: str
    family: str
    concept: str
    code: str
    value: float | None
    value_high: float | None
    comparator: str | None
    unit: str | None
    value_as_written: str | None
    unit_as_written: str | None
    value_text: str | None
    ref_low: float | None
    ref_high: float | None
    assertion: str
    experiencer: str
    temporality: str
    date_start: datetime.date | None
    date_end: datetime.date | None
    date_precision: str
    attributes: dict[str, Any]
    section: str | None
    copied_from: str | None
    start: int
    end: int
    text: str
    rule_id: str
    #: digest of the evidence's sentence (8 words or more, else ""): equal digests in two notes are copy-forward
    sentence_sha: str = ""

    def cells(self) -> tuple[Any, ...]:
        """The fact's values in the order of ``FACT_COLUMNS``: plain values, ``attributes`` as sorted JSON."""
        found = _VALUES(self)
        written = _JSON(self.attributes) if self.attributes else "{}"
        return (*found[:_ATTRIBUTES], written, *found[_ATTRIBUTES + 1 :])

    def row(self) -> dict[str, Any]:
        """The fact as a row of ``facts.parquet``."""
        return dict(zip(FACT_COLUMNS, self.cells(), strict=True))


FACT_COLUMNS = tuple(Fact.__dataclass_fields__)
_VALUES = attrgetter(*FACT_COLUMNS)
_ATTRIBUTES = FACT_COLUMNS.index("attributes")
_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def fact_id(note_id: str, start: int, end: int, concept: str, discriminator: str = "") -> str:
    """Stable identity of a fact: digest of note, span and concept (and what tells two values of one span apart).

    >>> fact_id("n1", 0, 9, "platelets") == fact_id("n1", 0, 9, "platelets")
    True
    """
    key = "\x1f".join((note_id, str(start), str(end), concept, discriminator))
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:20]
