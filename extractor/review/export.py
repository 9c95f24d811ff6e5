"""The screening log as XLSX and CSV, one with identifiers and one without, and the work list of next questions.

The log without identifiers holds a screening number, decisions and outcomes; no patient or note id, no date, no
reviewer, and no sentence (a reason may hold a name, an age above 89 or a date). Days are counted from the index date.
Screening numbers are drawn at random once and kept in the review folder, so that a patient keeps the number and the
number says nothing of the order of patients.
"""

from __future__ import annotations

import csv
import datetime
import io
import os
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from extractor.errors import UsageError
from extractor.review.audit import PATIENT, Audit, Entry, Seen, fact_digest, standing
from extractor.review.opened import OpenRun, given, listed

#: a cell that begins so may be run as a formula by a spreadsheet
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
MAX_CHARACTERS = 32_767

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


def screening_log(run: OpenRun, audit: Audit) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the log: one for each patient and trial, and one for each criterion without a parent or decided on."""
    import pyarrow.parquet as pq

    latest = audit.latest()
    criteria = pq.read_table(run.path / "criteria.parquet").to_pylist()
    people = run.patients.to_dict("records")
    numbers = screening_numbers(run.path / "review" / "screening_numbers.csv", [p["patient_id"] for p in people])
    digests = _digests(run, {key[0] for key in latest})
    persons = {(p["patient_id"], p["trial_id"]): p for p in people}
    states: dict[tuple[str, str, str], dict[str, Any]] = {}
    by_person: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    rows = []
    for row in criteria:
        who = row["patient_id"], row["trial_id"]
        by_person[who].append(row)
        entry = latest.get((*who, row["criterion_id"]))
        if row["parent_id"] and entry is None:
            continue
        now = _seen(run, persons[who], [row], digests, row["outcome"])
        state = states[(*who, row["criterion_id"])] = _state(entry, now, "reviewed_outcome")
        clear = row["clear_date"]
        rows.append(
            {**row, **state, "screening_number": numbers[row["patient_id"]],
             "days_to_clear_date": _days(clear, persons[who]["index_date"])}
        )  # fmt: skip
    log = []
    for person in people:
        who = person["patient_id"], person["trial_id"]
        now = _seen(run, person, by_person[who], digests, person["decision"])
        asked = [key[2] for key, entry in latest.items() if key[:2] == who and entry.what == "needs-information"]
        log.append(
            {**person, **_state(latest.get((*who, PATIENT)), now, "reviewed_decision"),
             "screening_number": numbers[person["patient_id"]],
             "needs_information": sorted(name or "patient" for name in asked),
             "days_to_earliest_date": _days(person["earliest_date"], person["index_date"])}
        )  # fmt: skip
    return log, rows


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
    log, rows = screening_log(run, audit)
    if not identifiers:  # the file's order must not give away what its numbers hide
        log.sort(key=lambda row: row["screening_number"])
        rows.sort(key=lambda row: row["screening_number"])
    header, leaves = (LOG, CRITERIA) if identifiers else (LOG_PLAIN, CRITERIA_PLAIN)
    name = "screening_log" if identifiers else "screening_log_without_identifiers"
    sheets: list[tuple[str, Sequence[str], Sequence[Mapping[str, Any]]]] = [
        ("patients", header, log),
        ("criteria", leaves, rows),
    ]
    if identifiers:
        sheets.append(("next questions", WORK, work_list(run, audit)))
    written = []
    with private():
        folder.mkdir(parents=True, exist_ok=True)
        written.append(_workbook(folder / f"{name}.xlsx", sheets))
        for title, columns, content in sheets:
            suffix = "" if title == "patients" else "_" + title.replace(" ", "_")
            written.append(_csv(folder / f"{name}{suffix}.csv", columns, content))
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


def _digests(run: OpenRun, patients: set[str]) -> dict[str, str]:
    """Digests of the facts of the patients that were decided on; others have nothing to compare."""
    return {name: fact_digest(fact) for patient in sorted(patients) for name, fact in run.facts(patient).items()}


def _seen(
    run: OpenRun, person: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], digests: Mapping[str, str], answer: str
) -> Seen:
    facts = sorted({name for row in rows for name in listed(row["evidence"]) if name in digests})
    index = str(person["index_date"]) if given(person["index_date"]) else ""
    return Seen(answer, {name: digests[name] for name in facts}, run.rules_version(person["trial_id"]), index)


def _state(entry: Entry | None, now: Seen, target: str) -> dict[str, Any]:
    found = standing(entry, now)
    if found is None or entry is None:
        return {"reviewed": "no", target: "", "reviewer": "", "reviewed_at": "", "reason_of_review": "", "reopened": ""}
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

    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows([safe(row.get(name)) for name in header] for row in rows)
    with atomic(path) as temporary:  # the mark lets Excel read UTF-8
        temporary.write_text(buffer.getvalue(), encoding="utf-8-sig", newline="")
    return path


def _workbook(path: Path, sheets: Sequence[tuple[str, Sequence[str], Sequence[Mapping[str, Any]]]]) -> Path:
    try:
        import xlsxwriter
    except ImportError:
        raise UsageError("the screening log: needs xlsxwriter (pip install 'trial-extractor[review]')") from None
    from extractor.writers.parquet import atomic

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with atomic(path) as temporary, xlsxwriter.Workbook(str(temporary), options) as book:
        head = book.add_format({"bold": True, "bg_color": "#DCE6EE", "bottom": 1, "text_wrap": True, "valign": "top"})
        top = book.add_format({"valign": "top"})
        wrap = book.add_format({"valign": "top", "text_wrap": True})
        day = book.add_format({"valign": "top", "num_format": "yyyy-mm-dd"})
        for title, header, rows in sheets:
            sheet = book.add_worksheet(title)
            sheet.freeze_panes(1, 2)
            if rows:
                sheet.autofilter(0, 0, len(rows), len(header) - 1)
            for at, column in enumerate(header):
                long = column in ("reason", "next_question", "question", "reason_of_review", "reopened", "missing")
                sheet.set_column(at, at, 60 if long else max(12, len(column) + 2))
                sheet.write_string(0, at, column.replace("_", " "), head)
            for number, row in enumerate(rows, start=1):
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
    return path
