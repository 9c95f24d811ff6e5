"""The forms in which clinical text writes a date, and what each one says: the readers behind ``extractor.dates``.

One expression looks at every word once; the name of the group that matched names its reader. A reader gives
(earliest, latest, precision, kind), or None for what only looks like a date.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Callable

from .alternation import alternation
from .date_contexts import ARTICLE, DAYS, FUTURE, HINT, LAST, NOT_AFTER, NOT_BEFORE, YEAR_NOT_BEFORE, YEAR_OK_OF

Day = datetime.date

MONTH_NUMBERS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier janv januar januari enero gennaio", "february feb fevrier fevr fev februar februari febrero febbraio",
            "march mar mars marz maart marzo", "april apr avril avr abril aprile", "may mai mei mayo maggio",
            "june jun juin juni junio giugno", "july jul juillet juil juli julio luglio", "august aug aout augustus agosto",
            "september sep sept septembre septiembre settembre", "october oct octobre oktober okt octubre ottobre",
            "november nov novembre noviembre", "december dec decembre dezember dez diciembre dicembre",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
MONTHS = alternation(sorted(MONTH_NUMBERS))
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {
    w: n
    for n, ws in enumerate(
        ("", "one a an un une", "two deux couple", "three trois few", "four quatre", "five cinq", "six", "seven sept", "eight huit", "nine neuf", "ten dix", "eleven", "twelve")
    )
    for w in ws.split()
}  # fmt: skip
_UNITS = {"d": "day", "j": "day", "w": "week", "s": "week", "m": "month", "y": "year", "a": "year"}
_COUNT = r"(?:\d{1,3}|(?:a\ )?couple(?:\ of)?|a\ few|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|an?|un|une|deux|trois|quatre|cinq)"
_SPAN = r"(?:days?|d(?=\sago)|weeks?|wks?|wk|w(?=\sago)|months?|m(?=\sago)|mos?|mths?|years?|yrs?|yr|jours?|semaines?|mois|ans|hours?)"
#: units of time in German, Dutch, Spanish and Italian, by their first letters
_ABROAD = {
    "tag": "day", "dag": "day", "dia": "day", "gio": "day", "woc": "week", "wek": "week", "wee": "week", "sem": "week", "set": "week",
    "mon": "month", "maa": "month", "mes": "month", "moi": "month", "jah": "year", "jaa": "year", "ano": "year", "an": "year", "ann": "year",
}  # fmt: skip
_SPAN_ABROAD = r"(?:tage?n?|dage?n?|dias?|giorn[oi]|wochen?|weken|week|semanas?|settiman[ae]|monate?n?|maand(?:en)?|mes(?:es|i|e)?|jahre?n?|jaar|anos?|ann[oi])"
_YEAR = r"(?:19[2-9]\d|20\d\d)"
_SEPARATOR = r"[/.\-]"

EXPRESSION = re.compile(
    rf"""
  (?<!\w)(?:
    (?<![\w.,]) (?P<ago> (?:(?:about|approximately|~|some|over|almost|nearly|il\ y\ a|around)\s*)?(?:(?P<ay>{_COUNT})\s+years?(?:,|\s+and)\s+)?(?P<an>{_COUNT})(?:\s*(?:-|to)\s*(?P<an2>\d{{1,3}}|{_COUNT}))?[\s-]*(?P<au>{_SPAN})\s+(?P<aw>ago|earlier|prior|previously|before|back)\b )
  | (?=\d)(?:
      (?:(?<![\w/.\-])|(?<=/\d-)|(?<=/\d\d-)) (?P<iso> (?P<iy>{_YEAR}) (?P<is>[-/.]) (?P<im>\d\d?) (?P=is) (?P<id>\d\d?) ) (?=$|[^\d/.\-]|[.\-/](?!\d)|-(?={_YEAR}[/.])|T?\d\d:)
    | (?<![\w/.,]) (?P<num> (?P<na>\d\d?) (?P<ns>{_SEPARATOR}) (?P<nb>\d\d?) (?P=ns) (?P<ny>{_YEAR}|\d\d) ) (?=$|[^\w/.\-]|[.\-](?!\d)|-(?=\d\d?[/.\-])|/(?![\w]))
    | (?<![\w/.\-,]) (?P<nummon> (?P<nd>\d\d?)[-/. ]?(?P<nm>{MONTHS})\.?[-/. ,]{{0,2}}(?P<nmy>{_YEAR}|\d\d(?![\d:]) ) ) \b
    | (?<![\w/.]) (?P<compact> (?P<cy>20[0-4]\d|19\d\d)(?P<cm>0[1-9]|1[0-2])(?P<cd>0[1-9]|[12]\d|3[01]) ) (?!\w)
    | (?<![\w/.]) (?P<my> (?P<mm>\d\d?)/(?P<myy>{_YEAR}) ) (?![\w/])
    | (?:(?<![\w/.\-])|(?<=/\d-)|(?<=/\d\d-)) (?P<ym> (?P<yy>{_YEAR})[-/](?P<ymm>0[1-9]|1[0-2]|(?<=/)[1-9]) ) (?![\w/]|-(?!{_YEAR}/))
    | (?<![\w/.]) (?P<dmy> (?P<dd>\d\d?)(?:st|nd|rd|th|er|\.)?\s+(?:(?:of|de)\s+)?(?P<dm>{MONTHS})\.?,?\s+(?:de\s+)?(?P<dy>{_YEAR}) ) (?!\w)
    | (?<![\w/.,]) (?P<dmo> (?P<qd>\d\d?)(?:st|nd|rd|th|er)?\s+(?:of\s+)?(?P<qm>{MONTHS}) ) (?!\w)
    | (?<!\w) (?P<dash> (?P<sd>\d\d?)[-](?P<sm>{MONTHS}) ) (?!\w)
    | (?<![\w/.,]) (?P<fa> (?P<gn>\d{{1,2}})\s+(?P<gu>{_SPAN_ABROAD})\s+(?:geleden|fa) ) (?!\w)
    | (?<![\w/.\-]) (?P<yr2> (?<=')(?P<y2>\d\d) ) (?![\w'])
    | (?<![\w/.#$:])(?<![\s(]\d-) (?P<part> (?P<pa>\d\d?)/(?P<pb>\d\d?) ) (?![\w/%]|\.\d|-\d(?!\d?/\d)|:\d)
    | (?:(?<![\w/.\-#$:,])|(?<=[12]\d\d\d[-–])|(?<=^[-])|(?<=\s[-])) (?P<year> {_YEAR} ) (?![\w/%]|\.\d|-(?!(?:19|20)\d\d\b)\d{{3}}|:\d|\s*(?:ml|mg|mcg|iu|units?|cc|g|kg|cells|copies|patients|kcal|mm|cm|ng|u)\b)
    )
  | (?=[^\W\d_]|~)(?:
      (?<!\w) (?P<mdy> (?:(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?,?\s+)? (?P<tm>{MONTHS})\.?\s+(?:the\s+)?(?P<td>\d\d?)(?:st|nd|rd|th)?(?:,\s*|\s+|\s*,?\s+of\s+)(?P<ty>{_YEAR}) ) (?!\w)
    | (?<!\w) (?P<vm> (?P<vq>early|mid|late|beginning\ of|end\ of|middle\ of|debut|fin|mi(?=-)|anfang|mitte|ende)(?:\s+|-)(?P<vmm>{MONTHS})\b\.?(?:,?\s+(?P<vmy>{_YEAR}))? ) (?!\w)
    | (?<!\w) (?P<vy> (?P<vyq>early|mid|late|beginning\ of|end\ of|middle\ of|debut|fin|mi(?=-)|anfang|mitte|ende|q[1-4]|spring|summer|fall|autumn|winter)(?:\s+of|\s+in)?(?:\s+|-)(?P<vyy>{_YEAR}) ) (?![\w/])
    | (?<!\w) (?P<mon> (?P<om>{MONTHS})\.?(?:,|-)?\s*(?:(?:of|de)\s+)?(?:(?P<oy>{_YEAR})|'(?P<oy2>\d\d)) ) (?![\w/])
    | (?<!\w) (?P<md> (?P<pm>{MONTHS})\.?\s+(?P<pd>\d\d?)(?:st|nd|rd|th)? ) (?![\w/%]|\.\d|\s*(?:mm|cm|mg|ml|%|x\b))
    | (?<!\w) (?P<ilya> il\ y\ a\s+(?P<in>{_COUNT})\s*(?P<iu>{_SPAN}) ) (?!\w)
    | (?<!\w) (?P<vor> (?:vor|hace)\s+(?P<on>\d{{1,2}})\s+(?P<ou>{_SPAN_ABROAD}) ) (?!\w)
    | (?<!\w) (?P<ahead> (?:in|dans)\s+(?P<hn>{_COUNT})\s+(?P<hu>{_SPAN})(?!\s+(?:of|ago|doses|cycles))\b )
    | (?<!\w) (?P<dur> (?:for|x|over|during|depuis)\s*(?:the\s+)?(?:past|last|about|approximately|~|over)?\s*(?P<fn>{_COUNT})\s+(?P<fu>{_SPAN})\b | (?:for|over|during)\s+the\s+(?:past|last)\s+(?P<fu2>year|month|week)\b )
    | (?<!\w) (?P<rel> today|yesterday|tomorrow|tonight|this\ (?:morning|afternoon|evening)|ce\ (?:matin|jour|soir)|last\ night|day\ before\ yesterday|aujourd'hui|hier|demain|avant-hier|gestern|heute|gisteren|vandaag|ayer|ieri|oggi ) (?!\w)
    | (?<!\w) (?P<lw> (?P<lwq>last|this|next|past|previous|coming)\s+(?P<lwu>week|month|year|(?:mon|tues|wednes|thurs|fri|satur|sun)day) ) (?!\w)
    | (?<!\w) (?P<der> (?:le|la)\s+(?P<du>mois|semaine)\s+(?:dernier|derniere|passe|passee) | l'(?P<du2>an|annee)\s+(?:dernier|derniere|passee?)
        | (?:letzten?|letztes|vorigen?|vorig)\s+(?P<du3>week|woche|monat|maand|jahr|jaar) ) (?!\w)
    | (?<!\w) (?P<wd> (?:on|since|depuis)\s+(?P<wdd>(?:mon|tues|wednes|thurs|fri|satur|sun)day) ) (?!\w)
    | (?<!\w) (?P<inm> (?:in|since|from|until|through|by|of|during|en|depuis|mid|after|before|late|till|finished|completed|started|ended|stopped)\s+(?P<imm>{MONTHS}) ) (?![\w\-]|[,.]?\s*(?:of\s+)?\d)
    )
  )
    """,
    re.VERBOSE | re.IGNORECASE,
)

_VAGUE_MONTH = {
    "early": (1, 10), "beginning": (1, 10), "debut": (1, 10), "anfang": (1, 10), "mid": (11, 20), "middle": (11, 20), "mi": (11, 20), "mitte": (11, 20),
    "late": (21, 31), "end": (21, 31), "fin": (21, 31), "ende": (21, 31),
}  # fmt: skip
_VAGUE_YEAR = {
    "early": (1, 4), "beginning": (1, 3), "debut": (1, 3), "mid": (5, 8), "middle": (5, 8), "mi": (5, 8), "anfang": (1, 4), "mitte": (5, 8), "ende": (10, 12), "q1": (1, 3), "q2": (4, 6), "q3": (7, 9), "q4": (10, 12), "late": (9, 12), "end": (10, 12), "fin": (10, 12),
    "spring": (3, 6), "summer": (6, 9), "fall": (9, 12), "autumn": (9, 12), "winter": (1, 3),
}  # fmt: skip


Read = tuple[Day, Day, str, str] | None


def day_of(year: int, month: int, day: int) -> Day | None:
    try:
        return Day(year, month, day)
    except ValueError:
        return None


def _one(day: Day | None, kind: str = "date") -> Read:
    return (day, day, "day", kind) if day else None


def century(year: str, note_date: Day | None) -> int:
    if len(year) == 4:
        return int(year)
    latest = (note_date.year if note_date else datetime.date.today().year) + 5
    value = 2000 + int(year)
    return value if value <= latest else value - 100


def _month(year: int, month: int, kind: str = "date") -> Read:
    first = day_of(year, month, 1)
    if first is None:
        return None
    return first, Day(year, month, calendar.monthrange(year, month)[1]), "month", kind


def named_month(word: str) -> int:
    folded = word.lower().replace("é", "e").replace("û", "u").replace("ä", "a").rstrip(".")
    return MONTH_NUMBERS[folded]


def _slash(a: int, b: int, year: int, order: str) -> Read:
    mdy, dmy = day_of(year, a, b), day_of(year, b, a)
    if mdy and dmy and mdy != dmy and order == "ambiguous":
        return min(mdy, dmy), max(mdy, dmy), "day", "date"
    return _one((dmy or mdy) if order == "dmy" else (mdy or dmy))


def _iso(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    return _one(day_of(int(m["iy"]), int(m["im"]), int(m["id"])))



def _numeric(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    if m["ns"] == "." and len(m["ny"]) == 2 and not (len(m["na"]) == len(m["nb"]) == 2):
        return None
    if m["ns"] == "-" and len(m["ny"]) == 2 and not (len(m["na"]) == 2 or HINT.search(t[: m.start()])):
        return None
    if m["ns"] == "/" and len(m["ny"]) == 2 and DAYS.search(t, max(0, m.start() - 6), m.start()):
        return None  # "days 1/8/15"
    order = "dmy" if m["ns"] == "." or ARTICLE.search(t, max(0, m.start() - 6), m.start()) else o
    return _slash(int(m["na"]), int(m["nb"]), century(m["ny"], n), order)


def _text_number(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    return _one(day_of(century(m["nmy"], n), named_month(m["nm"]), int(m["nd"])))


def _compact(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    if re.search(r"\b(?:mrn|phone|tel|fax|ssn|id|npi|account|acct|dose|units?)\W{0,3}$", t[: m.start()], re.IGNORECASE):
        return None
    return _one(day_of(int(m["cy"]), int(m["cm"]), int(m["cd"])))


def _month_year(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    if re.search(r"\bratio\W{0,3}$", t[: m.start()], re.IGNORECASE):
        return None
    return _month(int(m["myy"]), int(m["mm"]))


def _year_month(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    return _month(int(m["yy"]), int(m["ymm"]))


def _mdy(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    return _one(day_of(int(m["ty"]), named_month(m["tm"]), int(m["td"])))


def _dmy(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    return _one(day_of(int(m["dy"]), named_month(m["dm"]), int(m["dd"])))


def _vague_month(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    month = named_month(m["vmm"])
    if m["vmy"]:
        year = int(m["vmy"])
    elif n:
        year = n.year if (month, 1) <= (n.month, n.day) else n.year - 1
    else:
        return None
    low, high = _VAGUE_MONTH[m["vq"].split()[0].lower()]
    last = calendar.monthrange(year, month)[1]
    return Day(year, month, low), Day(year, month, min(high, last)), "month", "vague"


def _vague_year(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    year = int(m["vyy"])
    low, high = _VAGUE_YEAR[m["vyq"].split()[0].lower()]
    return Day(year, low, 1), Day(year, high, calendar.monthrange(year, high)[1]), "year", "vague"


def _month_named(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    return _month(int(m["oy"]) if m["oy"] else century(m["oy2"], n), named_month(m["om"]))


def _latest(month: int, day: int, n: Day, text: str, start: int) -> Day | None:
    """The day of that month and day that lies nearest before the note (after it where the words speak of plans)."""
    this = day_of(n.year, month, day)
    if this is None:
        return day_of(n.year - 1, month, day)
    if this <= n:
        return this
    ahead = (this - n).days
    if ahead <= 120 and FUTURE.search(text[:start]):
        return this
    if ahead <= 10 and not re.search(
        r"\b(?:ed|en|was|were|fell|had|since|s/p|last)\b", text[max(0, start - 40) : start]
    ):
        return this
    return day_of(n.year - 1, month, day)


def _month_day(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    word = m["pm"]
    if n is None or (word.lower() in ("may", "mar", "mars", "mai", "sep", "set", "jan", "dec", "oct") and not word[0].isupper()):
        return None
    number = int(m["pd"])
    if o == "dmy" and m.end("pd") == m.end("md") and n.year - 15 <= 2000 + number <= n.year:
        return _month(2000 + number, named_month(word), "date")  # who writes the day first means a year by "Oct 25"
    return _one(_latest(named_month(word), number, n, t, m.start()))


def _day_month(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    word = m["qm"]
    french = ARTICLE.search(t, max(0, m.start() - 6), m.start())
    if n is None or (not word[0].isupper() and word.lower() in ("may", "mar", "mars", "mai", "sept", "dec") and not french):
        return None
    return _one(_latest(named_month(word), int(m["qd"]), n, t, m.start()))


def _dashed(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    return _one(_latest(named_month(m["sm"]), int(m["sd"]), n, t, m.start())) if n else None


def _count(word: str) -> tuple[int, int] | None:
    word = word.lower()
    if word.isdigit():
        return int(word), int(word)
    if "couple" in word:
        return 2, 2
    if "few" in word:
        return 2, 4
    number = _NUMBERS.get(word)
    return (number, number) if number else None


def _months_back(day: Day, months: int) -> Day:
    """``months`` before the day; ValueError before the year 1."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return Day(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _moved(n: Day, count: tuple[int, int], unit: str) -> Read:
    """``count`` units before the note (negative: after)."""
    kind = _UNITS["d" if unit.lower().startswith("h") else unit[0].lower()]
    low, high = count
    try:
        if kind == "day" or unit.lower().startswith("h"):
            days = (1, 1) if not unit.lower().startswith("h") else (0, 0)
            earliest, latest = (n - datetime.timedelta(days=c * f) for c, f in zip((high, low), days, strict=True))
            return earliest, latest, "day", "relative"
        if kind == "week":
            return n - datetime.timedelta(weeks=high), n - datetime.timedelta(weeks=low), "day", "relative"
        if kind == "month":
            first, last = _months_back(n, high), _months_back(n, low)
            end = last.replace(day=calendar.monthrange(last.year, last.month)[1])
            return first.replace(day=1), end, "month", "relative"
        return Day(n.year - high, 1, 1), Day(n.year - low, 12, 31), "year", "relative"
    except (ValueError, OverflowError):
        return None


def _ago(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    if n is None or m["aw"].lower() not in ("ago", "earlier", "prior", "back"):
        return None
    if m["aw"].lower() in ("prior", "earlier", "back") and re.match(r"\s*(?:to|than)\b", t[m.end() :]):
        return None
    first = _count(m["an"])
    second = _count(m["an2"]) if m["an2"] else None
    if first is None:
        return None
    whole = _count(m["ay"]) if m["ay"] else None
    more = 12 * whole[0] if whole and m["au"][0].lower() == "m" else 0  # "1 year and 9 months ago"
    counts = first + (second or first)
    return _moved(n, (min(counts) + more, max(counts) + more), m["au"])


def _il_y_a(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    count = _count(m["in"])
    return _moved(n, count, m["iu"]) if n and count else None


def _abroad(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    """vor 3 Wochen, hace 3 semanas, 3 weken geleden, 3 settimane fa."""
    count, unit = int(m["on"] or m["gn"]), (m["ou"] or m["gu"]).lower()
    return _moved(n, (count, count), _ABROAD[unit[:3]]) if n else None


def _last_abroad(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    """le mois dernier, la semaine derniere, l'an dernier, letzte Woche, vorig jaar."""
    if n is None:
        return None
    unit = _ABROAD[(m["du"] or m["du2"] or m["du3"]).lower()[:3]]
    if unit == "week":
        monday = n - datetime.timedelta(days=n.weekday() + 7)
        return monday, monday + datetime.timedelta(days=6), "day", "relative"
    if unit == "month":
        month = _months_back(n.replace(day=1), 1)
        return _month(month.year, month.month, "relative")
    return Day(n.year - 1, 1, 1), Day(n.year - 1, 12, 31), "year", "relative"


def _ahead(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    count = _count(m["hn"])
    if _LOSS.search(t[max(0, m.start() - 40) : m.start()]):
        return None
    return _moved(n, (-count[1], -count[0]), m["hu"]) if n and count and n.year < 9000 else None


def _duration(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    """A state that has lasted until the note; a course that is over or a schedule ("for 3 cycles") is none."""
    count = _count(m["fn"] or "one")
    before = t[max(0, m.start() - 70) : m.start()]
    if n is None or count is None or _COURSE.search(before) or (_TOLD.search(before) and not _UNTIL_NOW.search(m["dur"])):
        return None
    unit, amount = (m["fu"] or m["fu2"])[0].lower(), count[1]
    try:
        if unit in "djh":
            first = n - datetime.timedelta(days=amount if unit != "h" else 0)
        elif unit in "ws":
            first = n - datetime.timedelta(weeks=amount)
        else:
            first = _months_back(n, amount if unit == "m" else 12 * amount)
    except (ValueError, OverflowError):
        return None
    return first, n, "month" if unit in "my" else "day", "duration"


#: verbs of a story behind which a time is one that has passed ("stayed on lanreotide for about a year")
_TOLD = re.compile(r"\b(?:(?<!has )(?<!have )(?<!been )(?:received|treated|underwent|stayed|remained|survived|took)|no (?:\w+ )?(?:progression|recurrence|relapse)|had \w+ed)\b[^.;]{0,60}$", re.IGNORECASE)
_UNTIL_NOW = re.compile(r"past|last", re.IGNORECASE)
_COURSE = re.compile(
    r"\b(?:mg|mcg|ug|g|ml|units?|tabs?|tablets?|puffs?|drops?|daily|bid|tid|qid|qd|q\d+h|qhs|prn|once|twice|times|take|taking|takes|continue|continued|complete|will|plan|should|to be|course|another|needs?|instructed|advised|follow|hold|rest|repeat|given|prescribed|doses?|resulting in|stable disease|response|remission|maintained|lasted|lasting|administered|received|was treated|were treated|underwent|initiated|survival|disease-free|progression-free|was continued|were continued)\b[^.;]{0,25}$",
    re.IGNORECASE,
)
_LOSS = re.compile(
    r"\b(?:lost|loss|gained|gain|lb|lbs|kg|pounds|decline|increase|decrease|progressed|grew|times|episodes?|falls?|admissions?|visits?)\b[^.;]{0,20}$",
    re.IGNORECASE,
)


def _relative(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    if n is None:
        return None
    word = m["rel"].lower()
    back = {"yesterday": 1, "last night": 1, "hier": 1, "gestern": 1, "gisteren": 1, "ayer": 1, "ieri": 1, "avant-hier": 2, "day before yesterday": 2, "tomorrow": -1, "demain": -1}.get(
        word, 0
    )
    return _one(n - datetime.timedelta(days=back), "relative")


def _last_week(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    if n is None:
        return None
    which, unit = m["lwq"].lower(), m["lwu"].lower()
    ahead = which in ("next", "coming")
    if unit in _WEEKDAYS:
        return _weekday(n, unit, ahead, which in ("last", "previous", "past"))
    sunday = n - datetime.timedelta(days=(n.weekday() + 1) % 7)
    if unit == "week":
        if which == "past":
            return n - datetime.timedelta(days=7), n, "day", "relative"
        shift = {"last": -7, "previous": -7, "this": 0}.get(which, 7)
        first = sunday + datetime.timedelta(days=shift)
        return first, first + datetime.timedelta(days=7), "day", "relative"
    if unit == "month":
        month = _months_back(n.replace(day=1), {"last": 1, "previous": 1, "past": 1, "this": 0}.get(which, -1))
        return _month(month.year, month.month, "relative")
    year = n.year + {"last": -1, "previous": -1, "past": -1, "this": 0}.get(which, 1)
    return Day(year, 1, 1), Day(year, 12, 31), "year", "relative"


def _weekday(n: Day, name: str, ahead: bool, last: bool) -> Read:
    """ "Last Tuesday" on a Thursday is two days or nine days ago: both are kept."""
    number = _WEEKDAYS.index(name)
    back = (n.weekday() - number) % 7
    if ahead:
        day = n + datetime.timedelta(days=(number - n.weekday()) % 7 or 7)
        return day, day, "day", "relative"
    latest = n - datetime.timedelta(days=back or (7 if last else 0))
    # "last Tuesday" said on a Thursday may mean this week's or last week's
    earliest = latest - datetime.timedelta(days=7) if last and 0 < back <= n.weekday() else latest
    return earliest, latest, "day", "relative"


def _on_weekday(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    return _weekday(n, m["wdd"].lower(), False, False) if n else None


def _short_year(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    year = century(m["y2"], n)
    return Day(year, 1, 1), Day(year, 12, 31), "year", "date"


def _in_month(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    if n is None:
        return None
    word = m["imm"]
    if word.lower() in ("may", "mar", "mars", "mai", "jan", "sep", "dec", "march") and not word[0].isupper():
        return None
    month = named_month(word)
    future = bool(FUTURE.search(t[: m.start()])) or m.group("inm").lower().startswith("until")
    year = n.year if month <= n.month or (future and month - n.month <= 6) else n.year - 1
    return _month(year, month)


_LISTED_BEHIND = re.compile(r"\s*(?:,|&|,?\s*and)\s*(\d\d?)/(\d\d?)(?![\d/])")
_LISTED_BEFORE = re.compile(r"(?<![\d/.])(\d\d?)/(\d\d?)\s*(?:,|&|,?\s*and)\s*$")
_RANGE_BEHIND = re.compile(r"\s*(?:-|–|to)\s*\d\d?/\d\d?(?:/(?:20)?\d\d)?(?![\d/])")


_DOSES = frozenset({(8, 1), (20, 5), (25, 5), (25, 10), (30, 10), (30, 12), (24, 3), (24, 6)})
_IRRADIATED = re.compile(r"\b(?:x?rt|wbrt|pci|sbrt|srs|radiat\w+|radiotherapy|irradiat\w+)\b[^.;]{0,22}$", re.IGNORECASE)
#: "completed RT 7/1", "took last dexamethasone 7/1"
_TREATED_ON = re.compile(
    r"\b(?:complet\w+|finish\w+|last|took|stopped|started|resumed|ended|began|received)\s+"
    r"(?:(?!pain|score|strength|grade|gleason|stage|ecog|nodes?|cycles?|doses?|reflex|visual|power|motor)[a-z-]+\s+){1,2}$", re.IGNORECASE)  # fmt: skip
#: "in 11/91", "(3/92, 6/92)": before a month of the last century
_MONTH_OF = re.compile(r"(?:\b(?:in|since|until|from|by|during|between|before|after|of|early|late|mid)\s+|\(\s*|\d/\d\d\s?,\s*)$", re.IGNORECASE)


def _one_of_days(a: int, b: int, before: str, after: str, order: str) -> bool:
    """Is it one of several days of a week, told one after the other ("9/6, 9/7 and 9/8")?"""
    for pair, sign in ((_LISTED_BEFORE.search(before), -1), (_LISTED_BEHIND.match(after), 1)):
        if pair is not None:
            c, d = int(pair[1]), int(pair[2])
            (month, day), (month2, day2) = ((b, a), (d, c)) if order == "dmy" else ((a, b), (c, d))
            if month == month2 and 1 <= (day2 - day) * sign <= 7:
                return True
    return False


def _partial(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    a, b = int(m["pa"]), int(m["pb"])
    before, after = t[max(0, m.start() - 30) : m.start()], t[m.end() : m.end() + 24]
    if 1 <= a <= 12 and 50 <= b <= 99 and _MONTH_OF.search(before) and not NOT_AFTER.match(after):
        return _month(1900 + b, a)
    if n is None or not (1 <= a <= 31 and 1 <= b <= 31) or NOT_AFTER.match(after) or (a == 1 and b == 2 and re.search(r"\d[ -]$", before)):
        return None
    hint: object = HINT.search(before) or LAST.search(before) or _RANGE_BEHIND.match(after) or _TREATED_ON.search(before)
    hint = hint or _one_of_days(a, b, before, after, o) or re.search(r"\d/(?:1[1-9]|2\d|3[01])\s?[-–]\s?$", before)
    if NOT_BEFORE.search(before) and not (_TREATED_ON.search(before) or (_RANGE_BEHIND.match(after) and before[-3:].lower() == "rt ")) and not re.search(r"\b(?:on|since|until|dose|was|is)\s*$", before, re.IGNORECASE):
        return None
    if not hint and (a <= b <= 10 or len(m["pa"]) == len(m["pb"]) == 1) and not re.match(r"\s*(?:$|[):;])", after):
        return None
    if (a > 12 and b > 12) or ((a, b) == (24, 7) and not re.search(r"\b(?:on|since|from|until|le|du|am)\s*$", before, re.IGNORECASE)) or ((a, b) in _DOSES and _IRRADIATED.search(before)):
        return None  # "care 24/7"; "RT L1 20/5" are gray and fractions
    if before.endswith("(") and re.search(r"\bnod(?:e|al)\w*\b[^.;]{0,60}$", t[max(0, m.start() - 90) : m.start()], re.IGNORECASE):
        return None
    month, day = (b, a) if (o == "dmy" and b <= 12) or a > 12 else (a, b)
    return _one(_latest(month, day, n, t, m.start()))


def _year_only(m: re.Match[str], t: str, n: Day | None, o: str) -> Read:
    year = int(m["year"])
    before = t[max(0, m.start() - 24) : m.start()]
    if YEAR_NOT_BEFORE.search(before) and not YEAR_OK_OF.search(before):
        return None
    if n is not None and year > n.year + 3:
        return None
    return Day(year, 1, 1), Day(year, 12, 31), "year", "date"


READERS: dict[str, Callable[[re.Match[str], str, Day | None, str], Read]] = {
    "iso": _iso, "num": _numeric, "nummon": _text_number, "compact": _compact, "my": _month_year, "ym": _year_month,
    "mdy": _mdy, "dmy": _dmy, "vm": _vague_month, "vy": _vague_year, "mon": _month_named, "md": _month_day,
    "dmo": _day_month, "dash": _dashed, "ago": _ago, "ilya": _il_y_a, "ahead": _ahead, "vor": _abroad, "fa": _abroad, "der": _last_abroad, "dur": _duration, "rel": _relative,
    "lw": _last_week, "wd": _on_weekday, "yr2": _short_year, "inm": _in_month, "part": _partial, "year": _year_only,
}  # fmt: skip
