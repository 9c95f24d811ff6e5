"""Vital signs as a row of numbers without names: "Vitals: 98.4 F, 124/78, 78, 18, 97% RA".

Each kind of number shows itself: a pressure by its stroke, a temperature by its decimal or letter, a saturation by its
percent sign; of the whole numbers the first is the pulse and the second the respiratory rate. A row counts with three
numbers or more, one of them a pressure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..patterns import Concept, Patterns
from ..pipeline import values
from ..pipeline.text import NoteText
from ..records import Draft

FAMILY = "vital"
#: the numbers stand without names
ALWAYS = True
KEYS = frozenset[str]()

_LABEL = re.compile(r"(?:\bvitals?(?:\s+signs?)?|\bv/?ss?|\bobs(?:ervations)?|\bconstantes)\b[a-z ]{0,24}[:=,-]?\s*(?=\d)")
#: "97.9F, 126/74, 72, 16, 98%": a temperature with its letter before a pressure needs no label
_BARE = re.compile(r"\d\s?°?\s?[fc][,;\s]{1,3}\d{2,3}/\d{2,3}(?![\d/])")
_LEAD = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d?)?$")
_LABELS = frozenset({"vital", "vitals", "vs", "vss", "v", "obs", "observations", "constantes"})
_TOKEN = re.compile(
    r"(?P<bp>(?P<s>\d{2,3})\s?/\s?(?P<d>\d{2,3})(?![\d/]))"
    r"|(?P<t>(?!\d{2,3}(?:\.\d{1,2})?\s?kg)(?P<tv>\d{2,3}(?:\.\d{1,2})?)\s?[°º]?\s?(?P<tu>[fc])\b|(?!\d{2,3}\.\d{1,2}\s?kg)\d{2,3}\.\d{1,2}(?![\d/]))"
    r"|(?P<sat>(?P<sv>\d{2,3})\s?%)"
    r"|(?P<kg>(?P<wv>\d{2,3}(?:\.\d{1,2})?)\s?kg\b)"
    r"|(?P<n>\d{1,3})(?![\d.,/]\d|\s?(?:kg|lbs?|cm|in\b|mg|days?|years?|yo\b))"
)
_STEP = re.compile(r"\s?(?:r\.?a\.?|room air|nc)?\s?(?:,|;|-|\s)\s?")
_CONVERT = {"f": lambda v: (v - 32) * 5 / 9, "c": lambda v: v}

_concepts: dict[str, Concept] = {}
_air = _extra = re.compile("(?!)")


def setup(patterns: Patterns) -> None:
    global _air, _extra
    _concepts.clear()
    for concept in patterns.concepts:
        if concept.family == FAMILY:
            _concepts.setdefault(concept.concept, concept)
    oxygen = patterns.tables[FAMILY]["oxygen"]
    _air, _extra = (re.compile(values.phrases(oxygen[key])) for key in ("room_air", "supplemental"))


def read(note: NoteText) -> Iterable[Draft]:
    folded = note.folded
    starts = {m.end() for m in _LABEL.finditer(folded)} if not _LABELS.isdisjoint(note.vocabulary) else set()
    for bare in _BARE.finditer(folded) if "f" in note.vocabulary or "c" in note.vocabulary else ():
        lead = _LEAD.search(folded, max(0, bare.start() - 4), bare.start() + 1)
        if lead is not None:
            starts.add(lead.start())
    for start in sorted(starts):
        tokens = list(_tokens(folded, start))
        if len(tokens) >= 3 and any(t["bp"] for t in tokens):
            yield from _drafts(note, tokens)


def _tokens(folded: str, at: int) -> Iterator[re.Match[str]]:
    for _ in range(7):
        token = _TOKEN.match(folded, at)
        if token is None:
            return
        yield token
        step = _STEP.match(folded, token.end())
        if step is None:
            return
        at = step.end()


def _drafts(note: NoteText, tokens: list[re.Match[str]]) -> Iterator[Draft]:
    plain = 0
    for token in tokens:
        if token["bp"]:
            high, low = float(token["s"]), float(token["d"])
            if 60 <= high <= 260 and 25 <= low < high:
                yield _draft("systolic_bp", token, high, "mm[Hg]", {}, "LOINC 8480-6")
                yield _draft("diastolic_bp", token, low, "mm[Hg]", {}, "LOINC 8462-4")
        elif token["kg"]:
            yield _draft("weight", token, float(token["wv"]), "kg", {})
        elif token["t"]:
            value = float(token["tv"] or token["t"])
            unit = token["tu"] or ("f" if value >= 90 else "c")
            celsius = round(_CONVERT[unit](value), 4)
            if 33 <= celsius <= 43:
                yield _draft("temperature", token, celsius, "Cel", {})
        elif token["sat"]:
            value = float(token["sv"])
            behind = re.split(r"[,;.\n]", note.folded[token.end() : token.end() + 30])[0]
            air, extra = _air.search(behind), _extra.search(behind)
            oxygen = "supplemental" if extra and not air else "room_air" if air else None
            if 50 <= value <= 100:
                yield _draft("spo2", token, value, "%", {"oxygen": oxygen} if oxygen else {})
        else:
            plain += 1
            value = float(token["n"])
            if plain == 1 and 40 <= value <= 220:
                yield _draft("heart_rate", token, value, "/min", {})


def _draft(
    concept: str, token: re.Match[str], value: float, unit: str, attributes: dict[str, str], code: str = ""
) -> Draft:
    known = _concepts.get(concept)
    return Draft(
        family=FAMILY,
        concept=concept,
        start=token.start(),
        end=token.end(),
        rule_id=f"vitals/vital_signs:{concept}",
        code=known.code if known is not None else code,
        value=value,
        comparator="=",
        unit=unit,
        value_as_written=token.group().strip(),
        assertion="present",
        attributes=attributes,
    )
