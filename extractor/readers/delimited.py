"""CSV and TSV, row by row, with broken quoting set aside instead of swallowing what follows."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from extractor.errors import InputError
from extractor.readers import encoding
from extractor.readers.columns import Columns, resolve
from extractor.readers.rows import Monitor, NoteRow, build, reject

csv.field_size_limit(min(sys.maxsize, 2**31 - 1))

DELIMITERS = (",", ";", "\t", "|")


class _Lines:
    """The lines of a file, with those of the record in work kept for a second reading."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._pending: list[str] = []
        self.record: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._pending.pop() if self._pending else self._file.readline()
        if not line:
            raise StopIteration
        self.number += 1
        self.record.append(line)
        return line

    def rewind(self) -> str:
        """Gives back all lines of the broken record but its first, which is returned."""
        first, rest = self.record[0], self.record[1:]
        self._pending.extend(reversed(rest))
        self.number -= len(rest)
        self.record = []
        return first


def rows(path: Path, *, name: str, mapping: Mapping[str, str], date_order: str, monitor: Monitor) -> Iterator[NoteRow]:
    """The rows of one delimited file. Row numbers are line numbers, the header is line 1."""
    before = encoding.fallback_bytes()
    with encoding.open_text(path) as file:
        monitor.position = encoding.position_of(file)
        lines = _Lines(file)
        columns, delimiter = _header(lines, name, path, mapping)
        if columns.note_date is None:
            monitor.say(f"{name}: no note_date column: the notes have no date")
        yield from _records(lines, name, columns, delimiter, date_order)
    if (count := encoding.fallback_bytes() - before) > 0:
        monitor.say(f"{name}: {count} bytes are not UTF-8; they were read as Windows-1252")


def _header(lines: _Lines, name: str, path: Path, mapping: Mapping[str, str]) -> tuple[Columns, str]:
    """The first line names the columns; the delimiter is the one that makes it do so."""
    try:
        line = next(lines)
    except (StopIteration, OSError, EOFError) as problem:
        raise InputError(f"{name}: row 1 cannot be read ({type(problem).__name__}; expected a header)") from None
    lines.record = []
    preferred = "\t" if ".tsv" in path.name.lower() or ".tab" in path.name.lower() else ","
    unresolved: InputError | None = None
    for delimiter in (preferred, *(d for d in DELIMITERS if d != preferred)):
        try:
            header = next(csv.reader([line], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        if len(header) < 2 and delimiter != preferred:
            continue
        try:
            return resolve(header, mapping, name), delimiter
        except InputError as missing:
            unresolved = unresolved or missing
    raise unresolved or InputError(f"{name}: row 1 has broken quoting (expected a header)")


def _records(lines: _Lines, name: str, columns: Columns, delimiter: str, date_order: str) -> Iterator[NoteRow]:
    width = len(columns.names)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    broken: tuple[int, int] | None = None  # first and last line of a stretch that is no record

    def flush() -> Iterator[NoteRow]:
        nonlocal broken
        if broken is not None:
            first, last = broken
            stretch = f"line {first}" if first == last else f"lines {first} to {last}"
            yield reject(
                name, first, f"broken quoting or a wrong number of fields at {stretch} (expected {width} fields)"
            )
            broken = None

    while True:
        start = lines.number + 1
        lines.record = []
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error:
            lines.rewind()
            broken = (broken[0], start) if broken else (start, start)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            continue
        except (OSError, EOFError) as problem:
            yield from flush()
            yield reject(name, start, f"the file cannot be read from line {start} on ({type(problem).__name__})")
            return
        if not record:
            continue
        if len(record) != width:
            if broken:
                broken = (broken[0], lines.number)
            else:
                yield reject(name, start, f"row has {len(record)} fields (expected {width}, as in the header)")
            continue
        yield from flush()
        yield build(
            name,
            start,
            patient_id=record[columns.patient_id],
            note_id=record[columns.note_id],
            note_date=None if columns.note_date is None else record[columns.note_date],
            note_type=None if columns.note_type is None else record[columns.note_type],
            text=record[columns.text],
            date_order=date_order,
        )
    yield from flush()
