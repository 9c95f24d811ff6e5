"""Laboratory values: prose, one-liners, lists with "respectively", tables, HL7 segments, English and French.

Names, codes, plausible ranges and what a bare number means are data (``patterns/labs``). A value in another specimen
(urine, CSF, effusion), a goal or a threshold is no result; a share of cells is no count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..patterns import Patterns
from ..pipeline import quantity, tables, values
from ..pipeline.dating import trend_dates
from ..pipeline.lexicon import Hit, fold
from ..pipeline.names import Name, merge, run_from
from ..pipeline.quantity import Quantity, settle
from ..pipeline.text import NoteText, Sentence
from ..pipeline.values import Reading
from ..records import Draft
from . import lab_context
from .lab_context import allowed

FAMILY = "lab"
KEYS = quantity.KEYS | {"pair", "silent", "marker", "viral", "not_before", "within", "without"}

_AFTER_RUN = re.compile(r"\s*[)\]]?\s*(?:levels?|values?|counts?)?")
_COUNTED = re.compile(r"\d\s?%?\s+$")
_TO_LIST = re.compile(r"\s*(?:to|->|-->|→)\s*")


def setup(patterns: Patterns) -> None:
    lab_context.setup(patterns.tables[FAMILY]["context"])


def read(note: NoteText) -> Iterable[Draft]:
    comma = quantity.decimal_comma(note.text)
    table_rows: set[int] = set()
    seen: set[tuple[int, int, str]] = set()
    for sentence, hits in note.sentences_with(FAMILY):
        names = merge(note.folded, hits)
        for draft in _sentence(note, sentence, names, comma, table_rows):
            key = (draft.start, draft.end, draft.concept)
            if key not in seen or draft.date is not None:
                seen.add(key)
                yield draft


def _sentence(
    note: NoteText, sentence: Sentence, names: list[Name], comma: bool, table_rows: set[int]
) -> Iterator[Draft]:
    folded = note.folded
    index, floor = 0, sentence.start
    while index < len(names):
        name = names[index]
        tabled = _from_table(note, name, names, comma, table_rows)
        if tabled is not None:
            yield from tabled
            index += 1
            continue
        run = run_from(folded, names, index)
        if len(run) > 1:
            found = _list(note, sentence, run, names, index, comma)
            if found is not None:
                drafts, floor = found
                yield from drafts
                index += len(run)
                continue
        limit = names[index + 1].start if index + 1 < len(names) else sentence.end
        single = _single(note, sentence, name, limit, floor, comma)
        if single is not None:
            drafts, floor = single
            yield from drafts
        index += 1


# -- one name, one value -------------------------------------------------------------------------------------------
def _single(
    note: NoteText, sentence: Sentence, name: Name, limit: int, floor: int, comma: bool
) -> tuple[list[Draft], int] | None:
    text, folded, hit = note.text, note.folded, name.hit
    if hit.get("pair"):
        found = values.read_list(text, name.end, limit, 2, folded=folded)
        return (
            (_pair(note, name, found, comma), found[-1].tail)
            if found
            else _value(note, sentence, name, limit, floor, comma)
        )
    if hit.get("viral"):
        stated = _viral(note, sentence, name, limit)
        if stated is not None:
            return stated, stated[0].end if stated else limit
    return _value(note, sentence, name, limit, floor, comma)


def _value(
    note: NoteText, sentence: Sentence, name: Name, limit: int, floor: int, comma: bool
) -> tuple[list[Draft], int] | None:
    text, folded, hit = note.text, note.folded, name.hit
    letters = hit.get("letters", {})
    reading = None
    # "555 neutrophils, 440 lymphocytes": the numbers stand before their names
    before = _COUNTED.search(folded, max(floor, name.start - 12), name.start)
    if before is None or not re.match(r"\s*(?:,|and\b|\))", folded[name.end : name.end + 8]):
        reading = values.read_number(text, name.end, limit, letters=letters, folded=folded)
    if reading is None:
        below = _below(note, name, sentence)
        reading = values.read_number(text, below[0], below[1], letters=letters, folded=folded) if below else None
        if reading is not None and reading.unit is None:
            unit = values.read_unit(text, re.compile(r"\s*").match(text, reading.end).end(), below[1], letters)
            if unit is not None:
                reading = replace(reading, end=unit[0], unit_raw=unit[1], unit=unit[2])
    if reading is None:
        reading = values.read_before(text, name.start, floor, letters=letters, folded=folded)
        if reading is None or reading.unit is None or reading.unit == "%":
            return None
        found = _settle(hit, reading, comma, text)
        if found is None or found.value is None:
            return None
        start, end = reading.start, name.end
    else:
        start, end = name.start, reading.end
    if name.silent:
        return [], reading.tail
    if not allowed(note, sentence, name, reading):
        return [], reading.tail
    drafts = []
    readings = sorted((reading, *reading.history), key=lambda r: r.start)
    dates = trend_dates(note, sentence, [(r.start, r.end) for r in readings])
    for one, date in zip(readings, dates, strict=True):
        settled = _settle(hit, one, comma, text)
        if settled is None:
            continue
        if settled.value is None and (
            "/" not in (one.unit or "") or one is not reading or len(hit.name) < 4 or hit.get("marker")
        ):
            continue
        draft = _draft(name, one, settled, min(start, one.start), max(one.end, end if one is reading else 0), date=date)
        drafts.append(draft if one is reading or date else replace(draft, temporality="historical"))
    return drafts, reading.tail


def _settle(hit: Hit, reading: Reading, comma: bool, text: str) -> Quantity | None:
    if text[reading.end : reading.end + 1] == "+" and not reading.unit:
        return None
    data = hit.concept.data
    if reading.unit is None and "bare_si" in data:
        data = {**data, "bare": _bare_of_note(data, text)}
    return settle(reading, concept=hit.key, unit=hit.concept.unit or "1", data=data, comma=comma)


def _draft(
    name: Name,
    reading: Reading,
    settled: Quantity,
    start: int,
    end: int,
    *,
    date: tables.Interval | None = None,
    anchor: tuple[int, int] | None = None,
) -> Draft:
    return Draft(
        family=FAMILY,
        concept=name.hit.key,
        start=start,
        end=end,
        rule_id=name.hit.concept.rule_id,
        anchor=anchor or (name.start, name.end),
        code=name.hit.concept.code,
        value=settled.value,
        value_high=settled.value_high,
        comparator=reading.comparator if settled.value is not None else None,
        unit=settled.unit,
        value_as_written=reading.as_written,
        unit_as_written=reading.unit_raw,
        ref_low=settled.ref_low,
        ref_high=settled.ref_high,
        assertion="present",
        date=date,
        attributes=settled.attributes,
    )


def _below(note: NoteText, name: Name, sentence: Sentence) -> tuple[int, int] | None:
    """A vertical list: the name alone on its line, its value on the next."""
    text = note.text
    start, end = note.line(name.start)
    if text[start : name.start].strip(" \t*•-|") or text[name.end : end].strip(" \t:|*.-") or end >= len(text):
        return None
    below, stop = note.line(end + 1)
    line = text[below:stop].strip()
    if not re.match(r"[<>≤≥]?\s?\d[\d.,]*(?:\s|$|[HL*]\b|\()", line) or len(line) > 40:
        return None
    # unit and range may follow on lines of their own
    for _ in range(2):
        following, last = note.line(stop + 1) if stop < len(text) else (stop, stop)
        if not re.fullmatch(
            r"\s*(?:[x\d^*]*[A-Za-zµ%]{1,6}/[A-Za-zµ\d.]{1,6}|%|[\d.]+\s?-\s?[\d.]+|[HL])\s*",
            text[following:last] or "x",
        ):
            break
        stop = last
    return below, stop


# -- several names, several values ---------------------------------------------------------------------------------
def _list(
    note: NoteText, sentence: Sentence, run: list[Name], names: list[Name], index: int, comma: bool
) -> tuple[list[Draft], int] | None:
    """Values of a run of names, in their order; None where the numbers do not fit the names."""
    text, folded = note.text, note.folded
    after = index + len(run)
    limit = names[after].start if after < len(names) else sentence.end
    begin = _AFTER_RUN.match(folded, run[-1].end, limit).end()
    letters = {k: v for n in run for k, v in n.hit.get("letters", {}).items()}
    rows: list[list[Reading]] = []
    at = begin
    while len(rows) < 3:
        found = values.read_list(text, at, limit, len(run), letters=letters, folded=folded)
        if not found:
            break
        rows.append(found)
        step = _TO_LIST.match(folded, found[-1].tail, limit)
        if step is None:
            break
        at = step.end()
    if not rows:
        return _one_of(note, sentence, run, limit, comma)
    drafts = []
    for found in rows:
        unit = next(((r.unit_raw, r.unit) for r in found if r.unit), None)
        shared = unit if len({n.hit.concept.unit for n in run}) == 1 else None
        for name, reading in zip(run, found, strict=True):
            if name.silent or not allowed(note, sentence, name, reading):
                continue
            if reading.unit is None and shared is not None:
                reading = replace(reading, unit_raw=shared[0], unit=shared[1])
            settled = _settle(name.hit, reading, comma, text)
            if settled is not None and settled.value is not None:
                drafts.append(_draft(name, reading, settled, name.start, reading.end))
    return drafts, rows[-1][-1].tail


def _one_of(
    note: NoteText, sentence: Sentence, run: list[Name], limit: int, comma: bool
) -> tuple[list[Draft], int] | None:
    """One number behind several names: after a comma or "and" the last one's; after a slash it must fit one only."""
    between = note.folded[run[-2].end : run[-1].start]
    if "/" not in between:
        return None
    reading = values.read_number(
        note.text, run[-1].end, limit, letters=run[-1].hit.get("letters", {}), folded=note.folded
    )
    if reading is None:
        return [], run[-1].end
    fits = [
        (name, settled)
        for name in run
        if not name.silent
        and (settled := _settle(name.hit, reading, comma, note.text)) is not None
        and settled.value is not None
    ]
    if len(fits) != 1 or not allowed(note, sentence, fits[0][0], reading):
        return [], reading.tail
    name, settled = fits[0]
    return [_draft(name, reading, settled, name.start, reading.end)], reading.tail


