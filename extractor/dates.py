"""Dates in clinical text as intervals: 2023, 2023-03, 14 March, three weeks ago, since last Tuesday.

A date is an interval with a precision; what only looks like a date (a ratio of nodes, a dose, a stage) is refused.
"""

from __future__ import annotations

import datetime
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .date_forms import EXPRESSION, MONTH_NUMBERS, MONTHS, READERS, Day, century, day_of, named_month
from .frozen import dataclass


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A date written at [start, end): it lies between ``earliest`` and ``latest``; precision day, month or year.

    ``kind``: date, relative, range, duration or vague.
    """

    start: int
    end: int
    earliest: Day
    latest: Day
    precision: str
    kind: str = "date"


_NAMES = sorted({name[:3] for name in MONTH_NUMBERS} | {"mon", "tue", "wed", "thu", "fri", "sat", "sun"})
_MONTH = rf"\s+(?:{'|'.join(sorted({name[:3] for name in MONTH_NUMBERS}))})"
#: how a unit of time begins, and a number of them
_UNIT = r"(?:d[\sa]|w[\sek]|m[\soat]|y[er]|j[oa]|se|an|ho)"
_SOME = r"(?:\d|an?[\s-]|cou|one|two|thr|fou|fiv|six|sev|eig|nin|ten|ele|twe|un|deu|tro|qua|cin)"
_FOR = rf"\s*(?:the|pas|las|abo|app|~|ove|{_SOME})"
#: what stands behind the first character of all that the expression can begin with, but for names of months and days
_BEHIND = {
    r"\d": r"\d?[-/.]\d|\d{3}|(?<='\d)\d|\d{0,2}(?:st|nd|rd|th|er)?[\s./-]*(?:[acdefhjmnostuwy]|g[ei])",
    "~": "",
    "a": rf"n?[\s-]*{_UNIT}|n?\s*(?:-|to)|\s(?:cou|few)|bou|ppr|lmo|rou|fter{_MONTH}|nf|ut|uj|van|yer",
    "b": rf"y{_MONTH}|eg|efore{_MONTH}",
    "c": rf"ou|in|e\s|oming|ompleted{_MONTH}",
    "d": "ur|ep|eu|eb|em|ay|an",
    "e": rf"n(?:{_MONTH}|d|e)|arl|ig|lev",
    "f": rf"or{_FOR}|ou|iv|in|al|rom{_MONTH}",
    "g": "es|is",
    "h": "ie|eu|ace",
    "i": rf"n(?:{_MONTH}|\s+{_SOME})|l\s|er",
    "l": r"at|as|e\s|a\s|'a|et",
    "m": "i",
    "n": "ea|in|ex",
    "o": rf"n\s+(?:mon|tue|wed|thu|fri|sat|sun)|n(?:{_MONTH}|e)|f{_MONTH}|ve|gg",
    "p": "as|revious",
    "q": r"\d|ua",
    "s": rf"om|in|ix|ev|pr|um|t(?:arted|opped){_MONTH}",
    "t": "od|om|on|en|hi|hr|hrough|wo|we|il|ro",
    "u": "n",
    "v": "an|or",
    "w": "in",
    "x": _FOR,
    "y": "es",
}
_BRANCHES = [
    f"(?<={first})(?:{'|'.join([*([behind] if behind else []), *(n[1:] for n in _NAMES if n[0] == first)])})"
    for first, behind in ({name[0]: "" for name in _NAMES} | _BEHIND).items()
]
# the text is in small letters; every match begins with a character, so that the search jumps from one place to the next
_BEGINS = re.compile(rf"[\da-z~](?<!\w[\da-z~])(?={'|'.join(_BRANCHES)})")
#: where an expression without such a word can begin: a date in numbers, or "early 2019"
_BEGINS_NUMBER = re.compile(
    r"[\da-z](?<!\w[\da-z])(?=(?<=\d)(?:\d?[-/.]\d|\d{3}|(?<='\d)\d)|(?<=e)(?:arl|nd)|(?<=[mf])i|(?<=l)ate|(?<=b)eg|(?<=d)eb"
    r"|(?<=a)(?:nf|ut)|(?<=f)al|(?<=q)\d|(?<=s)(?:pr|um)|(?<=w)in)"
)

#: every expression holds one of these words, in lower case and without accents ...
_WORDS = frozenset(MONTH_NUMBERS) | frozenset(
    "day days today yesterday monday tuesday wednesday thursday friday saturday sunday week weeks wk wks month months mo mos "
    "mth mths year years yr yrs hour hours ago morning afternoon evening night tonight tomorrow jour jours semaine semaines "
    "mois ans annee hier demain aujourd dernier derniere passe passee tag tage tagen dag dagen dia dias giorno giorni woche "
    "wochen weken semana semanas settimana settimane monat monate monaten maand maanden mes mese meses mesi jahr jahre jahren "
    "jaar ano anos anno anni matin soir gestern heute gisteren vandaag ayer ieri oggi".split()
)
#: ... or one of these numbers; most sentences hold neither
_NUMBERS = re.compile(r"[\d'](?:(?<=\d)\d?[-/.]\d|(?<=1)9\d\d|(?<=2)0\d\d|(?<=')\d\d)")
_WORD = re.compile(r"[^\W\d_]+")


def has_word(words: Iterable[str]) -> bool:
    """Is one of the words (small letters, no accents) one that a date can be written with?"""
    return not _WORDS.isdisjoint(words)


def has_number(text: str, start: int = 0, end: int = sys.maxsize) -> bool:
    """Does [start, end) of a text hold a number that can be a date?"""
    return _NUMBERS.search(text, start, end) is not None


def expressions(text: str, *, worded: bool) -> list[re.Match[str]]:
    """Every match of EXPRESSION, which is tried only where one can begin: most sentences have few such places.

    ``worded``: it holds a word that a date can be written with (``has_word``).
    """
    found: list[re.Match[str]] = []
    behind = 0
    for begin in (_BEGINS if worded else _BEGINS_NUMBER).finditer(text.lower()):
        if begin.start() >= behind:
            match = EXPRESSION.match(text, begin.start())
            if match:
                found.append(match)
                behind = match.end()
    return found


_PLAIN = str.maketrans("éèêûùüäàâôîçÉÈÊÛÙÜÄÀÂÔÎÇ", "eeeuuuaaaoicEEEUUUAAAOIC")


def parse_iso(value: Any) -> Day | None:
    """A day from a date, datetime, Timestamp, ISO text or yyyymmdd; None for what is none.

    >>> parse_iso("2025-03-01T10:15:00"), parse_iso("soon")
    (datetime.date(2025, 3, 1), None)
    """
    if isinstance(value, datetime.datetime):
        return value.date() if value == value else None
    if isinstance(value, Day):
        return value
    if not isinstance(value, str):
        return None
    text = value.strip()
    match = re.match(r"(\d{4})-?(\d\d)-?(\d\d)(?:$|[T ])", text)
    if match:
        return day_of(*map(int, match.groups()))
    found = find(text, None)
    if len(found) == 1 and found[0].precision == "day" and found[0].start == 0:
        return found[0].earliest
    return None


# the first digit stands before the look behind it, so that the search jumps from digit to digit
_SLASHED = re.compile(r"(\d(?<![\d/.\-]\d)\d?)([/.\-])(\d\d?)\2((?:19|20)?\d\d)(?![\d/])")


#: a day and a month without a year, both in two digits: "06/04"
_PADDED = re.compile(r"/(?<=(?<![\d/.\-])(\d\d)/)(\d\d)(?![\d/]|\.\d)")
_NEAR = (-7, 45)  # days before the note on which what it tells of happened


#: the separators alone, which are fewer than digits
_SEPARATED = re.compile(r"[/.\-](?<=\d.)(?=\d\d?[/.\-]\d\d)")
_RUN = re.compile(r"\w+")
_CONTINENTAL = frozenset(
    "le la les du des au une et avec depuis cure cures und der die mit bei keine het een van met geen".split()
)
_ACCENTS = re.compile(r"[éèêàçùôîäöüßñ]")
_ENGLISH = frozenset("the of and with was is for on no patient".split())
_BRITISH = re.compile(
    r"\b(?:haem\w+|tumour\w*|oesoph\w+|anaem\w+|leukaem\w+|oedema\w*|diarrhoea|\w+aemia|\w+aemic|registrar|nhs|bloods|"
    r"paracetamol|g/l|umol/l|µmol/l|specialist nurse|general practitioner|gp|mdt|wte|fbc|u&es?|lfts? normal|centre|programme)\b",
    re.IGNORECASE,
)
#: letters of which every word of that expression holds some
_BRITISH_SIGNS = (
    "aem", "tumour", "oesoph", "oedema", "diarrhoea", "registrar", "nhs", "bloods", "paracetamol", "g/l", "mol/l", "specialist n", "general p", "gp", "mdt", "wte",
    "fbc", "u&e", "lft", "centre", "programme",
)  # fmt: skip


def _writes_day_first(text: str) -> bool:
    """Is the note's language one that writes the day before the month?"""
    lower = text.lower()
    words = Counter(_RUN.findall(lower))
    continental = sum(words[word] for word in _CONTINENTAL) + (lower.count("pas de") if "pas" in words else 0)
    continental += 0 if text.isascii() else len(_ACCENTS.findall(text))
    if continental >= 3 and continental > sum(words[word] for word in _ENGLISH):
        return True
    return any(sign in lower for sign in _BRITISH_SIGNS) and len(_BRITISH.findall(text)) >= 2


