"""Note exports in: CSV, TSV, Parquet, JSON Lines, OMOP ``note``, FHIR NDJSON, folders, text files, SQL.

``open_source`` looks at the name and gives a ``Source`` that streams ``NoteRow``s; nothing is held but the row in work.
A new kind of file is one module with ``rows(path, …)`` and one line in ``TABLES``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extractor.errors import InputError, UsageError
from extractor.readers import delimited, jsonl, parquet, textfiles
from extractor.readers.rows import Monitor, NoteRow, Source, reject
from extractor.readers.sql import DEFAULT_QUERY, SqlSource, duckdb_path

__all__ = ["Monitor", "NoteRow", "Source", "open_source"]

TABLES: dict[str, Callable[..., Iterator[NoteRow]]] = {
    ".csv": delimited.rows,
    ".tsv": delimited.rows,
    ".tab": delimited.rows,
    ".parquet": parquet.rows,
    ".pq": parquet.rows,
    ".jsonl": jsonl.rows,
    ".ndjson": jsonl.rows,
    ".json": jsonl.rows,
}


@dataclass
class FileSource:
    """One file, or all the files of a folder in the order of their names."""

    root: Path
    files: list[Path]
    mapping: Mapping[str, str]
    date_order: str
    monitor: Monitor = field(default_factory=Monitor)

    @property
    def name(self) -> str:
        return str(self.root)

    def rows(self) -> Iterator[NoteRow]:
        sizes = [path.lstat().st_size if path.exists() else 0 for path in self.files]
        self.monitor.total_bytes, self.monitor.done_bytes = sum(sizes), 0
        for path, size in zip(self.files, sizes, strict=True):
            yield from self.file_rows(path)
            self.monitor.position = None
            self.monitor.done_bytes += size

    def file_rows(self, path: Path) -> Iterator[NoteRow]:
        """The rows of one file; raises InputError where it is the only one and not a row can be read."""
        name = path.relative_to(self.root).as_posix() if path != self.root else path.name
        name = name.encode("utf-8", "replace").decode()
        if path.is_symlink() and path != self.root:
            yield reject(name, 1, "symbolic link in the folder (not followed)")
            return
        if not path.is_file():  # a pipe would be waited for without an end
            yield reject(name, 1, "is no ordinary file (expected a file)")
            return
        common: dict[str, Any] = {"name": name, "date_order": self.date_order, "monitor": self.monitor}
        given = 0
        try:
            if (suffix := kind(path)) in TABLES:
                rows = TABLES[suffix](path, mapping=self.mapping, **common)
            else:
                rows = textfiles.rows(path, root=self.root if path != self.root else path.parent, **common)
            for row in rows:
                given = row.row
                yield row
        except InputError as problem:
            if len(self.files) == 1 and not given:
                raise
            # the rows before it and the other files are notes all the same
            yield reject(name, given + 1, str(problem).removeprefix(f"{path}: ").removeprefix(f"{name}: "))

    def fingerprint(self) -> str:
        """Digest of names, sizes and times of change: cheap, and enough to refuse to resume on another export."""
        digest = hashlib.sha256(repr(sorted(self.mapping.items())).encode())
        for path in self.files:
            stat = path.lstat()
            digest.update(f"{path}\x1f{stat.st_size}\x1f{stat.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def open_source(
    notes: str | os.PathLike[str] | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    date_order: str = "auto",
    sql: str | None = None,
    query: str | None = None,
) -> Source:
    """Opens a note export.

    Parameters: ``notes`` a file or folder, or ``sql`` an address with its ``query``; ``columns`` our name -> theirs;
    ``date_order`` how a slashed date in the note_date column is read.

    Raises InputError where there is no such file or no kind of it that is understood.
    """
    mapping = dict(columns or {})
    if sql is not None:
        if notes is not None:
            raise UsageError("give NOTES or --sql, not both")
        return SqlSource(sql, query or DEFAULT_QUERY, mapping, date_order)
    if notes is None:
        raise UsageError("no notes: give a file or folder NOTES, or --sql URL --query QUERY")
    root = Path(notes)
    if duckdb_path(str(root)) and root.is_file():
        return SqlSource(str(root), query or DEFAULT_QUERY, mapping, date_order)
    if query is not None:
        raise UsageError("--query goes with --sql or a DuckDB file")
    try:
        there = root.exists()
    except OSError as problem:  # a name that is too long, a folder that may not be entered
        raise InputError(f"{root}: cannot be opened ({problem.strerror})") from None
    if not there:
        raise InputError(f"{root}: there is no such file or folder")
    if root.is_dir():
        return _folder(root, mapping, date_order)
    if not root.is_file():
        raise InputError(f"{root}: is no ordinary file (expected a file or a folder)")
    if kind(root) not in TABLES and kind(root) not in textfiles.SUFFIXES:
        raise InputError(f"{root}: unknown kind of file (expected {_allowed()})")
    return FileSource(root, [root], mapping, date_order)


def _folder(root: Path, mapping: Mapping[str, str], date_order: str) -> FileSource:
    found: list[Path] = []
    unknown: list[str] = []
    hidden: list[str] = []

    def unreadable(problem: OSError) -> None:
        raise InputError(f"{problem.filename}: the folder cannot be read ({problem.strerror})")

    for folder, folders, names in os.walk(root, followlinks=False, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(names):
            path = Path(folder) / name
            if name.startswith((".", "_")):  # .crc files and _SUCCESS of Spark
                hidden += [name] * (kind(path) in TABLES or kind(path) in textfiles.SUFFIXES)
                continue
            if kind(path) in TABLES or kind(path) in textfiles.SUFFIXES:
                found.append(path)
            else:
                unknown.append(name)
    # a folder that is a whole OMOP CDM export: only its table of notes is read
    tables = [path for path in found if path.name.lower().split(".")[0] == "note" and kind(path) in TABLES]
    source = FileSource(root, sorted(tables or found), mapping, date_order)
    if not source.files:
        raise InputError(f"{root}: no note files in the folder (expected {_allowed()})")
    if unknown:
        source.monitor.say(f"{root.name}: {len(unknown)} files of another kind were not read")
    if hidden:
        source.monitor.say(f"{root.name}: {len(hidden)} files whose names begin with . or _ were not read")
    return source


def kind(path: Path) -> str:
    """The suffix that tells the kind of a file; ``.gz`` is looked through for what is read as text."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"] and suffixes[-2:-1] not in ([".parquet"], [".pq"]):
        return suffixes[-2] if len(suffixes) > 1 else ""
    return suffixes[-1] if suffixes else ""


def _allowed() -> str:
    return ", ".join((*TABLES, *textfiles.SUFFIXES, ".duckdb"))
