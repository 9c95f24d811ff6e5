"""Numbers, units and the words around them as they are written: the parts that ``values`` puts together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from .. import patterns as pattern_files
from .. import units
from ..alternation import joined
from ..frozen import dataclass
from .lexicon import fold

NO_LETTERS: Mapping[str, str] = {}
SPACE = "[ \\t\\u00a0\\u202f\\u2009\\n\\r]"
_THIN = "[ \\u00a0\\u202f\\u2009]"

# 250 000 and 1'200 need groups of three; 98,000 and 2.1 and 9,1 and .9 follow
NUMBER = re.compile(
    r"(?<![\w.])(?<!\d,)(?<!\s,)(?<![\w]['’])(?:"
    rf"\d{{1,3}}(?:{_THIN}\d{{3}})+(?![\d])(?:[.,]\d+)?"
    r"|\d{1,3}(?:['’]\d{3})+(?!\d)(?:[.,]\d+)?"
    r"|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?"
    r"|\d{1,2}(?:,\d{2}){1,2},\d{3}(?!\d)"  # 1,02,000: the groups of India
    r"|\d+(?:[.,·]\d+)?"
    r"|[.·]\d+)"
)
_FIRST_GROUP = re.compile(r"\d+(?:[.,]\d+)?")
#: a number glued to its name: "Plt210", "T36.9"; a short name needs the decimal
GLUED = re.compile(r"(?:(?:(?<=[A-Za-z]{3})|(?<=\bHR)|(?<=\bHb)|(?<=\bNa))(?<!Glu)\d{2,3}(?:[.,]\d+)?|\d{1,3}[.,]\d{1,2})(?![\w.,/-]?\d|[A-Za-z]*\d)")
_DATE_TAIL = re.compile(r"(?i:[/.-]\d{1,2}[/.-]\d{2,4}|/\d{2}(?:\d{2})?(?!\d|\.\d)(?!\s?(?:hpf|hp|high))|-\d{2}-\d{2})")
GAP = re.compile(r"[ \t\u00a0\u202f\u2009|]*")
#: a limit of a reference range: one decimal separator, thousands by commas; "0.6.2" is none
_PLAIN = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)"
_UNIT_CHARS = re.compile(r"(?:[x×*]?[ ]?10|[%‰°#µμA-Za-zÀ-ÿ/\[{]|[x×])[^\s,;()|<>=]*(?:(?<=/1),73[^\s,;()|<>=]*)?")
_MAX_UNIT = 30
_UNIT_LABEL = re.compile(r"[ \t,;]{1,4}(?:[Uu]nits?|UNITS?)\s?[:=]\s?")


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
    groups: dict[str, list[tuple[list[str], str]]] = {}
    for item in sorted(set(items)):
        before = r"(?<![a-z])" if fold(item[0]).isalnum() else ""
        after = r"(?![a-z])" if fold(item[-1]).isalnum() else ""
        pieces = [r"\s+" if letter == " " else re.escape(letter) for letter in fold(" ".join(item.split()))]
        groups.setdefault(before, []).append((pieces, after))
    return "(?:" + "|".join(before + joined(group) for before, group in groups.items()) + ")"


@lru_cache(maxsize=256)
def pattern_of(items: tuple[str, ...]) -> re.Pattern[str]:
    """The compiled alternation of a list of phrases of a pattern file."""
    return re.compile(phrases(items))


class Grammar:
    """The compiled word lists of ``patterns/values.toml``."""

    def __init__(self) -> None:
        table = pattern_files.table("values")
        self.connector = re.compile(phrases(table["connectors"]))
        self.stop = re.compile(phrases(table["stops"]))
        self.change = re.compile(phrases(table["changes"]) + rf"(?!\s+{phrases(table['methods'])})")
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
        self.older = re.compile(
            rf"[\s,;(]*(?:{moves}\s+)*{older}[\s:=(]*(?:{older}[\s:=]*)?"
            rf"(?:(?:a|the|his|her)\s+)?(?:(?:peak|high|low|max|maximum|{older})\s+(?:of\s+)?)?"
        )
        self.newer = re.compile(
            rf"[\s,;]*(?:{newer}\s+)*(?:{moves}\s+)*(?:back\s+)?{newer}\s*"
            rf"|[\s,;]*(?:{newer}\s+)+(?:{moves}\s+)+(?:at|to)\s+"
            rf"|\s*[,;]\s*(?:{moves}\s+){{1,2}}(?:at|to)\s+"
        )
        self.time = re.compile(rf"[\s,(]*{times}[\s,)]*")
        # "0.8; on admission 2.3; at discharge 1.0"
        self.timed = re.compile(rf"\s*[;,]\s*(?:and\s+)?{times}\s*(?:it\s+)?(?:was|is|:|of|to|=)?\s*(?=[\d<>])")


@lru_cache(maxsize=1)
def grammar() -> Grammar:
    """The word lists, compiled once for a process."""
    return Grammar()


@lru_cache(maxsize=4)
def folded_text(text: str) -> str:
    return fold(text)


def past(pattern: re.Pattern[str], text: str, pos: int, limit: int) -> int:
    """Where the text goes on behind what the pattern matches at ``pos``; ``pos`` where it matches nothing."""
    match = pattern.match(text, pos, limit)
    return match.end() if match else pos


# -- citations -----------------------------------------------------------------------------------------------------
_REFERENCES = r"\d{1,3}(?:\s?[,–-]\s?\d{1,3}){0,9}"
_SQUARE = re.compile(rf"\[(?!\d{{3}}\]){_REFERENCES}\](?![\s:|]*\d)")
_ROUND = re.compile(rf"\({_REFERENCES}\)(?![\s:|]*\d)")
_CITING = re.compile(r"[a-z] ?\((\d{1,3})(?:\s?[,–-]\s?\d{1,3}){0,9}\)[.,]")


def citation(text: str, pos: int, limit: int) -> re.Match[str] | None:
    """The number of a reference at ``pos``: "ejection fraction [18]", and "glucose levels (3)." in a text that cites so."""
    if text[pos] == "[":
        return _SQUARE.match(text, pos, limit)
    if text[pos] != "(":
        return None
    # the number of an item: "(50 % increase in creatinine); (6) ..."
    return _ROUND.match(text, pos, limit) if _cites(text) or text[pos - 2 : pos].strip() == ";" else None


@lru_cache(maxsize=4)
def _cites(text: str) -> bool:
    """Does the text number its references in round brackets, from the first one on?"""
    return {"1", "2", "3"} <= {match[1] for match in _CITING.finditer(text)}


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
        if len(groups) > 1 and len(groups[-1]) == 3:
            return float("".join([head, *groups])), None
        return float(f"{head}.{''.join(groups)}"), None
    if "." in plain:
        head, _, digits = plain.partition(".")
        value = float(f"{head or '0'}.{digits}")
        # 250.000 is a Continental quarter million or a quarter thousand: both stay possible
        grouped = len(digits) == 3 and 1 <= len(head) <= 3 and head != "0"
        return value, float(head + digits) if grouped else None
    return float(plain), None


def number_at(text: str, pos: int, limit: int) -> re.Match[str] | None:
    """The number that starts at pos; not a date, not a part of a word."""
    match = NUMBER.match(text, pos, limit)
    if match is None:
        return GLUED.match(text, pos, limit) if text[pos - 1 : pos].isalpha() else None
    written = match.group()
    if any(c in written for c in " \u00a0\u202f\u2009") and not _groups_meant(text, match.end(), written):
        match = _FIRST_GROUP.match(text, pos)
    if match is None or (_DATE_TAIL.match(text, match.end(), limit) and "." not in match.group().strip(".")):
        return None
    end = match.end()
    if end < len(text) and text[end].isalpha() and text[end : end + 1] in "ᵗ":
        return None
    return match


def _groups_meant(text: str, end: int, written: str) -> bool:
    """Is "250 000" one number? Only if it ends in 000 or a unit of counts or markers follows; "142 150" are two columns."""
    groups = re.split(r"[ \u00a0\u202f\u2009]", written)
    return groups[-1][:3] == "000" or bool(
        re.match(r"\s?(?:/|par |UI|IU|copies|cells|elements|éléments|[npµu]g/|m?U/)", text[end : end + 12])
    )


# -- units ---------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=8192)
def parse_unit(raw: str) -> str | None:
    return units.parse(raw)


def read_unit(
    text: str, pos: int, limit: int, letters: Mapping[str, str] = NO_LETTERS
) -> tuple[int, str, str | None] | None:
    """The unit at pos: (end, as written, UCUM). The longest spelling that is a unit counts.

    A single letter is a unit only where the family says so (``letters``: {"K": "10*3/uL"}).
    """
    label = _UNIT_LABEL.match(text, pos, limit)
    pos = label.end() if label else pos
    gap = GAP.match(text, pos, min(limit, pos + 6))
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
