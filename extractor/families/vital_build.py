"""Height and weight without their names, and the compounds of feet and inches, stones, pounds and ounces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ..pipeline import values
from ..records import Draft

_VITAL = "vital"

_FEET = re.compile(
    r"(?P<ft>[3-7])\s?(?:'|’|′|ft\.?|feet|foot|-foot)\s?(?:,\s?|-|and\s)?(?:(?P<inch>\d{1,2}(?:\.\d+)?)\s?(?:\"|''|”|″"
    r"|in\.?\b|inch(?:es)?\b|-inch)?)?",
    re.IGNORECASE,
)
_METRES = re.compile(r"([12])\s?m\s?(\d{2})(?!\d)")
_POUNDS = re.compile(
    r"(?P<lb>\d{1,3})\s?(?:lbs?\.?|pounds?),?\s?(?:and\s)?(?P<oz>\d{1,2}(?:\.\d+)?)\s?(?:oz|ounces?)\b", re.IGNORECASE
)
_STONES = re.compile(
    r"(?P<st>\d{1,2})\s?(?:st|stones?)\.?,?\s?(?:(?:and\s)?(?P<lb>\d{1,2}(?:\.\d+)?)\s?(?:lbs?|pounds?)\b)?(?![a-z])",
    re.IGNORECASE,
)
# "He was 170 cm and 70 kg", "58 kg, 156 cm woman": together they can be nothing else
_BUILD = re.compile(
    r"(?<![\d.,])(?P<h1>\d{3}(?:[.,]\d)?|[12][.,]\d{1,2})[\s-]?(?P<u1>cm|m)(?:\s+tall)?\s?(?:,|;|/|and"
    r"|-)\s?(?:weigh\w*\s)?"
    r"(?P<w1>\d{2,3}(?:[.,]\d+)?)[\s-]?kg\b(?!\s?/)"
    r"|(?<![\d.,])(?P<w2>\d{2,3}(?:[.,]\d+)?)\s?kg\s?(?:,|;|/|and|-)\s?(?P<h2>\d{3}(?:[.,]\d)?"
    r"|[12][.,]\d{1,2})\s?(?P<u2>cm|m)\b"
)
# "74M 62 kg", "a 45-year-old, 58 kg woman"
_BUILT = re.compile(
    r"(?:\b(?:[Hh]e|[Ss]he|[Pp]atient|[Pp]t)\s(?:is|was)(?:\snow)?|(?:years?|months?|weeks?|days?)[\s-]old|y/?o|y\.o\.?|\d{2}\s?(?:[MFmf]|y|yr|yrs|ans)\b"
    r"|\b(?:man|woman|male|female|homme|femme))[\s,(-]{1,3}(?:weighing\s)?$"
)
_KILOS = re.compile(
    r"(?P<w>\d(?<![\d.,]\d)\d{0,2}(?:[.,]\d+)?)[\s-]?kg\b(?!\s?/|\s(?:lighter|heavier|less|more|over|below|under|above))"
)
#: "the 70 kg patient", not "5 mg per 70 kg patient"
_PERSON_BEHIND = re.compile(r"\s(?:patient|man|woman|male|female|boy|girl|child|infant|adult)\b")
_DOSED = re.compile(r"\b(?:for|per|in|each|standard|average)\s+(?:an?\s+)?$")
#: "lost 10 kg (from 80 to 70 kg)": the second is the weight now
_LOST_FROM = re.compile(r"\bfrom\s\d{2,3}(?:[.,]\d)?\s?(?:kg)?\sto\s(?P<w>\d{2,3}(?:[.,]\d)?)\s?kg\b(?<=kg)(?=\)|\s|[.,;]|$)")
#: 5'9": both marks together are nobody's but a person's
_FEET_AND_INCHES = re.compile(r"[4-7](?<![\w.,/'-]\d)\s?['’′]\s?\d{1,2}(?:\.\d)?\s?(?:\"|''|”|″)(?! ?[x×])")
_INCH_SIGNS = ('"', "''", "”", "″")
_BODY_WORDS = frozenset({"kg", "lb", "lbs", "pounds", "weighs", "weighed", "weighing"})
_WEIGHS = re.compile(r"weigh(?:s|ed|ing)\b|(?P<lb>\d{2,3}(?:\.\d)?)\s?(?:lbs?|pounds)\b")
#: "She is 5 feet 3 inches and weighs 142 pounds"
_AND_WEIGHS = re.compile(r"(?:\s+tall)?,?\s+(?:and\s+)?(?:she\s+|he\s+)?weigh(?:s|ed|ing)\b", re.IGNORECASE)
_FEET_BEHIND = re.compile(r"\s?[,;/]\s?(?:and\s)?(?=[3-7]\s?(?:'|’|′|ft\b|feet|foot)[\s,]{0,2}\d)")
_NO_WEIGHT = re.compile(
    r"\s(?:over|under|above|below|less|more|lighter|heavier|lost|loss|gained|gain|of|ago|down|up|in the)"
)
_PLAIN_HEIGHT = Draft(
    _VITAL,
    "height",
    0,
    0,
    "vitals/vital_signs:height",
    code="LOINC 8302-2",
    comparator="=",
    unit="cm",
    assertion="present",
)


def may_stand(text: str, vocabulary: frozenset[str]) -> bool:
    """Can a height or weight without its name stand in the text?"""
    if not _BODY_WORDS.isdisjoint(vocabulary):
        return True
    return any(sign in text for sign in _INCH_SIGNS) and _FEET_AND_INCHES.search(text) is not None


#: "40 breaths/min, 140 bpm and 37.4 °C": beats are those of the heart
_BEATS = re.compile(r"(?<![\d.,/–-])(?P<n>\d{2,3})\s?(?:bpm|beats?\s?(?:/|per\s)\s?min(?:ute)?)\b")
_OTHER_BEATS = re.compile(r"\b(?:resp\w*|rr|breath\w*|fo?etal|by|above|below|over|under|target|max\w*)\b[^,;.]{0,20}$|[<>≥≤]\s?$")


def rate_beside(folded: str, start: int, end: int) -> Iterator[Draft]:
    """A number of beats without its name, in a sentence that tells other vital signs."""
    for match in _BEATS.finditer(folded, start, end):
        if 25 <= int(match["n"]) <= 250 and not _OTHER_BEATS.search(folded, max(start, match.start() - 30), match.start()):
            yield Draft(
                _VITAL, "heart_rate", match.start(), match.end(), "vitals/vital_signs:heart_rate", code="LOINC 8867-4",
                value=float(match["n"]), comparator="=", unit="/min", value_as_written=match["n"], assertion="present",
            )  # fmt: skip
            return


def unnamed(text: str, folded: str) -> Iterator[Draft]:
    """Height and weight without their names, beside each other or beside the age; feet and inches wherever they stand."""
    for match in _FEET_AND_INCHES.finditer(text):
        found = compound(text, match.start(), "height")
        if found is not None:
            value, end, written = found
            yield replace(_PLAIN_HEIGHT, start=match.start(), end=end, value=value, value_as_written=written)
    for weighs in _WEIGHS.finditer(folded):
        yield from _pounds_and_feet(text, folded, weighs)
    first, last = folded.find("kg"), folded.rfind("kg")
    if first < 0:
        return
    low, high = max(0, first - 60), last + 40  # what speaks of kilograms stands near them
    for match in _BUILD.finditer(text, low, high):
        group = "1" if match["h1"] else "2"
        height = values.number(match[f"h{group}"])[0] * (100 if match[f"u{group}"] == "m" else 1)
        if 100 <= height <= 230:
            yield _plain("height", height, match, f"h{group}", f"u{group}")
            yield _plain("weight", values.number(match[f"w{group}"])[0], match, f"w{group}", None)
    for match in _KILOS.finditer(text, low, high):
        ahead = max(0, match.start() - 40)
        if _BUILT.search(text, ahead, match.start()) or (_PERSON_BEHIND.match(text, match.end()) and not _DOSED.search(text, ahead, match.start())):
            yield _plain("weight", values.number(match["w"])[0], match, "w", None)
    for match in _LOST_FROM.finditer(folded):
        yield _plain("weight", values.number(match["w"])[0], match, "w", None)


def _pounds_and_feet(text: str, folded: str, weighs: re.Match[str]) -> Iterator[Draft]:
    """ "5 feet 3 inches and weighs", "5 ft 3 in, 142 pounds", "142 pounds, 5 feet 3 inches"; "a 44-year-old, 142 pounds"."""
    pounds, start, stop = weighs["lb"], *weighs.span()
    heights = []
    for match in _FEET.finditer(text, max(0, start - 48), start):
        found = compound(text, match.start(), "height") if match["inch"] else None
        if found is not None and (
            not text[found[1] : start].strip(" ,;/") if pounds else _AND_WEIGHS.match(text, found[1])
        ):
            heights.append((match.start(), found))
    behind = _FEET_BEHIND.match(text, stop) if pounds else None
    if behind is not None and (found := compound(text, behind.end(), "height")) is not None:
        heights.append((behind.end(), found))
    for at, (value, end, written) in heights:
        yield replace(_PLAIN_HEIGHT, start=at, end=end, value=value, value_as_written=written)
    built = pounds and _BUILT.search(text, max(0, start - 40), start) and not _NO_WEIGHT.match(folded, stop)
    if pounds and (heights or built):
        weight = replace(
            _PLAIN_HEIGHT, concept="weight", rule_id="vitals/vital_signs:weight", code="LOINC 29463-7", unit="kg"
        )
        yield replace(
            weight, start=start, end=stop, value=round(float(pounds) * 0.45359237, 3), value_as_written=pounds
        )


#: "BP 121/66 HR 77 36.5C": a temperature by its letter alone
_DEGREES = re.compile(r"\d(?<![\w.,/-]\d)\d{1,2}[.,]\d\s?°?(?P<unit>[CF])\b")


def temperature_beside(text: str, start: int, end: int) -> Iterator[Draft]:
    """The temperature of a row of vital signs that names the others."""
    match = _DEGREES.search(text, start, end)
    if match is None:
        return
    written = match.group()[:-1].strip(" °")
    value = float(written.replace(",", "."))
    if match["unit"] == "F":
        value = round((value - 32) / 1.8, 4)
    if 34 <= value <= 42:
        plain = replace(
            _PLAIN_HEIGHT,
            concept="temperature",
            rule_id="vitals/vital_signs:temperature",
            code="LOINC 8310-5",
            unit="Cel",
        )
        yield replace(plain, start=match.start(), end=match.end(), value=value, value_as_written=written)


def _plain(concept: str, value: float, match: re.Match[str], group: str, unit: str | None) -> Draft:
    end = match.end(unit) if unit else match.string.index("kg", match.end(group)) + 2
    return Draft(
        family=_VITAL,
        concept=concept,
        start=match.start(group),
        end=end,
        rule_id=f"vitals/vital_signs:{concept}",
        code="LOINC 29463-7" if concept == "weight" else "LOINC 8302-2",
        value=value,
        comparator="=",
        unit="kg" if concept == "weight" else "cm",
        value_as_written=match[group],
        unit_as_written=match[unit] if unit else "kg",
        assertion="present",
    )


def compound(text: str, at: int, concept: str) -> tuple[float, int, str] | None:
    """Feet and inches in cm, stones, pounds and ounces in kg: (value, end, as written)."""
    if concept == "height":
        metres = _METRES.match(text, at)
        if metres is not None:
            return float(metres[1]) * 100 + float(metres[2]), metres.end(), metres.group()
        match = _FEET.match(text, at)
        if match is None:
            return None
        inches = float(match["ft"]) * 12 + (float(match["inch"]) if match["inch"] else 0.0)
        if match["inch"] and float(match["inch"]) >= 12:
            return None
        return round(inches * 2.54, 2), match.end(), match.group().strip()
    match = _STONES.match(text, at)
    if match is not None and float(match["st"]) >= 4 and float(match["lb"] or 0) < 14:
        pounds = float(match["st"]) * 14 + float(match["lb"] or 0)
        return round(pounds * 0.45359237, 3), match.end(), match.group().strip()
    match = _POUNDS.match(text, at)
    if match is None:
        return None
    return round((float(match["lb"]) + float(match["oz"]) / 16) * 0.45359237, 3), match.end(), match.group().strip()


def feet_before(text: str, floor: int, end: int) -> tuple[float, int, str] | None:
    """Feet and inches in front of the name, in cm: (value, start, as written). "5'6\" in height", "5 ft 4 in tall"."""
    for match in _FEET.finditer(text, max(floor, end - 24), end):
        found = compound(text, match.start(), "height")
        if found is not None and text[found[1] : end].strip(" )\n") in ("", "in"):
            return found[0], match.start(), found[2]
    return None