def infer_order(text: str, note_date: Day | None = None) -> str | None:
    """ "mdy" or "dmy" where the slash dates of the text can be read one way only; None without one or with both.

    Where every date can be read both ways, one that is the note's own day in one reading decides, then dates without a year
    that are recent in one reading only, then the language:
    French, German, Dutch and British notes write the day first.
    """
    orders, own, seen = set(), set(), False
    for match in _SLASHED.finditer(text) if _SEPARATED.search(text) else ():
        seen = True
        a, b = int(match.group(1)), int(match.group(3))
        if a > 12 >= b >= 1 and a <= 31:
            orders.add("dmy")
        elif b > 12 >= a >= 1 and b <= 31:
            orders.add("mdy")
        elif note_date and a != b:
            year = century(match.group(4), note_date)
            if (year, a, b) == (note_date.year, note_date.month, note_date.day):
                own.add("mdy")
            elif (year, b, a) == (note_date.year, note_date.month, note_date.day):
                own.add("dmy")
    chosen = orders or own
    if not chosen and note_date and _tells_day_first(text, note_date):
        return "dmy"
    if not chosen and seen and _writes_day_first(text):
        return "dmy"
    return chosen.pop() if len(chosen) == 1 else None


def _tells_day_first(text: str, note_date: Day) -> bool:
    """Do two or more dates without a year fall into the weeks before the note with the day first, and none the other way?"""
    pairs = {(int(a), int(b)) for a, b in _PADDED.findall(text) if a != b}
    if len(pairs) < 2:
        return False

    def recent(day: int, month: int) -> bool:
        dates = [day_of(note_date.year - back, month, day) for back in (0, 1)]
        return any(date is not None and _NEAR[0] <= (note_date - date).days <= _NEAR[1] for date in dates)

    return all(recent(a, b) for a, b in pairs) and not any(recent(b, a) for a, b in pairs)


