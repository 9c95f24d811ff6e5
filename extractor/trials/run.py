"""Facts of many patients against one or several trials: the frames of ``criteria.parquet`` and ``patients.parquet``."""

from __future__ import annotations

import datetime
import gc
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extractor.errors import InputError
from extractor.timeline.patient import Patient, build_patients
from extractor.trials.decision import Decision, decide
from extractor.trials.evaluation import WORDS, Evaluator, Result
from extractor.trials.trialfile import Trial, load_trial
from extractor.truth import Truth

if TYPE_CHECKING:
    import pandas as pd

CRITERIA_COLUMNS = (
    "patient_id", "trial_id", "criterion_id", "parent_id", "kind", "tier", "truth", "outcome", "presumed", "provisional",
    "clear_date", "needs_review", "review_codes", "reason", "missing", "evidence", "class", "resolvable", "policies",
)  # fmt: skip
PATIENT_COLUMNS = (
    "patient_id", "trial_id", "decision", "cohort", "failed", "open", "earliest_date", "next_question", "index_date",
    "index_date_assumed", "n_notes", "last_note_date", "possible_cohorts", "waiting", "correctable", "checklist",
    "strict_status", "needs_review",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What an evaluation gives.

    ``criteria``       one row for each patient, trial, and criterion or leaf (CRITERIA_COLUMNS)
    ``patients``       one row for each patient and trial (PATIENT_COLUMNS)
    ``attrition``      one row for each trial and criterion: outcomes alone, and who is left when applied in order
    ``policies_used``  "TRIAL POLICY name" → its value, for every policy that touched an answer or was chosen
    ``policies``       trial → policy → value, reason, and the criteria and number of patients that it touched
    ``trials``         trial → digest of its file
    ``notices``        what a report says once for each trial
    """

    criteria: pd.DataFrame
    patients: pd.DataFrame
    attrition: pd.DataFrame
    policies_used: dict[str, str] = field(default_factory=dict)
    policies: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    trials: dict[str, str] = field(default_factory=dict)
    notices: dict[str, list[str]] = field(default_factory=dict)


def evaluate(
    facts: pd.DataFrame,
    *,
    trial: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    notes: pd.DataFrame | None = None,
    index_date: datetime.date | str | Mapping[str, Any] | pd.DataFrame | None = None,
    strict: bool = False,
    policies: Mapping[str, object] | None = None,
    overlay: str | os.PathLike[str] | None = None,
) -> Run:
    """Apply the rules of one or several trials to facts; no NLP is run where the support facts are at hand.

    ``facts``       frame with the columns of ``facts.parquet``; support facts are its own rows or ``attrs["support"]``
    ``trial``       name of a shipped trial, a file, or several of them
    ``notes``       frame of the notes: patients without any fact get rows too, and support facts that are missing are
                    made from its text
    ``index_date``  planned cycle 1 day 1: one for all, a mapping or a frame ``patient_id, index_date``; None: the day
                    after the last note, marked as assumed
    ``strict``      absence policies off: silence is always unknown
    ``policies``    choices for what the protocol leaves open, ``{"A-1": "cap30_biologics"}``

    Raises TrialError for a wrong trial file or policy, InputError for a wrong index date or missing columns.
    """
    named = [trial] if isinstance(trial, str | os.PathLike) else list(trial)
    evaluators = [Evaluator(load_trial(name, overlay), strict=strict, policies=policies) for name in named]
    for column in ("patient_id", "concept", "assertion"):
        if column not in facts.columns:
            raise InputError(f"facts: no column {column!r}; found: {', '.join(map(str, facts.columns))}")
    whole = with_support(facts, notes, overlay)
    with _collector_at_rest():
        patients = build_patients(whole, notes, index_dates(index_date))
        return evaluate_patients(patients, evaluators)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """No search for circles while patients are decided: they make none, and it is a fifth of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def with_support(
    facts: pd.DataFrame, notes: pd.DataFrame | None = None, overlay: str | os.PathLike[str] | None = None
) -> pd.DataFrame:
    """Facts and support facts in one frame; the latter are made from the notes' text where they are missing."""
    import pandas as pd

    if "family" in facts.columns and len(facts) and (facts["family"] == "support").any():
        return facts
    support = facts.attrs.get("support")
    if support is None and notes is not None and "text" in notes.columns and len(notes):
        from extractor.api import extract

        support = extract(notes, overlay=overlay).attrs["support"]
    if support is None or not len(support):
        return facts
    plain = facts.copy()
    plain.attrs = {}
    return pd.concat([plain, support], ignore_index=True) if len(facts) else support


def index_dates(given: Any) -> datetime.date | dict[str, datetime.date] | None:
    """An index date for all, or for each patient; raises InputError where one cannot be read.

    >>> index_dates("2026-03-01")
    datetime.date(2026, 3, 1)
    """
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {str(key): _date(value) for key, value in given.items() if value is not None and value == value}
    if hasattr(given, "columns"):
        for column in ("patient_id", "index_date"):
            if column not in given.columns:
                raise InputError(f"index date: no column {column!r}; found: {', '.join(map(str, given.columns))}")
        return index_dates(dict(zip(given["patient_id"].tolist(), given["index_date"].tolist(), strict=True)))
    return _date(given)


def _date(value: Any) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, str):
        try:
            return datetime.date.fromisoformat(value.strip()[:10])
        except ValueError:
            pass
    raise InputError(f"index date: expected YYYY-MM-DD, found a {type(value).__name__} that is none")


