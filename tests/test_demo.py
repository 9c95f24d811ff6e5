"""The demo export: it regenerates byte for byte, and its patients get the answers that it promises."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from extractor.trials.trialfile import load_trial

DEMO = Path(__file__).parents[1] / "corpora" / "demo"
EXPECTED = json.loads((DEMO / "expected.json").read_text(encoding="utf-8"))
TRIAL = "NCT07016230"
ANSWERS = [(patient, name) for patient, case in EXPECTED.items() for name in case["expect"]]
DECISIONS = ("candidate", "potential-candidate", "ineligible-for-now", "ineligible")


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    from extractor.run import screen

    dates = {patient: datetime.date.fromisoformat(case["index_date"]) for patient, case in EXPECTED.items()}
    out = tmp_path_factory.mktemp("demo")
    screen(DEMO / "notes.csv", trial=TRIAL, out=out, index_date=dates, workers=1)
    patients = pd.read_parquet(out / "patients.parquet").set_index("patient_id")
    criteria = pd.read_parquet(out / "criteria.parquet").set_index(["patient_id", "criterion_id"])
    return patients, criteria, pd.read_parquet(out / "facts.parquet")


@pytest.mark.parametrize("name", ["notes.csv", "expected.json", "index_dates.csv"])
def test_the_export_regenerates_byte_for_byte(name, tmp_path):
    for source in DEMO.glob("*.py"):
        shutil.copy(source, tmp_path)
    subprocess.run([sys.executable, "generate.py"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes()


@pytest.mark.parametrize(("patient", "name"), ANSWERS, ids=[f"{p}:{n}" for p, n in ANSWERS])
def test_the_screen_answers_as_expected(patient, name, decided):
    patients, criteria, _ = decided
    row = patients.loc[patient] if name in patients.columns else criteria.loc[(patient, name)]
    found = row[name] if name in patients.columns else row["outcome"]
    assert found == EXPECTED[patient]["expect"][name]


@pytest.mark.parametrize("decision", DECISIONS)
def test_every_decision_is_shown(decision, decided):
    assert decision in set(decided[0]["decision"])
    assert decision in {case["expect"].get("decision") for case in EXPECTED.values()}


def test_nobody_is_called_eligible(decided):
    assert set(decided[0]["decision"]) <= set(DECISIONS)
    assert set(decided[0].index) == set(EXPECTED)


def test_every_failure_has_evidence_that_is_there(decided):
    _, criteria, facts = decided
    failed = criteria[(criteria["outcome"] == "fail") & ~criteria["presumed"]]
    known = set(facts["fact_id"])
    notes = pd.read_csv(DEMO / "notes.csv", dtype=str, keep_default_na=False).set_index("note_id")["text"]
    assert len(failed) > 30
    assert all(notes[r.note_id][r.start : r.end] == r.text for r in facts.itertuples())
    bare = [key for key, row in failed.iterrows() if not len(row["evidence"])]
    assert Counter(key[1] for key in bare) == Counter()
    assert {e for row in failed["evidence"] for e in row} & known


def test_the_criteria_of_the_demo_are_the_trials(decided):
    names = {unit.id for unit in load_trial(TRIAL).units()}
    asked = {name for case in EXPECTED.values() for name in case["expect"] if name not in ("decision", "cohort")}
    assert asked <= names | set(decided[1].index.get_level_values(1))
