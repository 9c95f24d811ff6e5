"""The same work on Spark: extraction with ``mapInPandas``, decision of each patient with ``applyInPandas``.

    tables = extractor.spark.screen(spark, notes, trial="NCT07016230", index_date="2026-03-02")
    tables.facts.write.parquet("...")

Executors need the installed wheel and nothing else; each Python worker builds its engine once. The rows are those of
a local run, row for row. This is the only module that imports pyspark (``pip install trial-extractor[spark]``, Java 17).
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ExtractorError, InputError, UsageError
from .records import FACT_COLUMNS, SUPPORT, Note

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

_DATES = frozenset({"note_date", "date_start", "date_end"})
_FLOATS = frozenset({"value", "value_high", "ref_low", "ref_high"})
_INTEGERS = frozenset({"start", "end"})
#: one row for each note: what happened to it, and its facts as JSON rows
_READ = (
    "patient_id string, note_id string, note_date date, note_type string, status string, error string, "
    "n_facts bigint, sha256 string, characters bigint, facts array<string>"
)
_DECIDED = "patient_id string, facts array<string>, criteria array<string>, patients array<string>"


@dataclass(frozen=True)
class Tables:
    """The tables of a run as Spark frames, with the columns of the output files."""

    facts: DataFrame
    support: DataFrame
    notes: DataFrame
    criteria: DataFrame
    patients: DataFrame

    def write(self, folder: str) -> None:
        """Every table as a Parquet folder below ``folder``."""
        for name in ("facts", "support", "notes", "criteria", "patients"):
            getattr(self, name).write.mode("overwrite").parquet(f"{folder}/{name}.parquet")


def session(master: str = "local[2]") -> SparkSession:
    """A Spark session for the command line: quiet, UTC, Arrow on.

    Raises ExtractorError where pyspark or Java is missing.
    """
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise ExtractorError("Spark: pyspark is not installed; install trial-extractor[spark]") from None
    try:
        return (
            SparkSession.builder.master(master)
            .appName("extractor")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.execution.arrow.pyspark.enabled", "true")
            .config("spark.sql.shuffle.partitions", "8")  # a machine, not a cluster: 200 small tasks would take longer
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "true")
            .getOrCreate()
        )
    except Exception as problem:  # py4j raises its own kinds; the class alone says that Java did not start
        raise ExtractorError(
            f"Spark: no session on {master} ({type(problem).__name__}); is Java 17 installed?"
        ) from None


def read_notes(spark: SparkSession, path: str, columns: Mapping[str, str] | None = None) -> DataFrame:
    """Notes of a CSV, TSV, Parquet or JSON Lines file or folder, with the package's column names.

    ``columns``: our name → the file's, as ``--columns`` takes it; OMOP names are understood as they are.
    """
    from .readers.columns import KNOWN, resolve

    suffix = Path(path).suffix.lower()
    if suffix in (".csv", ".tsv"):
        options = {
            "header": True,
            "multiLine": True,
            "quote": '"',
            "escape": '"',
            "sep": "\t" if suffix == ".tsv" else ",",
        }
        frame = spark.read.options(**options).csv(path)
    elif suffix in (".jsonl", ".ndjson", ".json"):
        frame = spark.read.json(path)
    elif suffix == ".parquet" or Path(path).is_dir():
        frame = spark.read.parquet(path)
    else:
        raise InputError(f"{path}: expected .csv, .tsv, .parquet or .jsonl for Spark")
    mapping = resolve(frame.columns, dict(columns or {}), path)
    from pyspark.sql import functions as F

    chosen = []
    for ours in KNOWN:
        position = mapping.position(ours)
        if position is not None:
            theirs = frame.columns[position].replace("`", "``")
            chosen.append(F.col(f"`{theirs}`").cast("string").alias(ours))
    return frame.select(*chosen)


def extract(notes: DataFrame, *, date_order: str = "auto", overlay: str | None = None) -> DataFrame:
    """One row for each note: its line of ``notes.parquet`` and its facts as JSON rows in ``facts``.

    ``notes``: columns patient_id, note_id, text, and note_date, note_type where there are any.
    """

    def read(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        engine = _engine(date_order, overlay)
        for batch in batches:
            yield _read_batch(engine, batch)

    return notes.mapInPandas(read, schema=_READ)


_ENGINES: dict[tuple[str, str | None], Any] = {}


def _engine(date_order: str, overlay: str | None) -> Any:
    """The engine of this Python worker, built once."""
    key = (date_order, overlay)
    if key not in _ENGINES:
        from .pipeline.engine import Engine

        _ENGINES[key] = Engine(date_order=date_order, overlay=overlay)
    return _ENGINES[key]


def _read_batch(engine: Any, batch: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from .dates import parse_iso

    lines = []
    for row in batch.to_dict("records"):
        text = row["text"] if isinstance(row["text"], str) else ""
        day = parse_iso(row.get("note_date"))
        kind = row.get("note_type")
        note = Note(str(row["patient_id"]), str(row["note_id"]), day, kind if isinstance(kind, str) else "", text)
        status, error, facts = ("empty" if not text.strip() else "ok"), None, []
        if status == "ok":
            try:
                facts = [fact.row() for fact in engine.facts(note)]
            except Exception as problem:  # the run goes on; the class alone is kept, a message could quote the note
                status, error = "error", type(problem).__name__
        lines.append(
            {
                "patient_id": note.patient_id, "note_id": note.note_id, "note_date": day, "note_type": note.note_type,
                "status": status, "error": error, "n_facts": sum(f["family"] != SUPPORT for f in facts),
                "sha256": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), "characters": len(text),
                "facts": [json.dumps(f, default=str, ensure_ascii=False) for f in facts],
            }
        )  # fmt: skip
    return pd.DataFrame(lines, columns=[part.split()[0] for part in _READ.split(", ")])


def screen(
    notes: DataFrame,
    *,
    trial: str | Sequence[str],
    index_date: datetime.date | str | Mapping[str, Any] | None = None,
    strict: bool = False,
    policies: Mapping[str, str] | None = None,
    date_order: str = "auto",
    overlay: str | None = None,
) -> Tables:
    """Notes to decisions: the same rows as ``extractor screen`` gives."""
    from pyspark.sql import functions as F

    read = extract(notes, date_order=date_order, overlay=overlay).persist()
    trials = [trial] if isinstance(trial, str) else list(trial)
    options = {"strict": strict, "policies": dict(policies) if policies else None}
    days = dict(index_date) if isinstance(index_date, Mapping) else index_date

    schemas = _schemas(trials, options)

    def decide(group: pd.DataFrame) -> pd.DataFrame:
        return _decide(group, trials, days, options)

    decided = read.groupBy("patient_id").applyInPandas(decide, schema=_DECIDED).persist()
    every = decided.select(F.explode("facts").alias("row"))
    facts = every.select(F.from_json("row", _schema_of(FACT_COLUMNS)).alias("f")).select("f.*")
    return Tables(
        facts=facts.where(F.col("family") != SUPPORT),
        support=facts.where(F.col("family") == SUPPORT),
        notes=read.drop("facts"),
        criteria=_table(decided, "criteria", schemas[0]),
        patients=_table(decided, "patients", schemas[1]),
    )


def run(
    master: str,
    trials: Sequence[str],
    days: Any,
    *,
    notes: str | None,
    out: str,
    columns: str | None = None,
    date_order: str = "auto",
    overlay: str | None = None,
    strict: bool = False,
    policies: Mapping[str, str] | None = None,
    **others: Any,
) -> None:
    """``extractor screen --engine spark``: reads the export, writes the five tables as Parquet folders below ``out``.

    Raises UsageError for an option that belongs to a local run alone.
    """
    from .readers.columns import parse_mapping

    for name in ("sql", "query", "resume", "since", "drop_missing"):
        if others.get(name):
            raise UsageError(f"--{name.replace('_', '-')}: not with --engine spark (expected --engine local)")
    if not notes:
        raise UsageError("NOTES: expected a .csv, .tsv, .parquet or .jsonl file or folder with --engine spark")
    spark = session(master)
    try:
        frame = read_notes(spark, notes, parse_mapping(columns))
        tables = screen(
            frame,
            trial=list(trials),
            index_date=days,
            strict=strict,
            policies=policies,
            date_order=date_order,
            overlay=overlay,
        )
        tables.write(out)
    finally:
        spark.stop()


def _schema_of(columns: Sequence[str]) -> str:
    def kind(name: str) -> str:
        return (
            "double" if name in _FLOATS else "date" if name in _DATES else "bigint" if name in _INTEGERS else "string"
        )

    return ", ".join(f"`{name}` {kind(name)}" for name in columns)


def _schemas(trials: list[str], options: dict[str, Any]) -> tuple[str, str]:
    """Columns of criteria and patients as Spark writes them: those that the decision of a silent note has."""
    import pandas as pd

    note = {"patient_id": "", "note_id": "", "note_date": datetime.date(2000, 1, 1), "note_type": "", "status": "ok"}
    facts = pd.DataFrame({name: pd.Series(dtype=object) for name in FACT_COLUMNS})
    tables = _evaluated(facts, pd.DataFrame([note]), trials, None, options)
    kinds = {"string": "string", "bool": "boolean", "date32[day]": "date", "int64": "bigint", "double": "double"}
    return tuple(  # type: ignore[return-value]
        ", ".join(f"`{field.name}` {kinds.get(str(field.type), 'array<string>')}" for field in table.schema)
        for table in tables
    )


def _evaluated(
    facts: pd.DataFrame, notes: pd.DataFrame, trials: list[str], days: Any, options: dict[str, Any]
) -> list[Any]:
    """Criteria and patients as Arrow tables, as a local run writes them."""
    from . import trials as package
    from .evaluation import conform
    from .writers import parquet

    given = {"policies": options["policies"]} if options["policies"] else {}
    run = package.evaluate(facts, trial=trials, notes=notes, index_date=days, strict=options["strict"], **given)
    return [conform(run.criteria, parquet.CRITERIA), conform(run.patients, parquet.PATIENTS)]


def _table(decided: DataFrame, column: str, schema: str) -> DataFrame:
    from pyspark.sql import functions as F

    rows = decided.select(F.explode(column).alias("row"))
    return rows.select(F.from_json("row", schema).alias("r")).select("r.*")


def _decide(group: pd.DataFrame, trials: list[str], days: Any, options: dict[str, Any]) -> pd.DataFrame:
    """One patient: copy-forward, then every trial."""
    import pandas as pd

    from .api import mark_copies

    facts = mark_copies([json.loads(row) for rows in group["facts"] for row in rows])
    facts.sort(key=lambda f: (f["note_id"], f["start"], f["end"], f["concept"], f["fact_id"]))
    frame = pd.DataFrame(facts, columns=list(FACT_COLUMNS))
    for name in _DATES:
        frame[name] = [datetime.date.fromisoformat(v) if v else None for v in frame[name]]
    notes = group.drop(columns=["facts", "error"])
    patient = str(group["patient_id"].iloc[0])
    index = {k: v for k, v in days.items() if k == patient} if isinstance(days, dict) else days
    tables = _evaluated(frame, notes, trials, index, options)
    rows = [[json.dumps(row, default=str, ensure_ascii=False) for row in table.to_pylist()] for table in tables]
    line = {
        "patient_id": patient,
        "facts": [json.dumps(f, default=str, ensure_ascii=False) for f in facts],
        "criteria": rows[0],
        "patients": rows[1],
    }
    return pd.DataFrame([line])
