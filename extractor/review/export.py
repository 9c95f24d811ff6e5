"""The screening log as XLSX and CSV, one with identifiers and one without, and the work list of next questions.

The log without identifiers holds a screening number, decisions and outcomes; no patient or note id, no date, no
reviewer, and no sentence (a reason may hold a name, an age above 89 or a date). Days are counted from the index date.
Screening numbers are drawn at random once and kept in the review folder, so that a patient keeps the number and the
number says nothing of the order of patients.
"""

from __future__ import annotations

import csv
import datetime
import os
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from extractor.errors import UsageError
from extractor.review.audit import PATIENT, Audit, Standing
from extractor.review.listing import states
from extractor.review.opened import OpenRun, given, listed

#: a cell that begins so may be run as a formula by a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Excel's limits
MAX_ROWS, MAX_CHARACTERS = 1_048_575, 32_767

LOG = (
    "screening_number", "patient_id", "trial_id", "decision", "reviewed", "reviewed_decision", "reviewer",
    "reviewed_at", "reason_of_review", "reopened", "cohort", "failed", "open", "needs_information",
    "earliest_date", "index_date", "index_date_assumed", "next_question", "n_notes", "last_note_date",
)  # fmt: skip
LOG_PLAIN = (
    "screening_number", "trial_id", "decision", "reviewed", "reviewed_decision", "reopened", "cohort", "failed", "open",
    "needs_information", "days_to_earliest_date", "index_date_assumed", "n_notes",
)  # fmt: skip
CRITERIA = (
    "screening_number", "patient_id", "trial_id", "criterion_id", "kind", "tier", "outcome", "presumed", "provisional",
    "review_codes", "reason", "missing", "clear_date", "reviewed", "reviewed_outcome", "reviewer", "reviewed_at",
    "reason_of_review", "reopened", "evidence",
)  # fmt: skip
CRITERIA_PLAIN = (
    "screening_number", "trial_id", "criterion_id", "kind", "tier", "outcome", "presumed", "provisional",
    "review_codes", "days_to_clear_date", "reviewed", "reviewed_outcome", "reopened",
)  # fmt: skip
WORK = ("patient_id", "trial_id", "decision", "asked_by", "criterion_id", "question", "note", "index_date")


def safe(value: Any) -> Any:
    """A cell that no spreadsheet runs: text that looks like a formula gets an apostrophe in front.

    >>> safe("=1+1"), safe(" @x"), safe("-"), safe(-3.5), safe("I2.e")
    ("'=1+1", "' @x", "'-", -3.5, 'I2.e')
    """
    if isinstance(value, (list, tuple)) or hasattr(value, "tolist"):
        value = ", ".join(listed(value))
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return value
    text = str(value).replace("\x00", "")
    return "'" + text if text.lstrip(" \u00a0\ufeff").startswith(_FORMULA) else text


def screening_log(run: OpenRun, audit: Audit) -> tuple[list[dict[str, Any]], Iterator[dict[str, Any]]]:
    """Rows of the log: one for each patient and trial, and one for each criterion without a parent or decided on.

    The rows of criteria are read as they are asked for: a run of 100,000 patients has millions.
    """
    people = run.patients.to_dict("records")
    log = _log(run, audit, people)
    return log, _criteria(run, people, log, _standing(run, audit))


Rows = Iterable[Mapping[str, Any]]
_Person = tuple[str, str]


