"""When a medication was taken, where neither a date nor a word of start or end stands right beside its name.

The day of the note (a flowsheet, a heading of today), the day that begins its line, the end that a medication list
prints behind an order, the length of the course.
"""

from __future__ import annotations

import dataclasses
import datetime
import re

from ..dates import DateSpan
from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText
from . import treatment_details as details
from .treatment_course import Course

#: "given 1130", "administered at 11:30": an entry of a flowsheet, on the day of the note
_GIVEN_AT = re.compile(
    r"[^.;\n]{0,30}?\b(?:(?:given|administered|infused|received)(?: at)?|(?:applied|placed|injected)[^.;\n]{0,30}? at) (?:[01]\d|2[0-3]):?[0-5]\d\b(?! ?(?:mg|ml|mcg))"
)
#: a heading of what was given on the day of the note
_GIVEN_TODAY = re.compile(r"\b(?:given|administered) (?:today|at (?:this|today.s) (?:visit|appointment))\s*:")
#: the day that the text told last
_THAT_DAY = re.compile(r"\b(?:that|the) same day\b|\bthat day\b|\bon the day\b|\bthe same (?:morning|evening|afternoon)\b")
#: the end of an order, as a medication list prints it behind the entry
_ORDER_END = re.compile(r"\b(?:expired|end(?:ed| date)?|stop(?:ped| date)?|discontinued|d/c.?d|course complete[d]?)\W{0,3}(?:on )?$")


def of_today(note: NoteText, course: Course, hit: Hit, after: str, period: details.Period) -> details.Period:
    """A dose that was given at an hour was given on the day of the note."""
    today = note.note_date
    if today is None or period.interval() is not None:
        return period
    if _THAT_DAY.search(after[:60]):  # "XRT on 3/11. Took dexamethasone 8 mg that day."
        told = [d for d in note.dates_between(max(0, course.start - 200), course.end) if d.earliest == d.latest]
        return details.Period(told[-1], told[-1]) if told else period
    listed = course.sentence.section == "immunizations" or hit.key == "live_vaccine"
    if not (_GIVEN_AT.match(after) or (listed and _GIVEN_TODAY.search(note.folded, max(0, hit.start - 200), hit.start))):
        return period
    span = DateSpan(0, 0, today, today, "day")
    return details.Period(span, span)


#: a line that begins with its day ("07/09/2026 Cellulitis. Flucloxacillin 500 mg qds 7/7.")
_LEAD = re.compile(r"[\s*•\-–(\[]*$")


def of_line(note: NoteText, course: Course, period: details.Period) -> details.Period:
    """A drug without a date in an entry that begins with one: it was begun on that day."""
    if period.interval() is not None or course.sentence.section == "medications":
        return period
    begin = note.text.rfind("\n", 0, course.start) + 1
    dates = note.dates_between(begin, course.start)
    if len(dates) != 1 or dates[0].precision != "day" or not _LEAD.match(note.text[begin : dates[0].start]):
        return period
    span = dates[0]
    return details.Period(span, None) if note.note_date and span.latest < note.note_date else period


def of_list_entry(note: NoteText, course: Course, period: details.Period) -> details.Period:
    """An entry of the medication list with the end of its order later on its line ("Refills 0. EXPIRED 12/30/25")."""
    if course.sentence.section != "medications" or period.end is not None:
        return period
    stop = note.text.find("\n", course.end)
    stop = min(len(note.text) if stop < 0 else stop, course.end + 140)
    for span in note.dates_between(course.end, stop):
        if _ORDER_END.search(note.folded[max(course.end, span.start - 20) : span.start]):
            return details.Period(period.start, span)
    return period


#: length of a course behind its drug ("for 5 days", "x 7 d", "7/7", "5-day course")
_LENGTH = re.compile(
    r"[^.;\n]{0,45}?(?:\b(?:for|x|×) ?(\d{1,2}) ?(?:more )?(days?|d|weeks?|wks?)\b|\b(\d{1,2})/(7|52)\b|\b(\d{1,2})[- ]day course\b)"
)


#: "9/6, 9/7": days, no length of 9/7
_DAYS_LISTED = re.compile(r"\d/\d\d?\s*(?:,|and|&)\s*(?:and\s)?\d\d?/\d")


def with_length(period: details.Period, after: str) -> details.Period:
    """A course with a first day and a length has a last day."""
    first = period.start
    if first is None or period.end is not None or first.earliest != first.latest:
        return period
    found = _LENGTH.match(after)
    if found is None or (found.group(3) and _DAYS_LISTED.search(after)):
        return period
    amount = int(found.group(1) or found.group(3) or found.group(5))
    weeks = (found.group(2) or "").startswith("w") or found.group(4) == "52"
    length = datetime.timedelta(days=(amount * 7 if weeks else amount) - 1)
    last = dataclasses.replace(first, earliest=first.earliest + length, latest=first.latest + length)
    return details.Period(first, last)


def is_over(period: details.Period, today: datetime.date | None) -> bool:
    """Did the course end before the note's date?"""
    return today is not None and period.end is not None and period.end.latest < today


def goes_on(period: details.Period, today: datetime.date | None) -> bool:
    """Does the course end behind the note's date?"""
    return today is not None and period.end is not None and period.end.earliest > today
