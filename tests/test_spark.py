"""Spark gives the files of the local run. What needs Spark is skipped with a reason where pyspark or Java is missing."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extractor import cli, patterns, spark_run, spark_worker
from extractor import run as local
from extractor import spark as on_spark
from extractor.errors import ExtractorError, InputError, PatternError, UsageError
from extractor.readers.rows import NoteRow
from extractor.workers import Settings
from tests.test_hostile import GOOD, HEADER
from tests.test_hostile import _files as hostile_files

#: one session for all of them where tests run in several processes
pytestmark = pytest.mark.xdist_group("spark")

TRIAL = "NCT07016230"
INDEX = "2026-03-02"
TABLES = ("facts", "support", "notes", "criteria", "patients")
STAND_IN = Path(__file__).parent / "stand_in"
STANDING_IN = "stand_in_engine:Engine"
SENTENCE = "Small cell lung cancer of the right upper lobe, treated with carboplatin and etoposide in 2024."
SECRET = "Fennimore"
SITE_PATTERN = """\
family = "lab"
[[concept]]
concept = "haptoglobin"
code = "LOINC 4542-7"
unit = "g/L"
names = ["haptoglobin"]
plausible = [0.01, 10]
examples = ["<fact value=1.2 unit=\\"g/L\\">Haptoglobin 1.2 g/L</fact> today.", "Haptoglobin pending."]
"""

_MISSING = (
    "pyspark is not installed (pip install trial-extractor[spark])"
    if importlib.util.find_spec("pyspark") is None
    else "Java is not on this machine (Spark needs Java 17)"
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ
    else ""
)
needs_spark = pytest.mark.skipif(bool(_MISSING), reason=_MISSING or "there")


def table(path: Path, name: str, columns: list[str] | None = None) -> list[dict]:
    return pq.read_table(path / f"{name}.parquet", columns=columns).to_pylist()


def told(run: Path) -> dict:
    """``run.json`` without what no two runs share."""
    data = json.loads((run / "run.json").read_text(encoding="utf-8"))
    for name in ("finished", "seconds", "workers", "engine"):
        data.pop(name, None)
    data["versions"].pop("pyspark", None)
    return data


@pytest.fixture(scope="module")
def session():
    if _MISSING:
        pytest.skip(_MISSING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(STAND_IN), str(STAND_IN.parent.parent)]))
        patch.delenv("PYSPARK_PYTHON", raising=False)
        made = on_spark.session("local[2]")
        yield made
        made.stop()


# --- the command, in a process of its own ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def commanded(tmp_path_factory):
    """The folder of everything that can be wrong with an export, screened by both engines."""
    if _MISSING:
        pytest.skip(_MISSING)
    folder = tmp_path_factory.mktemp("command")
    notes, away = folder / "notes", folder / "away"
    notes.mkdir()
    away.mkdir()
    hostile_files(notes)
    (notes / "good.csv").write_text(
        HEADER
        + GOOD
        + f'p9,more,2026-04-01,Clinic,"{SENTENCE} Mrs {SECRET}. Brain MRI 03/30/2026: no metastases. Now ECOG 1."\n'
        + f'p9,copy,2026-05-01,Clinic,"{SENTENCE} Platelets 99 K/uL."\n'
        + f'p9,undated,,Clinic,"{SENTENCE} ECOG 2."\n'
    )
    common = ["screen", str(notes), "--trial", TRIAL, "--index-date", INDEX]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment.pop("PYSPARK_PYTHON", None)

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "extractor", *common, *options]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=away, check=False)

    here = run("--out", str(folder / "local"), "--workers", "1")
    there = run("--out", str(folder / "spark"), "--engine", "spark", "--master", "local[2]")
    assert there.returncode == here.returncode == 5, there.stderr
    assert list(away.iterdir()) == []  # nothing is left where the command was given
    return folder, here, there


@pytest.mark.parametrize("name", TABLES)
def test_the_command_writes_the_bytes_of_a_local_run(commanded, name):
    folder, _, _ = commanded
    assert table(folder / "local", name)
    assert (folder / "spark" / f"{name}.parquet").read_bytes() == (folder / "local" / f"{name}.parquet").read_bytes()


def test_the_command_tells_what_a_local_run_tells(commanded):
    folder, here, there = commanded
    assert told(folder / "spark") == told(folder / "local")
    assert json.loads((folder / "spark" / "run.json").read_text())["engine"] == {"name": "spark", "master": "local[2]"}
    assert set(here.stderr.splitlines()) <= set(there.stderr.replace("/spark/", "/local/").splitlines())


def test_the_command_keeps_words_and_files_to_itself(commanded):
    folder, _, there = commanded
    assert SECRET not in there.stdout + there.stderr and "Traceback" not in there.stderr
    written = sorted((folder / "spark").iterdir())
    assert [path.name for path in written] == sorted([*(f"{name}.parquet" for name in TABLES), "run.json"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


def test_a_copied_sentence_is_marked(commanded):
    folder, _, _ = commanded
    copied = {row["note_id"]: row["copied_from"] for row in table(folder / "spark", "facts") if row["copied_from"]}
    assert copied == {"copy": "more"}


def test_the_commands_that_follow_take_the_run(commanded, tmp_path):
    folder, _, _ = commanded
    assert cli.run(["explain", str(folder / "spark"), "--patient", "p9", "--criterion", "I2"]) == 0
    assert cli.run(["export", str(folder / "spark"), "--to", "omop", "--out", str(tmp_path / "omop")]) == 0
    again = ["extract", str(folder / "notes"), "--since", str(folder / "spark"), "--out", str(tmp_path / "n")]
    assert cli.run([*again, "--workers", "1"]) == 5
    assert (tmp_path / "n" / "facts.parquet").read_bytes() == (folder / "spark" / "facts.parquet").read_bytes()
    assert told(tmp_path / "n")["since"]["carried"] > 0


@needs_spark
def test_workers_run_the_python_of_the_command(session):
    def executable(batches):
        yield from (pa.RecordBatch.from_pylist([{"name": sys.executable}]) for _ in batches)

    assert {row.name for row in session.range(1).mapInArrow(executable, "name string").collect()} == {sys.executable}


# --- notes that fail ---------------------------------------------------------------------------------------------------

FAILING = ("RAISE-WITH-TEXT", "NEVER-END", "KILL-THE-WORKER", "RUNAWAY", "EXHAUST-MEMORY")


@pytest.fixture
def failing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(STAND_IN))
    lines = [f"p{i % 3},n{i:02},2026-03-{i + 1:02},Clinic,ECOG {i % 4} {word}\n"
             for i, word in enumerate((*FAILING, "", "", "", ""))]  # fmt: skip
    path = tmp_path / "notes.csv"
    path.write_text(HEADER + "".join(lines))
    return path


@needs_spark
def test_a_note_that_fails_is_set_aside_and_the_job_goes_on(session, failing, tmp_path):
    local.screen(failing, trial=TRIAL, out=tmp_path / "local", workers=1, engine=STANDING_IN, note_seconds=1.0)
    done = spark_run.screen(
        "local[2]", [TRIAL], None, notes=str(failing), out=str(tmp_path / "spark"), engine=STANDING_IN, note_seconds=1.0
    )
    assert done.data["counts"]["notes"] == {"error": 5, "ok": 4}
    for name in TABLES:
        assert table(tmp_path / "spark", name) == table(tmp_path / "local", name)
    assert "NEVER-END" not in (tmp_path / "spark" / "run.json").read_text()


def test_the_child_that_reads_is_started_again(monkeypatch):
    monkeypatch.syspath_prepend(str(STAND_IN))
    reading = spark_worker.Reading(Settings(engine=STANDING_IN, note_seconds=0.5))
    rows = [NoteRow("s", i, "p", f"n{i}", None, "", f"ECOG 1 {word}") for i, word in enumerate(("", *FAILING, ""))]
    facts, lines = reading.read(rows)
    assert [line["status"] for line in lines] == ["ok", *["error"] * 5, "ok"]
    assert [line["error"] for line in lines][1:4] == ["ValueError", "NoteTimeout", "WorkerDied"]
    assert [cells[0] for cells in facts] == [0, 6]
    assert len(reading.read(rows[:1])[0]) == 1


def test_a_child_that_cannot_start_stops_the_job(monkeypatch):
    monkeypatch.syspath_prepend(str(STAND_IN))
    batch = pa.RecordBatch.from_pylist([{"seq": 0, "note_id": "n", "status": "ok"}], schema=spark_worker.ROWS)
    with pytest.raises(ExtractorError) as raised:
        list(spark_worker.read_rows(iter([batch]), Settings(engine="stand_in_engine:Broken")))
    assert "SECRETWORD" not in str(raised.value)


# --- frames ------------------------------------------------------------------------------------------------------------


@needs_spark
def test_a_frame_with_omop_names_and_types(session, tmp_path):
    """Whole numbers, a timestamp and null texts of a table of the cluster; undated notes are no copies."""
    moment = datetime.datetime(2026, 1, 9, 9, 30)
    rows = [(1, 11, moment, "Note", f"64-year-old woman. {SENTENCE} ECOG 1."), (1, 12, None, "Note", f"{SENTENCE} ECOG 2."),
            (2, 13, moment, None, None), (None, 14, moment, "Note", "ECOG 1."), (2, 13, moment, "x", "ECOG 3.")]  # fmt: skip
    columns = "person_id bigint, note_id int, note_datetime timestamp_ntz, note_title string, BODY string"
    frame = session.createDataFrame(rows, columns)
    names = [part.split()[0] for part in columns.split(", ")]
    path = tmp_path / "notes.parquet"
    pq.write_table(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), path)
    local.screen(path, trial=TRIAL, out=tmp_path / "local", index_date=INDEX, workers=1, columns={"text": "BODY"})
    tables = on_spark.screen(frame, trial=TRIAL, index_date=INDEX, columns={"text": "BODY"})
    for name in TABLES:
        found = getattr(tables, name)
        names = [c for c in pq.read_schema(tmp_path / "local" / f"{name}.parquet").names if c not in ("source", "row")]
        assert [c for c in found.columns if c not in ("source", "row")] == names
        wanted = sorted(repr(row) for row in table(tmp_path / "local", name, names))
        assert sorted(repr(row.asDict()) for row in found.select(*names).collect()) == wanted
    assert {row.error for row in tables.notes.collect()} == {
        None,
        "no patient_id",
        "doubled note_id (allowed: once in the input)",
    }


@needs_spark
def test_addresses_are_read_and_written_by_spark(session, tmp_path, capfd):
    """In and out as ``file:/…``, with a site's own patterns and trial file, which travel with the job."""
    notes = tmp_path / "notes.csv"
    notes.write_text(
        'SUBJ,note_id,note_date,BODY\np,n,2026-01-09,"ECOG 1,\nHaptoglobin ""1.2 g/L"". Haptoglobin 1.4 g/L"\np,m,soon,x\n'
    )
    overlay = tmp_path / "site"
    (overlay / "labs").mkdir(parents=True)
    (overlay / "labs" / "ours.toml").write_text(SITE_PATTERN, encoding="utf-8")
    trial = tmp_path / "own.toml"
    trial.write_bytes((patterns.root() / "trials" / f"{TRIAL}.toml").read_bytes())
    out = f"file:{tmp_path}/out"
    command = ["screen", f"file:{notes}", "--columns", "patient_id=SUBJ,text=BODY", "--overlay", str(overlay),
               "--trial", str(trial), "--index-date", INDEX, "--engine", "spark", "--out", out]  # fmt: skip
    assert cli.run(command) == 5
    assert "1 notes failed" in capfd.readouterr().err
    here = ["screen", str(notes), *command[2:-4], "--out", str(tmp_path / "local"), "--workers", "1"]
    assert cli.run(here) == 5
    for name in TABLES:
        columns = [c for c in pq.read_schema(tmp_path / "local" / f"{name}.parquet").names if c != "row"]
        found = table(tmp_path / "out", name, columns)
        assert sorted(map(repr, found)) == sorted(map(repr, table(tmp_path / "local", name, columns)))
    known = told(tmp_path / "local")
    data = told(tmp_path / "out")
    assert {key: data[key] for key in ("counts", "evaluation", "patterns")} == {
        key: known[key] for key in ("counts", "evaluation", "patterns")
    }
    assert data["input"]["digest"] == known["input"]["digest"]
    assert "haptoglobin" in {row["concept"] for row in table(tmp_path / "out", "facts")}
    assert not (tmp_path / "out" / ".work").exists()
    capfd.readouterr()
    assert cli.run(command) == 2
    assert (
        capfd.readouterr().err == f"extractor: --out {out}: is there already (expected an address where nothing is)\n"
    )
    assert cli.run(["screen", f"file:{tmp_path}/none.csv", *command[2:-1], f"{out}2"]) == 3
    assert "cannot be read (PATH_NOT_FOUND)" in capfd.readouterr().err


