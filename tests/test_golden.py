"""The golden notes: the scores of each family may only rise, and every offset is exact."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from extractor.pipeline.engine import Engine
from extractor.scoring_record import GOLDEN, RECORD, compare, falls, golden, main, read, summary

DOCUMENTS = golden()
RECORDED = json.loads((GOLDEN / RECORD).read_text(encoding="utf-8"))
VOCABULARY = Path(__file__).parents[2] / "shared" / "spec" / "vocabulary.csv"


@pytest.fixture(scope="module")
def found():
    return read(DOCUMENTS, Engine())


@pytest.fixture(scope="module")
def now(found):
    return summary(compare(DOCUMENTS, found))


@pytest.mark.parametrize("family", sorted(RECORDED["families"]))
def test_no_family_falls_below_its_record(family, now):
    assert [line for line in falls(RECORDED, now) if line.startswith(f"{family}:")] == []


def test_the_record_is_of_these_notes(now):
    assert RECORDED["documents"] == now["documents"] == len(DOCUMENTS) >= 150
    assert {k: v["n"] for k, v in RECORDED["families"].items()} == {k: v["n"] for k, v in now["families"].items()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=[d.id for d in DOCUMENTS])
def test_every_offset_is_exact(document, found):
    wrong = [(f.concept, f.start, f.end) for f in found[document.id] if document.text[f.start : f.end] != f.text]
    assert wrong == []
    assert all(f.start < f.end and f.text.strip() for f in found[document.id])


@pytest.mark.parametrize("document", DOCUMENTS, ids=[d.id for d in DOCUMENTS])
def test_every_mark_holds_words(document):
    assert [f["concept"] for f in document.facts if not document.text[f["start"] : f["end"]].strip()] == []
    assert "<fact" not in document.text and "</fact" not in document.text


def test_the_notes_are_told_apart():
    assert len({d.id for d in DOCUMENTS}) == len({d.text for d in DOCUMENTS}) == len(DOCUMENTS)


@pytest.mark.skipif(not VOCABULARY.is_file(), reason="the vocabulary is not beside the repository")
def test_marks_use_the_vocabulary_and_cover_it():
    with VOCABULARY.open(encoding="utf-8") as file:
        rows = {row["concept"]: row["family"] for row in csv.DictReader(file)}
    marked = {(f["family"], f["concept"]) for d in DOCUMENTS for f in d.facts}
    assert {pair for pair in marked if pair[0] != "therapy" and rows.get(pair[1]) != pair[0]} == set()
    assert {family for family, _ in marked} == set(rows.values())
    missing = {
        c
        for c, f in rows.items()
        if (f, c) not in marked and c not in {"(drug)", "chemotherapy", "immunotherapy", "hormone_therapy"}
    }
    assert len(missing) <= 0.05 * len(rows), sorted(missing)


def test_a_fall_is_told():
    record = {"families": {"lab": {"f1": 0.9}, "vital": {"f1": 0.5}}}
    assert falls(record, {"families": {"lab": {"f1": 0.89}, "vital": {"f1": 0.5}}}) == ["lab: F1 0.89, record 0.9"]
    assert falls(record, {"families": {"vital": {"f1": 0.6}}}) == ["lab: F1 None, record 0.9"]


def test_a_lower_score_is_not_written(tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"id": "a", "marked": "<fact family=lab concept=platelets value=98>Plt 98</fact>."}) + "\n"
    )
    assert main([str(tmp_path), "--write"]) == 0
    record = json.loads((tmp_path / RECORD).read_text())
    assert record["families"]["lab"]["f1"] == 1.0
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"id": "a", "marked": "<fact family=lab concept=platelets value=89>Plt 98</fact>."}) + "\n"
    )
    assert main([str(tmp_path), "--write"]) == 1
    assert json.loads((tmp_path / RECORD).read_text()) == record
    assert main([str(tmp_path), "--write", "--gold-changed"]) == 0
    assert json.loads((tmp_path / RECORD).read_text())["families"]["lab"]["f1"] == 0.0
