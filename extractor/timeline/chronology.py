"""When something happened, as an interval, and whether that lies inside a window before the index date.

Days are counted backwards from the index date: ``elapsed = index - event``; an event after it never counts as history.
A date in the text is an interval of the days that it may mean; a window that covers the interval only in part leaves
the answer unknown (review code R4). Where the text gives no date, the note's own date is only an upper bound.
"""

from __future__ import annotations

import calendar
import datetime
import functools
from collections.abc import Iterable

from extractor.records import Fact
from extractor.timeline.patient import Patient, canonical_order
from extractor.truth import Answer, Truth

#: lower end of "some time before": older than any treatment that could matter
LONG_AGO = datetime.date(1900, 1, 1)
Interval = tuple[datetime.date, datetime.date]


def months_before(day: datetime.date, months: int) -> datetime.date:
    """The same day of the month, ``months`` calendar months earlier (the month's last day where it is shorter).

    >>> months_before(datetime.date(2026, 3, 31), 1)
    datetime.date(2026, 2, 28)
    """
    total = day.year * 12 + day.month - 1 - months
    year, month = divmod(total, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def is_dated(fact: Fact) -> bool:
    """Does the text itself date the fact?"""
    return fact.date_precision != "note" and fact.date_start is not None


def when(fact: Fact) -> Interval | None:
    """Days on which the fact held or was measured; the note's date where the text has none; None without either."""
    if fact.date_start is not None and fact.date_end is not None:
        return fact.date_start, fact.date_end
    day = fact.date_start or fact.date_end or fact.note_date
    return (day, day) if day else None


def known(fact: Fact) -> Interval:
    """As ``when``, for a fact that was chosen because it has a date; ``ValueError`` where it has none."""
    interval = when(fact)
    if interval is None:
        raise ValueError("a fact without a date has no interval")
    return interval


def past_event(fact: Fact) -> Interval | None:
    """When a past event happened: a dated one by its date, but not after its note; None where it is undated."""
    if not is_dated(fact):
        return None
    start, end = known(fact)
    if fact.note_date and fact.note_date < end:
        end = max(start, fact.note_date)
    return start, end


def last_day(fact: Fact) -> datetime.date:
    interval = when(fact)
    return interval[1] if interval else datetime.date.min


def end_of(interval: Interval, precision: str) -> Interval:
    """The days that the end of a period may mean: of "11/2024 to 1/2025" any day of January 2025.

    >>> end_of((datetime.date(2024, 11, 1), datetime.date(2025, 1, 31)), "month")[0]
    datetime.date(2025, 1, 1)
    """
    start, end = interval
    if precision == "month":
        return max(start, end.replace(day=1)), end
    if precision == "year":
        return max(start, end.replace(month=1, day=1)), end
    if precision == "day" and (end - start).days > 10:
        return end, end
    return start, end


def stated(written: object) -> Interval | None:
    """The interval of a date attribute: ``2025``, ``2025-08``, ``2025-08-11`` or ``2025-08-11/2025-08-20``.

    >>> stated("2025-08")
    (datetime.date(2025, 8, 1), datetime.date(2025, 8, 31))
    """
    text = str(written or "")
    if not text:
        return None
    if "/" in text:
        first, last = text.split("/")[:2]
        return datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 1:
        return datetime.date(parts[0], 1, 1), datetime.date(parts[0], 12, 31)
    if len(parts) == 2:
        year, month = parts
        return datetime.date(year, month, 1), datetime.date(year, month, calendar.monthrange(year, month)[1])
    day_ = datetime.date(parts[0], parts[1], parts[2])
    return day_, day_


def begun(fact: Fact) -> Interval | None:
    """When a course began, as its own attribute says, else the first day of its dates; None where it has none."""
    own = stated(fact.attributes.get("start_date"))
    if own:
        return own
    if not is_dated(fact) or fact.attributes.get("end_date"):
        return None
    return past_event(fact)


def runs_past_note(fact: Fact) -> bool:
    """Is the written end a plan: later than the note that tells it?"""
    own = stated(fact.attributes.get("end_date"))
    return bool(own and fact.note_date and own[0] > fact.note_date)


def ended(fact: Fact) -> Interval | None:
    """When a course ended or its last dose was given, where the text says so; never after the note.

    A period written as one date ("02/2024 - 06/2024") ends with its last day or month.
    """
    own = stated(fact.attributes.get("end_date"))
    if own is None and "/" in str(fact.attributes.get("start_date") or ""):
        period = stated(fact.attributes["start_date"])
        if period and (fact.date_precision == "day" or (period[1] - period[0]).days > 31):
            own = end_of(period, fact.date_precision)
    if own and fact.note_date and own[0] <= fact.note_date < own[1]:
        own = own[0], fact.note_date
    return own


def within_days(event: Interval, index: datetime.date, days: int) -> Truth:
    """``0 <= elapsed <= days``; a window "less than 14 days" is ``within_days(…, 13)``.

    >>> d = datetime.date
    >>> within_days((d(2025, 9, 1), d(2025, 9, 10)), d(2025, 9, 20), 13).name
    'U'
    """
    first, last = (index - event[1]).days, (index - event[0]).days
    if last < 0 or first > days:
        return Truth.F
    return Truth.T if first >= 0 and last <= days else Truth.U


def within_months(event: Interval, index: datetime.date, months: int) -> Truth:
    """Strictly after ``index`` minus n calendar months and not after the index date."""
    limit = months_before(index, months)
    if event[1] <= limit or event[0] > index:
        return Truth.F
    return Truth.T if event[0] > limit and event[1] <= index else Truth.U


def is_fresh(fact: Fact, index: datetime.date, *, days: int | None = None, months: int | None = None) -> bool:
    """Is a finding inside the window, by its latest possible day and not copied from an earlier note?"""
    if fact.copied_from:
        return False
    interval = when(fact)
    if interval is None:
        return False
    test = within_days(interval, index, days) if days is not None else within_months(interval, index, months or 0)
    return test is not Truth.F


def newest(facts: Iterable[Fact]) -> list[Fact]:
    """The facts of the newest day (by their last possible day), in canonical order."""
    known = list(facts)
    if len(known) < 2:
        return known
    days = [last_day(fact) for fact in known]
    day = max(days)
    return sorted((fact for fact, last in zip(known, days, strict=True) if last == day), key=canonical_order)


def ids(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Identities of facts as evidence, sorted and without doubles (at most 12, the newest first)."""
    known = {fact.fact_id: fact for fact in facts}
    if len(known) < 2:
        return tuple(known)
    ordered = sorted(known.values(), key=canonical_order, reverse=True)
    return tuple(fact.fact_id for fact in ordered[:12])


def say(truth: Truth, reason: str, facts: Iterable[Fact] = (), *, review: Iterable[str] = (), **more) -> Answer:
    """An answer that rests on facts."""
    codes = tuple(sorted(set(review), key=lambda code: int(code[1:]))) if review else ()
    return Answer(truth, reason, ids(facts), codes, **more)


#: answers that say the same of every patient, by identity; they live as long as the process
CONSTANT: dict[int, Answer] = {}


def constant(answer: Answer) -> Answer:
    """Keep an answer that rests on no fact, so that what follows from it is worked out once for all patients."""
    return CONSTANT.setdefault(id(answer), answer)


@functools.cache
def _silent(what: str, missing: str) -> Answer:
    return constant(Answer(Truth.U, f"The notes say nothing about {what}.", asserted=False, missing=missing or what))


def silent(what: str, *, missing: str = "") -> Answer:
    """Nothing in the notes speaks of it: one answer for all patients."""
    return _silent(what, missing)


def any_answer(answers: Iterable[Answer], nothing: Answer) -> Answer:
    """Kleene OR: the reasons, evidence and review codes of the answers that decide; the latest clear date.

    Answers without assertion are left out; where none is left, ``nothing`` is given back.
    """
    asserted = [answer for answer in answers if answer.asserted]
    if not asserted:
        return nothing
    truth = max(answer.truth for answer in asserted)
    deciding = [answer for answer in asserted if answer.truth is truth]
    clear = [answer.clear_date for answer in deciding if answer.clear_date]
    reasons = list(dict.fromkeys(answer.reason for answer in deciding if answer.reason))
    return Answer(
        truth,
        " ".join(reasons[:4]),
        tuple(dict.fromkeys(fact for answer in deciding for fact in answer.evidence)),
        tuple(sorted({code for answer in deciding for code in answer.review}, key=lambda code: int(code[1:]))),
        clear_date=max(clear) if truth is Truth.T and len(clear) == len(deciding) else None,
        missing=next((answer.missing for answer in deciding if answer.missing), ""),
        correctable=all(answer.correctable for answer in deciding) if truth is Truth.T else None,
        notes={key: value for answer in deciding for key, value in answer.notes.items()},
    )


def day(value: datetime.date | None) -> str:
    return value.isoformat() if value else "an unknown date"


def span(interval: Interval) -> str:
    """The interval as a person writes it."""
    if interval[0] <= LONG_AGO:
        return f"by {day(interval[1])}"
    return day(interval[0]) if interval[0] == interval[1] else f"between {day(interval[0])} and {day(interval[1])}"


def first_stated(patient: Patient, facts: Iterable[Fact]) -> list[Fact]:
    """Facts that are asserted of the patient at all (present, absent or possible; a hypothesis says nothing)."""
    return [fact for fact in facts if fact.assertion != "hypothetical"]
