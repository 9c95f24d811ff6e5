"""Every result says what it rests on: versions, digests of patterns, trial and input; no identifier and no path."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from extractor import cli
from extractor.writers.parquet import read_json
from extractor.writers.provenance import KEY, provenance

NOTES = "patient_id,note_id,note_date,note_type,text\nMRN7,DOC7,2026-03-01,Clinic,Small cell lung cancer. ECOG 1. Platelets 142 K/uL.\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("provenance")
    (folder / "notes.csv").write_text(NOTES)
    (folder / "days.csv").write_text("patient_id,index_date\nMRN7,2026-03-02\n")
    command = [
        "screen",
        str(folder / "notes.csv"),
        "--trial",
        "NCT07016230",
        "--out",
        str(folder / "run"),
        "--workers",
        "1",
    ]
    assert cli.run([*command, "--index-date", str(folder / "days.csv")]) == 0
    return folder / "run"


@pytest.fixture
def about(run) -> dict[str, str]:
    found = provenance(read_json(run / "run.json") or {})
    digests = [found["patterns"], found["input"], found["trial NCT07016230"]]
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests) and len(set(digests)) == 3
    assert found["version trial-extractor"] and found["version python"] and found["index_date"] == "by patient"
    return found


@pytest.mark.parametrize("name", ["criteria", "patients"])
def test_decisions_hold_it_in_their_file(run, about, name):
    assert json.loads(pq.read_schema(run / f"{name}.parquet").metadata[KEY]) == about


def exported(run: Path, sink: str, out: Path, *options: str) -> dict[str, str]:
    assert cli.run(["export", str(run), "--to", sink, "--out", str(out), *options]) == 0
    if sink == "duckdb":
        import duckdb

        with duckdb.connect(str(out), read_only=True) as connection:
            return dict(connection.execute("SELECT what, value FROM provenance").fetchall())
    if sink == "xlsx":
        openpyxl = pytest.importorskip("openpyxl")
        rows = list(openpyxl.load_workbook(out)["provenance"].values)
        return {str(what): str(value) for what, value in rows[1:]}
    return read_json(out / "provenance.json") or {}


@pytest.mark.parametrize("sink", ["omop", "fhir", "redcap", "duckdb", "xlsx"])
def test_every_export_holds_it_with_and_without_pseudonyms(run, about, tmp_path, sink):
    if sink == "xlsx":
        pytest.importorskip("xlsxwriter")
    assert exported(run, sink, tmp_path / f"a.{sink}") == about
    hidden = exported(run, sink, tmp_path / f"b.{sink}", "--pseudonymize", str(tmp_path / "key"))
    assert hidden == about
    assert "MRN7" not in str(hidden) and "DOC7" not in str(hidden) and str(run.parent) not in str(hidden)


def test_the_report_holds_it(run, about, tmp_path):
    assert cli.run(["report", str(run), "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    for key in ("patterns", "trial NCT07016230", "input"):
        assert about[key][:16] in page, key
    assert about["version spacy"] in page
