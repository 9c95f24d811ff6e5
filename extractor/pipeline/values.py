"""Reads the number that belongs to a name: comparator, range, separators, unit, flag, reference range, trend.

All families use it: laboratory values, percentages, scores, doses, grades. Offsets are those of the text given; the
words that may stand between a name and its value are data (``patterns/values.toml``). A number that cannot be read is
None, never a guess; where a separator can be read two ways both readings are given and the family's plausible range
decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from .numbers import (
    GAP,
    NO_LETTERS,
    NUMBER,
    Reading,
    folded_text,
    grammar,
    number,
    number_at,
    parse_unit,
    past,
    pattern_of,
    phrases,
    read_unit,
)
from .reading import AND, DASH, TO, WRITTEN_DATE, connect, read_plain, unit_in

__all__ = [
    "NUMBER",
    "Reading",
    "connect",
    "grammar",
    "named_behind",
    "number",
    "parse_unit",
    "past",
    "pattern_of",
    "phrases",
    "read_before",
    "read_list",
    "read_number",
    "read_plain",
    "read_unit",
]


def read_number(
    text: str,
    pos: int,
    limit: int,
    *,
    letters: Mapping[str, str] = NO_LETTERS,
    trend: bool = True,
    folded: str | None = None,
) -> Reading | None:
    """The value that belongs to a name that ends at ``pos``, not looking past ``limit``.

    ``letters``: single letters that are units for this name. None where no number follows, where the words between
    make it a goal or a threshold ("transfuse if below 7"), or where the number is a date.

    >>> r = read_number("Platelets 142 K/uL (150-400)", 9, 28)
    >>> r.value, r.unit, r.ref_low, r.ref_high
    (142.0, '10*3/uL', 150.0, 400.0)
    """
    folded = folded if folded is not None else folded_text(text)
    limit = min(limit, pos + 240)
    start, between, flag, reference = connect(text, pos, limit, folded=folded)
    if grammar().stop.match(folded, start, limit) or grammar().change.search(folded, max(pos, start - 16), start + 3):
        return None
    joint = TO
    if re.search(r"\b(?:between|entre)\s*$", between):
        joint = AND
    elif grammar().move.search(between) or _FROM.search(between):
        joint = DASH  # "rose from 1.6 to 5.7" is a trend, "ranged from 1.6 to 5.7" is none
    reading = read_plain(text, start, limit, letters=letters, folded=folded, joint=joint)
    if reading is None:
        return None
    if reading.unit is None and ")" in between and (named := unit_in(text, pos, start, letters)) is not None:
        reading = replace(reading, unit_raw=named[0], unit=named[1])
    if flag and reading.flag is None:
        reading = replace(reading, flag=flag)
    if reference is not None and reading.ref_low is None and reading.ref_high is None:
        reading = replace(reading, ref_low=reference.ref_low, ref_high=reference.ref_high)
    behind = _BEHIND_RANGE.match(text, reading.tail, limit) if reading.value_high is not None and reading.comparator == "=" else None
    if behind is not None:  # a column of ranges in front of the results: "Glucose   90-120 mg/dl   95 mg/dl"
        result = read_plain(text, behind.end(), limit, letters=letters, folded=folded)
        if result is not None and result.value_high is None and result.unit in (None, reading.unit):
            unit = (result.unit_raw, result.unit) if result.unit else (reading.unit_raw, reading.unit)
            return replace(result, unit_raw=unit[0], unit=unit[1], ref_low=reading.value, ref_high=reading.value_high)
    if not trend:
        return reading
    return _trend(text, folded, reading, limit, letters, between)


_FROM = re.compile(r"(?<!ranging )(?<!ranged )(?<!ranges )(?<!varied )(?<!varying )(?<!fluctuated )(?<!fluctuating )\bfrom\s*$")
_FALL = re.compile(r"\b(?:dropped|fell|falling|declined|decreased)\s*$")
_BEHIND_RANGE = re.compile(r"[ ]*(?:[ ]{2}|\t|\|)[ \t|]*(?=[<>]?\d)")
_GIVEN = re.compile(r"\s*\d{1,2}\s?(?:u|units?|unites?|culots?|bags?|packs?|prbcs?|g-?csf)\b(?!\s?/)|\s*(?:transfus|held|hold|g-?csf)")

# -- trends --------------------------------------------------------------------------------------------------------
def _trend(text: str, folded: str, first: Reading, limit: int, letters: Mapping[str, str], between: str) -> Reading:
    """Other values of the same name behind the first one; the current value is returned, the others are its history.

    "9.1 -> 8.4" and "rose from 1.6 to 5.7": the last is current. "9.1 (was 8.4)", "10.9 from 17.3": the first is.
    """
    g = grammar()
    found: list[tuple[Reading, bool]] = [(first, True)]  # reading, newer than those before
    from_first = bool(re.search(r"\bfrom\b|\bde\b", between)) or bool(g.move.search(between))
    while len(found) < 8:
        pos = found[-1][0].tail
        time = g.time.match(folded, pos, limit)
        at = time.end() if time else pos
        passed = _PASSED.match(folded, at, limit)
        at = passed.end() if passed else at
        arrow = g.arrow.match(folded, at, limit)
        if arrow is not None and _GIVEN.match(folded, arrow.end(), limit):
            break  # "Hgb 7.4 -> 2u PRBC": the arrow leads to what was done
        if arrow is not None:
            at = past(GAP, text, past(_DATED, folded, arrow.end(), limit), limit)
            nxt, newer = read_plain(text, at, limit, letters=letters, folded=folded, joint=DASH), True
        else:
            older = g.older.match(folded, at, limit) or (g.older.match(folded, pos, limit) if time else None)
            later = g.newer.match(folded, at, limit) if older is None else None
            nxt, newer = None, False
            if older is not None:
                nxt = read_plain(text, older.end(), limit, letters=letters, folded=folded, joint=DASH)
            elif later is not None and (
                _NOW.search(later.group())
                or g.move.search(later.group())
                or (from_first and re.search(r"\bto\b", later.group()))
            ):
                nxt, newer = read_plain(text, later.end(), limit, letters=letters, folded=folded, joint=DASH), True
            else:
                # "1.2 today, 1.4 last week": a word for its time stands behind the next number
                begin = past(_NEXT, folded, at, limit)
                nxt = read_plain(text, begin, limit, letters=letters, folded=folded)
                bracket = "(" in folded[at:begin]
                dated = nxt is not None and (passed is not None or bracket) and _DATED.match(folded, nxt.tail, limit) is not None
                newer = time is not None and _COMMA_NOW.match(time.group()) is not None
                behind = g.time.match(folded, nxt.tail, limit) if nxt is not None else None
                newer = newer or (behind is not None and _NOW.search(behind.group()) is not None)
                times = (g.time, _AGO)
                if nxt is not None and not dated and not newer and not any(t.match(folded, nxt.tail, limit) for t in times):
                    nxt = None
            if nxt is None:
                nxt, newer = _timed(text, folded, found[-1][0], limit, letters)
            if nxt is None and first.unit:
                nxt, newer = _series(text, folded, found[-1][0], limit, letters), True
        if nxt is None or nxt.unit == "{ULN}" or (nxt.unit and found[-1][0].unit and nxt.unit != found[-1][0].unit):
            break
        found.append((nxt, newer))
    if len(found) == 1:
        return first
    unit = next(((r.unit_raw, r.unit) for r, _ in reversed(found) if r.unit), (None, None))
    readings = [r if r.unit else replace(r, unit_raw=unit[0], unit=unit[1]) for r, _ in found]
    current = 0
    for index, (_, newer) in enumerate(found):
        if newer:
            current = index
    history = tuple(r for i, r in enumerate(readings) if i != current)
    if len(readings) == 2 and current == 1 and first.value < readings[1].value and _FALL.search(between):
        history = ()  # "dropped 3 g/dL to 8.2": the first number is the change
    return replace(readings[current], history=history, tail=found[-1][0].tail)


_NEXT = re.compile(r"[\s,;(]*(?:and\s+)?")
_AGO = re.compile(
    r"\s*(?:about\s+|~\s?)?(?:\d{1,2}|an?|one|two|three|four|six|few|several)\s+(?:days?|weeks?|wks?|months?|mos?|years?|yrs?)\s+(?:ago|earlier|prior|before)\b"
)
_NOW = re.compile(r"\b(?:now|currently|today)\b")
_DAY = r"(?:on|le)\s+\d{1,2}/\d{1,2}(?![\d/])|(?:in|en)\s+(?:19|20)\d{2}(?!\d|[.,]\d)|(?:on|in|at|le)?\s*(?:" + WRITTEN_DATE.pattern + ")"
_DATED = re.compile(rf"[\s,(]*(?:{_DAY})")
_PASSED = re.compile(rf"[\s,(]*(?:{_DAY})[\s,)]*")
_DATED_NEXT = re.compile(rf"\s*[;,]\s*(?:and\s+)?(?:{_DAY})\s*:?\s*(?=[\d<>])")
_COMMA_NOW = re.compile(r"\s*[,;]\s*(?:now|currently|today)\b")
_SERIES = re.compile(
    r"(?:\s+(?:before|after|at|on|in|during|prior to|following|within)\s+[^,;.]{1,40}|\s*\([^()]{3,24}\))?"
    r",\s*(?:and\s+)?(?=[\d<>])"
)


_PAST = re.compile(r"yesterday|hier|last|initially|baseline|previously|before|diagnosis|admission|presentation")
_ENDS = re.compile(r"\s*(?:[,;.)\n]|$)")


def _timed(text: str, folded: str, last: Reading, limit: int, letters: Mapping[str, str]) -> tuple[Reading | None, bool]:
    """The next of "0.8; on admission 2.3; at discharge 1.0", and whether it is newer than those before: a word
    for its time stands in front of it, nothing behind it.
    """
    step = grammar().timed.match(folded, last.tail, limit) or _DATED_NEXT.match(folded, last.tail, limit)
    if step is None:
        return None, False
    following = read_plain(text, step.end(), limit, letters=letters, folded=folded)
    if following is None or (following.unit or last.unit) != last.unit or not _ENDS.match(text, following.tail):
        return None, False
    return following, _PAST.search(step.group()) is None


def _series(text: str, folded: str, last: Reading, limit: int, letters: Mapping[str, str]) -> Reading | None:
    """The next of "2.9 ng/mL before treatment, 2.6 ng/mL after 6 cycles, and 3.9 ng/mL": it repeats the unit."""
    step = _SERIES.match(folded, last.tail, limit)
    following = read_plain(text, step.end(), limit, letters=letters, folded=folded) if step else None
    return following if following is not None and following.unit == last.unit is not None else None


_ON_DAY = re.compile(r"\b(?:on|by|due|dated|since|until|from|le|am)\s*$")
_DAY_MONTH = re.compile(r"(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])(?![\d.,]\d|\d|/\d)")


def read_list(
    text: str,
    pos: int,
    limit: int,
    count: int,
    *,
    letters: Mapping[str, str] = NO_LETTERS,
    folded: str | None = None,
) -> list[Reading]:
    """``count`` values for as many names: "45/52", "1.6 mg/dL and 19.3 mg/dL, respectively"; else an empty list."""
    folded = folded if folded is not None else folded_text(text)
    limit = min(limit, pos + 300)
    at, _, _, _ = connect(text, pos, limit, folded=folded)
    if _ON_DAY.search(folded, max(pos, at - 8), at) and _DAY_MONTH.match(folded, at, limit):
        return []  # "check Na, K, Cr on 3/20"
    found: list[Reading] = []
    joint = re.compile(r"(?:[a-zµ]{1,8}(?:/[a-z]{1,4})?)?\s*(?:/|,?\s*(?:and|et|&)\s+|,|;|\|)\s*")
    while len(found) < count:
        reading = _one(text, at, limit, letters, folded, last=len(found) + 1 == count)
        if reading is None:
            return []
        found.append(reading)
        if len(found) == count:
            break
        step = joint.match(folded, reading.tail, limit)
        if step is None:
            return []
        at = step.end()
    return found


def _one(text: str, at: int, limit: int, letters: Mapping[str, str], folded: str, *, last: bool) -> Reading | None:
    """One item of a list; within "45/52" the slash is no part of a unit or a date."""
    slash = re.compile(r"(\d+(?:[.,]\d+)?)\s*/\s*(?=\d)").match(text, at, limit)
    if slash is not None and not last:
        value, other = number(slash[1])
        end = slash.end(1)
        return Reading(at, end, value, slash[1], number_end=end, other=other, tail=end)
    return read_plain(text, at, limit, letters=letters, folded=folded)


_MEASURES = frozenset({"%", "Cel", "[degF]", "mm[Hg]", "s", "kg", "cm"})  # a bare mass is a dose ("40 mg for K 3.1")
_FOR = re.compile(r"\s+for\s+(?:the\s+|her\s+|his\s+|serum\s+|body\s+|total\s+)?$")


def named_behind(
    text: str, pos: int, floor: int, *, letters: Mapping[str, str] = NO_LETTERS, folded: str | None = None
) -> Reading | None:
    """The value that is named behind it: "140 beats/min for heart rate, 40 breaths/min for respiratory rate"."""
    folded = folded if folded is not None else folded_text(text)
    joint = _FOR.search(folded, max(floor, pos - 12), pos)
    if joint is None:
        return None
    for match in NUMBER.finditer(text, max(floor, joint.start() - 28), joint.start()):
        reading = read_plain(text, match.start(), joint.start(), letters=letters, folded=folded)
        if reading is not None and reading.end == joint.start() and ("/" in (reading.unit or "") or reading.unit in _MEASURES):
            return reading
    return None


def read_before(
    text: str, pos: int, floor: int, *, letters: Mapping[str, str] = NO_LETTERS, folded: str | None = None
) -> Reading | None:
    """The value that stands directly before a name that begins at ``pos``: "142 platelets", "a 38.2 °C temperature"."""
    floor = max(floor, pos - 40)
    best = None
    for match in NUMBER.finditer(text, floor, pos):
        best = match if number_at(text, match.start(), pos) else best
    if best is None:
        return None
    start = best.start()
    g = grammar()
    folded = folded if folded is not None else folded_text(text)
    for sign in g.comparator.finditer(folded, floor, start):
        if not folded[sign.end() : start].strip():
            start = sign.start()
            break
    reading = read_plain(text, start, pos, letters=letters, folded=folded)
    if reading is None or text[reading.end : pos].strip(" \t\n-()").lower() not in ("", "of", "in", "de", "d'", "d’"):
        return None
    return reading
