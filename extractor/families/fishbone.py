r"""Blood count and basic chemistry drawn as a fishbone: ``5.6 >12.1/36.4< 210``, over two lines or over three, or as the seven numbers of a panel in
their order.

A drawing counts only where its numbers prove it: the haematocrit (%) is about three times the haemoglobin (g/dL), and
sodium, chloride, bicarbonate, potassium and creatinine lie where no other row of five numbers does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..patterns import Concept, Patterns
from ..pipeline.text import NoteText
from ..records import Draft

FAMILY = "lab"
#: the numbers stand without names
ALWAYS = True
KEYS = frozenset[str]()

_N = r"\d{1,4}(?:\.\d{1,2})?"
_GAP = r"[ \t]{0,12}"
_BONE = r"[-–—_ \t]{0,24}"
_COUNTS = (
    # 5.6 > 12.1 / 36.4 < 210
    re.compile(
        rf"(?<![\w.])(?P<wbc>{_N}){_GAP}>{_BONE}(?P<hemoglobin>{_N}){_GAP}/{_GAP}(?P<hct>{_N}){_BONE}<{_GAP}"
        rf"(?P<platelets>{_N})(?![\w.]\d)"
    ),
    # 5.6 \ 12.1 / 210 above / 36.4 \
    re.compile(
        rf"(?<![\w.])(?P<wbc>{_N}){_GAP}\\{_BONE}(?P<hemoglobin>{_N}){_BONE}/{_GAP}(?P<platelets>{_N}){_GAP}\n"
        rf"[ \t]{{0,40}}/{_BONE}(?P<hct>{_N}){_BONE}\\"
    ),
    # the haemoglobin above, the haematocrit below 5.6 >----< 210
    re.compile(
        rf"(?<![\w.])(?P<hemoglobin>{_N}){_GAP}/?{_GAP}\n[ \t]{{0,40}}(?P<wbc>{_N}){_GAP}(?:>{_BONE}<|[-–—_]{{2,24}})"
        rf"{_GAP}(?P<platelets>{_N}){_GAP}\n[ \t]{{0,40}}/?{_GAP}(?P<hct>{_N})(?![\w.]\d)"
    ),
)
# 138 | 101 | 17 /       138 | 101 | 17 / 104
# ---------------< 104   4.1 | 24 | 0.9 \
# 4.1 | 24  | 0.9 \
_CHEMISTRY = re.compile(
    rf"(?<![\w.])(?P<sodium>{_N}){_GAP}\|{_GAP}(?P<chloride>{_N}){_GAP}\|{_GAP}(?P<bun>{_N}){_GAP}[/<]?{_GAP}"
    rf"(?P<g1>{_N})?{_GAP}\n(?:[ \t]{{0,40}}[-–—_+|]{_BONE}<{_GAP}(?P<g2>{_N}){_GAP}\n)?"
    rf"[ \t]{{0,40}}(?P<potassium>{_N}){_GAP}\|{_GAP}(?P<bicarbonate>{_N}){_GAP}\|{_GAP}(?P<creatinine>{_N})(?![\w.]\d)"
)
#: seven numbers in the order of the panel: "BMP: 131, 2.5, 94, 28, 11, 1.6, 115"
_STEP = r"[ \t]{0,2}[,/][ \t]{0,2}"
_ROW = re.compile(
    r"\b(?:bmp|chem(?:istry)?[- ]?7|sma[- ]?7|basic metabolic panel)[ \t]{0,2}[:=]?[ \t]{1,3}"
    + _STEP.join(rf"(?P<{name}>{_N})" for name in ("sodium", "potassium", "chloride", "bicarbonate", "bun", "creatinine", "g1"))
    + r"(?![\w.]\d)",
    re.IGNORECASE,
)
_ROW_WORDS = frozenset({"bmp", "chem", "chemistry", "sma", "metabolic"})
_LIMITS = {
    "wbc": (0.0, 300.0), "hemoglobin": (3.0, 22.0), "platelets": (1.0, 1999.0), "sodium": (110.0, 175.0),
    "chloride": (65.0, 140.0), "bun": (1.0, 250.0), "potassium": (1.5, 9.5), "bicarbonate": (5.0, 50.0),
    "creatinine": (0.1, 20.0), "g1": (20.0, 1500.0), "g2": (20.0, 1500.0),
}  # fmt: skip
_RATIO = (2.4, 3.7)  # haematocrit over haemoglobin
_SILENT = frozenset({"hct", "chloride", "bicarbonate"})

_concepts: dict[str, Concept] = {}


def setup(patterns: Patterns) -> None:
    _concepts.clear()
    for concept in patterns.concepts:
        if concept.family == FAMILY:
            _concepts.setdefault(concept.concept, concept)


def read(note: NoteText) -> Iterable[Draft]:
    text = note.text
    if "<" in text or "\\" in text or "--" in text or "__" in text:
        for shape in _COUNTS:
            for match in shape.finditer(text):
                low, high = _RATIO
                if _plausible(match) and low <= float(match["hct"]) / float(match["hemoglobin"]) <= high:
                    yield from _drafts(note, match)
        if "|" in text:
            for match in _CHEMISTRY.finditer(text):
                if (match["g1"] is None) != (match["g2"] is None) and _plausible(match):
                    yield from _drafts(note, match)
    if not _ROW_WORDS.isdisjoint(note.vocabulary):
        for match in _ROW.finditer(text):
            if _plausible(match):
                yield from _drafts(note, match)


def _plausible(match: re.Match[str]) -> bool:
    return all(
        low <= float(match[name]) <= high
        for name, (low, high) in _LIMITS.items()
        if match.groupdict().get(name) is not None
    )


def _drafts(note: NoteText, match: re.Match[str]) -> Iterator[Draft]:
    for name, written in match.groupdict().items():
        concept = _concepts.get("glucose" if name in ("g1", "g2") else name)
        start, end = match.span(name)
        if written is None or name in _SILENT or concept is None:
            continue
        if any(start - hit.end <= 3 for hit in note.hits_between(FAMILY, max(0, start - 12), start)):
            continue  # a name stands before this number and has read it
        yield Draft(
            family=FAMILY,
            concept=concept.concept,
            start=start,
            end=end,
            rule_id=concept.rule_id,
            code=concept.code,
            value=float(written),
            comparator="=",
            unit=concept.unit,
            value_as_written=written,
            assertion="present",
        )
