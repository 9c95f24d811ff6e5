"""Runs the test cases that a trial file carries, and says which names of its rules nobody answers.

A case is a small patient: ``states`` set answers of the timeline (``true``, ``false``, ``"unknown"``, ``"silent"``),
``facts`` are mini facts (``{concept = "platelets", value = 84, unit = "10*9/L", days_ago = 3}``), ``contexts`` the
documents in the packet, ``expect`` the outcome.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from extractor import patterns
from extractor.errors import TrialError
from extractor.records import FACT_COLUMNS, Fact
from extractor.timeline import DERIVED, STATES, knowledge
from extractor.timeline.patient import Patient, make_patient
from extractor.trials import language as lang
from extractor.trials.evaluation import Evaluator
from extractor.trials.trialfile import CONTEXTS, Criterion, Trial, load_trial, shipped
from extractor.truth import Truth

INDEX = datetime.date(2025, 11, 20)
OUTCOMES = ("pass", "fail", "open", "not_applicable")
_MINI = frozenset(FACT_COLUMNS) | {"days_ago", "date", "note_days_ago"}


@dataclass(frozen=True)
class CaseResult:
    """One case of a trial file and what became of it."""

    trial: str
    criterion: str
    number: int
    expected: str
    found: str
    reason: str

    @property
    def id(self) -> str:
        return f"{self.trial}:{self.criterion}:{self.number}"

    @property
    def ok(self) -> bool:
        return self.expected == self.found


#: concepts that a family reads under the pattern of another one
_READ_WITH_OTHERS = {
    "age": ("demographic", "a"),
    "sex": ("demographic", None),
    "dll3_percent": ("biomarker", "%"),
    "dll3_h_score": ("biomarker", "{score}"),
    "brain_metastases": ("condition", None),
    "liver_metastases": ("condition", None),
}


@lru_cache(maxsize=1)
def _families() -> dict[str, tuple[str, str | None]]:
    """Concept → family and canonical unit, from the pattern files."""
    found = {concept.concept: (concept.family, concept.unit) for concept in patterns.load().concepts}
    return {**found, **_READ_WITH_OTHERS}


def mini_fact(item: Mapping[str, Any], number: int, where: str, index: datetime.date = INDEX) -> Fact:
    """A fact from the few words of a case; what is not said takes the plainest value.

    ``days_ago`` (or ``date``) is the day on which it held, ``note_days_ago`` the note's day (default: the same day, or
    the day before the index date where the fact is undated).
    """
    for key in item:
        if key not in _MINI:
            raise TrialError(f"{where}: fact: unknown key {key!r}; allowed: {', '.join(sorted(_MINI))}")
    if "concept" not in item:
        raise TrialError(f"{where}: fact: concept: missing")
    concept = item["concept"]
    family, unit = _families().get(concept, ("", None))
    if not family:
        drug = concept in knowledge.half_lives() or any(concept in members for members in knowledge.classes().values())
        family = "therapy" if drug else "support"
    day = _day(item, "date", "days_ago", index)
    written = _day(item, "note_date", "note_days_ago", index) or day or index - datetime.timedelta(days=1)
    known = {key: value for key, value in item.items() if key in FACT_COLUMNS and key not in ("date_start", "date_end")}
    start = _as_date(item.get("date_start")) or day or written
    end = _as_date(item.get("date_end")) or day or written
    values: dict[str, Any] = {name: None for name in FACT_COLUMNS}
    values.update(
        fact_id=f"f{number}", patient_id="case", note_id=f"note-{written.isoformat()}", note_type="", family=family,
        code="", assertion="present", experiencer="patient", temporality="current", attributes={}, start=number, end=number,
        text="", rule_id="case", sentence_sha="", unit=unit if "value" in item else None,
        comparator="=" if "value" in item else None, date_precision="day" if day or "date_start" in item else "note",
    )  # fmt: skip
    values.update(known, note_date=written, date_start=start, date_end=end)
    return Fact(**values)


def _as_date(value: Any) -> datetime.date | None:
    return datetime.date.fromisoformat(value) if isinstance(value, str) else value


def _day(item: Mapping[str, Any], date: str, ago: str, index: datetime.date) -> datetime.date | None:
    if date in item:
        return _as_date(item[date])
    return index - datetime.timedelta(days=int(item[ago])) if ago in item else None


def case_patient(case: Mapping[str, Any], where: str, index: datetime.date = INDEX) -> Patient:
    """The patient of a case."""
    items = list(case.get("facts", ()))
    if "sex" in case:
        items.append({"concept": "sex", "value_text": case["sex"], "note_days_ago": 1})
    if "age" in case:
        items.append({"concept": "age", "value": case["age"], "note_days_ago": 1})
    return make_patient("case", [mini_fact(item, i, where, index) for i, item in enumerate(items)], index)


def case_states(case: Mapping[str, Any], trial: Trial) -> dict[str, Any]:
    """States that a case gives; ``cohort = "nec"`` sets the states of all cohorts."""
    states = dict(case.get("states", {}))
    if "cohort" in case:
        for name, state in trial.cohorts.items():
            states.setdefault(state, name == case["cohort"])
    return states


def run_cases(trial: Trial) -> Iterator[CaseResult]:
    """Every case of a trial file with its outcome."""
    evaluators: dict[tuple, Evaluator] = {}
    for row in trial.rows():
        for number, case in enumerate(row.cases):
            yield _run_case(trial, row, number, case, evaluators)


def _run_case(trial: Trial, row: Criterion, number: int, case: Mapping[str, Any], evaluators: dict) -> CaseResult:
    where = f"{trial.file}: criterion {row.id}: case {number}"
    expected = case.get("expect")
    if expected not in OUTCOMES:
        raise TrialError(f"{where}: expect: expected one of {', '.join(OUTCOMES)}, found {expected!r}")
    chosen = tuple(sorted(case.get("policies", {}).items()))
    evaluator = evaluators.setdefault(chosen, Evaluator(trial, policies=dict(chosen)))
    contexts = None
    if "contexts" in case:
        for name in case["contexts"]:
            if name not in CONTEXTS:
                raise TrialError(f"{where}: contexts: expected some of {', '.join(CONTEXTS)}, found {name!r}")
        contexts = {name: Truth.T if name in case["contexts"] else Truth.F for name in CONTEXTS}
    result = evaluator.results(case_patient(case, where), states=case_states(case, trial), contexts=contexts)[row.id]
    found = result.outcome
    if "expect_review" in case and case["expect_review"] not in result.answer.review:
        found = f"{found} without {case['expect_review']}"
    return CaseResult(trial.id, row.id, number, expected, found, result.answer.reason)


def unanswered(trial: Trial) -> list[str]:
    """States, derived values and concepts that the rules of a trial name and nobody answers."""
    known = _families().keys() | knowledge.half_lives().keys() | STATES.keys()
    problems = []
    for row in trial.rows():
        for node in row.nodes():
            for item in node.walk():
                match item:
                    case lang.State(name=name) if name not in STATES:
                        problems.append(f"{row.id}: no state {name!r} in the timeline")
                    case lang.Compare(name=name, derived=True) if name not in DERIVED:
                        problems.append(f"{row.id}: no derived value {name!r} in the timeline")
                    case lang.Compare(name=name, derived=False) if name not in known and name not in DERIVED:
                        problems.append(f"{row.id}: no concept {name!r} in the patterns")
                    case lang.Present(name=name) | lang.Event(name=name) if name not in known:
                        problems.append(f"{row.id}: no concept {name!r} in the patterns")
                    case lang.Is(name=name) if name not in known and name != "cohort":
                        problems.append(f"{row.id}: no concept {name!r} in the patterns")
                    case lang.Received(name=name) if name not in known and name not in knowledge.classes():
                        problems.append(f"{row.id}: no drug or class {name!r}")
    problems += [f"cohort {name}: no state {state!r}" for name, state in trial.cohorts.items() if state not in STATES]
    return list(dict.fromkeys(problems))


def check_trial(trial: Trial) -> list[str]:
    """Problems of one trial: names nobody answers, criteria without cases, cases with another outcome."""
    problems = [f"{trial.file}: {problem}" for problem in unanswered(trial)]
    for criterion in trial.criteria:
        if not any(row.cases for row in (criterion, *criterion.leaves)):
            problems.append(f"{trial.file}: criterion {criterion.id}: carries no cases")
    for result in run_cases(trial):
        if not result.ok:
            problems.append(
                f"{trial.file}: criterion {result.criterion}: case {result.number}: expected {result.expected}, "
                f"found {result.found} ({result.reason})"
            )
    return problems


def check(
    *, overlay: str | os.PathLike[str] | None = None, trials: Sequence[str | os.PathLike[str]] | None = None
) -> list[str]:
    """Problems of the trials named, else of all shipped ones and those of an overlay; an empty list: all is well."""
    return [problem for name in (trials or shipped(overlay)) for problem in check_trial(load_trial(name, overlay))]
