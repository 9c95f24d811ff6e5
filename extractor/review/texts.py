"""The texts of a run's notes, read again from where the run read them, and found by patient in no time.

A run's files hold facts and no notes. The input is read once; small inputs are kept in memory, large ones in a private
file (mode 0600) beside the run, compressed. A text whose digest is not the run's is another text: its offsets would
point at other words, so it is left out and counted.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

#: inputs up to this many characters are kept in memory
IN_MEMORY = 64_000_000


def digest(text: str) -> str:
    """SHA-256 of a note's text, as ``notes.parquet`` has it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Texts:
    """Texts by patient. ``missing`` is the number of notes that are gone or no longer what they were."""

    def __init__(self, connection: sqlite3.Connection, missing: int) -> None:
        self._connection, self.missing = connection, missing

    def of(self, patient_id: str) -> dict[str, str]:
        """``note_id`` to text for one patient."""
        rows = self._connection.execute("SELECT note_id, body FROM texts WHERE patient_id = ?", (patient_id,))
        return {note: zlib.decompress(body).decode("utf-8", "surrogatepass") for note, body in rows}


def empty(missing: int = 0) -> Texts:
    """No text at all: places are shown without words."""
    return Texts(_table(":memory:"), missing)


def read(
    path: str | os.PathLike[str],
    known: Mapping[tuple[str, str], str],
    *,
    characters: int,
    columns: Mapping[str, str] | None = None,
    date_order: str = "auto",
    store: Path | None = None,
    stamp: str = "",
) -> Texts:
    """Reads the notes at ``path`` that ``known`` names: (patient_id, note_id) to the digest of the text.

    ``store``: the private file used for inputs above ``IN_MEMORY``; ``stamp`` identifies the run it belongs to.
    Raises InputError where the notes cannot be read again.
    """
    from extractor.readers import open_source

    large = characters > IN_MEMORY and store is not None
    if large and store is not None and store.is_file():
        connection = _table(str(store))
        found = connection.execute("SELECT stamp, missing FROM about").fetchone()
        if found and found[0] == stamp:
            return Texts(connection, int(found[1]))
        connection.close()
        store.unlink()
    source = open_source(os.fspath(path), columns=dict(columns or {}), date_order=date_order)
    if large and store is not None:
        store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(store, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = _table(str(store) if large else ":memory:")
    left = len(known)
    with connection:
        for patient, note, text in _fitting(source.rows(), known):
            connection.execute(
                "INSERT OR IGNORE INTO texts VALUES (?, ?, ?)",
                (patient, note, zlib.compress(text.encode("utf-8", "surrogatepass"), 1)),
            )
            left -= 1
        connection.execute("INSERT INTO about VALUES (?, ?)", (stamp, max(left, 0)))
    return Texts(connection, max(left, 0))


def _fitting(rows: Iterable[Any], known: Mapping[tuple[str, str], str]) -> Iterable[tuple[str, str, str]]:
    for row in rows:
        wanted = known.get((row.patient_id, row.note_id))
        if wanted is not None and digest(row.text) == wanted:
            yield row.patient_id, row.note_id, row.text


def _table(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, check_same_thread=False)
    connection.execute("CREATE TABLE IF NOT EXISTS about (stamp TEXT, missing INTEGER)")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS texts (patient_id TEXT, note_id TEXT, body BLOB, PRIMARY KEY (patient_id, note_id))"
    )
    return connection
