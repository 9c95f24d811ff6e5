"""``extractor report`` and the page's parts: self-contained, escaped, without words where that is asked."""

from __future__ import annotations

import datetime
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from extractor.cli import run as command
from extractor.errors import InputError, UsageError
from extractor.review import course, funnel, listing, open_run, pictures
from extractor.review.opened import OpenRun, listed
from tests.review_run import HOSTILE, TRIAL, screened

VOID = {"meta", "input", "br", "img", "link", "hr", "rect", "line", "path", "circle"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; a tag that is not closed is a mistake."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> OpenRun:
    return open_run(screened(tmp_path_factory.mktemp("report")))


@pytest.fixture(scope="module")
def markup(run: OpenRun, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("html") / "report.html"
    assert command(["report", str(run.path), "--out", str(out)]) == 0
    assert out.stat().st_mode & 0o777 == 0o600
    return out.read_text(encoding="utf-8")


def test_the_page_is_whole(markup: str) -> None:
    page = Page(markup)
    assert page.open == []
    assert [a["id"] for tag, a in page.tags if tag == "template"] == ["p-0", "p-1", "p-2"]
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) - ids.count("wash") == len(set(ids) - {"wash"})


def test_nothing_is_fetched(markup: str) -> None:
    page = Page(markup)
    assert [tag for tag, _ in page.tags if tag in ("link", "img", "iframe", "object", "embed", "base")] == []
    assert [a for _, a in page.tags if a.keys() & {"src", "srcset", "action", "formaction"}] == []
    assert {a["href"][0] for _, a in page.tags if a.get("href")} == {"#"}
    assert re.findall(r"@import|url\((?!#)", markup) == []
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1 and policies[0].startswith("default-src 'none'")


def test_hostile_note_text_is_text(markup: str) -> None:
    page = Page(markup)
    assert HOSTILE not in markup and HOSTILE in page.text
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert [name for _, a in page.tags for name in a if name.startswith("on")] == []
    notes = [a for _, a in page.tags if "data-note" in a]
    assert len(notes) == 4


def test_evidence_stands_in_its_sentence(markup: str) -> None:
    assert re.search(
        r'<blockquote>Examination: <mark class="evidence" title="ecog 1">ECOG 1</mark>\.</blockquote>', markup
    )
    assert '<mark class="cue" title="negates it">No</mark> <mark class="evidence"' in markup
    assert "1 contradicting" in markup or "uncertain" in markup


def test_without_words_no_word_of_a_note_is_there(run: OpenRun, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert command(["report", str(run.path), "--out", str(out), "--no-text"]) == 0
    text = Page(out.read_text(encoding="utf-8")).text
    for words in (HOSTILE, "MEDICAL ONCOLOGY CONSULTATION", "61-year-old man with", "Brief visit", "Feels well"):
        assert words not in text
    assert re.search(r"characters \d+ to \d+", text)


def test_a_limit_is_told(run: OpenRun, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert command(["report", str(run.path), "--out", str(out), "--limit", "1"]) == 0
    page = Page(out.read_text(encoding="utf-8"))
    assert [a["id"] for tag, a in page.tags if tag == "template"] == ["p-0"]
    assert "2 more are in patients.parquet" in page.text


def test_decisions_are_shown_with_their_reason_escaped(run: OpenRun, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    mine = open_run(copy)
    listing.decide(mine, listing.audit_of(mine), patient_id="R-1", trial_id=TRIAL, criterion_id="I7", what="override",
                   new="fail", why="<b>worse</b>", who="ann")  # fmt: skip
    out = tmp_path / "report.html"
    assert command(["report", str(copy), "--out", str(out)]) == 0
    markup = out.read_text(encoding="utf-8")
    assert "ann overridden to fail on" in markup and "&lt;b&gt;worse&lt;/b&gt;" in markup


def test_moved_notes_are_told_and_named(run: OpenRun, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    notes = Path(run.data["input"]["path"])
    moved = tmp_path / "moved.csv"
    shutil.copy(notes, moved)
    changed = tmp_path / "changed.csv"
    changed.write_text(notes.read_text(encoding="utf-8").replace("Brief visit", "Brief Visit"), encoding="utf-8")
    assert len(open_run(copy, notes=str(moved)).texts("R-1")) == 2
    other = open_run(copy, notes=str(changed))
    assert list(other.texts("R-1")) == ["R-1-a"] and other.problem.startswith("1 note is no longer what the run read")
    with pytest.raises(InputError):
        open_run(copy, notes=str(tmp_path / "none.csv")).texts("R-1")


def test_no_run_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["report", str(tmp_path), "--out", str(tmp_path / "x.html")]) == 3
    assert "holds no decided run" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


def test_large_inputs_are_kept_in_a_private_file(run: OpenRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from extractor.review import texts

    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    monkeypatch.setattr(texts, "IN_MEMORY", 10)
    first = open_run(copy)
    assert first.texts("R-1") == run.texts("R-1") and len(first.texts("R-1")) == 2
    store = copy / "review" / "texts.sqlite"
    assert store.stat().st_mode & 0o777 == 0o600
    again = open_run(copy, notes=str(tmp_path / "gone.csv"))  # the store is enough
    assert again.texts("=R+2") == run.texts("=R+2")


def test_timeline_of_the_patient(run: OpenRun) -> None:
    patient = run.timeline("R-1", TRIAL)
    bars = course.treatments(patient)
    assert [(bar.name, bar.end, bar.clear) for bar in bars] == [
        ("carboplatin", datetime.date(2025, 10, 20), datetime.date(2025, 11, 3)),
        ("etoposide", datetime.date(2025, 10, 20), datetime.date(2025, 11, 3)),
    ]
    events = course.events(patient)
    assert [(event.name, event.day) for event in events] == [("progression", datetime.date(2025, 12, 30))]
    svg = pictures.timeline_svg(bars, events, patient.index_date)
    page = Page(svg)
    assert page.open == [] and "index date 2026-03-02" in page.text and "clear 2025-11-03" in page.text
    assert "No treatment with a date" in pictures.timeline_svg([], [], patient.index_date)


def test_laboratory_limits_come_from_the_trial(run: OpenRun) -> None:
    limits = course.limits_of(run.trial(TRIAL))
    assert limits["platelets"] == (">=", 100.0, None) and limits["ast"] == ("<=", None, 3)
    assert course.limits_of(None) == {}
    patient = run.timeline("=R+2", TRIAL)
    trends = {trend.name: trend for trend in course.trends(patient, limits)}
    assert [(p.value, p.day) for p in trends["platelets"].points] == [(90.0, datetime.date(2026, 2, 20))]
    assert (trends["platelets"].limit, trends["platelets"].side) == (100.0, ">=")
    svg = pictures.trend_svg(trends["platelets"], patient.index_date, window_days=21)
    assert Page(svg).open == [] and 'fill="var(--fail)"' in svg
    assert 'fill="var(--fail)"' not in pictures.trend_svg(trends["hemoglobin"], patient.index_date)


def test_funnel_adds_up(run: OpenRun) -> None:
    total, steps = funnel.steps(run, TRIAL)
    ends = dict(funnel.ends(run, TRIAL))
    assert total == 3 == sum(ends.values())
    failed = sum(1 for value in run.patients["failed"] if listed(value))
    assert sum(step[2] for step in steps) == failed
    assert [step[2] for step in steps if step[0] == "I2"] == [1]
    page = Page(pictures.funnel_svg(total, steps, list(ends.items()), shown=1))
    assert page.open == [] and "3 patients screened" in page.text


@pytest.mark.parametrize(
    ("change", "criteria"),
    [
        ({}, []),
        ({"rules": {"I7": "ecog <= 0 within 28 d"}}, [("I7", "pass", "fail", 2)]),
        ({"rules": {"I11.a": "platelets >= 80 10*9/L within 21 d"}}, [("I11.a", "fail", "pass", 1)]),
        ({"windows": {"ecog": 5}}, [("I7", "pass", "open", 3)]),
    ],
    ids=["nothing", "rule of a criterion", "rule of a leaf", "window"],
)
def test_what_if(run: OpenRun, change: dict, criteria: list) -> None:
    answer = funnel.what_if(run, TRIAL, **change)
    rows = [tuple(row) for row in answer.criteria.to_records(index=False) if row[0] in ("I7", "I11.a")]
    assert rows == criteria
    assert int(answer.decisions["patients"].sum()) == 3
    if not change:
        assert len(answer.moved) == 0 and len(answer.criteria) == 0


def test_what_if_refuses_what_the_trial_does_not_have(run: OpenRun) -> None:
    with pytest.raises(UsageError, match="window 'fever'"):
        funnel.what_if(run, TRIAL, windows={"fever": 3})
    with pytest.raises(UsageError, match="rule of 'I99'"):
        funnel.what_if(run, TRIAL, rules={"I99": "ecog <= 1"})


@pytest.mark.parametrize(
    ("found", "n", "low", "high"),
    [(0, 50, 0.0, 0.0713), (5, 50, 0.0435, 0.2136), (50, 50, 0.9287, 1.0), (0, 0, 0.0, 1.0), (1, 10, 0.0179, 0.4042)],
)
def test_wilson(found: int, n: int, low: float, high: float) -> None:
    assert tuple(round(x, 4) for x in funnel.wilson(found, n)) == (low, high)


def test_wilson_refuses_more_than_were_read() -> None:
    with pytest.raises(UsageError, match="3 of 2"):
        funnel.wilson(3, 2)


def test_what_if_on_some_patients(run: OpenRun) -> None:
    assert funnel.some_patients(run, TRIAL, n=10) == ["=R+2", "R-1", "R-3"]
    some = funnel.some_patients(run, TRIAL, n=2, seed=4)
    assert len(some) == 2 and some == funnel.some_patients(run, TRIAL, n=2, seed=4)
    answer = funnel.what_if(run, TRIAL, patients=["R-1"], rules={"I7": "ecog <= 0 within 28 d"})
    assert int(answer.decisions["patients"].sum()) == 1
    assert [tuple(row) for row in answer.criteria.to_records(index=False)] == [("I7", "pass", "fail", 1)]


def test_sample_of_excluded(run: OpenRun) -> None:
    assert funnel.sample_of_excluded(run, TRIAL, n=5, seed=1) == ["R-3"]
    assert funnel.sample_of_excluded(run, TRIAL, n=0) == []
    rows = funnel.deciding(run, TRIAL, ["R-3"])
    assert "I2" in set(rows["criterion_id"]) or "E3" in set(rows["criterion_id"])
