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
    SPACE,
    Grammar,
    Reading,
    folded_text,
    grammar,
    number,
    number_at,
    parse_unit,
    pattern_of,
    phrases,
    read_unit,
)

__all__ = [
    "NUMBER",
    "Reading",
    "connect",
    "grammar",
    "number",
    "parse_unit",
    "pattern_of",
    "phrases",
    "read_before",
    "read_list",
    "read_number",
    "read_plain",
    "read_unit",
]

_WRITTEN_DATE = re.compile(
    r"(?:\d{1,2}/\d{1,2}/|\d{1,2}-\d{1,2}-|\d{1,2}\.\d{1,2}\.)(?:\d{4}|\d{2})(?!\d|[.,]\d)|\d{4}-\d{2}-\d{2}"
    r"|(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])(?=[ \t]*[):]|[ \t]+(?:was|is|of|at)\b)"
    # "8/1 210 -> 8/22 160": a day and its value in a trend
    r"|(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?=[ \t]+\d+(?:\.\d+)?[ \t]*(?:->|→|[,;]|\.?$|\.\s))"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s+\d{1,2}(?:st|nd|rd|th)?"
    r"(?:,?\s+(?:19|20)\d{2})?(?!\d|[.,]\d)"
    r"|\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|fev|avr|mai|juin|juil"
    r"|aou)[a-z]{0,6}\.?(?:\s+(?:19|20)\d{2})?"
    r"|(?:day|days|jour)\s+\d{1,3}"
)
_EXPONENT = re.compile(rf"{SPACE}?[x×*]{SPACE}?10{SPACE}?(?:\^|\*\*|e)?\(?(\d{{1,2}})\)?(?![\d.,])", re.IGNORECASE)
_MULTIPLIER = re.compile(r"\s?(lakhs?|lacs?|thousands?(?!\s?/)|millions?(?!\s?/))(?![a-z])")
_MULTIPLIERS = {"lakh": 1e5, "lac": 1e5, "thousand": 1e3, "million": 1e6}
_LOG = re.compile(rf"{SPACE}?log(?:10)?{SPACE}?", re.IGNORECASE)
_DASH = re.compile(rf"{SPACE}?(?:-|–|—|‑|−){SPACE}?")
_TO = re.compile(rf"{SPACE}?(?:-|–|—|‑|−){SPACE}?|{SPACE}(?:to|a|à){SPACE}", re.IGNORECASE)
_AND = re.compile(rf"{SPACE}(?:and|et|to|à){SPACE}", re.IGNORECASE)
_BLANK = re.compile(rf"{SPACE}*")
_PADDING = re.compile(r"[\s°:=|,\-–—(\[*_;\u00a0\u202f\u2009\"']|\.{2,}|(?<=\s)\.|(?<=\w)\.(?=\s)")
_ASIDE = re.compile(r"\(\s*[A-Za-zÀ-ÿ][^()\d\n]{0,30}\)|\[\s*[A-Za-zÀ-ÿ][^\[\]\d\n]{0,30}\]")
_MULTIPLE = re.compile(rf"{SPACE}?(?:[x×*]|times|fold|-fold|fois){SPACE}*", re.IGNORECASE)


