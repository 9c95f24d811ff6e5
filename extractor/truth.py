"""Three-valued truth (Kleene) and the answer a rule gives with its evidence."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterable
from dataclasses import dataclass, field


class Truth(enum.IntEnum):
    """F < U < T: ``all_of`` is the minimum, ``any_of`` the maximum, ``negate`` swaps T and F.

    >>> all_of([Truth.T, Truth.U]).name, any_of([Truth.F, Truth.U]).name
    ('U', 'U')
    """

    F = 0
    U = 1
    T = 2

    def __bool__(self) -> bool:
        raise TypeError("a Truth has three values: compare it with Truth.T, Truth.F or Truth.U")


def all_of(truths: Iterable[Truth]) -> Truth:
    return min(truths, default=Truth.T)


def any_of(truths: Iterable[Truth]) -> Truth:
    return max(truths, default=Truth.F)


#: a table: to make a Truth of a number costs more than the rest of a rule
_NEGATED = {Truth.T: Truth.F, Truth.F: Truth.T, Truth.U: Truth.U}


def negate(truth: Truth) -> Truth:
    return _NEGATED[truth]


def if_else(condition: Truth, then: Truth, otherwise: Truth) -> Truth:
    """Kleene conditional: an unknown condition gives the common answer of both branches, else unknown."""
    if condition is Truth.T:
        return then
    if condition is Truth.F:
        return otherwise
    return then if then is otherwise else Truth.U


@dataclass(frozen=True, init=False)
class Answer:
    """What a rule or a derived state says of one patient.

    ``truth``       of the sentence ("the patient has active brain metastases")
    ``reason``      one sentence for a person: values, dates, threshold
    ``evidence``    fact_ids that the answer rests on
    ``review``      review codes R1 … R12
    ``asserted``    False where nothing in the notes speaks of it (silence: the absence policy decides)
    ``presumed``    the answer rests on an absence policy
    ``provisional`` what a value outside its window would give (the answer itself is U)
    ``clear_date``  first day on which a time-bound answer turns in the patient's favour
    ``missing``     the fact that would settle an unknown answer
    ``correctable`` a failure that the site can mend (laboratory values, steroids, effusions …)
    """

    truth: Truth
    reason: str = ""
    evidence: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    asserted: bool = True
    presumed: bool = False
    provisional: Truth | None = None
    clear_date: datetime.date | None = None
    missing: str = ""
    correctable: bool | None = None
    notes: dict[str, object] = field(default_factory=dict)

    def __init__(
        self,
        truth: Truth,
        reason: str = "",
        evidence: tuple[str, ...] = (),
        review: tuple[str, ...] = (),
        asserted: bool = True,
        presumed: bool = False,
        provisional: Truth | None = None,
        clear_date: datetime.date | None = None,
        missing: str = "",
        correctable: bool | None = None,
        notes: dict[str, object] | None = None,
    ):
        # what dataclass writes for a frozen class calls object.__setattr__ for each field: a patient has some
        # hundred answers, and that was a fifth of an evaluation
        own = self.__dict__
        own["truth"] = truth
        own["reason"] = reason
        own["evidence"] = evidence
        own["review"] = review
        own["asserted"] = asserted
        own["presumed"] = presumed
        own["provisional"] = provisional
        own["clear_date"] = clear_date
        own["missing"] = missing
        own["correctable"] = correctable
        own["notes"] = {} if notes is None else notes
