"""The same work on Spark: notes are read with ``mapInArrow``, each patient is decided with ``applyInArrow``.

    tables = extractor.spark.screen(notes, trial="NCT07016230", index_date="2026-03-02")
    tables.write("hdfs:///screening/2026-03-02")

Executors need the installed wheel and nothing else. The rows are those of a local run. This is the only module that
imports pyspark (``pip install trial-extractor[spark]``, Java 17); what its Python workers do is in ``spark_worker``.
"""

from __future__ import annotations

import datetime
import os
import re
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor import errors
from extractor.errors import ExtractorError, InputError
from extractor.records import SUPPORT
from extractor.workers import Settings

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from extractor.readers import FileSource
    from extractor.spark_worker import Rules

TABLES = ("facts", "support", "notes", "criteria", "patients")
#: tasks for each core: where one gets long notes the others go on
TASKS_PER_CORE = 4
ANSWER_SECONDS = 5.0
#: nothing of what Java logs: Spark repeats what a Python worker raises, and its greetings are no news
_LOGGING = """\
rootLogger.level = warn
rootLogger.appenderRef.nowhere.ref = nowhere
appender.nowhere.type = Null
appender.nowhere.name = nowhere
"""


@dataclass(frozen=True)
class Tables:
    """The tables of a run as Spark frames, with the columns of the output files.

    They are views of ``lines`` (one row for each note, with its facts), ``decided`` (one row for each patient) and
    ``warnings`` (what the readers say of the input, in ``error``).
    """

    lines: DataFrame
    decided: DataFrame
    warnings: DataFrame

    @property
    def facts(self) -> DataFrame:
        return self._facts().where(f"family <> '{SUPPORT}'")

    @property
    def support(self) -> DataFrame:
        return self._facts().where(f"family = '{SUPPORT}'")

    @property
    def notes(self) -> DataFrame:
        return self.lines.drop("seq", "facts")

    @property
    def criteria(self) -> DataFrame:
        """Rows of one patient and trial stand in the order of the trial file."""
        return self.decided.selectExpr("explode(criteria) AS c").select("c.*")

    @property
    def patients(self) -> DataFrame:
        return self.decided.selectExpr("explode(patients) AS p").select("p.*")

    def _facts(self) -> DataFrame:
        return self.decided.selectExpr("explode(facts) AS f").select("f.*")

    def write(self, folder: str, *, mode: str = "errorifexists") -> None:
        """Every table as a Parquet folder below ``folder``; ``mode`` as Spark has it."""
        for name in TABLES:
            getattr(self, name).write.mode(mode).parquet(f"{folder}/{name}.parquet")