def evaluate_patients(patients: Iterable[Patient], evaluators: Sequence[Evaluator]) -> Run:
    """The rows of all patients for all trials."""
    import pandas as pd

    criteria: list[tuple] = []
    people: list[tuple] = []
    tallies = {evaluator.trial.id: _Tally(evaluator) for evaluator in evaluators}
    for patient in patients:
        for evaluator in evaluators:
            results, decision = evaluate_patient(patient, evaluator)
            tallies[evaluator.trial.id].add(results)
            criteria += [_criterion_row(patient, evaluator.trial, result) for result in results.values()]
            people.append(_patient_row(patient, evaluator.trial, decision, results))
    used = {name: tally.policies() for name, tally in tallies.items()}
    return Run(
        criteria=_frame(CRITERIA_COLUMNS, criteria, ("presumed", "needs_review")),
        patients=_frame(PATIENT_COLUMNS, people, ("index_date_assumed", "needs_review")),
        attrition=pd.DataFrame(
            [row for tally in tallies.values() for row in tally.attrition()], columns=ATTRITION_COLUMNS
        ),
        policies_used={
            f"{trial} {name} {entry['name']}": entry["value"]
            for trial, found in used.items()
            for name, entry in found.items()
            if entry["criteria"] or entry["value"] != entry["default"]
        },
        policies=used,
        trials={evaluator.trial.id: evaluator.trial.digest for evaluator in evaluators},
        notices={evaluator.trial.id: _notices(evaluator.trial, used[evaluator.trial.id]) for evaluator in evaluators},
    )


def evaluate_patient(patient: Patient, evaluator: Evaluator, **given: Any) -> tuple[dict[str, Result], Decision]:
    """Outcomes and decision of one patient; ``given`` states and contexts as in ``Evaluator.results``."""
    results = evaluator.results(patient, **given)
    return results, decide(results, evaluator.trial, evaluator.cohort_truths(patient, given.get("states")))


def _criterion_row(patient: Patient, trial: Trial, result: Result) -> tuple:
    row, answer = result.criterion, result.answer
    open_or_known = answer.truth if result.outcome != "not_applicable" else Truth.U
    return (
        patient.patient_id,
        trial.id,
        row.id,
        row.parent or None,
        row.kind,
        row.tier,
        WORDS[open_or_known],
        result.outcome,
        answer.presumed and result.outcome in ("pass", "fail"),
        result.provisional,
        result.clear_date,
        bool(answer.review),
        list(answer.review),
        answer.reason,
        answer.missing if result.outcome == "open" else None,
        list(answer.evidence),
        row.klass,
        result.resolvable,
        list(row.policies),
    )


