"""Scoring of facts against gold."""

import json
import math

import pandas as pd
import pytest

from extractor.errors import InputError
from extractor.scoring import GoldDocument, agrees, inline, read_gold, score


def frame(*facts):
    return pd.DataFrame([{"note_id": "d1", "family": "lab", "assertion": "present", "experiencer": "patient", **f} for f in facts])


GOLD = [GoldDocument("d1", "Plt 98, Hb 9.1", ({"family": "lab", "concept": "platelets", "value": 98.0}, {"family": "lab", "concept": "hemoglobin", "value": 9.1}))]


def test_found_missed_and_spurious():
    report = score(GOLD, frame({"concept": "platelets", "value": 98.0}, {"concept": "anc", "value": 2.0}))
    assert (report.micro.tp, report.micro.fp, report.micro.fn) == (1, 1, 1)
    assert [(kind, fact["concept"]) for kind, _, fact in report.errors] == [("missed", "hemoglobin"), ("spurious", "anc")]


def test_a_wrong_value_is_missed_and_spurious():
    report = score(GOLD[:1], frame({"concept": "platelets", "value": 89.0}, {"concept": "hemoglobin", "value": 9.1}))
    assert (report.micro.tp, report.micro.fp, report.micro.fn) == (1, 1, 1)


def test_a_repeated_fact_counts_once():
    report = score(GOLD, frame(*[{"concept": "platelets", "value": 98.0}] * 3, {"concept": "hemoglobin", "value": 9.1}))
    assert report.micro.f1 == 1.0


def test_nothing_at_all_is_not_a_number():
    assert math.isnan(score([], frame()[:0].reindex(columns=["note_id"])).micro.f1)


@pytest.mark.parametrize(
    ("gold", "found", "same"),
    [
        ({"concept": "ki67", "value": 90.0, "comparator": ">"}, {"concept": "ki67", "value": 90.0, "comparator": "="}, False),
        ({"concept": "ki67", "value": 90.0}, {"concept": "ki67", "value": 91.0}, True),
        ({"concept": "ild", "assertion": "absent"}, {"concept": "ild", "assertion": "present"}, False),
        ({"concept": "cd56", "value_text": "positive"}, {"concept": "cd56", "value_text": "negative"}, False),
        ({"concept": "cd56"}, {"concept": "cd56", "value_text": "negative"}, True),
        ({"concept": "ki67", "value": 80.0, "value_high": 90.0}, {"concept": "ki67", "value": 80.0}, False),
    ],
)
def test_agreement(gold, found, same):
    assert agrees(gold, found) is same


def test_inline_marks():
    text, facts = inline('Plt <fact concept=platelets value=98>98 K/uL</fact>, <fact concept=x value_text="a b">CD</fact>.')
    assert text == "Plt 98 K/uL, CD."
    assert [(text[f["start"] : f["end"]], f["concept"]) for f in facts] == [("98 K/uL", "platelets"), ("CD", "x")]
    assert facts[0]["value"] == 98.0 and facts[1]["value_text"] == "a b"


@pytest.mark.parametrize("bad", ["a</fact>", "<fact concept=x>a"])
def test_unbalanced_marks_are_refused(bad):
    with pytest.raises(InputError):
        inline(bad)


def test_gold_in_three_forms(tmp_path):
    ours = tmp_path / "gold.jsonl"
    ours.write_text(json.dumps({"id": "a", "marked": "Plt <fact family=lab concept=platelets value=98>98</fact>"}) + "\n")
    studio = tmp_path / "studio.json"
    studio.write_text(json.dumps([{"data": {"id": "a", "text": "Plt 98"}, "annotations": [{"result": [{"value": {"start": 4, "end": 6, "labels": ["lab:platelets"]}, "meta": {"text": ["value=98"]}}]}]}]))
    brat = tmp_path / "brat"
    brat.mkdir()
    (brat / "a.txt").write_text("Plt 98")
    (brat / "a.ann").write_text("T1\tlab-platelets 4 6\t98\nA1\tValue T1 98\n")
    for path in (ours, studio, brat):
        [document] = read_gold(path)
        assert (document.id, document.text, document.facts[0]["concept"], float(document.facts[0]["value"])) == ("a", "Plt 98", "platelets", 98.0)


def test_a_bad_gold_names_file_and_line(tmp_path):
    path = tmp_path / "g.jsonl"
    path.write_text('{"id": "a", "text": "x", "facts": []}\n{"id": 1}\n')
    with pytest.raises(InputError, match=r"g\.jsonl: line 2"):
        read_gold(path)
