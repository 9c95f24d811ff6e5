"""Numbers of the clinical specification: intervals, clearance, QTcF, H-score, mitoses, washout, windows."""

from __future__ import annotations

import datetime

import pytest

from extractor.timeline import chronology
from extractor.timeline.labs import cockcroft_gault
from extractor.timeline.measure import Measure, from_value
from extractor.timeline.states_biomarkers import h_score, mitoses_per_2mm2
from extractor.timeline.states_heart import bazett, fridericia, from_bazett
from extractor.timeline.treatment import Course
from extractor.timeline.washout import clearance, washout_days
from extractor.truth import Truth

D = datetime.date


@pytest.mark.parametrize(
    ("value", "high", "comparator", "operator", "threshold", "expected"),
    [
        (90, None, ">", ">", 20, "T"),
        (20, None, "=", ">", 20, "F"),
        (15, 25, "=", ">", 20, "U"),
        (20, None, "~", ">", 20, "U"),
        (20, None, ">=", ">", 20, "U"),
        (5, None, "<", ">=", 5, "F"),
        (2, 3, "=", "<=", 2, "U"),
        (1, 2, "=", "<=", 2, "T"),
        (90, None, ">", "<=", 90, "F"),
        (3, None, "=", "==", 3, "T"),
    ],
)
def test_an_interval_compared_with_a_threshold(value, high, comparator, operator, threshold, expected):
    assert from_value(value, high, comparator, "%").compare(operator, threshold).name == expected


@pytest.mark.parametrize(
    ("value", "operator", "factor", "uln", "expected"),
    [
        (104, "<", 3, (35, 48), "T"),
        (105, "<", 3, (35, 48), "U"),
        (144, "<", 3, (35, 48), "F"),
        (1.65, "<=", 1.5, (1.1, 1.1), "T"),
        (1.66, "<=", 1.5, (1.1, 1.1), "F"),
    ],
)
def test_a_multiple_of_an_uncertain_upper_limit(value, operator, factor, uln, expected):
    assert Measure(value, value, uln=uln).compare_uln(operator, factor).name == expected


def test_without_an_upper_limit_the_multiple_is_unknown():
    assert Measure(50, 50).compare_uln("<", 3) is Truth.U


@pytest.mark.parametrize(
    ("age", "weight", "creatinine", "female", "expected"),
    [
        (68, 70, 1.4, False, 50.0),
        (72, 55, 150 / 88.4, True, 26.0),
        (85, 40, 1.0, True, 26.0),
        (74, 62, 2.1, False, 27.1),
    ],
)
def test_cockcroft_gault(age, weight, creatinine, female, expected):
    assert round(cockcroft_gault(age, weight, creatinine, female=female), 1) == expected


@pytest.mark.parametrize(
    ("qt", "rate", "qtcf", "qtcb"),
    [(380, 88, 431.7, 460.2), (360, 100, 426.8, 464.8), (440, 55, 427.4, 421.3), (420, 75, 452.4, 469.6)],
)
def test_corrected_qt(qt, rate, qtcf, qtcb):
    assert (round(fridericia(qt, rate), 1), round(bazett(qt, rate), 1)) == (qtcf, qtcb)
    assert round(from_bazett(bazett(qt, rate), rate), 6) == round(fridericia(qt, rate), 6)


@pytest.mark.parametrize(("shares", "expected"), [((20, 40, 10), 130), ((0, 70, 0), 140), ((0, 0, 0), 0)])
def test_h_score(shares, expected):
    assert h_score(*shares) == expected


@pytest.mark.parametrize(
    ("count", "area", "expected"), [(20, 0.2376, (16.8, 16.8)), (20, 0.2, (20.0, 20.0)), (5, None, (3.4, 6.3))]
)
def test_mitoses_of_a_field(count, area, expected):
    low, high = mitoses_per_2mm2(count, field_area_mm2=area)
    assert (round(low, 1), round(high, 1)) == expected


