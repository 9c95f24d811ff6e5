"""Tables of electrocardiograms: a line of names (HR, QT, QTcF), below it one row of numbers for each tracing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..pipeline import tables
from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText
from ..records import Draft

FAMILY = "cardiac"
KEYS = frozenset[str]()

LEAST = 3  # cells that make a line a header
_MILLISECONDS = re.compile(r"(\d{3})(?:\.\d)?\s?(?:ms(?:ec)?)?")
#: a row that sums up the others
_SUMMARY = re.compile(r"\W*(?:mean|average|avg|moyenne|mittel\w*|gemiddelde?)\b")


def read(note: NoteText) -> Iterable[Draft]:
    lines: dict[int, list[Hit]] = {}
    for hit in note.hits.get(FAMILY, ()):
        if hit.key in ("qt", "qtc"):
            lines.setdefault(note.line(hit.start)[0], []).append(hit)
    for start, named in lines.items():
        end = note.line(start)[1]
        if not any(character.isdigit() for character in note.text[start:end]):
            yield from _rows(note, start, end, named)


def _rows(note: NoteText, start: int, end: int, named: list[Hit]) -> Iterator[Draft]:
    text = note.text
    head = tables.cells(text, start, end)
    columns = {i: hit for i, cell in enumerate(head) for hit in named if cell.start <= hit.start < cell.end}
    if len(head) < LEAST or not columns:
        return
    number = 0
    for above, stop in tables.lines_below(text, end):
        if tables.is_rule(text, above, stop) or _SUMMARY.match(note.folded, above, stop):
            continue
        row = tables.cells(text, above, stop)
        shift = len(row) - len(head)  # 1: the column of times has no name
        if shift not in (0, 1):
            return
        found = {i: _MILLISECONDS.fullmatch(text, row[i + shift].start, row[i + shift].end) for i in columns}
        if not all(found.values()):
            return
        number += 1
        for index, hit in columns.items():
            match = found[index]
            value = float(match[1]) if match else 0.0
            low, high = hit.concept.data.get("plausible", (200, 750))
            if not low <= value <= high:
                continue
            formula = {"formula": hit.get("formula") or "unspecified"} if hit.key == "qtc" else {}
            cell = row[index + shift]
            yield Draft(
                family=FAMILY,
                concept=hit.key,
                start=cell.start,
                end=cell.end,
                rule_id=hit.concept.rule_id,
                code=hit.concept.code,
                value=value,
                comparator="=",
                unit=hit.concept.unit,
                value_as_written=text[cell.start : cell.end],
                assertion="present",
                attributes={**formula, "tracing": number},
            )
