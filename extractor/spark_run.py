"""``extractor screen --engine spark``: the files of a run, made by Spark.

In a folder of this machine they are those of a local run, byte for byte but for ``run.json``. An address (``hdfs://…``)
is read and written by Spark itself: one Parquet folder for each table beside ``run.json``.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor import evaluation, run, spark, spark_worker
from extractor.errors import ExtractorError, InputError, UsageError
from extractor.readers import FileSource, open_source
from extractor.readers.columns import parse_mapping
from extractor.workers import Settings
from extractor.writers import parquet, parts
from extractor.writers.provenance import metadata

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

#: memory of DuckDB while the files are sorted; the rest goes to the disk
SORT_MEMORY = "1GB"
#: options of a local run that mean nothing here
REFUSED = ("sql", "query", "resume", "since", "drop_missing", "workers")


def screen(
    master: str,
    trials: Sequence[str],
    days: Any,
    *,
    notes: str | None,
    out: str,
    columns: str | None = None,
    date_order: str = "auto",
    overlay: str | None = None,
    note_seconds: float = 30.0,
    engine: str = Settings.engine,
    strict: bool = False,
    policies: Mapping[str, str] | None = None,
    **others: Any,
) -> evaluation.Decided:
    """Notes to decisions in ``out``.

    Raises UsageError for an option that belongs to a local run alone or an address ``out`` that is taken, InputError
    where no row can be read as a note, ExtractorError where Spark cannot work.
    """
    for name in REFUSED:
        if others.get(name):
            raise UsageError(f"--{name.replace('_', '-')}: not with --engine spark (expected --engine local)")
    if not notes:
        raise UsageError("no notes: give a file or folder NOTES with --engine spark")
    started = time.monotonic()
    settings = Settings(date_order=date_order, overlay=overlay, engine=engine, note_seconds=note_seconds)
    mapping = parse_mapping(columns)
    source = None if spark.is_address(notes) else _files(notes, mapping, date_order)
    patterns = run.patterns_digest(overlay)
    rules = spark.rules_of(trials, days, strict, policies)
    asked = evaluation._asked(trials, days, strict, policies)
    known = {"versions": run.versions(), "patterns": {"digest": patterns}}
    with ExitStack() as held:
        held.enter_context(run.private())
        work, manifest = held.enter_context(_place(out, source, settings, patterns))
        session = held.enter_context(spark.running(master, scratch=None if work is None else str(work / "spill")))
        place = _Remote(session, out) if work is None else _Local(work, Path(out), rules, known, asked)
        with spark.clear_errors(InputError if source is None else ExtractorError, "Spark: a job failed"):
            if source is None:
                rows = spark.rows_of_frame(spark.read_notes(session, notes), mapping, date_order)
            else:
                rows = spark.rows_of_files(session, source)
            tables = spark.tables_of(rows, settings, rules, place.scratch)
            decided = time.monotonic()
            data, tally = place.take(tables)
            said = [*(source.monitor.lines if source else ()), *sorted(r["error"] for r in tables.warnings.collect())]
        data |= {
            "layout": run.LAYOUT,
            "versions": known["versions"] | {"pyspark": session.version},
            "engine": {"name": "spark", "master": session.sparkContext.master},
            "input": {
                "notes": notes,
                "path": notes if source is None else str(Path(notes).resolve()),
                "columns": mapping,
                "date_order": date_order,
                **data["input"],
            },
            "patterns": {"digest": patterns, "overlay": overlay},
            "since": None,
            "warnings": list(dict.fromkeys(said)),
            "workers": session.sparkContext.defaultParallelism,
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": {  # Spark reads and decides in one job
                "extract": round(decided - started, 3),
                "merge": round(time.monotonic() - decided, 3),
                "evaluate": 0.0,
            },
            "manifest": manifest,
            "evaluation": {
                **asked,
                "index_date_assumed": tally.assumed,
                "decisions": {trial: dict(sorted(n.items())) for trial, n in sorted(tally.decisions.items())},
                "attrition": {trial: evaluation._attrition(tally, trial) for trial in sorted(tally.outcomes)},
                "policies_used": tally.policies,
            },
        }
        place.finish(data)
    found = data["counts"]["notes"]
    if found.get("rejected") and not any(found.get(status) for status in ("ok", "empty", "error")):
        raise InputError(
            f"{notes}: none of its {found['rejected']} rows can be read as a note (reasons: {out}/notes.parquet)"
        )
    return evaluation.Decided(Path(out) if work else out, data)  # type: ignore[arg-type]


def _files(notes: str, mapping: Mapping[str, str], date_order: str) -> FileSource:
    """The files of the export; raises InputError for one that is no table of notes before Spark starts."""
    source = open_source(notes, columns=mapping, date_order=date_order)
    if not isinstance(source, FileSource):
        raise UsageError(f"{notes}: a database is not read with --engine spark (expected --engine local)")
    next(source.rows(), None)
    return source


@contextmanager
def _place(
    out: str, source: FileSource | None, settings: Settings, patterns: str
) -> Iterator[tuple[Path | None, dict[str, Any]]]:
    """The work folder of the run and its manifest; no folder where ``out`` is an address."""
    options = run.Options(settings)
    if spark.is_address(out):
        yield None, {}
        return
    manifest = {} if source is None else run._manifest(source, options, patterns)
    work, _ = run._prepare(Path(out), source or FileSource(Path(out) / "none", [], {}, ""), options, manifest)
    try:
        yield work, manifest
    finally:
        shutil.rmtree(work, ignore_errors=True)


# --- where the tables go -----------------------------------------------------------------------------------------------


class _Local:
    """A folder of this machine: the files of a local run, sorted and counted by DuckDB from what Spark wrote in parts."""

    def __init__(
        self, work: Path, out: Path, rules: spark_worker.Rules, known: Mapping[str, Any], asked: Mapping[str, Any]
    ) -> None:
        self.scratch = (work / "spark").absolute().as_uri()
        self._work, self._out, self._rules, self._known, self._asked = work, out, rules, known, asked

    def take(self, tables: spark.Tables) -> tuple[dict[str, Any], evaluation._Tally]:
        import duckdb

        tables.lines.drop("facts").write.parquet(f"{self.scratch}/lines")
        criteria, patients = spark_worker.schemas(self._rules)
        with duckdb.connect() as connection:
            connection.execute(f"SET memory_limit='{SORT_MEMORY}'")
            connection.execute(f"SET temp_directory='{parts._quoted(self._work / 'sort')}'")
            for name, view in (("notes", "lines"), ("decided", "decided")):
                folder = parts._quoted(self._work / "spark" / view)
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder}/*.parquet')")
            for name in ("facts", "criteria", "patients"):
                rows = f"SELECT unnest({name}) AS r, generate_subscripts({name}, 1) AS place FROM decided"
                connection.execute(f"CREATE VIEW {name} AS SELECT r.*, place FROM ({rows})")

            def ask(query: str) -> list[Any]:
                return connection.execute(query).fetchall()

            counted = _counted(ask)
            about = metadata({**self._known, **counted}, self._asked)
            queries: dict[str, tuple[pa.Schema, str]] = {
                "facts": (parquet.FACTS, f"facts WHERE family <> 'support' ORDER BY {parts.FACT_ORDER}"),
                "support": (parquet.FACTS, f"facts WHERE family = 'support' ORDER BY {parts.FACT_ORDER}"),
                "notes": (parquet.NOTES, "notes ORDER BY patient_id, note_id, sha256, status, seq"),
                "criteria": (criteria.with_metadata(about), "criteria ORDER BY patient_id, trial_id, place"),
                "patients": (patients.with_metadata(about), "patients ORDER BY patient_id, trial_id"),
            }
            for name, (schema, query) in queries.items():
                batches = parts._batches(connection, f"SELECT {parts._columns(schema)} FROM {query}")
                parquet.write_batches(self._out / f"{name}.parquet", schema, batches)
            return counted, _tally(ask)

    def finish(self, data: dict[str, Any]) -> None:
        parquet.write_json(self._out / "run.json", data)


class _Remote:
    """An address that Spark's file systems know; raises UsageError where something is there."""

    def __init__(self, session: SparkSession, out: str) -> None:
        self._session: Any = session  # what it has of Java is in no type
        self._out = out.rstrip("/")
        self.scratch = f"{self._out}/.work"
        with spark.clear_errors(UsageError, f"--out {out}: cannot be opened"):
            if self._system(self._out).exists(self._path(self._out)):
                raise UsageError(f"--out {out}: is there already (expected an address where nothing is)")

    def take(self, tables: spark.Tables) -> tuple[dict[str, Any], evaluation._Tally]:
        tables.write(self._out)
        views = {
            "notes": tables.notes, "facts": tables.facts.unionByName(tables.support), "patients": tables.patients,
            "criteria": tables.decided.selectExpr("posexplode(criteria) AS (place, c)").select("place", "c.*"),
            "decided": tables.decided,
        }  # fmt: skip
        for name, frame in views.items():
            frame.createOrReplaceTempView(name)

        def ask(query: str) -> Iterator[Any]:
            return self._session.sql(query).toLocalIterator()

        return _counted(ask), _tally(ask)

    def finish(self, data: dict[str, Any]) -> None:
        path = f"{self._out}/run.json"
        stream = self._system(path).create(self._path(path), True)
        stream.write(bytearray(json.dumps(data, indent=2, ensure_ascii=False, default=str).encode() + b"\n"))
        stream.close()
        self._system(self.scratch).delete(self._path(self.scratch), True)

    def _path(self, name: str) -> Any:
        return self._session._jvm.org.apache.hadoop.fs.Path(name)

    def _system(self, name: str) -> Any:
        return self._path(name).getFileSystem(self._session._jsc.hadoopConfiguration())


