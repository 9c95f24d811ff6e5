"""Tables of results: cumulative tables with dates above the columns, rows of values under a row of names, HL7 segments.

A table is found from a line that holds a name; nothing is searched that has none. Columns are cells between pipes or
tabs, or runs of text apart by two spaces or more.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import NamedTuple

from .text import NoteText

Interval = tuple[datetime.date, datetime.date, str]
_RULE_LINE = re.compile(r"[\s|+:=_-]*")
_SPACED = re.compile(r"\S(?:.*?\S)??(?=\s{2,}|$)")
_HL7_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})")
MAX_LINES = 60


class Cell(NamedTuple):
    start: int
    end: int


def line_at(text: str, pos: int) -> tuple[int, int]:
    """Start and end of the line that holds ``pos``."""
    start = text.rfind("\n", 0, pos) + 1
    end = text.find("\n", pos)
    return start, len(text) if end < 0 else end


def cells(text: str, start: int, end: int) -> list[Cell]:
    """The cells of a line; empty cells of a table with pipes or tabs keep their place.

    >>> [ "Hgb | 9.1 |  | L"[a:b] for a, b in cells("Hgb | 9.1 |  | L", 0, 16) ]
    ['Hgb', '9.1', '', 'L']
    """
    line = text[start:end]
    mark = "|" if line.count("|") >= 1 else "\t" if "\t" in line.strip() else None
    if mark is None:
        return [Cell(start + m.start(), start + m.end()) for m in _SPACED.finditer(line)]
    found = []
    at = start
    for piece in line.split(mark):
        left = len(piece) - len(piece.lstrip())
        found.append(Cell(at + left, at + max(left, len(piece.rstrip()))))
        at += len(piece) + 1
    if mark == "|" and len(found) > 2:
        if found[0].start >= found[0].end:
            found = found[1:]
        if found[-1].start >= found[-1].end:
            found = found[:-1]
    return found


def is_delimited(text: str, start: int, end: int) -> bool:
    return "|" in text[start:end] or "\t" in text[start:end].strip()


def is_rule(text: str, start: int, end: int) -> bool:
    """A line of dashes between header and rows, or an empty line."""
    return _RULE_LINE.fullmatch(text, start, end) is not None


def lines_above(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Lines above ``start``, nearest first, up to an empty line."""
    for _ in range(MAX_LINES):
        if start <= 0:
            return
        above, end = line_at(text, start - 1)
        if not text[above:end].strip():
            return
        yield above, end
        start = above


def lines_below(text: str, end: int) -> Iterator[tuple[int, int]]:
    for _ in range(MAX_LINES):
        if end >= len(text):
            return
        start, stop = line_at(text, end + 1)
        if not text[start:stop].strip():
            return
        yield start, stop
        end = stop


class DatedColumns(NamedTuple):
    """A header line with one date for each column of values."""

    line: tuple[int, int]
    delimited: bool
    columns: list[tuple[Cell, Interval]]
    indexes: list[int]  # cell index of each dated column
    width: int  # number of cells of the header


def dated_header(note: NoteText, start: int) -> DatedColumns | None:
    """The header with two or more dates above the row that begins at ``start``."""
    text = note.text
    for above, end in lines_above(text, start):
        if is_rule(text, above, end) or sum(c.isdigit() for c in text[above:end]) < 4:
            continue
        found = note.dates_between(above, end)
        if len(found) < 2:
            continue
        parts = cells(text, above, end)
        columns, indexes = [], []
        for span in found:
            for index, cell in enumerate(parts):
                if (
                    cell.start <= span.start
                    and span.end <= cell.end
                    and cell.end - cell.start <= span.end - span.start + 12
                ):
                    columns.append((Cell(span.start, span.end), (span.earliest, span.latest, span.precision)))
                    indexes.append(index)
                    break
        if len(columns) == len(found) and len(set(indexes)) == len(indexes):
            return DatedColumns((above, end), is_delimited(text, above, end), columns, indexes, len(parts))
    return None


def bind(text: str, header: DatedColumns, row: list[Cell], delimited: bool) -> list[tuple[Cell, Interval]]:
    """The cells of a row that stand under a date, each with the date. Rows that do not fit give nothing."""
    if delimited and header.delimited:
        offset = len(row) - header.width
        # a header without a cell above the names is one shorter than its rows
        if offset not in (0, 1) or (offset == 1 and header.indexes[0] != 0):
            offset = 0
        pairs = []
        for index, (_, interval) in zip(header.indexes, header.columns, strict=True):
            at = index + offset
            if at < len(row) and row[at].end > row[at].start:
                pairs.append((row[at], interval))
        return pairs
    values = [
        c
        for c in row[1:]
        if re.match(r"[<>≤≥~]?\s?\d", text[c.start : c.end])
        and not re.match(r"[\d.]+\s?[-–]\s?\d", text[c.start : c.end])
    ]
    if len(values) == len(header.columns):
        return [(cell, interval) for cell, (_, interval) in zip(values, header.columns, strict=True)]
    # aligned by position: the column that begins nearest
    row_start, _ = line_at(text, row[0].start)
    pairs, used = [], set()
    for cell in values:
        middle = (cell.start + cell.end) / 2 - row_start
        best = min(
            range(len(header.columns)),
            key=lambda i: abs((header.columns[i][0].start + header.columns[i][0].end) / 2 - header.line[0] - middle),
        )
        place = header.columns[best][0]
        if best not in used and abs((place.start + place.end) / 2 - header.line[0] - middle) <= 8:
            used.add(best)
            pairs.append((cell, header.columns[best][1]))
    return pairs


def hl7_fields(text: str, start: int, end: int) -> list[Cell] | None:
    """Fields of an OBX segment: OBX-3 (the observation) is number 3, its value number 5, the unit 6, the range 7."""
    if not text.startswith("OBX|", start):
        return None
    fields, at = [], start
    for piece in text[start:end].split("|"):
        fields.append(Cell(at, at + len(piece)))
        at += len(piece) + 1
    return fields


def hl7_date(text: str, fields: list[Cell]) -> Interval | None:
    """Date of the observation (OBX-14)."""
    if len(fields) <= 14:
        return None
    match = _HL7_TIME.match(text, fields[14].start, fields[14].end)
    if match is None:
        return None
    try:
        day = datetime.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return day, day, "day"
