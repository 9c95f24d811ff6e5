"""What the notebooks call beyond the report: the patient's page, the list, authoring a pattern, charts."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from extractor.errors import PatternError, UsageError
from extractor.records import Note
from extractor.review import authoring, course, listing, open_run
from extractor.review.audit import Audit
from extractor.review.opened import OpenRun
from tests.review_run import HOSTILE, TRIAL, screened

SOURCE = "performance/status"
GOOD = "<fact value=1>Fitness grade 1</fact> today."
CORPUS = [
    Note("P", "n1", datetime.date(2026, 1, 2), "note", "Fitness grade 2 at this visit. ECOG 1 last month."),
    Note("P", "n2", datetime.date(2026, 1, 3), "note", "Karnovskie 80. <b>Fitness grade 0</b>."),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> OpenRun:
    return open_run(screened(tmp_path_factory.mktemp("notebook")))


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit.jsonl")


def test_the_list_is_nearest_first(run: OpenRun, audit: Audit) -> None:
    frame = listing.candidates(run, audit, TRIAL)
    assert list(frame.columns) == list(listing.COLUMNS)
    assert frame["patient_id"].iloc[-1] == "R-3" and frame["decision"].iloc[-1] == "ineligible"
    assert set(frame["reviewed"]) == {"no"} and set(frame["since_last_run"]) == {""}
    assert set(listing.candidates(run, audit, TRIAL, former=run)["since_last_run"]) == {""}


def test_the_page_saves_a_decision(run: OpenRun, audit: Audit) -> None:
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed (extra: review)")
    from extractor.review.widgets import PatientPage

    page = PatientPage(run, audit, TRIAL, patient_id="R-1", who="ann")
    page.criterion.value = "I7"
    assert "mark" in page.note.value and "ECOG" in page.note.value
    page.action.value, page.target.value = "override", "fail"
    page.save()
    assert "a reason is required" in page.message.value and audit.entries() == []
    page.reason.value = "seen today: <ECOG 3>"
    page.save()
    assert "Saved: I7, override: fail (ann," in page.message.value
    [entry] = audit.entries()
    assert (entry.patient_id, entry.criterion_id, entry.old, entry.new) == ("R-1", "I7", "pass", "fail")
    assert list(entry.seen.facts) and entry.seen.rules == run.rules_version(TRIAL)
    assert page.criterion.label.endswith("◆") and "&lt;ECOG 3&gt;" in page.why.value


def test_two_pages_do_not_overwrite_each_other(run: OpenRun, audit: Audit) -> None:
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed (extra: review)")
    from extractor.review.widgets import PatientPage

    one, two = (PatientPage(run, audit, TRIAL, patient_id="R-1", who=who) for who in ("ann", "bob"))
    for page in (one, two):
        page.criterion.value = "I7"
    one.save()
    two.action.value, two.target.value, two.reason.value = "override", "open", "not sure"
    two.save()
    assert "ann decided this at" in two.message.value
    assert [entry.who for entry in audit.entries()] == ["ann"]
    two.save()  # bob has seen it now
    assert [entry.who for entry in audit.entries()] == ["ann", "bob"]


def test_the_page_escapes_and_goes_through_the_list(run: OpenRun, audit: Audit) -> None:
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed (extra: review)")
    from extractor.review.widgets import PatientPage

    page = PatientPage(run, audit, TRIAL, patient_id="=R+2")
    page.criterion.value = "I7"
    assert HOSTILE not in page.note.value and "&lt;script&gt;" in page.note.value
    seen = [page.patient_id]
    page.open(page.order[0])
    seen = [page.patient_id]
    for _ in range(5):
        page._step(1)
        seen.append(page.patient_id)
    assert list(dict.fromkeys(seen)) == page.order
    page.finder.value = "nobody"
    assert "no such patient" in page.message.value
    for wanted in ("fail", "open", "review", ""):
        page.only.value = wanted
        assert page.criterion.value is not None


def test_charts_are_drawn_without_a_network(run: OpenRun) -> None:
    pytest.importorskip("altair", reason="altair is not installed (extra: review)")
    from extractor.review import charts

    patient = run.timeline("R-1", TRIAL)
    drawn = charts.timeline(course.treatments(patient), course.events(patient), patient.index_date)
    trends = charts.trends(
        course.trends(patient, course.limits_of(run.trial(TRIAL))), patient.index_date, window_days=21
    )
    for chart in (drawn, trends):
        bundle = chart._repr_mimebundle_()
        kinds = bundle[0] if isinstance(bundle, tuple) else bundle
        assert sorted(kinds) == ["application/vnd.vegalite.v5+json", "text/plain"]
    assert charts.trends([], patient.index_date) is None


def test_a_pattern_is_tried(tmp_path: Path) -> None:
    draft = authoring.extended(SOURCE, "ecog", names=["fitness grade"], examples=[GOOD])
    attempt = authoring.try_pattern(SOURCE, draft, CORPUS)
    assert [(f.note_id, f.text, f.value) for f in attempt.new] == [
        ("n1", "Fitness grade 2", 2.0),
        ("n2", "Fitness grade 0", 0.0),
    ]
    assert (len(attempt.hits), attempt.lost, attempt.problems) == (3, (), ())
    assert [note.text[a:b] for note, a, b in attempt.near] == ["Karnovskie"]
    shown = authoring.in_context(attempt.new, CORPUS)
    assert "<b>" not in shown and "&lt;b&gt;<mark>Fitness grade 0</mark>&lt;/b&gt;" in shown


def test_scores_before_and_after(tmp_path: Path) -> None:
    import json

    draft = authoring.extended(SOURCE, "ecog", names=["fitness grade"], examples=[GOOD])
    gold = tmp_path / "gold.jsonl"
    gold.write_text(
        "".join(json.dumps(one) + "\n" for one in authoring.gold_of("ecog", [GOOD, "Fitness grade unknown."]))
    )
    table, errors = authoring.scores(SOURCE, draft, gold)
    [row] = [one for one in table.to_dict("records") if one["changed"]]
    assert (row["concept"], row["n"], row["recall before"], row["recall after"], row["precision after"]) == (
        "ecog", 1, 0.0, 1.0, 1.0,
    )  # fmt: skip
    assert errors == []


def test_a_pattern_is_saved_to_the_overlay_alone(tmp_path: Path) -> None:
    from extractor import patterns
    from extractor.pipeline.engine import Engine

    draft = authoring.extended(SOURCE, "ecog", names=["fitness grade"], examples=[GOOD])
    path = authoring.save(SOURCE, draft, tmp_path / "site")
    assert path == tmp_path / "site" / "performance" / "status.toml"
    facts = Engine(overlay=tmp_path / "site").facts(CORPUS[0])
    assert sorted(f.text for f in facts if f.concept == "ecog") == ["ECOG 1", "Fitness grade 2"]
    with pytest.raises(UsageError, match="the package's own"):
        authoring.save(SOURCE, draft, patterns.root())


def test_a_pattern_that_breaks_its_examples_is_not_saved(tmp_path: Path) -> None:
    draft = authoring.extended(SOURCE, "ecog", examples=["<fact value=1>Fitness grade 1</fact>"])
    assert authoring.try_pattern(SOURCE, draft, []).problems
    with pytest.raises(PatternError, match=r"performance/status.toml: ecog: example \d+"):
        authoring.save(SOURCE, draft, tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [("../x", "expected FOLDER/NAME"), ("performance/none", "no such file"), ("trials/NCT07016230", "")],
    ids=["outside", "unknown", "trial"],
)
def test_what_is_no_pattern_file(source: str, message: str) -> None:
    if message:
        with pytest.raises(UsageError, match=message):
            authoring.shipped(source)
    else:
        with pytest.raises(UsageError):
            authoring.extended(source, "ecog", names=["x"])


def test_a_draft_that_is_no_toml_names_its_line() -> None:
    with pytest.raises(PatternError, match=r"patterns/performance/status\.toml: Invalid value"):
        authoring.try_pattern(SOURCE, "family = ", CORPUS)
