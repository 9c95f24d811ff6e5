"""Treatment history of one patient: what was given, when the last dose was, in which line, and is the history whole.

A drug counts as given where a fact says that it was received, is going on, or was held after a start. Planned, declined
and never started drugs are no treatment; planned dates are no doses. Lines follow the specification's rule set
(3.8, after Saini & Twelves 2021): drugs that start within 28 days are one regimen; planned maintenance, cis- to
carboplatin and paclitaxel to nab-paclitaxel stay in their line.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace

from extractor.records import Fact
from extractor.timeline import chronology as time
from extractor.timeline.knowledge import drug_name, is_in
from extractor.timeline.patient import Patient
from extractor.truth import Truth

#: therapy concepts that are no drug
LOCAL = frozenset({"radiotherapy", "wbrt", "pci", "srs", "sbrt", "surgery", "orchiectomy", "transplant"})
NOT_GIVEN = frozenset({"planned", "declined", "not_given", "never_started", "ordered", "cancelled", "denied"})
GIVEN = frozenset({"received", "ongoing", "held", "completed", "discontinued", "started", "stopped"})
SAME_LINE = (frozenset({"cisplatin", "carboplatin"}), frozenset({"paclitaxel", "nab-paclitaxel"}))
REGIMEN_DAYS = 28
#: a denied mention of the class says that none of it was given
DENIED_CLASS = {
    "immunotherapy": "io",
    "radiotherapy": "radiotherapy",
    "dll3-directed agent": "dll3",
    "clinical_trial_drug": "trial",
}


@dataclass(frozen=True)
class Course:
    """All that the notes say of one drug of one patient.

    ``given``    T received, U only possibly, F never (planned, declined, not given)
    ``last``     days that the last dose may have been (None: not known); an ongoing drug has none
    ``start``    days that the first dose may have been
    """

    drug: str
    given: Truth
    start: time.Interval | None = None
    last: time.Interval | None = None
    ongoing: bool = False
    planned: bool = False
    lines: frozenset[int] = frozenset()
    facts: tuple[Fact, ...] = ()
    review: tuple[str, ...] = field(default=())


def stop_reason(fact: Fact) -> str:
    """``progression`` ``toxicity`` ``choice`` ``completed`` or empty."""
    return str(fact.attributes.get("reason_stopped") or fact.attributes.get("stop_reason") or "")


def status(fact: Fact) -> str:
    """``received`` ``ongoing`` ``held`` ``planned`` ``declined`` ``not_given``; assertion decides where it is not said."""
    stated = fact.attributes.get("status")
    if fact.assertion == "absent":
        return stated if stated in ("declined", "not_given") else "not_given"
    if fact.assertion == "hypothetical" or fact.temporality == "future":
        return stated if stated in NOT_GIVEN else "planned"
    return stated or "received"


def drug_facts(patient: Patient) -> list[Fact]:
    """Facts of systemic anticancer drugs, named or not."""
    return [
        fact
        for fact in patient.facts(family="therapy")
        if fact.concept not in LOCAL and not is_in(fact, "supportive") and fact.attributes.get("cancer") != "other"
    ]


def courses(patient: Patient) -> list[Course]:
    """One course for each drug, in the order of first doses (drugs without a date last), names break ties.

    Where only a start is written, the last dose lies between it and the note; a later line, progression and the number
    of cycles bound it further.
    """
    if "courses" not in patient.cache:
        by_drug: dict[str, list[Fact]] = {}
        for fact in drug_facts(patient):
            by_drug.setdefault(drug_name(fact), []).append(fact)
        raw = [_course(patient, drug, facts) for drug, facts in sorted(by_drug.items())]
        found = [_bounded(patient, course, raw) for course in raw]
        found.sort(key=lambda c: (c.start[0] if c.start else datetime.date.max, c.drug))
        patient.cache["courses"] = found
    return patient.cache["courses"]


#: an interval between cycles is no longer than this, delays included
CYCLE_DAYS = 35


def _bounded(patient: Patient, course: Course, every: list[Course]) -> Course:
    """The last dose of a course whose end is not written: an interval with the bounds that the history gives."""
    if course.given is Truth.F or course.ongoing or course.last is not None:
        return course
    use = [fact for fact in course.facts if status(fact) in GIVEN]
    notes = [fact.note_date for fact in use if fact.note_date]
    use = [_with_partner_dates(patient, fact) for fact in use]
    if not notes:
        return course
    low = course.start[0] if course.start else time.LONG_AGO
    high = min([*notes, patient.index_date]) if not course.start else min(max(notes), patient.index_date)
    cycles = [int(fact.attributes["cycles"]) for fact in use if str(fact.attributes.get("cycles", "")).isdigit()]
    running = [fact.note_date for fact in use if fact.note_date and status(fact) == "ongoing"]
    if course.start and cycles and not running:
        high = min(high, course.start[1] + datetime.timedelta(days=max(cycles) * CYCLE_DAYS))
    if not is_in(course.drug, "checkpoint_inhibitor", "no_line", "androgen_deprivation"):
        for other in every:
            if (
                other.start
                and other.drug != course.drug
                and other.given is Truth.T
                and not is_in(other.drug, "no_line", "androgen_deprivation")
                and _is_later(course, other)
            ):
                high = min(high, other.start[1])
    if course.start and not is_in(course.drug, "checkpoint_inhibitor", "androgen_deprivation"):
        for fact in patient.facts("progression", "response"):
            if fact.assertion == "present" and time.is_dated(fact) and time.known(fact)[0] > course.start[1]:
                high = min(high, time.known(fact)[1])
    if running:
        low = max(low, max(running))
        high = max(high, low)
    return replace(course, last=(min(low, high), high), review=(*course.review, "R4"))


def _is_later(course: Course, other: Course) -> bool:
    """Did the other drug begin with a later regimen: by its day, or by its line where this one has no day?"""
    if course.start and other.start:
        return other.start[0] > course.start[1] + datetime.timedelta(days=REGIMEN_DAYS)
    if not (course.lines and other.lines and min(other.lines) > max(course.lines)):
        return False
    # told in that order by one note: "earlier cisplatin elsewhere" behind the present line has no place in the order
    return any(a.note_id == b.note_id and a.start < b.start for a in course.facts for b in other.facts)


def given(patient: Patient, *names: str, at_least: Truth = Truth.T) -> list[Course]:
    """Courses that were given, of the classes ``names`` (all where none is named)."""
    return [
        course for course in courses(patient) if course.given >= at_least and (not names or is_in(course.drug, *names))
    ]


def _course(patient: Patient, drug: str, facts: list[Fact]) -> Course:
    received = [fact for fact in facts if status(fact) in GIVEN]
    sure = [fact for fact in received if fact.assertion == "present"]
    planned = any(status(fact) in ("planned", "ordered") for fact in facts)
    if not received:
        return Course(drug, Truth.F, planned=planned, facts=tuple(facts))
    use = sure or received
    doubtful = all(is_weak(fact) for fact in use) or (
        is_in(drug, "dll3")
        and not any(
            fact.attributes.get("cycles") or fact.attributes.get("end_date") or stop_reason(fact) for fact in use
        )
    )
    if doubtful and _is_denied(patient, use, facts):
        return Course(drug, Truth.F, planned=planned, facts=tuple(facts))
    start, last, ongoing, review = _dates(patient, [_with_partner_dates(patient, fact) for fact in use])
    lines = frozenset(int(fact.attributes["line"]) for fact in use if str(fact.attributes.get("line", "")).isdigit())
    return Course(drug, Truth.T if sure else Truth.U, start, last, ongoing, planned, lines, tuple(facts), tuple(review))


def is_weak(fact: Fact) -> bool:
    """A mention that nothing but its place calls treatment: no date, cycle, stated line, end, or course."""
    note = fact.attributes
    return (
        status(fact) in ("received", "held")
        and not time.is_dated(fact)
        and not note.get("cycles")
        and not note.get("reason_stopped")
        and not (note.get("line") and note.get("line_source") != "derived")
    )


def _is_denied(patient: Patient, weak: list[Fact], facts: list[Fact]) -> bool:
    """Do the notes say of the drug, in the same or a later note, that it was planned, declined or never given?

    A DLL3-directed agent that is only mentioned is what the trial is about: any denial of its class settles it.
    """
    first = min(fact.note_date or datetime.date.min for fact in weak)
    against = [fact for fact in facts if status(fact) in NOT_GIVEN]
    if is_in(weak[0], "dll3"):
        against = [
            fact for fact in patient.facts(family="therapy") if is_in(fact, "dll3") and status(fact) in NOT_GIVEN
        ]
        against += never_given(patient, "dll3")
        first = max(fact.note_date or datetime.date.min for fact in weak)
    return any((fact.note_date or datetime.date.min) >= first for fact in against)


def _with_partner_dates(patient: Patient, fact: Fact) -> Fact:
    """A drug without a date that stands beside a dated one of its regimen has the dates of its regimen."""
    if time.is_dated(fact):
        return fact
    for other in patient.facts(family="therapy"):
        gap = max(other.start - fact.end, fact.start - other.end)
        if (
            other.note_id == fact.note_id
            and other.concept != fact.concept
            and gap <= 20
            and time.is_dated(other)
            and other.concept not in LOCAL
            and other.assertion == "present"
        ):
            keys: dict[str, object] = {
                name: other.attributes[name]
                for name in ("start_date", "end_date", "cycles")
                if name in other.attributes
            }
            return replace(
                fact,
                date_start=other.date_start,
                date_end=other.date_end,
                date_precision=other.date_precision,
                attributes={**keys, **fact.attributes},
            )
    return fact


def _dates(patient: Patient, facts: list[Fact]) -> tuple[time.Interval | None, time.Interval | None, bool, list[str]]:
    """First and last dose as intervals, and whether the drug goes on.

    The latest plausible last dose wins. A drug goes on where the newest note that speaks of its state says so and no
    end is written in it or later.
    """
    starts = [
        interval
        for fact in facts
        if (interval := time.begun(fact))
        and interval[0] <= patient.index_date
        and not ((over := time.ended(fact)) and interval[0] > over[1])  # a start behind the end is of something else
    ]
    start = min(starts, default=None)
    ends = [interval for fact in facts if (interval := time.ended(fact)) and interval[0] <= patient.index_date]
    last = max(ends, key=lambda item: (item[1], item[0]), default=None)
    # a later dose that is only dated as such ("C5 today") is younger than an older stated end
    later = [interval for interval in starts if last and interval[0] > last[1]]
    resumed = max(later, default=None)
    running = [fact for fact in facts if status(fact) == "ongoing" and not fact.copied_from]
    ongoing = False
    if running:
        told = max(fact.note_date or datetime.date.min for fact in running)
        ended = [
            fact
            for fact in facts
            if (fact.note_date or datetime.date.min) >= told
            and status(fact) != "ongoing"
            and (time.ended(fact) or status(fact) == "held" or fact.attributes.get("reason_stopped"))
        ]
        newer = [fact for fact in facts if (fact.note_date or datetime.date.min) > told and status(fact) == "received"]
        listed = any(fact.section == "medications" and fact.note_date == told for fact in running)
        ended = [fact for fact in ended if not (listed and fact.note_date == told)]  # the list is of today
        ongoing = not ended and not newer
    if running and not ongoing and last is not None and last[0] < told <= last[1]:
        last = told, last[1]  # it was being given on that day, so the last dose was not before
    if resumed and not ongoing:
        # begun again, as maintenance for one: the end is open from there to the note
        told = max((fact.note_date for fact in facts if fact.note_date), default=patient.index_date)
        last = resumed[0], max(resumed[0], min(told, patient.index_date))
    return start, None if ongoing else last, ongoing, []


@dataclass(frozen=True)
class Line:
    """One line of therapy: its drugs and the day that it may have begun."""

    drugs: tuple[str, ...]
    start: time.Interval | None
    last: time.Interval | None


def lines(patient: Patient) -> list[Line]:
    """Lines of systemic therapy that were given, oldest first; undated drugs join the first line or are one of their own.

    Androgen deprivation and somatostatin analogues are no line; see the module's docstring for the rules.
    """
    counted = [
        course
        for course in given(patient)
        if not is_in(course.drug, "no_line", "supportive", "androgen_deprivation", "aromatase_or_oestrogen")
    ]
    found: list[list[Course]] = []
    numbered: dict[int, list[Course]] = {}
    rest = []
    for course in counted:
        if course.lines:
            numbered.setdefault(min(course.lines), []).append(course)
        else:
            rest.append(course)
    found.extend(numbered[number] for number in sorted(numbered))
    for course in rest:
        home = next((line for line in found if _same_line(line, course)), None)
        if home is None:
            found.append([course])
        else:
            home.append(course)
    out = []
    for line in found:
        starts = [course.start for course in line if course.start]
        lasts = [course.last for course in line if course.last]
        out.append(
            Line(
                tuple(sorted(course.drug for course in line)),
                min(starts, default=None),
                max(lasts, key=lambda item: item[1], default=None),
            )
        )
    return sorted(out, key=lambda line: (line.start[0] if line.start else datetime.date.max, line.drugs))


def _same_line(line: list[Course], course: Course) -> bool:
    for other in line:
        if any({other.drug, course.drug} <= pair for pair in SAME_LINE):
            return True
        if other.start and course.start and abs((other.start[0] - course.start[0]).days) <= REGIMEN_DAYS:
            return True
        regimens = {fact.attributes.get("regimen") for fact in other.facts} & {
            fact.attributes.get("regimen") for fact in course.facts
        }
        if regimens - {None}:
            return True
    return False


def never_given(patient: Patient, *topics: str) -> list[Fact]:
    """Statements that a class was never given: ``no_prior`` facts of the topics, and denied drugs without a name."""
    found = [
        fact
        for fact in patient.facts("no_prior")
        if fact.assertion != "hypothetical" and (fact.value_text or "").lower() in topics
    ]
    if "systemic" in topics and not found:
        denied = [fact for fact in patient.facts("chemotherapy", "therapy") if status(fact) == "not_given"]
        if denied and not given(patient, at_least=Truth.U):
            found += denied
    for concept, topic in DENIED_CLASS.items():
        if topic in topics:
            found += [
                fact
                for fact in patient.facts(concept, "therapy")
                if fact.assertion == "absent"
                and fact.attributes.get("status") == "not_given"
                and not fact.attributes.get("field")
            ]
    return found


def history_is_complete(patient: Patient) -> Truth:
    """Does the packet hold the whole treatment history?

    It does where the notes call it complete or say that nothing was ever given. It does too where every drug that was
    given has a dated end or goes on, and a full oncology note stands behind it. Exempt drugs need no end.
    """
    stated = patient.facts("doc_treatment_history")
    if any(fact.attributes.get("complete") == "yes" for fact in stated):
        return Truth.T
    if never_given(patient, "systemic"):
        return Truth.T
    counted = [
        course
        for course in given(patient, at_least=Truth.U)
        if not is_in(course.drug, "supportive", "lhrh_analogue", "lhrh_antagonist", "unnamed", "no_line")
    ]
    ended = [course for course in counted if course.last is not None or course.ongoing]
    if counted and len(ended) == len(counted) and patient.facts(("doc_onc_full", "doc_treatment_history")):
        return Truth.T
    return Truth.F


def facts_of(found: list[Course]) -> list[Fact]:
    return [fact for course in found for fact in course.facts]


def names_of(found: list[Course]) -> str:
    return ", ".join(course.drug for course in found)
