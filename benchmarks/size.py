"""Growth with the corpus: seconds and a worker's peak memory at 1,000, 10,000 and 100,000 notes, and 1 against 2 workers.

    python -m benchmarks.size [--notes 1000 10000 100000] [--characters 3400]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import charts, notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--characters", type=int, default=3_400)
    options = parser.parse_args()
    runs, workers = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for count in options.notes:
            source = place / f"{count}.parquet"
            notes.write(source, count, options.characters)
            runs[str(count)] = notes.run("extract", str(source), "--out", str(place / f"one{count}"), "--workers", "1")
            if count == sorted(options.notes)[min(1, len(options.notes) - 1)]:
                both = notes.run("extract", str(source), "--out", str(place / "two"), "--workers", "2")
                workers = {"notes": count, "one": runs[str(count)]["seconds"], "two": both["seconds"]}
                workers["ratio"] = round(workers["one"] / workers["two"], 2)
    notes.keep("size", {"characters": options.characters, "runs": runs, "workers": workers})
    counts = [int(n) for n in runs]
    peaks = {"peak of a worker": [r["worker_peak_mb"] for r in runs.values()]}
    charts.lines(notes.RESULTS / "size_memory.svg", "Peak memory of a worker by the size of the export", counts, peaks, "notes", "MB")
    each = {"one worker": [r["seconds"] / n * 1000 for n, r in zip(counts, runs.values(), strict=True)]}
    charts.lines(notes.RESULTS / "size_time.svg", "Time for a note by the size of the export", counts, each, "notes", "ms")


if __name__ == "__main__":
    main()
