"""``extractor check`` and ``extractor score``: what the pattern and trial files, and the gold, say of themselves."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from extractor.errors import ExtractorError, PatternError


def check(*, overlay: str | None, trials: Sequence[str]) -> int:
    """Checks patterns (schema, examples) and trials (schema, cases); prints each problem. Exit code 0 or 4."""
    problems: list[str] = []
    for label, work in (
        ("patterns", lambda: _checker("patterns")(overlay=overlay)),
        ("trials", lambda: _checker("trials")(trials=list(trials) or None)),
    ):
        try:
            found = [str(item) for item in _listed(work())]
        except PatternError as problem:
            found = [str(problem)]
        click.echo(f"{label}: {'ok' if not found else f'{len(found)} problems'}")
        problems += found
    for line in problems:
        click.echo(f"  {line}")
    return PatternError.exit_code if problems else 0


def _listed(result: Any) -> Iterable[Any]:
    return result if isinstance(result, (list, tuple)) else ()


def _checker(name: str) -> Any:
    function = getattr(importlib.import_module(f"extractor.{name}"), "check", None)
    if function is None:
        raise ExtractorError(f"this installation has no check for {name}")
    return function


def score(gold: Path, facts: Path, *, errors: int) -> int:
    """Prints precision, recall and F1 of a run's facts against gold (JSON Lines, brat or Label Studio)."""
    scoring = importlib.import_module("extractor.scoring")
    click.echo(scoring.report(gold, facts, errors=errors))
    return 0