def find(text: str, note_date: Day | None = None, *, date_order: str = "auto") -> list[DateSpan]:
    """Every date of the text, in order, with exact offsets.

    ``note_date``: the day the note was written; without it relative and partial dates are not read.
    ``date_order``: "mdy", "dmy", "auto" (an unambiguous date of the text decides, else mdy) or "ambiguous" (a date
    that can be read both ways is the interval of both).

    >>> [(str(d.earliest), str(d.latest)) for d in find("PD in March 2025", None)]
    [('2025-03-01', '2025-03-31')]
    """
    plain = text.translate(_PLAIN)
    worded = has_word(_WORD.findall(plain.lower()))
    return found_in(plain, note_date, date_order, worded=worded) if worded or has_number(plain) else []


def found_in(text: str, note_date: Day | None, date_order: str, *, worded: bool) -> list[DateSpan]:
    """What ``find`` gives for a text with a word (``has_word``) or a number (``has_number``) that can be a date's."""
    if not text.isascii():
        text = text.translate(_PLAIN)
    matches = expressions(text, worded=worded)
    if not matches:
        return []
    order = (infer_order(text, note_date) or "mdy") if date_order == "auto" else date_order
    spans: list[DateSpan] = []
    for match in matches:
        name = match.lastgroup or ""
        try:
            read = READERS[name](match, text, note_date, order)
        except (ValueError, OverflowError):  # a day that no calendar has
            continue
        if read is None:
            continue
        start, end = match.span(name)
        if name == "inm":
            start = match.start("imm")
        if name == "yr2":
            start -= 1
        earliest, latest, precision, kind = read
        spans.append(DateSpan(start, end, earliest, latest, precision, kind))
    return _ranges(text, _months(text, spans, note_date), note_date, order)