def _pair(note: NoteText, name: Name, found: list[Reading], comma: bool) -> list[Draft]:
    """Haemoglobin and haematocrit under one name: the smaller number is the haemoglobin."""
    smaller = min(found, key=lambda r: r.value)
    settled = _settle(name.hit, smaller, comma, note.text)
    if settled is None or settled.value is None or found[0].value == found[1].value:
        return []
    return [_draft(name, smaller, settled, name.start, smaller.end)]


# -- viral loads ---------------------------------------------------------------------------------------------------
def _viral(note: NoteText, sentence: Sentence, name: Name, limit: int) -> list[Draft] | None:
    """A viral load stated in words; None where a number has to be read."""
    folded, c = note.folded, lab_context.words()
    for key, wanted in (("within", True), ("without", False)):
        listed = name.hit.get(key)
        # the virus may be named in the sentence before
        begin = max(0, sentence.start - 200) if wanted else sentence.start
        if listed and bool(values.pattern_of(tuple(listed)).search(folded, begin, sentence.end)) is not wanted:
            return []
    at, _, _, _ = values.connect(note.text, name.end, limit, folded=folded)
    negative = c.undetectable.match(folded, at, limit)
    word, stated = negative, "undetectable"
    if negative is None:
        word, stated = c.detectable.match(folded, at, limit), "detectable"
    start = name.start
    if word is None:
        ahead = re.search(
            rf"({c.undetectable.pattern})\s+(?:serum\s+|plasma\s+)?$",
            folded[max(sentence.start, name.start - 40) : name.start],
        )
        if ahead is None:
            return None
        start = max(sentence.start, name.start - 40) + ahead.start(1)
        word, stated = ahead, "undetectable"
        end = name.end
    else:
        end = word.end()
    if stated == "detectable":
        following = values.read_number(note.text, end, min(limit, end + 40), folded=folded)
        if following is not None:
            settled = _settle(name.hit, following, False, note.text)
            if settled is None or settled.value is None:
                return None
            return [_draft(name, following, settled, name.start, following.end)]
    return [
        Draft(
            family=FAMILY,
            concept=name.hit.key,
            start=start,
            end=end,
            rule_id=name.hit.concept.rule_id,
            anchor=(name.start, name.end),
            code=name.hit.concept.code,
            value_text=stated,
            assertion="present",
        )
    ]


