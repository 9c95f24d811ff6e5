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

from extractor.errors import ExtractorError, InputError, UsageError
from extractor.readers import open_source
from extractor.run import Options, chunks_of, extract_run
from extractor.workers import Settings

STAND_IN = Path(__file__).parent / "stand_in"
ENGINE = "stand_in_engine:Engine"
FILES = ("facts.parquet", "support.parquet", "notes.parquet")


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
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from extractor.readers import open_source
from extractor.run import Options, extract_run
from extractor.workers import Settings
if __name__ == "__main__":
    extract_run(open_source(sys.argv[2]), Path(sys.argv[3]), Options(Settings(engine="stand_in_engine:Engine"), workers=2))
"""


@pytest.mark.parametrize("after", [0.4, 1.3, 2.2])
def test_resumed_after_a_kill_the_bytes_are_the_same(tmp_path, after):
    path = write(tmp_path / "n.csv", notes(260, "SLOWLY"))
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    child = subprocess.Popen(
        [sys.executable, str(script), str(STAND_IN), str(path), str(tmp_path / "out")], env=environment
    )
    time.sleep(after)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "out" / "facts.parquet").exists(), "the run was over before it was killed"
    run(path, tmp_path / "out", workers=2, resume=True)
    run(path, tmp_path / "whole", workers=2)
    assert content(tmp_path / "out", FILES) == content(tmp_path / "whole", FILES)


def test_parts_that_are_there_are_not_read_again(tmp_path):
    path = write(tmp_path / "n.csv", [*notes(40), ["p1", "zz", "2026-01-01", "Clinic", "ECOG 1"]])
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


def test_since_gives_the_bytes_of_a_run_over_everything(tmp_path):
    rows = notes(120)
    run(write(tmp_path / "n.csv", rows), tmp_path / "old")
    rows[7][4] = "Changed. ECOG 3"
    rows.append(["p9", "new", "2026-02-02", "Clinic", "ECOG 0"])
    path = write(tmp_path / "n.csv", rows)
    report = run(path, tmp_path / "new", since=tmp_path / "old")
    run(path, tmp_path / "whole")
    assert report.data["since"]["carried"] == 119
    assert content(tmp_path / "new", FILES) == content(tmp_path / "whole", FILES)


@pytest.mark.parametrize(("keep", "expected"), [(True, {"n0000", "n0001", "new"}), (False, {"new"})])
def test_since_with_an_export_of_new_notes_alone(tmp_path, keep, expected):
    run(write(tmp_path / "n.csv", notes(2)), tmp_path / "old")
    path = write(tmp_path / "n.csv", [["p9", "new", "2026-02-02", "Clinic", "ECOG 0"]])
    run(path, tmp_path / "new", since=tmp_path / "old", keep_missing=keep)
    assert {row["note_id"] for row in table(tmp_path / "new", "notes")} == expected
    found = {fact["note_id"] for name in ("facts", "support") for fact in table(tmp_path / "new", name)}
    assert found == expected


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
