"""Target lesions of a RECIST form: rows below a heading, one number a study, the unit said once or not at all (mm).

A node among the target lesions is measured by its short axis, as RECIST 1.1 has it. Rows that carry their own unit are
read by ``lesions``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..pipeline import tables
from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft
from . import sites

_HEADING = re.compile(r"(?<!non-)(?<!non )(?<!non)\btarget lesions?\b[^.]{0,60}$|\brecist\b[^.\n]{0,40}\btarget\b")
_STOP = re.compile(r"\bnon-?\s?target|\bnew lesion|\bsum\b|\bsld\b|\boverall\b|\bresponse\b|\bimpression\b")
_NUMBER = re.compile(r"\d{1,3}(?:[.,]\d)?(?:\s?mm)?")
_NODE = re.compile(r"\b(?:nodes?|lns?|nodal|lymph\w*|adenopath\w+|ganglions?|station|sa\b|short)\b|\b\d{1,2}[rl]\b")
_NOW = re.compile(r"\b(?:now|current|today|present|this (?:study|scan|exam)|actuel|aktuell)\b")
_STUDY = re.compile(r"\b(?:base(?:line)?|bl|nadir|prior|prev(?:ious)?|screening|c\d+|cycle \d+|fu ?\d+|wk ?\d+|week \d+)\b")
_IN_FIELD = re.compile(r"\birradiated|\bin (?:rt|radiation) field|\bpost[\s-]?rt\b|\bsbrt\b")
_CENTIMETRES = re.compile(r"\bcm\b")
MOST = 12


def drafts(note: NoteText) -> Iterator[Draft]:
    folded = note.folded
    if "target" not in folded:
        return
    at = 0
    while True:
        at = folded.find("target", at)
        if at < 0:
            return
        start, end = note.line(at)
        if _HEADING.search(folded[start:end]) and _CENTIMETRES.search(folded, start, end) is None:
            yield from _block(note, start, end)
        at = max(end, at + 1)


def _block(note: NoteText, begin: int, end: int) -> Iterator[Draft]:
    """The rows below the heading; a line of dates or of words for studies heads the numbers."""
    text = note.text
    columns = _columns(note, tables.cells(text, begin, end)[1:])
    for number, (start, stop) in enumerate(tables.lines_below(text, end)):
        line = note.folded[start:stop]
        if number >= MOST or _STOP.search(line):
            return
        cells = tables.cells(text, start, stop)
        if columns is None and (found := _columns(note, cells)) is not None:
            columns = found
            continue
        values = [c for c in cells[1:] if _NUMBER.fullmatch(text[c.start : c.end].strip())]
        organs = sites.hits(note, start, stop)
        if not values or not (organs or _NODE.search(line)):
            continue
        if columns is not None and len(values) == columns[0]:
            chosen, date = values[columns[1]], columns[2]
        elif len(values) == 1:
            chosen, date = values[0], None
        else:
            continue
        yield _draft(note, start, chosen, line, organs[0].key if organs else "lymph_node", date)


def _columns(note: NoteText, cells: list[tables.Cell]) -> tuple[int, int, tables.Interval | None] | None:
    """How many studies a header names, which of them is the present one, and its date."""
    named: list[tuple[str, tables.Interval | None]] = []
    for cell in cells:
        piece = note.folded[cell.start : cell.end]
        spans = note.dates_between(cell.start, cell.end)
        if _NOW.search(piece):
            named.append(("now", None))
        elif len(spans) == 1:
            named.append(("date", (spans[0].earliest, spans[0].latest, spans[0].precision)))
        elif _STUDY.search(piece):
            named.append(("study", None))
    if not named:
        return None
    kinds = [kind for kind, _ in named]
    dated = [(interval, index) for index, (_, interval) in enumerate(named) if interval is not None]
    if "now" in kinds or not dated:
        return len(named), kinds.index("now") if "now" in kinds else len(named) - 1, None
    interval, index = max(dated)
    return len(named), index, interval


def _draft(
    note: NoteText, start: int, cell: tables.Cell, line: str, site: str, date: tables.Interval | None
) -> Draft:
    value = float(re.sub(r"\s?mm$", "", note.folded[cell.start : cell.end].strip()).replace(",", "."))
    node = site == "lymph_node" or _NODE.search(line) is not None
    attributes: dict[str, str | float] = {"node": "yes" if node else "no", "site": site}
    if node:
        attributes |= {"axis": "short", "short_axis_mm": value}
    if site == "bone":
        attributes["bone"] = "yes"
    if _IN_FIELD.search(line):
        attributes["irradiated"] = "yes"
    return Draft(
        SUPPORT, "lesion", start, cell.end, "pathology/lesions:target", anchor=(start, cell.end), assertion="present",
        value=value, unit="mm", value_as_written=note.text[cell.start : cell.end], attributes=attributes, date=date,
    )  # fmt: skip
