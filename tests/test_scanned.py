"""Misread digits are mended inside known words, nothing else changes, and facts keep the words of the note."""

from __future__ import annotations

import datetime

import pytest

from extractor.pipeline.engine import Engine
from extractor.pipeline.scanned import mended
from extractor.records import Note

KNOWN = {"small", "cell", "carcinoma", "diagnosis", "long"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("smal1 ce11 carc1noma", "small cell carcinoma"),
        ("DIAGN0SIS", "DIAGNOSIS"),
        ("LONG1 INSM1", "LONG1 INSM1"),  # genes end in a number
        ("8O-9O %", "80-90 %"),
        ("10ng/mL", "10ng/mL"),  # begins with a number
        ("CD10 T1N0M0 PD1 B12 H1N1", "CD10 T1N0M0 PD1 B12 H1N1"),
        ("carc2noma 0 1", "carc2noma 0 1"),
        ("10% of cells, 3 of 10", "10% of cells, 3 of 10"),
        ("", ""),
    ],
)
def test_mended(text, wanted):
    assert mended(text, KNOWN) == wanted
    assert len(mended(text, KNOWN)) == len(text)


def test_joined_words_lead_back_to_the_note():
    text = "Dx: Srnall cell lung carcinorna, liver rnets. Burn of the cornea; return in the morning."
    facts = Engine().facts(Note("p", "n", datetime.date(2025, 10, 15), "note", text))
    assert {(f.concept, f.text) for f in facts if f.family in ("histology", "stage")} == {
        ("sclc", "Srnall cell lung carcinorna"),
        ("metastatic_site", "liver rnets"),
        ("metastatic", "rnets"),
    }
    assert all(text[f.start : f.end] == f.text for f in facts)


def test_the_evidence_is_what_stands_in_the_note():
    text = "Liver biopsy: smal1 ce11 carc1noma."
    facts = Engine().facts(Note("p", "n", datetime.date(2025, 10, 15), "note", text))
    assert [(f.concept, f.text) for f in facts if f.family == "histology"] == [("sclc", "smal1 ce11 carc1noma")]
    assert all(text[f.start : f.end] == f.text for f in facts)
