"""Round trips through the systems of the field: PostgreSQL, DuckDB, OMOP, FHIR and REDCap, with real servers and files."""

from __future__ import annotations

import base64
import csv
import datetime
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extractor import cli
from extractor.errors import InputError
from extractor.readers import open_source

DAY = datetime.date(2026, 3, 16)
#: OMOP CDM 5.4 NOTE, required columns and lengths
NOTE_DDL = """
CREATE TABLE note (
  note_id integer NOT NULL PRIMARY KEY, person_id integer NOT NULL, note_date date NOT NULL, note_datetime timestamp,
  note_type_concept_id integer NOT NULL, note_class_concept_id integer NOT NULL, note_title varchar(250),
  note_text text NOT NULL, encoding_concept_id integer NOT NULL, language_concept_id integer NOT NULL,
  provider_id integer, visit_occurrence_id integer, visit_detail_id integer, note_source_value varchar(50),
  note_event_id integer, note_event_field_concept_id integer)
"""
#: OMOP CDM 5.4 NOTE_NLP
NOTE_NLP_DDL = """
CREATE TABLE note_nlp (
  note_nlp_id integer NOT NULL PRIMARY KEY, note_id integer NOT NULL, section_concept_id integer, snippet varchar(250),
  "offset" varchar(50), lexical_variant varchar(250) NOT NULL, note_nlp_concept_id integer,
  note_nlp_source_concept_id integer, nlp_system varchar(250), nlp_date date NOT NULL, nlp_datetime timestamp,
  term_exists varchar(1), term_temporal varchar(50), term_modifiers varchar(2000))
"""
TEXTS = {
    11: (1, "Small cell lung cancer.\nECOG 1. Größe 170 cm. Platelets 142 K/uL."),
    12: (1, "No brain metastases. Hb 9.1 g/dL."),
    13: (2, "Mother had breast cancer. Possible pneumonitis. ANC 2.1 K/uL."),
    14: (2, ""),
}


# --- PostgreSQL --------------------------------------------------------------------------------------------------------


def _programs() -> Path | None:
    """Folder of PostgreSQL's server programs."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Address of a server that lives as long as these tests, on a port of its own, under an unprivileged user."""
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: postgresql)")
    user: dict[str, object] = {}
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("no user to run PostgreSQL under")
        user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder, port = Path(name), _port()
        if user:
            shutil.chown(folder, "postgres", "postgres")
        data = str(folder / "data")
        quiet = {"check": True, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **user}
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "omop", "-A", "trust", "-E", "UTF8", "--no-sync"], **quiet
        )
        settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        subprocess.run([programs / "pg_ctl", "-D", data, "-o", settings, "-w", "-t", "60", "start"], **quiet)
        try:
            yield f"postgresql+psycopg://omop:hunter2@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)


@pytest.fixture(scope="module")
def filled(postgres) -> str:
    import sqlalchemy

    engine = sqlalchemy.create_engine(postgres)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(NOTE_DDL))
        for note, (person, text) in TEXTS.items():
            connection.execute(
                sqlalchemy.text(
                    "INSERT INTO note (note_id, person_id, note_date, note_datetime, note_type_concept_id, "
                    "note_class_concept_id, note_title, note_text, encoding_concept_id, language_concept_id) "
                    "VALUES (:n, :p, '2026-03-16', '2026-03-16 09:30', 0, 0, 'Progress note', :t, 0, 0)"
                ),
                {"n": note, "p": person, "t": text},
            )
    engine.dispose()
    return postgres


def test_postgres_note_table_is_read_by_its_omop_names(filled):
    rows = list(open_source(sql=filled).rows())
    found = {int(row.note_id): (row.patient_id, row.note_date, row.note_type, row.text, row.status) for row in rows}
    assert found == {
        note: (str(person), DAY, "Progress note", text, "ok" if text else "empty")
        for note, (person, text) in TEXTS.items()
    }


def test_postgres_query_with_columns_of_its_own(filled):
    query = "SELECT note_id, person_id AS subj, note_text AS body FROM note WHERE person_id = 1 ORDER BY note_id"
    source = open_source(sql=filled, query=query, columns={"patient_id": "subj", "text": "body"})
    assert [(row.patient_id, row.note_id, row.note_date) for row in source.rows()] == [
        ("1", "11", None),
        ("1", "12", None),
    ]


