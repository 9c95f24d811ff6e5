"""REDCap: a data dictionary and an import file, one instrument for each trial, one record for each patient."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from extractor.errors import InputError
from extractor.writers import parquet

DICTIONARY_HEADER = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)",
    "Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip
DECISIONS = ("candidate", "potential-candidate", "ineligible-for-now", "ineligible")
OUTCOMES = ("pass", "fail", "open", "not_applicable")
#: REDCap's limit for a variable, and the longest part behind a trial's name (last_note_date)
FIELD_LENGTH, LONGEST_PART = 26, 14
_PERSON = (
    ("decision", "dropdown", DECISIONS), ("cohort", "text", ()), ("index_date", "date", ()),
    ("earliest_date", "date", ()), ("next_question", "notes", ()), ("n_notes", "integer", ()),
    ("last_note_date", "date", ()),
)  # fmt: skip


def field_name(trial: str, *parts: str) -> str:
    """A REDCap variable: at most 26 lower-case letters, digits and underscores, a letter first.

    >>> field_name("NCT07016230", "I2.e")
    'nct07016230_i2_e'

    What leaves no room is cut, with a digest that tells it from others.

    >>> field_name("UNLOCK Tarlatamab 2026", "last_note_date")
    'unlock_0fe7_last_note_date'
    """
    name, rest = _plain(trial) or _digest(trial), _plain("_".join(parts))
    name = _cut(name if name[:1].isalpha() else f"x_{name}", trial, FIELD_LENGTH - LONGEST_PART - 1)
    return f"{name}_{_cut(rest, rest, LONGEST_PART)}" if rest else name


def _cut(name: str, whole: str, room: int) -> str:
    if len(name) <= room:
        return name
    return f"{name[: room - 5].strip('_')}_{_digest(whole)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:4]


def _plain(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


def code(choice: str) -> str:
    """The raw value of a choice: letters and underscores.

    >>> code("ineligible-for-now")
    'ineligible_for_now'
    """
    return _plain(choice)


def write(run: Path, out: Path | None) -> Sequence[Path]:
    """Writes ``redcap_dictionary.csv`` and ``redcap_import.csv`` to the folder ``out``.

    Raises InputError where the run is not decided.
    """
    import pyarrow.parquet as pq

    if not (run / "patients.parquet").is_file():
        raise InputError(f"{run}: has no decisions (run extractor evaluate first)")
    folder = out or run / "redcap"
    folder.mkdir(parents=True, exist_ok=True)
    people = pq.read_table(run / "patients.parquet").to_pylist()
    columns = ["patient_id", "trial_id", "criterion_id", "parent_id", "outcome", "reason"]
    criteria = [
        row for row in pq.read_table(run / "criteria.parquet", columns=columns).to_pylist() if not row["parent_id"]
    ]
    trials = list(dict.fromkeys(person["trial_id"] for person in people))
    ids = {
        trial: list(dict.fromkeys(r["criterion_id"] for r in criteria if r["trial_id"] == trial)) for trial in trials
    }
    dictionary = folder / "redcap_dictionary.csv"
    _csv(dictionary, DICTIONARY_HEADER, _dictionary(trials, ids))
    records: dict[str, dict[str, Any]] = {}
    for person in people:
        record = records.setdefault(person["patient_id"], {"record_id": person["patient_id"]})
        for name, _, _ in _PERSON:
            value = person[name]
            record[field_name(person["trial_id"], name)] = code(value) if name == "decision" else value
    for row in criteria:
        record = records[row["patient_id"]]
        record[field_name(row["trial_id"], row["criterion_id"])] = row["outcome"]
        record[field_name(row["trial_id"], row["criterion_id"], "reason")] = row["reason"]
    header = ["record_id"]
    for trial in trials:
        header += [field_name(trial, name) for name, _, _ in _PERSON]
        for criterion in ids[trial]:
            header += [field_name(trial, criterion), field_name(trial, criterion, "reason")]
    imported = folder / "redcap_import.csv"
    _csv(imported, header, ([record.get(name) for name in header] for record in records.values()))
    return [dictionary, imported]


def _dictionary(trials: Sequence[str], ids: dict[str, list[str]]) -> list[list[str]]:
    form = field_name(trials[0]) if trials else "screening"
    rows = [_field("record_id", form, "text", "Patient", identifier="y")]
    for trial in trials:
        form = field_name(trial)
        for name, kind, choices in _PERSON:
            rows.append(_field(field_name(trial, name), form, kind, name.replace("_", " "), choices))
        for criterion in ids[trial]:
            rows.append(_field(field_name(trial, criterion), form, "dropdown", criterion, OUTCOMES))
            rows.append(_field(field_name(trial, criterion, "reason"), form, "notes", f"{criterion}: reason"))
    return rows


def _field(
    name: str, form: str, kind: str, label: str, choices: Sequence[str] = (), *, identifier: str = ""
) -> list[str]:
    validation = {"date": "date_ymd", "integer": "integer"}.get(kind, "")
    row = dict.fromkeys(DICTIONARY_HEADER, "")
    row |= {
        "Variable / Field Name": name,
        "Form Name": form,
        "Field Type": "text" if validation else kind,
        "Field Label": label,
        "Choices, Calculations, OR Slider Labels": " | ".join(f"{code(choice)}, {choice}" for choice in choices),
        "Text Validation Type OR Show Slider Number": validation,
        "Identifier?": identifier,
    }
    return list(row.values())


def _csv(path: Path, header: Sequence[str], rows: Any) -> None:
    with parquet.atomic(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
