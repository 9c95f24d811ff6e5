"""Washout of each anticancer drug (E7.3) and of investigational drugs (E26).

Conventional cytotoxics need the longer of 14 days and five half-lives, everything else the longer of 30 days and five
half-lives. A half-life is a range over labels, so the washout is one too: cleared from its upper end on, not cleared
below its lower end, open between (R2). Both readings of policy A-1 are always computed: ``literal`` as printed, and
``cap30`` (30 days suffice for biologics). Source: clinical specification 3.11, E7.3, E26, section 11.
"""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from extractor.timeline import chronology as time
from extractor.timeline.knowledge import half_life, is_in
from extractor.timeline.patient import Patient
from extractor.timeline.registry import state
from extractor.timeline.settings import Settings
from extractor.timeline.treatment import Course, given, history_is_complete, never_given
from extractor.truth import Answer, Truth

BASE = {"chemo14": 14, "other30": 30, "permanent": 30}
#: trabectedin, 5 x 175 h
LONGEST_CYTOTOXIC = 36.5
#: No known drug is still there after a year but mitotane, which has its own entry: an unknown half-life ends to matter.
SURELY_GONE = 365


#: characters between a trial and the drug that was given in it
NEAR = 60


@dataclass(frozen=True)
class Washout:
    """Washout of one drug, days: ``low`` to ``high`` (``high`` None: no upper bound known)."""

    rule: str
    base: int
    low: float
    high: float | None
    bound: float | None = None


def washout_days(drug: str, *, policy: str = "literal", rule: str | None = None) -> Washout:
    """Days of washout of a drug.

    >>> washout_days("durvalumab").low, washout_days("durvalumab").high
    (85.0, 105.0)
    >>> washout_days("durvalumab", policy="cap30").high
    30.0
    """
    known = half_life(drug)
    kind = rule or known.rule
    base = BASE.get(kind, 30)
    if kind in ("other30", "permanent") and policy.startswith("cap30"):
        return Washout(kind, base, float(base), float(base))
    if drug == "chemotherapy":  # unnamed: the longest washout of a conventional cytotoxic bounds it
        return Washout(kind, base, float(base), max(float(base), LONGEST_CYTOTOXIC))
    if known.low is None or known.high is None:
        return Washout(kind, base, float(base), None)
    low, high = (max(float(base), round(5 * hours / 24, 4)) for hours in (known.low, known.high))
    return Washout(kind, base, low, high, 5 * known.bound / 24 if known.bound else None)


@dataclass(frozen=True)
class Clearance:
    """Has one drug been washed out: ``truth`` of "not cleared", and the first day on which it is."""

    drug: str
    truth: Truth
    reason: str
    clear_date: datetime.date | None
    base_date: datetime.date | None
    review: tuple[str, ...] = ()