# -- tables --------------------------------------------------------------------------------------------------------
def _from_table(note: NoteText, name: Name, names: list[Name], comma: bool, table_rows: set[int]) -> list[Draft] | None:
    """Drafts of a name in a table; None where the line is no table."""
    text = note.text
    start, end = note.line(name.start)
    fields = tables.hl7_fields(text, start, end)
    if fields is not None:
        return _hl7(note, name, fields, comma)
    if start in table_rows:
        return []
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
        settled = _settle(name.hit, reading, comma, text)
        if settled is not None and settled.value is not None:
            drafts.append(_draft(name, reading, settled, name.start, reading.end, date=interval))
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
            settled = None if name.silent else _settle(name.hit, reading, comma, text)
            if settled is not None and settled.value is not None:
                begin = name.start if reading.end - name.start <= 400 else reading.start
                drafts.append(
                    _draft(name, reading, settled, begin, reading.end, date=date, anchor=(reading.start, reading.end))
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
    settled = _settle(name.hit, reading, comma, text)
    if settled is None or settled.value is None:
        return []
    return [_draft(name, reading, settled, name.start, end, date=tables.hl7_date(text, fields))]


#: what shows that a note prints SI units (Hb 104, creatinine 71, umol/L), or conventional ones (mg/dL, Hgb 10.4)
_SI = re.compile(r"\b(?:hb|hgb|haemoglobin|hemoglobin)\W{0,3}(?:[6-9]\d|1\d\d)\b(?!\.)|\bcreat\w*\W{0,3}(?:[4-9]\d|[1-4]\d\d)\b|[uµ]mol")
_CONVENTIONAL = re.compile(r"mg\s?/\s?dl|\b(?:hb|hgb|hemoglobin)\W{0,3}(?:\d|1\d)\.\d\b|\bcr(?:eat\w*)?\W{0,3}[0-4]\.\d")


@lru_cache(maxsize=4)
def _units_of(text: str) -> str:
    """"si", "conventional" or "" by the units that a note prints."""
    folded = fold(text)
    if _CONVENTIONAL.search(folded):
        return "conventional"
    return "si" if _SI.search(folded) else ""


def _bare_of_note(data: Mapping[str, Any], text: str) -> list[Any]:
    """What a bare number means in this note: "bili 12" is umol/L beside "Hb 104", and nothing where nothing tells."""
    kind = _units_of(text)
    if kind:
        return list(data["bare" if kind == "conventional" else "bare_si"])
    lowest = data["bare_si"][0][0]
    return [[low, min(high, lowest), unit] for low, high, unit in data["bare"]]