def _at(drug, last, index):
    return clearance(Course(drug, Truth.T, last=(last, last)), index)


@pytest.mark.parametrize(
    ("drug", "last", "index", "expected"),
    [
        ("durvalumab", D(2025, 10, 2), D(2025, 12, 25), "T"),
        ("durvalumab", D(2025, 10, 2), D(2025, 12, 26), "U"),
        ("durvalumab", D(2025, 10, 2), D(2026, 1, 14), "U"),
        ("durvalumab", D(2025, 10, 2), D(2026, 1, 15), "F"),
        ("atezolizumab", D(2025, 8, 1), D(2025, 12, 13), "T"),
        ("atezolizumab", D(2025, 8, 1), D(2025, 12, 14), "F"),
        ("docetaxel", D(2025, 10, 1), D(2025, 10, 25), "T"),
        ("docetaxel", D(2025, 10, 1), D(2025, 10, 26), "F"),
        ("carboplatin", D(2025, 10, 1), D(2025, 10, 14), "T"),
        ("carboplatin", D(2025, 10, 1), D(2025, 10, 15), "F"),
        ("vandetanib", D(2025, 6, 1), D(2025, 9, 3), "T"),
        ("vandetanib", D(2025, 6, 1), D(2025, 9, 4), "F"),
        ("tarlatamab", D(2025, 6, 1), D(2025, 7, 27), "F"),
        ("liposomal irinotecan", D(2026, 2, 2), D(2026, 2, 16), "U"),
        ("ifinatamab deruxtecan", D(2026, 2, 1), D(2026, 2, 20), "T"),
        ("ifinatamab deruxtecan", D(2026, 2, 1), D(2026, 4, 1), "U"),
        ("leuprolide", D(2026, 2, 1), D(2026, 2, 2), "F"),
    ],
)
def test_washout_of_a_drug(drug, last, index, expected):
    assert _at(drug, last, index).truth.name == expected


@pytest.mark.parametrize(
    ("drug", "last", "clear"),
    [
        ("durvalumab", D(2025, 10, 2), D(2026, 1, 15)),
        ("docetaxel", D(2025, 10, 1), D(2025, 10, 26)),
        ("cabazitaxel", D(2025, 11, 28), D(2025, 12, 18)),
        ("adebrelimab", D(2025, 11, 1), D(2025, 12, 1)),
    ],
)
def test_the_clear_date_uses_the_upper_half_life(drug, last, clear):
    assert _at(drug, last, last).clear_date == clear


def test_bound_platinum_is_reviewed_and_never_decides():
    assert _at("carboplatin", D(2025, 10, 1), D(2025, 10, 20)).review == ("R6",)
    assert _at("carboplatin", D(2025, 10, 1), D(2025, 10, 26)).review == ()


def test_thirty_days_suffice_under_the_other_policy():
    assert washout_days("pembrolizumab", policy="cap30").high == 30
    assert washout_days("docetaxel", policy="cap30").high == pytest.approx(24.17, abs=0.01)


@pytest.mark.parametrize(
    ("event", "index", "days", "expected"),
    [
        ((D(2025, 9, 1), D(2025, 9, 10)), D(2025, 9, 20), 13, "U"),
        ((D(2025, 9, 6), D(2025, 9, 6)), D(2025, 9, 20), 13, "F"),
        ((D(2025, 9, 7), D(2025, 9, 7)), D(2025, 9, 20), 13, "T"),
        ((D(2025, 9, 25), D(2025, 9, 25)), D(2025, 9, 20), 13, "F"),
    ],
)
def test_a_window_of_days(event, index, days, expected):
    assert chronology.within_days(event, index, days).name == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [(D(2025, 9, 2), "F"), (D(2025, 9, 3), "T"), (D(2026, 3, 3), "F")],
)
def test_a_window_of_calendar_months_is_strict(event, expected):
    assert chronology.within_months((event, event), D(2026, 3, 2), 6).name == expected
