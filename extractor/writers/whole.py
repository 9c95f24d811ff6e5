"""Is a folder a run whose files are whole? Asked before a command works with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from extractor.errors import InputError
from extractor.writers.parquet import read_json

EXTRACTED = ("facts.parquet", "support.parquet", "notes.parquet")
DECIDED = (*EXTRACTED, "criteria.parquet", "patients.parquet")


def opened(run: Path, names: Iterable[str], what: str = "finished run") -> dict[str, Any]:
    """``run.json`` of a run that has the files ``names``.

    Raises InputError where one is missing, or was cut or overwritten.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = tuple(names)
    data = read_json(run / "run.json")
    if data is None or not all((run / name).is_file() for name in wanted):
        raise InputError(f"{run}: holds no {what} (expected run.json, {', '.join(wanted)})")
    for name in wanted:
        try:
            pq.read_metadata(run / name)
        except (pa.ArrowException, OSError) as problem:
            why = f"{type(problem).__name__}; expected the file as the run wrote it"
            raise InputError(f"{run / name}: cannot be read ({why})") from None
    return data
