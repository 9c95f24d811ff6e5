"""Numbers beside a name: separators, comparators, ranges, units, reference ranges, trends."""

from __future__ import annotations

import pytest

from extractor.pipeline.values import number, read_before, read_list, read_number


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("98,000", (98000.0, 98.0)),
        ("9,1", (9.1, None)),
        ("9,12", (9.12, None)),
        ("0,850", (0.85, None)),
        ("250 000", (250000.0, None)),
        ("1'200", (1200.0, None)),
        ("1,234,567", (1234567.0, None)),
        ("1,234.5", (1234.5, None)),
        ("12.500", (12.5, 12500.0)),
        (".9", (0.9, None)),
        ("7·4", (7.4, None)),
    ],
)
def test_separators(written, expected):
    assert number(written) == expected


READINGS = [
    ("Platelets", " 142 K/uL (150-400)", (142.0, None, "=", "10*3/uL", 150.0, 400.0)),
    ("Cr", " 0.9 (0.6-1.2)", (0.9, None, "=", None, 0.6, 1.2)),
    ("bili", " 0.8 (<1.2)", (0.8, None, "=", None, None, 1.2)),
    ("ALT", " 45 U/L [10-40]", (45.0, None, "=", "U/L", 10.0, 40.0)),
    ("ALT", " 45 (N<35)", (45.0, None, "=", None, None, 35.0)),
    ("ALT", " 45, ULN 40", (45.0, None, "=", None, None, 40.0)),
    ("Sodium", " [135-145] 138", (138.0, None, "=", None, 135.0, 145.0)),
    ("Hgb", " | 9.1 | g/dL | 12.0-16.0 | L", (9.1, None, "=", "g/dL", 12.0, 16.0)),
    ("AST", " 2.4 x ULN", (2.4, None, "=", "{ULN}", None, None)),
    ("ALT", " was 3 times the upper limit of normal", (3.0, None, "=", "{ULN}", None, None)),
    ("Ki-67", " >90%", (90.0, None, ">", "%", None, None)),
    ("Ki-67", " 80-90 %", (80.0, 90.0, "=", "%", None, None)),
    ("Ki-67", " index of approximately 20 %", (20.0, None, "~", "%", None, None)),
    ("Ki-67", " was at least 20%", (20.0, None, ">=", "%", None, None)),
    ("Ki-67", " less than 2 %", (2.0, None, "<", "%", None, None)),
    ("Ki-67", " 90% or more", (90.0, None, ">=", "%", None, None)),
    ("glucose", " between 50 and 60 mg/dL", (50.0, 60.0, "=", "mg/dL", None, None)),
    ("HBV DNA", " 2.3 x 10^6 IU/mL", (2300000.0, None, "=", "[IU]/mL", None, None)),
    ("platelets", " 150 x 109/L", (150.0, None, "=", "10*9/L", None, None)),
    ("plt", " 1.5 lakh", (150000.0, None, "=", None, None, None)),
    ("Hgb", " on 10/03/2025 was 9.2", (9.2, None, "=", None, None, None)),
    ("Na", "+ 134 mmol/L", (134.0, None, "=", "mmol/L", None, None)),
    ("platelets", " (x10^3/uL) 97", (97.0, None, "=", "10*3/uL", None, None)),
    ("Platelets", "  Value: 98  Units: K/uL", (98.0, None, "=", "10*3/uL", None, None)),
    ("HBV DNA", " 3.4E+03 IU/mL", (3400.0, None, "=", "[IU]/mL", None, None)),
    ("LVEF", " by echo 58 %", (58.0, None, "=", "%", None, None)),
    ("ANC", " .8", (0.8, None, "=", None, None, None)),
    ("Weight", " (kg): 58.2", (58.2, None, "=", "kg", None, None)),
]


@pytest.mark.parametrize(("name", "rest", "expected"), READINGS, ids=[n + r for n, r, _ in READINGS])
def test_the_value_behind_a_name(name, rest, expected):
    text = name + rest
    r = read_number(text, len(name), len(text))
    assert (r.value, r.value_high, r.comparator, r.unit, r.ref_low, r.ref_high) == expected


NOTHING = [
    ("Hgb", " 10/03/2025"),
    ("hemoglobin", " goal of 7"),
    ("platelets", " transfuse if < 10"),
    ("hemoglobin", " drop of 2 g/dL"),
    ("creatinine", " increased by 20 %"),
    ("Hgb", " and platelets 98"),
    ("Hgb", " normal"),
    ("Cr", ""),
]


@pytest.mark.parametrize(("name", "rest"), NOTHING, ids=[n + r for n, r in NOTHING])
def test_no_value(name, rest):
    assert read_number(name + rest, len(name), len(name + rest)) is None


TRENDS = [
    (" 9.1 -> 8.4", 8.4, [9.1]),
    (" rose from 1.6 to 5.7 mg/dL", 5.7, [1.6]),
    (" 1.8 from 1.89 from 2.7", 1.8, [1.89, 2.7]),
    (" 2 (was 3 last month)", 2.0, [3.0]),
    (" 10.9 from 17.3 yesterday 26.9 on admission", 10.9, [17.3, 26.9]),
    (" 2.9 ng/mL before treatment, 2.6 ng/mL after 6 cycles", 2.6, [2.9]),
    (" 1.2 today, 1.4 last week", 1.2, [1.4]),
    (" 9.7 g/dL (previously 10.5)", 9.7, [10.5]),
    (": 1/5/26 1.1, 2/9/26 1.4, 3/1/26 1.2", 1.2, [1.1, 1.4]),
    (" baseline 0.9, peaked at 2.8 on 2/14, now back to 1.1", 1.1, [0.9, 2.8]),
    (" was 128 on Monday, 131 yesterday and 134 today", 134.0, [128.0, 131.0]),
    (" 2.1 mg/dL from a baseline of 0.9", 2.1, [0.9]),
    (" 1.8 (0.9 two weeks ago)", 1.8, [0.9]),
    (" 9.8; on admission 2 units were given", 9.8, []),
    (" 9.1, stable", 9.1, []),
]


@pytest.mark.parametrize(("rest", "current", "older"), TRENDS, ids=[r for r, _, _ in TRENDS])
def test_trends_keep_both_and_know_the_current_value(rest, current, older):
    r = read_number("X" + rest, 1, len(rest) + 1)
    assert r.value == current
    assert [h.value for h in r.history] == older


def test_offsets_are_those_of_the_text():
    text = "The hemoglobin was 8.8 g/dL today"
    r = read_number(text, 14, len(text))
    assert text[r.start : r.end] == "8.8 g/dL"
    assert r.as_written == "8.8"


def test_lists():
    text = "BUN and Cr of 19.3 mg/dL and 1.6 mg/dL, respectively"
    assert [(r.value, r.unit) for r in read_list(text, 10, len(text), 2)] == [(19.3, "mg/dL"), (1.6, "mg/dL")]
    assert [r.value for r in read_list("AST/ALT 45/52", 7, 13, 2)] == [45.0, 52.0]
    assert read_list("AST/ALT 45", 7, 10, 2) == []


def test_the_value_in_front_of_a_name():
    text = "a 3.2 g/dL albumin"
    assert read_before(text, 11, 0).value == 3.2
    assert read_before("stage 3, albumin", 9, 0) is None
    assert read_before("no albumin", 3, 0) is None
