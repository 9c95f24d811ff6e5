"""What changed between two runs: facts by the rule that found them, and decisions by the criteria behind them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: what makes a fact the same fact; a change in any other column is a change of it
IDENTITY = ("patient_id", "note_id", "start", "end", "concept")
COMPARED = (
    "value", "value_high", "comparator", "unit", "value_text", "assertion", "experiencer", "temporality",
    "date_start", "date_end", "attributes", "copied_from",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """``facts``: change, rule_id, concept, n. ``decisions``: patient_id, trial_id, before, after.
    ``criteria``: trial_id, criterion_id, before, after, n."""

    facts: list[tuple[str, str, str, int]]
    decisions: list[tuple[str, str, str, str]]
    criteria: list[tuple[str, str, str, str, int]]
    same_patterns: bool
    same_input: bool


def compare(run1: Path, run2: Path) -> Difference:
    """Compares the files of two runs.

    Raises InputError where one is no finished run.
    """
    import duckdb

    from extractor.writers import whole

    data = [whole.opened(run, whole.EXTRACTED) for run in (run1, run2)]
    with duckdb.connect() as connection:
        facts = _facts(connection, run1, run2)
        decisions, criteria = [], []
        if all((run / name).is_file() for run in (run1, run2) for name in ("patients.parquet", "criteria.parquet")):
            old, new = (_read(run / "patients.parquet") for run in (run1, run2))
            decisions = connection.execute(
                "SELECT coalesce(a.patient_id, b.patient_id), coalesce(a.trial_id, b.trial_id), "
                "coalesce(a.decision, '(none)'), coalesce(b.decision, '(none)') "
                f"FROM {old} a FULL JOIN {new} b ON a.patient_id = b.patient_id AND a.trial_id = b.trial_id "
                "WHERE a.decision IS DISTINCT FROM b.decision ORDER BY ALL"
            ).fetchall()
            old, new = (_read(run / "criteria.parquet") for run in (run1, run2))
            criteria = connection.execute(
                "SELECT trial_id, criterion_id, coalesce(a.outcome, '(none)'), coalesce(b.outcome, '(none)'), count(*) "
                f"FROM {old} a FULL JOIN {new} b USING (patient_id, trial_id, criterion_id) "
                "WHERE a.outcome IS DISTINCT FROM b.outcome GROUP BY ALL ORDER BY count(*) DESC, 1, 2, 3, 4"
            ).fetchall()
    return Difference(
        facts,
        decisions,
        criteria,
        data[0]["patterns"]["digest"] == data[1]["patterns"]["digest"],
        data[0]["input"]["digest"] == data[1]["input"]["digest"],
    )


def _facts(connection: Any, run1: Path, run2: Path) -> list[tuple[str, str, str, int]]:
    keys = ", ".join(f'"{name}"' for name in IDENTITY)
    # several facts of one span (two values) are told apart by their place among them
    numbered = f"SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY fact_id) AS place FROM {{}}"
    old, new = (f"({numbered.format(_read(run / 'facts.parquet'))})" for run in (run1, run2))
    changed = " OR ".join(f'a."{name}" IS DISTINCT FROM b."{name}"' for name in COMPARED)
    return connection.execute(
        f"SELECT change, rule_id, concept, count(*) FROM (SELECT "
        f"CASE WHEN a.fact_id IS NULL THEN 'new' WHEN b.fact_id IS NULL THEN 'gone' WHEN {changed} THEN 'changed' END "
        f"AS change, coalesce(b.rule_id, a.rule_id) AS rule_id, concept FROM {old} a FULL JOIN {new} b "
        f"USING ({keys}, place)) WHERE change IS NOT NULL GROUP BY ALL ORDER BY count(*) DESC, 1, 2, 3"
    ).fetchall()


def show(run1: Path, run2: Path, *, limit: int) -> None:
    """Prints the difference of two runs, the most frequent changes first."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    found = compare(run1, run2)
    patterns, notes = ("the same" if same else "changed" for same in (found.same_patterns, found.same_input))
    console.print(f"patterns: {patterns}; input: {notes}")
    for title, header, rows in (
        ("facts by rule", ("change", "rule", "concept", "facts"), found.facts),
        ("decisions", ("patient", "trial", "before", "after"), found.decisions),
        ("criteria", ("trial", "criterion", "before", "after", "patients"), found.criteria),
    ):
        console.print()
        if not rows:
            console.print(f"{title}: no change")
            continue
        table = Table(title=f"{title}: {len(rows)} changes", title_justify="left", box=None, pad_edge=False)
        for name in header:
            table.add_column(name)
        for row in rows[:limit]:  # type: ignore[index]
            table.add_row(*(str(cell) for cell in row))
        console.print(table)
        if len(rows) > limit:
            console.print(f"… and {len(rows) - limit} more (--limit)")


def _read(path: Path) -> str:
    return "read_parquet('" + str(path).replace("'", "''") + "')"
