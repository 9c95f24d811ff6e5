"""Bad input through the command line: what a person is told, what is kept, and that the rest goes on.

``docs/bad-input.md`` is the table of what is tried here; a test holds the two together.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from extractor import cli

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = Path(__file__).parent / "stand_in"
HEADER = "patient_id,note_id,note_date,note_type,text\n"
GOOD = "p9,good,2026-03-16,Clinic,ECOG 1. Platelets 142 K/uL.\n"
CANARY = "ZEBRAFINCH"
OUTPUTS = ("facts.parquet", "support.parquet", "notes.parquet")


def extract(source: Path, out: Path, *options: str, capfd=None) -> tuple[int, str]:
    """Exit code and what stood on stderr."""
    code = cli.run(["extract", str(source), "--out", str(out), "--workers", "1", *options])
    err = capfd.readouterr().err if capfd else ""
    assert "Traceback" not in err
    assert CANARY not in err
    return code, err


def lines(out: Path) -> dict[str, tuple[str, str | None]]:
    """Status and reason of each row, by file and row."""
    rows = pq.read_table(out / "notes.parquet").to_pylist()
    return {f"{row['source']}:{row['row']}": (row["status"], row["error"]) for row in rows}


def facts(out: Path) -> list[dict]:
    return pq.read_table(out / "facts.parquet").to_pylist()


def table(*rows: list[str], delimiter: str = ",") -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(HEADER.strip().split(","))
    writer.writerows(rows)
    return buffer.getvalue()


# --- one folder of files with everything that can be wrong with a row or a file ---------------------------------------

MIXED = (
    HEADER.encode()
    + "p1,u8,2026-03-16,x,Größe. ECOG 1\n".encode()
    + "p1,w1252,2026-03-16,x,Größe. ECOG 2\n".encode("cp1252")
)
RTL = "\u202bחולה\u202c ECOG 1; e\u0301cog\u0301; \U0001f9ec Platelets\u00a0142\u202fK/uL \u0645\u0631\u064a\u0636 Hb 9.1 g/dL"
BIDI = "\u2067طبيب\u2069 النتيجة: ECOG 2. \u200fCreatinine 1.1 mg/dL."
COMBINED = "Cafe\u0301 a\u030a\u0323. Na\u0308chste: ECOG 1. Platelets 99 K/uL (\ufb01nal)."
DATE_REASON = "note_date cannot be read (allowed: YYYY-MM-DD, YYYYMMDD, DD-Mon-YYYY, or --date-order dmy|mdy)"


@dataclass(frozen=True)
class Folder:
    out: Path
    code: int
    said: str


def _files(folder: Path) -> None:
    (folder / "cp1252.csv").write_bytes((HEADER + "p1,c1,2026-03-16,x,Größe – “stabil”. ECOG 1\n").encode("cp1252"))
    (folder / "utf16.csv").write_bytes((HEADER + "p1,c2,2026-03-16,x,Größe. ECOG 1\n").encode("utf-16"))
    (folder / "utf16le.csv").write_bytes((HEADER + "p1,c3,2026-03-16,x,Größe. ECOG 1\n").encode("utf-16-le"))
    (folder / "mixed.csv").write_bytes(MIXED)
    (folder / "bom.csv").write_bytes(b"\xef\xbb\xbf" + (HEADER + "p1,b1,2026-03-16,x,ECOG 1\n").encode())
    (folder / "controls.csv").write_bytes(
        (
            HEADER + "p1,k1,2026-03-16,x,ECOG\x00 1 \x07 and\x1b[31m so on and on with no new complaints. ECOG 2\x0b\n"
        ).encode()
        + (HEADER.replace(HEADER, "") + "p1,k2,2026-03-16,x," + "\x00\x01\x02\x03" * 40 + "\n").encode()
    )
    (folder / "quoting.csv").write_text(
        HEADER + 'p1,q1,2026-03-16,x,"said "well" today"\n' + 'p1,q2,2026-03-16,x,"open\nECOG 3\n'
        "p2,q3,2026-03-16,x,ECOG 2\n" + "p1,q4,2026-03-16,x,one, two\n" + "p1,q5\n"
    )
    (folder / "doubled.csv").write_text(
        HEADER + "p1,d1,2026-03-16,x,ECOG 1\np1,d1,2026-03-16,x,ECOG 2\np2,d2,2026-03-16,x,ECOG 1\n"
    )
    (folder / "dates.csv").write_text(
        HEADER + "p1,t1,soon,x,ECOG 1\np1,t2,2026-02-31,x,ECOG 1\np1,t3,03/04/2026,x,ECOG 1\n"
        "p1,t4,9999-99-99,x,ECOG 1\np1,t5,,x,ECOG 1\n"
    )
    (folder / "empty.csv").write_text(HEADER + 'p1,e1,2026-03-16,x,\np1,e2,2026-03-16,x,"  \n\t"\n')
    (folder / "nobody.csv").write_text(HEADER + ",i1,2026-03-16,x,ECOG 1\np1,,2026-03-16,x,ECOG 1\n")
    (folder / "script.csv").write_text(
        table(["p3", "rtl", "2026-03-16", "x", RTL], ["p3", "bidi", "2026-03-16", "x", BIDI],
              ["p3", "combined", "2026-03-16", "x", COMBINED]), encoding="utf-8",
    )  # fmt: skip
    (folder / "p4_2026-03-16_visit.html").write_text(
        "<html><head><title>x</title><script>ECOG 4</script></head><body><p>ECOG&nbsp;1</p><!-- ECOG 3 -->"
        "<table><tr><td>Platelets</td><td>142 K/uL</td></tr></table><p>unclosed <b>Hb 9.1 g/dL"
    )
    (folder / "p4_2026-03-16_report.rtf").write_text(
        r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 ECOG 4;}}{\*\generator ECOG 3;}ECOG 1\par Gr\'f6\'dfe. Platelets 142 K/uL {"
    )
    (folder / "p5_..%2f..%2f_2026-03-16_x.txt").write_text("ECOG 1")
    (folder / "_hidden.csv").write_text(HEADER + "p1,h1,2026-03-16,x,ECOG 1\n")
    (folder / "-rf 'x'; $(touch pwned) %s {0}.txt").write_text("ECOG 1")
    os.close(os.open(os.fsencode(folder) + b"/p\xff\xfe_2026-03-16_x.txt", os.O_CREAT | os.O_WRONLY))
    (folder / "p6").mkdir()
    (folder / "p6" / "2026-03-16_line\nbreak.txt").write_text("ECOG 1")
    (folder / "loop").symlink_to(folder)
    (folder / "p7_2026-03-16_link.txt").symlink_to(ROOT / "README.md")
    (folder / "p8_2026-03-16_dangling.txt").symlink_to("/nonexistent/file")
    pq.write_table(
        pa.table(
            {
                "PERSON_ID": pa.array([7.0, 7.0, None, 7.5]),
                "note_id": pa.array([71, 72, 73, 74], pa.int16()),
                "note_datetime": pa.array(
                    [datetime.datetime(2026, 3, 16, 9)] * 4, pa.timestamp("ns", tz="Europe/Berlin")
                ),
                "note_title": pa.array(["a", "a", "b", "b"]).dictionary_encode(),
                "note_text": pa.array(
                    [b"ECOG 1", "Gr\xf6\xdfe. ECOG 2".encode("cp1252"), b"x", b"y"], pa.large_binary()
                ),
            }
        ),
        folder / "odd.parquet",
    )
    (folder / "lines.jsonl").write_text(
        json.dumps({"patient_id": 1, "note_id": "j1", "note_date": "2026-03-16", "text": "ECOG 1 \ud800"})
        + "\n[1]\nnot json\n" + json.dumps({"patient_id": "p1", "note_id": ["j2"], "text": "ECOG 1"}) + "\n"
        + json.dumps({"patient_id": "p1", "note_id": "j3", "text": {"a": 1}}) + "\n"
    )  # fmt: skip


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Folder:
    """All bad files beside a good one in a folder, read in one run."""
    folder = tmp_path_factory.mktemp("hostile")
    notes = folder / "notes"
    notes.mkdir()
    _files(notes)
    (notes / "good.csv").write_text(HEADER + GOOD)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-m", "extractor", "extract", str(notes), "--out", str(folder / "run"), "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert "Traceback" not in done.stderr
    assert not (folder / "pwned").exists()
    return Folder(folder / "run", done.returncode, done.stdout + done.stderr)


ROWS: dict[str, tuple[str, str | None]] = {
    "cp1252.csv:2": ("ok", None),
    "utf16.csv:2": ("ok", None),
    "utf16le.csv:2": ("ok", None),
    "mixed.csv:2": ("ok", None),
    "mixed.csv:3": ("ok", None),
    "bom.csv:2": ("ok", None),
    "controls.csv:2": ("ok", None),
    "controls.csv:3": ("rejected", "text is not text but binary data"),
    "quoting.csv:2": ("rejected", "broken quoting or a wrong number of fields at lines 2 to 4 (expected 5 fields)"),
    "quoting.csv:5": ("ok", None),
    "quoting.csv:6": ("rejected", "row has 6 fields (expected 5, as in the header)"),
    "quoting.csv:7": ("rejected", "row has 2 fields (expected 5, as in the header)"),
    "dates.csv:2": ("rejected", DATE_REASON),
    "dates.csv:3": ("rejected", DATE_REASON),
    "dates.csv:4": ("rejected", "note_date is ambiguous, day or month first (say --date-order dmy or mdy)"),
    "dates.csv:5": ("rejected", DATE_REASON),
    "dates.csv:6": ("ok", None),
    "empty.csv:2": ("empty", None),
    "empty.csv:3": ("empty", None),
    "nobody.csv:2": ("rejected", "no patient_id"),
    "nobody.csv:3": ("rejected", "no note_id"),
    "script.csv:2": ("ok", None),
    "script.csv:3": ("ok", None),
    "script.csv:4": ("ok", None),
    "p4_2026-03-16_visit.html:1": ("ok", None),
    "p4_2026-03-16_report.rtf:1": ("ok", None),
    "p5_..%2f..%2f_2026-03-16_x.txt:1": ("ok", None),
    "-rf 'x'; $(touch pwned) %s {0}.txt:1": ("ok", None),
    "p??_2026-03-16_x.txt:1": ("empty", None),
    "p6/2026-03-16_line\nbreak.txt:1": ("ok", None),
    "p7_2026-03-16_link.txt:1": ("rejected", "symbolic link in the folder (not followed)"),
    "p8_2026-03-16_dangling.txt:1": ("rejected", "symbolic link in the folder (not followed)"),
    "odd.parquet:1": ("ok", None),
    "odd.parquet:2": ("ok", None),
    "odd.parquet:3": ("rejected", "no patient_id"),
    "odd.parquet:4": ("rejected", "patient_id is not an identifier (allowed: text or a whole number)"),
    "lines.jsonl:1": ("ok", None),
    "lines.jsonl:2": ("rejected", "the line is no JSON object"),
    "lines.jsonl:3": ("rejected", "the line is no JSON object"),
    "lines.jsonl:4": ("rejected", "note_id is not an identifier (allowed: text or a whole number)"),
    "lines.jsonl:5": ("rejected", "text is not text but dict"),
    "good.csv:2": ("ok", None),
}


@pytest.mark.parametrize("where", ROWS)
def test_a_row_of_the_folder(hostile, where):
    assert lines(hostile.out)[where] == ROWS[where]


def test_nothing_of_the_folder_is_lost_or_added(hostile):
    found = lines(hostile.out)
    assert sorted(set(found) - set(ROWS)) == ["doubled.csv:2", "doubled.csv:3", "doubled.csv:4"]
    assert sorted(set(ROWS) - set(found)) == []


def test_of_doubled_note_ids_one_stays_and_one_is_rejected(hostile):
    found = lines(hostile.out)
    assert sorted([found["doubled.csv:2"], found["doubled.csv:3"]], key=str) == [
        ("ok", None), ("rejected", "doubled note_id (allowed: once in the input)"),
    ]  # fmt: skip
    assert found["doubled.csv:4"] == ("ok", None)


def test_the_folder_exits_with_5_and_says_how_many_failed(hostile):
    failed = sum(status in ("rejected", "error") for status, _ in lines(hostile.out).values())
    assert hostile.code == 5
    assert f"extractor: {failed} notes failed; reasons in" in hostile.said
    named = re.findall(r"^extractor: (.*?): row (\d+): (\w+): (.*)$", hostile.said, re.MULTILINE)
    assert len(named) == 10
    found = lines(hostile.out)
    assert [found[f"{file}:{row}"] for file, row, _, _ in named] == [(status, why) for _, _, status, why in named]
    assert "notes: 1 files whose names begin with . or _ were not read" in " ".join(hostile.said.split())
    assert "mixed.csv: 2 bytes are not UTF-8; they were read as Windows-1252" in " ".join(hostile.said.split())


def test_the_good_note_beside_them_is_read(hostile):
    found = [(fact["concept"], fact["value"], fact["text"]) for fact in facts(hostile.out) if fact["note_id"] == "good"]
    assert found == [("ecog", 1.0, "ECOG 1"), ("platelets", 142.0, "Platelets 142 K/uL")]


@pytest.mark.parametrize(("note_id", "text"), [("rtl", RTL), ("bidi", BIDI), ("combined", COMBINED)])
def test_offsets_among_other_scripts_and_combining_characters(hostile, note_id, text):
    found = [fact for fact in facts(hostile.out) if fact["note_id"] == note_id]
    assert {"ecog"} < {fact["concept"] for fact in found}
    assert [(fact["text"], text[fact["start"] : fact["end"]]) for fact in found] == [
        (f["text"], f["text"]) for f in found
    ]


@pytest.mark.parametrize(
    ("note_id", "values"),
    [("p4_2026-03-16_visit", {("ecog", 1.0), ("platelets", 142.0), ("hemoglobin", 9.1)}),
     ("p4_2026-03-16_report", {("ecog", 1.0), ("platelets", 142.0)})],
)  # fmt: skip
def test_markup_is_read_and_what_is_hidden_in_it_is_not(hostile, note_id, values):
    found = {(fact["concept"], fact["value"]) for fact in facts(hostile.out) if fact["note_id"] == note_id}
    assert found == values


# --- inputs that are none ----------------------------------------------------------------------------------------------

NONE: dict[str, tuple[str, bytes, str]] = {
    "a missing column": ("n.csv", b"patient_id,note_id,BODY\np,n,ZEBRAFINCH\n", "no column for text"),
    "a doubled column": ("n.csv", b"patient_id,note_id,text,text\np,n,ZEBRAFINCH,b\n", "row 1: the column \"text\" stands 2 times"),
    "no header": ("n.csv", b"p1,n1,2026-03-16,Clinic,ZEBRAFINCH\n", "no column for patient_id"),
    "a header with broken quoting": ("n.csv", b'patient_id,"note_id"x,text\np,n,ZEBRAFINCH\n', "row 1 has broken quoting"),
    "an empty file": ("n.csv", b"", "the file is empty"),
    "binary under the name of a table": ("n.csv", bytes(range(256)) * 20, "no column for patient_id"),
    "a cut Parquet file": ("n.parquet", b"PAR1" + b"ZEBRAFINCH" * 9, "cannot be read as Parquet"),
    "no JSON": ("n.jsonl", b"ZEBRAFINCH\n", "row 1 is no JSON object"),
    "a gzip file that is none": ("n.csv.gz", b"ZEBRAFINCH", "cannot be read (BadGzipFile)"),
    "an unknown kind": ("n.docx", b"PK\x03\x04 ZEBRAFINCH", "unknown kind of file"),
    "all rows rejected": ("n.csv", HEADER.encode() + b",n1,,x,ZEBRAFINCH\n", "none of its 1 rows can be read as a note"),
}  # fmt: skip


@pytest.mark.parametrize("case", NONE)
def test_an_input_that_is_none_exits_with_3(tmp_path, capfd, case):
    name, content, words = NONE[case]
    (tmp_path / name).write_bytes(content)
    code, err = extract(tmp_path / name, tmp_path / "run", capfd=capfd)
    assert (code, len(err.splitlines())) == (3, 1)
    assert words in err and name in err
    if case != "all rows rejected":
        assert not any((tmp_path / "run" / output).exists() for output in (*OUTPUTS, "run.json"))


def test_a_table_without_a_row_is_told(tmp_path, capfd):
    (tmp_path / "n.csv").write_text(HEADER)
    code = cli.run(["screen", str(tmp_path / "n.csv"), "--trial", "NCT07016230", "--out", str(tmp_path / "run")])
    assert code == 0
    assert "n.csv: holds no notes" in " ".join(capfd.readouterr().out.split())
    assert pq.read_table(tmp_path / "run" / "patients.parquet").num_rows == 0


def test_a_gzip_file_that_is_cut_keeps_what_stands_before_the_cut(tmp_path, capfd):
    import gzip

    content = HEADER + "".join(f"p1,n{i},2026-03-16,x,ECOG 1 {os.urandom(40).hex()}\n" for i in range(3000))
    packed = gzip.compress(content.encode())
    (tmp_path / "n.csv.gz").write_bytes(packed[: len(packed) // 2])
    code, _ = extract(tmp_path / "n.csv.gz", tmp_path / "run", capfd=capfd)
    found = lines(tmp_path / "run")
    rejected = [(where, reason) for where, (status, reason) in found.items() if status == "rejected"]
    assert code == 5
    assert len(found) > 100
    assert len(rejected) == 1
    assert re.fullmatch(r"the file cannot be read from line \d+ on \(EOFError\)", rejected[0][1])


def unprivileged() -> bool:
    return os.geteuid() != 0


def test_a_file_without_permission_exits_with_3(tmp_path, capfd, monkeypatch):
    path = tmp_path / "n.csv"
    path.write_text(HEADER + GOOD)
    if unprivileged():
        path.chmod(0)
    else:  # root reads everything: the system's refusal is put in its place
        usual = Path.open

        def refused(self, *arguments, **options):
            if self == path:
                raise PermissionError(13, "Permission denied", str(self))
            return usual(self, *arguments, **options)

        monkeypatch.setattr(Path, "open", refused)
    code, err = extract(path, tmp_path / "run", capfd=capfd)
    assert code == 3
    assert err == f"extractor: {path}: cannot be opened (Permission denied)\n"


@pytest.mark.parametrize("kind", ["pipe", "device", "directory loop", "name too long", "NUL in the name"])
def test_names_that_are_no_files(tmp_path, capfd, kind):
    if kind == "pipe":
        os.mkfifo(tmp_path / "n.csv")
        source, words = tmp_path / "n.csv", "is no ordinary file"
    elif kind == "device":
        source, words = Path("/dev/zero"), "is no ordinary file"
    elif kind == "directory loop":
        (tmp_path / "a.csv").symlink_to(tmp_path / "a.csv")
        source, words = tmp_path / "a.csv", "no such file or folder"
    elif kind == "name too long":
        source, words = tmp_path / ("n" * 300 + ".csv"), "cannot be opened (File name too long)"
    else:
        source, words = Path(f"{tmp_path}/a\0b.csv"), "no such file or folder"
    code, err = extract(source, tmp_path / "run", capfd=capfd)
    assert (code, len(err.splitlines())) == (3, 1)
    assert words in err


def test_a_folder_skips_pipes_and_goes_on(tmp_path, capfd):
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "a.csv")
    (tmp_path / "in" / "b.csv").write_text(HEADER + GOOD)
    code, _ = extract(tmp_path / "in", tmp_path / "run", capfd=capfd)
    assert code == 5
    assert lines(tmp_path / "run") == {
        "a.csv:1": ("rejected", "is no ordinary file (expected a file)"), "b.csv:2": ("ok", None),
    }  # fmt: skip


def test_a_broken_file_in_a_folder_is_a_rejected_row_and_the_rest_goes_on(tmp_path, capfd):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(b"patient_id,note_id,BODY\np,n,ZEBRAFINCH\n")
    (tmp_path / "in" / "b.parquet").write_bytes(b"PAR1 ZEBRAFINCH")
    (tmp_path / "in" / "c.jsonl").write_bytes(b"ZEBRAFINCH\n")
    (tmp_path / "in" / "d.csv").write_bytes(b"")
    (tmp_path / "in" / "e.csv").write_text(HEADER + GOOD)
    code, _ = extract(tmp_path / "in", tmp_path / "run", capfd=capfd)
    found = lines(tmp_path / "run")
    assert code == 5
    assert {where: status for where, (status, _) in found.items()} == {
        "a.csv:1": "rejected", "b.parquet:1": "rejected", "c.jsonl:1": "rejected", "d.csv:1": "rejected", "e.csv:2": "ok",
    }  # fmt: skip
    assert found["b.parquet:1"][1] == "cannot be read as Parquet (ArrowInvalid)"
    assert found["d.csv:1"][1] == "the file is empty (expected a header or a first record)"


# --- size ----------------------------------------------------------------------------------------------------------------


def test_a_note_of_fifty_megabytes_is_bounded(tmp_path):
    """It is read or set aside as an error within its time; the note behind it is read, and memory stays in bounds."""
    body = "Seen today and doing well with no new complaints at all. " * 950_000 + "Platelets 142 K/uL."
    path = tmp_path / "n.csv"
    path.write_text(HEADER + f"p1,huge,2026-03-16,Clinic,{body}\n" + GOOD)
    began = time.monotonic()
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30));"
        "from extractor import cli; sys.exit(cli.run(sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", script, "extract", str(path), "--out", str(tmp_path / "run"), "--workers", "1",
         "--note-seconds", "5"],
        capture_output=True, text=True, env=environment, check=False, timeout=1500,
    )  # fmt: skip
    found = {row["note_id"]: row for row in pq.read_table(tmp_path / "run" / "notes.parquet").to_pylist()}
    assert found["good"]["status"] == "ok" and found["good"]["n_facts"] == 2
    assert found["huge"]["characters"] == len(body)
    assert (found["huge"]["status"], found["huge"]["error"], done.returncode) in [
        ("ok", None, 0), ("error", "NoteTimeout", 5), ("error", "MemoryError", 5),
    ]  # fmt: skip
    # 5 s and a second for each 100,000 characters, twice over for the watch of the main process
    assert time.monotonic() - began < 2 * (5 + len(body) / 100_000) + 60


# --- output ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def notes(tmp_path) -> Path:
    path = tmp_path / "notes.csv"
    path.write_text(HEADER + GOOD)
    return path


@pytest.fixture
def mounted(tmp_path):
    """Mounts a small file system; skipped where that is not allowed."""
    held: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / "mounted"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("a file system cannot be mounted here")
        held.append(folder)
        return folder

    yield mount
    for folder in held:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # a traceback may still hold a file


def test_an_output_that_is_read_only(notes, mounted, capfd):
    folder = mounted("size=1m,ro")
    code, err = extract(notes, folder / "run", capfd=capfd)
    assert (code, err) == (
        2, f"extractor: --out {folder / 'run'}: cannot be written (Read-only file system; expected a folder that can be)\n",
    )  # fmt: skip


@pytest.mark.parametrize("size", ["4k", "24k", "64k", "600k"])
def test_a_disk_that_is_full(tmp_path, mounted, capfd, size):
    """Wherever the disk ends, no file of a result is there that is not whole, and the message says what is wrong."""
    path = tmp_path / "notes.csv"
    path.write_text(HEADER + "".join(f"p{i},n{i},2026-03-16,x,ECOG 1. Platelets {i} K/uL.\n" for i in range(40)))
    folder = mounted(f"size={size}")
    code, err = extract(path, folder / "run", capfd=capfd)
    assert code == 1
    assert len(err.splitlines()) == 1
    assert "cannot be written" in err and "internal error" not in err
    assert not (folder / "run" / "run.json").exists()
    for name in OUTPUTS:
        if (folder / "run" / name).exists():
            pq.read_table(folder / "run" / name)
    assert [p for p in (folder / "run").rglob("*.tmp")] == []


def test_after_a_full_disk_resume_goes_on(tmp_path, notes, monkeypatch, capfd):
    from extractor.writers import parquet

    real = os.replace

    def full(source, target):
        if str(target).endswith("run/facts.parquet"):
            raise OSError(28, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(parquet.os, "replace", full)
    code, err = extract(notes, tmp_path / "run", capfd=capfd)
    assert code == 1
    assert err == f"extractor: {tmp_path / 'run' / 'facts.parquet'}: cannot be written (No space left on device)\n"
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == [".work"]
    monkeypatch.undo()
    code, err = extract(notes, tmp_path / "run", "--resume", capfd=capfd)
    if "another code" in err:
        pytest.skip("the package was changed while the test ran")
    assert (code, err) == (0, "")
    assert [fact["concept"] for fact in facts(tmp_path / "run")] == ["ecog", "platelets"]


@pytest.mark.parametrize("sink", ["omop", "fhir", "redcap", "duckdb", "xlsx"])
def test_an_export_to_a_full_disk_leaves_nothing_that_looks_whole(tmp_path, mounted, capfd, sink):
    if sink == "xlsx":
        pytest.importorskip("xlsxwriter")
    path = tmp_path / "notes.csv"
    path.write_text(HEADER + "".join(f"p{i},n{i},2026-03-16,x,ECOG 1. Platelets {i} K/uL.\n" for i in range(60)))
    run = tmp_path / "run"
    assert cli.run(["screen", str(path), "--trial", "NCT07016230", "--out", str(run), "--workers", "1"]) == 0
    folder = mounted("size=4k")
    capfd.readouterr()
    assert cli.run(["export", str(run), "--to", sink, "--out", str(folder / "out")]) == 1
    err = capfd.readouterr().err
    assert "cannot be written" in err and "internal error" not in err
    assert [p.name for p in folder.rglob("*") if p.is_file()] == []


@pytest.fixture(scope="module")
def decided(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("decided")
    (folder / "notes.csv").write_text(HEADER + GOOD)
    arguments = ["screen", str(folder / "notes.csv"), "--trial", "NCT07016230", "--out", str(folder / "run")]
    assert cli.run([*arguments, "--workers", "1"]) == 0
    return folder / "run"


@pytest.mark.parametrize("command", ["report", "omop", "fhir", "redcap", "duckdb", "xlsx"])
def test_what_is_made_of_a_run_on_a_read_only_place(decided, mounted, capfd, command):
    if command == "xlsx":
        pytest.importorskip("xlsxwriter")
    folder = mounted("size=1m,ro")
    capfd.readouterr()
    made = ["report", str(decided)] if command == "report" else ["export", str(decided), "--to", command]
    code = cli.run([*made, "--out", str(folder / "out")])
    err = capfd.readouterr().err
    assert code in (1, 2)
    assert len(err.splitlines()) == 1
    assert "Read-only file system" in err and str(folder) in err and "internal error" not in err


def commands_on(run: Path, out: Path) -> list[list[str]]:
    return [
        ["evaluate", str(run), "--trial", "NCT07016230"],
        ["explain", str(run), "--patient", "p9"],
        ["diff", str(run), str(run)],
        ["report", str(run), "--out", str(out / "page.html")],
        *(
            ["export", str(run), "--to", sink, "--out", str(out / sink)]
            for sink in ("omop", "fhir", "redcap", "duckdb")
        ),
    ]


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("name", ["facts.parquet", "notes.parquet", "run.json"])
def test_a_file_of_a_run_that_was_cut(decided, tmp_path, capfd, name, number):
    """No command takes what is left of a file for the whole; the message names the file or the run."""
    run = tmp_path / "run"
    shutil.copytree(decided, run)
    content = (run / name).read_bytes()
    (run / name).write_bytes(content[: len(content) // 2])
    command = commands_on(run, tmp_path)[number]
    capfd.readouterr()
    assert cli.run(command) == 3
    err = capfd.readouterr().err
    assert len(err.splitlines()) == 1
    assert str(run) in err and ("cannot be read" in err or "holds no" in err)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run"]


# --- signals --------------------------------------------------------------------------------------------------------------


def test_a_worker_that_the_system_kills(tmp_path):
    """A killed worker costs its note at most once: the chunk is read again, and the result is the same."""
    path = tmp_path / "notes.csv"
    path.write_text(HEADER + "".join(f"p{i % 9},n{i},2026-03-16,x,SLOWLY ECOG 1 visit {i}\n" for i in range(150)))
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(path), str(tmp_path / "run")], env=_environment())
    killed = 0
    deadline = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.8)
        for worker in _children(child.pid):
            if killed < 2:
                os.kill(worker, signal.SIGKILL)
                killed += 1
    assert child.wait(30) == 0
    assert killed == 2
    rows = pq.read_table(tmp_path / "run" / "notes.parquet", columns=["note_id", "status"]).to_pylist()
    assert len(rows) == 150
    assert sum(row["status"] != "ok" for row in rows) <= 1
    assert len(facts(tmp_path / "run")) >= 149


SLOW = """
import sys
from pathlib import Path
from extractor.readers import open_source
from extractor.run import Options, extract_run
from extractor.workers import Settings
if __name__ == "__main__":
    extract_run(open_source(sys.argv[1]), Path(sys.argv[2]), Options(Settings(engine="stand_in_engine:Engine"), workers=1))
