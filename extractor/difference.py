"""What changed between two runs: facts by the rule that found them, and decisions by the criteria behind them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: what makes a fact the same fact; a change in any other column is a change of it
IDENTITY = ("patient_id", "note_id", "start", "end", "concept")
COMPARED = (
    "value", "value_high", "comparator", "unit", "value_text", "assertion", "experiencer", "temporality",
    "date_start", "date_end", "attributes", "copied_from",
)  # fmt: skip


#: columns of a changed fact that are told with their values; of the others, which may hold words of a note, the name
TOLD = (
    "value",
    "value_high",
    "comparator",
    "unit",
    "assertion",
    "experiencer",
    "temporality",
    "date_start",
    "date_end",
)


@dataclass(frozen=True)
class Difference:
    """``facts``: change, rule_id, concept, n. ``places``: change, patient_id, note_id, start, end, concept, rule_id, what.
    ``decisions``: patient_id, trial_id, before, after, because. ``criteria``: trial_id, criterion_id, before, after, n, rules.

    ``because`` names the criteria of the patient that changed; ``rules`` are those of changed facts that these criteria
    rest on in either run, empty where the facts are the same (another trial file, policy or index date).
    """

    facts: list[tuple[str, str, str, int]]
    places: list[tuple[str, str, str, int, int, str, str, str]]
    decisions: list[tuple[str, str, str, str, str]]
    criteria: list[tuple[str, str, str, str, int, str]]
    same_patterns: bool
    same_input: bool


def compare(run1: Path, run2: Path, *, limit: int = 40) -> Difference:
    """Compares the files of two runs; ``places`` are the first ``limit`` facts that changed.

    Raises InputError where one is no finished run.
    """
    import duckdb

    from extractor.writers import whole

    data = [whole.opened(run, whole.EXTRACTED) for run in (run1, run2)]
    with duckdb.connect() as connection:
        _changed_facts(connection, run1, run2)
        facts = connection.execute(
            "SELECT change, rule_id, concept, count(*) FROM changed WHERE NOT support GROUP BY ALL "
            "ORDER BY count(*) DESC, 1, 2, 3"
        ).fetchall()
        places = connection.execute(
            'SELECT change, patient_id, note_id, start, "end", concept, rule_id, what FROM changed WHERE NOT support '
            f"ORDER BY ALL LIMIT {int(limit)}"
        ).fetchall()
        decisions, criteria = [], []
        if all((run / name).is_file() for run in (run1, run2) for name in ("patients.parquet", "criteria.parquet")):
            criteria = _criteria(connection, run1, run2)
            decisions = _decisions(connection, run1, run2)
    return Difference(
        facts,
        places,
        decisions,
        criteria,
        data[0]["patterns"]["digest"] == data[1]["patterns"]["digest"],
        data[0]["input"]["digest"] == data[1]["input"]["digest"],
    )


def _changed_facts(connection: Any, run1: Path, run2: Path) -> None:
    """The table ``changed``: facts, and those that only support decisions, that are new, gone or changed."""
    keys = ", ".join(f'"{name}"' for name in IDENTITY)
    # several facts of one span (two values) are told apart by their place among them
    numbered = f"SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY fact_id) AS place FROM {{}}"
    changed = " OR ".join(f'a."{name}" IS DISTINCT FROM b."{name}"' for name in COMPARED)
    what = ", ".join(
        f'CASE WHEN a."{name}" IS DISTINCT FROM b."{name}" THEN \'{name}\''
        + (
            f" || ' ' || coalesce(a.\"{name}\"::VARCHAR, '-') || ' -> ' || coalesce(b.\"{name}\"::VARCHAR, '-')"
            if name in TOLD
            else ""
        )
        + " END"
        for name in COMPARED
    )
    selects = []
    for name in ("facts", "support"):
        old, new = (f"({numbered.format(_read(run / f'{name}.parquet'))})" for run in (run1, run2))
        selects.append(
            "SELECT CASE WHEN a.fact_id IS NULL THEN 'new' WHEN b.fact_id IS NULL THEN 'gone' "
            f"WHEN {changed} THEN 'changed' END AS change, {keys}, coalesce(b.rule_id, a.rule_id) AS rule_id, "
            f"a.fact_id AS old_id, b.fact_id AS new_id, {name == 'support'} AS support, "
            f"CASE WHEN a.fact_id IS NULL OR b.fact_id IS NULL THEN '' ELSE concat_ws(', ', {what}) END AS what "
            f"FROM {old} a FULL JOIN {new} b USING ({keys}, place)"
        )
    connection.execute(
        f"CREATE TEMP TABLE changed AS SELECT * FROM ({' UNION ALL '.join(selects)}) WHERE change IS NOT NULL"
    )


def _criteria(connection: Any, run1: Path, run2: Path) -> list[tuple[str, str, str, str, int, str]]:
    """Criteria with another outcome, and the rules of the changed facts that they rest on; fills ``moved``."""
    old, new = (_read(run / "criteria.parquet") for run in (run1, run2))
    connection.execute(
        "CREATE TEMP TABLE moved AS SELECT patient_id, trial_id, criterion_id, coalesce(a.outcome, '(none)') AS before, "
        "coalesce(b.outcome, '(none)') AS after, "
        "list_concat(coalesce(a.evidence, []), coalesce(b.evidence, [])) AS evidence "
        f"FROM {old} a FULL JOIN {new} b USING (patient_id, trial_id, criterion_id) "
        "WHERE a.outcome IS DISTINCT FROM b.outcome"
    )
    found: list[tuple[str, str, str, str, int, str]] = connection.execute(
        "WITH touched AS (SELECT patient_id, trial_id, criterion_id, unnest(evidence) AS fact_id FROM moved), "
        "ids AS (SELECT old_id AS fact_id, rule_id FROM changed UNION SELECT new_id, rule_id FROM changed), "
        "rules AS (SELECT patient_id, trial_id, criterion_id, rule_id FROM touched JOIN ids USING (fact_id)) "
        "SELECT trial_id, criterion_id, before, after, count(DISTINCT patient_id), "
        "coalesce(string_agg(DISTINCT rule_id, ', ' ORDER BY rule_id), '') "
        "FROM moved LEFT JOIN rules USING (patient_id, trial_id, criterion_id) "
        "GROUP BY ALL ORDER BY 5 DESC, 1, 2, 3, 4"
    ).fetchall()
    return found


def _decisions(connection: Any, run1: Path, run2: Path) -> list[tuple[str, str, str, str, str]]:
    old, new = (_read(run / "patients.parquet") for run in (run1, run2))
    found: list[tuple[str, str, str, str, str]] = connection.execute(
        "WITH why AS (SELECT patient_id, trial_id, "
        "string_agg(criterion_id || ' ' || before || ' -> ' || after, ', ' ORDER BY criterion_id) AS because "
        "FROM moved GROUP BY ALL) "
        "SELECT patient_id, trial_id, coalesce(a.decision, '(none)'), coalesce(b.decision, '(none)'), coalesce(because, '') "
        f"FROM {old} a FULL JOIN {new} b USING (patient_id, trial_id) LEFT JOIN why USING (patient_id, trial_id) "
        "WHERE a.decision IS DISTINCT FROM b.decision ORDER BY ALL"
    ).fetchall()
    return found


def show(run1: Path, run2: Path, *, limit: int) -> None:
    """Prints the difference of two runs, the most frequent changes first."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # lines that go to a file or another command are never folded
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 300)
    found = compare(run1, run2, limit=limit)
    patterns, notes = ("the same" if same else "changed" for same in (found.same_patterns, found.same_input))
    console.print(f"patterns: {patterns}; input: {notes}")
    places = [(*place[:3], f"[{place[3]}:{place[4]}]", *place[5:]) for place in found.places]
    all_facts = sum(row[3] for row in found.facts)
    for title, count, header, rows in (
        ("facts by rule", len(found.facts), ("change", "rule", "concept", "facts"), found.facts),
        ("facts", all_facts, ("change", "patient", "note", "place", "concept", "rule", "what"), places),
        ("decisions", len(found.decisions), ("patient", "trial", "before", "after", "because"), found.decisions),
        (
            "criteria",
            len(found.criteria),
            ("trial", "criterion", "before", "after", "patients", "by rule"),
            found.criteria,
        ),
    ):
        console.print()
        if not rows:
            console.print(f"{title}: no change")
            continue
        table = Table(title=f"{title}: {count} changed", title_justify="left", box=None, pad_edge=False)
        for name in header:
            table.add_column(name, overflow="fold")
        for row in rows[:limit]:  # type: ignore[index]
            table.add_row(*(escape(str(cell)) for cell in row))
        console.print(table)
        if count > limit:
            console.print(f"… and {count - limit} more (--limit)")


def _read(path: Path) -> str:
    return "read_parquet('" + str(path).replace("'", "''") + "')"
