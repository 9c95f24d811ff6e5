"""What the pictures of a patient show, as plain data: treatments, events, washout dates, laboratory values.

Everything is taken from the timeline that the rules use, so a picture never says what no rule saw.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import drug_name, is_in, uln
from extractor.timeline.patient import Patient
from extractor.timeline.treatment import LOCAL, courses, lines, status
from extractor.timeline.washout import clearance
from extractor.truth import Truth

if TYPE_CHECKING:
    from extractor.trials.trialfile import Trial

#: laboratory values drawn, in order
LABS = (
    "platelets", "anc", "hemoglobin", "creatinine", "ast", "alt", "alp", "bilirubin_total", "albumin", "inr", "aptt",
)  # fmt: skip
SHOWN_DAYS = 5 * 366


@dataclass(frozen=True, slots=True)
class Bar:
    """A treatment. ``start``/``end`` are days; ``sure`` False where only bounds are known; ``kind``: ``drug``
    ``radiotherapy`` ``surgery``; ``clear`` is the first day after its washout."""

    name: str
    kind: str
    start: datetime.date
    end: datetime.date
    line: int | None
    ongoing: bool
    sure: bool
    clear: datetime.date | None
    fact_ids: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something on one day: ``progression``, ``response``, ``specimen``."""

    name: str
    day: datetime.date
    says: str
    fact_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabPoint:
    """A laboratory value in the concept's unit; ``copied`` values never refresh a window."""

    day: datetime.date
    value: float
    comparator: str
    copied: bool
    fact_id: str


@dataclass(frozen=True, slots=True)
class Trend:
    """Values of one analyte, with the limit that the trial sets: ``limit`` as a number, ``side`` ``>=`` or ``<=``."""

    name: str
    unit: str
    points: tuple[LabPoint, ...]
    limit: float | None
    side: str
    limit_says: str


def treatments(patient: Patient, *, policy: str = "literal") -> list[Bar]:
    """Drugs and local treatments that were given, oldest first; ``policy`` is the reading of the washout (A-1)."""
    numbers = {drug: at for at, line in enumerate(lines(patient), start=1) for drug in line.drugs}
    found = []
    for course in courses(patient):
        if course.given is Truth.F:
            continue
        start, last = course.start, course.last
        if start is None and last is None:
            continue
        begin = (start or last)[0]  # type: ignore[index]
        # a visit at which the drug was going on is a day on which it was given
        visits = [time.when(f) for f in course.facts if status(f) == "ongoing" and not f.copied_from]
        begin = min([begin, *(day[0] for day in visits if day)])
        end = patient.index_date if course.ongoing else (last or start)[1]  # type: ignore[index]
        cleared = clearance(course, patient.index_date, policy=policy)
        exact = last is not None and last[0] == last[1]
        # a drug of which only the last dose is known is drawn from there
        begin = max(begin if begin > time.LONG_AGO else end, patient.index_date - datetime.timedelta(days=SHOWN_DAYS))
        found.append(
            Bar(
                course.drug,
                "drug",
                min(begin, end),
                end,
                numbers.get(course.drug),
                course.ongoing,
                exact and course.given is Truth.T,
                cleared.clear_date,
                time.ids(course.facts),
                cleared.reason,
            )
        )
    found += _local(patient)
    return sorted(found, key=lambda bar: (bar.start, bar.end, bar.name))


def _local(patient: Patient) -> list[Bar]:
    seen: dict[tuple[str, datetime.date], Bar] = {}
    for fact in patient.facts(family="therapy"):
        if fact.concept not in LOCAL or fact.assertion != "present" or status(fact) in ("planned", "declined"):
            continue
        began, over = time.begun(fact), time.ended(fact)
        if not time.is_dated(fact) and over is None:
            continue
        days = [interval for interval in (began, over, time.when(fact)) if interval]
        if not days:
            continue
        start, end = min(day[0] for day in days), max(day[1] for day in days)
        kind = "surgery" if fact.concept in ("surgery", "orchiectomy", "transplant") else "radiotherapy"
        site = fact.attributes.get("site") or fact.attributes.get("field") or ""
        name = f"{drug_name(fact)} {str(site).replace('_', ' ')}".strip()
        seen.setdefault((name, end), Bar(name, kind, start, end, None, False, True, None, (fact.fact_id,), name))
    return list(seen.values())


