"""Facts and decisions out: the Parquet files of a run, and what other systems take.

``export`` writes a finished run in the form of another system; each form is a module with ``write(run, out)``.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from extractor.errors import UsageError
from extractor.writers.provenance import provenance
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
            return _with_provenance(sink, module.write(run, out), run)
        from extractor.writers import pseudonyms

        key = pseudonyms.read_key(key_file)
        target = out or run / f"{sink}-pseudonymized{SUFFIXES.get(sink, '')}"
        with tempfile.TemporaryDirectory(dir=run, prefix=".pseudonyms.") as folder:
            renamed = pseudonyms.renamed(run, Path(folder), key)
            return _with_provenance(sink, module.write(renamed, target), renamed)


def _with_provenance(sink: str, written: Sequence[Path], run: Path) -> list[Path]:
    """Beside files of forms that have no room for it: what they rest on (DuckDB and Excel hold it themselves)."""
    if sink in SUFFIXES:
        return list(written)
    from extractor.writers import parquet

    beside = written[0].with_name("provenance.json")
    parquet.write_json(beside, provenance(parquet.read_json(run / "run.json") or {}))
    return [*written, beside]
