"""Spellings of units to UCUM, and conversion."""

import pytest

from extractor import units


@pytest.mark.parametrize(
    ("raw", "ucum"),
    [
        ("K/uL", "10*3/uL"), ("k/mcl", "10*3/uL"), ("x 10^9/L", "10*9/L"), ("x 109/L", "10*9/L"), ("10⁹/L", "10*9/L"), ("G/L", "10*9/L"),
        ("Giga/L", "10*9/L"), ("G/litre", "10*9/L"), ("g/L", "g/L"), ("g/dl", "g/dL"), ("G/DL", "g/dL"), ("T/L", "10*12/L"), ("/mm3", "/mm3"), ("/mm³", "/mm3"),
        ("cells/uL", "{cells}/uL"), ("th/cmm", "10*3/mm3"), ("Tsd./µl", "10*3/uL"), ("UI/L", "[IU]/L"), ("IU/mL", "[IU]/mL"), ("UNITS/L", "U/L"), ("µkat/L", "ukat/L"),
        ("µmol/L", "umol/L"), ("umol/l", "umol/L"), ("mmol.L-1", "mmol/L"), ("mcg/dL", "ug/dL"), ("mEq/L", "meq/L"), ("mIU/L", "m[IU]/L"), ("mcIU/mL", "u[IU]/mL"),
        ("mL/min/1.73 m²", "mL/min/{1.73_m2}"), ("mm Hg", "mm[Hg]"), ("msec", "ms"), ("lbs", "[lb_av]"), ("°F", "[degF]"), ("/10 HPF", "/10[HPF]"), ("per 2 mm2", "/2mm2"),
        ("g·dL−1", "g/dL"), ("x 10^9 L−1", "10*9/L"), ("mm−3", "/mm3"), ("ml min-1 1.73 m-2", "mL/min/{1.73_m2}"), ("×1000/μL", "10*3/uL"), ("µM", "umol/L"),
        ("milligram/liter", "mg/L"), ("milliequivalents per liter", "meq/L"), ("international units/L", "[IU]/L"), ("I.U./L", "[IU]/L"), ("uUI/mL", "u[IU]/mL"),
        ("nanogram/mL", "ng/mL"), ("per cubic millimetre", "/mm3"), ("lakhs/cumm", "10*5/mm3"), ("per minute", "/min"), ("mg/g creatinine", "mg/g"),
        ("x ULN", "{ULN}"), ("copies/mL", "{copies}/mL"), ("%", "%"),
    ],
)  # fmt: skip
def test_spelling(raw, ucum):
    assert units.parse(raw) == ucum


@pytest.mark.parametrize("raw", ["", None, "bananas", "MU/L", "MIU/mL", "m/uL", "M", "mm3", "patients/week", "10^4/L", "100", "K-1", "mm-1"])
def test_refused(raw):
    assert units.parse(raw) is None


@pytest.mark.parametrize(
    ("value", "unit", "to", "concept", "expected"),
    [
        (98000, "/mm3", "10*9/L", "platelets", 98.0),
        (2.1, "10*3/uL", "10*9/L", "anc", 2.1),
        (150, "umol/L", "mg/dL", "creatinine", 1.697),
        (25, "umol/L", "mg/dL", "bilirubin_total", 1.462),
        (31, "g/L", "g/dL", "albumin", 3.1),
        (8.8, "mmol/L", "g/dL", "hemoglobin", 14.18),
        (0.5, "ukat/L", "U/L", "ast", 30.0),
        (35, "[IU]/L", "U/L", "alt", 35.0),
        (98.6, "[degF]", "Cel", "temperature", 37.0),
        (150, "[lb_av]", "kg", "weight", 68.04),
        (12, "/mm2", "/2mm2", "mitotic_rate", 24.0),
        (12, "/mm2", "/10[HPF]", "mitotic_rate", 24.0),
        (14, "ng/L", "ng/mL", "troponin", 0.014),
    ],
)
def test_conversion(value, unit, to, concept, expected):
    assert units.convert(value, unit, to, concept=concept) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("unit", "to", "concept"),
    [("g/L", "10*9/L", "platelets"), ("mg/dL", "umol/L", "ferritin"), ("[IU]/mL", "U/mL", "hbv_dna"), ("Cel", "kg", None), ("nonsense", "g/L", None)],
)
def test_conversion_between_dimensions_is_refused(unit, to, concept):
    with pytest.raises(ValueError, match=r"cannot convert|unknown unit"):
        units.convert(1.0, unit, to, concept=concept)


def test_every_canonical_unit_is_known():
    from extractor.patterns import table

    for concept, unit in table("units")["canonical"].items():
        assert units.convert(1.0, unit, unit, concept=concept) == 1.0
        assert unit == "Cel" or units.measure_of(unit)[0] > 0
