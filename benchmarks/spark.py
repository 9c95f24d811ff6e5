"""Spark on one machine (``local[2]``) beside the local run with 2 workers: same notes, same run, in turns.

    python -m benchmarks.spark [--notes 500 4000] [--characters 3400]

Processor seconds are those of all processes of a run, Java's among them, seen in /proc (Linux). What a run costs beside its
notes (start of Java, of workers) and what a note costs follow from the smallest and the largest export.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import charts, notes

TABLES = ("facts", "support", "notes", "criteria", "patients")
TRIAL = "NCT07016230"


def measured(*arguments: str) -> dict[str, float]:
    """Runs ``extractor`` in a process of its own: seconds by the clock and of the processors."""
    code = "import sys; from extractor.__main__ import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(notes.ROOT), os.environ.get("PYTHONPATH", "")])}
    began = time.monotonic()
    used: dict[tuple[int, int], float] = {}
    with tempfile.TemporaryFile("w+") as said:
        command = [sys.executable, "-c", code, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=environment)
        family: set[int] = {process.pid}
        while process.poll() is None:
            _look(family, used)
            time.sleep(0.2)
        if process.returncode != 0:
            said.seek(0)
            raise SystemExit(f"extractor {arguments[1]}: ended with {process.returncode}\n{said.read()[-2000:]}")
    return {"seconds": round(time.monotonic() - began, 2), "cpu": round(sum(used.values()), 2)}


def _look(family: set[int], used: dict[tuple[int, int], float]) -> None:
    """Processor seconds of the family's processes so far; ``family`` grows by their children."""
    tick = os.sysconf("SC_CLK_TCK")
    for path in sorted(Path("/proc").glob("[0-9]*/stat"), key=lambda p: int(p.parent.name)):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        number = int(path.parent.name)
        if number in family or int(fields[1]) in family:
            family.add(number)
            used[number, int(fields[19])] = (int(fields[11]) + int(fields[12])) / tick


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, nargs="+", default=[500, 4_000])
    parser.add_argument("--characters", type=int, default=3_400)
    options = parser.parse_args()
    engines = {"local": ("--workers", "2"), "spark": ("--engine", "spark", "--master", "local[2]")}
    runs: dict[str, dict[str, dict[str, float]]] = {name: {} for name in engines}
    counts = sorted(options.notes)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for count in counts:
            source = place / f"{count}.parquet"
            notes.write(source, count, options.characters, dense=0.2)
            for name, words in engines.items():
                out = place / f"{name}{count}"
                runs[name][str(count)] = measured("screen", str(source), "--trial", TRIAL, "--note-seconds", "600", "--out", str(out), *words)
            for table in TABLES:
                files = [(place / f"{name}{count}" / f"{table}.parquet").read_bytes() for name in engines]
                if files[0] != files[1]:
                    raise SystemExit(f"{table}.parquet of {count} notes differs between the engines")
    cost = {}
    for name, found in runs.items():
        low, high = found[str(counts[0])]["cpu"], found[str(counts[-1])]["cpu"]
        each = (high - low) / ((counts[-1] - counts[0]) or 1)
        cost[name] = {"ms_per_note": round(1000 * each, 2), "beside_notes_s": round(low - each * counts[0], 2)}
    last = str(counts[-1])
    ratio = {what: round(runs["spark"][last][what] / runs["local"][last][what], 2) for what in ("seconds", "cpu")}
    ratio["ms_per_note"] = round(cost["spark"]["ms_per_note"] / cost["local"]["ms_per_note"], 2)
    load = [round(n, 1) for n in os.getloadavg()]
    result = {"characters": options.characters, "cores": os.cpu_count(), "load_of_the_machine": load, "runs": runs,
              "cost": cost, "spark_to_local": ratio, "same_bytes": True}  # fmt: skip
    notes.keep("spark", result)
    series = {
        "Spark local[2]": [runs["spark"][str(n)]["cpu"] for n in counts],
        "2 workers": [runs["local"][str(n)]["cpu"] for n in counts],
    }
    charts.lines(
        notes.RESULTS / "spark.svg",
        "Processor seconds by the size of the export",
        counts,
        series,
        "notes",
        "s",
        logarithmic=False,
    )


if __name__ == "__main__":
    main()
