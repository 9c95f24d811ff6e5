"""The command line: exit codes, one-line mistakes, every command on a small export."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from extractor import cli

NOTES = (
    "patient_id,note_id,note_date,note_type,text\n"
    "p1,n1,2026-02-20,Oncology consult,\"68 year old man with extensive stage small cell lung cancer. ECOG 1. Plt 210.\"\n"
    "p2,n2,2026-02-21,Clinic note,\"Small cell carcinoma. ECOG 4.\"\n"
)  # fmt: skip
TRIAL = "NCT07016230"


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "notes.csv"
    path.write_text(NOTES)
    return path


@pytest.fixture(scope="module")
def done(export) -> Path:
    out = export.parent / "run"
    assert cli.run(["screen", str(export), "--trial", TRIAL, "--out", str(out), "--workers", "1"]) == 0
    return out


def test_screen_says_what_it_did(export, capfd):
    assert cli.run(["screen", str(export), "--trial", TRIAL, "--out", str(export.parent / "a"), "--workers", "1"]) == 0
    out, err = capfd.readouterr()
    assert "2 read; 2 patients" in out
    assert "index_date: assumed" in out
    assert str((export.parent / "a").resolve()) in out
    assert err == ""


def test_evaluate_gives_the_same_bytes_as_screen(export, done):
    names = ("criteria.parquet", "patients.parquet")
    before = [(done / name).read_bytes() for name in names]
    assert cli.run(["evaluate", str(done), "--trial", TRIAL]) == 0
    assert [(done / name).read_bytes() for name in names] == before


def test_one_row_for_each_patient_and_index_dates_of_a_file(export, done):
    import pandas as pd

    path = export.parent / "days.csv"
    path.write_text("patient_id,index_date\np1,2026-03-02\n")
    assert cli.run(["evaluate", str(done), "--trial", TRIAL, "--index-date", str(path)]) == 0
    frame = pd.read_parquet(done / "patients.parquet")
    found = [
        (p, str(d), bool(a))
        for p, d, a in zip(frame.patient_id, frame.index_date, frame.index_date_assumed, strict=True)
    ]
    assert found == [("p1", "2026-03-02", False), ("p2", "2026-02-22", True)]
    assert cli.run(["evaluate", str(done), "--trial", TRIAL]) == 0


def test_explain_shows_the_evidence_in_its_sentence(done, capfd):
    assert cli.run(["explain", str(done), "--patient", "p2"]) == 0
    assert "Small cell carcinoma." in capfd.readouterr().out
    assert cli.run(["explain", str(done), "--patient", "p2", "--no-text"]) == 0
    assert "Small cell carcinoma." not in capfd.readouterr().out


def test_explain_without_the_notes_shows_places(export, done, capfd):
    moved = export.with_suffix(".moved")
    export.rename(moved)
    try:
        assert cli.run(["explain", str(done), "--patient", "p2"]) == 0
    finally:
        moved.rename(export)
    out = capfd.readouterr().out
    assert "Small cell carcinoma." not in out
    assert "the notes cannot be read again" in out and "n2 2026-02-21 [0:" in out


def test_diff_of_a_run_with_itself(done, capfd):
    assert cli.run(["diff", str(done), str(done)]) == 0
    out = capfd.readouterr().out
    assert [line for line in out.splitlines() if line] == [
        "patterns: the same; input: the same", "facts by rule: no change", "facts: no change", "decisions: no change", "criteria: no change",
    ]  # fmt: skip


@pytest.mark.parametrize("sink", ["omop", "fhir", "redcap", "duckdb", "xlsx"])
def test_export(done, sink, capfd, tmp_path):
    if sink == "xlsx":
        pytest.importorskip("xlsxwriter")
    assert cli.run(["export", str(done), "--to", sink, "--out", str(tmp_path / "sink")]) == 0
    paths = [Path(line) for line in capfd.readouterr().out.splitlines()]
    assert paths and all(path.is_file() and path.stat().st_size for path in paths)


def test_research_subjects_have_fhir_words(done, tmp_path):
    assert cli.run(["export", str(done), "--to", "fhir", "--out", str(tmp_path)]) == 0
    lines = [json.loads(line) for line in (tmp_path / "ResearchSubject.ndjson").read_text().splitlines()]
    assert {line["individual"]["reference"] for line in lines} == {"Patient/p1", "Patient/p2"}
    assert {line["status"] for line in lines} <= {"candidate", "potential-candidate", "ineligible"}


CASES: dict[str, tuple[list[str], int, str]] = {
    "no command of that name": (["sift"], 2, "No such command"),
    "no notes": (["extract", "--out", "{tmp}/o"], 2, "no notes"),
    "no out": (["extract", "{notes}"], 2, "--out"),
    "no trial": (["screen", "{notes}", "--out", "{tmp}/o"], 2, "--trial"),
    "columns": (["extract", "{notes}", "--out", "{tmp}/o", "--columns", "body=X"], 2, "--columns"),
    "policy": (["evaluate", "{run}", "--trial", TRIAL, "--policy", "A-1"], 2, "--policy"),
    "index date": (["evaluate", "{run}", "--trial", TRIAL, "--index-date", "soon"], 2, "--index-date soon"),
    "notes and sql": (["extract", "{notes}", "--out", "{tmp}/o", "--sql", "x://"], 2, "not both"),
    "unknown patient": (["explain", "{run}", "--patient", "p77"], 2, "--patient p77"),
    "no such file": (["extract", "{tmp}/none.csv", "--out", "{tmp}/o"], 3, "there is no such file"),
    "no such column": (["extract", "{notes}", "--out", "{tmp}/o", "--columns", "text=BODY"], 3, "no column for text"),
    "no run": (["evaluate", "{tmp}", "--trial", TRIAL], 3, "no finished extraction"),
    "no run to export": (["export", "{tmp}", "--to", "fhir"], 3, "no finished run"),
    "no such trial": (["screen", "{notes}", "--trial", "NCT1", "--out", "{tmp}/o"], 4, "NCT1"),
    "no such overlay": (["extract", "{notes}", "--out", "{tmp}/o", "--overlay", "{tmp}/none"], 4, "none"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_one_line_and_an_exit_code(export, done, tmp_path, capfd, case):
    arguments, code, words = CASES[case]
    filled = [part.format(notes=export, run=done, tmp=tmp_path) for part in arguments]
    capfd.readouterr()
    assert cli.run(filled) == code
    out, err = capfd.readouterr()
    assert words in err
    assert "Traceback" not in out + err


def test_rejected_rows_exit_with_5(tmp_path, capfd):
    path = tmp_path / "n.csv"
    path.write_text(NOTES + ",n3,2026-02-21,x,ECOG 1\n")
    assert cli.run(["extract", str(path), "--out", str(tmp_path / "o"), "--workers", "1"]) == 5
    assert "1 notes failed" in capfd.readouterr().err


def test_help_is_quick_and_imports_nothing_heavy():
    began = time.perf_counter()
    probe = (
        "import sys; from extractor import cli; cli.run(['--help']);"
        "heavy = {'spacy', 'medspacy', 'pandas', 'pyarrow', 'duckdb', 'numpy', 'rich'} & set(sys.modules);"
        "sys.exit(str(sorted(heavy)) if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert time.perf_counter() - began < 3  # the machine may be busy; the import check is what holds


def test_the_first_fact_is_there_soon():
    """Seconds of the processor until an engine has read its first note; by the clock a busy machine would fail."""
    probe = (
        "import time, datetime; from extractor.pipeline.engine import Engine; from extractor.records import Note;"
        "assert Engine().facts(Note('p', 'n', datetime.date(2026, 2, 1), '', 'Platelets 142 K/uL.'));"
        "print(time.process_time())"
    )
    spent = [
        float(subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout)
        for _ in range(2)
    ]
    assert min(spent) < 1.5


def test_diff_names_the_rule_and_the_decisions_that_changed(export, done, tmp_path, capfd):
    """One value is another and one diagnosis is gone: their rules and what follows for the patients are told."""
    other = tmp_path / "notes.csv"
    other.write_text(NOTES.replace("Plt 210", "Plt 21").replace("Small cell carcinoma. ECOG 4.", "ECOG 4."))
    out = tmp_path / "run"
    assert cli.run(["screen", str(other), "--trial", TRIAL, "--out", str(out), "--workers", "1"]) == 0
    from extractor import difference

    found = difference.compare(done, out)
    assert (found.same_patterns, found.same_input) == (True, False)
    # "Plt 210" and "Plt 21" are two spans: one is gone, one is new, and both name the rule that reads them
    platelets = {change: rule for change, rule, concept, _ in found.facts if concept == "platelets"}
    assert set(platelets) == {"gone", "new"} and len(set(platelets.values())) == 1 and all(platelets.values())
    assert any(change == "gone" and concept != "platelets" and rule for change, rule, concept, _ in found.facts)
    assert any(trial == TRIAL and before != after for trial, _, before, after, _, _ in found.criteria)
    capfd.readouterr()
    assert cli.run(["diff", str(done), str(out)]) == 0
    said = capfd.readouterr().out
    assert platelets["new"] in said and "patterns: the same; input: changed" in said
    rules = {criterion: rules for _, criterion, _, _, _, rules in found.criteria}
    assert rules["I11.a"] == platelets["new"]
    assert {place[6] for place in found.places if place[5] == "platelets"} == {platelets["new"]}
    for patient, trial, before, after, because in found.decisions:
        assert "I11.a " in because or "I2" in because
        assert patient in said and trial in said and before in said and after in said
