"""A folder of text files: one file is one note.

``PATIENT/NOTE.txt``, or all in one folder as ``PATIENT_2025-03-14_TYPE.txt``. A file whose name holds no patient is a
patient of its own, and the run says so. The date is the ISO date in the name; without one the note has no date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from extractor.readers.encoding import decode, open_binary
from extractor.readers.markup import html_to_text, rtf_to_text
from extractor.readers.rows import Monitor, NoteRow, build

SUFFIXES = (".txt", ".text", ".html", ".htm", ".rtf")

_DATE = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")


def rows(path: Path, *, root: Path, name: str, date_order: str, monitor: Monitor) -> Iterator[NoteRow]:
    """The one note of a file; ``name`` is its path below ``root``."""
    relative = path.relative_to(root)
    match = _DATE.search(relative.stem)
    before, after = (relative.stem[: match.start()], relative.stem[match.end() :]) if match else (relative.stem, "")
    if len(relative.parts) > 1:
        patient, kind = relative.parts[0], f"{before} {after}" if match else before
    elif match and before.strip("_- "):
        patient, kind = before.strip("_- "), after
    else:
        patient, kind = relative.stem, after
        monitor.say(
            f"{root.name}: files without a patient in folder or name are patients of their own "
            "(expected PATIENT/NOTE.txt or PATIENT_YYYY-MM-DD_TYPE.txt)"
        )
    with open_binary(path) as file:
        text = decode(file.read())
    suffix = path.suffix.lower()
    if suffix in (".html", ".htm"):
        text = html_to_text(text)
    elif suffix == ".rtf":
        text = rtf_to_text(text)
    elif text.startswith("\ufeff"):
        text = text[1:]
    yield build(
        name,
        1,
        patient_id=patient,
        note_id=str(relative.with_suffix("").as_posix()),
        note_date=match[1] if match else None,
        note_type=" ".join(re.split(r"[_\-\s]+", kind)).strip(),
        text=text,
        date_order=date_order,
    )
