"""Bytes to text: UTF-8, UTF-16 and UTF-32 by their marks, and Windows-1252 where a byte is no UTF-8.

The fallback works byte by byte, so that a file in which both encodings are mixed is read right in both parts.
"""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO

from extractor.errors import InputError

#: The five bytes that Windows-1252 leaves undefined stand for their C1 control characters, as in the WHATWG encoding.
_UNDEFINED = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class _Fallback:
    """Error handler that reads a byte which is no UTF-8 as Windows-1252, and counts such bytes for the warning."""

    name = "extractor-windows-1252"

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError) or not error.encoding.startswith("utf-8"):
            return ("\ufffd", error.end) if isinstance(error, UnicodeDecodeError) else ("?", 1)
        raw = error.object[error.start : error.end]
        self.bytes += len(raw)
        return "".join(chr(b) if b in _UNDEFINED else bytes([b]).decode("cp1252") for b in raw), error.end


_fallback = _Fallback()
codecs.register_error(_Fallback.name, _fallback)


def fallback_bytes() -> int:
    """How many bytes have been read as Windows-1252 so far in this process."""
    return _fallback.bytes


def detect(head: bytes) -> str:
    """The encoding that the first bytes of a file show.

    >>> detect(b"patient_id,note_id"), detect("ä".encode("utf-16")), detect("note".encode("utf-16-le"))
    ('utf-8', 'utf-16', 'utf-16-le')
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    sample = head[:4096]
    if len(sample) >= 4:
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        # Western text in UTF-16 without a mark: every second byte is zero
        if odd * 3 > len(sample) and even * 20 < len(sample):
            return "utf-16-le"
        if even * 3 > len(sample) and odd * 20 < len(sample):
            return "utf-16-be"
    return "utf-8"


def decode(data: bytes, encoding: str | None = None) -> str:
    """The bytes of one document as text; ``encoding`` as declared (unknown or wrong: found as for a file).

    >>> decode("Müller".encode("cp1252")) == decode("Müller".encode()) == "Müller"
    True
    """
    declared = encoding
    if declared:
        try:
            if codecs.lookup(declared).name not in ("utf-8", "ascii"):
                return data.decode(declared)
        except (LookupError, UnicodeDecodeError):
            declared = None
    return data.decode(detect(data), _Fallback.name)


def open_binary(path: Path) -> IO[bytes]:
    try:
        if path.suffix.lower() == ".gz":
            return gzip.open(path, "rb")  # type: ignore[return-value]
        return path.open("rb")
    except OSError as problem:
        raise InputError(f"{path}: cannot be opened ({problem.strerror or type(problem).__name__})") from None


def open_text(path: Path) -> IO[str]:
    """A file as text with its line ends untouched.

    Raises InputError where it cannot be opened or is empty.
    """
    raw = open_binary(path)
    buffered = io.BufferedReader(raw, 1 << 16) if not isinstance(raw, io.BufferedReader) else raw  # type: ignore[type-var]
    try:
        head = buffered.peek(4096)[:4096]
    except (OSError, EOFError) as problem:
        buffered.close()
        raise InputError(f"{path}: cannot be read ({type(problem).__name__})") from None
    if not head:
        buffered.close()
        raise InputError(f"{path}: the file is empty (expected a header or a first record)")
    return io.TextIOWrapper(buffered, encoding=detect(head), errors=_Fallback.name, newline="")


def position_of(file: IO[str]) -> Callable[[], int]:
    """Tells how many bytes of the file on the disk have been read (of a compressed one: of the compressed bytes)."""
    raw = file.buffer  # type: ignore[attr-defined]
    if isinstance(inner := getattr(raw, "raw", None), gzip.GzipFile):
        raw = inner.fileobj

    def position() -> int:
        return 0 if raw is None or raw.closed else raw.tell()

    return position
