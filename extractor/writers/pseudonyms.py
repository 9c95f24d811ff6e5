"""Identifiers that cannot be read back without the key: HMAC-SHA256 over patient and note ids, by a key file of its own.

The same key gives the same pseudonym in every run and export, so that exports can be joined; another key gives others.
Dates and words of notes stay: a pseudonymized export is not anonymous.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from extractor.errors import UsageError

#: bytes that a key must have at least, and that a new one has
KEY_BYTES = 32
#: columns that hold an identifier: of the patient, of a note
COLUMNS = {"patient_id": "patient", "note_id": "note", "copied_from": "note"}
#: what may hold an identifier or a path of the site, and is left out
DROPPED = ("source",)


def read_key(path: Path) -> bytes:
    """The key in a file, which is made where there is none; readable by its owner alone.

    Raises UsageError for a key that is too short or open to others.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        pass
    except OSError as problem:
        raise UsageError(f"--pseudonymize {path}: cannot be made ({problem.strerror})") from None
    else:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    try:
        mode, key = path.stat().st_mode, path.read_bytes().strip()
    except OSError as problem:
        raise UsageError(f"--pseudonymize {path}: cannot be read ({problem.strerror})") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"--pseudonymize {path}: is open to other users (allowed: its owner alone, chmod 600)")
    if len(key) < KEY_BYTES:
        raise UsageError(f"--pseudonymize {path}: the key is too short (expected {KEY_BYTES} bytes or more)")
    return key


def pseudonym(key: bytes, kind: str, identifier: str) -> str:
    """16 bytes of HMAC-SHA256 over kind and identifier, in hexadecimal.

    >>> pseudonym(b"k" * 32, "patient", "P1") == pseudonym(b"k" * 32, "patient", "P1")
    True
    >>> pseudonym(b"k" * 32, "patient", "P1") == pseudonym(b"k" * 32, "note", "P1")
    False
    """
    return hmac.new(key, f"{kind}\x1f{identifier}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def renamed(run: Path, folder: Path, key: bytes) -> Path:
    """A copy of a run in ``folder`` in which every identifier is a pseudonym; what exports are then written from."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from extractor.writers import parquet

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("facts", "support", "notes", "criteria", "patients"):
        if not (run / f"{name}.parquet").is_file():
            continue
        with pq.ParquetFile(run / f"{name}.parquet") as file:
            schema = file.schema_arrow

            def batches(file: Any = file, schema: Any = schema) -> Any:
                for batch in file.iter_batches(batch_size=8192):
                    columns = [_column(column, batch.column(column), key) for column in schema.names]
                    yield pa.table(columns, schema=schema)

            parquet.write_batches(folder / f"{name}.parquet", schema, batches())
    data = parquet.read_json(run / "run.json") or {}
    data["input"] = {"digest": (data.get("input") or {}).get("digest", "")}
    for part in ("since", "manifest", "warnings"):  # names of files and folders of the site
        data.pop(part, None)
    if isinstance(index := (data.get("evaluation") or {}).get("index_date"), dict):
        data["evaluation"]["index_date"] = {pseudonym(key, "patient", name): day for name, day in index.items()}
    parquet.write_json(folder / "run.json", data)
    return folder


def _column(name: str, column: Any, key: bytes) -> Any:
    import pyarrow as pa

    if name in DROPPED:
        return pa.nulls(len(column), column.type)
    if name not in COLUMNS:
        return column
    known: dict[str, str] = {}
    rename: Callable[[str], str] = lambda identifier: pseudonym(key, COLUMNS[name], identifier)  # noqa: E731
    return pa.array(
        [
            None if cell is None else "" if cell == "" else known.setdefault(cell, rename(cell))
            for cell in column.to_pylist()
        ],
        type=column.type,
    )
