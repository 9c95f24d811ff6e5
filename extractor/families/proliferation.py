"""Numbers of the pathology: percentages (Ki-67, DLL3, PD-L1), mitotic counts, H-scores."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER = r"\d{1,3}(?:[.,]\d{1,2})?"
_COMPARE = (
    r"(?:<=|>=|<|>|≤|≥|~|≈|less than or equal to|greater than or equal to|in excess of|upwards? of|not less than|no less than|no more than|not more than|not exceeding|fewer than|less than|more than|greater than|higher than|lower than|at least|over|above|below|under|exceed(?:s|ing|ed)?|"
    r"approximately|approx\.?|about|around|nearly|almost|circa|ca\.?|close to|estimated at|roughly|environ|plus de|moins de|au moins|up to|as high as|as low as|jusqu'a|env\.?|between|entre)"
)
_PERCENT_SIGN = r"(?:%|[°º]/[o0]\b|prozent\b|procent\b|percent\b|per cent\b|pct\b|pour cent\b)"
_PERCENT = re.compile(
    rf"(?P<cmp>{_COMPARE}(?:\s+{_COMPARE})?)?\s*(?:an?\s+)?(?P<low>{_NUMBER})\s*{_PERCENT_SIGN}?\s*(?:(?:-|–|—|to|and|a|a la|et|\bor\b)\s*(?P<high>{_NUMBER})\s*)?(?P<sign>{_PERCENT_SIGN})(?!\s*(?:ci\b|confidence))"
)
_BARE = re.compile(
    rf"\s*(?:index|li|labell?ing index|score|ihc)?\s*(?:\(%\)\s*)?(?:(?:[:=]|was|is|of)\s*|(?=[<>~≈≥≤]))(?P<cmp>{_COMPARE})?\s*(?P<low>{_NUMBER})(?:\s*(?:-|–|to)\s*(?P<high>{_NUMBER}))?(?:\s*±\s*{_NUMBER})?(?=\s*(?:[,;)\n]|\.(?:\s|$)|$))"
)
_WORDS = {
    w: n
    for n, w in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
} | {
    "no": 0,
    "rare": None,
    "i": 1,
    "l": 1,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "un": 1,
    "une": 1,
    "deux": 2,
    "trois": 3,
    "quatre": 4,
    "cinq": 5,
    "dix": 10,
}
_COUNT = rf"(?:{_NUMBER}|(?<![a-z])(?:{'|'.join(sorted(_WORDS, key=lambda w: (-len(w), w)))})(?![a-z]))"
_MITOSES = re.compile(
    rf"(?P<cmp>{_COMPARE})?\s*(?P<low>{_COUNT})\s*(?:(?:-|–|to|and|a)\s*(?P<high>{_COUNT}))?\s*"
    r"(?:(?:mitos[ei]s|mitoti\w+(?:\s+figures?)?|mf|figures?|mitosi|atypical|counted|present|seen|identified|\(|in mitosis)\s*){0,3}"
    r"(?:/|per|in|par|pour|sur|dans|out of|for)\s*(?:each\s+|an?\s+area\s+of\s+|the\s+)?(?P<count>\d{1,3}|ten|dix|two|deux|one|fifty)?\s*"
    r"(?P<field>hpfs?\b|hpf|high[\s-]*power(?:ed)?(?:\s*\(?\d*x?\)?)?\s*(?:fields?)?|fields?\b|champs?|cfg|mm\s?2|mm²|mm\^2|sq\.?\s*mm|square\s+(?:mm|millimet\w+))"
)
_TILDE = (
    "~",
    "≈",
    "approximately",
    "approx",
    "about",
    "around",
    "nearly",
    "almost",
    "circa",
    "ca",
    "close to",
    "estimated at",
    "roughly",
    "environ",
    "env",
)
_FIELD_AREA = re.compile(
    r"(?:1\s*hpf|hpf|field(?:\s+area)?|high[\s-]*power(?:ed)?\s*field|area)\s*(?:\(?\s*(?:=|:|of|is|area|size|about)\s*){0,3}(?P<area>0[.,]\d{1,4})\s*(?:mm\s?2|mm²|sq\.?\s*mm|square\s+mm)"
)
_FIELD_DIAMETER = re.compile(r"field\s+diameter\s*(?:of|:|=|is)?\s*(?P<diameter>0[.,]\d{1,3})\s*mm")


@dataclass(frozen=True, slots=True)
class Reading:
    """A number with its comparator; [start, end) in the text."""

    low: float
    high: float | None
    comparator: str
    start: int
    end: int
    written: str
    unit: str = "%"


def compare(word: str | None) -> str:
    """The comparator of the words before a number.

    >>> compare("less than"), compare("approximately"), compare(None)
    ('<', '~', '=')
    """
    if not word:
        return "="
    word = word.strip().rstrip(".")
    if word in ("<=", "≤", "less than or equal to", "no more than", "not more than", "not exceeding"):
        return "<="
    if word in (">=", "≥", "at least", "au moins", "greater than or equal to", "not less than", "no less than", "upward of", "upwards of"):
        return ">="
    if word.startswith(("<", "less", "lower", "below", "under", "moins", "fewer")):
        return "<"
    if word.startswith((">", "more", "greater", "higher", "over", "above", "exceed", "in excess", "plus")):
        return ">"
    return "~" if word.startswith(_TILDE) else "="


def number(text: str) -> float:
    return float(text.replace(",", "."))


def percent(folded: str, start: int, end: int, reach: int = 90) -> Reading | None:
    """The first percentage behind a name, within ``reach`` characters: "Ki-67 labelling index of 80-90%"."""
    match = _PERCENT.search(folded, start, min(end, start + reach))
    if match is None or ";" in folded[start : match.start()]:
        bare = _BARE.match(folded, start, end)
        return _reading(bare) if bare else None
    return _reading(match)


def percents_before(folded: str, start: int, end: int) -> list[Reading]:
    return [r for m in _PERCENT.finditer(folded, start, end) if (r := _reading(m))]


def _reading(match: re.Match[str]) -> Reading | None:
    low = number(match["low"])
    high = number(match["high"]) if match["high"] else None
    if low > 100 or (high is not None and (high > 100 or high < low)):
        return None
    at = match.start("cmp") if match["cmp"] else match.start("low")
    return Reading(low, high, compare(match["cmp"]), at, match.end(), match.string[at : match.end()])


def mitoses(folded: str, start: int, end: int) -> list[Reading]:
    """Mitotic counts of a sentence, per 10 HPF or per 2 mm2 (a count per mm2 is doubled: criteria 3.5).

    >>> [(r.low, r.unit) for r in mitoses("mitoses 24/10 hpf", 0, 17)], [(r.low, r.unit) for r in mitoses("12 mitoses per mm2", 0, 18)]
    ([(24.0, '/10[HPF]')], [(24.0, '/2mm2')])
    """
    found = []
    for match in _MITOSES.finditer(folded, start, end):
        low, high = _count(match["low"]), _count(match["high"])
        if low is None:
            continue
        field = match["field"]
        stated = (
            _WORDS.get(match["count"] or "", None)
            if match["count"] and not match["count"].isdigit()
            else match["count"]
        )
        fields = float(stated) if stated else None
        if field.startswith(("mm", "sq")):
            factor, unit = 2.0 / (fields or 1.0), "/2mm2"
        else:
            factor, unit = (
                10.0 / (fields or (10.0 if field.startswith(("hpfs", "high power fields", "fields")) else 1.0)),
                "/10[HPF]",
            )
        at = match.start("cmp") if match["cmp"] else match.start("low")
        high_value = round(high * factor, 4) if high is not None else None
        found.append(
            Reading(
                round(low * factor, 4),
                high_value,
                compare(match["cmp"]),
                at,
                match.end(),
                folded[at : match.end()],
                unit,
            )
        )
    return found


def _count(text: str | None) -> float | None:
    if not text:
        return None
    if text in _WORDS:
        value = _WORDS[text]
        return None if value is None else float(value)
    return number(text)


def field_area(folded: str, start: int, end: int) -> tuple[float, int, int] | None:
    """Area of one high-power field in mm2 as printed (or from its diameter), with its place."""
    match = _FIELD_AREA.search(folded, start, end)
    if match:
        return number(match["area"]), match.start(), match.end()
    match = _FIELD_DIAMETER.search(folded, start, end)
    if match:
        radius = number(match["diameter"]) / 2
        return round(3.14159265 * radius * radius, 4), match.start(), match.end()
    return None
