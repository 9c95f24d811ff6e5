"""Rules over a run's facts, a batch of patients at a time; no text and no NLP.

Writes ``criteria.parquet`` and ``patients.parquet`` and adds the decisions to ``run.json``.
"""

from __future__ import annotations

import csv
import datetime
import itertools
import json
import multiprocessing
import os
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor import changes
from extractor.errors import ExtractorError, InputError, UsageError
from extractor.readers.rows import RowError, parse_date

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: limits of one batch: what is in memory at a time
BATCH_PATIENTS, BATCH_FACTS = 100, 10_000

#: so many batches are worth the start of other processes
BATCHES_ALONE = 10

IndexDate = datetime.date | Mapping[str, datetime.date] | None
#: criteria, patients and the policies used of one batch
_Decisions = tuple["pa.Table", "pa.Table", dict[str, Any]]


@dataclass
class Decided:
    """A run with its decisions: the folder, ``run.json`` as a dictionary, and the two frames on demand."""

    out: Path
    data: dict[str, Any]

    @property
    def criteria(self) -> pd.DataFrame:
        return _frame(self.out / "criteria.parquet")

    @property
    def patients(self) -> pd.DataFrame:
        return _frame(self.out / "patients.parquet")

    @property
    def failed(self) -> int:
        """Notes that could not be read or raised."""
        notes = self.data.get("counts", {}).get("notes", {})
        return int(notes.get("error", 0)) + int(notes.get("rejected", 0))


