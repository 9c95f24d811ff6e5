"""The check of marked examples sees what is wrong, and says where without the text."""

from __future__ import annotations

import pytest

from extractor.pattern_check import Mark, check_example, read_marks
from extractor.patterns import Concept

PLATELETS = Concept("lab", "platelets", "labs/blood_count")


def test_marks_are_taken_out_of_the_text():
    text, marks = read_marks('a <fact value=2 comparator=">">ECOG 2</fact> b')
    assert text == "a ECOG 2 b"
    assert marks == [Mark(2, 8, {"value": "2", "comparator": ">"})]


def test_nested_marks():
    text, marks = read_marks("<fact concept=a><fact concept=b>BP 120/80</fact></fact>")
    assert text == "BP 120/80"
    assert [(m.start, m.end, m.wanted["concept"]) for m in marks] == [(0, 9, "b"), (0, 9, "a")]


@pytest.mark.parametrize("broken", ["<fact value=1>ECOG 1", "ECOG 1</fact>", "<fact value>ECOG 1</fact>"])
def test_a_broken_mark_is_an_error(broken):
    with pytest.raises(ValueError, match="mark"):
        read_marks(broken)


@pytest.mark.parametrize(
    ("example", "problems"),
    [
        ("<fact value=142>Platelets 142 K/uL</fact>", 0),
        ("<fact value=141>Platelets 142 K/uL</fact>", 1),
        ("<fact value=142>Platelets 142</fact> K/uL", 2),
        ("Platelets 142 K/uL", 1),
        ("<fact value=142>Nothing here</fact>", 1),
        ("Nothing here", 0),
        ("<fact value=142>Platelets 142", 1),
    ],
)
def test_problems(engine, example, problems):
    found = check_example(engine, PLATELETS, 0, example)
    assert len(found) == problems
    assert all(p.startswith("patterns/labs/blood_count.toml: platelets: example 1") for p in found)
    assert not any("K/uL" in p or "Nothing" in p for p in found)
