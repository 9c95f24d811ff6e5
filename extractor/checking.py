"""``extractor check`` and ``extractor score``: what the pattern and trial files, and the gold, say of themselves."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from extractor.errors import ExtractorError, InputError, PatternError


def check(*, overlay: str | None, trials: Sequence[str]) -> int:
    """Checks patterns (schema, examples) and trials (schema, cases); prints each problem. Exit code 0 or 4."""
    problems: list[str] = []
    for label, work in (
        ("patterns", lambda: _checker("patterns")(overlay=overlay)),
        ("trials", lambda: _checker("trials")(trials=list(trials) or None)),
    ):
        try:
            found = [str(problem) for problem in _listed(work())]
        except PatternError as problem:
            found = [str(problem)]
        click.echo(f"{label}: {'ok' if not found else f'{len(found)} problems'}")
        problems += found
    for problem in problems:
        click.echo(f"  {problem}")
    return PatternError.exit_code if problems else 0


def _listed(result: Any) -> Iterable[Any]:
    return result if isinstance(result, (list, tuple)) else ()


def _checker(name: str) -> Any:
    function = getattr(importlib.import_module(f"extractor.{name}"), "check", None)
    if function is None:
        raise ExtractorError(f"this installation has no check for {name}")
    return function


def score(gold: Path, facts: Path, *, errors: int) -> int:
    """Prints precision, recall and F1 of a run's facts against gold."""
    if facts.is_dir():
        facts = facts / "facts.parquet"
    if not facts.is_file():
        raise InputError(f"{facts}: there is no such file (expected facts.parquet or the folder of a run)")
    _read_gold(gold)
    try:
        scoring = importlib.import_module("extractor.scoring")
    except ModuleNotFoundError:
        raise ExtractorError("this installation has no scoring module (extractor/scoring.py)") from None
    click.echo(scoring.report(gold, facts, errors=errors))
    return 0


def _read_gold(gold: Path) -> None:
    """Refuses a gold file that is no JSON Lines of documents before anything is scored."""
    with gold.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                document = json.loads(line)
            except ValueError:
                document = None
            if not isinstance(document, dict) or "id" not in document or not isinstance(document.get("facts"), list):
                raise InputError(f"{gold}: row {number}: is no gold document (expected an object with id and facts)")