def events(patient: Patient) -> list[Event]:
    """Progressions and responses with a day, one for each day and word."""
    found: dict[tuple[str, datetime.date], Event] = {}
    for fact in patient.facts(family="response"):
        when = time.when(fact)
        if fact.assertion != "present" or when is None or fact.copied_from:
            continue
        name = fact.concept.replace("_", " ")
        says = f"{name} {fact.value_text or ''}".strip()
        found.setdefault((name, when[1]), Event(name, when[1], says, (fact.fact_id,)))
    return sorted(found.values(), key=lambda event: (event.day, event.name))


#: states that compare with multiples of the upper limit of normal: analyte, multiple (with liver metastases: looser)
_MULTIPLES: dict[str, dict[str, float]] = {
    "kidney_function_adequate": {"creatinine": 1.5},
    "liver_enzymes_adequate": {"ast": 3, "alt": 3},
    "alp_adequate": {"alp": 3},
    "bilirubin_adequate": {"bilirubin_total": 1.5},
    "coagulation_adequate": {"inr": 1.5, "aptt": 1.5},
}
_NUMBER = re.compile(r"\b([a-z][a-z0-9_]*)\s*(>=|<=|>|<)\s*(\d+(?:\.\d+)?)\s")

Limits = Mapping[str, tuple[str, float | None, float | None]]


def limits_of(trial: Trial | None) -> Limits:
    """Limits that a trial's rules set: analyte to (side, number, multiple of the upper limit of normal)."""
    found: dict[str, tuple[str, float | None, float | None]] = {}
    for row in trial.criteria if trial is not None else ():
        for unit in (row, *row.leaves):
            for name, side, number in _NUMBER.findall(f"{unit.rule_text} "):
                if name in LABS:
                    found.setdefault(name, (side, float(number), None))
            for state, multiples in _MULTIPLES.items():
                if f"state({state})" in unit.rule_text:
                    found |= {name: ("<=", None, multiple) for name, multiple in multiples.items()}
    return found


def trends(patient: Patient, limits: Limits, *, names: Iterable[str] = LABS) -> list[Trend]:
    """Values of each analyte in time order with the trial's limit; analytes without a value are left out."""
    found = []
    for name in names:
        points, highs, unit = [], [], ""
        for fact in patient.facts(name, "lab"):
            when = time.when(fact)
            if fact.value is None or when is None or fact.assertion != "present" or fact.unit == "{ULN}":
                continue
            if when[1] > patient.index_date:
                continue
            points.append(LabPoint(when[1], fact.value, fact.comparator or "=", bool(fact.copied_from), fact.fact_id))
            unit = fact.unit or unit
            if fact.ref_high:
                highs.append(fact.ref_high)
        if points:
            chosen = limits.get(name, ("", None, None))
            found.append(_trend(patient, name, unit, tuple(_daily(points)), highs, chosen))
    return found


def _daily(points: list[LabPoint]) -> list[LabPoint]:
    """One point for each day and value; the one that is no copy where there is one."""
    kept: dict[tuple[datetime.date, float], LabPoint] = {}
    for point in sorted(points, key=lambda p: (p.day, p.value, p.copied)):
        kept.setdefault((point.day, point.value), point)
    return list(kept.values())


def _trend(
    patient: Patient,
    name: str,
    unit: str,
    points: tuple[LabPoint, ...],
    highs: list[float],
    limits: tuple[str, float | None, float | None],
) -> Trend:
    side, limit, multiple = limits
    says = f"{side} {limit:g} {unit}" if limit is not None else ""
    if multiple is not None:
        if highs:
            limit, source = multiple * highs[-1], "limit of normal as printed"
        else:
            default = uln(name, patient.sex)
            limit, source = (multiple * default[0], "usual limit of normal") if default else (None, "")
        says = f"{side} {multiple:g} x ULN ({source})" if limit is not None else f"{side} {multiple:g} x ULN"
    return Trend(name, unit, points, limit, side, says)


def specimens(facts: Iterable[Fact]) -> list[Event]:
    """Days of tissue: one event for each day on which a specimen was taken."""
    days: dict[datetime.date, Event] = {}
    for fact in facts:
        when = time.when(fact)
        if fact.concept == "tissue_proof" and fact.assertion == "present" and when:
            days.setdefault(
                when[1], Event("tissue", when[1], f"tissue {fact.value_text or ''}".strip(), (fact.fact_id,))
            )
    return [days[day] for day in sorted(days)]


def washes_out(bar: Bar) -> bool:
    """Is there a washout to draw: a systemic drug that has one?"""
    return bar.kind == "drug" and bar.clear is not None and not is_in(bar.name, "supportive")
