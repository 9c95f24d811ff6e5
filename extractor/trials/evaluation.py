"""One patient against one trial: an outcome for each criterion and leaf.

Order (clinical specification, sections 1 and 11): a criterion that does not apply is ``not_applicable``; where that is
unknown, a pass is kept and everything else is open. A leaf on which the notes are silent is decided by its absence
policy and not by its rule; a silent part of a leaf that is not silent falls back on its own policy. A parent reads its
leaves: one that does not apply counts as passed.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extractor.timeline.chronology import CONSTANT, constant
from extractor.timeline.patient import Patient
from extractor.timeline.settings import Settings
from extractor.trials import language as lang
from extractor.trials.lookup import spoken
from extractor.trials.rules import Scope, changed, codes
from extractor.trials.trialfile import Absence, Criterion, Trial
from extractor.truth import Answer, Truth

WORDS = {Truth.T: "true", Truth.F: "false", Truth.U: "unknown"}


@dataclass(frozen=True, init=False)
class Result:
    """The outcome of one criterion or leaf for one patient."""

    criterion: Criterion
    answer: Answer
    outcome: str  # pass fail open not_applicable
    applies: Truth = Truth.T

    def __init__(self, criterion: Criterion, answer: Answer, outcome: str, applies: Truth = Truth.T):
        # as in Answer: one for each criterion and patient
        own = self.__dict__
        own["criterion"] = criterion
        own["answer"] = answer
        own["outcome"] = outcome
        own["applies"] = applies

    @property
    def provisional(self) -> str | None:
        """``pass`` or ``fail`` that a value outside its window would give."""
        if self.outcome != "open" or self.answer.provisional is None:
            return None
        return outcome_of(self.answer.provisional, self.criterion.kind)

    @property
    def clear_date(self) -> datetime.date | None:
        return self.answer.clear_date if self.outcome in ("fail", "open") else None

    @property
    def resolvable(self) -> str | None:
        """How a failure can end: ``fixed`` (not at all), ``time`` or ``correctable``; None where there is none."""
        if self.outcome != "fail":
            return None
        if self.answer.correctable is False and self.answer.clear_date is None:
            return "fixed"
        if self.answer.clear_date is not None:
            return "time"
        if self.answer.correctable:
            return "correctable"
        return self.criterion.resolvable


def outcome_of(truth: Truth, kind: str) -> str:
    """Effect of a sentence on the patient.

    >>> outcome_of(Truth.T, "exclusion"), outcome_of(Truth.U, "inclusion")
    ('fail', 'open')
    """
    if truth is Truth.U:
        return "open"
    return "pass" if (truth is Truth.T) == (kind == "inclusion") else "fail"


class Evaluator:
    """A trial with its settings, ready for patients."""

    def __init__(self, trial: Trial, *, strict: bool = False, policies: Mapping[str, object] | None = None):
        self.trial = trial
        self.strict = strict
        self.policies = trial.settings_of(policies)
        self.settings = Settings(policies=self.policies, windows=trial.windows)
        self._rows = {row.id: row for row in trial.rows()}
        self._parents = {leaf.id: criterion for criterion in trial.criteria for leaf in criterion.leaves}
        # what follows from answers that are the same for every patient: most leaves of most patients are silent
        self._silences: dict[tuple, tuple[Answer, Answer]] = {}
        self._shared: dict[tuple[str, int], Result] = {}

    def results(
        self,
        patient: Patient,
        *,
        states: Mapping[str, Answer | Truth | bool | None] | None = None,
        contexts: Mapping[str, Truth] | None = None,
    ) -> dict[str, Result]:
        """Outcome of every criterion and leaf, in the order of the file.

        ``states`` and ``contexts`` replace the timeline's answers (cases of a trial file, tests); ``None`` is silence.
        """
        given = {name: as_answer(value, name) for name, value in (states or {}).items()}
        scope = Scope(patient, self.settings, given, self.trial.cohorts, self.trial.any_cohort)
        done: dict[str, Result] = {}
        sentences: dict[str, Answer] = {}

        def answer_of(name: str) -> Answer:
            if name not in sentences:
                if name not in done:
                    done[name] = self._result(self._rows[name], scope, contexts)
                sentences[name] = sentence(done[name])
            return sentences[name]

        scope.answer_of = answer_of
        for name, row in self._rows.items():
            if name not in done:
                done[name] = self._result(row, scope, contexts)
        scope.answer_of = None  # no circle: the patient goes as soon as the next one comes
        return {name: done[name] for name in self._rows}

    def cohort_truths(self, patient: Patient, states: Mapping[str, Any] | None = None) -> dict[str, Truth]:
        """Is the patient in each of the trial's cohorts?"""
        given = {name: as_answer(value, name) for name, value in (states or {}).items()}
        scope = Scope(patient, self.settings, given, self.trial.cohorts, self.trial.any_cohort)
        return {name: scope.state(state).truth for name, state in self.trial.cohorts.items()}

    def _result(self, row: Criterion, scope: Scope, contexts) -> Result:
        applies, why = Truth.T, Answer(Truth.T)
        parent = self._parents.get(row.id)
        if parent is not None and parent.applies is not None:
            key = ("applies", parent.id)
            answer = scope.cache.get(key)
            if answer is None:
                answer = scope.cache[key] = self._plain(parent.applies, scope)
            applies, why = answer.truth, answer
        if row.applies is not None and applies is not Truth.F:
            answer = self._plain(row.applies, scope)
            if answer.truth < applies:
                applies, why = answer.truth, answer
        if applies is Truth.F:
            reason = f"Not applicable. {why.reason}".strip()
            return Result(row, Answer(Truth.U, reason, why.evidence), "not_applicable", applies)
        answer = self._answer(row, scope, contexts)
        if applies is Truth.T and id(answer) in CONSTANT:
            shared = (row.id, id(answer))
            if shared not in self._shared:
                self._shared[shared] = self._outcome(row, answer, applies, why)
            return self._shared[shared]
        return self._outcome(row, answer, applies, why)

    @staticmethod
    def _outcome(row: Criterion, answer: Answer, applies: Truth, why: Answer) -> Result:
        outcome = outcome_of(answer.truth, row.kind)
        if applies is Truth.U and outcome != "pass":
            missing = "; ".join(dict.fromkeys(part for part in (answer.missing, why.missing) if part))
            reason = f"{answer.reason} Whether the criterion applies is not known: {why.reason}".strip()
            answer = changed(
                answer,
                reason=reason,
                missing=missing or "whether the criterion applies",
                review=codes((*answer.review, *why.review)),
                provisional=None,
                clear_date=None,
            )
            outcome = "open"
        review = answer.review
        if row.review and answer.asserted:
            review = codes((*review, *row.review))
        if answer.presumed and row.tier == "gating" and not row.leaves:
            review = codes((*review, "R7"))
        missing = ""
        if outcome == "open":
            missing = answer.missing
            if not row.leaves:
                missing = row.missing or missing or spoken(row.label or "a statement on this criterion")
        if review != answer.review or missing != answer.missing:
            answer = changed(answer, review=review, missing=missing)
        return Result(row, answer, outcome, applies)

    @staticmethod
    def _plain(rule, scope: Scope) -> Answer:
        """A rule without any absence policy (conditions of applying)."""
        keep, scope.absent = scope.absent, None
        try:
            return rule(scope)
        finally:
            scope.absent = keep

    def _answer(self, row: Criterion, scope: Scope, contexts) -> Answer:
        if row.atoms and not row.refers:
            asked = [scope.ask(atom) for atom in row.atoms]
            if not any(answer.asserted for answer in asked):
                return self._silence(row, scope, contexts, asked)
        keep, scope.absent = scope.absent, lambda atom, found: self._part(row, atom, found, scope, contexts)
        try:
            answer = row.rule(scope)
        finally:
            scope.absent = keep
        return _of_leaves(row, answer, scope) if row.leaves else answer

    def _silence(self, row: Criterion, scope: Scope, contexts, asked: list[Answer]) -> Answer:
        """Nothing in the notes speaks of the leaf: its policy decides."""
        plain, open_ = self._unspoken(row, scope, asked)
        if not self.strict and row.presume is not None:
            because = self._plain(row.presume, scope)
            if because.truth is Truth.T:
                reason = f"{plain.reason} Presumed not to be the case: {because.reason}".strip()
                return Answer(Truth.F, reason, because.evidence, ("R7",), asserted=False, presumed=True)
        truth, because = self._policy(row.absence, scope, contexts)
        if truth is Truth.F:
            absent = Answer(Truth.F, asserted=False, presumed=True)
            keep, scope.absent = scope.absent, lambda atom, found: absent if _can_be_absent(atom) else found
            try:
                ruled = row.rule(scope)
            finally:
                scope.absent = keep
            reason = f"{plain.reason} Presumed absent: {because.reason}".strip()
            return Answer(ruled.truth, reason, because.evidence, asserted=False, presumed=ruled.truth is not Truth.U,
                          missing=ruled.missing)  # fmt: skip
        if row.absence.kind != "context":
            return open_
        reason = f"{plain.reason} {because.reason}".strip()
        return changed(plain, truth=Truth.U, reason=reason, presumed=False, provisional=None)

    def _unspoken(self, row: Criterion, scope: Scope, asked: list[Answer]) -> tuple[Answer, Answer]:
        """What the rule says of silence, before any policy, and as an open answer."""
        key = (row.id, *map(id, asked))
        found = self._silences.get(key)
        if found is None:
            plain = self._plain(row.rule, scope)
            said = "Only a person can attest it." if row.absence.kind == "attest" else ""
            open_ = changed(
                plain, truth=Truth.U, reason=f"{plain.reason} {said}".strip(), presumed=False, provisional=None
            )
            found = plain, open_
            if all(id(answer) in CONSTANT for answer in asked):
                constant(open_)
                self._silences[key] = found
        return found

    def _part(self, row: Criterion, atom: lang.Atom, found: Answer, scope: Scope, contexts) -> Answer:
        """A silent part of a leaf that is not silent as a whole."""
        if not _can_be_absent(atom):
            return found
        policy = row.absence_of.get(getattr(atom, "name", ""), row.absence)
        truth, because = self._policy(policy, scope, contexts)
        if truth is Truth.U:
            return found
        return Answer(truth, f"{found.reason} Presumed absent: {because.reason}".strip(), because.evidence,
                      asserted=False, presumed=True)  # fmt: skip

    def _policy(self, absence: Absence, scope: Scope, contexts) -> tuple[Truth, Answer]:
        """F where silence means absence, with the document that it rests on; else U."""
        if self.strict or absence.kind in ("unknown", "attest"):
            return Truth.U, Answer(Truth.U)
        found = [_context(scope, name, contexts) for name in absence.contexts]
        present = next((answer for answer in found if answer.truth is Truth.T), None)
        if absence.kind == "absent":
            if present:
                return Truth.F, present
            return Truth.F, Answer(Truth.T, "the criterion asks for no proof of absence.")
        if present:
            return Truth.F, present
        return Truth.U, found[0]