# -- reading -------------------------------------------------------------------------------------------------------
def connect(
    text: str, pos: int, limit: int, *, folded: str | None = None
) -> tuple[int, str, str | None, Reading | None]:
    """Passes over what may stand between a name and its value.

    Returns (position of the number or comparator, the words passed, a flag met on the way, a reference range met on
    the way). Stops at the first thing that is no connector.
    """
    g = grammar()
    folded = folded if folded is not None else folded_text(text)
    flag, start, reference = None, pos, None
    charge = re.compile(r"[+−#]{1,2}(?=[\s:=\d])").match(text, pos, limit)  # Na+ 138, NEUT# 4.2
    pos = charge.end() if charge else pos
    while pos < limit:
        mark = g.flag.match(text, pos, limit) if text[pos] in "([*!↑↓" else None
        if mark is not None:
            flag, pos = g.flags[mark.group()], mark.end()
            continue
        step = _ASIDE.match(text, pos, limit) or _PADDING.match(folded, pos, limit)
        if step is None and folded[pos] in ")]":
            pos += 1
            continue
        if step is None:
            step = g.connector.match(folded, pos, limit)
            if (
                step is not None
                and step.group() in ("a", "to", "and", "in", "by", "with")
                and g.comparator.match(folded, pos, limit)
            ):
                break
            if (
                step is not None
                and g.comparator.match(folded, pos, limit)
                and step.end() <= g.comparator.match(folded, pos, limit).end()
            ):
                break
        else:
            # a range in brackets with a number behind it stands before the value: "Sodium [135-145] 138"
            ahead = g.bracketed.match(folded, pos, limit)
            if (
                ahead is not None
                and ahead.group().lstrip()[0] in "(["
                and (ahead["low"] or ahead["sign"] or ahead["word"])
            ):
                behind = _PADDING.match(folded, ahead.end(), limit)
                after = ahead.end()
                while behind is not None:
                    after = behind.end()
                    behind = _PADDING.match(folded, after, limit)
                if number_at(text, after, limit) or g.comparator.match(folded, after, limit):
                    reference = _reference_of(ahead)
                    pos = after
                    continue
        if step is None:
            step = g.flag.match(text, pos, limit)
            if step is not None:
                flag = g.flags[step.group()]
        if step is None and folded[pos].isalnum():
            step = _WRITTEN_DATE.match(folded, pos, limit)
        if step is None or step.end() == pos:
            break
        pos = step.end()
    return pos, folded[start:pos], flag, reference


def _unit_in(text: str, pos: int, start: int, letters: Mapping[str, str]) -> tuple[str, str] | None:
    """The unit in brackets between a name and its value: "Weight (kg): 58.2"."""
    for match in re.finditer(r"[(\[]\s*([^()\[\]\d][^()\[\]]{0,18})[)\]]", text[pos:start]):
        raw = match[1].strip()
        found = letters.get(raw) or (parse_unit(raw) if len(raw) > 1 and raw.lower() != "in" else None)
        if found is not None:
            return raw, found
    return None


def _reference_of(match: re.Match[str]) -> Reading:
    low = high = None
    if match.groupdict().get("low"):
        low, high = number(match["low"].strip(".,"))[0], number(match["high"].strip(".,"))[0]
    elif match["limit"]:
        bound = number(match["limit"].strip(".,"))[0]
        if (match["sign"] or "<").startswith((">", "≥", "more", "min")):
            low = bound
        else:
            high = bound
    return Reading(match.start(), match.end(), 0.0, "", ref_low=low, ref_high=high)


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
    joint = _TO
    if re.search(r"\b(?:between|entre)\s*$", between):
        joint = _AND
    elif grammar().move.search(between):
        joint = _DASH  # "rose from 1.6 to 5.7" is a trend
    reading = read_plain(text, start, limit, letters=letters, folded=folded, joint=joint)
    if reading is None:
        return None
    if reading.unit is None and ")" in between and (named := _unit_in(text, pos, start, letters)) is not None:
        reading = replace(reading, unit_raw=named[0], unit=named[1])
    if flag and reading.flag is None:
        reading = replace(reading, flag=flag)
    if reference is not None and reading.ref_low is None and reading.ref_high is None:
        reading = replace(reading, ref_low=reference.ref_low, ref_high=reference.ref_high)
    if not trend:
        return reading
    return _trend(text, folded, reading, limit, letters, between)


