"""The batch: same bytes whatever the workers and the order, nothing lost, resumed after a kill, incremental."""

from __future__ import annotations

import csv
import datetime
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from extractor import workers as workers_module
from extractor.errors import ExtractorError, InputError, UsageError
from extractor.readers import open_source
from extractor.run import Options, chunks_of, extract_run, screen
from extractor.workers import NoteTimeout, Settings, _limited, _watch_time
from extractor.writers import parts

STAND_IN = Path(__file__).parent / "stand_in"
ENGINE = "stand_in_engine:Engine"
FILES = ("facts.parquet", "support.parquet", "notes.parquet")
DECIDED = (*FILES, "criteria.parquet", "patients.parquet")


@pytest.fixture(autouse=True)
def _engine(monkeypatch):
    monkeypatch.syspath_prepend(str(STAND_IN))


def notes(count: int, word: str = "") -> list[list[str]]:
    first = datetime.date(2026, 1, 1)
    return [
        [f"p{i % 7}", f"n{i:04}", str(first + datetime.timedelta(days=i % 40)), "support" if i % 5 == 0 else "Clinic",
         f"Visit {i}. ECOG {i % 3} {word}"]
        for i in range(count)
    ]  # fmt: skip


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["patient_id", "note_id", "note_date", "note_type", "text"])
        writer.writerows(rows)
    return path


def run(path: Path, out: Path, *, workers: int = 1, seconds: float = 30.0, engine: str = ENGINE, **options):
    settings = Settings(engine=engine, note_seconds=seconds)
    return extract_run(open_source(path), out, Options(settings, workers=workers, **options))


def screened(path: Path, out: Path, **options):
    return screen(path, trial="NCT07016230", out=out, workers=1, engine=ENGINE, **options)


def content(out: Path, names=FILES[:2]) -> list[bytes]:
    return [(out / name).read_bytes() for name in names]


def table(out: Path, name: str) -> list[dict]:
    return pq.read_table(out / f"{name}.parquet").to_pylist()


def test_same_bytes_for_any_workers_and_any_order(tmp_path):
    rows = notes(300)
    rows.append(list(rows[3]))  # a doubled note
    rows.append([rows[4][0], rows[4][1], rows[4][2], rows[4][3], "another text, ECOG 9"])
    found = []
    for workers in (1, 2, 3):
        random.Random(workers).shuffle(rows)
        run(write(tmp_path / "n.csv", rows), tmp_path / str(workers), workers=workers)
        found.append(content(tmp_path / str(workers)))
    assert found[0] == found[1] == found[2]
    counted = [sum(pq.read_metadata(tmp_path / "1" / name).num_rows for name in FILES[:2])]
    assert counted == [300]


def test_all_workers_start_at_once(tmp_path, monkeypatch):
    events = []

    class Told(workers_module._Worker):
        def __init__(self, *args):
            events.append("start")
            super().__init__(*args)

        def give(self, task):
            events.append("give")
            super().give(task)

    monkeypatch.setattr(workers_module, "_Worker", Told)
    run(write(tmp_path / "n.csv", notes(100)), tmp_path / "out", workers=3)
    assert events[:4] == ["start", "start", "start", "give"]


def test_every_row_has_its_line(tmp_path):
    rows = [
        ["p1", "ok", "2026-01-02", "Clinic", "ECOG 1"],
        ["p1", "raises", "2026-01-03", "Clinic", "RAISE-WITH-TEXT ECOG 1"],
        ["p1", "kills", "2026-01-03", "Clinic", "KILL-THE-WORKER ECOG 1"],
        ["p1", "hangs", "2026-01-03", "Clinic", "NEVER-END"],
        ["p1", "memory", "2026-01-03", "Clinic", "EXHAUST-MEMORY"],
        ["p1", "empty", "2026-01-03", "Clinic", ""],
        ["", "nobody", "2026-01-03", "Clinic", "ECOG 1"],
        ["p2", "ok", "2026-01-03", "Clinic", "ECOG 2"],
    ]
    report = run(write(tmp_path / "n.csv", rows), tmp_path / "out", seconds=0.5)
    lines = {(row["note_id"], row["patient_id"]): (row["status"], row["error"], row["n_facts"]) for row in
             table(tmp_path / "out", "notes")}  # fmt: skip
    assert lines == {
        ("ok", "p1"): ("ok", None, 1),
        ("raises", "p1"): ("error", "ValueError", 0),
        ("kills", "p1"): ("error", "WorkerDied", 0),
        ("hangs", "p1"): ("error", "NoteTimeout", 0),
        ("memory", "p1"): ("error", "MemoryError", 0),
        ("empty", "p1"): ("empty", None, 0),
        ("nobody", ""): ("rejected", "no patient_id", 0),
        ("ok", "p2"): ("rejected", "doubled note_id (allowed: once in the input)", 0),
    }
    assert report.failed == 6
    assert [fact["note_id"] for fact in table(tmp_path / "out", "facts")] == ["ok"]


