"""The Spark run gives the rows of the local run. Skipped with a reason where pyspark or Java is missing."""

import datetime
import os
import shutil
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("pyspark", reason="pyspark is not installed (pip install trial-extractor[spark])")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("Java is not on this machine (Spark needs Java 17)", allow_module_level=True)

from extractor import spark as on_spark
from extractor.errors import InputError, UsageError
from extractor.run import screen

TRIAL = "NCT07016230"
INDEX = "2026-03-02"
TABLES = ("facts", "support", "notes", "criteria", "patients")
_SENTENCE = "Small cell lung cancer of the right upper lobe, treated with carboplatin and etoposide in 2024."
NOTES = [
    ("p1", "n1", datetime.date(2025, 11, 3), "Oncology note", f"64-year-old woman. {_SENTENCE} DLL3 positive. ECOG 1."),
    ("p1", "n2", datetime.date(2026, 1, 9), "Oncology note", f"{_SENTENCE} Now progression. Platelets 142 K/uL."),
    (
        "p2",
        "n3",
        datetime.date(2026, 2, 1),
        "Clinic",
        "Héparine. Brain MRI 01/30/2026: no metastases. NKDA. Hgb 9,8 g/dL.",
    ),
    ("p2", "n4", None, "", "   "),
    ("p3", "n5", datetime.date(2026, 2, 2), "Letter", 'Quoted "text", with a comma,\nand a second line. ECOG PS 3.'),
]


def _export(folder):
    path = folder / "notes.parquet"
    columns = ("patient_id", "note_id", "note_date", "note_type", "text")
    pq.write_table(pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in NOTES]), path)
    return path


@pytest.fixture(scope="module")
def session():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    made = on_spark.session("local[2]")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def runs(tmp_path_factory, session):
    folder = tmp_path_factory.mktemp("spark")
    path = _export(folder)
    screen(path, trial=TRIAL, out=folder / "local", index_date=INDEX, workers=1)
    tables = on_spark.screen(on_spark.read_notes(session, str(path)), trial=TRIAL, index_date=INDEX)
    tables.write(str(folder / "spark"))
    return folder


def _rows(path, columns):
    return sorted(repr(row) for row in pq.read_table(path, columns=columns).to_pylist())


@pytest.mark.parametrize("name", TABLES)
def test_spark_gives_the_rows_of_the_local_run(runs, name):
    local, there = runs / "local" / f"{name}.parquet", runs / "spark" / f"{name}.parquet"
    columns = [c for c in pq.read_schema(local).names if c not in ("source", "row")]  # where a row was read from
    found = _rows(local, columns)
    assert found
    assert _rows(there, columns) == found


def test_a_copied_sentence_is_marked(runs):
    copied = pq.read_table(runs / "spark" / "facts.parquet", columns=["note_id", "copied_from"]).to_pylist()
    assert {row["note_id"] for row in copied if row["copied_from"] == "n1"} == {"n2"}


def test_columns_of_other_names(session, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text('SUBJ,note_id,BODY\np,n,"ECOG 1,\nno fever"\n', encoding="utf-8")
    frame = on_spark.read_notes(session, str(path), {"patient_id": "SUBJ", "text": "BODY"})
    assert [row.asDict() for row in frame.collect()] == [
        {"patient_id": "p", "note_id": "n", "text": "ECOG 1,\nno fever"}
    ]


def test_unknown_kind_of_file_is_told(session):
    with pytest.raises(InputError, match=r"expected \.csv"):
        on_spark.read_notes(session, "notes.docx")


def test_options_of_a_local_run_are_refused():
    with pytest.raises(UsageError, match="--resume"):
        on_spark.run("local[1]", [TRIAL], None, notes="notes.csv", out="out", resume=True)
