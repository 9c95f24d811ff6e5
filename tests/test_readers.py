"""Readers: every kind of export, and every way in which one can be broken."""

from __future__ import annotations

import base64
import csv
import datetime
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from extractor.errors import InputError, UsageError
from extractor.readers import open_source
from extractor.readers.columns import parse_mapping
from extractor.readers.markup import html_to_text, rtf_to_text
from extractor.readers.rows import NoteRow, RowError, parse_date

DAY = datetime.date(2026, 3, 16)
HEADER = "patient_id,note_id,note_date,note_type,text\n"


def read(path: Path, **options: Any) -> list[NoteRow]:
    return list(open_source(path, **options).rows())


def brief(rows: list[NoteRow]) -> list[tuple[str, str, str]]:
    return [(row.note_id, row.status, row.text if row.status == "ok" else row.error) for row in rows]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# --- kinds of export ------------------------------------------------------------------------------------------------


def test_csv_keeps_the_text_exactly(tmp_path):
    text = 'Line one\r\nLine "two"\n\ttabbed, comma \u00e9\u0301 \u202eright to left\u202c '
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["patient_id", "note_id", "note_date", "note_type", "text"])
    writer.writerow(["p1", "n1", "2026-03-16", "Clinic", text])
    [row] = read(write(tmp_path, "notes.csv", buffer.getvalue()))
    assert row == NoteRow("notes.csv", 2, "p1", "n1", DAY, "Clinic", text, "ok", "")


def test_omop_names_are_understood_in_any_case(tmp_path):
    path = write(
        tmp_path, "note.csv", "NOTE_ID,PERSON_ID,NOTE_DATE,NOTE_TITLE,NOTE_TEXT\n7,42,2026-03-16,Consult,ECOG 1\n"
    )
    assert read(path) == [NoteRow("note.csv", 2, "42", "7", DAY, "Consult", "ECOG 1", "ok", "")]


def test_tsv_semicolons_and_gzip(tmp_path):
    rows = [
        read(write(tmp_path, "a.tsv", "patient_id\tnote_id\ttext\np1\tn1\tECOG 1\n")),
        read(write(tmp_path, "b.csv", "patient_id;note_id;text\np1;n1;ECOG 1\n")),
        read(write(tmp_path, "c.csv.gz", gzip.compress(b"patient_id,note_id,text\np1,n1,ECOG 1\n"))),
    ]
    assert [brief(found) for found in rows] == [[("n1", "ok", "ECOG 1")]] * 3


def test_parquet_with_odd_types(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "person_id": pa.array([1.0, 2.0, None, 3.0]),
            "note_id": pa.array([10, 11, 12, 13], pa.int64()),
            "note_datetime": pa.array([datetime.datetime(2026, 3, 16, 9)] * 4, pa.timestamp("us")),
            "note_text": pa.array([b"ECOG 1", b"", b"x", "M\xfcller".encode("cp1252")], pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "notes.parquet")
    rows = read(tmp_path / "notes.parquet")
    assert [(r.patient_id, r.note_id, r.note_date, r.status, r.text, r.error) for r in rows] == [
        ("1", "10", DAY, "ok", "ECOG 1", ""),
        ("2", "11", DAY, "empty", "", ""),
        ("", "12", DAY, "rejected", "x", "no patient_id"),
        ("3", "13", DAY, "ok", "Müller", ""),
    ]


def test_parquet_text_that_is_no_text(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"patient_id": ["p"], "note_id": ["n"], "text": [[1, 2]]}), tmp_path / "n.parquet")
    assert brief(read(tmp_path / "n.parquet")) == [("n", "rejected", "text is not text but list")]


def test_jsonl(tmp_path):
    lines = [
        {"patient_id": "p1", "note_id": "n1", "note_date": "2026-03-16", "text": "a\u2028b \ud800 c"},
        {"note_id": "n2", "text": "ECOG 1"},
    ]
    path = write(tmp_path, "n.jsonl", "\n".join(map(json.dumps, lines)) + "\nnot json\n[1]\n")
    assert brief(read(path)) == [
        ("n1", "ok", "a\u2028b \ufffd c"),
        ("n2", "rejected", "no patient_id"),
        ("", "rejected", "the line is no JSON object"),
        ("", "rejected", "the line is no JSON object"),
    ]


