"""ECOG and Karnofsky with ranges and history, and look-alikes."""

from __future__ import annotations

import datetime

import pytest

from extractor.records import Note

DAY = datetime.date(2025, 10, 15)


def read(engine, text):
    facts = engine.facts(Note("p", "n", DAY, "note", text))
    assert all(text[f.start : f.end] == f.text for f in facts)
    return [f for f in facts if f.family == "performance"]


CASES = {
    "plain": ("ECOG PS: 2", [("ecog", 2.0, None)]),
    "range": ("PS 1-2", [("ecog", 1.0, 2.0)]),
    "was": ("ECOG performance status: 2 (was 3 last month)", [("ecog", 2.0, None), ("ecog", 3.0, None)]),
    "arrow": ("ECOG 3 -> 2", [("ecog", 2.0, None), ("ecog", 3.0, None)]),
    "chain": (
        "ECOG 1 at diagnosis, declined to 2 in January 2025, and is now 3",
        [("ecog", 1.0, None), ("ecog", 2.0, None), ("ecog", 3.0, None)],
    ),
    "roman": ("ECOG I.", [("ecog", 1.0, None)]),
    "not roman": ("ECOG I prefer not to say", []),
    "short with percent": ("PS 90%", [("kps", 90.0, None)]),
    "study": ("ECOG 0 in 60% of patients", []),
    "about": ("KPS ~60%", [("kps", 60.0, None)]),
    "word": ("performance status of one", [("ecog", 1.0, None)]),
    "who": ("WHO PS 0", [("ecog", 0.0, None)]),
    "French": ("statut OMS 1", [("ecog", 1.0, None)]),
    "percent": ("performance status 80%", [("kps", 80.0, None)]),
    "karnofsky": ("Karnofsky 80.", [("kps", 80.0, None)]),
    "ventilator": ("PS 5/8 on 40 % FiO2", []),
    "anaesthesia": ("ASA 2", []),
    "trial": ("ECOG-ACRIN 5508", []),
    "required": ("ECOG 0-1 required for the trial", []),
    "no number": ("Performance status declined.", []),
}


@pytest.mark.parametrize(("text", "wanted"), CASES.values(), ids=list(CASES))
def test_values(engine, text, wanted):
    found = [(f.concept, f.value, f.value_high) for f in read(engine, text)]
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_the_date_of_the_older_status_stays_with_it(engine):
    found = {f.value: f.date_precision for f in read(engine, "ECOG 2 (was 1 in August 2025).")}
    assert found == {2.0: "note", 1.0: "month"}
