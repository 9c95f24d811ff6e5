"""What a Python worker of Spark does: files and cells to rows, rows to facts, a patient's facts to decisions.

Arrow in, Arrow out, with the readers, the engine and the rules of a local run; nothing here imports pyspark.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from extractor.errors import ExtractorError, InputError
from extractor.readers.rows import NoteRow, build
from extractor.records import SUPPORT
from extractor.workers import START_ATTEMPTS, Chunk, Settings, _Worker, describe, note_line
from extractor.writers import parquet

#: status of a row that is no note but a warning of a reader (its words are in ``error``)
WARNING = "warning"
#: rows that travel together
BATCH_ROWS, BATCH_CHARACTERS = 64, 1_000_000

#: a row of the source, as ``readers`` give it; ``seq`` is its place in the whole input
ROWS = pa.schema(
    [
        ("seq", pa.int64()), ("source", pa.string()), ("row", pa.int64()), ("patient_id", pa.string()),
        ("note_id", pa.string()), ("note_date", pa.date32()), ("note_type", pa.string()), ("text", pa.string()),
        ("status", pa.string()), ("error", pa.string()),
    ]
)  # fmt: skip
_FACT = pa.struct(list(parquet.FACTS))
#: the line of a row in ``notes.parquet``, with its facts
READ = pa.schema([("seq", pa.int64()), *parquet.NOTES, ("facts", pa.list_(_FACT))])
_EVALUATED = ("patient_id", "note_id", "note_date", "note_type", "status", "n_facts", "sha256", "characters")


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """An exception that is not ours shows its class and line of code alone: Spark logs what a task raises."""

    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Iterator[Any]:
        try:
            yield from function(*args, **options)
        except ExtractorError:
            raise
        except Exception as problem:
            raise ExtractorError(f"Spark: a task failed ({describe(problem)})") from None

    return wrapper


# --- rows --------------------------------------------------------------------------------------------------------------


@guarded
def file_rows(
    batches: Iterator[pa.RecordBatch], root: Path, mapping: Mapping[str, str], date_order: str
) -> Iterator[pa.RecordBatch]:
    """The rows of files, read by the readers of a local run. A batch has ``place`` (of the file) and ``path``.

    Raises InputError for a file that is not on this machine.
    """
    from extractor.readers import FileSource

    for batch in batches:
        for place, name in zip(batch["place"].to_pylist(), batch["path"].to_pylist(), strict=True):
            path = Path(os.fsdecode(name))
            if not os.path.lexists(path):
                raise InputError(f"{path}: is not there on a Spark worker (expected a file system that all share)")
            source = FileSource(root, [], mapping, date_order)  # no sole file: what cannot be read is a rejected row
            held: list[dict[str, Any]] = []
            characters = 0
            for number, row in enumerate(source.file_rows(path)):
                held.append({"seq": (place << 32) + number, **row._asdict()})
                characters += len(row.text)
                if len(held) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
                    yield _batch(held, ROWS)
                    held, characters = [], 0
            said = [NoteRow("", 0, "", "", None, "", "", WARNING, line)._asdict() for line in source.monitor.lines]
            if held or said:
                yield _batch([*held, *({"seq": -1, **row} for row in said)], ROWS)


@guarded
def cell_rows(batches: Iterator[pa.RecordBatch], date_order: str) -> Iterator[pa.RecordBatch]:
    """The rows of a Spark frame: ``seq`` and the cells of a note, whatever their types."""
    for batch in batches:
        rows = []
        for cells in batch.to_pylist():
            seq, source = cells.pop("seq"), cells.pop("source", None)
            row = build(source or "", 0, **({"note_date": None} | cells), date_order=date_order)
            rows.append({"seq": seq, **row._asdict(), "source": source, "row": None})
        yield _batch(rows, ROWS)


# --- facts -------------------------------------------------------------------------------------------------------------


class Reading:
    """A child process that reads notes. One that raises, takes too long or kills it is set aside; the others go on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker: _Worker | None = None
        self._reason = ""

    def __del__(self) -> None:
        if self._worker is not None:
            self._worker.stop()

    def read(self, rows: Sequence[NoteRow]) -> tuple[list[tuple[Any, ...]], list[dict[str, Any]]]:
        """Facts, each behind the place of its row, and the lines of the rows."""
        if (answer := self._ask(rows)) is not None:
            return answer
        facts: list[tuple[Any, ...]] = []
        lines: list[dict[str, Any]] = []
        for place, row in enumerate(rows):  # the child died: note by note
            found, line = self._ask([row]) or ([], [note_line(row, 0, status="error", error=self._reason)])
            facts += [(place, *cells[1:]) for cells in found]
            lines += line
        return facts, lines

    def _ask(self, rows: Sequence[NoteRow]) -> Any:
        """Facts and lines of the rows; None where the child died of them."""
        import multiprocessing.connection as pipes

        worker = self._started()
        worker.give((Chunk(0, 0, tuple(rows)), True))
        message = None
        while message is None:
            pipes.wait([worker.connection, worker.process.sentinel], timeout=1.0)
            message = _received(worker)
            if message is None and (worker.late() or not worker.process.is_alive()):
                self._reason = "NoteTimeout" if worker.late() else "WorkerDied"
                worker.process.kill()
                worker.stop()
                self._worker = None
                return None
        if message[0] == "failed":
            raise message[1](message[2])
        return message[1:]

    def _started(self) -> _Worker:
        import multiprocessing

        for _ in range(START_ATTEMPTS):
            if self._worker is not None:
                return self._worker
            worker = _Worker(multiprocessing.get_context("spawn"), self._settings, Path())
            message = _received(worker, wait=True)
            if message is not None and message[0] == "failed":
                raise message[1](message[2])
            self._worker = worker if message is not None else None
        if self._worker is None:
            raise ExtractorError(
                f"Spark: the process that reads notes ended {START_ATTEMPTS} times before it was ready"
            )
        return self._worker