def attachment(data: bytes, kind: str) -> dict[str, Any]:
    return {"attachment": {"contentType": kind, "data": base64.b64encode(data).decode()}}


def test_fhir_resources(tmp_path):
    resources = [
        {
            "resourceType": "DocumentReference",
            "id": "d1",
            "subject": {"reference": "Patient/p1"},
            "date": "2026-03-16T09:00:00+01:00",
            "type": {"coding": [{"display": "Progress note"}]},
            "content": [attachment(b"<p>ECOG&nbsp;1<br>ANC 2.1</p>", "text/html")],
        },
        {
            "resourceType": "DocumentReference",
            "id": "d2",
            "subject": {"reference": "https://fhir.example.org/Patient/p1/_history/2"},
            "content": [
                attachment(b"<p>other</p>", "text/html"),
                attachment("Müller".encode("latin-1"), "text/plain; charset=iso-8859-1"),
            ],
        },
        {
            "resourceType": "DiagnosticReport",
            "id": "r1",
            "subject": {"reference": "Patient/p2"},
            "effectiveDateTime": "2026-03-16",
            "code": {"text": "Pathology"},
            "conclusion": "Small cell carcinoma.",
        },
        {
            "resourceType": "DocumentReference",
            "id": "d3",
            "subject": {"reference": "Patient/p1"},
            "content": [{"attachment": {"contentType": "text/plain", "url": "Binary/1"}}],
        },
        {
            "resourceType": "DocumentReference",
            "id": "d4",
            "subject": {"reference": "Patient/p1"},
            "content": [{"attachment": {"contentType": "text/plain", "data": "%%%"}}],
        },
        {
            "resourceType": "DocumentReference",
            "id": "d5",
            "status": "entered-in-error",
            "subject": {"reference": "Patient/p1"},
            "content": [attachment(b"wrong", "text/plain")],
        },
        {"resourceType": "Patient", "id": "p1"},
    ]
    source = open_source(write(tmp_path, "docs.ndjson", "\n".join(map(json.dumps, resources))))
    rows = list(source.rows())
    assert brief(rows) == [
        ("d1", "ok", "ECOG\xa01\nANC 2.1"),
        ("d2", "ok", "Müller"),
        ("r1", "ok", "Small cell carcinoma."),
        ("d3", "rejected", "attachment is a link without data (links are not followed)"),
        ("d4", "rejected", "attachment is not valid base64"),
        ("d5", "rejected", "status is entered-in-error"),
    ]
    assert [(r.patient_id, r.note_date, r.note_type) for r in rows[:3]] == [
        ("p1", DAY, "Progress note"),
        ("p1", None, ""),
        ("p2", DAY, "Pathology"),
    ]
    assert source.monitor.lines == [
        "docs.ndjson: Patient skipped (notes are read from DocumentReference and DiagnosticReport)"
    ]


def test_folder_of_text_files(tmp_path):
    write(tmp_path, "p1/2026-03-16_Progress_note.txt", "ECOG 1")
    write(tmp_path, "p2_2026-03-16_CT.txt", b"\xef\xbb\xbfNo brain metastases")
    write(tmp_path, "p3/path.rtf", rb"{\rtf1\ansi Small cell\par carcinoma}")
    write(tmp_path, "ignored.docx", "x")
    source = open_source(tmp_path)
    rows = list(source.rows())
    assert [(r.patient_id, r.note_id, r.note_date, r.note_type, r.text) for r in rows] == [
        ("p1", "p1/2026-03-16_Progress_note", DAY, "Progress note", "ECOG 1"),
        ("p2", "p2_2026-03-16_CT", DAY, "CT", "No brain metastases"),
        ("p3", "p3/path", None, "path", "Small cell\ncarcinoma"),
    ]
    assert source.monitor.lines == [f"{tmp_path.name}: 1 files of another kind were not read"]