@pytest.mark.parametrize("query", ["SELECT * FROM no_such_table", "SELEC", "SELECT 1 AS x"])
def test_postgres_mistakes_are_input_errors_without_the_password(filled, query):
    with pytest.raises(InputError) as raised:
        list(open_source(sql=filled, query=query).rows())
    assert "hunter2" not in str(raised.value)
    assert "omop:***@127.0.0.1" in str(raised.value)


def test_postgres_that_does_not_answer_exits_with_3(postgres, tmp_path, capfd):
    address = f"postgresql+psycopg://omop:hunter2@127.0.0.1:{_port()}/postgres"
    assert cli.run(["extract", "--sql", address, "--out", str(tmp_path / "run")]) == 3
    err = capfd.readouterr().err
    assert "hunter2" not in err and len(err.splitlines()) == 1


def test_postgres_note_to_note_nlp_and_back(filled, tmp_path, capfd):
    """The whole way: NOTE in the database, a run, NOTE_NLP that the database takes with the CDM's own constraints."""
    import sqlalchemy

    run = tmp_path / "run"
    assert cli.run(["extract", "--sql", filled, "--out", str(run), "--workers", "1"]) == 0
    assert "hunter2" not in "".join(capfd.readouterr()) + (run / "run.json").read_text()
    assert cli.run(["export", str(run), "--to", "omop"]) == 0
    rows = pq.read_table(run / "omop" / "note_nlp.parquet").to_pylist()
    engine = sqlalchemy.create_engine(filled)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(NOTE_NLP_DDL))
        names = ", ".join('"offset"' if name == "offset" else name for name in rows[0])
        values = ", ".join(f":{name}" for name in rows[0])
        connection.execute(sqlalchemy.text(f"INSERT INTO note_nlp ({names}) VALUES ({values})"), rows)
        joined = connection.execute(
            sqlalchemy.text(
                'SELECT n.person_id, l.lexical_variant, substr(n.note_text, l."offset"::int + 1, length(l.lexical_variant)), '
                "l.term_exists, l.term_modifiers FROM note_nlp l JOIN note n USING (note_id) ORDER BY l.note_nlp_id"
            )
        ).fetchall()
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM note_nlp")).scalar() == len(rows)
    engine.dispose()
    assert [row[1] for row in joined] == [row[2] for row in joined]  # the offset points at the words in the database
    told = {(row[0], re.search(r"concept=(\w+)", row[4])[1]): row[3] for row in joined}
    assert told[(1, "ecog")] == "Y"
    assert told[(1, "platelets")] == "Y"
    assert told[(1, "brain_metastases")] == "N"
    assert told[(2, "anc")] == "Y"
    assert not (run / "omop" / "note_id_crosswalk.parquet").exists()


# --- DuckDB ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def decided(tmp_path_factory) -> Path:
    """A run over a DuckDB file with an OMOP note table."""
    import duckdb

    folder = tmp_path_factory.mktemp("duck")
    with duckdb.connect(str(folder / "cdm.duckdb")) as connection:
        connection.execute(NOTE_DDL)
        for note, (person, text) in TEXTS.items():
            connection.execute(
                "INSERT INTO note (note_id, person_id, note_date, note_type_concept_id, note_class_concept_id, note_title, "
                "note_text, encoding_concept_id, language_concept_id) VALUES (?, ?, '2026-03-16', 0, 0, 'Progress note', ?, 0, 0)",
                [note, person, text],
            )
    command = [
        "screen",
        str(folder / "cdm.duckdb"),
        "--trial",
        "NCT07016230",
        "--out",
        str(folder / "run"),
        "--workers",
        "1",
    ]
    assert cli.run(command) == 0
    return folder / "run"


def test_duckdb_in(decided):
    rows = pq.read_table(decided / "notes.parquet").to_pylist()
    assert {(row["note_id"], row["patient_id"], row["status"]) for row in rows} == {
        ("11", "1", "ok"), ("12", "1", "ok"), ("13", "2", "ok"), ("14", "2", "empty"),
    }  # fmt: skip


def test_duckdb_out_has_the_tables_and_views(decided, tmp_path):
    import duckdb

    assert cli.run(["export", str(decided), "--to", "duckdb", "--out", str(tmp_path / "run.duckdb")]) == 0
    with duckdb.connect(str(tmp_path / "run.duckdb"), read_only=True) as connection:
        for name in ("facts", "support", "notes", "criteria", "patients"):
            count = connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            assert count == pq.read_metadata(decided / f"{name}.parquet").num_rows
        latest = connection.execute(
            "SELECT concept, value FROM latest_values WHERE patient_id = '1' ORDER BY 1"
        ).fetchall()
        assert ("hemoglobin", 9.1) in latest and ("platelets", 142.0) in latest
        assert connection.execute("SELECT count(*) FROM open_questions").fetchone()[0] > 0
        evidence = connection.execute("SELECT count(*) FROM evidence").fetchone()[0]
        assert evidence == sum(len(row["evidence"]) for row in pq.read_table(decided / "criteria.parquet").to_pylist())


