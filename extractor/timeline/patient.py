"""One patient: the facts in time order, the index date, and what the packet of notes would have shown.

The order of the input never matters: facts are put into one canonical order. Events are read as date intervals;
a fact copied forward from an earlier note never refreshes a window.
"""

from __future__ import annotations

import datetime
import functools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from extractor.records import FACT_COLUMNS, Fact

_FIRST = datetime.date.min
_DATE_COLUMNS = ("note_date", "date_start", "date_end")


@dataclass(frozen=True)
class Patient:
    """All facts of one patient and the day from which windows are counted backwards.

    ``index_date``     planned first treatment day (cycle 1 day 1)
    ``index_assumed``  True where none was given: the day after the last note stands in
    """

    patient_id: str
    index_date: datetime.date
    all_facts: tuple[Fact, ...] = ()
    index_assumed: bool = False
    last_note_date: datetime.date | None = None
    n_notes: int = 0
    cache: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def _own(self) -> dict[tuple[str | None, str | None], list[int]]:
        """Places of the patient's own facts in time order, by concept and family (None: any)."""
        index: dict[tuple[str | None, str | None], list[int]] = defaultdict(list)
        for place, fact in enumerate(self.all_facts):
            if fact.experiencer == "patient":
                concept, family = fact.concept, fact.family
                index[concept, family].append(place)
                index[concept, None].append(place)
                index[None, family].append(place)
                index[None, None].append(place)
        return dict(index)

    @cached_property
    def _concepts(self) -> frozenset[str]:
        """Names of the concepts that the notes speak of."""
        return frozenset(name for name, _ in self._own if name is not None)

    @cached_property
    def _families(self) -> frozenset[str]:
        return frozenset(family for name, family in self._own if name is None and family is not None)

    def is_silent_on(self, concepts: frozenset[str], families: frozenset[str]) -> bool:
        """Do the patient's own facts hold none of the concepts and none of the families?"""
        return concepts.isdisjoint(self._concepts) and families.isdisjoint(self._families)

    @cached_property
    def _found(self) -> dict[tuple, list[Fact]]:
        """What was already asked for: the states of a patient ask for the same facts some hundred times."""
        return {}

    def facts(
        self,
        concept: str | Iterable[str] | None = None,
        family: str | None = None,
        *,
        experiencer: str | None = "patient",
    ) -> list[Fact]:
        """Facts in time order (date, note, place in the note); ``experiencer=None`` gives everybody's."""
        if concept is not None and concept.__class__ is not str:
            concept = tuple(concept)
        key = (concept, family, experiencer)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._select(concept, family, experiencer)
        return found.copy()  # the caller's own: states add to it

    def _select(self, concept: str | tuple[str, ...] | None, family: str | None, experiencer: str | None) -> list[Fact]:
        if experiencer != "patient":
            names = (concept,) if isinstance(concept, str) else concept
            return [
                fact
                for fact in self.all_facts
                if (names is None or fact.concept in names)
                and (family is None or fact.family == family)
                and (experiencer is None or fact.experiencer == experiencer)
            ]
        index = self._own
        if concept is None or isinstance(concept, str):
            return [self.all_facts[place] for place in index.get((concept, family), ())]
        held = _as_set(concept) & self._concepts  # few concepts of a patient, many names of a class
        places = [place for name in held for place in index.get((name, family), ())]
        places.sort()
        return [self.all_facts[place] for place in places]

    @cached_property
    def age(self):
        """Age in years at the index date as a ``Measure``, or None."""
        from extractor.timeline.persons import age

        return age(self)

    @cached_property
    def sex(self) -> str | None:
        """``male``, ``female`` or None where the notes do not say or contradict each other."""
        from extractor.timeline.persons import sex

        return sex(self)

    def context(self, name: str, settings=None):
        """Would the packet show it? An ``Answer`` for ``onc_full`` ``pmh`` ``ros_exam`` ``ros_exam_infection``
        ``brain_img`` ``chest_ct`` ``meds`` ``rx_history`` ``allergy``."""
        from extractor.timeline.contexts import context, context_window
        from extractor.timeline.settings import Settings

        settings = settings or Settings()
        key = ("context", name, context_window(name, settings))
        if key not in self.cache:
            self.cache[key] = context(self, name, settings)
        return self.cache[key]


class Nobody(Patient):
    """A patient of whom nothing is written; ``asked`` holds the facts that were asked for.

    A state that gives its answer for nobody gives it for everyone whose notes hold none of the facts that it asked for.
    """

    @cached_property
    def asked(self) -> set[tuple]:
        return set()

    def _select(self, concept: str | tuple[str, ...] | None, family: str | None, experiencer: str | None) -> list[Fact]:
        self.asked.add((concept, family, experiencer))
        return []


