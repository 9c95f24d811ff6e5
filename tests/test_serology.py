"""Positive, negative, pending: behind a name, behind a list, in front of one."""

from __future__ import annotations

import datetime

import pytest

from extractor.records import Note

DAY = datetime.date(2025, 10, 15)


def read(engine, text):
    facts = engine.facts(Note("p", "n", DAY, "note", text))
    assert all(text[f.start : f.end] == f.text for f in facts)
    return [f for f in facts if f.family == "serology"]


CASES = {
    "the virus spelt out": ("Tests for hepatitis B virus surface antigen were negative.", {"hbsag": "negative"}),
    "other tests beside it": ("SARS-CoV-2 PCR and influenza antigen came back negative.", {"sars_cov_2_test": "negative"}),
    "signs": ("HBsAg-/anti-HBc+", {"hbsag": "negative", "anti_hbc": "positive"}),
    "brackets": (
        "HIV (-), HBsAg (-), anti-HCV (+)",
        {"hiv_test": "negative", "hbsag": "negative", "hcv_ab": "positive"},
    ),
    "list": ("HIV, HBV and HCV negative", {"hiv_test": "negative", "hbsag": "negative", "hcv_ab": "negative"}),
    "in front": (
        "Negative for HIV, hepatitis B and hepatitis C.",
        {"hiv_test": "negative", "hbsag": "negative", "hcv_ab": "negative"},
    ),
    "summary": (
        "We tested HBsAg; anti-HBc; HIV. All results were negative.",
        {"hbsag": "negative", "anti_hbc": "negative", "hiv_test": "negative"},
    ),
    "reactive": ("Hepatitis B core antibody, total: Reactive", {"anti_hbc": "positive"}),
    "titer": ("HIV 1 titer was negative.", {"hiv_test": "negative"}),
    "non-reactive": ("HIV Ag/Ab: Non-Reactive", {"hiv_test": "negative"}),
    "titre": ("anti-HBs 45 mIU/mL", {"anti_hbs": "positive"}),
    "panel": ("hep panel neg", {"hbsag": "negative", "hcv_ab": "negative"}),
    "French": ("Ag HBs négatif, sérologie VIH négative", {"hbsag": "negative", "hiv_test": "negative"}),
    "pending": ("HBsAg pending, HIV test ordered", {}),
    "unknown": ("HIV status unknown", {}),
    "disease": ("Chronic hepatitis B on entecavir, history of hepatitis C", {}),
    "vaccine": ("Vaccinated against hepatitis B.", {}),
}


@pytest.mark.parametrize(("text", "wanted"), CASES.values(), ids=list(CASES))
def test_polarity(engine, text, wanted):
    assert {f.concept: f.value_text for f in read(engine, text)} == wanted


@pytest.mark.parametrize(("text", "specimen"), [("UPT neg", "urine"), ("serum hCG negative", "serum")])
def test_specimen_of_a_pregnancy_test(engine, text, specimen):
    assert [(f.value_text, f.attributes) for f in read(engine, text)] == [("negative", {"specimen": specimen})]