"""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(STAND_IN), *(p for p in sys.path if p)])}


def _children(pid: int) -> list[int]:
    """Worker processes of a process (Linux); the resource tracker of multiprocessing is none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except (OSError, IndexError, ValueError):
            continue
        if parent == pid and b"spawn_main" in command:
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize("after", [1.0, 4.0])
def test_ctrl_c_leaves_no_file_that_looks_whole(tmp_path, after):
    path = tmp_path / "notes.csv"
    body = "Seen today and doing well. ECOG 1. Platelets 142 K/uL. " * 400
    path.write_text(HEADER + "".join(f"p{i % 9},n{i},2026-03-16,x,{body}\n" for i in range(400)))
    command = [sys.executable, "-m", "extractor", "extract", str(path), "--workers", "1", "--out"]
    child = subprocess.Popen(
        [*command, str(tmp_path / "run")], env=_environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(after)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does: the whole group hears it
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.strip() == "extractor: stopped (what is done is kept: the same command with --resume goes on)"
    assert _children(child.pid) == []
    assert not any((tmp_path / "run" / name).exists() for name in (*OUTPUTS, "run.json"))


# --- the table ------------------------------------------------------------------------------------------------------------


def test_the_table_of_bad_input_names_every_test_that_is_here():
    page = ROOT / "docs" / "bad-input.md"
    if not page.is_file():
        pytest.skip("no checkout")
    text = page.read_text(encoding="utf-8")
    cited = set(re.findall(r"`(test_\w+)`", text))
    here = {name for name in globals() if name.startswith("test_")} - {
        "test_the_table_of_bad_input_names_every_test_that_is_here"
    }
    assert sorted(here - cited) == []
    everywhere = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    assert sorted(name for name in cited if f"def {name}(" not in everywhere) == []
