"""JSON Lines: one object a line, a note table or FHIR resources; also a JSON document of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from extractor.errors import InputError
from extractor.readers import encoding, fhir
from extractor.readers.columns import KNOWN, resolve
from extractor.readers.rows import Monitor, NoteRow, build, reject


def objects(path: Path, name: str, monitor: Monitor) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Line number and object of each line that is not blank; None for a line that is no JSON object.

    A ``.json`` file may be one document instead (a FHIR Bundle, a list of notes); it is read whole, its objects are counted.
    """
    before = encoding.fallback_bytes()
    with encoding.open_text(path) as file:
        monitor.position = encoding.position_of(file)
        first = True
        for number, line in enumerate(file, start=1):
            line = line.strip().lstrip("\ufeff")
            if not line:
                continue
            value = _parsed(line)
            if first and not isinstance(value, dict) and ".json" in path.suffixes[-2:]:
                document = _parsed(line + file.read())
                listed = document if isinstance(document, list) else [document]
                yield from ((at, item if isinstance(item, dict) else None) for at, item in enumerate(listed, start=1))
                break
            first = False
            yield number, value if isinstance(value, dict) else None
    if (count := encoding.fallback_bytes() - before) > 0:
        monitor.say(f"{name}: {count} bytes are not UTF-8; they were read as Windows-1252")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def rows(path: Path, *, name: str, mapping: Mapping[str, str], date_order: str, monitor: Monitor) -> Iterator[NoteRow]:
    """The rows of one file; row numbers are line numbers. A FHIR file is known by its ``resourceType``."""
    read_any = False
    for number, value in objects(path, name, monitor):
        if value is None:
            if not read_any and number == 1:
                raise InputError(f"{name}: row 1 is no JSON object (expected JSON Lines: one object on each line)")
            yield reject(name, number, "the line is no JSON object")
            continue
        if "resourceType" in value:
            read_any = True
            yield from fhir.resource_rows(value, name=name, row=number, date_order=date_order, monitor=monitor)
            continue
        if not read_any:
            resolve(list(value), mapping, name)
            read_any = True
        yield build(name, number, date_order=date_order, **_cells(value, mapping))


def _cells(value: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """The parts of a note in one object; lines of one file need not have the same keys."""
    lowered = {str(key).strip().lower(): cell for key, cell in value.items()}
    cells: dict[str, Any] = dict.fromkeys(KNOWN)
    for field, known in KNOWN.items():
        for column in (mapping[field].lower(),) if field in mapping else known:
            if lowered.get(column) is not None:
                cells[field] = lowered[column]
                break
    return cells
