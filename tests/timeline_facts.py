"""Facts for tests of the timeline: one line each, every other column has a plain default."""

from __future__ import annotations

import datetime

from extractor.records import Fact, fact_id
from extractor.timeline import Patient, Settings, make_patient
from extractor.timeline.registry import STATES
from extractor.truth import Answer

INDEX = datetime.date(2026, 3, 2)
NOTE = datetime.date(2026, 2, 25)
DEFAULT = Settings()


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def fact(
    concept: str,
    family: str = "support",
    *,
    on: str | None = None,
    until: str | None = None,
    note: str | None = None,
    **columns,
) -> Fact:
    """A fact of the patient, present and current; ``on``/``until`` date it (precision day unless given)."""
    note_date = day(note) if note else NOTE
    note_id = columns.pop("note_id", f"n-{note_date}")
    precision = columns.pop("date_precision", "day" if on else "note")
    start = day(on) if on else note_date
    end = day(until) if until else start
    values = {
        "patient_id": "p", "note_id": note_id, "note_date": note_date, "note_type": "Oncology note", "family": family,
        "concept": concept, "code": "", "value": None, "value_high": None, "comparator": None, "unit": None,
        "value_as_written": None, "unit_as_written": None, "value_text": None, "ref_low": None, "ref_high": None,
        "assertion": "present", "experiencer": "patient", "temporality": "current", "date_start": start, "date_end": end,
        "date_precision": precision, "attributes": {}, "section": None, "copied_from": None, "start": 0, "end": 1,
        "text": "x", "rule_id": "test", "sentence_sha": "",
    }  # fmt: skip
    values |= columns
    key = fact_id(
        values["note_id"], values["start"], values["end"], concept, repr(sorted(columns.items(), key=str)) + str(on)
    )
    return Fact(fact_id=key, **values)


def drug(name: str, first: str | None = None, last: str | None = None, *, status: str = "received", **columns) -> Fact:
    """A therapy fact with the attributes that the therapy family writes."""
    attributes = {"status": status, **columns.pop("attributes", {})}
    if first:
        attributes["start_date"] = first
    if last:
        attributes["end_date"] = last
    first, last = (f"{text}-01" if text and len(text) == 7 else text for text in (first, last))
    assertion = {"planned": "hypothetical", "declined": "absent", "not_given": "absent"}.get(status, "present")
    return fact(
        name, "therapy", on=first or last, until=last or first, attributes=attributes, assertion=assertion, **columns
    )


def patient(*facts: Fact, index: datetime.date = INDEX) -> Patient:
    return make_patient("p", facts, index)


def ask(name: str, *facts: Fact, index: datetime.date = INDEX) -> Answer:
    return STATES[name](patient(*facts, index=index), DEFAULT)