def _patient_row(patient: Patient, trial: Trial, decision: Decision, results: Mapping[str, Result]) -> tuple:
    return (
        patient.patient_id,
        trial.id,
        decision.decision,
        decision.cohort,
        list(decision.failed),
        list(decision.open),
        decision.earliest_date,
        decision.next_question,
        patient.index_date,
        patient.index_assumed,
        patient.n_notes,
        patient.last_note_date,
        list(decision.possible_cohorts),
        list(decision.waiting),
        list(decision.correctable),
        list(decision.checklist),
        decision.strict_status,
        any(result.answer.review for result in results.values() if result.outcome != "not_applicable"),
    )


def _frame(names: Sequence[str], rows: Sequence[tuple], booleans: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    data = {name: pd.Series(values, dtype=bool if name in booleans else object) for name, values in columns.items()}
    if "n_notes" in data:
        data["n_notes"] = data["n_notes"].astype("int64")
    return pd.DataFrame(data)


ATTRITION_COLUMNS = (
    "trial_id", "criterion_id", "kind", "text", "n_pass", "n_fail", "n_open", "n_not_applicable", "n_before", "n_removed",
    "n_after",
)  # fmt: skip


class _Tally:
    """Counts over all patients of one trial."""

    def __init__(self, evaluator: Evaluator):
        self.evaluator = evaluator
        self.alone: dict[str, Counter] = defaultdict(Counter)
        self.removed: Counter = Counter()
        self.total = 0
        self.touched: dict[str, dict[str, set]] = {}
        self._policies = {row.id: row.policies for row in evaluator.trial.units() if row.policies}

    def add(self, results: Mapping[str, Result]) -> None:
        self.total += 1
        gone = False
        for criterion in self.evaluator.trial.criteria:
            outcome = results[criterion.id].outcome
            self.alone[criterion.id][outcome] += 1
            if outcome == "fail" and not gone:
                self.removed[criterion.id] += 1
                gone = True
        for name, policies in self._policies.items():
            result = results[name]
            if result.outcome == "not_applicable":
                continue
            decided = result.answer.notes.get("policies") or (policies if "R6" in result.answer.review else ())
            for policy in decided if isinstance(decided, list | tuple) else ():
                entry = self.touched.setdefault(policy, {"criteria": set(), "patients": set()})
                entry["criteria"].add(name)
                entry["patients"].add(self.total)

    def policies(self) -> dict[str, dict[str, Any]]:
        """Policies that touched an answer, and those that a caller changed or that no use may overlook."""
        found = {}
        for name, policy in self.evaluator.trial.policies.items():
            value, entry = self.evaluator.policies[name], self.touched.get(name)
            if entry or value != policy.default or policy.blocker:
                found[name] = {
                    "name": policy.name,
                    "value": value,
                    "default": policy.default,
                    "options": list(policy.options),
                    "reason": policy.reason,
                    "blocker": policy.blocker,
                    "criteria": sorted(entry["criteria"]) if entry else [],
                    "patients": len(entry["patients"]) if entry else 0,
                }
        return found

    def attrition(self) -> list[tuple]:
        rows, left, trial = [], self.total, self.evaluator.trial
        for criterion in trial.criteria:
            alone, out = self.alone[criterion.id], self.removed[criterion.id]
            rows.append((trial.id, criterion.id, criterion.kind, criterion.text, alone["pass"], alone["fail"],
                         alone["open"], alone["not_applicable"], left, out, left - out))  # fmt: skip
            left -= out
        return rows


def _notices(trial: Trial, used: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a report says once: source and date of the record, notices of the trial, policies that decided anything."""
    said = [f"{trial.id}: {trial.source} ({trial.source_date})." if trial.source else f"{trial.id}."]
    if trial.notice:
        said.append(trial.notice)
    for name, entry in used.items():
        where = f" Touched {', '.join(entry['criteria'])} of {entry['patients']} patients." if entry["criteria"] else ""
        said.append(f"Policy {name} {entry['name']} = {entry['value']}: {entry['reason']}{where}")
    return said