@needs_spark
def test_the_examples_of_the_page(session, tmp_path):
    page = Path(__file__).parent.parent / "docs" / "spark.md"
    if not page.is_file():
        pytest.skip("no checkout")
    job, notebook = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for name in ("omop", "clinic", "screening"):
        session.sql(f"CREATE DATABASE {name} LOCATION 'file:{tmp_path}/{name}'")
    rows = [(1, 11, datetime.date(2026, 1, 9), "Note", f"{SENTENCE} ECOG 1.")]
    omop = "person_id bigint, note_id bigint, note_date date, note_title string, note_text string"
    session.createDataFrame(rows, omop).write.saveAsTable("omop.note")
    ours = "patient_id string, note_id string, note_date date, note_type string, text string"
    session.createDataFrame([("1", "11", *rows[0][2:])], ours).write.saveAsTable("clinic.notes")
    try:
        exec(job.replace("hdfs:///screening/2026-03-02", f"file:{tmp_path}/out"), {})
        exec(notebook.replace("dbfs:/tmp/screening", f"file:{tmp_path}/scratch"), {"spark": session})
        assert [row.decision for row in session.table("screening.patients").collect()]
        assert {row["concept"] for row in table(tmp_path / "out", "facts")} >= {"ecog", "carboplatin"}
        assert session.table("screening.criteria").count() == len(table(tmp_path / "out", "criteria"))
    finally:
        for name in ("omop", "clinic", "screening"):
            session.sql(f"DROP DATABASE {name} CASCADE")