def test_a_note_that_waits_for_a_busy_machine_is_not_late():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGPROF, signal.SIGALRM)}
    _watch_time()
    try:
        with _limited(0.1):
            time.sleep(0.3)
        with pytest.raises(NoteTimeout), _limited(0.1):
            while True:
                pass
        with pytest.raises(NoteTimeout), _limited(0.01):
            time.sleep(60)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_copied_sentences_name_the_first_note(tmp_path):
    rows = [
        ["p1", "c", "2026-03-03", "Clinic", "ECOG 1"],
        ["p1", "a", "2026-01-01", "Clinic", "ECOG 1"],
        ["p1", "b", "2026-01-01", "Clinic", "ECOG 1"],
        ["p1", "d", "2026-02-02", "Clinic", "ECOG 2"],
        ["p2", "e", "2026-05-05", "Clinic", "ECOG 1"],
    ]
    run(write(tmp_path / "n.csv", rows), tmp_path / "out")
    found = {fact["note_id"]: fact["copied_from"] for fact in table(tmp_path / "out", "facts")}
    assert found == {"a": None, "b": None, "c": "a", "d": None, "e": None}


def test_files_are_private_and_nothing_is_left_over(tmp_path):
    run(write(tmp_path / "n.csv", notes(3)), tmp_path / "out")
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == dict.fromkeys(
        (*FILES, "run.json"), 0o600
    )
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


KILLED = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from extractor import evaluation, run
from extractor.writers import parts

def told(module, name, phase):
    function = getattr(module, name)
    def told_function(*args, **options):
        print(phase, flush=True)
        return function(*args, **options)
    setattr(module, name, told_function)

def slow(source, target, replace=os.replace):
    time.sleep(0.1)  # before a file appears under its name
    replace(source, target)

if __name__ == "__main__":
    told(run, "run_chunks", "extract")
    told(parts, "merge", "merge")
    told(evaluation, "evaluate_run", "evaluate")
    os.replace = slow
    run.screen(
        sys.argv[2], trial="NCT07016230", out=sys.argv[3], workers=2, resume=True, engine="stand_in_engine:Engine"
    )
"""

#: for each phase how often it is killed, and within how many seconds of its beginning; it lasts longer than that
PHASES = {"extract": (4, 1.4), "merge": (3, 0.35), "evaluate": (3, 0.25)}


def killed(script: Path, path: Path, out: Path, phase: str, after: float) -> int:
    """Starts or resumes a run in a process of its own and ends it with kill -9 in that phase; its exit code."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, str(script), str(STAND_IN), str(path), str(out)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if line.strip() == phase:
                time.sleep(after)
                child.kill()
                break
    return child.returncode


def test_killed_at_ten_random_moments_the_bytes_are_the_same(tmp_path):
    path = write(tmp_path / "n.csv", notes(300, "SLOWLY"))
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    whole = screened(path, tmp_path / "whole")
    draw = random.Random(20261126)
    for phase, (times, span) in PHASES.items():
        for _ in range(times):
            code = killed(script, path, tmp_path / "out", phase, draw.uniform(0, span))
            assert code == -signal.SIGKILL, f"the run was over before it was killed ({phase})"
            assert not (tmp_path / "out" / "patients.parquet").exists() or phase == "evaluate"
    found = screened(path, tmp_path / "out", resume=True)
    assert content(tmp_path / "out", DECIDED) == content(tmp_path / "whole", DECIDED)
    for key in ("counts", "evaluation"):
        assert found.data[key] == whole.data[key]
    assert {item.name for item in (tmp_path / "out").iterdir()} == {*DECIDED, "run.json"}


