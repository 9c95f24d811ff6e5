"""No word of a note leaves but on request: not on stderr, in logs, tracebacks, messages, run.json or file names."""

from __future__ import annotations

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
    if content.startswith(f"{CANARY} one"):  # what looks like column names is told
        return
    assert CANARY not in result.stdout + result.stderr


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
