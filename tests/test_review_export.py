"""The screening log: safe cells, one log without identifiers, decisions and their re-opening, the work list."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from extractor.errors import InputError
from extractor.review import export, listing, open_run
from extractor.review.opened import OpenRun
from tests.review_run import CONSULT, NOTES, TRIAL, screened

openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed (extra: review)")
pytest.importorskip("xlsxwriter", reason="xlsxwriter is not installed (extra: review)")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return screened(tmp_path_factory.mktemp("export"))


@pytest.fixture
def run(path: Path) -> OpenRun:
    (path / "review" / "audit.jsonl").unlink(missing_ok=True)
    return open_run(path)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\ufeff=1", "＝1"])
def test_a_cell_that_looks_like_a_formula_is_text(text: str) -> None:
    assert export.safe(text) == "'" + text


@pytest.mark.parametrize(
    ("value", "cell"),
    [("I2.e", "I2.e"), ("a=b", "a=b"), (-3.5, -3.5), (7, 7), (None, ""), (float("nan"), ""), (True, "yes"), (False, "no"),
     (["I1", "=I2"], "I1, =I2"), (["=I1"], "'=I1"), ("a\x00b", "ab")],
    ids=["id", "inside", "negative", "number", "none", "nan", "yes", "no", "list", "list first", "null byte"],
)  # fmt: skip
def test_other_cells_stay_as_they_are(value: object, cell: object) -> None:
    assert export.safe(value) == cell


def test_both_logs_read_back(run: OpenRun, tmp_path: Path) -> None:
    audit = listing.audit_of(run)
    listing.decide(run, audit, patient_id="=R+2", trial_id=TRIAL, criterion_id="I7", what="override", new="fail",
                   why="=HYPERLINK(\"x\")", who="@ann")  # fmt: skip
    listing.decide(run, audit, patient_id="R-1", trial_id=TRIAL, what="accept", who="ann")
    internal = export.export(run, audit, tmp_path / "in", identifiers=True)
    assert [p.name for p in internal] == [
        "screening_log.xlsx", "screening_log.csv", "screening_log_criteria.csv", "screening_log_next_questions.csv",
    ]  # fmt: skip
    log = {row["patient_id"]: row for row in table(internal[1])}
    assert list(log) == ["'=R+2", "R-1", "R-3"]
    assert (log["R-1"]["reviewed"], log["R-1"]["reviewer"]) == ("accept", "ann")
    assert log["R-3"]["decision"] == "ineligible" and log["R-3"]["reviewed"] == "no"
    rows = {(row["patient_id"], row["criterion_id"]): row for row in table(internal[2])}
    decided = rows["'=R+2", "I7"]
    assert (decided["outcome"], decided["reviewed_outcome"]) == ("pass", "fail")
    assert (decided["reason_of_review"], decided["reviewer"]) == ('\'=HYPERLINK("x")', "'@ann")


def test_no_cell_of_any_file_can_run(run: OpenRun, tmp_path: Path) -> None:
    audit = listing.audit_of(run)
    listing.decide(run, audit, patient_id="=R+2", trial_id=TRIAL, what="needs-information", why="+cmd|' /C calc'!A0")
    files = export.export(run, audit, tmp_path, identifiers=True) + export.export(
        run, audit, tmp_path, identifiers=False
    )
    cells = 0
    for path in files:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                for row in csv.reader(file):
                    for cell in row:
                        cells += 1
                        try:
                            float(cell)
                        except ValueError:
                            assert not cell.lstrip().startswith(("=", "+", "-", "@"))
        else:
            for sheet in openpyxl.load_workbook(path).worksheets:
                for row in sheet.iter_rows():
                    for one in row:
                        cells += 1
                        assert one.data_type != "f" and one.hyperlink is None
                        assert not str(one.value or "").startswith(("=", "+", "@"))
    assert cells > 500


def test_the_log_without_identifiers_holds_none(run: OpenRun, tmp_path: Path) -> None:
    audit = listing.audit_of(run)
    listing.decide(run, audit, patient_id="R-1", trial_id=TRIAL, criterion_id="I7", what="override", new="fail",
                   why="Mrs Secret said so", who="dr-who")  # fmt: skip
    files = export.export(run, audit, tmp_path, identifiers=False)
    assert [p.suffix for p in files] == [".xlsx", ".csv", ".csv"]
    words = ["R-1", "R+2", "R-3", "Secret", "dr-who", "2026-", "2025-", "carboplatin", "ECOG", "script"]
    for path in files:
        if path.suffix == ".csv":
            text = path.read_text(encoding="utf-8-sig")
        else:
            sheets = openpyxl.load_workbook(path).worksheets
            text = "\n".join(str(c.value) for s in sheets for row in s.iter_rows() for c in row if c.value is not None)
        assert [word for word in words if word in text] == []
        assert "override" in text or path.stem == "screening_log_without_identifiers"
    numbers = [row["screening_number"] for row in table(files[1])]
    assert len(set(numbers)) == 3 and numbers == sorted(numbers)


def test_screening_numbers_stay_and_new_patients_get_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    first = export.screening_numbers(path, ["a", "b", "a"])
    again = export.screening_numbers(path, ["b", "c", "a"])
    assert {name: again[name] for name in first} == first
    assert len(set(again.values())) == 3
    assert path.stat().st_mode & 0o777 == 0o600


def test_changed_evidence_reopens_and_says_why(tmp_path: Path) -> None:
    before = open_run(screened(tmp_path / "one"))
    audit = listing.audit_of(before, tmp_path / "shared.jsonl")
    for patient in ("R-1", "=R+2"):
        for criterion in ("I7", "I1"):
            listing.decide(before, audit, patient_id=patient, trial_id=TRIAL, criterion_id=criterion, what="accept")
    changed = [(p, n, d, CONSULT.format(extra="", ecog=3, platelets=90) if n == "R-2-a" else t) for p, n, d, t in NOTES]
    after = open_run(screened(tmp_path / "two", changed))
    still = listing.states(after, audit, TRIAL, "R-1")
    assert {name: state.reopened for name, state in still.items()} == {"I7": (), "I1": ()}
    again = listing.states(after, audit, TRIAL, "=R+2")
    assert again["I7"].reopened[:3] == ("the run said pass and now says fail", "1 fact new", "1 fact no longer cited")
    assert again["I1"].reopened == ()
    frame = listing.candidates(after, audit, TRIAL, former=before).set_index("patient_id")
    assert frame["reviewed"].to_dict() == {"R-1": "in part", "=R+2": "re-opened", "R-3": "no"}
    _, rows = export.screening_log(after, audit)
    [row] = [r for r in rows if (r["patient_id"], r["criterion_id"]) == ("=R+2", "I7")]
    assert (row["reviewed"], row["reopened"]) == ("re-opened", "; ".join(again["I7"].reopened))


def test_the_work_list_begins_with_what_reviewers_asked(run: OpenRun) -> None:
    audit = listing.audit_of(run)
    listing.decide(run, audit, patient_id="R-3", trial_id=TRIAL, criterion_id="I2", what="needs-information",
                   why="second opinion?", who="ann")  # fmt: skip
    rows = export.work_list(run, audit)
    assert (rows[0]["patient_id"], rows[0]["criterion_id"], rows[0]["question"]) == ("R-3", "I2", "second opinion?")
    assert {row["patient_id"] for row in rows[1:]} == {
        p for p, d in zip(run.patients["patient_id"], run.patients["decision"], strict=True) if d != "ineligible"
    }
    assert all(row["asked_by"] == "extractor" and row["question"] for row in rows[1:])


def test_a_broken_audit_file_stops_the_export(run: OpenRun, tmp_path: Path) -> None:
    audit = listing.audit_of(run)
    listing.decide(run, audit, patient_id="R-1", trial_id=TRIAL, what="accept")
    audit.path.write_bytes(audit.path.read_bytes().replace(b"accept", b"Accept"))
    with pytest.raises(InputError, match="line 1"):
        export.export(run, audit, tmp_path, identifiers=True)
    assert list(tmp_path.iterdir()) == []
