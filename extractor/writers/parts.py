"""The parts of a running extraction, and how they become the sorted files of a run.

Sorting, joining and looking for copied sentences happen in DuckDB, which goes to the disk where memory ends.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from extractor.errors import ExtractorError
from extractor.writers import parquet

PART_FACTS = pa.schema([("seq", pa.int64()), *parquet.FACTS])
PART_NOTES = pa.schema([("seq", pa.int64()), ("carried", pa.bool_()), *parquet.NOTES])

FACT_ORDER = (
    'patient_id, note_id, start, "end", concept, fact_id, family, rule_id, value, value_high, value_text, '
    "date_start, date_end, attributes"
)
#: memory of DuckDB in a merge, whatever the size of the run; the larger one where the first does not do
MERGE_MEMORY = ("160MB", "1GB")
BATCH_ROWS = 8_192


def path_of(folder: Path, number: int, what: str) -> Path:
    """Parts lie in subfolders of a thousand, so that no folder grows without bounds."""
    return folder / f"{number // 1000:05d}" / f"{number:08d}.{what}.parquet"


def write(folder: Path, number: int, facts: Sequence[Sequence[Any]], notes: Sequence[Mapping[str, Any]]) -> None:
    """The part of a chunk: facts as values in the order of ``PART_FACTS``, notes as rows of ``PART_NOTES``."""
    target = path_of(folder, number, "notes")
    target.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_batches(path_of(folder, number, "facts"), PART_FACTS, [parquet.table_of_cells(PART_FACTS, facts)])
    parquet.write_batches(target, PART_NOTES, [parquet.table_of(PART_NOTES, notes)])


def done(folder: Path, number: int, keys: Sequence[tuple[str, str, int]]) -> bool:
    """Whether the part of a chunk is there and holds just these ``(patient_id, note_id, characters)`` rows."""
    path = path_of(folder, number, "notes")
    if not path.is_file() or not path_of(folder, number, "facts").is_file():
        return False
    try:
        table = pq.read_table(path, columns=["seq", "patient_id", "note_id", "characters"]).sort_by("seq")
    except (pa.ArrowException, OSError):
        return False
    found = zip(*(table.column(name).to_pylist() for name in ("patient_id", "note_id", "characters")), strict=True)
    return list(found) == list(keys)


@dataclass
class Merged:
    """What the merge counted."""

    notes: dict[str, int] = field(default_factory=dict)
    patients: int = 0
    facts: int = 0
    support: int = 0
    copied: int = 0
    families: dict[str, int] = field(default_factory=dict)
    input_digest: str = ""
    doubled: int = 0
    #: notes of the former run that are not in this input and stay
    kept: int = 0


def merge(
    folder: Path,
    out: Path,
    *,
    scratch: Path,
    former: Path | None = None,
    keep_missing: bool = True,
) -> Merged:
    """Writes ``facts.parquet``, ``support.parquet`` and ``notes.parquet`` of ``out`` from the parts in ``folder``.

    ``former``: the run of which the notes marked ``carried`` take their facts (an incremental run); its notes that
    are not in this input stay too (``keep_missing``), so that an export of new notes alone loses nobody.
    """
    import duckdb

    small, large = MERGE_MEMORY
    try:
        try:
            return _merge(folder, out, scratch, small, former, keep_missing)
        except (duckdb.OutOfMemoryException, StreamError):
            return _merge(folder, out, scratch, large, former, keep_missing)
    except (duckdb.Error, StreamError) as problem:  # its message could hold values; a full disk shows in many classes
        free = shutil.disk_usage(scratch).free
        raise ExtractorError(
            f"{out}: cannot be written ({type(problem).__name__} while parts are merged; {free:,} bytes are free there); "
            "what is done is kept: the same command with --resume goes on"
        ) from None


class StreamError(Exception):
    """A query broke off while its rows were fetched; Arrow tells it as an error of the system without a number."""


def _merge(folder: Path, out: Path, scratch: Path, memory: str, former: Path | None, keep_missing: bool) -> Merged:
    import duckdb

    shutil.rmtree(scratch, ignore_errors=True)  # of a merge that was interrupted
    scratch.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(scratch / "merge.duckdb")) as connection:
        connection.execute(f"SET memory_limit='{memory}'")
        connection.execute(f"SET temp_directory='{_quoted(scratch / 'spill')}'")
        connection.execute("SET enable_progress_bar=false")
        connection.execute("SET threads=1")  # each further one would need as much memory again
        connection.execute("SET preserve_insertion_order=false")
        _load(connection, folder, former, keep_missing)
        merged = Merged()
        merged.kept = _one(connection, "SELECT count(*) FROM notes WHERE seq < 0")
        merged.doubled = _reject_doubled(connection)
        _mark_copies(connection)
        for name, condition in (("facts", "family <> 'support'"), ("support", "family = 'support'")):
            query = f"SELECT {_columns(parquet.FACTS)} FROM marked WHERE {condition} ORDER BY {FACT_ORDER}"
            rows = parquet.write_batches(out / f"{name}.parquet", parquet.FACTS, _batches(connection, query))
            setattr(merged, name, rows)
        digest = hashlib.sha256()

        def digested() -> Iterator[pa.RecordBatch]:
            query = f"SELECT {_columns(parquet.NOTES)} FROM notes ORDER BY patient_id, note_id, sha256, status, seq"
            for batch in _batches(connection, query):
                for key in zip(
                    *(batch.column(c).to_pylist() for c in ("patient_id", "note_id", "sha256")), strict=True
                ):
                    digest.update("\x1f".join(key).encode("utf-8", "replace") + b"\n")
                yield batch

        parquet.write_batches(out / "notes.parquet", parquet.NOTES, digested())
        merged.input_digest = digest.hexdigest()
        merged.notes = dict(connection.execute("SELECT status, count(*) FROM notes GROUP BY 1 ORDER BY 1").fetchall())
        merged.patients = _one(
            connection, "SELECT count(DISTINCT patient_id) FROM notes WHERE status IN ('ok', 'empty')"
        )
        merged.copied = _one(connection, "SELECT count(*) FROM marked WHERE copied_from IS NOT NULL")
        merged.families = dict(
            connection.execute("SELECT family, count(*) FROM marked GROUP BY 1 ORDER BY 1").fetchall()
        )
    return merged


def _load(connection: Any, folder: Path, former: Path | None, keep_missing: bool) -> None:
    """Tables ``notes`` and ``found``; what an incremental run carries over comes from the former one."""
    pattern = _quoted(folder / "*" / "*.{}.parquet")
    connection.execute(f"CREATE TABLE notes AS SELECT * FROM read_parquet('{pattern.format('notes')}')")
    connection.execute(f"CREATE VIEW found AS SELECT * FROM read_parquet('{pattern.format('facts')}')")
    if former is None:
        return
    kept = "', '".join(_quoted(former / f"{name}.parquet") for name in ("facts", "support"))
    connection.execute(
        f"CREATE TABLE former_notes AS SELECT * FROM read_parquet('{_quoted(former / 'notes.parquet')}')"
    )
    connection.execute(
        "UPDATE notes SET status = f.status, error = f.error, n_facts = f.n_facts FROM former_notes f "
        "WHERE notes.status = 'carried' AND f.note_id = notes.note_id AND f.sha256 = notes.sha256 "
        "AND f.status IN ('ok', 'empty')"
    )
    if keep_missing:
        connection.execute(
            f"INSERT INTO notes BY NAME SELECT -row_number() OVER () AS seq, true AS carried, "
            f"{_columns(parquet.NOTES)} "
            "FROM former_notes WHERE note_id <> '' AND note_id NOT IN (SELECT note_id FROM notes)"
        )
    connection.execute("DROP VIEW found")
    connection.execute(
        f"CREATE VIEW found AS SELECT * FROM read_parquet('{pattern.format('facts')}') UNION ALL BY NAME "
        f"SELECT n.seq, f.* FROM read_parquet(['{kept}']) f JOIN notes n ON n.note_id = f.note_id "
        "AND n.patient_id = f.patient_id WHERE n.status = 'ok' AND n.carried"
    )


def _reject_doubled(connection: Any) -> int:
    """A note_id that stands twice is one note; the rest are rejected. Which one stays does not depend on the order."""
    connection.execute(
        "CREATE TABLE doubled AS SELECT seq FROM (SELECT seq, row_number() OVER (PARTITION BY note_id "
        "ORDER BY patient_id, note_date, note_type, sha256, seq) AS place FROM notes WHERE status <> 'rejected' "
        "AND note_id IN (SELECT note_id FROM notes WHERE status <> 'rejected' GROUP BY 1 HAVING count(*) > 1)) "
        "WHERE place > 1"
    )
    count = _one(connection, "SELECT count(*) FROM doubled")
    if count:
        connection.execute(
            "UPDATE notes SET status = 'rejected', n_facts = 0, error = 'doubled note_id (allowed: once in the input)' "
            "WHERE seq IN (SELECT seq FROM doubled)"
        )
    return count


def _mark_copies(connection: Any) -> None:
    """View ``marked``: a sentence that stood in an earlier-dated note of the patient names the first such note."""
    connection.execute(
        "CREATE TABLE firsts AS SELECT patient_id, sentence_sha, min(note_date) AS first_date, "
        "min({'d': note_date, 'n': note_id}).n AS first_note FROM found WHERE sentence_sha <> '' "
        "AND note_date IS NOT NULL AND seq NOT IN (SELECT seq FROM doubled) "
        "GROUP BY 1, 2 HAVING min(note_date) < max(note_date)"
    )
    columns = ", ".join(
        "CASE WHEN f.note_date > s.first_date THEN s.first_note END AS copied_from"
        if name == "copied_from"
        else f'f."{name}"'
        for name in parquet.FACTS.names
    )
    connection.execute(
        f"CREATE VIEW marked AS SELECT {columns} FROM found f LEFT JOIN firsts s "
        "ON s.patient_id = f.patient_id AND s.sentence_sha = f.sentence_sha "
        "WHERE f.seq NOT IN (SELECT seq FROM doubled)"
    )


def _batches(connection: Any, query: str) -> Iterator[pa.RecordBatch]:
    reader = iter(connection.sql(query).to_arrow_reader(BATCH_ROWS))
    while True:
        try:
            batch = next(reader, None)
        except OSError:
            raise StreamError from None
        if batch is None:
            return
        yield batch


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f'"{name}"' for name in schema.names)


def _one(connection: Any, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
