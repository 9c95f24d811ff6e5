"""What is held against any bytes: readers and pipeline raise nothing but their own errors, offsets are exact.

Each target takes bytes and raises ``AssertionError`` where a promise is broken. ``fuzz/run.py`` drives them with
atheris, ``tests/test_fuzz.py`` with Hypothesis.
"""

from __future__ import annotations

import datetime
import gzip
import tempfile
from functools import lru_cache
from pathlib import Path

from extractor.errors import InputError
from extractor.readers import open_source
from extractor.readers.encoding import decode
from extractor.readers.markup import html_to_text, rtf_to_text
from extractor.records import ASSERTIONS, COMPARATORS, EXPERIENCERS, PRECISIONS, TEMPORALITIES, Fact, Note

DAY = datetime.date(2026, 3, 16)
#: kinds of files by the first byte of the input
KINDS = ("notes.csv", "notes.tsv", "notes.jsonl", "notes.parquet", "p1_2026-03-16_x.txt", "n.html", "n.rtf", "n.csv.gz")
STATUSES = ("ok", "empty", "rejected")


@lru_cache(maxsize=1)
def engine():
    from extractor.pipeline.engine import Engine

    return Engine()


def readers(data: bytes) -> None:
    """A file of any bytes is rows with a status and a reason, or an InputError; no other exception."""
    if not data:
        return
    name, content = KINDS[data[0] % len(KINDS)], data[1:]
    if name.endswith(".gz"):
        content = gzip.compress(content, 1) if data[0] & 0x80 else content
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            for row in open_source(path).rows():
                assert row.status in STATUSES, "status"
                assert (row.status == "rejected") == bool(row.error), "reason"
                row.text.encode("utf-8")
        except InputError as problem:
            assert name in str(problem), "the message names the file"


def markup(data: bytes) -> None:
    text = decode(data)
    for function in (html_to_text, rtf_to_text):
        function(text).encode("utf-8")


def pipeline(data: bytes) -> None:
    text = decode(data)
    check(text, engine().facts(Note("p", "n", DAY, "Clinic", text)))


def check(text: str, facts: list[Fact]) -> None:
    """Every fact stands in the text where it says, and its words are those of ``records``."""
    for fact in facts:
        where = f"{fact.rule_id} {fact.concept}"
        assert 0 <= fact.start < fact.end <= len(text), f"span: {where}"
        assert text[fact.start : fact.end] == fact.text, f"text: {where}"
        assert fact.assertion in ASSERTIONS, f"assertion: {where}"
        assert fact.experiencer in EXPERIENCERS, f"experiencer: {where}"
        assert fact.temporality in TEMPORALITIES, f"temporality: {where}"
        assert fact.date_precision in PRECISIONS, f"precision: {where}"
        assert fact.comparator is None or fact.comparator in COMPARATORS, f"comparator: {where}"
        assert fact.value is None or fact.value == fact.value, f"value: {where}"
        assert fact.value_high is None or (fact.value is not None and fact.value <= fact.value_high), f"range: {where}"
        assert (fact.date_start is None) == (fact.date_end is None), f"dates: {where}"
        assert fact.date_start is None or fact.date_start <= fact.date_end, f"order of dates: {where}"
        fact.row()
    identities = [fact.fact_id for fact in facts]
    assert len(set(identities)) == len(identities), "identities"


TARGETS = {"readers": readers, "markup": markup, "pipeline": pipeline}