def _received(worker: _Worker, wait: bool = False) -> Any:
    """A message of the child, None where there is none (yet)."""
    try:
        return worker.connection.recv() if wait or worker.connection.poll() else None
    except (EOFError, OSError):
        return None


@functools.lru_cache(maxsize=1)
def reading(settings: Settings) -> Reading:
    """The reading of this worker; its child ends with the worker."""
    return Reading(settings)


@guarded
def read_rows(
    batches: Iterator[pa.RecordBatch], settings: Settings, overlay: Mapping[str, bytes] | None = None
) -> Iterator[pa.RecordBatch]:
    """The lines of rows with their facts. ``overlay``: the files of ``settings.overlay``, which is another machine's."""
    child = reading(replace(settings, overlay=str(unpacked(overlay))) if overlay is not None else settings)
    for batch in batches:
        rows = batch.to_pylist()
        for first in range(0, len(rows), BATCH_ROWS):
            part = rows[first : first + BATCH_ROWS]
            yield _read([row.pop("seq") for row in part], [NoteRow(**row) for row in part], child)


def _read(seqs: list[int], rows: list[NoteRow], child: Reading) -> pa.RecordBatch:
    facts, lines = child.read(rows)
    cells: list[list[tuple[Any, ...]]] = [[] for _ in rows]
    for place, *fact in facts:
        cells[place].append(tuple(fact))
    flat = [fact for found in cells for fact in found]
    columns = zip(*flat, strict=True) if flat else ([] for _ in parquet.FACTS)
    struct = pa.StructArray.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, parquet.FACTS, strict=True)],
        fields=list(parquet.FACTS),
    )
    ends = [0]
    for found in cells:
        ends.append(ends[-1] + len(found))
    lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), struct, type=READ.field("facts").type)
    plain = _batch([line | {"seq": seq} for seq, line in zip(seqs, lines, strict=True)], pa.schema(list(READ)[:-1]))
    return pa.record_batch([*plain.columns, lists], schema=READ)


# --- decisions ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rules:
    """What the decision of a patient rests on. ``files``: trial files of the caller's own, by name."""

    trials: tuple[str, ...]
    index_date: Any
    strict: bool
    policies: Mapping[str, str]
    files: Mapping[str, Mapping[str, bytes]]

    def named(self) -> list[str]:
        """The trials as this machine finds them."""
        return [
            str(unpacked(self.files[trial]) / Path(trial).name) if trial in self.files else trial
            for trial in self.trials
        ]

    def apply(self, facts: Any, notes: Any, index_date: Any) -> Any:
        from extractor import trials as package

        given = {"policies": dict(self.policies)} if self.policies else {}
        options = {"index_date": index_date, "strict": self.strict, **given}
        return package.evaluate(facts, trial=self.named(), notes=notes, **options)


