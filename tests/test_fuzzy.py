"""Misspelt names and abbreviations: what is linked, what never is, and that a link is flagged."""

from __future__ import annotations

import datetime

import pytest

from extractor.pipeline.fuzzy import edits
from extractor.records import Note


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("carboplatn", "carboplatin"), ("enzalutamid", "enzalutamide"), ("irinotecn", "irinotecan"), ("carcinma", "carcinoma"), ("nuroendocrine", "neuroendocrine"),
        ("hematoma", None), ("perception", None), ("prednisolone", None), ("lymphocytic", None), ("progression", None), ("oxaliplatin", None), ("leukemic", None),
    ],
)  # fmt: skip
def test_a_word_is_corrected_only_where_it_is_a_slip(engine, word, name):
    assert engine.fuzzy.correct(word) == name


def _facts(engine, text):
    note = Note("p", "n", datetime.date(2025, 10, 15), "note", text)
    return [f for f in engine.facts(note) if f.family in ("therapy", "histology")]


def test_a_misspelt_tumour_keeps_its_place_and_is_flagged(engine):
    text = "Small cell carcinma of the bladder."
    (fact,) = _facts(engine, text)
    assert (fact.concept, fact.text, fact.attributes["fuzzy"]) == ("sc_nec", "Small cell carcinma", "carcinma")
    assert text[fact.start : fact.end] == fact.text


def test_a_misspelt_look_alike_never_becomes_small_cell(engine):
    assert [f.concept for f in _facts(engine, "Non-small cell carcinma of the lung.")] == ["other_malignancy"]


def test_an_abbreviation_that_the_note_defines(engine):
    found = _facts(engine, "Pulmonary pleomorphic carcinoma (PPC). The PPC was resected.")
    assert [f.attributes.get("abbreviation") for f in found if f.family == "histology"] == [
        None,
        "Pulmonary pleomorphic carcinoma",
    ]


def test_a_bracket_that_defines_nothing(engine):
    assert [f.text for f in _facts(engine, "Adenocarcinoma (CT). The CT was read.")] == ["Adenocarcinoma"]


@pytest.mark.parametrize(
    ("a", "b", "count"), [("abc", "abc", 0), ("abc", "acb", 1), ("abc", "abd", 1), ("abc", "xyz", 3)]
)
def test_edits(a, b, count):
    assert edits(a, b, limit=2) == count
