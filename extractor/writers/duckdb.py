"""One DuckDB file with the tables of a run and the views that a data manager asks for first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from extractor.errors import ExtractorError
from extractor.writers import parquet
from extractor.writers.provenance import provenance

TABLES = ("facts", "support", "notes", "criteria", "patients")
VIEWS = {
    # the newest stated value of each laboratory concept of the patient
    "latest_values": (
        "SELECT patient_id, concept, value, comparator, unit, date_start AS date, note_id, fact_id FROM facts "
        "WHERE value IS NOT NULL AND assertion = 'present' AND experiencer = 'patient' AND copied_from IS NULL "
        "QUALIFY row_number() OVER (PARTITION BY patient_id, concept ORDER BY date_start DESC NULLS LAST, fact_id) = 1"
    ),
}
DECIDED_VIEWS = {
    "candidates": (
        "SELECT patient_id, trial_id, decision, cohort, next_question, index_date, last_note_date FROM patients "
        "WHERE decision IN ('candidate', 'potential-candidate') ORDER BY decision, patient_id"
    ),
    "open_questions": (
        "SELECT trial_id, criterion_id, missing, count(*) AS patients FROM criteria WHERE outcome = 'open' "
        "GROUP BY ALL ORDER BY patients DESC"
    ),
    "evidence": (
        "SELECT c.patient_id, c.trial_id, c.criterion_id, c.outcome, f.note_id, f.note_date, f.concept, f.text, "
        "f.start, f.\"end\", f.rule_id FROM (SELECT *, unnest(evidence) AS fact_id FROM criteria) c "
        "JOIN (SELECT * FROM facts UNION ALL SELECT * FROM support) f USING (fact_id)"
    ),
}  # fmt: skip


def write(run: Path, out: Path | None) -> Sequence[Path]:
    """Writes the file ``out`` (default ``run.duckdb`` in the run)."""
    import duckdb

    target = out or run / "run.duckdb"
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with duckdb.connect(str(temporary)) as connection:
            there = [name for name in TABLES if (run / f"{name}.parquet").is_file()]
            for name in there:
                path = str(run / f"{name}.parquet").replace("'", "''")
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{path}')")
            connection.execute("CREATE TABLE provenance (what VARCHAR, value VARCHAR)")
            about = provenance(parquet.read_json(run / "run.json") or {})
            connection.executemany("INSERT INTO provenance VALUES (?, ?)", list(about.items()))
            for name, query in (VIEWS | DECIDED_VIEWS if "criteria" in there else VIEWS).items():
                connection.execute(f"CREATE VIEW {name} AS {query}")
        os.replace(temporary, target)
    except (duckdb.IOException, OSError) as problem:
        raise ExtractorError(f"{target}: cannot be written ({type(problem).__name__})") from None
    finally:
        temporary.unlink(missing_ok=True)
    return [target]
