"""No word of a note leaves but on request: not on stderr, in logs, tracebacks, messages, run.json or file names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CANARY = "ZEBRAFINCH"
STAND_IN = Path(__file__).parent / "stand_in"
NOTE = f"Mr {CANARY} has small cell lung cancer, ECOG 1. Platelets 142 K/uL. {CANARY}7 mg of cisplatin, no {CANARY}."
HEADER = "patient_id,note_id,note_date,note_type,text\n"


def run(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(STAND_IN), *(p for p in sys.path if p)])}
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "extractor"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, check=False)


def export(folder: Path, *lines: str) -> Path:
    path = folder / "notes.csv"
    path.write_text(HEADER + "".join(line + "\n" for line in lines))
    return path


def test_the_canary_would_be_seen(tmp_path):
    """The measure itself: what is printed is found."""
    assert CANARY in run(code=f"import sys; sys.stderr.write('{CANARY}')").stderr


def test_screen_and_every_command_after_it(tmp_path):
    path = export(tmp_path, f'p1,n1,2026-03-01,Clinic,"{NOTE}"')
    out = tmp_path / "run"
    said = [run("screen", str(path), "--trial", "NCT07016230", "--out", str(out), "--workers", "1")]
    said.append(run("evaluate", str(out), "--trial", "NCT07016230"))
    said.append(run("diff", str(out), str(out)))
    said.append(run("explain", str(out), "--patient", "p1", "--no-text"))
    said.append(run("explain", str(out), "--patient", CANARY.lower()))
    said += [run("export", str(out), "--to", sink) for sink in ("omop", "fhir", "redcap", "duckdb")]
    assert [result.returncode for result in said] == [0, 0, 0, 0, 2, 0, 0, 0, 0]
    for result in said:
        assert CANARY not in result.stderr
        assert CANARY not in result.stdout
    assert CANARY not in (out / "run.json").read_text()
    assert not (out / ".work").exists()
    assert CANARY in run("explain", str(out), "--patient", "p1").stdout  # asked for, on stdout alone


# --- every command, with places of its own for what is left behind --------------------------------------------------------


@pytest.fixture(scope="module")
def traced(tmp_path_factory) -> tuple[Path, list[tuple[str, subprocess.CompletedProcess[str]]]]:
    """Every command, as it works and as it fails, with TMPDIR, HOME and the current folder inside one folder."""
    folder = tmp_path_factory.mktemp("traced")
    for name in ("tmp", "home", "cwd"):
        (folder / name).mkdir()
    notes = export(folder, f'p1,n1,2026-03-01,Clinic,"{NOTE}"', f'p2,n2,soon,Clinic,"{NOTE}"')
    more = folder / "more.csv"
    more.write_text(notes.read_text() + f'p3,n3,2026-03-02,Clinic,"{NOTE}"\n')
    gold = folder / "gold.jsonl"
    gold.write_text(json.dumps({"id": "n1", "text": NOTE, "facts": []}) + "\n" + CANARY + "\n")
    (folder / "site" / "labs").mkdir(parents=True)
    (folder / "site" / "labs" / "ours.toml").write_text('family = "lab"\n[[concept]]\nconcept = 3\n')
    out, trial = str(folder / "run"), ["--trial", "NCT07016230"]
    commands = [
        ["screen", str(notes), *trial, "--out", out, "--workers", "2"],
        ["screen", str(notes), *trial, "--out", out, "--resume"],
        ["screen", str(more), *trial, "--out", str(folder / "since"), "--since", out],
        ["extract", str(notes), "--out", str(folder / "facts"), "--workers", "1"],
        ["extract", str(notes), "--out", str(folder / "bad"), "--columns", "text=BODY"],
        ["extract", str(notes), "--out", str(folder / "bad"), "--overlay", str(folder / "site")],
        ["evaluate", out, *trial, "--strict"],
        ["explain", out, "--patient", "p1", "--no-text"],
        ["report", out, "--out", str(folder / "page.html"), "--no-text"],
        ["report", out, "--out", str(folder / "nowhere" / "page.html")],
        ["score", str(gold), out, "--errors", "9"],
        ["check", "--overlay", str(folder / "site")],
        ["diff", out, str(folder / "since")],
        *(
            ["export", out, "--to", sink, "--out", str(folder / f"out.{sink}")]
            for sink in ("omop", "fhir", "redcap", "duckdb")
        ),
        ["export", out, "--to", "fhir", "--out", str(folder / "hidden"), "--pseudonymize", str(folder / "key")],
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    environment |= {"TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home")}
    said = [
        (" ".join(command[:1]), subprocess.run([sys.executable, "-m", "extractor", *command], capture_output=True, text=True,
                                               env=environment, cwd=folder / "cwd", check=False))
        for command in commands
    ]  # fmt: skip
    return folder, said


def test_no_command_says_a_word_of_a_note(traced):
    from extractor.cli import main

    _, said = traced
    assert {name for name, _ in said} == set(main.commands)
    assert [(name, done.returncode) for name, done in said if "Traceback" in done.stderr] == []
    assert {name for name, done in said if CANARY in (done.stdout + done.stderr).upper()} == set()
    assert {0, 1, 3, 4, 5} <= {done.returncode for _, done in said}  # as they work, and as they fail in each way


def test_nothing_is_left_in_shared_places_and_what_is_written_is_private(traced):
    folder, _ = traced
    left = [p for name in ("tmp", "home", "cwd") for p in (folder / name).rglob("*") if p.is_file()]
    assert [p.name for p in left if CANARY.encode() in p.read_bytes()] == []
    assert [p.name for p in left if p.is_relative_to(folder / "tmp")] == []
    made = [folder / name for name in ("run", "since", "facts", "hidden", "out.omop", "out.fhir", "out.redcap")]
    made += [folder / "out.duckdb", folder / "page.html", folder / "key"]
    open_to_others = [p for top in made for p in [top, *top.rglob("*")] if p.exists() and p.stat().st_mode & 0o077]
    assert open_to_others == []
    assert [top.name for top in made if not top.exists()] in (
        [],
        ["since"],
    )  # no --since while the package is being changed


BROKEN = {
    "quoting": f'p1,n1,,x,"{CANARY} "open"\n',
    "date": f"p1,n1,{CANARY},x,y\n",
    "fields": f"p1,n1,,x,{CANARY},{CANARY}\n",
    "patient": f",n1,,x,{CANARY}\n",
}


@pytest.mark.parametrize("case", BROKEN)
def test_bad_rows(tmp_path, case):
    path = export(tmp_path, BROKEN[case], "p2,good,2026-03-01,x,ECOG 1")
    result = run("extract", str(path), "--out", str(tmp_path / "run"), "--workers", "1")
    assert result.returncode == 5
    import pyarrow.parquet as pq

    errors = pq.read_table(tmp_path / "run" / "notes.parquet", columns=["error"]).to_pylist()
    assert CANARY not in result.stdout + result.stderr + str(errors) + (tmp_path / "run" / "run.json").read_text()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("n.csv", f"{CANARY} one,{CANARY} two\nx,y\n"),
        ("n.csv", f"P0042,N1,{CANARY},{CANARY.lower()}_low\n"),
        ("n.csv", f"patient_id,note_id,{CANARY}\nx,y,z\n"),
        ("n.tsv", f"p\t{CANARY}\tECOG\n"),
        ("n.jsonl", f'{{"patient_id": 1, "{CANARY}": "{CANARY}"}}\n'),
        ("n.parquet", CANARY * 9),
        ("n.jsonl", f"{CANARY}\n"),
        ("n.csv", f"patient_id,note_id,text,text\np,n,{CANARY},x\n"),
    ],
)
def test_inputs_that_are_none(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    result = run("extract", str(tmp_path / name), "--out", str(tmp_path / "run"))
    assert result.returncode == 3
    assert "Traceback" not in result.stderr
    assert CANARY not in (result.stdout + result.stderr).upper()


FAILING = """
import sys
from pathlib import Path
from extractor.readers import open_source
from extractor.run import Options, extract_run
from extractor.workers import Settings
if __name__ == "__main__":
    from loguru import logger
    lines = []
    logger.add(lines.append, level=0)
    settings = Settings(engine="stand_in_engine:" + sys.argv[3], note_seconds=0.5)
    report = extract_run(open_source(sys.argv[1]), Path(sys.argv[2]), Options(settings, workers=1))
    print(report.failed)
    sys.stderr.write("".join(map(str, lines)))