# --- what run.json tells -----------------------------------------------------------------------------------------------

#: an SQL engine that has the views notes, facts (with the support facts), criteria (with place), patients, decided
Ask = Callable[[str], Iterable[Sequence[Any]]]


def _counted(ask: Ask) -> dict[str, Any]:
    """Input and counts of ``run.json``."""
    notes = dict(map(tuple, ask("SELECT status, count(*) FROM notes GROUP BY status ORDER BY status")))
    [[patients]] = ask("SELECT count(DISTINCT patient_id) FROM notes WHERE status IN ('ok', 'empty')")
    found = list(ask("SELECT family, count(*), count(copied_from) FROM facts GROUP BY family ORDER BY family"))
    families = {row[0]: row[1] for row in found}
    digest = hashlib.sha256()
    for row in ask("SELECT patient_id, note_id, sha256 FROM notes ORDER BY patient_id, note_id, sha256, status"):
        digest.update("\x1f".join(row).encode("utf-8", "replace") + b"\n")
    support = families.get("support", 0)
    counts = {
        "notes": notes, "patients": patients, "facts": sum(families.values()) - support, "support": support,
        "copied": sum(row[2] for row in found), "families": families,
    }  # fmt: skip
    return {"input": {"digest": digest.hexdigest(), "rows": sum(notes.values())}, "counts": counts}