@functools.lru_cache(maxsize=4096)
def _as_set(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)


def canonical_order(fact: Fact) -> tuple:
    """Sort key: when it held, when it was written, where; the identity last, so that no tie is left."""
    return (
        fact.date_end or fact.note_date or _FIRST,
        fact.date_start or fact.note_date or _FIRST,
        fact.note_date or _FIRST,
        fact.note_id,
        fact.start,
        fact.end,
        fact.concept,
        fact.fact_id,
    )


def make_patient(
    patient_id: str,
    facts: Iterable[Fact],
    index_date: datetime.date | None = None,
    *,
    last_note_date: datetime.date | None = None,
    n_notes: int = 0,
) -> Patient:
    """A patient of given facts; without an index date, the day after the last note."""
    ordered = tuple(sorted(facts, key=canonical_order))
    written = [fact.note_date for fact in ordered if fact.note_date]
    last = max([*written, *([last_note_date] if last_note_date else [])], default=None)
    assumed = index_date is None
    if index_date is None:
        index_date = (last or datetime.date.today()) + datetime.timedelta(days=1)
    return Patient(patient_id, index_date, ordered, assumed, last, n_notes or len({f.note_id for f in ordered}))


def _dates(values: list) -> list[datetime.date | None]:
    """Dates, timestamps, ISO strings and missing values as plain dates."""
    out: list[datetime.date | None] = []
    for value in values:
        if value is None or value != value:  # NaN and NaT differ from themselves
            out.append(None)
        elif isinstance(value, datetime.datetime):
            out.append(value.date())
        elif isinstance(value, datetime.date):
            out.append(value)
        elif isinstance(value, str):
            out.append(datetime.date.fromisoformat(value[:10]) if value else None)
        else:
            out.append(value.astype("datetime64[D]").item())
    return out


def _plain(column) -> list:
    """The values of a column with None for what is missing, whatever pandas has for it."""
    missing = column.isna()
    return (column.astype(object).where(~missing, None) if missing.any() else column).tolist()


def _attributes(values: list) -> list[dict]:
    """Attributes as mappings; most facts have none, and equal ones are read once."""
    read = functools.cache(json.loads)
    return [
        value if isinstance(value, dict) else dict(read(value)) if isinstance(value, str) and value else {}
        for value in values
    ]


def facts_of_frame(frame) -> list[Fact]:
    """Rows of ``facts.parquet`` as facts, read column by column."""
    columns: dict[str, list[Any]] = {}
    n = len(frame)
    for name in FACT_COLUMNS:
        values: list[Any]
        if name not in frame:
            values = [None] * n
        elif name == "attributes":
            values = frame[name].tolist()
        else:
            values = _plain(frame[name])
        if name in _DATE_COLUMNS:
            values = _dates(values)
        elif name == "attributes":
            values = _attributes(values)
        elif name in ("sentence_sha", "code", "note_type", "text", "rule_id"):
            values = [value or "" for value in values]
        columns[name] = values
    return [Fact(*row) for row in zip(*(columns[name] for name in FACT_COLUMNS), strict=True)]


def build_patients(
    facts_frame,
    notes_frame=None,
    index_dates: Mapping[str, datetime.date] | datetime.date | None = None,
) -> Iterator[Patient]:
    """Patients in the order of their ids; one with notes and no facts is a patient too.

    ``index_dates`` is one date for all, or a mapping of ``patient_id`` to date (missing ids: assumed).
    """
    by_patient: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts_of_frame(facts_frame):
        by_patient[fact.patient_id].append(fact)
    last: dict[str, datetime.date] = {}
    count: dict[str, int] = defaultdict(int)
    if notes_frame is not None and len(notes_frame):
        dates = _dates(notes_frame["note_date"].tolist()) if "note_date" in notes_frame else [None] * len(notes_frame)
        for patient_id, date in zip(notes_frame["patient_id"].tolist(), dates, strict=True):
            key = str(patient_id)
            count[key] += 1
            by_patient.setdefault(key, [])
            if date and date > last.get(key, _FIRST):
                last[key] = date
    for patient_id in sorted(by_patient):
        index = index_dates.get(patient_id) if isinstance(index_dates, Mapping) else index_dates
        yield make_patient(
            patient_id,
            by_patient[patient_id],
            index,
            last_note_date=last.get(patient_id),
            n_notes=count.get(patient_id, 0),
        )