def test_folder_of_tables_and_symbolic_links(tmp_path):
    outside = write(tmp_path, "secret.csv", HEADER + "p9,n9,2026-03-16,x,outside\n")
    write(tmp_path, "in/b.csv", HEADER + "p1,n1,2026-03-16,x,ECOG 1\n")
    write(tmp_path, "in/a.jsonl", json.dumps({"patient_id": "p0", "note_id": "n0", "text": "ECOG 0"}))
    (tmp_path / "in" / "c.csv").symlink_to(outside)
    assert brief(read(tmp_path / "in")) == [
        ("n0", "ok", "ECOG 0"),
        ("n1", "ok", "ECOG 1"),
        ("", "rejected", "symbolic link in the folder (not followed)"),
    ]


def test_a_folder_with_a_whole_omop_export_gives_its_notes(tmp_path):
    write(tmp_path, "note.csv", "note_id,person_id,note_text\n1,2,ECOG 1\n")
    write(tmp_path, "person.csv", "person_id,year_of_birth\n2,1950\n")
    assert brief(read(tmp_path)) == [("1", "ok", "ECOG 1")]


def test_duckdb_file_and_query(tmp_path):
    import duckdb

    path = tmp_path / "cdm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE note AS SELECT 5 AS note_id, 9 AS person_id, DATE '2026-03-16' AS note_date, "
            "'Clinic' AS note_title, 'ECOG 1' AS note_text"
        )
    assert [row[2:8] for row in read(path)] == [("9", "5", DAY, "Clinic", "ECOG 1", "ok")]
    source = open_source(sql=f"duckdb:///{path}", query="SELECT note_id, person_id, upper(note_text) AS text FROM note")
    assert [row.text for row in source.rows()] == ["ECOG 1"]


def test_sqlalchemy_address(tmp_path):
    pytest.importorskip("sqlalchemy")
    import sqlite3

    with sqlite3.connect(tmp_path / "n.db") as connection:
        connection.execute("CREATE TABLE note (note_id, person_id, note_date, note_text)")
        connection.execute("INSERT INTO note VALUES (1, 2, '2026-03-16', 'ECOG 1')")
    rows = list(open_source(sql=f"sqlite:///{tmp_path / 'n.db'}").rows())
    assert [(r.patient_id, r.note_id, r.note_date, r.text) for r in rows] == [("2", "1", DAY, "ECOG 1")]


def test_the_password_of_an_address_is_not_shown():
    assert open_source(sql="postgresql://me:hunter2@db/omop").name == "postgresql://me:***@db/omop"


# --- encodings ------------------------------------------------------------------------------------------------------

BODY = HEADER + "p1,n1,2026-03-16,x,Größe 3 µm – “ok”\n"


@pytest.mark.parametrize(
    ("encoding", "warned"),
    [("utf-8", False), ("utf-8-sig", False), ("utf-16", False), ("utf-16-le", False), ("utf-16-be", False),
     ("utf-32", False), ("cp1252", True)],
)  # fmt: skip
def test_encodings(tmp_path, encoding, warned):
    source = open_source(write(tmp_path, "n.csv", BODY.encode(encoding)))
    assert [row.text for row in source.rows()] == ["Größe 3 µm – “ok”"]
    assert source.monitor.lines == (["n.csv: 6 bytes are not UTF-8; they were read as Windows-1252"] if warned else [])


def test_two_encodings_in_one_file(tmp_path):
    data = (HEADER + "p1,n1,,x,é\n").encode() + "p1,n2,,x,é\n".encode("cp1252")
    assert [row.text for row in read(write(tmp_path, "n.csv", data))] == ["é", "é"]


# --- rows that are no notes -----------------------------------------------------------------------------------------

