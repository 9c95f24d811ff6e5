"""Growth with the export: time and peak memory of ``extractor screen`` from 1,000 to 100,000 dictated notes; 1 against 2 workers.

    python -m benchmarks.size [--notes 1000 10000 100000] [--characters 2000] [--dense 0.2] [--processes 2]
    python -m benchmarks.size --workers [--rounds 3] [--workers-notes 3000]

Time is that of the processors, so that other work on the machine disturbs it less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import charts, notes

TRIAL = "NCT07016230"


def growth(place: Path, counts: list[int], characters: int, dense: float, processes: int) -> dict[str, Any]:
    """One run for each number of notes. What a note costs is the difference to the run before it."""
    runs: dict[str, dict[str, Any]] = {}
    former, known = None, 0
    for count in sorted(counts):
        source, out = place / f"{count}.parquet", place / "out"
        notes.write(source, count, characters, dense)
        arguments = (str(source), "--trial", TRIAL, "--out", str(out), "--workers", str(processes))
        found: dict[str, Any] = notes.run("screen", *arguments)
        data = json.loads((out / "run.json").read_text())
        found["facts"] = data["counts"]["facts"] + data["counts"]["support"]
        found["phases"] = data["seconds"]
        if former is not None:
            found["cpu_ms_per_further_note"] = round((found["cpu"] - former) / (count - known) * 1000, 3)
        former, known = found["cpu"], count
        runs[str(count)] = found
        shutil.rmtree(out)
        source.unlink()
        print(count, found, flush=True)
    each = [run["cpu_ms_per_further_note"] for run in runs.values() if "cpu_ms_per_further_note" in run]
    return {
        "characters": characters,
        "dense": dense,
        "workers": processes,
        "runs": runs,
        "cost_of_a_further_note_last_to_first": round(each[-1] / each[0], 3) if each else None,
    }


def workers(place: Path, count: int, rounds: int, characters: int, dense: float) -> dict[str, Any]:
    """1 and 2 workers in turns.

    By the clock other work on the machine only adds, so the least counts; it means something on a machine that does
    nothing else. By the processors the two are compared as if main process and workers never ran at the same time: the
    seconds of the main process and of its busiest worker.
    """
    source = place / "both.parquet"
    notes.write(source, count, characters, dense)
    runs: dict[str, list[dict[str, float]]] = {"1": [], "2": []}
    loads = []
    for _ in range(rounds):
        for number, found in runs.items():
            loads.append(round(os.getloadavg()[0], 1))
            found.append(notes.run("extract", str(source), "--out", str(place / "both"), "--workers", number))
    clock = {number: min(run["seconds"] for run in found) for number, found in runs.items()}
    chain = {number: min(run["main_cpu"] + run["worker_cpu"] for run in found) for number, found in runs.items()}
    return {
        "notes": count,
        "runs": runs,
        "load_of_the_machine": loads,
        "ratio_by_the_clock": round(clock["1"] / clock["2"], 2),
        "ratio_by_the_processors": round(chain["1"] / chain["2"], 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--characters", type=int, default=2_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--dense", type=float, default=0.2)
    parser.add_argument("--workers", action="store_true", help="only 1 against 2 workers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers-notes", type=int, default=3_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if options.workers:
            compared = workers(place, options.workers_notes, options.rounds, options.characters, options.dense)
            notes.keep("workers", compared)
            draw_workers(compared)
            return
        result = growth(place, options.notes, options.characters, options.dense, options.processes)
    notes.keep("size", result)
    draw(result)


def draw(result: dict[str, Any]) -> None:
    """The two charts of a result: memory and time by the number of notes."""
    counts = [int(count) for count in result["runs"]]
    runs = list(result["runs"].values())
    peaks = {"a worker": [run["worker_peak_mb"] for run in runs], "main process": [run["main_peak_mb"] for run in runs]}
    charts.lines(notes.RESULTS / "size_memory.svg", "Peak memory by the size of the export", counts, peaks, "notes", "MB")
    total = {"all processes": [run["cpu"] for run in runs]}
    title = "Processor time from notes to decisions by the size of the export"
    charts.lines(notes.RESULTS / "size_time.svg", title, counts, total, "notes", "s", logarithmic=False)


def draw_workers(result: dict[str, Any]) -> None:
    """Notes a second of 1 and 2 workers, the best round of each."""
    rates = {
        f"{number} worker{'s' * (number != '1')}": round(result["notes"] / min(run["seconds"] for run in runs), 1)
        for number, runs in result["runs"].items()
    }
    charts.bars(notes.RESULTS / "workers.svg", f"Notes a second by the clock ({result['notes']:,} notes)", rates, "notes/s")


if __name__ == "__main__":
    main()