_MONTH_AND_YEAR = re.compile(r"(\d\d?)/(\d\d)")
_TO = re.compile(r"\s*(?:-|–|—|to|thru|through|until)\s*", re.IGNORECASE)


def _months(text: str, spans: list[DateSpan], note_date: Day | None) -> list[DateSpan]:
    """Pairs without a year as month and year where a range shows it: "3/24-6/24" runs for months, not from a 24th to a 24th.

    The pairs beside such a range are read alike where their second number can be a year.
    """
    if note_date is None or len(spans) < 2:
        return spans
    pairs = {}
    for index, span in enumerate(spans):
        match = _MONTH_AND_YEAR.fullmatch(text, span.start, span.end) if span.precision == "day" else None
        if match and int(match[1]) <= 12 and note_date.year - 15 <= 2000 + int(match[2]) <= note_date.year:
            pairs[index] = (int(match[1]), 2000 + int(match[2]))
    shown = any(
        index + 1 in pairs
        and pairs[index][1] == pairs[index + 1][1]
        and pairs[index][0] < pairs[index + 1][0]
        and _TO.fullmatch(text, spans[index].end, spans[index + 1].start)
        for index in pairs
    )
    if not shown:
        return spans
    found = list(spans)
    for index, (month, year) in pairs.items():
        last = Day(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)
        found[index] = replace(spans[index], earliest=Day(year, month, 1), latest=last, precision="month")
    return found


_JOIN = re.compile(r"\s*(?:-|–|—|to|thru|through|until|till|au|bis|tot|jusqu'au|jusqu'en)\s*", re.IGNORECASE)
_BETWEEN, _AND = re.compile(r"\b(?:between|entre|zwischen|tussen)\s+$", re.IGNORECASE), re.compile(r"\s+(?:and|et|und|en)\s+", re.IGNORECASE)
_SAME_TIME = re.compile(r",?\s*\(?(?:(?:in|on|about|approximately|around|circa|ca\.?|roughly|or)\s+){0,2}", re.IGNORECASE)
_DAYS_BEFORE = re.compile(r"(?<![\w/.\-])(\d\d?)(?:er|\.)?\s*(?:-|–|to|and|au|et|bis|tot)\s*$")
_DAYS_BEHIND = re.compile(r"\s*(?:-|–|to)\s*(\d\d?)(?:st|nd|rd|th)?(?:,\s*|\s+)((?:19|20)\d\d)(?!\d)")
_PRESENT = re.compile(r"\s*(?:-|–|—|to|until|through)\s*(?:present|now|date|today|current|ongoing)\b", re.IGNORECASE)
_MONTH_BETWEEN = re.compile(rf"\b(?:between|entre|zwischen)\s+({MONTHS})\.?\s+(?:and|et|und)\s*$", re.IGNORECASE)
_MONTH_BEFORE = re.compile(rf"(?<!\w)({MONTHS})\.?\s*(?:-|–|to|through|/|\ba\b|bis|tot)\s*$", re.IGNORECASE)