def test_packed_files_are_the_same_elsewhere(tmp_path):
    (tmp_path / "labs").mkdir()
    (tmp_path / "labs" / "a.toml").write_bytes(b"x = 1\r\n")
    files = spark_worker.packed(tmp_path)
    assert files == {"labs/a.toml": b"x = 1\r\n"}
    assert spark_worker.packed(spark_worker.unpacked(files)) == files


# --- mistakes ----------------------------------------------------------------------------------------------------------


def command(out: Path, *options: str, notes: Path | None = None) -> list[str]:
    return [
        "screen",
        str(notes or out.parent / "notes.csv"),
        "--trial",
        TRIAL,
        "--out",
        str(out),
        "--engine",
        "spark",
        *options,
    ]


@pytest.fixture
def export(tmp_path):
    (tmp_path / "notes.csv").write_text(HEADER + GOOD)
    return tmp_path


@pytest.mark.parametrize(
    "option", ["--resume", "--since=RUN", "--drop-missing", "--workers=2", "--sql=sqlite://", "--query=x"]
)
def test_options_of_a_local_run_are_refused(export, option, capfd):
    assert cli.run(command(export / "run", option)) == 2
    name = option.partition("=")[0]
    assert capfd.readouterr().err == f"extractor: {name}: not with --engine spark (expected --engine local)\n"
    assert not (export / "run").exists()


