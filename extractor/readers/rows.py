"""What a reader gives: every row of the source, as a note or with the reason why it is none.

A row is never dropped. What cannot be read as a note keeps its place with ``status="rejected"`` and a reason that
names the column, never its content.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

DATE_ORDERS = ("auto", "dmy", "mdy", "ymd")

_ISO = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?:[T ].*)?\Z", re.DOTALL)
_NUMERIC = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?: .*)?\Z", re.DOTALL)
_NAMED = re.compile(r"(\d{1,2})[- ]([A-Za-z]{3})[A-Za-z]*\.?[-, ]\s*(\d{4})(?:[ :].*)?\Z", re.DOTALL)
_NAMED_US = re.compile(r"([A-Za-z]{3})[A-Za-z]*\.? (\d{1,2}),? (\d{4})(?: .*)?\Z", re.DOTALL)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SURROGATE = re.compile("[\ud800-\udfff]")
#: control characters that no clinical text holds in number (tab, line feed, form feed and carriage return are text)
_BLANK = "\ufeff \t\r\n\x00"
_BINARY = re.compile("[\x00-\x08\x0b\x0e-\x1f]")


class NoteRow(NamedTuple):
    """One row of the source. ``status`` is ``ok``, ``empty`` or ``rejected`` (then ``error`` says why)."""

    source: str
    row: int
    patient_id: str
    note_id: str
    note_date: datetime.date | None
    note_type: str
    text: str
    status: str = "ok"
    error: str = ""


@dataclass
class Monitor:
    """What a person in front of the run should know: warnings (file names, never text of a note) and how far it is."""

    lines: list[str] = field(default_factory=list)
    #: bytes of the input (0: not known), bytes of the files already read, and the position in the one being read
    total_bytes: int = 0
    done_bytes: int = 0
    position: Callable[[], int] | None = None

    def say(self, line: str) -> None:
        if line not in self.lines:
            self.lines.append(line)

    def fraction(self) -> float | None:
        """The part of the input that has been read, 0 to 1; None where it is not known."""
        if not self.total_bytes:
            return None
        here = self.position() if self.position else 0
        return min(1.0, (self.done_bytes + here) / self.total_bytes)


class Source(Protocol):
    """An opened input: ``rows()`` streams it in a fixed order, ``fingerprint()`` tells it from another one."""

    monitor: Monitor

    @property
    def name(self) -> str: ...

    def rows(self) -> Iterator[NoteRow]: ...

    def fingerprint(self) -> str: ...


class RowError(ValueError):
    """A cell that cannot be read; the message names the column and what is allowed."""


def parse_date(value: Any, *, date_order: str = "auto") -> datetime.date | None:
    """A cell as a date; None where it is empty. One that can be read in two ways is refused unless the order is known.

    >>> parse_date("2026-03-16T08:30:00Z"), parse_date("16-Mar-2026"), parse_date("")
    (datetime.date(2026, 3, 16), datetime.date(2026, 3, 16), None)
    >>> parse_date("03/04/2026", date_order="dmy")
    datetime.date(2026, 4, 3)
    """
    if value is None or value != value:  # a missing time in a data frame is not equal to itself
        return None
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    if not isinstance(value, str):
        raise RowError("note_date is not a date (allowed: YYYY-MM-DD, a date or a timestamp column)")
    text = value.strip()
    if not text or text.lower() in ("null", "nan", "nat", "none", "na", "n/a"):
        return None
    for order in _readings(text, date_order):
        return order
    raise RowError("note_date cannot be read (allowed: YYYY-MM-DD, YYYYMMDD, DD-Mon-YYYY, or --date-order dmy|mdy)")


def _readings(text: str, date_order: str) -> Iterator[datetime.date]:
    if match := _ISO.match(text):
        yield from _valid(int(match[1]), int(match[2]), int(match[3]))
    elif match := _NUMERIC.match(text):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        if date_order == "auto" and first <= 12 and second <= 12 and first != second:
            raise RowError("note_date is ambiguous, day or month first (say --date-order dmy or mdy)")
        if date_order == "dmy" or (date_order != "mdy" and first > 12):
            yield from _valid(year, second, first)
        else:
            yield from _valid(year, first, second)
    elif match := _NAMED.match(text):
        yield from _valid(int(match[3]), _month(match[2]), int(match[1]))
    elif match := _NAMED_US.match(text):
        yield from _valid(int(match[3]), _month(match[1]), int(match[2]))


def _month(name: str) -> int:
    return _MONTHS.index(name.lower()) + 1 if name.lower() in _MONTHS else 0


def _valid(year: int, month: int, day: int) -> Iterator[datetime.date]:
    """A calendar date of a living patient's chart, or nothing (31 February, year 0026)."""
    if not 1900 <= year <= 2100:
        return
    try:
        yield datetime.date(year, month, day)
    except ValueError:
        return