def test_note_nlp_has_the_columns_and_lengths_of_the_cdm(decided, tmp_path):
    assert cli.run(["export", str(decided), "--to", "omop", "--out", str(tmp_path)]) == 0
    table = pq.read_table(tmp_path / "note_nlp.parquet")
    wanted = re.findall(r'"?(\w+)"? (integer|varchar\(\d+\)|date|timestamp)', NOTE_NLP_DDL)
    assert table.column_names == [name for name, _ in wanted]
    for name, kind in wanted:
        column = table.column(name)
        if kind.startswith("varchar"):
            assert pa.types.is_string(column.type)
            assert max(len(cell) for cell in column.to_pylist()) <= int(kind[8:-1])
        elif kind == "integer":
            assert pa.types.is_integer(column.type)
        else:
            assert pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)


# --- FHIR --------------------------------------------------------------------------------------------------------------


def test_fhir_ndjson_in_and_out(tmp_path):
    text = "Small cell lung cancer. ECOG 1. Plättchen. Platelets <100 K/uL. Ki-67 70-80 %. No brain metastases."
    document = {
        "resourceType": "DocumentReference", "id": "d1", "status": "current", "subject": {"reference": "Patient/p1"},
        "date": "2026-03-16T09:00:00Z", "type": {"text": "Progress note"},
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-16", "data": _b64(text.encode("utf-16"))}}],
    }  # fmt: skip
    (tmp_path / "docs.ndjson").write_text(json.dumps(document) + "\n")
    run = tmp_path / "run"
    command = ["screen", str(tmp_path / "docs.ndjson"), "--trial", "NCT07016230", "--out", str(run), "--workers", "1"]
    assert cli.run(command) == 0
    assert cli.run(["export", str(run), "--to", "fhir", "--out", str(tmp_path / "fhir")]) == 0
    found = [json.loads(line) for line in (tmp_path / "fhir" / "Observation.ndjson").read_text().splitlines()]
    by_concept = {observation["code"]["text"]: observation for observation in found}
    platelets = by_concept["platelets"]
    assert platelets["valueQuantity"] == {
        "value": 100.0, "unit": "10*3/uL", "system": "http://unitsofmeasure.org", "code": "10*3/uL", "comparator": "<",
    } or platelets["valueQuantity"]["comparator"] == "<"  # fmt: skip
    assert platelets["code"]["coding"][0]["system"] == "http://loinc.org"
    assert by_concept["ki67"]["valueRange"]["low"]["value"] == 70.0
    assert by_concept["brain_metastases"]["valueBoolean"] is False
    assert {observation["subject"]["reference"] for observation in found} == {"Patient/p1"}
    assert {observation["derivedFrom"][0]["reference"] for observation in found} == {"DocumentReference/d1"}
    for observation in found:
        assert observation["resourceType"] == "Observation" and observation["status"] == "preliminary"
        assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", observation["id"])
    [subject] = [json.loads(line) for line in (tmp_path / "fhir" / "ResearchSubject.ndjson").read_text().splitlines()]
    assert subject["individual"] == {"reference": "Patient/p1"}
    assert subject["study"] == {"reference": "ResearchStudy/NCT07016230"}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# --- REDCap ------------------------------------------------------------------------------------------------------------


def test_redcap_pair_fits_together(decided, tmp_path):
    assert cli.run(["export", str(decided), "--to", "redcap", "--out", str(tmp_path)]) == 0
    with (tmp_path / "redcap_dictionary.csv").open(encoding="utf-8", newline="") as file:
        dictionary = {row["Variable / Field Name"]: row for row in csv.DictReader(file)}
    with (tmp_path / "redcap_import.csv").open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    assert [record["record_id"] for record in records] == ["1", "2"]
    assert set(records[0]) <= set(dictionary)
    for name, field in dictionary.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        choices = {c.split(",")[0].strip() for c in field["Choices, Calculations, OR Slider Labels"].split("|")} - {""}
        if field["Field Type"] == "dropdown":
            assert {record[name] for record in records} - {""} <= choices
        if field["Text Validation Type OR Show Slider Number"] == "date_ymd":
            assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}|", record[name]) for record in records)
    assert dictionary["record_id"]["Identifier?"] == "y"