"""


def test_notes_that_raise_kill_and_hang(tmp_path):
    lines = [f"p1,{word},2026-03-01,x,{word} {CANARY}" for word in ("RAISE-WITH-TEXT", "KILL-THE-WORKER", "NEVER-END")]
    script = tmp_path / "failing.py"
    script.write_text(FAILING)
    result = run(
        str(export(tmp_path, *lines)), str(tmp_path / "run"), "Engine",
        code=f"import runpy, sys; sys.argv[0] = {str(script)!r}; runpy.run_path({str(script)!r}, run_name='__main__')",
    )  # fmt: skip
    assert (result.returncode, result.stdout) == (0, "3\n")
    assert CANARY not in result.stderr


def test_an_internal_error_shows_no_message(monkeypatch, capfd):
    from extractor import cli, difference

    def fail(*_, **__):
        raise KeyError(CANARY)

    monkeypatch.setattr(difference, "show", fail)
    assert cli.run(["diff", "a", "b"]) == 1
    out, err = capfd.readouterr()
    assert CANARY not in out + err
    assert err.startswith("extractor: internal error: KeyError at test_privacy.py:")


def test_loguru_hears_nothing_of_a_note():
    code = (
        "import datetime, sys\n"
        "from loguru import logger\n"
        "lines = []\n"
        "logger.add(lines.append, level=0)\n"
        "import extractor\n"
        "from extractor.pipeline.engine import Engine\n"
        "from extractor.records import Note\n"
        f"text = {NOTE!r}\n"
        "found = Engine().facts(Note('p', 'n', datetime.date(2026, 3, 1), 'x', text))\n"
        "extractor.load()(text)\n"
        "sys.stderr.write(''.join(map(str, lines)))\n"
        "print(len(found) > 0)\n"
    )
    result = run(code=code)
    assert (result.returncode, result.stdout) == (0, "True\n")
    assert CANARY not in result.stderr


# --- pseudonyms -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def identified(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("identified")
    lines = ["MRN-ALPHA,DOC-ONE,2026-03-01,Clinic,Small cell lung cancer. ECOG 1. Platelets 142 K/uL.",
             "MRN-BETA,DOC-TWO,2026-03-01,Clinic,ECOG 2. No brain metastases."]  # fmt: skip
    path = export(folder, *lines)
    done = run("screen", str(path), "--trial", "NCT07016230", "--out", str(folder / "run"), "--workers", "1")
    assert done.returncode == 0
    return folder / "run"


IDENTIFIERS = (b"MRN-ALPHA", b"MRN-BETA", b"DOC-ONE", b"DOC-TWO")


def _content(path: Path) -> bytes:
    """All that a file says: its bytes, and for packed formats what is in them."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return str(pq.read_table(path).to_pylist()).encode()
    if path.suffix == ".xlsx":
        import zipfile

        with zipfile.ZipFile(path) as book:
            return b"".join(book.read(name) for name in book.namelist())
    if path.suffix == ".duckdb":
        import duckdb

        with duckdb.connect(str(path), read_only=True) as connection:
            names = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
            return str([connection.execute(f"SELECT * FROM {name}").fetchall() for name in names]).encode()
    return path.read_bytes()


