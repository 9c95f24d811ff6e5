"""Details of a course: cycles, line, doses of radiation, and the dates with their roles.

All functions read plain text of the course's own region; dates come as the spans that ``extractor.dates`` found.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ..dates import DateSpan
from ..pipeline.text import NoteText, Sentence

_WORDS = {
    "a": 1, "an": 1, "one": 1, "single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6,
    "once": 1, "twice": 2, "premiere": 1, "deuxieme": 2, "seconde": 2, "troisieme": 3, "quatrieme": 4,
}  # fmt: skip
_NUMBER = r"(\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|single|an?)"
_COUNT = _NUMBER.replace("|single|an?", "")
_ANY = _NUMBER.replace("(", "(?:", 1)
_UNIT = r"(?:cycles?|courses?|doses?|rounds?|infusions?|cures?|cycs?|kuren|kuur|zykl(?:en|us)|applications?|administrations?|injections?)"
#: cycles given, most explicit first
_CYCLES = tuple(
    re.compile(expression)
    for expression in (
        rf"\b{_COUNT}(?: \w+)? (?:of|out of) (?:an? |the )?(?:planned )?{_ANY} (?:planned )?{_UNIT}\b",
        r"\b(?:cycle|course) (\d{1,2}) of \d{1,2}\b",
        rf"\b{_NUMBER}[-\s](?:(?:additional|more|further|full|planned|monthly|weekly|total|\d-weekly)\s)?{_UNIT}\b",
        r"(?<![\w.])[x×]\s?(\d{1,2})(?!\d|\s?(?:mg|/?day|/?d\b|cm|mm|wk|week|month|yr|year|y\b|[x×])|[.,]\d)(?:\s?(?:cycles?|doses?|courses?|c))?\b",
        r"\b(\d{1,2})\s?[x×](?![\w\d]|\s?\d)",
        rf"{_UNIT}\s*[:=]\s*(\d{{1,2}})\b",
        r"(?<![\w./])(\d{1,2})\s?#(?!\s?\d)",  # India: "6# of EP"
        rf"\bafter (?:the )?{_NUMBER}(?:st|nd|rd|th)? (?:cycle|course)\b",
        r"\b(first|second|third|fourth|fifth|sixth|[1-9](?=st|nd|rd|th))(?:st|nd|rd|th)? (?:cycle|course)\b",
        r"\bc(\d{1,2})(?:\s?[dj]\d{1,2})?\b",
        r"\b(?:cycle|cure|zyklus|kuur) (?:(?:no\.?|n[°o]|nr\.?|#) ?)?(\d{1,2})\b",
        r"\b(\d{1,2})(?:er?|re|e|eme) (?:cure|cycle)\b",
        r"\b(once|twice)\b(?! (?:a |per |daily|weekly|every|monthly))",
    )
)
#: what every one of these needs
_COUNTABLE = re.compile(r"\d|once|twice|cyc|cour|dose|round|infus|cure|ku[ru]|zykl|applic|admin|injec")
_LINE = re.compile(
    r"\b(?:(first|second|third|fourth|fifth|sixth|[1-9](?:st|nd|rd|th))[- ]?line|(premiere|deuxieme|seconde|troisieme|quatrieme|[1-9](?:ere|er|eme|nde?|e|de)?) ?(?:ligne|lijn)\b|([1-9])\s?l\b(?!\s*(?:of |/|nc|min|o2|oxygen|saline|ns\b|via|fluid))|line\s?(?:no\.?\s?)?([1-9])\b|l([1-9])\s?:)"
)
_TO_COME = re.compile(
    r"\s*(?:(?:therapy|treatment|systemic|options?|traitement)\s+){0,2}(?:(?:is|was|are|will|to) (?:be )?)?"
    r"(?:a (?:proposer|discuter|envisager|debuter)|discussed|proposed|planned|recommended|considered|needed|options?\b|envisage\w*|propose\w*)"
)
_GY = re.compile(r"\b(\d{1,3}(?:[.,]\d{1,2})?|\d,?\d{3})\s?(c?gy|grays?)\b")
_FRACTIONS = (
    re.compile(r"\b(\d{1,2})\s?(?:daily )?(?:fx|fractions?|fr\b|sessions?|treatments\b)"),
    re.compile(r"gy\s?(?:/|in|x|×)\s?(\d{1,2})\b"),
    re.compile(r"\b\d{1,2}(?:\.\d)?\s?/\s?(\d{1,2})\b(?!\s?/)"),
)
_SINGLE_FRACTION = re.compile(r"\b(?:single|one)[- ](?:fraction|treatment|session|dose)\b")
_GY_BARE = re.compile(r"^\W{0,3}(\d{1,2}(?:\.\d)?)\s?/\s?(\d{1,2})\b(?!\s?[/\d])")
#: fractions and the dose of each ("10 x 3 Gy")
_TIMES = re.compile(r"\b(\d{1,2})\s?[x×]\s?(\d{1,2}(?:[.,]\d{1,2})?)\s?gy\b")
_TRIAL = re.compile(r"\bNCT\s?\d{8}\b")

_START = re.compile(
    r"\b(?:since|starting|started|start|starts|added|from|began|begun|beginning|commenced|initiated|c1(?:\s?d1)?|first(?: \w+)?|1st dose|day 1|initiation|resumed)"
    r"(?:\s+(?:on|in|at|the|of|around|about|mid|late|early|dose|le|du|am|op|[-:(]))*[\s:(,-]*$"
)
_END = re.compile(
    r"\b(?:derni[eè]re?(?:\s+(?:cure|dose|injection|perfusion|prise))?(?:\s+le)?|(?:until|till|thru|through|to) (?:pd|pod|(?:disease |tumou?r )?progression|relapse)|until|till|thru|through|to|bis(?: zum)?|tot(?: en met)?|t/m|(?:laatste|letzte[rn]?)(?: (?:kuur|gift|dosis|gabe|zyklus|infusie|infusion))?|hasta|fino a|last(?:\s+\w+){0,2}|stopped|discontinued|dc.?d|d/c.?d|d/c|complet\w+(?: (?:the |his |her |all )?(?:taper|course|wean|(?:\w+ )?(?:cycles|courses|fractions)))?|finish(?:ed|ing)|ended|ending|end|conclud(?:ed|ing)|off(?: since)?|"
    r"held(?: since)?|final(?:\s+\w+)?|jusqu['’](?:au|aux|en|[aà])|arr[eê]t[ée]{0,2}e?s?(?:\s+(?:le|en|depuis))?|termin[ée]{1,2}s?(?:\s+(?:le|en))?|terminated|ceased|withdrawn|c(?!1(?:\b|d1\b))\d{1,2}(?:\s?d\d{1,2})?(?:\s(?:was )?(?:given|administered|infused))?|(?:cycle|cure|zyklus|kuur) (?!1\b)\d{1,2}|dose \d+|d\d+ of c\d+|up to)"
    r"(?:\s+(?:on|in|at|by|the|of|le|du|am|op|around|about|since|sat|sun|mon|tue|wed|thu|fri|was|approximately|mid|[-:(]))*+[\s:(,-]*$"
)
_NOT_OURS = re.compile(
    r"\b(?:pd|pod|progress\w*|relaps\w*|recurr\w*|ct|mri|pet(?:[-/]ct)?|scan|dx|diagnos\w*|(?<!node )biops\w*|bx|path\w*|seen|clinic|labs?|imaging|restag\w*|"
    r"next(?:\s+\w+)?|due|planned|plan|foreseen|schedul\w*|proposed|target\w*|cr|pr|sd|response|confirmed|admitted|discharg\w*|echo\w*|"
    r"visit|consult\w*|colitis|pneumonitis|metasta\w*|new|died|reported|reaction|tsh|anc|plt|hgb|resolved|offered|discussed|declined|unchanged|persist\w*|lasting|corrected|amended|recommended|reviewed|reconciled|updated|confirmed)"
    r"(?:\s+(?:of|on|in|at|the|by|for|liver|brain|bone|and|showed?|noted|dated|from|was|a|nodes?|lung|imaging))*[\s:(,-]*$"
)
#: "radiotherapy for multiple bone metastases in": what was treated then
_OF_METASTASES = re.compile(r"\s(?:for|to|of) (?:[a-z]+ ){0,4}metastas[ei]s (?:in|on|from) (?:the )?", re.IGNORECASE)
_COMPLETED = re.compile(r"\b(?:completed|finished|ended)\s+(?:(?!in\b|on\b)\w+\s+){0,2}$", re.IGNORECASE)
#: given once: its day is its last
_ONE_DOSE = re.compile(r"\b(?:one|single|1|only one) (?:dose|infusion|injection)(?: only)?\b(?! of\b)", re.IGNORECASE)
#: a date behind another drug of the same item is that one's ("stopped for colitis (steroids until 20 November)")
_OF_ANOTHER = re.compile(
    r"\b(?:cortico[iï]des?|corticosteroids?|steroids?|prednis\w+|methylpred\w*|dexameth\w+|antibiotics?|antibiotiques?)\W+(?:\w+['’]?\W+){0,3}$",
    re.IGNORECASE,
)
#: what is said of the treatment itself behind its name: it ended on the day that stands beside it
_ENDED_THEN = re.compile(
    r"\W{0,3}(?:was |were |is |has been |had to be )?(?:then |therefore |also |subsequently )?(?:permanently |definitively )?"
    r"(?:discontinued|stopped|ceased|withdrawn|abandoned|terminated|d/c.?d|dc.d)\b",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"\s*(?:-|–|—|to|through|thru|until|till|and until|→|->|up to|til|au|à|bis|tot)\s*(?:the (?:end|beginning|start|middle) of |the |about |approximately )?\s*",
    re.IGNORECASE,
)
#: start and end in neighbouring columns of a table
_COLUMNS = re.compile(r"[ \t]*\|[ \t]*|[ ]*\t[ \t]*|[ ]{2,}")
_AND = re.compile(r"\s*(?:,|and|&|,\s*and)\s*", re.IGNORECASE)


#: "renal transplant (1988)"
_OWN_BRACKET = re.compile(r"[^().;,]{0,30}\(\s*(?:in\s|on\s)?")
#: behind an operation the sentence goes on to when the patient came
_OTHER_EVENT = re.compile(
    r"\b(?:who|which|she|he|patient|and)\s(?:\w+\s){0,2}(?:present(?:s|ed)|(?:was|is) (?:admitted|seen|evaluated|referred|transferred)|came|complained|returned|reported)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Period:
    """When a course ran, as far as written. Spans of dates, each an interval of its own."""

    start: DateSpan | None = None
    end: DateSpan | None = None

    def interval(self) -> tuple[datetime.date, datetime.date, str] | None:
        """``(earliest, latest, precision)`` of the fact: from its start to its end."""
        if self.start is None and self.end is None:
            return None
        first = self.start or self.end
        last = self.end or self.start
        assert first is not None and last is not None
        return first.earliest, max(first.latest, last.latest), first.precision

    def or_note(self, note_date: datetime.date | None) -> tuple[datetime.date, datetime.date, str] | None:
        """The interval, or the note's date where the text gives none: a date of something else never stands in."""
        return self.interval() or ((note_date, note_date, "note") if note_date else None)

    def attributes(self) -> dict[str, str]:
        named = {}
        if self.start is not None:
            named["start_date"] = written(self.start)
        if self.end is not None:
            named["end_date"] = written(self.end)
        return named