def _ranges(text: str, spans: list[DateSpan], note_date: Day | None, order: str) -> list[DateSpan]:
    """Two dates joined by a dash or "to" are one range; a bare month before a range takes the year behind it."""
    found: list[DateSpan] = []
    for span in spans:
        if found and span.start < found[-1].end:
            continue
        if span.kind == "date":
            span = _widened(text, span, note_date)
            if found and found[-1].kind == "relative" and _SAME_TIME.fullmatch(text, found[-1].end, span.start):
                before = found[-1]
                if span.latest - span.earliest <= before.latest - before.earliest:
                    found.pop()  # "18 years ago, approximately 1989": the date says it more exactly
        if span.kind == "date" and found and found[-1].kind in ("date", "vague", "range"):
            before = found[-1]
            joint = text[before.end : span.start]
            joined = _JOIN.fullmatch(joint) or (_AND.fullmatch(joint) and _BETWEEN.search(text, max(0, before.start - 10), before.start))
            if joint and len(joint) < 10 and joined and before.earliest <= span.latest:
                earliest = before.earliest
                found[-1] = DateSpan(before.start, span.end, earliest, span.latest, span.precision, "range")
                continue
            if (
                joint
                and len(joint) < 10
                and _JOIN.fullmatch(joint)
                and before.precision == "day"
                and span.precision == "day"
            ):
                earlier = day_of(
                    span.earliest.year - 1 if before.earliest.month > span.earliest.month else span.earliest.year,
                    before.earliest.month,
                    before.earliest.day,
                )
                if earlier:
                    found[-1] = DateSpan(before.start, span.end, earlier, span.latest, "day", "range")
                    continue
        if span.kind == "date" and span.precision == "month":
            lead = _MONTH_BEFORE.search(text, max(0, span.start - 20), span.start) or _MONTH_BETWEEN.search(text, max(0, span.start - 28), span.start)
            if lead and found and found[-1].start == lead.start(1) and text[found[-1].start : found[-1].end].isalpha():
                found.pop()  # "from February through May 2023": the month alone takes the year behind it
            if lead and not (found and found[-1].end > lead.start()):
                month = named_month(lead.group(1))
                year = span.earliest.year - (1 if month > span.earliest.month else 0)
                span = DateSpan(lead.start(1), span.end, Day(year, month, 1), span.latest, "month", "range")
        found.append(span)
    return found


def _widened(text: str, span: DateSpan, note_date: Day | None) -> DateSpan:
    """A range that one date opens or closes: "4-7 March 2024", "Mar 4-7, 2024", "2018-present"."""
    present = _PRESENT.match(text, span.end)
    if present and note_date and span.earliest <= note_date:
        return DateSpan(span.start, present.end(), span.earliest, note_date, span.precision, "range")
    if span.precision != "day" or span.earliest != span.latest:
        return span
    behind = _DAYS_BEHIND.match(text, span.end)
    if behind and text[span.start].isalpha():
        year = int(behind.group(2))
        first = day_of(year, span.earliest.month, span.earliest.day)
        last = day_of(year, span.earliest.month, int(behind.group(1)))
        if first and last and first < last:
            return DateSpan(span.start, behind.end(), first, last, "day", "range")
    if text[span.start].isdigit() and re.match(
        r"\d\d?(?:st|nd|rd|th|\.)?\s+(?:of\s+)?[A-Za-z]", text[span.start : span.end]
    ):
        before = _DAYS_BEFORE.search(text, max(0, span.start - 10), span.start)
        first = day_of(span.earliest.year, span.earliest.month, int(before.group(1))) if before else None
        if before and first and first < span.latest:
            return DateSpan(before.start(), span.end, first, span.latest, "day", "range")
    return span
