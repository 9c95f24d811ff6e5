"""Facts and decisions out: the Parquet files of a run, and what other systems take.

``export`` writes a finished run in the form of another system; each form is a module with ``write(run, out)``.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from extractor.errors import UsageError
from extractor.writers.whole import DECIDED, EXTRACTED, opened

SINKS = ("omop", "fhir", "redcap", "duckdb", "xlsx")
SUFFIXES = {"duckdb": ".duckdb", "xlsx": ".xlsx"}


def export(run: Path, sink: str, *, out: Path | None = None, key_file: Path | None = None) -> Sequence[Path]:
    """Writes ``run`` for ``sink`` (one of ``SINKS``); the paths written.

    ``key_file``: patients and notes get pseudonyms made with the key in it (a new key where there is no file).

    Raises InputError where ``run`` is not finished.
    """
    from extractor.run import private
    if sink not in SINKS:
        raise UsageError(f"--to {sink}: is not known (expected one of {', '.join(SINKS)})")
    opened(run, [name for name in DECIDED if name in EXTRACTED or (run / name).is_file()])
    with private():
        module = importlib.import_module(f"extractor.writers.{sink}")
        if key_file is None:
            plain: Sequence[Path] = module.write(run, out)
            return plain
        from extractor.writers import pseudonyms

        key = pseudonyms.read_key(key_file)
        target = out or run / f"{sink}-pseudonymized{SUFFIXES.get(sink, '')}"
        with tempfile.TemporaryDirectory(dir=run, prefix=".pseudonyms.") as folder:
            written: Sequence[Path] = module.write(pseudonyms.renamed(run, Path(folder), key), target)
    return written