def written(span: DateSpan) -> str:
    """A date as an attribute: ``2025``, ``2025-08``, ``2025-08-11``, or ``2025-08-11/2025-08-20`` for an interval.

    >>> import datetime
    >>> written(DateSpan(0, 4, datetime.date(2025, 8, 1), datetime.date(2025, 8, 31), "month"))
    '2025-08'
    """
    low, high = span.earliest, span.latest
    if low == high:
        return low.isoformat()
    if (
        span.precision == "year"
        and (low.month, low.day, high.month, high.day) == (1, 1, 12, 31)
        and low.year == high.year
    ):
        return f"{low.year:04d}"
    if (
        low.day == 1
        and (low.year, low.month) == (high.year, high.month)
        and (high + datetime.timedelta(days=1)).day == 1
    ):
        return f"{low.year:04d}-{low.month:02d}"
    return f"{low.isoformat()}/{high.isoformat()}"


def period(
    text: str,
    dates: Sequence[DateSpan],
    left: int,
    start: int,
    end: int,
    right: int,
    *,
    single: bool = False,
    near_only: bool = False,
) -> Period:
    """Start and end of the course at [start, end) from the dates of its region [left, right).

    ``near_only``: a date without a word of start or end counts only right beside the name (medication lists).
    ``single``: an operation or one dose, whose only date is its day. Dates of scans, progression, plans are left out.
    """
    own = [
        d
        for d in split_ranges(dates, text)
        if left <= d.start and d.end <= right and not (start <= d.start and d.end <= end)
    ]
    if single:
        for span in own:
            if text[span.end : span.end + 1] == ")" and _OWN_BRACKET.fullmatch(text, end, span.start):
                return Period(span)
        own = [d for d in own if d.start < end or _OTHER_EVENT.search(text, end, d.start) is None]
    first: DateSpan | None = None
    last: DateSpan | None = None
    loose: list[DateSpan] = []
    index = 0
    while index < len(own):
        span = own[index]
        lead = text[max(left, span.start - 40) : span.start].lower()
        following = own[index + 1] if index + 1 < len(own) else None
        between = text[span.end : following.start] if following else ""
        if following and span.end == following.start:
            between = "-"  # two halves of a range that was written as one
        if near_only and span.end <= start and (start - span.end > 30 or "," in text[span.end : start]):
            index += 1
            continue
        if not near_only and span.start > end and _OF_ANOTHER.search(text, end, span.start):
            index += 1
            continue
        ours = _NOT_OURS.search(lead) is None or _OF_METASTASES.fullmatch(text, end, span.start) is not None or bool(_START.search(lead)) or bool(_END.search(lead))
        columns = following is not None and _COLUMNS.fullmatch(between) and following.earliest >= span.latest
        if following and (columns or _RANGE.fullmatch(between)):
            if ours and (first is None or last is None):
                first, last = first or _same_year(span, following, text), last or following
            index += 2
            continue
        index += 1
        if not ours:
            continue
        if _END.search(lead):
            last = span if last is None or span.latest >= last.latest else last
        elif _START.search(lead):
            first = first or span
        else:
            loose.append(span)
    # a date of the line above is not this treatment's, unless the line ends in it
    loose = [d for d in loose if d.end > start or "\n" not in text[d.end : start].rstrip()]
    listed: list[DateSpan] = []
    if near_only:
        every = loose
        loose = [
            d
            for d in loose
            if (0 <= d.start - end <= 30 and not re.search(r"[,.;]\s", text[end : d.start])) or 0 <= start - d.end <= 4
        ]
        listed = loose[-1:]
        for d in every:
            if listed and _AND.fullmatch(text[listed[-1].end : d.start]):
                listed.append(d)
    if (
        loose
        and last is None
        and re.search(r"\b(?:last|final|derniere)(?: (?:dose|infusion|cycle|tx|treatment|chemo\w*|cure)(?: of)?)?\W*$", text[left:start].lower())
    ):
        last = min(loose, key=lambda d: _distance(d, start, end))
        loose = []
    if first is None and loose and (last is None or not single):
        near = min(loose, key=lambda d: _distance(d, start, end))
        if last is None or near.earliest <= last.latest:
            first = near
        if len(loose) > 2 and last is None:
            last = _last_of_list(loose, text, near)
        if len(listed) > 1 and last is None and listed[-1].latest >= near.latest:
            last = listed[-1]
        if len(loose) > 1 and last is None and not single:
            rest = [d for d in loose if d.start > near.start and _AND.fullmatch(text[near.end : d.start])]
            if rest:
                last = rest[-1]
    if first is not None and last is None and first in loose and first.start - end < 40 and _ENDED_THEN.match(text, end, right):
        first, last = None, first  # "10/20/2025: pneumonitis, durvalumab discontinued": the day of the end
    if first is not None and last is None and first in loose and first.start >= end and _COMPLETED.search(text, left, start):
        first, last = None, first  # "completed WBRT 30 Gy/10 on 7/6/2026"
    if first is not None and last is None and _ONE_DOSE.search(text, end, min(right, end + 60)):
        last = first
    return Period(first, last)