def _context(scope: Scope, name: str, contexts: Mapping[str, Truth] | None) -> Answer:
    if contexts is not None:
        truth = contexts.get(name, Truth.F)
        return Answer(truth, f"{spoken(name)} is {'' if truth is Truth.T else 'not '}in the packet.")
    key = ("context", name)
    if key not in scope.cache:
        scope.cache[key] = scope.patient.context(name, scope.settings)
    return scope.cache[key]


def _can_be_absent(atom: lang.Atom) -> bool:
    """Findings, events, drugs and states can be presumed absent; a number or a word of the patient cannot."""
    return isinstance(atom, lang.State | lang.Present | lang.Event | lang.Received) and not (
        isinstance(atom, lang.State) and atom.attest
    )


def as_answer(value: Answer | Truth | bool | str | None, name: str) -> Answer:
    """A given state as an answer; None (or "silent") says that the notes are silent."""
    if isinstance(value, Answer):
        return value
    if value is None or value == "silent":
        return Answer(Truth.U, f"The notes say nothing about {spoken(name)}.", asserted=False, missing=spoken(name))
    truth = value if isinstance(value, Truth) else Truth.T if value is True else Truth.F if value is False else Truth.U
    words = {Truth.T: "is given as true", Truth.F: "is given as false", Truth.U: "is given as unknown"}
    return Answer(
        truth, f"{spoken(name).capitalize()} {words[truth]}.", missing="" if truth is not Truth.U else spoken(name)
    )


def sentence(result: Result) -> Answer:
    """What another rule reads: the sentence; one that does not apply counts as passed, an open one is unknown."""
    answer = result.answer
    if result.outcome == "open":
        truth = Truth.U
    else:
        truth = Truth.T if (result.criterion.kind == "inclusion") == (result.outcome != "fail") else Truth.F
    return answer if truth is answer.truth else changed(answer, truth=truth, provisional=None)


def _of_leaves(row: Criterion, answer: Answer, scope: Scope) -> Answer:
    """A parent's reason: those of the deciding leaves, with their ids."""
    deciding = []
    for leaf in row.leaves:
        if leaf.gating:
            read = scope.sentence(leaf.id)
            if read.truth is answer.truth and not read.reason.startswith("Not applicable."):
                deciding.append((leaf.id, read))
    if not deciding:
        return answer
    reason = " ".join(f"{name}: {read.reason}" for name, read in deciding[:6] if read.reason)
    missing = (
        "; ".join(dict.fromkeys(read.missing for _, read in deciding if read.missing))
        if answer.truth is Truth.U
        else ""
    )
    presumed = any(read.presumed for _, read in deciding)
    return changed(answer, reason=reason, missing=missing, presumed=presumed)