def read_plain(
    text: str,
    pos: int,
    limit: int,
    *,
    letters: Mapping[str, str] = NO_LETTERS,
    folded: str | None = None,
    joint: re.Pattern[str] = _TO,
) -> Reading | None:
    """A number at ``pos`` itself, with comparator, range, unit, flag and reference range.

    ``joint``: what joins the two ends of a range.
    """
    g = grammar()
    folded = folded if folded is not None else folded_text(text)
    at, comparator = pos, "="
    for _ in range(2):
        sign = g.comparator.match(folded, at, limit)
        if sign is None:
            break
        found = g.comparators[" ".join(sign.group().split())]
        comparator = found if comparator == "=" else comparator
        at = _BLANK.match(text, sign.end(), limit).end()
        filler = re.compile(r"(?:a|an|of|the|to)\s+").match(folded, at, limit)
        at = filler.end() if filler else at
    first = number_at(text, at, limit)
    if first is None:
        return None
    value, other = number(first.group())
    end, high, written_end = first.end(), None, first.end()
    if (
        text[end : end + 1].isalpha()
        and text[end].lower() in "tnrs"
        and text[end : end + 2].lower() in ("st", "nd", "rd", "th")
    ):
        return None
    span = joint.match(text, end, limit)
    if span is not None and comparator in ("=", "~"):
        second = number_at(text, span.end(), limit)
        if second is not None and not _EXPONENT.match(text, second.end(), limit):
            upper = number(second.group())[0]
            if upper > value and not _followed_by_date(text, second.end()):
                high, end, written_end = upper, second.end(), second.end()
    elif span is None and text[end : end + 1] == "%":
        # "80% - 90%"
        span = joint.match(text, end + 1, limit)
        second = number_at(text, span.end(), limit) if span is not None else None
        if second is not None and text[second.end() : second.end() + 2].strip().startswith("%"):
            upper = number(second.group())[0]
            if upper > value:
                high, end, written_end = upper, second.end(), second.end()
    if high is None:
        word = _MULTIPLIER.match(folded, end, limit)
        if word is not None:
            value, other, end = value * _MULTIPLIERS[word[1].rstrip("s")], None, word.end()
        log = _LOG.match(text, end, limit)
        power = _EXPONENT.match(text, end, limit)
        if log is not None and value < 12:
            value, other, end = 10.0**value, None, log.end()
        elif power is not None and int(power[1]) not in (3, 9, 12):
            value, other, end = value * 10.0 ** int(power[1]), None, power.end()
    before_unit = _flag(g, text, end, limit)
    reading = Reading(pos, end, value, text[first.start() : written_end], high, comparator, number_end=end, other=other)
    multiple = _MULTIPLE.match(folded, end, limit)
    named = g.uln.match(folded, multiple.end(), limit) if multiple else None
    if named is None:
        near = _BLANK.match(text, end, limit).end()
        named = (
            g.uln.match(folded, near, limit) if folded.startswith(("uln", "lsn", "x uln", "xuln", "xn"), near) else None
        )
    if named is not None and not re.match(r"\s*[:=\d(<]", folded[named.end() : named.end() + 3]):
        raw = text[end : named.end()].strip()
        return replace(reading, end=named.end(), unit_raw=raw, unit="{ULN}", tail=named.end())
    unit_from = before_unit[0] if before_unit else end
    unit = read_unit(text, unit_from, limit, letters)
    flag = before_unit[1] if before_unit else None
    tail = unit_from if before_unit else end
    if unit is not None:
        tail = unit[0]
        reading = replace(reading, end=unit[0], unit_raw=unit[1], unit=unit[2])
    return _tail(g, text, folded, replace(reading, flag=flag, tail=tail), limit, letters)


def _followed_by_date(text: str, end: int) -> bool:
    return bool(re.match(r"[/-]\d", text[end : end + 2]))


def _flag(g: Grammar, text: str, pos: int, limit: int) -> tuple[int, str] | None:
    gap = GAP.match(text, pos, limit)
    match = g.flag.match(text, gap.end() if gap else pos, limit)
    if match is None:
        return None
    if match.group() in ("L", "N", "A", "H") and match.start() == pos and text[pos - 1].isdigit():
        return match.end(), g.flags[match.group()]
    return match.end(), g.flags[match.group()]