def session(master: str = "local[2]", *, scratch: str | None = None) -> SparkSession:
    """A Spark session for the command line: quiet, UTC, with this Python for a local master.

    ``scratch``: folder for what Spark spills. Raises ExtractorError where pyspark, Java or the master is missing.
    """
    try:
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise ExtractorError("Spark: pyspark is not installed (pip install 'trial-extractor[spark]')") from None
    _check_answer(master)
    options = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
        "spark.sql.broadcastTimeout": "3600",
        "spark.python.authenticate.socketTimeout": "2m",  # a busy machine takes its time to start Python
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": str(sys.stderr.isatty()).lower(),
        "spark.hadoop.fs.permissions.umask-mode": "077",
    }
    if master.startswith("local"):
        options["spark.sql.shuffle.partitions"] = "8"  # a machine, not a cluster: 200 small tasks would take longer
        # Java only moves rows: its optimising compilers would take longer than they save
        options["spark.driver.extraJavaOptions"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
        options["spark.sql.codegen.wholeStage"] = "false"
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if scratch:
        Path(scratch).mkdir(parents=True, exist_ok=True)
        options["spark.local.dir"] = scratch
        (Path(scratch) / "log4j2.properties").write_text(_LOGGING)
        java = options.get("spark.driver.extraJavaOptions", "")
        options["spark.driver.extraJavaOptions"] = (
            f"{java} -Dlog4j2.configurationFile={Path(scratch).resolve().as_uri()}/log4j2.properties"
        )
    # nothing here goes through pandas, whose new versions pyspark warns of
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    try:
        builder = SparkSession.builder.master(master).appName("extractor")
        for name, value in options.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()
    except Exception as problem:  # py4j raises its own kinds
        raise ExtractorError(f"Spark: no session on {master} ({_reason(problem)})") from None


@contextmanager
def running(master: str, *, scratch: str | None = None) -> Iterator[SparkSession]:
    """The session of this process, or a new one that ends with the block."""
    pyspark = sys.modules.get("pyspark.sql")
    active = pyspark.SparkSession.getActiveSession() if pyspark is not None else None
    if active is not None:
        yield active
        return
    made = session(master, scratch=scratch)
    try:
        yield made
    finally:
        made.stop()


def _check_answer(master: str) -> None:
    """Raises ExtractorError where nobody listens at the address of a master: Spark itself tries for a minute."""
    match = re.match(r"(?:spark|k8s)://(?:https?://)?\[?([^/,\]]+?)\]?:(\d+)", master)
    if match:
        try:
            socket.create_connection((match[1], int(match[2])), timeout=ANSWER_SECONDS).close()
        except OSError as problem:
            raise ExtractorError(
                f"Spark: the master {master} does not answer ({problem.strerror or type(problem).__name__})"
            ) from None


def _reason(problem: BaseException) -> str:
    """Why there is no session, without what Java says of its own inside."""
    text = str(problem)
    if "JAVA_GATEWAY_EXITED" in text or isinstance(problem, FileNotFoundError):
        return "Java did not start; is Java 17 or later installed and JAVA_HOME right?"
    if "Could not parse Master URL" in text:
        return "no address of a master; expected local[2], spark://HOST:PORT, yarn or k8s://HOST:PORT"
    if "HADOOP_CONF_DIR" in text:
        return "HADOOP_CONF_DIR or YARN_CONF_DIR must be set"
    return type(problem).__name__


@contextmanager
def clear_errors(kind: type[ExtractorError], what: str) -> Iterator[None]:
    """What Spark raises as one line: the words of an error of ours from a worker, else the name of Spark's condition.

    Spark's own messages are not repeated: they may hold a row.
    """
    try:
        yield
    except ExtractorError:
        raise
    except Exception as problem:
        if type(problem).__module__.partition(".")[0] not in ("pyspark", "py4j"):
            raise
        text = str(problem)
        if match := re.search(r"extractor\.errors\.(\w+): (.+)", text):
            ours = getattr(errors, match[1], ExtractorError)
            raise ours(match[2].strip()) from None
        if match := re.search(r"No module named '([\w.]+)'", text):
            raise ExtractorError(
                f"Spark: the Python of a worker has no module {match[1]} (PYSPARK_PYTHON names it; install the wheel there)"
            ) from None
        if "No space left on device" in text:
            raise ExtractorError(f"{what} (no space left on device)") from None
        condition = getattr(problem, "getCondition", lambda: None)() or type(problem).__name__
        raise kind(f"{what} ({condition})") from None


# --- notes -------------------------------------------------------------------------------------------------------------


def is_address(path: str) -> bool:
    """Whether Spark itself reads or writes the path: ``hdfs://…``, ``s3a://…``, ``dbfs:/…``, ``file:/…``.

    >>> is_address("hdfs://name/notes"), is_address("notes.parquet"), is_address("C:/notes.parquet")
    (True, False, False)
    """
    return re.match(r"[a-z][a-z0-9+.-]+:/", path) is not None


def read_notes(spark: SparkSession, path: str) -> DataFrame:
    """Notes of a CSV, TSV, Parquet or JSON Lines file or folder, read by Spark; for addresses that it alone can open."""
    from pyspark.sql import functions as F

    suffix = Path(path.rstrip("/")).suffix.lower()
    if suffix in (".csv", ".tsv"):
        separator = "\t" if suffix == ".tsv" else ","
        options: dict[str, Any] = {"header": True, "multiLine": True, "quote": '"', "escape": '"', "sep": separator}
        reader = spark.read.options(**options).format("csv")
    elif suffix in (".jsonl", ".ndjson", ".json"):
        reader = spark.read.format("json")
    elif suffix in (".parquet", ".pq", ""):
        reader = spark.read.format("parquet")
    else:
        raise InputError(f"{path}: expected .csv, .tsv, .parquet or .jsonl for Spark")
    with clear_errors(InputError, f"{path}: cannot be read"):
        frame = reader.load(path)
        return frame.withColumn("source", F.col("_metadata.file_name"))


def rows_of_frame(notes: DataFrame, columns: Mapping[str, str] | None, date_order: str) -> DataFrame:
    """The rows of a frame of notes with the package's column names, OMOP's, or those of ``columns``."""
    from pyspark.sql import functions as F

    from extractor import spark_worker
    from extractor.readers.columns import KNOWN, resolve

    found = resolve(notes.columns, dict(columns or {}), "notes")
    chosen = [F.monotonically_increasing_id().alias("seq")]
    for ours in KNOWN:
        position = found.position(ours)
        if position is not None:
            theirs = notes.columns[position].replace("`", "``")
            chosen.append(F.col(f"`{theirs}`").alias(ours))
    if "source" in notes.columns:
        chosen.append(F.col("source").cast("string"))

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return spark_worker.cell_rows(batches, date_order)

    return notes.select(*chosen).mapInArrow(read, schema=_type(spark_worker.ROWS))


def rows_of_files(spark: SparkSession, source: FileSource) -> DataFrame:
    """The rows of the files of a source, each file read by one task; the notes of few files go to many tasks."""
    from extractor import spark_worker

    root, mapping, order = source.root.absolute(), dict(source.mapping), source.date_order
    tasks = TASKS_PER_CORE * spark.sparkContext.defaultParallelism
    files = [(place, os.fsencode(path.absolute())) for place, path in enumerate(source.files)]
    frame = spark.createDataFrame(files, "place bigint, path binary").repartition(min(len(files), tasks), "place")

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return spark_worker.file_rows(batches, root, mapping, order)

    rows = frame.mapInArrow(read, schema=_type(spark_worker.ROWS))
    return rows if len(files) >= tasks else rows.repartition(tasks, "seq")


# --- facts and decisions -----------------------------------------------------------------------------------------------


def extract(
    notes: DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    date_order: str = "auto",
    overlay: str | None = None,
    note_seconds: float = 30.0,
) -> DataFrame:
    """One row for each note: its line of ``notes.parquet`` and its facts in the array ``facts``.

    ``notes``: columns patient_id, note_id, text, and note_date, note_type where there are any (OMOP's names too).
    """
    settings = Settings(date_order=date_order, overlay=overlay, note_seconds=note_seconds)
    return _read(rows_of_frame(notes, columns, date_order), settings)


def _read(rows: DataFrame, settings: Settings) -> DataFrame:
    from extractor import spark_worker

    overlay = None if settings.overlay is None else spark_worker.packed(settings.overlay)

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return spark_worker.read_rows(batches, settings, overlay)

    return rows.mapInArrow(read, schema=_type(spark_worker.READ))


def screen(
    notes: DataFrame,
    *,
    trial: str | Sequence[str],
    index_date: datetime.date | str | Mapping[str, Any] | None = None,
    strict: bool = False,
    policies: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    date_order: str = "auto",
    overlay: str | None = None,
    note_seconds: float = 30.0,
    scratch: str | None = None,
) -> Tables:
    """Notes to decisions: the rows that ``extractor screen`` gives.

    ``notes``, ``columns``  as for ``extract``
    ``scratch``             folder for what is kept between the two steps; without it Spark persists it
    """
    from extractor.evaluation import parse_index_date

    rows = rows_of_frame(notes, columns, date_order)
    settings = Settings(date_order=date_order, overlay=overlay, note_seconds=note_seconds)
    trials = [trial] if isinstance(trial, str) else list(trial)
    return tables_of(rows, settings, rules_of(trials, parse_index_date(index_date), strict, policies), scratch)


def rules_of(trials: Sequence[str], days: Any, strict: bool, policies: Mapping[str, str] | None) -> Rules:
    from extractor import spark_worker

    files = {trial: spark_worker.packed(trial) for trial in trials if Path(trial).is_file()}
    return spark_worker.Rules(tuple(trials), days, strict, dict(policies or {}), files)


def tables_of(rows: DataFrame, settings: Settings, rules: Rules, scratch: str | None) -> Tables:
    from pyspark.sql import functions as F

    from extractor import spark_worker

    read = _kept(_read(rows, settings), scratch, "read")
    marked = _without_doubles(read.where(F.col("status") != spark_worker.WARNING))
    criteria, patients = spark_worker.schemas(rules)

    def decide(group: pa.Table) -> pa.Table:
        return spark_worker.decide(group, rules, criteria, patients)

    groups = marked.where(F.col("status") != "rejected").groupBy("patient_id")
    schema = _type(spark_worker.decided_schema(criteria, patients))
    decided = _kept(groups.applyInArrow(decide, schema=schema), scratch, "decided")
    return Tables(marked, decided, read.where(F.col("status") == spark_worker.WARNING).select("error").distinct())


def _kept(frame: DataFrame, scratch: str | None, name: str) -> DataFrame:
    """The frame as it is after one pass: read from ``scratch``, or persisted."""
    if scratch is None:
        frame = frame.persist()
        frame.count()  # now, and not within the time that Spark gives to a broadcast
        return frame
    frame.write.mode("overwrite").parquet(f"{scratch}/{name}")
    return frame.sparkSession.read.parquet(f"{scratch}/{name}")


def _without_doubles(read: DataFrame) -> DataFrame:
    """A note_id that stands twice is one note, the rest are rejected; which one stays does not depend on the order."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = ("patient_id", F.asc_nulls_last("note_date"), "note_type", "sha256", "seq")
    place = F.row_number().over(Window.partitionBy("note_id").orderBy(*order))
    ranked = read.where(F.col("status") != "rejected").select("seq", place.alias("rank"))
    doubled = ranked.where(F.col("rank") > 1).select("seq", F.lit(True).alias("doubled"))
    joined = read.join(F.broadcast(doubled), "seq", "left")
    none = F.array().cast(read.schema["facts"].dataType)
    changed = {
        "status": F.lit("rejected"), "n_facts": F.lit(0).cast("bigint"), "facts": none,
        "error": F.lit("doubled note_id (allowed: once in the input)"),
    }  # fmt: skip
    return joined.withColumns(
        {name: F.when(F.col("doubled"), value).otherwise(F.col(name)) for name, value in changed.items()}
    ).drop("doubled")


def _type(schema: pa.Schema) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)
