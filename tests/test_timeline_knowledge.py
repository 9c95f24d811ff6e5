"""Drug classes, half-lives, limits of normal, and how patients are built from frames."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest

from extractor import patterns
from extractor.timeline import DERIVED, STATES, Settings, build_patients
from extractor.timeline.knowledge import RULES, classes, half_life, half_lives, is_in, uln
from extractor.timeline.registry import derived, state
from extractor.truth import Truth
from tests.timeline_facts import DEFAULT, INDEX, drug, fact, patient

D = datetime.date


@pytest.mark.parametrize(
    ("drug_name", "class_name", "expected"),
    [
        ("carboplatin", "platinum", True),
        ("irinotecan", "platinum", False),
        ("enzalutamide", "arsi", True),
        ("bicalutamide", "arsi", False),
        ("selpercatinib", "ret_selective", True),
        ("vandetanib", "ret_selective", False),
        ("tarlatamab", "dll3", True),
        ("ifinatamab deruxtecan", "dll3", False),
        ("lurbinectedin", "dll3", False),
        ("ipilimumab", "checkpoint_inhibitor", True),
        ("bevacizumab", "checkpoint_inhibitor", False),
        ("warfarin", "vitamin_k_antagonist", True),
        ("apixaban", "vitamin_k_antagonist", False),
        ("levetiracetam", "antiseizure", True),
        ("gabapentin", "antiseizure", False),
        ("docetaxel", "polysorbate_80", True),
        ("paclitaxel", "polysorbate_80", False),
        ("yellow fever", "live_vaccine", True),
        ("jynneos", "live_vaccine", False),
    ],
)
def test_a_drug_and_its_class(drug_name, class_name, expected):
    assert is_in(drug_name, class_name) is expected


@pytest.mark.parametrize("name", sorted(classes()))
def test_class_members_are_lower_case(name):
    assert [member for member in classes()[name] if member != member.lower()] == []


@pytest.mark.parametrize("name", sorted(half_lives()))
def test_a_half_life_is_a_range_with_a_rule(name):
    entry = half_lives()[name]
    assert entry.rule in RULES
    assert (entry.low is None) == (entry.high is None)
    assert entry.low is None or 0 < entry.low <= entry.high


@pytest.mark.parametrize(
    ("name", "rule"), [("carboplatin", "chemo14"), ("vinblastine", "chemo14"), ("gefitinib", "other30"),
                       ("trastuzumab emtansine", "other30"), ("goserelin", "exempt"), ("octreotide", "review")]
)  # fmt: skip
def test_the_washout_rule_of_a_drug_or_of_its_class(name, rule):
    assert half_life(name).rule == rule


def test_the_default_limit_depends_on_sex():
    assert (uln("creatinine", "male"), uln("creatinine", "female"), uln("creatinine", None)) == (
        (1.17, 1.35), (0.95, 1.1), (0.95, 1.35))  # fmt: skip
    assert uln("sodium", "male") is None


def test_every_table_is_read_by_the_loader_of_patterns():
    assert {"class", "steroid", "depot", "washout", "includes"} == set(patterns.table("drug_classes"))


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="defined twice"):
        state(next(iter(STATES)))(lambda patient, settings: None)
    with pytest.raises(ValueError, match="defined twice"):
        derived(next(iter(DERIVED)))(lambda patient, settings: None)


def test_an_unknown_window_says_what_is_allowed():
    with pytest.raises(KeyError, match="brain_imaging"):
        Settings().window("brain")


def test_patients_of_frames():
    facts = pd.DataFrame([drug("cisplatin", "2025-05-01").row(), fact("ecog", "performance", value=1.0).row()])
    notes = pd.DataFrame({"patient_id": ["p", "q"], "note_date": [D(2026, 2, 25), D(2026, 1, 1)]})
    first, second = build_patients(facts, notes, {"p": INDEX})
    assert (first.patient_id, first.index_date, first.index_assumed, len(first.all_facts)) == ("p", INDEX, False, 2)
    assert (second.patient_id, second.index_date, second.index_assumed, second.all_facts) == (
        "q",
        D(2026, 1, 2),
        True,
        (),
    )
    assert first.facts("cisplatin")[0] == drug("cisplatin", "2025-05-01")


def test_facts_of_others_are_not_the_patients():
    someone = patient(fact("sclc", "histology", experiencer="family"))
    assert someone.facts("sclc") == []
    assert len(someone.facts("sclc", experiencer=None)) == 1


@pytest.mark.parametrize(
    ("name", "document", "expected"),
    [
        ("brain_img", fact("doc_brain_mri", on="2026-01-20"), "T"),
        ("brain_img", fact("doc_brain_mri", on="2026-01-18"), "F"),
        ("meds", fact("doc_med_list", note="2026-02-16"), "T"),
        ("meds", fact("doc_med_list", note="2026-02-15"), "F"),
        ("onc_full", fact("doc_onc_full", on="1998-01-01", note="2026-02-15"), "T"),
        ("rx_history", fact("doc_treatment_history", attributes={"complete": "yes"}), "T"),
        ("rx_history", fact("doc_treatment_history", attributes={"complete": "no"}), "F"),
        ("allergy", fact("no_known_allergies"), "T"),
    ],
)
def test_the_document_in_which_silence_means_something(name, document, expected):
    assert patient(document).context(name, DEFAULT).truth is Truth[expected]
