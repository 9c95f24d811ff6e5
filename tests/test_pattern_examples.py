"""Every marked example of every pattern file: the facts found equal the marks exactly."""

from __future__ import annotations

import pytest

from extractor import patterns as pattern_files
from extractor.pattern_check import check_example, read_marks
from extractor.pipeline.engine import compiled

_PATTERNS, _ = compiled()
_EXAMPLES = list(pattern_files.examples(_PATTERNS))


@pytest.mark.parametrize(
    ("concept", "number", "example"),
    _EXAMPLES,
    ids=[f"{c.source}:{c.concept}:{i}:{n}" for i, (c, n, _) in enumerate(_EXAMPLES)],
)
def test_the_facts_found_equal_the_marks(engine, concept, number, example):
    assert check_example(engine, concept, number, example) == []


def _sources() -> list[str]:
    return sorted({c.source for c in _PATTERNS.concepts})


@pytest.mark.parametrize("source", _sources())
def test_every_file_has_a_positive_and_a_negative_example(source):
    marked = [bool(read_marks(e)[1]) for c in _PATTERNS.concepts if c.source == source for e in c.examples]
    silent = all(c.data.get("silent") for c in _PATTERNS.concepts if c.source == source)
    assert silent or any(marked)
    assert not all(marked)
