"""QTc with formula and tracing, ejection fraction with modality, NYHA class."""

from __future__ import annotations

import datetime

import pytest

from extractor.records import Note

DAY = datetime.date(2025, 10, 15)


def read(engine, text):
    facts = engine.facts(Note("p", "n", DAY, "note", text))
    assert all(text[f.start : f.end] == f.text for f in facts)
    return [f for f in facts if f.family == "cardiac"]


CASES = {
    "pair": ("QT/QTc 402/431 ms", [("qt", 402.0, None), ("qtc", 431.0, None)]),
    "seconds": ("QTc interval of 0.44 seconds", [("qtc", 440.0, None)]),
    "range": ("LVEF of 60 to 65%", [("lvef", 60.0, 65.0)]),
    "roman": ("NYHA class II-III", [("nyha_class", 2.0, 3.0)]),
    "arabic": ("NYHA 3", [("nyha_class", 3.0, None)]),
    "words only": ("EF preserved, QTc prolonged, NYHA class not assessed", []),
    "threshold": ("Hold if QTc > 500", []),
    "right ventricle": ("RVEF 45 %", []),
}


@pytest.mark.parametrize(("text", "wanted"), CASES.values(), ids=list(CASES))
def test_values(engine, text, wanted):
    assert [(f.concept, f.value, f.value_high) for f in read(engine, text)] == wanted


def test_triplicate(engine):
    found = [(f.value, f.attributes) for f in read(engine, "QTcF 441, 447 and 444 ms")]
    assert found == [(v, {"formula": "fridericia", "tracing": n}) for n, v in enumerate((441.0, 447.0, 444.0), start=1)]


@pytest.mark.parametrize(
    ("text", "modality"),
    [
        ("Echo: LVEF 55%", "echo"),
        ("MUGA: EF 48%", "muga"),
        ("Cardiac MRI, LVEF 40%", "mri"),
        ("LVEF 50%", "unspecified"),
    ],
)
def test_modality(engine, text, modality):
    assert [f.attributes["modality"] for f in read(engine, text)] == [modality]
