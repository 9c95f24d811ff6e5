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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor import evaluation, run, spark, spark_worker
from extractor.errors import ExtractorError, InputError, UsageError
from extractor.readers import FileSource, open_source
from extractor.readers.columns import parse_mapping
from extractor.workers import Settings
from extractor.writers import parquet, parts

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

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
    with run.private(), _place(out, source, settings, patterns) as (work, manifest):
        began = spark.session(master, scratch=None if work is None else str(work / "spill"))
        try:
            place = _Remote(began, out) if work is None else _Local(work, Path(out), rules)
            with spark.clear_errors(InputError if source is None else ExtractorError, "Spark: a job failed"):
                rows = (
                    spark.rows_of_frame(spark.read_notes(began, notes), mapping, date_order)
                    if source is None
                    else spark.rows_of_files(began, source)
                )
                tables = spark.tables_of(rows, settings, rules, place.scratch)
                data, tally = _counted(tables, began)
                counted = time.monotonic()
                place.take(tables)
            said = [row["error"] for row in tables.warnings.collect()]
            data |= {
                "layout": run.LAYOUT,
                "versions": run.versions() | {"pyspark": began.version},
                "engine": {"name": "spark", "master": master},
                "input": {
                    "notes": notes,
                    "path": notes if source is None else str(Path(notes).resolve()),
                    "columns": mapping,
                    "date_order": date_order,
                    **data["input"],
                },
                "patterns": {"digest": patterns, "overlay": overlay},
                "since": None,
                "warnings": list(dict.fromkeys([*(source.monitor.lines if source else ()), *sorted(said)])),
                "workers": began.sparkContext.defaultParallelism,
                "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                "seconds": {
                    "extract": round(counted - started, 3),
                    "merge": round(time.monotonic() - counted, 3),
                    "evaluate": 0.0,
                },
                "manifest": manifest,
                "evaluation": {
                    **evaluation._asked(trials, days, strict, policies),
                    "index_date_assumed": tally.assumed,
                    "decisions": {trial: dict(sorted(n.items())) for trial, n in sorted(tally.decisions.items())},
                    "attrition": {trial: evaluation._attrition(tally, trial) for trial in sorted(tally.outcomes)},
                    "policies_used": tally.policies,
                },
            }
            place.finish(data)
        finally:
            began.stop()
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
    """A folder of this machine: the files of a local run."""

    def __init__(self, work: Path, out: Path, rules: spark_worker.Rules) -> None:
        self.scratch = str(work / "spark")
        self._work, self._out, self._rules = work, out, rules

    def take(self, tables: spark.Tables) -> None:
        """Sorted files of what Spark wrote in parts; raises ExtractorError where its workers wrote elsewhere."""
        import duckdb

        tables.lines.drop("facts").write.parquet(f"{self.scratch}/lines")
        criteria, patients = spark_worker.schemas(self._rules)
        with duckdb.connect() as connection:
            connection.execute(f"SET memory_limit='{parts.MERGE_MEMORY}'")
            connection.execute(f"SET temp_directory='{parts._quoted(self._work / 'sort')}'")
            for name in ("lines", "decided"):
                folder = parts._quoted(Path(self.scratch) / name)
                connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{folder}/*.parquet')")
            connection.execute("CREATE VIEW found AS SELECT f.* FROM (SELECT unnest(facts) AS f FROM decided)")
            queries: dict[str, tuple[pa.Schema, str]] = {
                "facts": (parquet.FACTS, f"found WHERE family <> 'support' ORDER BY {parts.FACT_ORDER}"),
                "support": (parquet.FACTS, f"found WHERE family = 'support' ORDER BY {parts.FACT_ORDER}"),
                "notes": (parquet.NOTES, "lines ORDER BY patient_id, note_id, sha256, status, seq"),
                "criteria": (criteria, f"({_nested('criteria')}) ORDER BY patient_id, trial_id, place"),
                "patients": (patients, f"({_nested('patients')}) ORDER BY patient_id, trial_id"),
            }
            for name, (schema, query) in queries.items():
                batches = parts._batches(connection, f"SELECT {parts._columns(schema)} FROM {query}")
                parquet.write_batches(self._out / f"{name}.parquet", schema, batches)

    def finish(self, data: dict[str, Any]) -> None:
        parquet.write_json(self._out / "run.json", data)


def _nested(name: str) -> str:
    rows = f"SELECT unnest({name}) AS r, generate_subscripts({name}, 1) AS place FROM decided"
    return f"SELECT r.*, place FROM ({rows})"


class _Remote:
    """An address that Spark's file systems know; raises UsageError where something is there."""

    def __init__(self, session: SparkSession, out: str) -> None:
        self._session, self._out = session, out.rstrip("/")
        self.scratch = f"{self._out}/.work"
        with spark.clear_errors(UsageError, f"--out {out}: cannot be opened"):
            if self._system(self._out).exists(self._path(self._out)):
                raise UsageError(f"--out {out}: is there already (expected an address where nothing is)")

    def take(self, tables: spark.Tables) -> None:
        tables.write(self._out)

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


def _counted(tables: spark.Tables, session: SparkSession) -> tuple[dict[str, Any], evaluation._Tally]:
    """Input and counts of ``run.json``, and the tally of the decisions."""
    tables.notes.createOrReplaceTempView("extractor_notes")
    tables.facts.unionByName(tables.support).createOrReplaceTempView("extractor_facts")
    tables.decided.createOrReplaceTempView("extractor_decided")
    ask = session.sql
    notes = {row[0]: row[1] for row in ask("SELECT status, count(*) FROM extractor_notes GROUP BY 1 ORDER BY 1").collect()}
    patients = "SELECT count(DISTINCT patient_id) FROM extractor_notes WHERE status IN ('ok', 'empty')"
    families: dict[str, int] = {}
    copied = 0
    for family, n, copies in ask("SELECT family, count(*), count(copied_from) FROM extractor_facts GROUP BY 1 ORDER BY 1").collect():
        families[family] = n
        copied += copies
    digest = hashlib.sha256()
    keys = "SELECT patient_id, note_id, sha256 FROM extractor_notes ORDER BY patient_id, note_id, sha256, status"
    for row in ask(keys).toLocalIterator():
        digest.update("\x1f".join(row).encode("utf-8", "replace") + b"\n")
    support = families.get("support", 0)
    counts = {
        "notes": notes, "patients": ask(patients).first()[0], "facts": sum(families.values()) - support,
        "support": support, "copied": copied, "families": families,
    }  # fmt: skip
    return {"input": {"digest": digest.hexdigest(), "rows": sum(notes.values())}, "counts": counts}, _tally(session)


def _tally(session: SparkSession) -> evaluation._Tally:
    tally = evaluation._Tally()
    people = session.sql(
        "SELECT p.trial_id, p.decision, count(*), count_if(p.index_date_assumed) FROM "
        "(SELECT explode(patients) AS p FROM extractor_decided) GROUP BY 1, 2"
    )
    for trial, decision, n, assumed in people.collect():
        tally.decisions[trial][decision] += n
        tally.assumed += assumed
    session.sql("SELECT patient_id, posexplode(criteria) AS (place, c) FROM extractor_decided").createOrReplaceTempView(
        "extractor_criteria"
    )
    outcomes = session.sql(
        "SELECT c.trial_id, c.criterion_id, c.outcome, count(*), count_if(c.presumed), min(place) AS place "
        "FROM extractor_criteria GROUP BY 1, 2, 3 ORDER BY place"
    )
    for trial, criterion, outcome, n, presumed, _ in outcomes.collect():
        tally.outcomes[trial][criterion][outcome] += n
        tally.outcomes[trial][criterion]["presumed"] += presumed
    removed = session.sql(
        "SELECT trial, criterion, count(*) FROM (SELECT c.trial_id AS trial, min_by(c.criterion_id, place) AS criterion "
        "FROM extractor_criteria WHERE coalesce(c.parent_id, '') = '' AND c.outcome = 'fail' "
        "GROUP BY patient_id, c.trial_id) GROUP BY 1, 2"
    )
    for trial, criterion, n in removed.collect():
        tally.first_failed[trial][criterion] += n
    for row in session.sql("SELECT DISTINCT policies FROM extractor_decided").collect():
        tally.policies.update(json.loads(row[0]))
    tally.policies = dict(sorted(tally.policies.items()))
    return tally