def _last_of_list(dates: Sequence[DateSpan], text: str, near: DateSpan) -> DateSpan | None:
    """The last of days told one after the other ("24 Gy/3 fx (9/10, 9/12, 9/14)"), where it is not before ``near``."""
    listed = [
        after for before, after in pairwise(dates) if _AND.fullmatch(text[before.end : after.start])
    ]
    return listed[-1] if listed and listed[-1].latest >= near.latest else None


_WHOLE_RANGE = re.compile(
    r"(?<=[\w'.)])\s*(?:-|–|—|→|->|\bto\b|\bthrough\b|\bthru\b|\buntil\b|\btill\b|\bau\b|\bà\b|\bbis\b|\btot\b)\s*(?=[\w'])", re.IGNORECASE
)
_ONE_DAY = re.compile(
    r"\d{1,2}-\d{1,2}-\d{2,4}|\d{4}-\d{1,2}(?:-\d{1,2})?|\d{1,2}-[a-z]{3,9}-\d{2,4}|\d{1,2}-\d{4}", re.IGNORECASE
)


#: the line of an operative report that names the operation, and the one that dates it
_OPERATION = re.compile(r"[^\n:]{0,30}\b(?:procedures?|operations?|surgery|intervention|ingreep|operationen)\b[^\n:]{0,30}:")
_OPERATED_ON = re.compile(
    r"\bdate (?:of (?:the )?(?:surgery|operation|procedure)|performed)\b|\b(?:surgery|operation|procedure|op) date\b|\bdate d'intervention\b"
    r"|\bop-datum\b|\boperatiedatum\b|(?<=[.\n] )date\b(?= ?[:=]? ?\d)"
)
_DATE_WORDS = frozenset({"date", "datum", "operatiedatum"})


