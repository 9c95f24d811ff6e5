"""Why a patient was decided so: each criterion's outcome and reason, and its evidence in the sentence it stands in.

This is the one command that shows words of notes, because it is asked to, on stdout alone. The notes are read again
from where the run read them (``run.json`` remembers), or from ``--notes``; where they are gone, or are no longer what
they were, the places are shown without words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.errors import ExtractorError, UsageError

if TYPE_CHECKING:
    import pandas as pd

#: pieces of evidence shown for each criterion of a whole patient
MENTIONS = 3
#: characters of a sentence shown on each side of the evidence at most
REACH = 240

_EDGE = re.compile(r"[.!?](?=\s)|[\r\n]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """The evidence with what stands before and after it in its sentence."""

    before: str
    evidence: str
    after: str


def sentence_of(text: str, start: int, end: int) -> Sentence:
    """The sentence or line around a span, at most ``REACH`` characters on each side.

    >>> sentence_of("Seen today. ECOG 1 at present. Plan: CT.", 12, 18)
    Sentence(before='', evidence='ECOG 1', after=' at present.')
    """
    before = text[max(0, start - REACH) : start]
    if edges := [match.end() for match in _EDGE.finditer(before)]:
        before = before[edges[-1] :]
    after = text[end : end + REACH]
    if edge := _EDGE.search(after):
        after = after[: edge.start()] + (edge[0] if edge[0] in ".!?" else "")
    return Sentence(before.lstrip(), text[start:end], after.rstrip())


def show(
    run_dir: Path,
    *,
    patient: str,
    criterion: str | None = None,
    trial: str | None = None,
    notes: str | None = None,
    no_text: bool = False,
) -> None:
    """Prints the explanation of one patient.

    Raises InputError where ``run_dir`` is no decided run, UsageError for a patient, trial or criterion it lacks.
    """
    from rich.console import Console

    from extractor.writers import whole

    data = whole.opened(run_dir, whole.DECIDED, "decided run")
    patients = _rows(run_dir / "patients.parquet", patient)
    criteria = _rows(run_dir / "criteria.parquet", patient)
    if patients.empty:
        raise UsageError(f"--patient {patient}: is not in {run_dir}")
    trials = patients["trial_id"].tolist()
    if trial is not None:
        if trial not in trials:
            raise UsageError(f"--trial {trial}: is not in {run_dir} (it has: {', '.join(trials)})")
        trials = [trial]
    if criterion is not None:
        criteria = _with_leaves(criteria, criterion)
        if criteria.empty:
            raise UsageError(f"--criterion {criterion}: is not in this trial (expected an id such as I7 or E7.3)")
    console = Console(highlight=False, soft_wrap=True)
    facts = _facts(run_dir, patient)
    texts: dict[str, str] = {}
    if not no_text:
        cited = {fact for evidence in criteria["evidence"] for fact in evidence}
        wanted = {facts[fact]["note_id"] for fact in cited if fact in facts}
        texts, problem = _texts(data, run_dir, patient, wanted, notes)
        if problem:
            console.print(f"[yellow]{_plain(problem)}[/yellow]: places are shown without words")
    for name in trials:
        person = patients[patients["trial_id"] == name].iloc[0]
        _head(console, person)
        rows = criteria[criteria["trial_id"] == name].to_dict("records")
        parents = {row["parent_id"] for row in rows}
        for row in rows:
            # the evidence of a criterion with leaves stands under its leaves; all of it where one criterion is asked for
            most = 0 if row["criterion_id"] in parents else MENTIONS if criterion is None else len(row["evidence"])
            _criterion(console, row, facts, texts, most)


def _head(console: Any, person: Mapping[str, Any]) -> None:
    assumed = " (assumed)" if person["index_date_assumed"] else ""
    cohort = f", cohort {person['cohort']}" if _given(person["cohort"]) else ""
    console.print(
        f"[bold]{_plain(person['patient_id'])}[/bold]  {_plain(person['trial_id'])}: {person['decision']}{cohort}"
    )
    console.print(
        f"index_date: {person['index_date']}{assumed}; notes {person['n_notes']}, last {person['last_note_date']}"
    )
    if _given(person["next_question"]):
        console.print(f"next question: {_plain(str(person['next_question']))}")
    console.print()


def _criterion(
    console: Any, row: Mapping[str, Any], facts: Mapping[str, dict[str, Any]], texts: Mapping[str, str], most: int
) -> None:
    colour = {"pass": "green", "fail": "red", "open": "yellow"}.get(row["outcome"], "white")
    indent = "  " if _given(row["parent_id"]) else ""
    marks = [word for word, there in (("presumed", row["presumed"]), ("review", row["needs_review"])) if there is True]
    mark = f" [{', '.join(marks)}]" if marks else ""
    reason = _plain(str(row["reason"])) if _given(row["reason"]) else ""
    console.print(f"{indent}[{colour}]{row['criterion_id']:6} {row['outcome']}[/{colour}]{_plain(mark)}  {reason}")
    if _given(row["missing"]):
        console.print(f"{indent}       missing: {_plain(str(row['missing']))}")
    for fact_id in row["evidence"][:most]:
        fact = facts.get(fact_id)
        if fact is None:
            console.print(f"{indent}       evidence {fact_id} is not in this run")
        else:
            _evidence(console, indent, fact, texts.get(fact["note_id"]))
    if most and len(row["evidence"]) > most:
        more = len(row["evidence"]) - most
        console.print(f"{indent}       and {more} more (--criterion {row['criterion_id']} shows all)")


def _evidence(console: Any, indent: str, fact: Mapping[str, Any], text: str | None) -> None:
    from rich.text import Text

    said = " ".join(
        str(part)
        for part in (
            fact["concept"],
            fact["comparator"] if _given(fact["comparator"]) and fact["comparator"] != "=" else None,
            f"{fact['value']:g}" if _given(fact["value"]) else None,
            fact["unit"] if _given(fact["unit"]) else None,
            fact["assertion"] if fact["assertion"] != "present" else None,
        )
        if _given(part)
    )
    copied = f", copied from {fact['copied_from']}" if _given(fact["copied_from"]) else ""
    line = Text(
        f"{indent}       {said} | {fact['note_id']} {fact['note_date']} [{fact['start']}:{fact['end']}]{copied}"
    )
    start, end = int(fact["start"]), int(fact["end"])
    if text is not None and text[start:end] == fact["text"]:
        sentence = sentence_of(text, start, end)
        line.append(f"\n{indent}         ")
        line.append(sentence.before)
        line.append(sentence.evidence, style="bold reverse")
        line.append(sentence.after)
    console.print(line)


def _texts(
    data: Mapping[str, Any], run_dir: Path, patient: str, wanted: Iterable[str], notes: str | None
) -> tuple[dict[str, str], str]:
    """The texts of the notes that are cited, read again, and what went wrong where one is missing.

    A text whose digest is not the run's is another text: its offsets would point at other words.
    """
    from extractor.readers import open_source

    left = dict.fromkeys(wanted)
    if not left:
        return {}, ""
    known = _rows(run_dir / "notes.parquet", patient)
    digests = dict(zip(known["note_id"], known["sha256"], strict=True))
    path = notes or data["input"]["path"]
    found: dict[str, str] = {}
    try:
        source = open_source(path, columns=data["input"]["columns"], date_order=data["input"]["date_order"])
        for row in source.rows():
            if row.patient_id == patient and row.note_id in left:
                sha = hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).hexdigest()
                if sha == digests.get(row.note_id):
                    found[row.note_id] = row.text
                    del left[row.note_id]
                    if not left:
                        break
    except ExtractorError as problem:
        if notes is not None:
            raise
        return found, f"the notes cannot be read again ({problem}; give --notes)"
    return found, f"{len(left)} of the notes are no longer in {path} as they were" if left else ""


def _facts(run_dir: Path, patient: str) -> dict[str, dict[str, Any]]:
    frames = [_rows(run_dir / name, patient) for name in ("facts.parquet", "support.parquet")]
    return {row["fact_id"]: row for frame in frames for row in frame.to_dict("records")}


def _rows(path: Path, patient: str) -> pd.DataFrame:
    import pyarrow.parquet as pq

    return pq.read_table(path, filters=[("patient_id", "==", patient)]).to_pandas(date_as_object=True)


def _with_leaves(criteria: pd.DataFrame, criterion: str) -> pd.DataFrame:
    """The criterion and everything below it, by the parents that the rows name."""
    chosen = {criterion}
    pairs: Sequence[tuple[str, Any]] = list(zip(criteria["criterion_id"], criteria["parent_id"], strict=True))
    while more := {child for child, parent in pairs if parent in chosen} - chosen:
        chosen |= more
    return criteria[criteria["criterion_id"].isin(chosen)]


def _given(value: Any) -> bool:
    return value is not None and value == value and value != ""


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
