"""The validation page: intended use, numbers as measured, limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from extractor.validation import Agreement, _agreements, cases, page

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
SCORES = {
    "documents": 2,
    "families": {"lab": {"n": 4, "precision": 0.8, "recall": 1.0, "f1": 0.8889}},
    "all": {"n": 4, "precision": 0.8, "recall": None, "f1": 0.8889},
}


def test_answers_are_counted_by_criterion():
    answers = [("I1", "pass", True), ("I1", "fail", False), ("E2", "open", True), ("I1", "pass", True)]
    assert _agreements(answers) == [
        Agreement("I1", (("fail", 1), ("pass", 2)), 2),
        Agreement("E2", (("open", 1),), 1),
    ]


def test_the_page_shows_what_was_measured():
    text = page(SCORES, [Agreement("I1", (("pass", 3),), 2)], [Agreement("E8", (("fail", 1),), 1)], {"candidate": 1})
    assert "| lab | 4 | 0.800 | 1.000 | 0.889 |" in text
    assert "| **all** | 4 | 0.800 | - | 0.889 |" in text
    assert "| I1 | pass 3 | 2 | 3 |" in text
    assert "| E8 | fail 1 | 1 | 1 |" in text


def test_every_case_of_the_trial_file_agrees():
    assert [row.criterion for row in cases() if row.right != row.asked] == []


@pytest.mark.parametrize(
    "said", ["It never decides enrolment", "## Limits that are known", "## Facts: the golden notes"]
)
def test_the_written_page_says_it(said):
    assert said in PAGE.read_text(encoding="utf-8")