def test_without_pyspark_the_message_says_what_to_install(export, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    assert cli.run(command(export / "run")) == 1
    assert capfd.readouterr().err == (
        "extractor: Spark: pyspark is not installed (pip install 'trial-extractor[spark]')\n"
    )


@needs_spark
def test_without_java_the_message_says_what_to_install(export):
    environment = {k: v for k, v in os.environ.items() if k != "JAVA_HOME"}
    environment |= {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "JAVA_HOME": str(export / "nowhere")}
    done = subprocess.run([sys.executable, "-m", "extractor", *command(export / "run")], capture_output=True, text=True,
                          env=environment, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "Java did not start; is Java 17 or later installed" in done.stderr and "Traceback" not in done.stderr


@needs_spark
@pytest.mark.parametrize("scheme", ["spark://", "k8s://https://"])
def test_a_master_that_does_not_answer_is_told_at_once(export, scheme, capfd):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{probe.getsockname()[1]}"
        with pytest.raises(ExtractorError, match="does not answer"):
            on_spark.session(address)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("Could not parse Master URL: 'moon'", "expected local[2], spark://HOST:PORT, yarn or k8s://HOST:PORT"),
        ("either HADOOP_CONF_DIR or YARN_CONF_DIR must be set", "HADOOP_CONF_DIR or YARN_CONF_DIR must be set"),
    ],
)
def test_why_there_is_no_session(problem, said):
    assert said in on_spark._reason(RuntimeError(problem))


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [("note_id,body\nn,x\n", 3, "no column for patient_id"), ("", 3, "the file is empty"), (None, 3, "no such file")],
)
def test_an_export_that_is_none_is_told_before_spark_starts(tmp_path, content, code, said, capfd, monkeypatch):
    monkeypatch.setattr(on_spark, "running", lambda *_, **__: pytest.fail("Spark was started"))
    if content is not None:
        (tmp_path / "notes.csv").write_text(content)
    assert cli.run(command(tmp_path / "run")) == code
    assert said in capfd.readouterr().err


