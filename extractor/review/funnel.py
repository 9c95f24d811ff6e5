"""Attrition of a trial, what-if on its policies and windows, and how many candidates a screen may have missed.

What-if evaluates the rules again over the facts; no note is read. The answer is a table of who moves where.
"""

from __future__ import annotations

import datetime
import math
import random
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.errors import UsageError
from extractor.review.opened import OpenRun

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

DECISIONS = ("candidate", "potential-candidate", "ineligible-for-now", "ineligible")


@dataclass(frozen=True)
class WhatIf:
    """``decisions``: before, after, patients. ``moved``: patient_id, before, after. ``criteria``: criterion_id, before,
    after, patients. ``seconds`` it took."""

    decisions: pd.DataFrame
    moved: pd.DataFrame
    criteria: pd.DataFrame
    seconds: float


def attrition(run: OpenRun, trial_id: str) -> pd.DataFrame:
    """One row for each criterion in the trial's order: outcomes alone, and who is left when applied in order."""
    import pandas as pd

    rows = run.data["evaluation"]["attrition"].get(trial_id, [])
    words = run.words(trial_id)
    frame = pd.DataFrame(rows)
    if len(frame):
        texts = [(words[name].label or words[name].text) if name in words else "" for name in frame["criterion_id"]]
        frame.insert(1, "text", texts)
    return frame


def steps(run: OpenRun, trial_id: str) -> tuple[int, list[tuple[str, str, int]]]:
    """Patients, and (criterion, words, removed) in the order in which the trial's criteria are applied."""
    total = int((run.patients["trial_id"] == trial_id).sum())
    words = run.words(trial_id)
    rows = run.data["evaluation"]["attrition"].get(trial_id, [])
    named = [(row["criterion_id"], int(row["first_to_fail"])) for row in rows]
    return total, [(name, words[name].text if name in words else "", removed) for name, removed in named]


def ends(run: OpenRun, trial_id: str) -> list[tuple[str, int]]:
    """Decisions and how many patients have each, best first."""
    counts = run.patients.loc[run.patients["trial_id"] == trial_id, "decision"].value_counts()
    return [(name, int(counts.get(name, 0))) for name in DECISIONS]


def what_if(
    run: OpenRun,
    trial_id: str,
    *,
    policies: Mapping[str, str] | None = None,
    windows: Mapping[str, int] | None = None,
    rules: Mapping[str, str] | None = None,
    strict: bool | None = None,
    patients: Sequence[str] | None = None,
) -> WhatIf:
    """Decides again with other policies (``{"A-0": "0.5"}``), windows (``{"ecog": 14}``, days) or rules of leaves
    (``{"I7": "ecog <= 1 within 28 d"}``) and compares with the run.

    ``patients``: only these. Raises TrialError for an unknown policy, window or a rule that cannot be read.
    """
    import time

    import pandas as pd
    import pyarrow.dataset as ds

    from extractor import trials

    began = time.monotonic()
    asked = run.data["evaluation"]
    index: Any = None if asked["index_date"] == "assumed" else asked["index_date"]
    if isinstance(index, str):
        index = datetime.date.fromisoformat(index)
    wanted = None if patients is None else ds.field("patient_id").isin(list(patients))
    frames = {
        name: ds.dataset(run.path / f"{name}.parquet").to_table(filter=wanted).to_pandas(date_as_object=True)
        for name in ("facts", "support", "notes")
    }
    notes = frames["notes"]
    notes = notes[notes["status"].isin(["ok", "empty", "error"])].drop(columns=["error", "source", "row"])
    facts = pd.concat([frames["facts"], frames["support"]], ignore_index=True)
    with _variant(run, trial_id, windows or {}, rules or {}) as trial:
        again = trials.evaluate(
            facts,
            trial=trial,
            notes=notes,
            index_date=index,
            strict=asked["strict"] if strict is None else strict,
            policies={**asked["policies"], **(policies or {})} or None,
        )
    old = run.patients[run.patients["trial_id"] == trial_id]
    if patients is not None:
        old = old[old["patient_id"].isin(list(patients))]
    both = old[["patient_id", "decision"]].merge(
        again.patients[["patient_id", "decision"]], on="patient_id", suffixes=("_before", "_after")
    )
    both.columns = pd.Index(["patient_id", "before", "after"])
    decisions = both.groupby(["before", "after"], as_index=False).size().rename(columns={"size": "patients"})
    columns = ["patient_id", "criterion_id", "outcome"]
    table = ds.dataset(run.path / "criteria.parquet").to_table(columns=columns, filter=_of(trial_id, wanted))
    leaves = table.to_pandas().merge(again.criteria[columns], on=columns[:2], suffixes=("_before", "_after"))
    leaves = leaves[leaves["outcome_before"] != leaves["outcome_after"]]
    criteria = (
        leaves.groupby(["criterion_id", "outcome_before", "outcome_after"], as_index=False)
        .size()
        .rename(columns={"outcome_before": "before", "outcome_after": "after", "size": "patients"})
        .sort_values(["patients", "criterion_id"], ascending=[False, True], ignore_index=True)
    )
    moved = both[both["before"] != both["after"]].reset_index(drop=True)
    return WhatIf(decisions, moved, criteria, round(time.monotonic() - began, 3))


