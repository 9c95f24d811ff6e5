"""From outcomes to one decision for each patient, its date, and the question that would settle most.

Source: clinical specification 2.2, 2.3 and the rulings on the decision. The strongest word is "candidate": nothing that
excludes was found in the notes; whether the patient is enrolled is decided by people.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from extractor.trials.evaluation import Result
from extractor.trials.trialfile import Trial
from extractor.truth import Truth

DECISIONS = ("candidate", "potential-candidate", "ineligible-for-now", "ineligible")
TIER_WEIGHT = {"gating": 3.0, "screening": 1.0, "attestation": 0.3}


@dataclass(frozen=True)
class Decision:
    """What the outcomes of one patient add up to."""

    decision: str
    cohort: str | None
    possible_cohorts: tuple[str, ...]
    failed: tuple[str, ...]
    open: tuple[str, ...]
    earliest_date: datetime.date | None
    waiting: tuple[str, ...]  # time-bound criteria whose end is not known
    correctable: tuple[str, ...]
    checklist: tuple[str, ...]  # open screening measurements and attestations
    strict_status: str
    next_question: str | None


def decide(results: Mapping[str, Result], trial: Trial, cohort_truths: Mapping[str, Truth]) -> Decision:
    """Decision, earliest date and next question of one patient.

    ``cohort_truths``: is the patient in each of the trial's cohorts.
    """
    units = [results[unit.id] for unit in trial.units()]
    failed = [r for r in units if r.outcome == "fail"]
    still_open = [r for r in units if r.outcome == "open"]
    gating = [r for r in still_open if r.criterion.tier == "gating" and r.criterion.gating]
    blocking = [r for r in failed if r.criterion.gating]
    if any(r.resolvable == "fixed" for r in blocking):
        decision = "ineligible"
    elif blocking:
        decision = "ineligible-for-now"
    elif gating:
        decision = "potential-candidate"
    else:
        decision = "candidate"
    dates = [r.clear_date for r in blocking if r.clear_date]
    waiting = [r for r in blocking if r.resolvable == "time" and r.clear_date is None]
    waiting += [r for r in still_open if r.criterion.resolvable == "time" and r.criterion.tier == "gating"]
    certain = [name for name, truth in cohort_truths.items() if truth is Truth.T]
    possible = tuple(certain or [name for name, truth in cohort_truths.items() if truth is Truth.U])
    return Decision(
        decision=decision,
        cohort=certain[0] if len(certain) == 1 else None,
        possible_cohorts=possible,
        failed=_ids(blocking),
        open=_ids(still_open),
        earliest_date=max(dates) if dates and decision == "ineligible-for-now" else None,
        waiting=_ids(waiting),
        correctable=_ids(r for r in blocking if r.resolvable == "correctable"),
        checklist=_ids(r for r in still_open if r.criterion.tier != "gating"),
        strict_status=_strict(results, trial),
        next_question=None if decision == "ineligible" else next_question(still_open, trial),
    )


def _ids(results: Iterable[Result]) -> tuple[str, ...]:
    return tuple(result.criterion.id for result in results)


def _strict(results: Mapping[str, Result], trial: Trial) -> str:
    """Kleene's conjunction over all numbered criteria: true only once every one has passed."""
    outcomes = {results[criterion.id].outcome for criterion in trial.criteria}
    return "false" if "fail" in outcomes else "unknown" if "open" in outcomes else "true"


def scores(still_open: Iterable[Result], trial: Trial) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Question → its score and the leaves that it serves: tier weight x chance of failing x decisive / cost, summed."""
    found: dict[str, tuple[float, tuple[str, ...]]] = {}
    for result in still_open:
        row = result.criterion
        worth = TIER_WEIGHT[row.tier] * row.p_fail * row.decisive
        for name in row.asks:
            score, leaves = found.get(name, (0.0, ()))
            found[name] = (score + worth / trial.questions[name].cost, (*leaves, row.id))
    return found


def next_question(still_open: list[Result], trial: Trial) -> str | None:
    """The fact that would decide most, as a question with its reason; ties by lower cost, then the file's order."""
    ranked = scores(still_open, trial)
    order = {name: number for number, name in enumerate(trial.questions)}
    if not ranked:
        first = next(iter(still_open), None)
        return f"{first.answer.missing}? (decides {first.criterion.id})" if first and first.answer.missing else None
    best = min(ranked, key=lambda name: (-round(ranked[name][0], 9), trial.questions[name].cost, order[name]))
    leaves = ranked[best][1]
    wanted = list(dict.fromkeys(r.answer.missing for r in still_open if r.criterion.id in leaves and r.answer.missing))
    detail = f" Missing: {'; '.join(wanted[:3])}." if wanted else ""
    return f"{trial.questions[best].text} (decides {', '.join(leaves)}).{detail}"