def test_an_out_that_cannot_be_is_told_before_spark_starts(export, capfd, monkeypatch):
    monkeypatch.setattr(on_spark, "running", lambda *_, **__: pytest.fail("Spark was started"))
    (export / "run").write_text("a file")
    assert cli.run(command(export / "run")) == 2
    assert "cannot be" in capfd.readouterr().err
    (export / "cdm.duckdb").touch()
    assert cli.run(command(export / "x", notes=export / "cdm.duckdb")) == 2
    assert "a database is not read with --engine spark" in capfd.readouterr().err


@needs_spark
def test_rows_of_which_none_is_a_note(session, tmp_path, capfd):
    (tmp_path / "notes.csv").write_text(HEADER + ",n,2026-03-16,x,ECOG 1\np,,2026-03-16,x,ECOG 1\n")
    assert cli.run(command(tmp_path / "run")) == 3
    assert "none of its 2 rows can be read as a note" in capfd.readouterr().err
    assert not (tmp_path / "run" / ".work").exists()


def test_an_error_of_a_worker_is_told_in_its_own_words():
    class PythonException(Exception):
        __module__ = "pyspark.errors.exceptions.captured"

    text = (
        f'File "x.py", line 3\n{SECRET}\nextractor.errors.PatternError: labs/a.toml: names: expected a list\n\n\tat org'
    )
    with pytest.raises(PatternError) as raised, on_spark.clear_errors(ExtractorError, "Spark: a job failed"):
        raise PythonException(text)
    assert str(raised.value) == "labs/a.toml: names: expected a list"
    with pytest.raises(ExtractorError, match=r"has no module extractor\.x "), on_spark.clear_errors(UsageError, "x"):
        raise PythonException("ModuleNotFoundError: No module named 'extractor.x'")
    with pytest.raises(UsageError) as raised, on_spark.clear_errors(UsageError, "x"):
        raise PythonException(f"a row: {SECRET}")
    assert str(raised.value) == "x (PythonException)"


def test_an_error_that_is_not_ours_loses_its_words():
    def broken(_batches):
        yield from ()
        raise ValueError(SECRET)

    with pytest.raises(ExtractorError) as raised:
        list(spark_worker.guarded(broken)(iter(())))
    assert SECRET not in str(raised.value) and "ValueError" in str(raised.value)


@needs_spark
def test_unknown_kind_of_file_is_told(session):
    with pytest.raises(InputError, match=r"expected \.csv"):
        on_spark.read_notes(session, "hdfs://name/notes.docx")
