"""Laboratory tables: cumulative tables with dates, rows of values under a row of names, HL7 segments."""

from __future__ import annotations

import re
from dataclasses import replace

from ..pipeline import tables, values
from ..pipeline.names import Name
from ..pipeline.text import NoteText
from ..records import Draft
from .lab_drafts import draft_of, settled_of


def from_table(note: NoteText, name: Name, names: list[Name], comma: bool, table_rows: set[int]) -> list[Draft] | None:
    """Drafts of a name in a table; None where the line is no table."""
    text = note.text
    start, end = note.line(name.start)
    fields = tables.hl7_fields(text, start, end)
    if fields is not None:
        return _hl7(note, name, fields, comma)
    if start in table_rows:
        return []
    exported = _EXPORTED.match(text, start, end)
    if exported is not None and name.end <= exported.end("name"):
        return _export(note, name, exported, comma)
    mine = [n for n in names if start <= n.start < end]
    digits = re.search(r"\d", text[name.end : end])
    if len(mine) == 1 and digits and name.start - start < 30:
        return _cumulative(note, name, start, end, comma)
    if len(mine) >= 3 and mine[0] is name and not _numbers_between(text, mine, end):
        found = _transposed(note, mine, start, end, comma)
        if found:
            table_rows.add(start)
            return found
    return None


#: a row of an export: name, result, flag, unit, range; the cells apart by semicolons, or by commas without a space
_EXPORTED = re.compile(
    r"[ \t\"]*(?P<name>[^;,\n]{2,40}?)\"?(?P<sep>[;,])\"?(?P<value>[<>]?\d(?:[\d.]|,(?=\d+\"?;))*)\"?(?P=sep)"
    r"(?P<rest>(?! )[^;,\n]*(?P=sep)[^\n]*)"
)
_FLAG, _RANGE = re.compile(r"[HL*]{1,2}"), re.compile(r"[\[(]?\s*(?:(\d[\d.,]*)\s?[-–]\s?|[<≤]\s?)(\d[\d.,]*)\s*[\])]?")


def _export(note: NoteText, name: Name, row: re.Match[str], comma: bool) -> list[Draft] | None:
    """The value in the second cell; unit, flag and range in whatever cells follow."""
    text = note.text
    letters = name.hit.get("letters", {})
    reading = values.read_number(text, row.start("value"), row.end("value"), letters=letters, folded=note.folded, trend=False)
    if reading is None:
        return None
    if name.silent:
        return []
    for piece in (cell.strip(' \t"') for cell in row["rest"].split(row["sep"])):
        span = _RANGE.fullmatch(piece)
        unit = letters.get(piece) or (values.parse_unit(piece) if len(piece) > 1 or piece == "%" else None)
        if span is not None and reading.ref_high is None:
            low, high = (float(part.replace(",", ".")) if part else None for part in span.groups())
            reading = replace(reading, ref_low=low, ref_high=high)
        elif unit is not None and reading.unit is None:
            reading = replace(reading, unit_raw=piece, unit=unit)
        elif _FLAG.fullmatch(piece):
            reading = replace(reading, flag=piece)
    settled = settled_of(name.hit, reading, comma, text)
    if settled is None or settled.value is None:
        return None
    return [draft_of(name, reading, settled, name.start, row.end("value"))]


def _numbers_between(text: str, names: list[Name], end: int) -> bool:
    stops = [n.start for n in names[1:]] + [end]
    return any(
        re.search(r"(?<![\w^])\d+(?:\.\d+)?(?![\w^/*])", text[n.end : stop])
        for n, stop in zip(names, stops, strict=True)
    )


def _cumulative(note: NoteText, name: Name, start: int, end: int, comma: bool) -> list[Draft] | None:
    """A row of values under a header of dates."""
    text = note.text
    row = tables.cells(text, start, end)
    if len(row) < 3:
        return None
    header = tables.dated_header(note, start)
    if header is None:
        return None
    bound = tables.bind(text, header, row, tables.is_delimited(text, start, end))
    bound = [(cell, interval) for cell, interval in bound if cell.start >= name.end]  # a value stands behind its name
    if not bound:
        return None
    if name.silent:
        return []
    unit = _row_unit(text, row, {c for c, _ in bound}, name.hit.get("letters", {}))
    drafts = []
    for cell, interval in bound:
        reading = values.read_number(
            text, cell.start, cell.end, letters=name.hit.get("letters", {}), folded=note.folded, trend=False
        )
        if reading is None:
            continue
        if reading.unit is None and unit is not None:
            reading = replace(reading, unit_raw=unit[0], unit=unit[1])
        settled = settled_of(name.hit, reading, comma, text)
        if settled is not None and settled.value is not None:
            drafts.append(draft_of(name, reading, settled, name.start, reading.end, date=interval))
    return drafts


