"""Evidence in its note: marked at its offsets, escaped, with its cue; contradicting mentions first."""

from __future__ import annotations

import html
import re

import pytest

from extractor.review.evidence import cues_of, highlighted, mentions, note_html, said, sentence_html, stance

HOSTILE = '<img src=x onerror="steal()"> & </pre><script>run()</script> ECOG 1 </mark>\n'
BASE = {
    "fact_id": "f1", "note_id": "n1", "note_date": "2026-02-20", "note_type": "<b>Note</b>", "family": "performance",
    "concept": "ecog", "value": 1.0, "value_high": None, "comparator": "=", "unit": "{score}", "value_text": None,
    "assertion": "present", "experiencer": "patient", "temporality": "current", "section": '"><i>', "copied_from": None,
}  # fmt: skip


def fact(text: str, words: str, **change: object) -> dict:
    start = text.index(words)
    return {**BASE, "start": start, "end": start + len(words), "text": words, **change}


def unmarked(markup: str) -> str:
    return html.unescape(re.sub(r"</?mark[^>]*>", "", markup))


def test_hostile_text_stays_text() -> None:
    shown = note_html(fact(HOSTILE, "ECOG 1"), HOSTILE)
    tags = set(re.findall(r"<(/?[a-z]+)", shown))
    assert tags == {"article", "/article", "div", "/div", "pre", "/pre", "mark", "/mark"}
    assert shown.count("<pre>") == 1 and "&lt;script&gt;" in shown
    body = re.search(r"<pre>(.*)</pre>", shown, re.DOTALL)
    assert body and unmarked(body[1]) == HOSTILE


def test_evidence_is_marked_at_its_offsets() -> None:
    text = "Cœur 😀 normal. ECOG 1."
    shown = note_html(fact(text, "ECOG 1"), text)
    assert '<mark class="evidence" title="ecog 1">ECOG 1</mark>.' in shown


@pytest.mark.parametrize("text", ["other words of the same length", None, "ECOG"], ids=["changed", "gone", "short"])
def test_no_words_where_the_offsets_do_not_fit(text: str | None) -> None:
    one = fact("Seen today: ECOG 1.", "ECOG 1")
    assert "<mark" not in note_html(one, text) and "characters 12 to 18" in note_html(one, text)
    assert sentence_html(one, text) == '<span class="gone">characters 12 to 18</span>'


@pytest.mark.parametrize(
    ("text", "words", "cue"),
    [
        ("No brain metastases.", "brain metastases", [("negates", "No")]),
        ("Cannot exclude brain metastases.", "brain metastases", [("makes uncertain", "Cannot exclude")]),
        ("Brain metastases are seen.", "Brain metastases", []),
    ],
    ids=["negated", "uncertain", "plain"],
)
def test_cue(text: str, words: str, cue: list[tuple[str, str]]) -> None:
    start = text.index(words)
    assert [(c.says, text[c.start : c.end]) for c in cues_of(text, start, start + len(words))] == cue


def test_the_cue_is_marked_in_note_and_sentence() -> None:
    text = "CT today. No brain metastases. ECOG 1."
    one = fact(text, "brain metastases", concept="brain_metastases", value=None, assertion="absent")
    mark = '<mark class="cue" title="negates it">No</mark>'
    assert mark in note_html(one, text)
    assert sentence_html(one, text).startswith(mark) and unmarked(sentence_html(one, text)) == "No brain metastases."


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "agrees"),
        ({"assertion": "absent"}, "contradicts"),
        ({"assertion": "possible"}, "uncertain"),
        ({"value": 2.0}, "differs"),
        ({"experiencer": "family"}, "differs"),
        ({"value_text": "negative"}, "agrees"),
    ],
    ids=["same", "denied", "possible", "other value", "family", "word on one side"],
)
def test_stance(change: dict, word: str) -> None:
    assert stance(BASE, {**BASE, **change}) == word


def test_opposite_words_contradict() -> None:
    assert stance({**BASE, "value_text": "positive"}, {**BASE, "value_text": "Negative"}) == "contradicts"


def test_contradicting_mentions_come_first_then_the_newest() -> None:
    shown = {**BASE, "start": 0, "end": 1}
    others = [
        {**shown, "fact_id": "same old", "note_date": "2025-01-01"},
        {**shown, "fact_id": "same new", "note_date": "2026-01-01"},
        {**shown, "fact_id": "denied old", "note_date": "2024-01-01", "assertion": "absent"},
        {**shown, "fact_id": "denied new", "note_date": "2024-05-01", "assertion": "absent"},
        {**shown, "fact_id": "value", "note_date": "2023-01-01", "value": 3.0},
        {**shown, "fact_id": "elsewhere", "concept": "kps"},
    ]
    found = mentions([shown], {one["fact_id"]: one for one in [shown, *others]})
    assert [one.fact["fact_id"] for one in found] == ["denied new", "denied old", "value", "same new", "same old"]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 2, "a", ""), (1, 4, "b", "")], '<mark class="a" title="">01</mark><mark class="b" title="">23</mark>45'),
        ([(0, 6, "a", ""), (2, 3, "b", "")], '<mark class="a" title="">012345</mark>'),
        (
            [(-5, 1, "a", ""), (5, 99, "b", "")],
            '<mark class="a" title="">0</mark>1234<mark class="b" title="">5</mark>',
        ),
        ([(2, 2, "a", "")], "012345"),
    ],
    ids=["overlap", "inside", "beyond", "empty"],
)
def test_highlighted(spans: list, expected: str) -> None:
    assert highlighted("012345", spans) == expected


def test_said_names_value_and_unit() -> None:
    assert said({**BASE, "concept": "ast", "value": 2.4, "unit": "{ULN}", "comparator": ">"}) == "ast > 2.4 x ULN"
    assert (
        said({**BASE, "value_high": 2.0, "assertion": "possible", "experiencer": "family"})
        == "ecog 1 to 2 (possible) (family)"
    )