def schemas(rules: Rules) -> tuple[pa.Schema, pa.Schema]:
    """Columns of criteria and patients: those that the decision of a silent note has."""
    import datetime

    from extractor.evaluation import conform

    note = {"patient_id": "", "note_id": "", "note_date": datetime.date(2000, 1, 1), "note_type": "", "status": "ok"}
    facts = parquet.FACTS.empty_table().to_pandas(date_as_object=True)
    run = rules.apply(facts, parquet.table_of(parquet.NOTES, [note]).to_pandas(date_as_object=True), None)
    return conform(run.criteria, parquet.CRITERIA).schema, conform(run.patients, parquet.PATIENTS).schema


def decided_schema(criteria: pa.Schema, patients: pa.Schema) -> pa.Schema:
    """One row for each patient: facts with copies marked, criteria and patients of every trial, policies as JSON."""
    lists = {"facts": _FACT, "criteria": pa.struct(list(criteria)), "patients": pa.struct(list(patients))}
    return pa.schema(
        [("patient_id", pa.string()), *((n, pa.list_(t)) for n, t in lists.items()), ("policies", pa.string())]
    )


def decide(group: pa.Table, rules: Rules, criteria: pa.Schema, patients: pa.Schema) -> pa.Table:
    """One patient: copy-forward over the notes, then every trial."""
    try:
        return _decide(group, rules, criteria, patients)
    except ExtractorError:
        raise
    except Exception as problem:
        raise ExtractorError(f"Spark: a decision failed ({describe(problem)})") from None


def _decide(group: pa.Table, rules: Rules, criteria: pa.Schema, patients: pa.Schema) -> pa.Table:
    from extractor.api import mark_copies
    from extractor.evaluation import conform

    patient = group.column("patient_id")[0].as_py()
    group = group.sort_by([(name, "ascending") for name in ("note_id", "sha256", "status", "seq")])
    facts = mark_copies([row for found in group.column("facts").to_pylist() for row in found or ()])
    facts.sort(key=_place)
    frame = parquet.table_of(parquet.FACTS, facts).to_pandas(date_as_object=True)
    notes = group.select(_EVALUATED).to_pandas(date_as_object=True)
    days = rules.index_date
    if isinstance(days, Mapping):
        days = {patient: days[patient]} if patient in days else {}
    run = rules.apply(frame, notes, days)
    row = {
        "patient_id": patient,
        "facts": facts,
        "criteria": conform(run.criteria, criteria).to_pylist(),
        "patients": conform(run.patients, patients).to_pylist(),
        "policies": json.dumps(run.policies_used, sort_keys=True),
    }
    return parquet.table_of(decided_schema(criteria, patients), [row])


def _place(fact: Mapping[str, Any]) -> tuple[Any, ...]:
    """Order of ``facts.parquet`` with the support facts behind the others, as a local run evaluates them."""
    names = ("note_id", "start", "end", "concept", "fact_id", "family", "rule_id", "value", "value_high", "value_text",
             "date_start", "date_end", "attributes")  # fmt: skip
    return (fact["family"] == SUPPORT, *((fact[name] is None, fact[name]) for name in names))


# --- files that travel with the job ------------------------------------------------------------------------------------


def packed(path: str | os.PathLike[str]) -> dict[str, bytes]:
    """A file, or a folder with what is in it, by relative names."""
    root = Path(path)
    files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
    base = root.parent if root.is_file() else root
    return {p.relative_to(base).as_posix(): p.read_bytes() for p in files}


def unpacked(files: Mapping[str, bytes]) -> Path:
    """The folder of packed files on this machine, made once in a worker."""
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
    if digest not in _UNPACKED:
        folder = tempfile.TemporaryDirectory(prefix="extractor-")
        for name, content in files.items():
            path = Path(folder.name) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _UNPACKED[digest] = folder
    return Path(_UNPACKED[digest].name)


_UNPACKED: dict[str, tempfile.TemporaryDirectory[str]] = {}


def _batch(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([pa.array([row.get(f.name) for row in rows], f.type) for f in schema], schema=schema)
