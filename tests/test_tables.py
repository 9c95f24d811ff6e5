"""Cells, headers of dates, binding of columns, HL7 fields."""

from __future__ import annotations

import datetime

import pytest

from extractor.pipeline import tables
from extractor.pipeline.text import NoteText


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Hgb | 9.1 |  | L", ["Hgb", "9.1", "", "L"]),
        ("| Hgb | 9.1 |", ["Hgb", "9.1"]),
        ("Hgb\t9.1\t\tL", ["Hgb", "9.1", "", "L"]),
        ("Hgb (g/dL)   9.1   12.0 - 16.0", ["Hgb (g/dL)", "9.1", "12.0 - 16.0"]),
        ("one cell", ["one cell"]),
    ],
)
def test_cells(line, expected):
    assert [line[a:b] for a, b in tables.cells(line, 0, len(line))] == expected


def test_header_of_dates_above_a_row():
    text = "Test   10/03/2025   09/12/2025\nHgb    9.2          9.9"
    header = tables.dated_header(NoteText(text), text.index("Hgb"))
    assert [interval[0].isoformat() for _, interval in header.columns] == ["2025-10-03", "2025-09-12"]


def test_one_date_is_no_header():
    text = "Labs 10/03/2025\nHgb    9.2          9.9"
    assert tables.dated_header(NoteText(text), text.index("Hgb")) is None


def test_an_empty_line_ends_the_table():
    text = "Test   10/03/2025   09/12/2025\n\nHgb    9.2          9.9"
    assert tables.dated_header(NoteText(text), text.index("Hgb")) is None


def test_a_gap_in_an_aligned_row_is_bound_by_position():
    text = "Test   10/03/2025   09/12/2025\nHgb                 9.9"
    start = text.index("Hgb")
    header = tables.dated_header(NoteText(text), start)
    pairs = tables.bind(text, header, tables.cells(text, start, len(text)), False)
    assert [(text[c.start : c.end], d[0].isoformat()) for c, d in pairs] == [("9.9", "2025-09-12")]


def test_hl7_fields_and_date():
    segment = "OBX|1|NM|777-3^Platelets^LN||98|10*3/uL|150-400|L|||F|||20251003"
    fields = tables.hl7_fields(segment, 0, len(segment))
    assert segment[fields[5].start : fields[5].end] == "98"
    day = datetime.date(2025, 10, 3)
    assert tables.hl7_date(segment, fields) == (day, day, "day")
    assert tables.hl7_fields("Hgb|9.1", 0, 7) is None


def test_an_impossible_hl7_date_is_none():
    segment = "OBX|1|NM|x||98|u|r|L|||F|||20251399"
    assert tables.hl7_date(segment, tables.hl7_fields(segment, 0, len(segment))) is None