@pytest.mark.parametrize("sink", ["omop", "fhir", "redcap", "duckdb", "xlsx"])
def test_a_pseudonymized_export_holds_no_identifier(identified, tmp_path, sink):
    from extractor import cli

    if sink == "xlsx":
        pytest.importorskip("xlsxwriter")
    for name, options in (("plain", []), ("hidden", ["--pseudonymize", str(tmp_path / "key")])):
        out = tmp_path / name / ("x." + sink)
        out.parent.mkdir()
        assert cli.run(["export", str(identified), "--to", sink, "--out", str(out), *options]) == 0
        files = [p for p in out.parent.rglob("*") if p.is_file()]
        there = {word for word in IDENTIFIERS for path in files if word in _content(path)}
        assert bool(there) == (name == "plain")
        assert {path.stat().st_mode & 0o077 for path in files} == {0}
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in identified.iterdir() if "pseudonym" in path.name] == []


def test_pseudonyms_are_stable_for_a_key_and_differ_between_keys(identified, tmp_path):
    from extractor import cli

    (tmp_path / "a").write_text("a" * 64)
    (tmp_path / "b").write_text("b" * 64)
    found = []
    for number, key in enumerate(("a", "a", "b")):
        (tmp_path / key).chmod(0o600)
        out = tmp_path / str(number)
        command = [
            "export",
            str(identified),
            "--to",
            "redcap",
            "--out",
            str(out),
            "--pseudonymize",
            str(tmp_path / key),
        ]
        assert cli.run(command) == 0
        found.append((out / "redcap_import.csv").read_bytes())
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("content", "mode", "words"), [("short", 0o600, "too short"), ("k" * 64, 0o644, "open to other users")]
)
def test_a_key_that_protects_nothing_is_refused(identified, tmp_path, capfd, content, mode, words):
    from extractor import cli

    (tmp_path / "key").write_text(content)
    (tmp_path / "key").chmod(mode)
    command = [
        "export",
        str(identified),
        "--to",
        "fhir",
        "--out",
        str(tmp_path / "o"),
        "--pseudonymize",
        str(tmp_path / "key"),
    ]
    assert cli.run(command) == 2
    assert words in capfd.readouterr().err


def test_the_html_report_without_text_holds_no_word_of_a_note(tmp_path):
    path = export(tmp_path, f'p1,n1,2026-03-01,Clinic,"{NOTE}"')
    done = run("screen", str(path), "--trial", "NCT07016230", "--out", str(tmp_path / "run"), "--workers", "1")
    assert done.returncode == 0
    done = run("report", str(tmp_path / "run"), "--out", str(tmp_path / "page.html"), "--no-text")
    assert (done.returncode, CANARY in done.stdout + done.stderr) == (0, False)
    assert CANARY not in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert (tmp_path / "page.html").stat().st_mode & 0o077 == 0
