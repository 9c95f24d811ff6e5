"""Flowsheets: a line of names of vital signs, below it rows of numbers, each row with its time or date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..patterns import Patterns
from ..pipeline import tables, values
from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText
from ..records import Draft

FAMILY = "vital"
KEYS = frozenset[str]()

LEAST = 3  # names that make a line a header
_PAIR = re.compile(r"(\d{2,3})\s?/\s?(\d{2,3})")
_NUMBER = re.compile(r"(?P<n>\d{2,3}(?:[.,]\d{1,2})?)\s?%?\s?(?P<rest>.*)")
_DEVICE = re.compile(r"device|source|\bfio2|deliver|\bflow\b|l/min|suppl|support|room air|\bo2 via\b")
_KILOGRAMS, _CENTIMETRES = re.compile(r"\bkgs?\b"), re.compile(r"\bcm\b")
_PLAUSIBLE = {"spo2": (50, 100), "heart_rate": (30, 230), "temperature": (33, 43), "weight": (25, 300), "height": (100, 230)}

_words: dict[str, re.Pattern[str]] = {}


def setup(patterns: Patterns) -> None:
    table = patterns.tables[FAMILY]["oxygen"]
    _words.update({key: re.compile(values.phrases(table[key])) for key in ("room_air", "supplemental", "exertion")})


def read(note: NoteText) -> Iterable[Draft]:
    lines: dict[int, list[Hit]] = {}
    hits = note.hits.get(FAMILY, ())
    if len(hits) < LEAST:
        return
    for hit in hits:
        lines.setdefault(note.line(hit.start)[0], []).append(hit)
    for start, named in lines.items():
        _, end = note.line(start)
        if len({hit.key for hit in named}) >= LEAST and not re.search(r"\d", _between(note.folded[start:end])):
            yield from _rows(note, start, end, named)


def _between(line: str) -> str:
    """The header without the digits that belong to a name."""
    return re.sub(r"sp?o2|\bo2|0\d00", " ", line)


def _rows(note: NoteText, start: int, end: int, named: list[Hit]) -> Iterator[Draft]:
    text = note.text
    head = tables.cells(text, start, end)
    device = next((i for i, cell in enumerate(head) if _DEVICE.search(note.folded, cell.start, cell.end)), None)
    columns = {
        i: hit for i, cell in enumerate(head) for hit in named if i != device and cell.start <= hit.start < cell.end
    }
    if len(columns) < LEAST:
        return
    for above, stop in tables.lines_below(text, end):
        if tables.is_rule(text, above, stop):
            continue
        row = tables.cells(text, above, stop)
        if len(row) != len(head):
            return
        spans = note.dates_between(above, stop)
        date = (spans[0].earliest, spans[0].latest, spans[0].precision) if len(spans) == 1 else None
        around = note.folded[row[device].start : row[device].end] if device is not None else ""
        for index, hit in columns.items():
            for draft in _cell(note, hit, note.folded[head[index].start : head[index].end], row[index], around):
                yield Draft(
                    family=FAMILY,
                    rule_id=hit.concept.rule_id if "_bp" not in draft[0] else "vitals/vital_signs:blood_pressure",
                    concept=draft[0],
                    start=row[index].start,
                    end=row[index].end,
                    code=draft[3],
                    value=draft[1],
                    comparator="=",
                    unit=draft[2],
                    value_as_written=text[row[index].start : row[index].end],
                    assertion="present",
                    date=date,
                    attributes=draft[4],
                )


def _cell(
    note: NoteText, hit: Hit, header: str, cell: tables.Cell, device: str
) -> Iterator[tuple[str, float, str, str, dict[str, str]]]:
    """What a cell says under its name: concept, value, unit, code, attributes."""
    written = note.folded[cell.start : cell.end]
    if hit.get("pair"):
        pair = _PAIR.match(written)
        if pair and float(pair[1]) > float(pair[2]):
            yield "systolic_bp", float(pair[1]), "mm[Hg]", "LOINC 8480-6", {}
            yield "diastolic_bp", float(pair[2]), "mm[Hg]", "LOINC 8462-4", {}
        return
    found = _NUMBER.fullmatch(written)
    if found is None or hit.key not in _PLAUSIBLE:
        return
    value, low_high = float(found["n"].replace(",", ".")), _PLAUSIBLE[hit.key]
    if hit.key == "temperature" and value >= 90:
        value = round((value - 32) * 5 / 9, 4)
    if hit.key == "weight" and not (_KILOGRAMS.search(header) or _KILOGRAMS.match(found["rest"])):
        return
    if hit.key == "height" and not (_CENTIMETRES.search(header) or _CENTIMETRES.match(found["rest"])):
        return
    attributes = {}
    if hit.key == "spo2":
        for place in (found["rest"], device, header):
            if place and _words["exertion"].search(place):
                attributes["activity"] = "exertion"
            if "oxygen" in attributes:
                continue
            if _words["supplemental"].search(place):
                attributes["oxygen"] = "supplemental"
            elif _words["room_air"].search(place):
                attributes["oxygen"] = "room_air"
    if low_high[0] <= value <= low_high[1]:
        yield hit.key, value, hit.concept.unit or "1", hit.concept.code, attributes