def _of(trial_id: str, wanted: Any) -> Any:
    import pyarrow.dataset as ds

    mine = ds.field("trial_id") == trial_id
    return mine if wanted is None else mine & wanted


@contextmanager
def _variant(run: OpenRun, trial_id: str, windows: Mapping[str, int], rules: Mapping[str, str]) -> Iterator[str | Path]:
    """The trial's file with other windows or rules, for as long as the evaluation takes."""
    from extractor.trials.trialfile import find_trial

    names = run.data["evaluation"]["trials"]
    trial = run.trial(trial_id)
    if trial is None:
        raise UsageError(f"{trial_id}: its trial file is no longer there (the run was decided by {', '.join(names)})")
    name = (
        trial_id if trial_id in names else next((n for n in names if trial.file and n.endswith(trial.file)), trial_id)
    )
    if not windows and not rules:
        yield name
        return
    path = find_trial(name)
    text = path.read_text(encoding="utf-8")
    for key, days in windows.items():
        text, found = re.subn(rf"(?m)^({re.escape(key)}\s*=\s*)\d+", rf"\g<1>{int(days)}", text, count=1)
        if not found:
            raise UsageError(f"window {key!r}: expected one of {', '.join(sorted(trial.windows))}")
    for leaf, rule in rules.items():
        quoted = rule.replace("\\", "\\\\").replace('"', '\\"')
        pattern = rf'(?ms)(^id = "{re.escape(leaf)}"$(?:(?!^id = ).)*?^rule = )"[^\n]*"$'
        text, found = re.subn(pattern, _replacement(quoted), text, count=1)
        if not found:
            raise UsageError(f"rule of {leaf!r}: the trial file has no criterion of this name with a rule of its own")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"{trial_id}.toml"
        copy.write_text(text, encoding="utf-8")
        yield copy


def _replacement(rule: str) -> Callable[[re.Match[str]], str]:
    return lambda match: f'{match[1]}"{rule}"'


def some_patients(run: OpenRun, trial_id: str, *, n: int, seed: int = 1) -> list[str]:
    """At most ``n`` patients of the trial drawn at random; the same seed, the same ones."""
    pool = sorted(run.patients.loc[run.patients["trial_id"] == trial_id, "patient_id"])
    return pool if len(pool) <= n else sorted(random.Random(seed).sample(pool, n))


def sample_of_excluded(run: OpenRun, trial_id: str, *, n: int = 50, seed: int = 1) -> list[str]:
    """Patients drawn at random from those called ``ineligible``, to be read by a person; the same seed, the same ones."""
    mine = run.patients[(run.patients["trial_id"] == trial_id) & (run.patients["decision"] == "ineligible")]
    pool = sorted(mine["patient_id"])
    return sorted(random.Random(seed).sample(pool, min(n, len(pool))))


def wilson(found: int, n: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a proportion (Wilson 1927), 95 % by default; (0, 1) where nothing was looked at.

    >>> [round(x, 4) for x in wilson(0, 50)]
    [0.0, 0.0713]
    """
    if not 0 <= found <= n:
        raise UsageError(f"{found} of {n}: expected a count between 0 and the number looked at")
    if n == 0:
        return 0.0, 1.0
    share = found / n
    centre = share + z * z / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    low = 0.0 if found == 0 else (centre - spread) / whole
    high = 1.0 if found == n else (centre + spread) / whole
    return max(0.0, low), min(1.0, high)


def missed(found: int, looked_at: int, excluded: int) -> dict[str, float]:
    """Missed candidates among all ``excluded``, from ``found`` in a sample of ``looked_at``: estimate and 95 % interval."""
    low, high = wilson(found, looked_at)
    share = found / looked_at if looked_at else math.nan
    return {"estimate": share * excluded, "low": low * excluded, "high": high * excluded}


def deciding(run: OpenRun, trial_id: str, patients: Iterable[str]) -> pd.DataFrame:
    """What excluded each of these patients: the failed criteria with their reasons."""
    import pandas as pd

    rows = []
    for patient in patients:
        failed = set(run.person(patient, trial_id)["failed"] or ())
        for row in run.criteria(patient, trial_id):
            if row["criterion_id"] in failed and row["outcome"] == "fail":
                rows.append({"patient_id": patient, "criterion_id": row["criterion_id"], "reason": row["reason"]})
    return pd.DataFrame(rows, columns=["patient_id", "criterion_id", "reason"])
