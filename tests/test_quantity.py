"""Canonical values: conversion, plausible ranges, bare numbers, refusals."""

from __future__ import annotations

import pytest

from extractor.pipeline.numbers import Reading
from extractor.pipeline.quantity import decimal_comma, settle

HGB = {"plausible": [3, 22], "bare": [[3, 22, "g/dL"], [40, 220, "g/L"]], "misprints": {"mg/dL": "g/dL"}}
PLT = {"plausible": [1, 2000], "bare": [[1, 2000, "10*9/L"], [5000, 2000000, "/uL"]]}


def _reading(value, unit=None, **more) -> Reading:
    return Reading(0, 4, value, more.pop("as_written", str(value)), unit_raw=unit, unit=unit, **more)


@pytest.mark.parametrize(
    ("reading", "value"),
    [
        (_reading(9.1, "g/dL"), 9.1),
        (_reading(91.0, "g/L"), 9.1),
        (_reading(9.1), 9.1),
        (_reading(91.0), 9.1),
        (_reading(9.1, "mg/dL"), 9.1),
    ],
)
def test_haemoglobin(reading, value):
    assert settle(reading, concept="hemoglobin", unit="g/dL", data=HGB).value == value


@pytest.mark.parametrize("reading", [_reading(31.0), _reading(0.9), _reading(300.0, "g/L"), _reading(2.0, "g/dL")])
def test_an_implausible_haemoglobin_is_refused(reading):
    assert settle(reading, concept="hemoglobin", unit="g/dL", data=HGB) is None


def test_an_unconvertible_unit_keeps_the_value_as_written():
    assert settle(_reading(9.1, "mm"), concept="hemoglobin", unit="g/dL", data=HGB).value is None
    assert settle(_reading(9.1, "mm"), concept="hemoglobin", unit="g/dL", data=HGB, as_written=False) is None


def test_a_misprinted_unit_is_marked():
    settled = settle(_reading(9.1, "mg/dL"), concept="hemoglobin", unit="g/dL", data=HGB)
    assert settled.attributes == {"unit_corrected": "g/dL"}


def test_thousands_or_decimal_by_plausibility():
    both = _reading(98000.0, other=98.0, as_written="98,000")
    assert settle(both, concept="platelets", unit="10*9/L", data=PLT).value == 98.0
    point = _reading(98.0, "/uL", other=98000.0, as_written="98.000")
    assert settle(point, concept="platelets", unit="10*9/L", data=PLT).value == 98.0


def test_multiples_of_the_upper_limit_stay_multiples():
    settled = settle(_reading(2.4, "{ULN}"), concept="hemoglobin", unit="g/dL", data=HGB)
    assert (settled.value, settled.unit) == (2.4, "{ULN}")


def test_decimal_style_of_a_note():
    assert decimal_comma("Hb 9,1 g/dL")
    assert not decimal_comma("Hb 9.1 g/dL, 9,1 g/dL")
    assert not decimal_comma("PLT 98,000")