def test_parts_that_are_there_are_not_read_again(tmp_path, monkeypatch):
    path = write(tmp_path / "n.csv", notes(150))
    out, log = tmp_path / "out", tmp_path / "log"

    def full(*_, **__):
        raise ExtractorError("no space for the merge")

    with monkeypatch.context() as patched, pytest.raises(ExtractorError, match="no space"):
        patched.setattr(parts, "merge", full)
        run(path, out)
    (out / ".facts.parquet.1.tmp").write_bytes(b"half")  # of a process that was killed
    parts.path_of(out / ".work" / "parts", 1, "notes").unlink()  # was not finished
    parts.path_of(out / ".work" / "parts", 3, "facts").write_bytes(b"")
    parts.path_of(out / ".work" / "parts", 3, "notes").write_bytes(b"")  # a disk that lost it
    monkeypatch.setenv("STAND_IN_LOG", str(log))
    run(path, out, resume=True)
    read = [*range(32, 64), *range(96, 128)]
    assert sorted(log.read_text().split()) == [f"n{number:04}" for number in read]
    run(path, tmp_path / "whole")
    assert content(out, FILES) == content(tmp_path / "whole", FILES)
    assert {item.name for item in out.iterdir()} == {*FILES, "run.json"}


def test_parts_of_other_settings_are_not_used(tmp_path):
    path = write(tmp_path / "n.csv", notes(40))
    with pytest.raises(ExtractorError, match="cannot be built"):
        run(path, tmp_path / "out", engine="stand_in_engine:Broken")
    with pytest.raises(UsageError, match="begun with another settings"):
        run(path, tmp_path / "out", resume=True)


def test_a_complete_run_is_resumed_without_work(tmp_path):
    path = write(tmp_path / "n.csv", notes(5))
    run(path, tmp_path / "out")
    before = (tmp_path / "out" / "facts.parquet").stat().st_mtime_ns
    assert run(path, tmp_path / "out", resume=True).data["counts"]["notes"] == {"ok": 5}
    assert (tmp_path / "out" / "facts.parquet").stat().st_mtime_ns == before
    write(path, notes(6))
    with pytest.raises(UsageError, match="begun with another source"):
        run(path, tmp_path / "out", resume=True)


def test_since_gives_the_bytes_of_a_run_over_everything(tmp_path, monkeypatch):
    rows = notes(120)
    run(write(tmp_path / "n.csv", rows), tmp_path / "old")
    rows[7][4] = "Changed. ECOG 3"
    rows.append(["p9", "new", "2026-02-02", "Clinic", "ECOG 0"])
    path = write(tmp_path / "n.csv", rows)
    monkeypatch.setenv("STAND_IN_LOG", str(tmp_path / "log"))
    report = run(path, tmp_path / "new", since=tmp_path / "old")
    assert sorted((tmp_path / "log").read_text().split()) == ["n0007", "new"]
    run(path, tmp_path / "whole")
    assert report.data["since"] == {
        "run": str(tmp_path / "old"), "carried": 119, "kept": 0, "new": 1, "changed": 1, "removed": 0, "patients": 2
    }  # fmt: skip
    assert content(tmp_path / "new", FILES) == content(tmp_path / "whole", FILES)


