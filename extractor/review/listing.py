"""The list of patients with the state of their review, and the saving of decisions: what the widgets stand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.review.audit import PATIENT, Audit, Entry, Key, Standing, seen_of, standing
from extractor.review.opened import OpenRun, given, listed

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "patient_id", "decision", "cohort", "fails", "open_criteria", "earliest_date", "next_question", "reviewed",
    "since_last_run",
)  # fmt: skip
_ORDER = {"candidate": 0, "potential-candidate": 1, "ineligible-for-now": 2, "ineligible": 3}


def audit_of(run: OpenRun, path: str | Path | None = None) -> Audit:
    """The audit file of a run: ``review/audit.jsonl`` in its folder, or one that several runs share."""
    return Audit(Path(path) if path else run.path / "review" / "audit.jsonl")


def states(
    run: OpenRun, audit: Audit, trial_id: str, patient_id: str, *, latest: dict[Key, Entry] | None = None
) -> dict[str, Standing]:
    """Where each decided criterion of a patient stands ("" is the patient as a whole).

    ``latest``: the last decisions, where they have been read already.
    """
    found = audit.latest() if latest is None else latest
    entries = {key[2]: entry for key, entry in found.items() if key[:2] == (patient_id, trial_id)}
    return _states(run, trial_id, patient_id, entries)


def _states(run: OpenRun, trial_id: str, patient_id: str, entries: dict[str, Entry]) -> dict[str, Standing]:
    if not entries:
        return {}
    person, criteria = run.person(patient_id, trial_id), run.criteria(patient_id, trial_id)
    facts, rules = run.facts(patient_id), run.rules_version(trial_id)
    known = {PATIENT, *(row["criterion_id"] for row in criteria)}
    found = {}
    for name, entry in entries.items():
        if name in known:
            state = standing(entry, seen_of(person, criteria, facts, rules, name))
            if state is not None:
                found[name] = state
    return found


def review_word(found: dict[str, Standing]) -> str:
    """``no``, ``in part``, ``re-opened``, or what was decided on the patient."""
    if any(state.reopened for state in found.values()):
        return "re-opened"
    whole = found.get(PATIENT)
    return whole.entry.what if whole is not None else "in part" if found else "no"


def candidates(run: OpenRun, audit: Audit, trial_id: str, *, former: OpenRun | None = None) -> pd.DataFrame:
    """One row for each patient, nearest to the trial first; COLUMNS.

    ``former``: an earlier run; ``since_last_run`` says ``new``, ``was DECISION``, or nothing where it is the same.
    """
    mine = run.patients[run.patients["trial_id"] == trial_id].copy()
    mine["fails"] = [", ".join(listed(value)) for value in mine["failed"]]
    mine["open_criteria"] = [len(listed(value)) for value in mine["open"]]
    for name in ("cohort", "next_question", "earliest_date"):
        mine[name] = [str(value) if given(value) else "" for value in mine[name]]
    by_patient: dict[str, dict[str, Entry]] = {}
    for (patient, trial, criterion), entry in audit.latest().items():
        if trial == trial_id:
            by_patient.setdefault(patient, {})[criterion] = entry
    ids = set(mine["patient_id"])
    words = {
        patient: review_word(_states(run, trial_id, patient, entries))
        for patient, entries in by_patient.items()
        if patient in ids
    }
    mine["reviewed"] = [words.get(patient, "no") for patient in mine["patient_id"]]
    mine["since_last_run"] = _since(mine, former, trial_id)
    mine["_order"] = [_ORDER.get(decision, 9) for decision in mine["decision"]]
    return mine.sort_values(["_order", "open_criteria", "patient_id"], ignore_index=True)[list(COLUMNS)]


def _since(mine: pd.DataFrame, former: OpenRun | None, trial_id: str) -> list[str]:
    if former is None:
        return [""] * len(mine)
    old = former.patients[former.patients["trial_id"] == trial_id]
    before = dict(zip(old["patient_id"], old["decision"], strict=True))
    words = []
    for patient, decision in zip(mine["patient_id"], mine["decision"], strict=True):
        was = before.get(patient)
        words.append("new" if was is None else "" if was == decision else f"was {was}")
    return words


def decide(
    run: OpenRun,
    audit: Audit,
    *,
    patient_id: str,
    trial_id: str,
    criterion_id: str = PATIENT,
    what: str,
    new: str = "",
    why: str = "",
    who: str = "",
    after: str | None = None,
) -> Entry:
    """Saves a decision with the facts and the rules that the reviewer saw; raises as ``Audit.decide``."""
    seen = seen_of(
        run.person(patient_id, trial_id),
        run.criteria(patient_id, trial_id),
        run.facts(patient_id),
        run.rules_version(trial_id),
        criterion_id,
    )
    return audit.decide(
        patient_id=patient_id,
        trial_id=trial_id,
        criterion_id=criterion_id,
        what=what,
        seen=seen,
        new=new,
        why=why,
        who=who,
        after=after,
    )


def run_card(run: OpenRun) -> pd.DataFrame:
    """What was read, failed and skipped, and what was decided: two columns."""
    import pandas as pd

    data = run.data
    counts, decided = data["counts"], data["evaluation"]
    rows: list[tuple[str, Any]] = [(f"notes {status}", count) for status, count in counts["notes"].items()]
    if data.get("since"):
        rows.append(("notes carried over", data["since"]["carried"]))
    rows += [("patients", counts["patients"]), ("facts", counts["facts"]), ("copied facts", counts["copied"])]
    index = decided["index_date"]
    rows.append(("index date", "by patient" if isinstance(index, dict) else index))
    rows.append(("index date assumed for", decided["index_date_assumed"]))
    for trial, numbers in decided["decisions"].items():
        rows += [(f"{trial}: {decision}", count) for decision, count in numbers.items()]
    rows += [("seconds", round(sum(data["seconds"].values()), 1)), ("finished", data["finished"])]
    rows += [("warning", line) for line in data.get("warnings", [])]
    return pd.DataFrame(rows, columns=["what", "value"])


def problems(run: OpenRun) -> pd.DataFrame:
    """Notes that were not read, with the reason; no text."""
    import pyarrow.parquet as pq

    table = pq.read_table(run.path / "notes.parquet", filters=[("status", "!=", "ok")])
    return table.select(["note_id", "patient_id", "status", "error"]).to_pandas()