BAD_ROWS = {
    "no patient": (",n1,2026-03-16,x,ECOG 1", "no patient_id"),
    "no note id": ("p1,,2026-03-16,x,ECOG 1", "no note_id"),
    "neither": (",,2026-03-16,x,ECOG 1", "no patient_id; no note_id"),
    "a date that is none": (
        "p1,n1,soon,x,ECOG 1",
        "note_date cannot be read (allowed: YYYY-MM-DD, YYYYMMDD, DD-Mon-YYYY, or --date-order dmy|mdy)",
    ),
    "31 February": (
        "p1,n1,2026-02-31,x,ECOG 1",
        "note_date cannot be read (allowed: YYYY-MM-DD, YYYYMMDD, DD-Mon-YYYY, or --date-order dmy|mdy)",
    ),
    "an ambiguous date": (
        "p1,n1,03/04/2026,x,ECOG 1",
        "note_date is ambiguous, day or month first (say --date-order dmy or mdy)",
    ),
    "too few fields": ("p1,n1", "row has 2 fields (expected 5, as in the header)"),
    "too many fields": ("p1,n1,2026-03-16,x,ECOG, 1", "row has 6 fields (expected 5, as in the header)"),
    "binary": ("p1,n1,2026-03-16,x," + "\x00\x01\x02" * 9, "text is not text but binary data"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_rejected_and_the_rest_goes_on(tmp_path, case):
    line, reason = BAD_ROWS[case]
    rows = read(write(tmp_path, "n.csv", f"{HEADER}{line}\np2,good,2026-03-16,x,ECOG 2\n"))
    assert [(row.row, row.status, row.error) for row in rows] == [(2, "rejected", reason), (3, "ok", "")]


@pytest.mark.parametrize("text", ["", " \t ", '"\n\n"', "\x00"])
def test_empty_text_is_empty(tmp_path, text):
    assert [row.status for row in read(write(tmp_path, "n.csv", f"{HEADER}p1,n1,2026-03-16,x,{text}\n"))] == ["empty"]


def test_a_few_control_characters_stay_in_the_text(tmp_path):
    text = "ECOG\x00 1 " + "and so on " * 5 + "\x07"
    assert [row.text for row in read(write(tmp_path, "n.csv", f"{HEADER}p1,n1,2026-03-16,x,{text}\n"))] == [text]


def test_a_quote_inside_a_quoted_field(tmp_path):
    rows = read(write(tmp_path, "n.csv", f'{HEADER}p1,n1,,x,"said "well" today"\np2,n2,,x,ECOG 1\n'))
    assert [(r.row, r.status) for r in rows] == [(2, "rejected"), (3, "ok")]
    assert rows[0].error == "broken quoting or a wrong number of fields at line 2 (expected 5 fields)"


def test_a_quote_that_never_closes_does_not_swallow_the_file(tmp_path):
    body = 'p1,n1,,x,"open\nmore of it\np2,n2,,x,ECOG 2\np3,n3,,x,"whole\nnote"\n'
    rows = read(write(tmp_path, "n.csv", HEADER + body))
    assert [(r.row, r.note_id, r.status) for r in rows] == [(2, "", "rejected"), (4, "n2", "ok"), (5, "n3", "ok")]
    assert rows[0].error == "broken quoting or a wrong number of fields at lines 2 to 3 (expected 5 fields)"
    assert rows[2].text == "whole\nnote"


def test_a_note_of_many_megabytes(tmp_path):
    text = "ECOG 1. " * 1_000_000
    assert [len(r.text) for r in read(write(tmp_path, "n.csv", f"{HEADER}p1,n1,,x,{text}\n"))] == [8_000_000]


# --- inputs that are none -------------------------------------------------------------------------------------------

BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "empty file": ("n.csv", b"", "the file is empty (expected a header or a first record)"),
    "missing column": (
        "n.csv",
        b"patient_id,note_id,BODY\np,n,SECRETWORD\n",
        "no column for text (expected text or note_text; the file has: patient_id, note_id, BODY); "
        "map it with --columns text=NAME",
    ),
    "no header": (
        "n.csv",
        b"p1,n1,2026-03-16,Clinic,SECRETWORD is here\n",
        "no column for patient_id (expected patient_id or person_id or subject_id; the file has: a first row that is "
        "no header); map it with --columns patient_id=NAME",
    ),
    "doubled column": (
        "n.csv",
        b"patient_id,note_id,text,Text\np,n,SECRETWORD,b\n",
        'row 1: the column "text" stands 2 times (allowed: once)',
    ),
    "no parquet": ("n.parquet", b"SECRETWORD", "cannot be read as Parquet (ArrowInvalid)"),
    "no json": ("n.jsonl", b"SECRETWORD\n", "row 1 is no JSON object (expected JSON Lines: one object on each line)"),
    "json array": ("n.jsonl", b"[\n{}]\n", "row 1 is no JSON object (expected JSON Lines: one object on each line)"),
    "no gzip": ("n.csv.gz", b"SECRETWORD", "cannot be read (BadGzipFile)"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_an_input_that_cannot_be_read(tmp_path, case):
    name, content, message = BAD_FILES[case]
    path = write(tmp_path, name, content)
    with pytest.raises(InputError) as raised:
        read(path)
    assert str(raised.value).endswith(f"{name}: {message}")
    assert "SECRETWORD" not in str(raised.value)


def test_unknown_kinds_missing_files_and_empty_folders(tmp_path):
    path = write(tmp_path, "notes.docx", "x")
    for target, words in ((path, "unknown kind of file"), (tmp_path / "none.csv", "there is no such file or folder")):
        with pytest.raises(InputError, match=words):
            open_source(target)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no note files in the folder"):
        open_source(tmp_path / "empty")


def test_a_header_alone_is_no_notes(tmp_path):
    assert read(write(tmp_path, "n.csv", HEADER)) == []


# --- the parts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2026-03-16", "auto", DAY),
        ("20260316", "auto", DAY),
        ("2026-03-16 23:59:59", "auto", DAY),
        ("16.03.2026", "auto", DAY),
        ("3/16/2026 8:00", "auto", DAY),
        ("16-Mar-2026", "auto", DAY),
        ("March 16, 2026", "auto", DAY),
        ("03/04/2026", "mdy", datetime.date(2026, 3, 4)),
        ("03/04/2026", "dmy", datetime.date(2026, 4, 3)),
        ("04/04/2026", "auto", datetime.date(2026, 4, 4)),
        ("", "auto", None),
        ("NaT", "auto", None),
    ],
)
def test_dates_of_the_column(text, order, expected):
    assert parse_date(text, date_order=order) == expected


@pytest.mark.parametrize(
    ("text", "order"),
    [("03/04/2026", "auto"), ("45000", "auto"), ("2026-13-01", "auto"), ("0026-03-16", "auto"), ("16/03/2026", "mdy")],
)
def test_dates_that_are_refused(text, order):
    with pytest.raises(RowError):
        parse_date(text, date_order=order)


def test_columns_mapping():
    assert parse_mapping("patient_id=SUBJ,text=Note Body") == {"patient_id": "SUBJ", "text": "Note Body"}
    for wrong in ("patient=SUBJ", "text", "text=", "text=A,text=B"):
        with pytest.raises(UsageError):
            parse_mapping(wrong)


def test_mapped_columns(tmp_path):
    path = write(tmp_path, "n.csv", "SUBJ,note_id,BODY,text\np1,n1,ECOG 1,other\n")
    assert [row.text for row in read(path, columns=parse_mapping("patient_id=SUBJ,text=BODY"))] == ["ECOG 1"]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<html><head><title>x</title><style>p{}</style></head><body><p>A</p><p>B</p></body></html>", "A\nB"),
        ("<div>A  <b>bold</b>\n text<br/>next</div>", "A bold text\nnext"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        (
            "<table><tr><th>ANC</th><td>2.1</td></tr><tr><td>PLT</td><td>&lt;100</td></tr></table>",
            "ANC\t2.1\nPLT\t<100",
        ),
        ("plain &amp; simple", "plain & simple"),
        ("<script>alert(1)</script>ECOG 1", "ECOG 1"),
    ],
)
def test_html(markup, text):
    assert html_to_text(markup) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (r"{\rtf1\ansi ECOG 1\par ANC\tab 2.1}", "ECOG 1\nANC\t2.1"),
        (r"{\rtf1\ansi{\fonttbl{\f0 Times;}}{\*\generator x;}{\b bold} text}", "bold text"),
        (r"{\rtf1\ansi\uc1 \u8805?100 \u-3916?x}", "≥100 \uf0b4x"),
        (r"{\rtf1\ansi\ansicpg1251 \'cf\'f0}", "Пр"),
        (r"{\rtf1 a\{b\}c\\d\~e}", "a{b}c\\d\xa0e"),
        (r"{\rtf1 {\info{\author SECRET}}x}", "x"),
        (r"{\rtf1 unbalanced {", "unbalanced "),
    ],
)
def test_rtf(markup, text):
    assert rtf_to_text(markup) == text