def operation_day(note: NoteText, sentence: Sentence) -> DateSpan | None:
    """The day that an operative report names on a line of its own, where the sentence stands under its heading."""
    if _DATE_WORDS.isdisjoint(note.vocabulary):
        return None
    above = note.line(max(0, note.line(sentence.start)[0] - 1))
    if not any(_OPERATION.match(note.folded, at) for at in (note.line(sentence.start)[0], above[0])):
        return None
    found = {}
    for label in _OPERATED_ON.finditer(note.folded):
        for span in note.dates_between(label.end(), label.end() + 24):
            if span.start - label.end() <= 3:
                found[span.earliest] = span
    return found.popitem()[1] if len(found) == 1 else None


_TO_PRESENT = re.compile(r"\b(?:present|now|current|ongoing)\s*$", re.IGNORECASE)


def split_ranges(dates: Sequence[DateSpan], text: str) -> list[DateSpan]:
    """Spans that hold a whole range ("11/2024-1/2025") as two: start and end, each with its own interval."""
    found: list[DateSpan] = []
    for span in dates:
        written_as = text[span.start : span.end]
        cut = _WHOLE_RANGE.search(written_as)
        if cut is None or _ONE_DAY.fullmatch(written_as.strip()) or span.earliest == span.latest:
            found.append(span)
            continue
        middle = span.start + (cut.start() + cut.end()) // 2
        low, high = span.earliest, span.latest
        if span.precision == "day":
            first, last = (low, low), (high, high)
        elif span.precision == "month":
            after = (low.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
            first, last = (low, after - datetime.timedelta(days=1)), (high.replace(day=1), high)
        else:
            first = (low, datetime.date(low.year, 12, 31))
            last = (datetime.date(high.year, 1, 1), high)
        if first[1] >= last[1]:
            found.append(span)
            continue
        found.append(replace(span, end=middle, earliest=first[0], latest=first[1]))
        if _TO_PRESENT.search(written_as) is None:  # "11/4/2025 - present" has no end
            found.append(replace(span, start=middle, earliest=last[0], latest=last[1]))
    return found


def _same_year(start: DateSpan, end: DateSpan, text: str) -> DateSpan:
    """The start of a range whose year stands at its end alone ("from mid-April until the end of May 2011")."""
    if re.search(r"\d{4}|'\d\d|/\d\d/\d\d|-\d\d-\d\d", text[start.start : start.end]) or start.precision == "year":
        return start
    year = end.earliest.year - (1 if start.earliest.month > end.latest.month else 0)
    try:
        moved = start.earliest.replace(year=year), start.latest.replace(year=year)
    except ValueError:  # 29 February
        return start
    return replace(start, earliest=moved[0], latest=moved[1])


def _distance(span: DateSpan, start: int, end: int) -> int:
    return span.start - end if span.start >= end else start - span.end + 1


def cycles(before: str, after: str) -> int | None:
    """Number of cycles given. Lower-case text before and behind the names of a course.

    >>> cycles("", " x4 (last 2/14/25)"), cycles("six courses of ", ""), cycles("", " c4d3 12/31")
    (4, 6, 4)
    """
    texts = [text for text in (after[:90], before[-70:]) if _COUNTABLE.search(text)]
    for expression in _CYCLES if texts else ():
        for text in texts:
            found = expression.findall(text)
            if found:
                value = found[-1] if expression.pattern.startswith(r"\bc(") else found[0]
                number = int(value) if value.isdigit() else _WORDS[value]
                if 0 < number <= 60:
                    return number
    return None


def line(before: str, after: str) -> int | None:
    """Line of therapy as stated beside a course ("2L", "third-line").

    >>> line("3l: ", ""), line("", " as the fifth-line therapy"), line("on 2 l oxygen, ", "")
    (3, 5, None)
    """
    ahead, behind = list(_LINE.finditer(before[-80:])), list(_LINE.finditer(after[:80]))
    # "PD on maintenance, second line to be discussed": that line is to come
    behind = [match for match in behind[:1] if not _TO_COME.match(after, match.end())]
    for match in ahead[-1:] + behind:
        word = next(group for group in match.groups() if group)
        return int(word[0]) if word[0].isdigit() else _WORDS[word]
    return None


#: the dose of one fraction: "2 Gy/fraction", "in daily fractions of 1.8 Gy"
_PER_FRACTION = re.compile(r"\s*(?:/|per|each|a)\s*(?:fraction|fx|fr\b|day|session|seance)")
_FRACTIONS_OF = re.compile(r"\b(?:fractions?|fx|seances?|dose per fraction|fraction size)\s*(?:of|de|:|=)\s*$")


def radiation(before: str, after: str) -> dict[str, float | int]:
    """Total dose in Gy and number of fractions of a course of radiotherapy.

    >>> radiation("", " 30 gy/10 fx")
    {'dose_gy': 30, 'fractions': 10}
    """
    found: dict[str, float | int] = {}
    each = _TIMES.search(after[:110]) or _TIMES.search(before[-60:])
    if each:
        total = int(each.group(1)) * float(each.group(2).replace(",", "."))
        return {"dose_gy": int(total) if total == int(total) else total, "fractions": int(each.group(1))}
    doses = [
        (_dose(m.group(1)), m.group(2))
        for t in (after[:110], before[-60:])
        for m in _GY.finditer(t)
        if not _PER_FRACTION.match(t, m.end()) and not _FRACTIONS_OF.search(t, 0, m.start())
    ]
    if doses:
        amount, unit = doses[0]
        found["dose_gy"] = amount / 100 if unit == "cgy" else amount
    text = after[:110] + " | " + before[-60:]
    bare = _GY_BARE.search(after)
    if bare and not doses and int(bare.group(2)) <= 45 and float(bare.group(1)) >= 8:
        found["dose_gy"] = float(bare.group(1))
        found["fractions"] = int(bare.group(2))
    elif doses and _SINGLE_FRACTION.search(text):
        found["fractions"] = 1
    elif doses:
        for expression in _FRACTIONS[:2]:
            match = expression.search(text)
            if match:
                found["fractions"] = int(match.group(1))
                break
        else:
            match = re.search(r"gy\s?[x×]\s?(\d{1,2})\b", text)
            if match:
                found["fractions"] = int(match.group(1))
    if "dose_gy" in found and re.search(r"gy\s?[x×]\s?\d", text) and found.get("fractions"):
        single = float(found["dose_gy"])
        found["dose_gy"] = single * int(found["fractions"]) if single <= 34 else single
    return {key: int(value) if value == int(value) else value for key, value in found.items() if value}


def _dose(written: str) -> float:
    """A dose as written: "4,500" is a thousand, "30,6" a decimal."""
    return float(written.replace(",", "") if re.fullmatch(r"\d,\d{3}", written) else written.replace(",", "."))


def trial_id(texts: Iterable[str]) -> str | None:
    for text in texts:
        found = _TRIAL.search(text)
        if found:
            return found.group().replace(" ", "")
    return None
