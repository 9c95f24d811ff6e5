"""How fast patients are decided: facts of the demonstration corpus, multiplied to patients of 100 facts each.

    python benchmarks/evaluate.py [--sizes 1000,10000] [--notes corpora/demo/notes.csv] [--out FILE.json]

Prints patients per second. What compares between machines are ratios inside one run: time per patient at the larger
size against the smaller one (1 = linear), the share of reading Parquet in it, and all cores against one. Times on one
core are processor seconds, so that other work on the machine disturbs them less; those on all cores are of the clock.
Facts are read from notes once, before anything is timed; an evaluation never loads NLP.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
TRIAL = "NCT07016230"
FACTS_PER_PATIENT = 100


def sources(notes: Path) -> list[dict[str, list]]:
    """Facts and support facts of each patient of a note file, column by column."""
    import pandas as pd

    import extractor

    found = extractor.extract(pd.read_csv(notes, dtype=str, keep_default_na=False))
    facts = pd.concat([found, found.attrs["support"]], ignore_index=True).astype(object)
    facts = facts.where(facts.notna(), None)
    return [{name: part[name].tolist() for name in part} for _, part in facts.groupby("patient_id", sort=True)]


def multiplied(known: list[dict[str, list]], patients: int, seed: int = 1) -> dict[str, list]:
    """Columns of so many patients: each has the facts of known ones drawn at random, up to 100, all dates moved."""
    chance = random.Random(seed)
    columns: dict[str, list] = {name: [] for name in known[0]}
    for number in range(patients):
        shift, held, part = datetime.timedelta(days=chance.randrange(60)), 0, 0
        while held < FACTS_PER_PATIENT:
            source = chance.choice(known)
            take = min(len(source["concept"]), FACTS_PER_PATIENT - held)
            for name, values in source.items():
                columns[name] += [_renamed(name, value, number, part, shift) for value in values[:take]]
            held, part = held + take, part + 1
    return columns


def _renamed(name: str, value, number: int, part: int, shift: datetime.timedelta):
    if name == "patient_id":
        return f"P{number:07d}"
    if value is None:
        return None
    if name in ("note_id", "fact_id", "copied_from"):
        return f"P{number:07d}-{part}-{value}"
    return value + shift if isinstance(value, datetime.date) else value


def write_run(folder: Path, columns: dict[str, list]) -> None:
    """The files of a finished extraction, as far as an evaluation reads them."""
    from extractor.writers import parquet

    facts = pa.table({field.name: pa.array(columns[field.name], field.type) for field in parquet.FACTS})
    support = pc.equal(facts["family"], "support")
    pq.write_table(facts.filter(pc.invert(support)), folder / "facts.parquet", row_group_size=parquet.ROW_GROUP)
    pq.write_table(facts.filter(support), folder / "support.parquet", row_group_size=parquet.ROW_GROUP)
    seen: dict[str, dict] = {}
    for patient, note, date, kind in zip(
        *(columns[name] for name in ("patient_id", "note_id", "note_date", "note_type")), strict=True
    ):
        seen.setdefault(note, {"note_id": note, "patient_id": patient, "note_date": date, "note_type": kind})
    plain = {"status": "ok", "n_facts": 1, "sha256": "", "characters": 1, "source": "benchmark", "row": 1}
    notes = pa.Table.from_pylist([{**plain, **row} for row in seen.values()], schema=parquet.NOTES)
    pq.write_table(notes, folder / "notes.parquet", row_group_size=parquet.ROW_GROUP)
    parquet.write_json(folder / "run.json", {"seconds": {}, "counts": {}})


def measure(folder: Path, patients: int) -> dict[str, float]:
    """Seconds of an evaluation on one core and on all, and of reading its Parquet files alone."""
    from extractor import evaluation

    began = time.process_time()
    for name in ("facts.parquet", "support.parquet", "notes.parquet"):
        pq.read_table(folder / name, use_threads=False).to_pandas(date_as_object=True)
    reading = time.process_time() - began
    began = time.process_time()
    evaluation.evaluate_run(folder, [TRIAL], workers=1)
    alone = time.process_time() - began
    single = (folder / "criteria.parquet").read_bytes()
    began = time.perf_counter()
    evaluation.evaluate_run(folder, [TRIAL])
    together = time.perf_counter() - began
    if single != (folder / "criteria.parquet").read_bytes():
        raise SystemExit("the decisions of one process and of several differ")
    return {
        "patients": patients,
        "one_core_cpu_seconds": round(alone, 3),
        "all_cores_seconds": round(together, 3),
        "ms_per_patient_one_core": round(1000 * alone / patients, 3),
        "patients_per_second_one_core": round(patients / alone, 1),
        "patients_per_second_all_cores": round(patients / together, 1),
        "share_of_reading": round(reading / alone, 4),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sizes", default="1000,10000", help="numbers of patients, the smallest first")
    options.add_argument("--notes", type=Path, default=ROOT / "corpora" / "demo" / "notes.csv")
    options.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "evaluate.json")
    chosen = options.parse_args()
    known = sources(chosen.notes)
    with tempfile.TemporaryDirectory() as folder:  # loads rules and libraries
        write_run(Path(folder), multiplied(known, 5))
        measure(Path(folder), 5)
    runs = []
    for size in (int(part) for part in chosen.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            write_run(Path(folder), multiplied(known, size))
            runs.append(measure(Path(folder), size))
        print(
            f"{size} patients x {FACTS_PER_PATIENT} facts: {runs[-1]['patients_per_second_one_core']} patients/s on one "
            f"core, {runs[-1]['patients_per_second_all_cores']} on all, reading {runs[-1]['share_of_reading']:.1%}"
        )
    result = {
        "trial": TRIAL,
        "facts_per_patient": FACTS_PER_PATIENT,
        "cores": os.cpu_count(),
        "load_of_the_machine": [round(load, 1) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "runs": runs,
        "growth_per_patient": round(runs[-1]["ms_per_patient_one_core"] / runs[0]["ms_per_patient_one_core"], 3),
    }
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"time per patient, largest against smallest: {result['growth_per_patient']}; {chosen.out}")


if __name__ == "__main__":
    main()