def clearance(course: Course, index: datetime.date, *, policy: str = "literal", rule: str | None = None) -> Clearance:
    """Compare the days since the last dose with the washout of the drug; an exempt drug is always cleared.

    >>> d = datetime.date
    >>> c = Course("docetaxel", Truth.T, last=(d(2025, 10, 1), d(2025, 10, 1)))
    >>> clearance(c, d(2025, 10, 20)).truth.name, clearance(c, d(2025, 10, 20)).clear_date.isoformat()
    ('T', '2025-10-26')
    """
    need = washout_days(course.drug, policy=policy, rule=rule)
    name = course.drug
    if need.rule == "exempt":
        return Clearance(name, Truth.F, f"{name} needs no washout.", None, None)
    if need.rule == "review":
        recent = course.ongoing or course.last is None or (index - course.last[1]).days < 150
        return Clearance(
            name,
            Truth.U if recent else Truth.F,
            f"{name}: against the tumour or against symptoms is not for a rule to say.",
            None,
            None,
            ("R6",),
        )
    if course.ongoing:
        return Clearance(name, Truth.T, f"{name} is going on, no last dose.", None, None)
    if course.last is None:
        return Clearance(name, Truth.U, f"{name}: the date of the last dose is not written.", None, None, ("R4",))
    fewest, most = (index - course.last[1]).days, (index - course.last[0]).days
    high = need.high if need.high is not None else (math.inf if fewest < SURELY_GONE else 0.0)
    base_date = course.last[1] + datetime.timedelta(days=need.base)
    clear = (
        course.last[1] + datetime.timedelta(days=math.ceil(round(need.high, 3))) if need.high is not None else base_date
    )
    days = f"{fewest} d" if fewest == most else f"{fewest} to {most} d"
    review: list[str] = []
    if need.high is None:
        needed = f"{need.base} d, no upper bound known"
    else:
        needed = f"{need.low:g} d" if need.low == need.high else f"{need.low:g} to {need.high:g} d"
    told = f"{name} last given {time.span(course.last)}, {days} before the index date; washout {needed}"
    if fewest >= high:
        if need.bound and fewest < need.bound:
            review.append("R6")
        return Clearance(name, Truth.F, f"{told}.", clear, base_date, tuple(review))
    if most < need.low:
        return Clearance(name, Truth.T, f"{told}, clear on {time.day(clear)}.", clear, base_date, tuple(review))
    review.append("R2" if course.last[0] == course.last[1] else "R4")
    return Clearance(name, Truth.U, f"{told}: open.", clear, base_date, tuple(review))


def _answer(patient: Patient, settings: Settings, subject: list[Course], rule: str | None, what: str) -> Answer | None:
    """The worst of the drugs; both policies of A-1 in ``notes``."""
    if not subject:
        return None
    policy = settings.policy("A-1")
    chosen, other = [], []
    drugs: dict[str, object] = {}
    for course in subject:
        literal = clearance(course, patient.index_date, rule=rule)
        capped = clearance(course, patient.index_date, policy="cap30", rule=rule)
        drugs[course.drug] = {
            "literal": [literal.truth.name, literal.clear_date and literal.clear_date.isoformat()],
            "cap30": [capped.truth.name, capped.clear_date and capped.clear_date.isoformat()],
        }
        mine, their = (literal, capped) if not policy.startswith("cap30") else (capped, literal)
        if course.given is Truth.U and mine.truth is Truth.T:
            mine = Clearance(mine.drug, Truth.U, mine.reason, mine.clear_date, mine.base_date, ("R5",))
        chosen.append((course, mine))
        other.append(their)
    truth = max(item.truth for _, item in chosen)
    deciding = [(course, item) for course, item in chosen if item.truth is truth]
    review = {code for _, item in deciding for code in item.review}
    if truth is not max(item.truth for item in other):
        review.add("R6")
    failing = [item for _, item in chosen if item.truth is Truth.T]
    days = [item.clear_date for item in failing if item.clear_date]
    clear = max(days) if days and len(days) == len(failing) else None
    reasons = [item.reason for _, item in deciding]
    text = " ".join(reasons[:4]) if truth is not Truth.F else f"All {what} are washed out: {' '.join(reasons[:3])}"
    return time.say(
        truth,
        text,
        [fact for course, _ in deciding for fact in course.facts],
        review=review,
        clear_date=clear,
        missing=""
        if truth is not Truth.U
        else f"date of the last dose of {', '.join(item.drug for _, item in deciding)}",
        notes={"drugs": drugs},
    )


@state("washout_incomplete")
def washout_incomplete(patient: Patient, settings: Settings) -> Answer:
    """E7.3: an anticancer drug whose washout has not passed (toxicity is E11)."""
    subject = [
        course
        for course in given(patient, at_least=Truth.U)
        if not is_in(course.drug, "lhrh_analogue", "lhrh_antagonist", "supportive") and course.drug != "hormone_therapy"
    ]
    # an unnamed course is the same as the named ones beside it
    if any(not is_in(course.drug, "unnamed") for course in subject):
        subject = [
            course for course in subject if not is_in(course.drug, "unnamed") or course.drug == "clinical_trial_drug"
        ]
    intravesical = [course for course in subject if course.drug in ("bcg", "bcg intravesical")]
    subject = [course for course in subject if course not in intravesical]
    answer = _answer(patient, settings, subject, None, "anticancer drugs")
    if answer is not None:
        return answer
    nothing = never_given(patient, "systemic")
    if nothing:
        return time.say(Truth.F, "No systemic anticancer drug was ever given.", nothing)
    return time.silent("anticancer drugs and their last doses", missing="treatment history with last doses")


