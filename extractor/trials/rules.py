"""Turns the nodes of a rule into one function of a patient's scope, compiled once for each trial.

A function gives an ``Answer``: the truth by Kleene's tables, and the reasons, evidence, review codes and clear date of
the parts that decide it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from extractor.timeline import DERIVED, STATES
from extractor.timeline.labs import LABS, latest_lab
from extractor.timeline.patient import Patient
from extractor.timeline.settings import Settings
from extractor.trials import language as lang
from extractor.trials import lookup
from extractor.truth import Answer, Truth, all_of, any_of, if_else, negate

Rule = Callable[["Scope"], Answer]
_FLIPPED = {Truth.T: Truth.F, Truth.F: Truth.T, Truth.U: Truth.U}


@dataclass
class Scope:
    """One patient while a trial is evaluated: settings, given states, and what was already answered.

    ``given``    states set from outside (cases, tests): they replace the timeline's answer
    ``cohorts``  names of the trial's cohorts → the state that decides each
    ``any_cohort`` state that is true where the patient is certainly in one of them
    ``absent``   what to do with a silent part of a rule that is not silent as a whole (the leaf's absence policy)
    ``answer_of`` the sentence of another criterion or leaf
    """

    patient: Patient
    settings: Settings
    given: Mapping[str, Answer] = field(default_factory=dict)
    cohorts: Mapping[str, str] = field(default_factory=dict)
    any_cohort: str = ""
    absent: Callable[[lang.Atom, Answer], Answer] | None = None
    answer_of: Callable[[str], Answer] | None = None
    cache: dict[object, Answer] = field(default_factory=dict)

    def state(self, name: str) -> Answer:
        """The answer of a state, asked once for each patient."""
        if name in self.given:
            return self.given[name]
        function = STATES.get(name)
        return function(self.patient, self.settings) if function else _undecided(name)

    def sentence(self, name: str) -> Answer:
        """The sentence of another criterion or leaf; the evaluator sets who answers."""
        if self.answer_of is None:
            raise RuntimeError("scope: answer_of is not set")
        return self.answer_of(name)

    def ask(self, atom: lang.Atom) -> Answer:
        """The answer of an atom before any absence policy, asked once for each patient."""
        key = id(atom)  # the atoms live as long as their trial; hashing them by value costs more than the answer
        found = self.cache.get(key)
        if found is None:
            found = self.cache[key] = _ask(atom, self)
        return found


def _undecided(name: str) -> Answer:
    return Answer(Truth.U, f"Not decided yet: {name}.", asserted=False, missing=lookup.spoken(name))


def _ask(atom: lang.Atom, scope: Scope) -> Answer:
    patient = scope.patient
    match atom:
        case lang.State(name=name):
            return scope.state(name)
        case lang.Compare(name=lookup.AGE, derived=False):
            return lookup.compare_age(atom, patient)
        case lang.Compare(derived=False, window=window) if atom.name in LABS and (window is None or window.days):
            measure = latest_lab(patient, atom.name, scope.settings, days=window.days if window else None)
            return lookup.judge(atom, [] if measure is None else [measure], patient)
        case lang.Compare(derived=True) | lang.Compare(window=None) if atom.name in DERIVED:
            measure = DERIVED[atom.name](patient, scope.settings)
            return lookup.judge(atom, [] if measure is None else [measure], patient)
        case lang.Compare(derived=True):
            return _undecided(atom.name)
        case lang.Compare():
            return lookup.judge(atom, lookup.readings(patient, atom.name, atom.window), patient)
        case lang.Is(name="cohort"):
            return _cohort(atom, scope)
        case lang.Is():
            return lookup.is_one_of(atom, patient)
        case lang.Present():
            if not atom.text and (atom.name in scope.given or atom.name in STATES):
                return scope.state(atom.name)
            return lookup.present(atom, patient)
        case lang.Event():
            return lookup.event(atom, patient)
        case lang.Received():
            return lookup.received(atom, patient)
    raise TypeError(f"rule: no evaluation for {type(atom).__name__}")  # pragma: no cover - every atom is above


def _cohort(atom: lang.Is, scope: Scope) -> Answer:
    """Is the patient in one of the cohorts? Unknown while more than one is possible."""
    answers = {name: scope.state(state) for name, state in scope.cohorts.items()}
    certain = [name for name, answer in answers.items() if answer.truth is Truth.T]
    wanted = [answers[name] for name in atom.values]
    truth = any_of(answer.truth for answer in wanted)
    if truth is Truth.U and certain:  # the cohort is one of the others
        truth = Truth.F
    if truth is Truth.U and scope.any_cohort:
        possible = {name for name, answer in answers.items() if answer.truth is not Truth.F}
        if possible <= set(atom.values) and scope.state(scope.any_cohort).truth is Truth.T:
            truth = Truth.T
    evidence = tuple(dict.fromkeys(fact for answer in answers.values() for fact in answer.evidence))
    if certain:
        reason = f"The cohort is {' or '.join(certain)}."
    elif truth is Truth.T:
        reason = f"The cohort is {' or '.join(atom.values)}."
    elif truth is Truth.F:
        reason = f"The cohort is not {' or '.join(atom.values)}."
    else:
        reason = "The cohort is not certain."
    review = () if truth is not Truth.U else tuple(dict.fromkeys(code for a in wanted for code in a.review))
    return Answer(truth, reason, evidence, review, missing="" if truth is not Truth.U else "histology of the tumour")


def compile_rule(node: lang.Node) -> Rule:
    """One function for a whole rule."""
    match node:
        case lang.Constant(truth=truth):
            constant = Answer(truth)
            return lambda scope: constant
        case lang.All(items=items):
            return _many([compile_rule(item) for item in items], all_of)
        case lang.Any(items=items):
            return _many([compile_rule(item) for item in items], any_of)
        case lang.AtLeast(number=number, items=items):
            return _at_least(number, [compile_rule(item) for item in items])
        case lang.Not(item=item):
            inner = compile_rule(item)
            return lambda scope: negated(inner(scope))
        case lang.Known(item=item):
            inner = compile_rule(item)
            return lambda scope: _known(inner(scope))
        case lang.If(condition=condition, then=then, otherwise=otherwise):
            parts = [compile_rule(part) for part in (condition, then, otherwise)]
            return lambda scope: chosen(*(part(scope) for part in parts))
        case lang.Reference(id=name):
            return lambda scope: scope.sentence(name)
        case lang.Atom():
            return _atom(node)
    raise TypeError(f"rule: no evaluation for {type(node).__name__}")  # pragma: no cover


def _atom(atom: lang.Atom) -> Rule:
    def answer(scope: Scope) -> Answer:
        found = scope.ask(atom)
        if not found.asserted and scope.absent is not None:
            return scope.absent(atom, found)
        return found

    return answer


def _many(parts: Sequence[Rule], table: Callable) -> Rule:
    return lambda scope: combined([part(scope) for part in parts], table)


def _at_least(number: int, parts: Sequence[Rule]) -> Rule:
    def answer(scope: Scope) -> Answer:
        answers = [part(scope) for part in parts]
        sure = sum(a.truth is Truth.T for a in answers)
        possible = sure + sum(a.truth is Truth.U for a in answers)
        truth = Truth.T if sure >= number else Truth.F if possible < number else Truth.U
        return joined([a for a in answers if a.truth is truth] or answers, truth)

    return answer


def changed(answer: Answer, **more) -> Answer:
    """``dataclasses.replace`` without its walk over all fields: a patient has some hundred answers.

    >>> changed(Answer(Truth.T, "why"), truth=Truth.F).reason
    'why'
    """
    new = object.__new__(Answer)
    own = new.__dict__
    own.update(answer.__dict__)
    own.update(more)
    return new


def negated(answer: Answer) -> Answer:
    provisional = None if answer.provisional is None else _FLIPPED[answer.provisional]
    return changed(answer, truth=negate(answer.truth), provisional=provisional)


def _known(answer: Answer) -> Answer:
    known = Truth.F if answer.truth is Truth.U else Truth.T
    return changed(answer, truth=known, asserted=True, provisional=None, missing="")


def chosen(condition: Answer, then: Answer, otherwise: Answer) -> Answer:
    """Kleene's conditional; an unknown condition leaves what both branches agree on."""
    truth = if_else(condition.truth, then.truth, otherwise.truth)
    if condition.truth is not Truth.U:
        branch = then if condition.truth is Truth.T else otherwise
        answer = joined([branch, condition], truth, first=branch)
        return changed(answer, reason=branch.reason or condition.reason, asserted=branch.asserted or condition.asserted)
    if truth is Truth.U:
        agreed = {
            Truth.U if a.truth is Truth.U and a.provisional is None else a.provisional or a.truth
            for a in (then, otherwise)
        }
        provisional = agreed.pop() if len(agreed) == 1 else None
        answer = joined([condition, then, otherwise], truth)
        missing = then.missing if then.truth is Truth.U and then.missing else condition.missing or otherwise.missing
        return changed(answer, provisional=None if provisional is Truth.U else provisional, missing=missing)
    return joined([then, otherwise], truth)


def combined(answers: Sequence[Answer], table: Callable) -> Answer:
    """``all_of`` or ``any_of`` over answers: those that decide give reasons, evidence, review codes and clear date."""
    truth = table(answer.truth for answer in answers)
    deciding = [answer for answer in answers if answer.truth is truth]
    provisional = None
    if truth is Truth.U:
        would = table(a.truth if a.provisional is None else a.provisional for a in answers)
        provisional = None if would is Truth.U else would
    dates = [a.clear_date for a in deciding]
    each_must_turn = truth is (Truth.T if table is any_of else Truth.F)
    known = [date for date in dates if date]
    clear = (max(known) if dates and all(dates) else None) if each_must_turn else min(known, default=None)
    return _join(
        deciding or answers,
        truth,
        asserted=any(a.asserted for a in answers) or not answers,
        provisional=provisional,
        clear_date=clear,
    )


def joined(answers: Sequence[Answer], truth: Truth, *, first: Answer | None = None) -> Answer:
    """Reasons, evidence, codes and notes of several answers under one truth; dates are those of the first."""
    lead = first or (answers[0] if answers else Answer(truth))
    return _join(
        answers,
        truth,
        asserted=any(answer.asserted for answer in answers),
        provisional=lead.provisional if truth is Truth.U else None,
        clear_date=lead.clear_date,
    )


def _join(answers: Sequence[Answer], truth: Truth, **more) -> Answer:
    reasons = list(dict.fromkeys(answer.reason for answer in answers if answer.reason))
    correctable = [answer.correctable for answer in answers]
    return Answer(
        truth,
        " ".join(reasons[:4]),
        tuple(dict.fromkeys(fact for answer in answers for fact in answer.evidence)),
        codes(code for answer in answers for code in answer.review),
        presumed=any(answer.presumed for answer in answers),
        missing="; ".join(dict.fromkeys(a.missing for a in answers if a.missing)) if truth is Truth.U else "",
        correctable=False if False in correctable else True if correctable and all(correctable) else None,
        notes={key: value for answer in answers for key, value in answer.notes.items()},
        **more,
    )


def codes(found) -> tuple[str, ...]:
    """Review codes once each, R1 before R12."""
    found = set(found)
    return () if not found else tuple(sorted(found, key=lambda code: int(code[1:])))