def test_since_decides_only_touched_patients_anew_and_lists_what_changed(tmp_path, monkeypatch):
    from extractor import trials

    rows = [row for row in notes(60) if int(row[1][1:]) % 7 < 6]  # p0 to p5
    rows += [["p7", "alone", "2026-02-02", "Clinic", "ECOG 1"], ["p8", "=2+3", "2026-02-02", "Clinic", "ECOG 1"]]
    screened(write(tmp_path / "n.csv", rows), tmp_path / "old")
    by_id = {row[1]: row for row in rows}
    by_id["n0000"][4] = "Changed. ECOG 3"  # p0
    by_id["n0001"][2] = "2026-03-03"  # p1: another date
    by_id["n0002"][0] = "p3"  # from p2 to p3
    rows.append(["p6", "new", "2026-02-02", "Clinic", "ECOG 0"])
    rows = [row for row in rows if row[1] not in ("alone", "=2+3")]  # all of p7 and p8
    random.Random(1).shuffle(rows)
    path = write(tmp_path / "n.csv", rows)
    evaluate, decided = trials.evaluate, set()

    def counted(facts, **options):
        decided.update(options["notes"]["patient_id"])
        return evaluate(facts, **options)

    with monkeypatch.context() as patched:
        patched.setattr(trials, "evaluate", counted)
        found = screened(path, tmp_path / "new", since=tmp_path / "old", keep_missing=False)
    whole = screened(path, tmp_path / "whole")
    assert decided == {"p0", "p1", "p2", "p3", "p6"}
    assert content(tmp_path / "new", DECIDED) == content(tmp_path / "whole", DECIDED)
    assert {**found.data["evaluation"], "taken_over": None} == {**whole.data["evaluation"], "taken_over": None}
    assert found.data["evaluation"]["taken_over"] == 2
    with (tmp_path / "new" / "changes.csv").open(newline="", encoding="utf-8") as file:
        assert [row[:3] for row in csv.reader(file)] == [
            ["change", "patient_id", "note_id"],
            ["changed", "p0", "n0000"],
            ["changed", "p1", "n0001"],
            ["removed", "p2", "n0002"],
            ["new", "p3", "n0002"],
            ["new", "p6", "new"],
            ["removed", "p7", "alone"],
            ["removed", "p8", "'=2+3"],
        ]
    assert (tmp_path / "new" / "changes.csv").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("keep", "expected"), [(True, {"n0000", "n0001", "new"}), (False, {"new"})])
def test_since_with_an_export_of_new_notes_alone(tmp_path, keep, expected):
    run(write(tmp_path / "n.csv", notes(2)), tmp_path / "old")
    path = write(tmp_path / "n.csv", [["p9", "new", "2026-02-02", "Clinic", "ECOG 0"]])
    run(path, tmp_path / "new", since=tmp_path / "old", keep_missing=keep)
    assert {row["note_id"] for row in table(tmp_path / "new", "notes")} == expected
    found = {fact["note_id"] for name in ("facts", "support") for fact in table(tmp_path / "new", name)}
    assert found == expected


def test_a_merge_that_needs_more_memory_gets_it(tmp_path, monkeypatch):
    path = write(tmp_path / "n.csv", notes(120))
    run(path, tmp_path / "whole")
    asked = []

    def recorded(*args, merge=parts._merge):
        asked.append(args[3])
        return merge(*args)

    monkeypatch.setattr(parts, "_merge", recorded)
    monkeypatch.setattr(parts, "MERGE_MEMORY", ("1MB", "512MB"))
    run(path, tmp_path / "out")
    assert asked == ["1MB", "512MB"]
    assert content(tmp_path / "out", FILES) == content(tmp_path / "whole", FILES)


def test_no_row_that_is_a_note(tmp_path):
    path = write(tmp_path / "n.csv", [["", "n1", "", "", "ECOG 1"]])
    with pytest.raises(InputError, match="none of its 1 rows can be read as a note"):
        run(path, tmp_path / "out")
    assert [row["status"] for row in table(tmp_path / "out", "notes")] == ["rejected"]


def test_no_notes_at_all(tmp_path):
    assert run(write(tmp_path / "n.csv", []), tmp_path / "out").data["counts"]["notes"] == {}
    assert table(tmp_path / "out", "facts") == []


def test_out_inside_the_notes_folder_is_refused(tmp_path):
    write(tmp_path / "n.csv", notes(1))
    with pytest.raises(UsageError, match="lies inside the folder of the notes"):
        run(tmp_path, tmp_path / "out")


def test_a_folder_that_cannot_be_written(tmp_path):
    path = write(tmp_path / "n.csv", notes(1))
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        run(path, tmp_path / "file")


def test_a_full_disk_is_said_and_leaves_no_file(tmp_path, monkeypatch):
    from extractor.writers import parquet

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet.os, "replace", full)
    with pytest.raises(ExtractorError, match=r"x.json: cannot be written \(No space left on device\)"):
        parquet.write_json(tmp_path / "x.json", {})
    assert list(tmp_path.iterdir()) == []


def test_chunks_depend_on_the_rows_alone(tmp_path):
    source = open_source(write(tmp_path / "n.csv", notes(500)))
    chunks = list(chunks_of(source.rows()))
    assert [len(chunk.rows) for chunk in chunks] == [32, 32, 32, 32, 64, 64, 64, 64, 116]
    assert [chunk.first for chunk in chunks] == [0, 32, 64, 96, 128, 192, 256, 320, 384]
