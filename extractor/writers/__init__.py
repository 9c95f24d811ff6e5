"""Facts and decisions out: the Parquet files of a run, and what other systems take.

``export`` writes a finished run in the form of another system; each form is a module with ``write(run, out)``.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

from extractor.errors import InputError, UsageError

SINKS = ("omop", "fhir", "redcap", "duckdb", "xlsx")


def export(run: Path, sink: str, *, out: Path | None = None) -> Sequence[Path]:
    """Writes ``run`` for ``sink`` (one of ``SINKS``); the paths written.

    Raises InputError where ``run`` is not finished.
    """
    from extractor.run import private
    from extractor.writers.parquet import read_json

    if sink not in SINKS:
        raise UsageError(f"--to {sink}: is not known (expected one of {', '.join(SINKS)})")
    if read_json(run / "run.json") is None or not (run / "facts.parquet").is_file():
        raise InputError(f"{run}: holds no finished run (expected run.json and facts.parquet)")
    with private():
        written: Sequence[Path] = importlib.import_module(f"extractor.writers.{sink}").write(run, out)
    return written