def _tail(g: Grammar, text: str, folded: str, reading: Reading, limit: int, letters: Mapping[str, str]) -> Reading:
    """Flag, reference range and a unit in a later column, in any order."""
    for _ in range(4):
        pos = reading.tail
        sign = g.comparator_after.match(folded, pos, limit) if reading.comparator == "=" else None
        if sign is not None:
            reading = replace(reading, comparator=g.after[" ".join(sign[1].split())], tail=sign.end(), end=sign.end())
            continue
        if reading.ref_low is None and reading.ref_high is None:
            match = (
                g.bracketed.match(folded, pos, limit)
                or g.worded.match(folded, pos, limit)
                or g.column.match(folded, pos, limit)
                or g.column_bound.match(folded, pos, limit)
            )
            if match is not None and _is_reference(match):
                found = _reference_of(match)
                reading = replace(reading, ref_low=found.ref_low, ref_high=found.ref_high, tail=match.end())
                continue
        if reading.flag is None:
            flag = _flag(g, text, pos, limit)
            if flag is not None:
                reading = replace(reading, flag=flag[1], tail=flag[0])
                continue
        if reading.unit is None and pos > reading.end and "\n" not in text[reading.end : pos + 1]:
            gap = GAP.match(text, pos, limit)
            unit = read_unit(text, gap.end(), limit, letters)
            if unit is not None:
                reading = replace(reading, unit_raw=unit[1], unit=unit[2], tail=unit[0])
                continue
        if reading.unit is None and pos == reading.end:
            gap = GAP.match(text, pos, limit)
            if gap is not None and ("|" in gap.group() or "\t" in gap.group()):
                unit = read_unit(text, gap.end(), limit, letters)
                if unit is not None:
                    reading = replace(reading, unit_raw=unit[1], unit=unit[2], tail=unit[0], end=unit[0])
                    continue
        break
    return reading


def _is_reference(match: re.Match[str]) -> bool:
    groups = match.groupdict()
    if groups.get("low"):
        low, high = number(match["low"].strip(".,"))[0], number(match["high"].strip(".,"))[0]
        return low < high
    # a bare number in brackets is another value; it needs a sign or a word such as "normal"
    return bool(groups.get("sign") or groups.get("word"))


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
        passed = re.compile(r"[\s,(]*(?:on|in|at|le)?\s*(?:" + _WRITTEN_DATE.pattern + r")[\s,)]*").match(
            folded, at, limit
        )
        at = passed.end() if passed else at
        arrow = g.arrow.match(folded, at, limit)
        if arrow is not None:
            dated = _DATED.match(folded, arrow.end(), limit)
            behind = arrow.end() if dated is None else dated.end()
            nxt, newer = read_plain(text, GAP.match(text, behind, limit).end(), limit, letters=letters, folded=folded, joint=_DASH), True
        else:
            older = g.older.match(folded, at, limit)
            later = g.newer.match(folded, at, limit) if older is None else None
            nxt, newer = None, False
            if older is not None:
                nxt = read_plain(text, older.end(), limit, letters=letters, folded=folded, joint=_DASH)
            elif later is not None and (
                _NOW.search(later.group())
                or g.move.search(later.group())
                or (from_first and re.search(r"\bto\b", later.group()))
            ):
                nxt, newer = read_plain(text, later.end(), limit, letters=letters, folded=folded, joint=_DASH), True
            else:
                # "1.2 today, 1.4 last week": a word for its time stands behind the next number
                gap = re.compile(r"[\s,;]*(?:and\s+)?").match(folded, at, limit)
                nxt = read_plain(text, gap.end(), limit, letters=letters, folded=folded)
                dated = nxt is not None and passed is not None and _DATED.match(folded, nxt.tail, limit) is not None
                newer = time is not None and _COMMA_NOW.match(time.group()) is not None
                if nxt is not None and not dated and not newer and not g.time.match(folded, nxt.tail, limit):
                    nxt = None
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
    return replace(readings[current], history=history, tail=found[-1][0].tail)


_NOW = re.compile(r"\b(?:now|currently|today)\b")
_DATED = re.compile(r"[\s,(]*(?:on|in|at|le)?\s*(?:" + _WRITTEN_DATE.pattern + r")")
_COMMA_NOW = re.compile(r"\s*[,;]\s*(?:now|currently|today)\b")
_SERIES = re.compile(
    r"(?:\s+(?:before|after|at|on|in|during|prior to|following|within)\s+[^,;.]{1,40}|\s*\([^()]{3,24}\))?"
    r",\s*(?:and\s+)?(?=[\d<>])"
)


def _series(text: str, folded: str, last: Reading, limit: int, letters: Mapping[str, str]) -> Reading | None:
    """The next of "2.9 ng/mL before treatment, 2.6 ng/mL after 6 cycles, and 3.9 ng/mL": it repeats the unit."""
    step = _SERIES.match(folded, last.tail, limit)
    following = read_plain(text, step.end(), limit, letters=letters, folded=folded) if step else None
    return following if following is not None and following.unit == last.unit is not None else None


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