@dataclass
class _Tally:
    """What is counted while batches pass by."""

    decisions: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    outcomes: dict[str, dict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    first_failed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    policies: dict[str, Any] = field(default_factory=dict)
    assumed: int = 0


def parse_index_date(value: str | datetime.date | Mapping[str, Any] | None) -> IndexDate:
    """``--index-date``: a date for all, or a CSV of ``patient_id,index_date``.

    >>> parse_index_date("2026-03-16")
    datetime.date(2026, 3, 16)

    Raises UsageError for what is neither, InputError for a CSV that cannot be read.
    """
    if value is None or isinstance(value, datetime.date):
        return value
    if not isinstance(value, str):
        return {str(patient): _index_day(day, f"index_date of {patient}") for patient, day in value.items()}
    path = Path(value)
    if not path.is_file():
        try:
            return datetime.date.fromisoformat(value)
        except ValueError:
            raise UsageError(
                f"--index-date {value}: is neither a date nor a file "
                "(expected YYYY-MM-DD or a CSV patient_id,index_date)"
            ) from None
    from extractor.readers import encoding

    days: dict[str, datetime.date] = {}
    with encoding.open_text(path) as file:
        rows = csv.DictReader(file)
        header = rows.fieldnames or []
        patient = next((name for name in ("patient_id", "person_id") if name in header), None)
        if patient is None or "index_date" not in header:
            raise InputError(f"{path}: row 1: expected the columns patient_id,index_date")
        for number, row in enumerate(rows, start=2):
            name = (row[patient] or "").strip()
            if not name:
                raise InputError(f"{path}: row {number}: no patient_id")
            day = _index_day(row["index_date"], f"{path}: row {number}: index_date")
            if days.setdefault(name, day) != day:
                raise InputError(f"{path}: row {number}: the patient has two index dates (allowed: one)")
    return days


def _index_day(value: Any, where: str) -> datetime.date:
    try:
        day = parse_date(value)
    except RowError:
        day = None
    if day is None:
        raise InputError(f"{where}: is not a date (allowed: YYYY-MM-DD)")
    return day


def check_trials(trials: Sequence[str]) -> None:
    """Reads the trial files before any note is: a mistake in one costs no hours.

    Raises TrialError, or UsageError where no trial is given.
    """
    if not trials:
        raise UsageError("no trial: give --trial NAME or --trial FILE.toml")
    from extractor import trials as package

    for trial in trials:
        package.load(trial)


def evaluate_run(
    out: Path | str,
    trials: Sequence[str],
    *,
    index_date: str | datetime.date | Mapping[str, Any] | None = None,
    strict: bool = False,
    policies: Mapping[str, str] | None = None,
    since: Path | None = None,
    workers: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Decided:
    """Decides every patient of the run in the folder ``out``.

    ``since``: a former run; what it decided for patients whose notes are all unchanged is taken over.
    ``workers``: processes (0: by the machine's cores); a run of a few batches takes one. The files do not depend on it.

    Raises InputError where ``out`` holds no finished extraction.
    """
    from extractor.run import private
    from extractor.writers import parquet, whole
    from extractor.writers.provenance import metadata

    out = Path(out)
    began = time.monotonic()
    data = whole.opened(out, whole.EXTRACTED, "finished extraction")
    days = parse_index_date(index_date)
    asked = _asked(trials, days, strict, policies)
    tally = _Tally()
    with private():
        parquet.sweep(out)
        # a decision of older rules must not stand beside new ones
        for name in ("criteria.parquet", "patients.parquet"):
            (out / name).unlink(missing_ok=True)
        former = _taken_over(out, since, asked)
        task = _Task(out, tuple(trials), days, strict, dict(policies or {}), former)
        if former is not None and since is not None:
            tally.policies.update((parquet.read_json(since / "run.json") or {})["evaluation"]["policies_used"])
        frames = _decide(task, tally, workers or os.cpu_count() or 1)
        patients: list[pa.Table] = []

        def criteria() -> Iterator[pa.Table]:
            done = 0
            for found, persons in frames:
                patients.append(persons)
                done += len(set(persons.column("patient_id").to_pylist()))
                progress(done, max(done, data.get("counts", {}).get("patients", 0)))
                yield found

        schema, rows = _peeked(criteria(), parquet.CRITERIA)
        about = metadata(data, asked)
        parquet.write_batches(out / "criteria.parquet", schema.with_metadata(about), rows)
        schema, rows = _peeked(iter(patients), parquet.PATIENTS)
        parquet.write_batches(out / "patients.parquet", schema.with_metadata(about), rows)
        data["evaluation"] = {
            **asked,
            "index_date_assumed": tally.assumed,
            "decisions": {trial: dict(sorted(counts.items())) for trial, counts in sorted(tally.decisions.items())},
            "attrition": {trial: _attrition(tally, trial) for trial in sorted(tally.outcomes)},
            "policies_used": dict(sorted(tally.policies.items())),
        }
        if task.former is not None:
            data["evaluation"]["taken_over"] = len(task.former[1])
        data["seconds"]["evaluate"] = round(time.monotonic() - began, 3)
        parquet.write_json(out / "run.json", data)
    return Decided(out, data)


def _asked(trials: Sequence[str], days: IndexDate, strict: bool, policies: Mapping[str, str] | None) -> dict[str, Any]:
    """What an evaluation rests on beside the facts."""
    from extractor import trials as package

    if isinstance(days, datetime.date):
        index: Any = str(days)
    else:
        index = None if days is None else {patient: str(day) for patient, day in sorted(days.items())}
    return {
        "trials": {str(trial): getattr(package.load(trial), "digest", "") for trial in trials},
        "index_date": "assumed" if index is None else index,
        "strict": strict,
        "policies": dict(policies or {}),
    }


def _batches(out: Path) -> Iterator[list[str]]:
    """Patients in order, as many at a time as fit a batch."""
    import duckdb

    with duckdb.connect() as connection:
        facts = ", ".join(f"'{_quoted(out / name)}'" for name in ("facts.parquet", "support.parquet"))
        rows = connection.execute(
            f"SELECT n.patient_id, coalesce(f.n, 0) FROM (SELECT DISTINCT patient_id FROM "
            f"read_parquet('{_quoted(out / 'notes.parquet')}') WHERE status IN ('ok', 'empty', 'error')) n "
            f"LEFT JOIN (SELECT patient_id, count(*) AS n FROM read_parquet([{facts}]) GROUP BY 1) f "
            "USING (patient_id) ORDER BY 1"
        ).fetchall()
    batch: list[str] = []
    held = 0
    for patient, count in rows:
        if batch and (len(batch) >= BATCH_PATIENTS or held + count > BATCH_FACTS):
            yield batch
            batch, held = [], 0
        batch.append(patient)
        held += count
    if batch:
        yield batch


@dataclass(frozen=True)
class _Task:
    """What the decision of a batch rests on. ``former``: an earlier run and the patients that it still stands for."""

    out: Path
    trials: tuple[str, ...]
    days: IndexDate
    strict: bool
    policies: dict[str, str]
    former: tuple[Path, frozenset[str]] | None

    def of(self, batch: Sequence[str]) -> _Task:
        """The part that a batch needs: a worker gets no more."""
        held = frozenset(batch)
        days, former = self.days, self.former
        if isinstance(days, Mapping):
            days = {patient: day for patient, day in days.items() if patient in held}
        return replace(self, days=days, former=former and (former[0], former[1] & held))


def _decide(task: _Task, tally: _Tally, workers: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Criteria and patients of one batch after the other, in the order of patients."""
    for criteria, patients, policies in _in_order(((task.of(b), b) for b in _batches(task.out)), workers):
        tally.policies.update(policies)
        _count(tally, criteria, patients)
        yield criteria, patients


def _in_order(parts: Iterator[tuple[_Task, list[str]]], workers: int) -> Iterator[_Decisions]:
    """The batches' decisions in the order of the batches, a few of them ahead in other processes."""
    waiting = list(itertools.islice(parts, BATCHES_ALONE))
    if workers == 1 or len(waiting) < BATCHES_ALONE:
        yield from (_decided(*part) for part in itertools.chain(waiting, parts))
        return
    parts = itertools.chain(waiting, parts)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        ahead = deque(pool.submit(_decided, *part) for part in itertools.islice(parts, 2 * workers))
        while ahead:
            found = ahead.popleft().result()
            ahead.extend(pool.submit(_decided, *part) for part in itertools.islice(parts, 1))
            yield found


def _decided(task: _Task, batch: list[str]) -> _Decisions:
    """Criteria, patients and policies used of one batch."""
    from extractor import trials as package
    from extractor.writers import parquet

    out, former = task.out, task.former
    options: dict[str, Any] = {"policies": task.policies} if task.policies else {}
    fresh = batch if former is None else [patient for patient in batch if patient not in former[1]]
    tables: list[tuple[pa.Table, pa.Table]] = []
    policies: dict[str, Any] = {}
    if fresh:
        facts = _of_patients(out, ("facts.parquet", "support.parquet"), fresh)
        notes = _of_patients(out, ("notes.parquet",), fresh)
        notes = notes[notes["status"].isin(["ok", "empty", "error"])].drop(columns=["error", "source", "row"])
        chosen = (
            {p: d for p, d in task.days.items() if p in set(fresh)} if isinstance(task.days, Mapping) else task.days
        )
        run = package.evaluate(
            facts, trial=list(task.trials), notes=notes, index_date=chosen, strict=task.strict, **options
        )
        policies = _plain(getattr(run, "policies_used", {}))
        tables.append((conform(run.criteria, parquet.CRITERIA), conform(run.patients, parquet.PATIENTS)))
    if former is not None and len(fresh) < len(batch):
        kept = [patient for patient in batch if patient in former[1]]
        tables.append(tuple(_table_of(former[0] / n, kept) for n in ("criteria.parquet", "patients.parquet")))  # type: ignore[arg-type]
    criteria, patients = (_ordered([pair[at] for pair in tables]) for at in (0, 1))
    return criteria, patients, policies


def _taken_over(out: Path, since: Path | None, asked: dict[str, Any]) -> tuple[Path, frozenset[str]] | None:
    """The former run and the patients whose decisions still stand: same notes, rules and index date."""
    if since is None:
        return None
    from extractor.writers import parquet

    before = (parquet.read_json(since / "run.json") or {}).get("evaluation") or {}
    if any(before.get(key) != value for key, value in asked.items()):
        return None
    if not (since / "criteria.parquet").is_file() or not (since / "patients.parquet").is_file():
        return None
    import pyarrow.parquet as pq

    known = pq.read_table(since / "patients.parquet", columns=["patient_id"]).column(0).to_pylist()
    return since, frozenset(known) - changes.touched(since, out)


def _of_patients(out: Path, names: Sequence[str], patients: Sequence[str]) -> pd.DataFrame:
    """The rows of these patients as a frame; dates are dates, nothing is null but what is unknown."""
    import pyarrow as pa

    return pa.concat_tables([_table_of(out / name, patients) for name in names]).to_pandas(date_as_object=True)


def _table_of(path: Path, patients: Sequence[str]) -> pa.Table:
    import pyarrow.dataset as ds

    # the files are sorted by patient: the range lets most row groups be passed over
    wanted = ds.field("patient_id").isin(list(patients))
    wanted = wanted & (ds.field("patient_id") >= min(patients)) & (ds.field("patient_id") <= max(patients))
    return ds.dataset(path, format="parquet").to_table(filter=wanted)


def conform(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """A frame as a table: the columns of the contract in their types, further ones as truth values, lists or text."""
    import pandas as pd
    import pyarrow as pa

    fields = [*schema, *(pa.field(name, _kind(frame[name])) for name in frame.columns if name not in schema.names)]
    columns = [
        _array(frame[field.name] if field.name in frame else pd.Series([None] * len(frame), dtype=object), field.type)
        for field in fields
    ]
    return pa.table(columns, schema=pa.schema(fields))


def _kind(column: pd.Series) -> pa.DataType:
    """Type of a column that the contract does not name: truth values, lists of text, or text."""
    import pyarrow as pa

    cells = [_cell(value) for value in column] if column.dtype != bool else [True] * len(column)
    if cells and all(isinstance(cell, bool) for cell in cells):
        return pa.bool_()
    return pa.list_(pa.string()) if cells and all(isinstance(cell, list) for cell in cells) else pa.string()


def _array(column: pd.Series, kind: pa.DataType) -> pa.Array:
    """A column as an array; cell by cell only where it holds something else than its type."""
    import pyarrow as pa

    if not (pa.types.is_list(kind) and column.isna().any()):
        try:
            return pa.array(column.tolist(), type=kind, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            pass  # such cells are written as text below
    cells = [_cell(value) for value in column]
    if pa.types.is_list(kind):
        cells = [[str(part) for part in cell] if isinstance(cell, list) else [] for cell in cells]
    elif pa.types.is_string(kind):
        cells = [cell if cell is None or isinstance(cell, str) else _text(cell) for cell in cells]
    return pa.array(cells, type=kind)


def _cell(value: Any) -> Any:
    """A cell of a frame as a plain value; what pandas has for "missing" is None."""
    if value is None or isinstance(value, (str, bool, list)):
        return value
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    if isinstance(value, datetime.datetime):
        return None if value != value else value.date()
    if value is None or (not isinstance(value, (str, list, dict)) and value != value):
        return None
    return value


def _text(value: Any) -> str:
    return (
        str(value) if isinstance(value, (int, float, datetime.date)) else json.dumps(value, default=str, sort_keys=True)
    )


def _plain(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {str(item): True for item in value or ()}


def _ordered(tables: Sequence[pa.Table]) -> pa.Table:
    """Rows by patient and trial; the criteria of one keep the order of the trial file."""
    import pyarrow as pa

    table = pa.concat_tables(tables, promote_options="default")
    keys = list(zip(table.column("patient_id").to_pylist(), table.column("trial_id").to_pylist(), strict=True))
    return table.take(pa.array(sorted(range(len(keys)), key=keys.__getitem__), type=pa.int64()))


def _peeked(tables: Iterator[pa.Table], fallback: pa.Schema) -> tuple[pa.Schema, Iterator[pa.Table]]:
    """The schema of the first table, and all tables."""
    first = next(tables, None)
    if first is None:
        return fallback, iter(())

    def rest() -> Iterator[pa.Table]:
        yield first
        for table in tables:
            if table.schema.names != first.schema.names:
                raise ExtractorError("the columns of two batches differ (expected the same for every patient)")
            yield table

    return first.schema, rest()


def _count(tally: _Tally, criteria: pa.Table, patients: pa.Table) -> None:
    for trial, decision, assumed in zip(
        *(patients.column(name).to_pylist() for name in ("trial_id", "decision", "index_date_assumed")), strict=True
    ):
        tally.decisions[trial][decision] += 1
        tally.assumed += bool(assumed)
    failed: set[tuple[str, str]] = set()
    names = ("patient_id", "trial_id", "criterion_id", "parent_id", "outcome", "presumed")
    for patient, trial, criterion, parent, outcome, presumed in zip(
        *(criteria.column(name).to_pylist() for name in names), strict=True
    ):
        counts = tally.outcomes[trial][criterion]
        counts[outcome] += 1
        counts["presumed"] += bool(presumed)
        if not parent and outcome == "fail" and (patient, trial) not in failed:
            failed.add((patient, trial))
            tally.first_failed[trial][criterion] += 1


def _attrition(tally: _Tally, trial: str) -> list[dict[str, Any]]:
    """For each criterion in the order of the trial: outcomes, and how many patients it is the first to remove."""
    return [
        {
            "criterion_id": criterion,
            **{outcome: counts[outcome] for outcome in ("pass", "fail", "open", "not_applicable", "presumed")},
            "first_to_fail": tally.first_failed[trial][criterion],
        }
        for criterion, counts in tally.outcomes[trial].items()
    ]


def _frame(path: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(path)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