def parse_id(value: Any, column: str) -> str:
    """An identifier as text, trimmed. A whole number that a data frame turned into a float is a whole number again."""
    if value is None or value != value:
        raise RowError(f"no {column}")
    if isinstance(value, (bool, list, dict)):
        raise RowError(f"{column} is not an identifier (allowed: text or a whole number)")
    if isinstance(value, float):
        if not value.is_integer():
            raise RowError(f"{column} is not an identifier (allowed: text or a whole number)")
        value = int(value)
    text = clean(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
    if not text or text.lower() in ("null", "nan", "none"):
        raise RowError(f"no {column}")
    return text


def parse_text(value: Any) -> str:
    """The text of a note exactly as it stands; a missing cell is the empty text."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, (bytes, bytearray, memoryview)):
        from extractor.readers.encoding import decode

        value = decode(bytes(value))
    if not isinstance(value, str):
        raise RowError(f"text is not text but {type(value).__name__}")
    if "\x00" in value and value.strip(_BLANK) and len(_BINARY.findall(value[:20_000])) * 10 > len(value[:20_000]):
        raise RowError("text is not text but binary data")
    return clean(value)


def clean(text: str) -> str:
    """Lone surrogates, which no file can hold, become U+FFFD one for one, so that offsets stay."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def build(
    source: str,
    row: int,
    *,
    patient_id: Any,
    note_id: Any,
    note_date: Any = None,
    note_type: Any = None,
    text: Any = None,
    date_order: str = "auto",
) -> NoteRow:
    """The cells of one row as a note, or as a rejected row that keeps what could be read.

    >>> build("notes.csv", 2, patient_id="p1", note_id="n1", note_date="2026-03-16", text="ECOG 1").status
    'ok'
    >>> build("notes.csv", 3, patient_id="", note_id="n2", text="ECOG 1").error
    'no patient_id'
    """
    problems: list[str] = []

    def attempt(read: Any, *args: Any, default: Any = "", **options: Any) -> Any:
        try:
            return read(*args, **options)
        except RowError as problem:
            problems.append(str(problem))
            return default

    patient = attempt(parse_id, patient_id, "patient_id")
    note = attempt(parse_id, note_id, "note_id")
    date = attempt(parse_date, note_date, date_order=date_order, default=None)
    body = attempt(parse_text, text)
    kind = "" if note_type is None or note_type != note_type else clean(str(note_type)).strip()
    if problems:
        return NoteRow(source, row, patient, note, date, kind, body, "rejected", "; ".join(problems))
    return NoteRow(source, row, patient, note, date, kind, body, "ok" if body.strip(_BLANK) else "empty")


def reject(source: str, row: int, reason: str, *, patient_id: str = "", note_id: str = "") -> NoteRow:
    return NoteRow(source, row, patient_id, note_id, None, "", "", "rejected", reason)


def chain(parts: Iterable[Iterable[NoteRow]]) -> Iterator[NoteRow]:
    for part in parts:
        yield from part
