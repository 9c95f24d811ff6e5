"""A run's folder, opened to be looked at: the list of patients at once, everything else for one patient at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.errors import ExtractorError, InputError, UsageError
from extractor.review import texts as note_texts

if TYPE_CHECKING:
    import pandas as pd

    from extractor.timeline.patient import Patient
    from extractor.trials.trialfile import Criterion, Trial


def given(value: Any) -> bool:
    """Is there a value: not None, NaN, NaT or an empty string?"""
    return value is not None and value == value and value != ""


def listed(value: Any) -> list[str]:
    """A list cell of a run's file as a list of strings, however the file spells it (list, array, JSON, null)."""
    if value is None or (isinstance(value, float) and value != value):
        return []
    if isinstance(value, str):
        value = json.loads(value) if value.startswith("[") else [value] if value else []
    return [str(item) for item in value]


@dataclass
class OpenRun:
    """``path`` of the run, ``data`` of ``run.json``, ``notes`` an address of the notes where they have moved."""

    path: Path
    data: dict[str, Any]
    notes: str | None = None
    problem: str = ""
    _trials: dict[str, Trial | None] = field(default_factory=dict)
    _files: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """One row for each patient and trial, as in ``patients.parquet``."""
        import pyarrow.parquet as pq

        return pq.read_table(self.path / "patients.parquet").to_pandas(date_as_object=True)

    @cached_property
    def trial_ids(self) -> list[str]:
        return sorted(self.patients["trial_id"].unique())

    def rows(self, name: str, patient_id: str) -> list[dict[str, Any]]:
        """The rows of one patient in ``criteria``, ``facts``, ``support``, ``notes`` or ``patients``."""
        import pyarrow.dataset as ds

        if name not in self._files:  # opened once: the index of a large file takes longer to read than its rows
            self._files[name] = ds.dataset(self.path / f"{name}.parquet", format="parquet")
        return self._files[name].to_table(filter=ds.field("patient_id") == patient_id).to_pylist()

    def facts(self, patient_id: str) -> dict[str, dict[str, Any]]:
        """Facts and support facts of one patient by ``fact_id``."""
        return {row["fact_id"]: row for name in ("facts", "support") for row in self.rows(name, patient_id)}

    def person(self, patient_id: str, trial_id: str) -> dict[str, Any]:
        """The patient's row; raises UsageError where the run has none."""
        for row in self.rows("patients", patient_id):
            if row["trial_id"] == trial_id:
                return row
        raise UsageError(f"{self.path}: has no such patient for {trial_id} (trials: {', '.join(self.trial_ids)})")

    def criteria(self, patient_id: str, trial_id: str) -> list[dict[str, Any]]:
        return [row for row in self.rows("criteria", patient_id) if row["trial_id"] == trial_id]

    def texts(self, patient_id: str) -> dict[str, str]:
        """The texts of one patient's notes; empty where they cannot be read again (``problem`` says why)."""
        return self._texts.of(patient_id)

    @cached_property
    def _texts(self) -> note_texts.Texts:
        import pyarrow.parquet as pq

        columns = ["patient_id", "note_id", "sha256", "characters"]
        table = pq.read_table(self.path / "notes.parquet", columns=columns)
        patients, notes, digests, sizes = (table.column(name).to_pylist() for name in columns)
        known = {(p, n): d for p, n, d in zip(patients, notes, digests, strict=True) if d}
        about = self.data["input"]
        try:
            found = note_texts.read(
                self.notes or about["path"],
                known,
                characters=sum(size or 0 for size in sizes),
                columns=about["columns"],
                date_order=about["date_order"],
                store=self.path / "review" / "texts.sqlite",
                stamp=about["digest"],
            )
        except ExtractorError as problem:
            if self.notes is not None:
                raise
            self.problem = f"The notes cannot be read again ({problem}); evidence is shown as places."
            return note_texts.empty(len(known))
        if found.missing:
            notes = "1 note is" if found.missing == 1 else f"{found.missing:,} notes are"
            self.problem = f"{notes} no longer what the run read: evidence there is shown as places, without words."
        return found

    def timeline(self, patient_id: str, trial_id: str) -> Patient:
        """The patient's facts as the rules see them."""
        import pandas as pd

        from extractor.timeline.patient import facts_of_frame, make_patient

        person = self.person(patient_id, trial_id)
        facts = facts_of_frame(pd.DataFrame(list(self.facts(patient_id).values())))
        index = None if person["index_date_assumed"] else person["index_date"]
        return make_patient(
            patient_id, facts, index, last_note_date=person["last_note_date"], n_notes=person["n_notes"] or 0
        )

    def trial(self, trial_id: str) -> Trial | None:
        """The trial file that the run was decided by, or None where it is no longer there."""
        if trial_id not in self._trials:
            from extractor import trials

            self._trials[trial_id] = None
            for name in self.data["evaluation"]["trials"]:
                try:
                    trial = trials.load(name)
                except ExtractorError:  # moved since: the run is readable without it, words of criteria are not shown
                    continue
                if trial.id == trial_id:
                    self._trials[trial_id] = trial
        return self._trials[trial_id]

    def words(self, trial_id: str) -> dict[str, Criterion]:
        """Criteria and their leaves by id; empty where the trial file is gone."""
        trial = self.trial(trial_id)
        return {} if trial is None else {unit.id: unit for row in trial.criteria for unit in (row, *row.leaves)}

    def rules_version(self, trial_id: str) -> str:
        """What decided: digests of the patterns and of the trial file, shortened."""
        digests: dict[str, str] = self.data["evaluation"]["trials"]
        mine = digests.get(trial_id) or ", ".join(value[:12] for value in digests.values())
        return f"patterns {self.data['patterns']['digest'][:12]}, trial {mine[:12]}"


def open_run(path: Path | str, *, notes: str | None = None) -> OpenRun:
    """Opens a decided run; ``notes`` says where the notes are now.

    Raises InputError where ``path`` holds no decided run.
    """
    from extractor.writers.whole import DECIDED, opened

    folder = Path(path)
    data = opened(folder, DECIDED, "decided run")
    if "evaluation" not in data:
        raise InputError(f"{folder}: holds no decided run (run extractor evaluate)")
    return OpenRun(folder, data, notes)