def _tally(ask: Ask) -> evaluation._Tally:
    """What an evaluation counts of its decisions."""
    tally = evaluation._Tally()
    for trial, decision, n, assumed in ask(
        "SELECT trial_id, decision, count(*), count_if(index_date_assumed) FROM patients GROUP BY trial_id, decision"
    ):
        tally.decisions[trial][decision] += n
        tally.assumed += assumed
    for trial, criterion, outcome, n, presumed, _ in ask(
        "SELECT trial_id, criterion_id, outcome, count(*), count_if(presumed), min(place) AS first "
        "FROM criteria GROUP BY trial_id, criterion_id, outcome ORDER BY first"
    ):
        tally.outcomes[trial][criterion][outcome] += n
        tally.outcomes[trial][criterion]["presumed"] += presumed
    for trial, criterion, n in ask(
        "SELECT trial_id, removed, count(*) FROM (SELECT trial_id, min_by(criterion_id, place) AS removed FROM criteria "
        "WHERE coalesce(parent_id, '') = '' AND outcome = 'fail' GROUP BY patient_id, trial_id) GROUP BY trial_id, removed"
    ):
        tally.first_failed[trial][criterion] += n
    for row in ask("SELECT DISTINCT policies FROM decided"):
        tally.policies.update(json.loads(row[0]))
    tally.policies = dict(sorted(tally.policies.items()))
    return tally