def _log(run: OpenRun, audit: Audit, people: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    numbers = screening_numbers(run.path / "review" / "screening_numbers.csv", [p["patient_id"] for p in people])
    asked: dict[_Person, list[str]] = defaultdict(list)
    for key, entry in audit.latest().items():
        if entry.what == "needs-information":
            asked[key[:2]].append(key[2] or "patient")
    decided = _standing(run, audit)
    return [
        {
            **person,
            **_state(decided.get((person["patient_id"], person["trial_id"]), {}).get(PATIENT), "reviewed_decision"),
            "screening_number": numbers[person["patient_id"]],
            "needs_information": sorted(asked.get((person["patient_id"], person["trial_id"]), ())),
            "days_to_earliest_date": _days(person["earliest_date"], person["index_date"]),
        }
        for person in people
    ]


def _standing(run: OpenRun, audit: Audit) -> dict[_Person, dict[str, Standing]]:
    """Where every decision stands, by patient and trial and then criterion."""
    latest = audit.latest()
    known = set(zip(run.patients["patient_id"], run.patients["trial_id"], strict=True))
    return {who: states(run, audit, who[1], who[0], latest=latest) for who in {key[:2] for key in latest} & known}


def _criteria(
    run: OpenRun,
    people: Sequence[Mapping[str, Any]],
    log: Sequence[Mapping[str, Any]],
    decided: Mapping[_Person, Mapping[str, Standing]],
    *,
    shuffled: bool = False,
) -> Iterator[dict[str, Any]]:
    """Rows of criteria; ``shuffled``: in the order of screening numbers, without the columns that hold sentences."""
    numbers = {row["patient_id"]: row["screening_number"] for row in log}
    index = {(person["patient_id"], person["trial_id"]): person["index_date"] for person in people}
    for row in _read(run, numbers if shuffled else None):
        who = row["patient_id"], row["trial_id"]
        state = decided.get(who, {}).get(row["criterion_id"])
        if row["parent_id"] and state is None:
            continue
        yield {
            **row,
            **_state(state, "reviewed_outcome"),
            "screening_number": numbers[row["patient_id"]],
            "days_to_clear_date": _days(row["clear_date"], index[who]),
        }


def _read(run: OpenRun, numbers: Mapping[str, str] | None) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    dataset = ds.dataset(run.path / "criteria.parquet", format="parquet")
    batches: Iterable[pa.RecordBatch]
    if numbers is None:
        batches = pq.ParquetFile(run.path / "criteria.parquet").iter_batches(batch_size=10_000)
    else:
        columns = [name for name in dataset.schema.names if name not in ("reason", "missing", "evidence")]
        table = dataset.to_table(columns=columns)
        order = pa.array([numbers[patient] for patient in table.column("patient_id").to_pylist()])
        table = table.append_column("_number", order).append_column("_at", pa.array(range(table.num_rows)))
        batches = table.sort_by([("_number", "ascending"), ("_at", "ascending")]).to_batches(max_chunksize=10_000)
    for batch in batches:
        yield from batch.to_pylist()


def work_list(run: OpenRun, audit: Audit) -> list[dict[str, Any]]:
    """What to ask next: questions of reviewers first, then the run's, potential candidates before those who wait."""
    order = {"potential-candidate": 0, "candidate": 1, "ineligible-for-now": 2}
    people = {(p["patient_id"], p["trial_id"]): p for p in run.patients.to_dict("records")}
    rows = []
    for (patient, trial, criterion), entry in audit.latest().items():
        person = people.get((patient, trial))
        if entry.what == "needs-information" and person is not None:
            rows.append(_work(person, entry.who, criterion, entry.why, "asked by a reviewer"))
    asked = sorted(rows, key=lambda row: (row["patient_id"], row["criterion_id"]))
    rows = [
        _work(person, "extractor", "", person["next_question"], "")
        for person in people.values()
        if given(person["next_question"]) and person["decision"] in order
    ]
    return asked + sorted(rows, key=lambda row: (order[row["decision"]], row["patient_id"], row["trial_id"]))


def _work(person: Mapping[str, Any], who: str, criterion: str, question: str, note: str) -> dict[str, Any]:
    return {
        "patient_id": person["patient_id"],
        "trial_id": person["trial_id"],
        "decision": person["decision"],
        "asked_by": who,
        "criterion_id": criterion,
        "question": question,
        "note": note,
        "index_date": person["index_date"],
    }


def export(run: OpenRun, audit: Audit, folder: Path | str, *, identifiers: bool) -> list[Path]:
    """Writes the log to ``folder`` as one workbook and two CSV files, and the work list where ``identifiers``.

    Raises UsageError where xlsxwriter is missing; the chain of decisions is verified first.
    """
    from extractor.run import private

    folder = Path(folder)
    people = run.patients.to_dict("records")
    decided = _standing(run, audit)
    log = _log(run, audit, people)
    if not identifiers:  # the file's order must not give away what its numbers hide
        log.sort(key=lambda row: row["screening_number"])
    header, leaves = (LOG, CRITERIA) if identifiers else (LOG_PLAIN, CRITERIA_PLAIN)
    name = "screening_log" if identifiers else "screening_log_without_identifiers"

    def criteria() -> Rows:
        return _criteria(run, people, log, decided, shuffled=not identifiers)

    sheets: list[tuple[str, Sequence[str], Callable[[], Rows]]] = [
        ("patients", header, lambda: log),
        ("criteria", leaves, criteria),
    ]
    if identifiers:
        sheets.append(("next questions", WORK, lambda: work_list(run, audit)))
    written = []
    with private():
        folder.mkdir(parents=True, exist_ok=True)
        written.append(_workbook(folder / f"{name}.xlsx", sheets))
        for title, columns, content in sheets:
            suffix = "" if title == "patients" else "_" + title.replace(" ", "_")
            written.append(_csv(folder / f"{name}{suffix}.csv", columns, content()))
    return written


def screening_numbers(path: Path, patients: Iterable[str]) -> dict[str, str]:
    """A number for each patient, drawn at random once and kept in ``path`` (mode 0600)."""
    from extractor.writers.parquet import atomic

    wanted = dict.fromkeys(patients)
    with Audit(path.with_suffix(".lock"))._locked():
        known: dict[str, str] = {}
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                known = {row["patient_id"]: row["screening_number"] for row in csv.DictReader(file)}
        new = [patient for patient in wanted if patient not in known]
        if new:
            taken = set(known.values())
            for patient in new:
                number = ""
                while not number or number in taken:
                    number = f"S{secrets.randbelow(90_000_000) + 10_000_000}"
                taken.add(number)
                known[patient] = number
            with atomic(path) as temporary:
                os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                with temporary.open("w", encoding="utf-8", newline="") as file:
                    writer = csv.writer(file)
                    writer.writerow(("patient_id", "screening_number"))
                    writer.writerows(known.items())
    return {patient: known[patient] for patient in wanted}


def _state(found: Standing | None, target: str) -> dict[str, Any]:
    if found is None:
        return {"reviewed": "no", target: "", "reviewer": "", "reviewed_at": "", "reason_of_review": "", "reopened": ""}
    entry = found.entry
    return {
        "reviewed": "re-opened" if found.reopened else entry.what,
        target: entry.new,
        "reviewer": entry.who,
        "reviewed_at": entry.when,
        "reason_of_review": entry.why,
        "reopened": "; ".join(found.reopened),
    }


def _days(day: Any, index: Any) -> int | None:
    return (day - index).days if isinstance(day, datetime.date) and isinstance(index, datetime.date) else None


def _csv(path: Path, header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Path:
    from extractor.writers.parquet import atomic

    # the mark lets Excel read UTF-8
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([safe(row.get(name)) for name in header] for row in rows)
    return path


def _workbook(path: Path, sheets: Sequence[tuple[str, Sequence[str], Callable[[], Rows]]]) -> Path:
    """The sheets as one workbook; a sheet that is longer than Excel allows ends by saying where the rest is."""
    try:
        import xlsxwriter
    except ImportError:
        raise UsageError("the screening log: needs xlsxwriter (pip install 'trial-extractor[review]')") from None
    from extractor.writers.parquet import atomic

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with atomic(path) as temporary, xlsxwriter.Workbook(str(temporary), options) as book:
        head = book.add_format({"bold": True, "bg_color": "#DCE6EE", "bottom": 1, "text_wrap": True, "valign": "top"})
        top = book.add_format({"valign": "top"})
        wrap = book.add_format({"valign": "top", "text_wrap": True})
        day = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd"})
        for title, header, rows in sheets:
            sheet = book.add_worksheet(title)
            sheet.freeze_panes(1, 2)
            for at, column in enumerate(header):
                long = column in ("reason", "next_question", "question", "reason_of_review", "reopened", "missing")
                sheet.set_column(at, at, 60 if long else max(12, len(column) + 2))
                sheet.write_string(0, at, column.replace("_", " "), head)
            number = 0
            for number, row in enumerate(rows(), start=1):
                if number >= MAX_ROWS:
                    sheet.write_string(
                        number, 0, "Excel holds no more rows: the rest is in the CSV file beside this one"
                    )
                    break
                for at, column in enumerate(header):
                    value = row.get(column)
                    if isinstance(value, datetime.date):
                        sheet.write_datetime(number, at, value, day)
                        continue
                    cell = safe(value)
                    if isinstance(cell, (int, float)):
                        sheet.write_number(number, at, cell, top)
                    elif cell:
                        sheet.write_string(number, at, cell[:MAX_CHARACTERS], wrap)
            if number:
                sheet.autofilter(0, 0, number, len(header) - 1)
    return path
