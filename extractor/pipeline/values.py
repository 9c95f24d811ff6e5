"""Reads the number that belongs to a name: comparator, range, separators, unit, flag, reference range, trend.

All families use it: laboratory values, percentages, scores, doses, grades. Offsets are those of the text given; the
words that may stand between a name and its value are data (``patterns/values.toml``). A number that cannot be read is
None, never a guess; where a separator can be read two ways both readings are given and the family's plausible range
decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from .. import patterns as pattern_files
from .. import units
from .lexicon import fold

_NO_LETTERS: Mapping[str, str] = {}
_SPACE = "[ \\t\\u00a0\\u202f\\u2009\\n\\r]"
_THIN = "[ \\u00a0\\u202f\\u2009]"

# 250 000 and 1'200 need groups of three; 98,000 and 2.1 and 9,1 and .9 follow
NUMBER = re.compile(
    r"(?<![\w.,])(?<![\w]['’])(?:"
    rf"\d{{1,3}}(?:{_THIN}\d{{3}})+(?![\d])(?:[.,]\d+)?"
    r"|\d{1,3}(?:['’]\d{3})+(?!\d)(?:[.,]\d+)?"
    r"|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d+(?:[.,·]\d+)?"
    r"|[.·]\d+)"
)
_DATE_TAIL = re.compile(r"(?i:[/.-]\d{1,2}[/.-]\d{2,4}|/\d{2}(?:\d{2})?(?![\d.])(?!\s?(?:hpf|hp|high))|-\d{2}-\d{2})")
_WRITTEN_DATE = re.compile(
    r"(?:\d{1,2}/\d{1,2}/|\d{1,2}-\d{1,2}-|\d{1,2}\.\d{1,2}\.)(?:\d{4}|\d{2})(?!\d|[.,]\d)|\d{4}-\d{2}-\d{2}"
    r"|(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|[12]\d|3[01])(?=[ \t]*[):]|[ \t]+(?:was|is|of|at)\b)"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s+\d{1,2}(?:st|nd|rd|th)?"
    r"(?:,?\s+(?:19|20)\d{2})?(?!\d|[.,]\d)"
    r"|\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|fev|avr|mai|juin|juil|aou)[a-z]{0,6}\.?(?:\s+(?:19|20)\d{2})?"
    r"|(?:day|days|jour)\s+\d{1,3}"
)
_EXPONENT = re.compile(rf"{_SPACE}?[x×*]{_SPACE}?10{_SPACE}?(?:\^|\*\*|e)?\(?(\d{{1,2}})\)?(?![\d.,])", re.IGNORECASE)
_MULTIPLIER = re.compile(r"\s?(lakhs?|lacs?|thousands?(?!\s?/)|millions?(?!\s?/))(?![a-z])")
_MULTIPLIERS = {"lakh": 1e5, "lac": 1e5, "thousand": 1e3, "million": 1e6}
_LOG = re.compile(rf"{_SPACE}?log(?:10)?{_SPACE}?", re.IGNORECASE)
_DASH = re.compile(rf"{_SPACE}?(?:-|–|—|‑|−){_SPACE}?")
_TO = re.compile(rf"{_SPACE}?(?:-|–|—|‑|−){_SPACE}?|{_SPACE}(?:to|a|à){_SPACE}", re.IGNORECASE)
_AND = re.compile(rf"{_SPACE}(?:and|et|to|à){_SPACE}", re.IGNORECASE)
_BLANK = re.compile(rf"{_SPACE}*")
_GAP = re.compile(r"[ \t\u00a0\u202f\u2009|]*")
_PADDING = re.compile(r"[\s°:=|,\-–—(\[*_;\u00a0\u202f\u2009\"']|\.{2,}|(?<=\s)\.|(?<=\w)\.(?=\s)")
_ASIDE = re.compile(r"\(\s*[A-Za-zÀ-ÿ][^()\d\n]{0,30}\)|\[\s*[A-Za-zÀ-ÿ][^\[\]\d\n]{0,30}\]")
_MULTIPLE = re.compile(rf"{_SPACE}?(?:[x×*]|times|fold|-fold|fois){_SPACE}*", re.IGNORECASE)
_PLAIN = r"(?:\d[\d.,]*\d|\d|\.\d+)"
_UNIT_CHARS = re.compile(r"(?:[x×*]?[ ]?10|[%‰°µμA-Za-zÀ-ÿ/\[{]|[x×])[^\s,;()|<>=]*")
_MAX_UNIT = 26


@dataclass(frozen=True, slots=True)
class Reading:
    """A number as it stands in the text.

    ``start``/``end``: the number with its comparator and unit. ``value``/``value_high`` in the unit as written;
    ``unit`` is its UCUM code ("{ULN}" for multiples of the upper limit, None where none is written or none is known).
    ``other``: the second reading of an ambiguous separator ("1,234"). ``history``: the other values of a trend in the
    order of the text; this reading is the current one. ``ref_low``/``ref_high``: range written beside it.
    """

    start: int
    end: int
    value: float
    as_written: str
    value_high: float | None = None
    comparator: str = "="
    unit_raw: str | None = None
    unit: str | None = None
    number_end: int = 0
    ref_low: float | None = None
    ref_high: float | None = None
    flag: str | None = None
    other: float | None = None
    history: tuple[Reading, ...] = ()
    tail: int = 0  # where the text goes on behind unit, flag and reference range


# -- words ---------------------------------------------------------------------------------------------------------
def phrases(items: Iterable[str]) -> str:
    """An alternation of phrases, longest first, each with word borders where it begins or ends with a letter."""
    parts = []
    for item in sorted(set(items), key=lambda w: (-len(w), w)):
        body = r"\s+".join(re.escape(fold(w)) for w in item.split())
        before = r"(?<![a-z])" if fold(item[0]).isalnum() else ""
        after = r"(?![a-z])" if fold(item[-1]).isalnum() else ""
        parts.append(f"{before}{body}{after}")
    return "(?:" + "|".join(parts) + ")"


@lru_cache(maxsize=256)
def pattern_of(items: tuple[str, ...]) -> re.Pattern[str]:
    """The compiled alternation of a list of phrases of a pattern file."""
    return re.compile(phrases(items))


class _Grammar:
    """The compiled word lists of ``patterns/values.toml``."""

    def __init__(self) -> None:
        table = pattern_files.table("values")
        self.connector = re.compile(phrases(table["connectors"]))
        self.stop = re.compile(phrases(table["stops"]))
        self.change = re.compile(phrases(table["changes"]))
        self.comparators = {fold(w): sign for sign, words in table["comparators"].items() for w in words}
        self.comparator = re.compile(phrases(self.comparators))
        self.after = {fold(w): sign for sign, words in table["comparators_after"].items() for w in words}
        self.comparator_after = re.compile(rf"[ ]?({phrases(self.after)})")
        self.flags = {w: flag for flag, words in table["flags"].items() for w in words}
        flags = "|".join(re.escape(w) for w in sorted(self.flags, key=lambda w: (-len(w), w)))
        self.flag = re.compile(rf"(?:{flags})(?![\w/%*.-])")
        reference = phrases(table["reference"]["words"])
        span = rf"(?P<low>{_PLAIN})\s*[^\s\d()\[\];,|]{{0,12}}\s*(?:-|–|—|‑|−|to\b|a\b|and\b)\s*(?P<high>{_PLAIN})"
        bound = rf"(?P<sign><=?|≤|>=?|≥|less than|up to|more than|below|under|max|min)?\s*(?P<limit>{_PLAIN})"
        unit = r"[^\d()\[\]{};|\n]{0,10}(?:1\.73)?[^\d()\[\]{};|\n]{0,8}"
        # (0.6-1.2)  [10-40]  (ref 0.6 - 1.2 mg/dL)  (N<35)  (<1.2)
        self.bracketed = re.compile(
            rf"\s*[(\[{{]\s*(?P<word>{reference}[^\d()\[\]<>≤≥]{{0,24}})?(?:{span}|{bound})\s*{unit}[)\]}}]"
        )
        # ref 0.6-1.2   ULN 40   N<35
        self.worded = re.compile(
            rf"[\s,;:(]*(?P<word>{reference}[^\d()\[\]<>≤≥]{{0,16}})(?:{span}|{bound})(?![\d/]|\.\d)"
        )
        # a column: 142   150-400
        self.column = re.compile(rf"[\s|]+{span}(?![\d/.-]|[ \t]?%)")
        self.column_bound = re.compile(
            rf"(?:[ \t]{{2,}}|[ \t]*[\t|][ \t]*)(?P<sign><=?|≤|>=?|≥)\s*(?P<limit>{_PLAIN})(?![\d/.-])"
        )
        self.uln = re.compile(phrases(table["reference"]["uln"]))
        trend = table["trend"]
        self.arrow = re.compile(rf"\s*(?:{phrases(trend['arrows'])})\s*|\s+>\s+(?=\d)")
        moves, older, newer, times = (phrases(trend[k]) for k in ("moves", "older", "newer", "times"))
        self.move = re.compile(moves)
        # "(was 3 last month)", ", down from 17.3", "; prev 8"
        self.older = re.compile(rf"[\s,;(]*(?:{moves}\s+)*{older}[\s:=(]*(?:{older}[\s:=]*)?")
        self.newer = re.compile(
            rf"[\s,;]*(?:{newer}\s+)*(?:{moves}\s+)*(?:back\s+)?{newer}\s*|[\s,;]*(?:{newer}\s+)+(?:{moves}\s+)+(?:at|to)\s+"
        )
        self.time = re.compile(rf"[\s,(]*{times}[\s,)]*")


@lru_cache(maxsize=4)
def _compiled(folder: str) -> _Grammar:
    return _Grammar()


def grammar() -> _Grammar:
    return _compiled(str(pattern_files.root()))


@lru_cache(maxsize=4)
def _folded(text: str) -> str:
    return fold(text)


# -- numbers -------------------------------------------------------------------------------------------------------
def number(written: str) -> tuple[float, float | None]:
    """The value of a written number and, where the separator can be read two ways, its second reading.

    >>> number("9,1"), number("250 000"), number("98,000"), number("1'200")
    ((9.1, None), (250000.0, None), (98000.0, 98.0), (1200.0, None))
    """
    plain = re.sub(r"[ \u00a0\u202f\u2009'’]", "", written).replace("·", ".")
    if "," in plain and "." in plain:
        return float(plain.replace(",", "")), None
    if "," in plain:
        head, *groups = plain.split(",")
        if len(groups) == 1 and len(groups[0]) == 3 and 1 <= len(head) <= 3:
            decimal = float(f"{head}.{groups[0]}")
            return (decimal, None) if head == "0" else (float(head + groups[0]), decimal)
        if all(len(g) == 3 for g in groups):
            return float("".join([head, *groups])), None
        return float(f"{head}.{''.join(groups)}"), None
    if "." in plain:
        head, _, digits = plain.partition(".")
        value = float(f"{head or '0'}.{digits}")
        # 250.000 is a Continental quarter million or a quarter thousand: both stay possible
        grouped = len(digits) == 3 and 1 <= len(head) <= 3 and head != "0"
        return value, float(head + digits) if grouped else None
    return float(plain), None


def _number_at(text: str, pos: int, limit: int) -> re.Match[str] | None:
    """The number that starts at pos; not a date, not a part of a word."""
    match = NUMBER.match(text, pos, limit)
    if match is None:
        return None
    written = match.group()
    if any(c in written for c in " \u00a0\u202f\u2009") and not _groups_meant(text, match.end(), written):
        short = re.match(r"\d+(?:[.,]\d+)?", written)
        match = re.compile(re.escape(short.group())).match(text, pos)
    end = match.end()
    if _DATE_TAIL.match(text, end, limit) and "." not in match.group().strip("."):
        return None
    if end < len(text) and text[end].isalpha() and text[end : end + 1] in "ᵗ":
        return None
    return match


def _groups_meant(text: str, end: int, written: str) -> bool:
    """Is "250 000" one number? Only if it ends in 000 or a unit of counts follows; "142 150" are two columns."""
    groups = re.split(r"[ \u00a0\u202f\u2009]", written)
    return groups[-1][:3] == "000" or bool(
        re.match(r"\s?(?:/|par |UI|IU|copies|cells|elements|éléments)", text[end : end + 12])
    )


# -- units ---------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=8192)
def parse_unit(raw: str) -> str | None:
    return units.parse(raw)


def read_unit(
    text: str, pos: int, limit: int, letters: Mapping[str, str] = _NO_LETTERS
) -> tuple[int, str, str | None] | None:
    """The unit at pos: (end, as written, UCUM). The longest spelling that is a unit counts.

    A single letter is a unit only where the family says so (``letters``: {"K": "10*3/uL"}).
    """
    gap = _GAP.match(text, pos, min(limit, pos + 6))
    start = gap.end() if gap and "\t" not in gap.group() and "|" not in gap.group() else pos
    first = _UNIT_CHARS.match(text, start, min(limit, start + _MAX_UNIT))
    if first is None:
        return None
    ends = [first.end()]
    for _ in range(3):
        more = re.compile(r"(?: ?[/(]| )[^\s,;|<>=]+").match(text, ends[-1], min(limit, start + _MAX_UNIT))
        if more is None:
            break
        ends.append(more.end())
    ends = sorted({*ends, *(e - len(text[start:e]) + text[start:e].index(")") for e in ends if ")" in text[start:e])})
    for end in reversed(ends):
        raw = text[start:end].rstrip(".:,;")
        while raw:
            if len(raw) == 1 and raw.isalpha():
                if raw in letters:
                    return start + 1, raw, letters[raw]
                break
            # "10.2 in August": inches are a unit only where the family asks for them
            found = letters.get(raw) or (None if raw.lower() == "in" else parse_unit(raw))
            if found is not None and not (raw.isalpha() and raw.isupper() and len(raw) <= 2 and raw not in letters):
                return start + len(raw), raw, found
            if raw[-1] in ")]}.":
                raw = raw[:-1]
                continue
            break
    # 2.4/1000 or 142K: a letter glued to the number
    glued = text[start : start + 1]
    if start == pos and glued in letters and not text[start + 1 : start + 2].isalnum():
        return start + 1, glued, letters[glued]
    return None


# -- reading -------------------------------------------------------------------------------------------------------
def connect(
    text: str, pos: int, limit: int, *, folded: str | None = None
) -> tuple[int, str, str | None, Reading | None]:
    """Passes over what may stand between a name and its value.

    Returns (position of the number or comparator, the words passed, a flag met on the way, a reference range met on
    the way). Stops at the first thing that is no connector.
    """
    g = grammar()
    folded = folded if folded is not None else _folded(text)
    flag, start, reference = None, pos, None
    charge = re.compile(r"[+−](?=[\s:=])").match(text, pos, limit)  # Na+ 138
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
                if _number_at(text, after, limit) or g.comparator.match(folded, after, limit):
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
    letters: Mapping[str, str] = _NO_LETTERS,
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
    folded = folded if folded is not None else _folded(text)
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
    letters: Mapping[str, str] = _NO_LETTERS,
    folded: str | None = None,
    joint: re.Pattern[str] = _TO,
) -> Reading | None:
    """A number at ``pos`` itself, with comparator, range, unit, flag and reference range.

    ``joint``: what joins the two ends of a range.
    """
    g = grammar()
    folded = folded if folded is not None else _folded(text)
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
    first = _number_at(text, at, limit)
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
        second = _number_at(text, span.end(), limit)
        if second is not None and not _EXPONENT.match(text, second.end(), limit):
            upper = number(second.group())[0]
            if upper > value and not _followed_by_date(text, second.end()):
                high, end, written_end = upper, second.end(), second.end()
    elif span is None and text[end : end + 1] == "%":
        # "80% - 90%"
        span = joint.match(text, end + 1, limit)
        second = _number_at(text, span.end(), limit) if span is not None else None
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


def _flag(g: _Grammar, text: str, pos: int, limit: int) -> tuple[int, str] | None:
    gap = _GAP.match(text, pos, limit)
    match = g.flag.match(text, gap.end() if gap else pos, limit)
    if match is None:
        return None
    if match.group() in ("L", "N", "A", "H") and match.start() == pos and text[pos - 1].isdigit():
        return match.end(), g.flags[match.group()]
    return match.end(), g.flags[match.group()]


def _tail(g: _Grammar, text: str, folded: str, reading: Reading, limit: int, letters: Mapping[str, str]) -> Reading:
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
            gap = _GAP.match(text, pos, limit)
            unit = read_unit(text, gap.end(), limit, letters)
            if unit is not None:
                reading = replace(reading, unit_raw=unit[1], unit=unit[2], tail=unit[0])
                continue
        if reading.unit is None and pos == reading.end:
            gap = _GAP.match(text, pos, limit)
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
            nxt, newer = read_plain(text, arrow.end(), limit, letters=letters, folded=folded, joint=_DASH), True
        else:
            older = g.older.match(folded, at, limit)
            later = g.newer.match(folded, at, limit) if older is None else None
            nxt, newer = None, False
            if older is not None:
                nxt = read_plain(text, older.end(), limit, letters=letters, folded=folded, joint=_DASH)
            elif later is not None and (
                g.move.search(later.group()) or (from_first and re.search(r"\bto\b", later.group()))
            ):
                nxt, newer = read_plain(text, later.end(), limit, letters=letters, folded=folded, joint=_DASH), True
            else:
                # "1.2 today, 1.4 last week": a word for its time stands behind the next number
                gap = re.compile(r"[\s,;]*(?:and\s+)?").match(folded, at, limit)
                nxt = read_plain(text, gap.end(), limit, letters=letters, folded=folded)
                if nxt is not None and not g.time.match(folded, nxt.tail, limit):
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
    letters: Mapping[str, str] = _NO_LETTERS,
    folded: str | None = None,
) -> list[Reading]:
    """``count`` values for as many names: "45/52", "1.6 mg/dL and 19.3 mg/dL, respectively"; else an empty list."""
    folded = folded if folded is not None else _folded(text)
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
    text: str, pos: int, floor: int, *, letters: Mapping[str, str] = _NO_LETTERS, folded: str | None = None
) -> Reading | None:
    """The value that stands directly before a name that begins at ``pos``: "142 platelets", "a 38.2 °C temperature"."""
    floor = max(floor, pos - 40)
    best = None
    for match in NUMBER.finditer(text, floor, pos):
        best = match if _number_at(text, match.start(), pos) else best
    if best is None:
        return None
    start = best.start()
    g = grammar()
    folded = folded if folded is not None else _folded(text)
    for sign in g.comparator.finditer(folded, floor, start):
        if not folded[sign.end() : start].strip():
            start = sign.start()
            break
    reading = read_plain(text, start, pos, letters=letters, folded=folded)
    if reading is None or text[reading.end : pos].strip(" \t\n-()").lower() not in ("", "of", "in", "de", "d'", "d’"):
        return None
    return reading