def _row_unit(
    text: str, row: list[tables.Cell], taken: set[tables.Cell], letters: dict[str, str]
) -> tuple[str, str | None] | None:
    for cell in row:
        if cell in taken or not text[cell.start : cell.end]:
            continue
        # in the name's own cell the unit stands in brackets: "Hgb (g/dL)"
        bracket = re.search(r"[(\[]([^()\[\]]{1,16})[)\]]\s*$", text[cell.start : cell.end])
        piece = (bracket[1] if bracket else text[cell.start : cell.end]).strip()
        found = letters.get(piece) or (values.parse_unit(piece) if len(piece) > 1 or piece == "%" else None)
        if found is not None:
            return piece, found
    return None


def _transposed(note: NoteText, names: list[Name], start: int, end: int, comma: bool) -> list[Draft]:
    """Rows of values under a row of names, each row with its date."""
    text = note.text
    head = tables.cells(text, start, end)
    delimited = tables.is_delimited(text, start, end)
    drafts: list[Draft] = []
    for line_start, line_end in tables.lines_below(text, end):
        if tables.is_rule(text, line_start, line_end):
            continue
        row = tables.cells(text, line_start, line_end)
        spans = note.dates_between(line_start, line_end)
        date = (spans[0].earliest, spans[0].latest, spans[0].precision) if len(spans) == 1 else None
        dated = spans[0] if len(spans) == 1 else None
        pairs: list[tuple[Name, tables.Cell]] = []
        if delimited and len(row) == len(head):
            for cell, value in zip(head, row, strict=True):
                name = next((n for n in names if cell.start <= n.start < cell.end), None)
                if name is not None and value.end > value.start:
                    pairs.append((name, value))
        elif not delimited:
            plain = [
                tables.Cell(line_start + m.start(), line_start + m.end())
                for m in re.finditer(r"[<>]?\d[\d.,]*\S*", text[line_start:line_end])
                if dated is None or not dated.start <= line_start + m.start() < dated.end
            ]
            if len(plain) == len(names):
                pairs = list(zip(names, plain, strict=True))
        if not pairs:
            break
        found = 0
        for name, cell in pairs:
            reading = values.read_number(
                text, cell.start, cell.end, letters=name.hit.get("letters", {}), folded=note.folded, trend=False
            )
            if reading is None:
                continue
            found += 1
            settled = None if name.silent else settled_of(name.hit, reading, comma, text)
            if settled is not None and settled.value is not None:
                begin = name.start if reading.end - name.start <= 400 else reading.start
                drafts.append(
                    draft_of(name, reading, settled, begin, reading.end, date=date, anchor=(reading.start, reading.end))
                )
        if not found:
            break
    return drafts


def _hl7(note: NoteText, name: Name, fields: list[tables.Cell], comma: bool) -> list[Draft]:
    """An OBX segment: observation, value, unit, range and date in their own fields."""
    text = note.text
    if len(fields) < 6 or not fields[3].start <= name.start < fields[3].end or name.silent:
        return []
    reading = values.read_number(text, fields[5].start, fields[5].end, folded=note.folded, trend=False)
    if reading is None:
        return []
    end = reading.end
    if len(fields) > 6:
        raw = text[fields[6].start : fields[6].end].split("^")[0].strip()
        found = name.hit.get("letters", {}).get(raw) or (values.parse_unit(raw) if raw else None)
        if found is not None:
            reading, end = replace(reading, unit_raw=raw, unit=found), fields[6].start + len(raw)
    if len(fields) > 7:
        span = re.fullmatch(r"\s*([\d.]+)\s*-\s*([\d.]+)\s*", text[fields[7].start : fields[7].end])
        if span is not None:
            reading = replace(reading, ref_low=float(span[1]), ref_high=float(span[2]))
    settled = settled_of(name.hit, reading, comma, text)
    if settled is None or settled.value is None:
        return []
    return [draft_of(name, reading, settled, name.start, end, date=tables.hl7_date(text, fields))]