def _is_report(fact) -> bool:
    kind = fact.note_type.lower()
    return any(word in kind for word in ("path", "radiol", "imaging", "lab", "cytolog", "echo"))


def _in_trial(fact) -> bool:
    """Was this drug given under a protocol: by number, or in a dated passage that says so?"""
    return fact.assertion == "present" and bool(
        fact.attributes.get("trial_id") or (fact.attributes.get("trial") and time.is_dated(fact))
    )


def _named_beside(patient: Patient, unnamed: Course) -> Course | None:
    """The named drug of the same last dose beside an unnamed trial drug ("had topotecan in the control arm of a trial")."""
    for course in given(patient, at_least=Truth.U):
        if is_in(course.drug, "unnamed") or course.last is None or course.last != unnamed.last:
            continue
        for fact in course.facts:
            if any(fact.note_id == item.note_id and abs(fact.start - item.start) <= NEAR for item in unnamed.facts):
                return course
    return None


@state("investigational_washout_incomplete")
def investigational_washout_incomplete(patient: Patient, settings: Settings) -> Answer:
    """E26: a drug given under another interventional protocol, control arms too, by the 30-day rule."""
    answers = []
    under = [
        course
        for course in given(patient, at_least=Truth.U)
        if is_in(course.drug, "investigational") or any(_in_trial(fact) for fact in course.facts)
    ]
    under = [
        named if is_in(course.drug, "unnamed") and (named := _named_beside(patient, course)) else course
        for course in under
    ]
    if any(not is_in(course.drug, "unnamed") for course in under):
        under = [course for course in under if not is_in(course.drug, "unnamed")]
    found = _answer(patient, settings, under, "other30", "drugs of other trials")
    if found is not None:
        answers.append(found)
    facts = [fact for fact in patient.facts("other_trial") if not _is_report(fact)]
    for fact in facts:
        kind = fact.attributes.get("kind")
        if fact.assertion == "absent" or kind in ("screen_failure",):
            answers.append(time.say(Truth.F, "No drug was given in another trial.", [fact]))
        elif fact.assertion == "hypothetical" or fact.temporality == "future":
            continue
        elif kind in ("observational", "registry", "biobank"):
            answers.append(time.say(Truth.F, "The other study is observational.", [fact]))
        elif kind in ("follow_up", "non_drug"):
            answers.append(
                time.say(
                    Truth.U if kind == "non_drug" else Truth.F,
                    "The other study gives no drug now.",
                    [fact],
                    review=("R6",),
                )
            )
        elif not under:
            event = time.past_event(fact)
            if event and (patient.index_date - event[1]).days >= SURELY_GONE:
                answers.append(time.say(Truth.F, f"The other trial ended {time.span(event)}.", [fact]))
            else:
                answers.append(
                    time.say(
                        Truth.U,
                        "The patient was in another trial; drug and last dose are not written.",
                        [fact],
                        missing="drug and last dose of the other trial",
                    )
                )
    never = never_given(patient, "trial")
    if never:
        answers.append(time.say(Truth.F, "No other trial, as stated.", never))
    if not answers and never_given(patient, "systemic"):
        answers.append(time.say(Truth.F, "No drug was ever given.", never_given(patient, "systemic")))
    if not answers and history_is_complete(patient) is Truth.T:
        return time.silent("other trials", missing="participation in other trials")
    return time.any_answer(answers, time.silent("other trials", missing="participation in other trials"))
