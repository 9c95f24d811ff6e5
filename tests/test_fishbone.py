"""Fishbones: drawn counts and chemistry are read where their numbers prove them."""

from __future__ import annotations

import datetime

import pytest

from extractor.records import Note

DAY = datetime.date(2025, 10, 15)


def read(engine, text):
    facts = engine.facts(Note("p", "n", DAY, "note", text))
    assert all(text[f.start : f.end] == f.text for f in facts)
    return {f.concept: f.value for f in facts if f.family == "lab"}


COUNT = {"wbc": 5.6, "hemoglobin": 12.1, "platelets": 210.0}
CHEMISTRY = {"sodium": 138.0, "bun": 17.0, "glucose": 104.0, "potassium": 4.1, "creatinine": 0.9}
DRAWN = {
    "one line": ("CBC 5.6 > 12.1 / 36.4 < 210", COUNT),
    "one line, glued": ("CBC: 5.6>12.1/36.4<210.", COUNT),
    "two lines": ("5.6 \\ 12.1 / 210\n    / 36.4 \\", COUNT),
    "two lines, one named": ("WBC 5.6 \\ 12.1 / 210\n    / 36.4 \\", COUNT),
    "three lines": ("     12.1\n5.6 >------< 210\n     36.4", COUNT),
    "chemistry on two lines": ("138 | 101 | 17 / 104\n4.1 | 24 | 0.9 \\", CHEMISTRY),
    "chemistry on three lines": ("138 | 101 | 17\n--------------< 104\n4.1 | 24 | 0.9", CHEMISTRY),
    "a panel in its order": ("BMP: 138, 4.1, 101, 24, 17, 0.9, 104", CHEMISTRY),
    "a panel of six": ("BMP: 138, 4.1, 101, 24, 17, 0.9", {}),
    "haematocrit that does not fit": ("5.6 > 12.1 / 20.4 < 210", {}),
    "comparisons": ("score 5 > 4 / 9 < 12", {}),
    "a table without glucose": ("138 | 101 | 17\n4.1 | 24 | 0.9", {}),
    "numbers of something else": ("12 | 15 | 17 / 104\n4 | 24 | 9 \\", {}),
}


@pytest.mark.parametrize(("text", "wanted"), DRAWN.values(), ids=list(DRAWN))
def test_drawings(engine, text, wanted):
    assert read(engine, text) == wanted
