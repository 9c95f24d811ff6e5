"""What a run costs beside the reading of the notes: processor time of everything but ``Engine.facts``, for a note.

    python -m benchmarks.overhead [--notes 1000] [--times 8]

An engine that has its facts ready takes the place of the real one. The export is taken once and several times over; the
difference of the two runs, of main process and worker together, holds reading, passing on, writing and sorting, and no
start-up.
"""

from __future__ import annotations

import argparse
import datetime
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from benchmarks import notes

FACTS = "BENCHMARK_FACTS"


class Ready:
    """Gives the facts of the file that ``BENCHMARK_FACTS`` names; the note ``n7~3`` has those of ``n7``."""

    def __init__(self, **_: Any) -> None:
        self.known = pickle.loads(Path(os.environ[FACTS]).read_bytes())

    def facts(self, note: Any) -> Any:
        return self.known[note.note_id.split("~")[0]]


def _read(count: int, characters: int, dense: float, target: Path) -> tuple[float, float]:
    """Writes the facts of the notes; milliseconds of the processor and facts for a note."""
    from extractor.pipeline.engine import Engine
    from extractor.records import Note

    engine, known, day = Engine(), {}, datetime.date(2025, 12, 1)
    texts = [notes.note(n, characters, dense) for n in range(count)]
    for text in texts[:100]:
        engine.facts(Note("p", "n", day, "Progress note", text))
    began = time.process_time()
    for n, text in enumerate(texts):
        known[f"n{n}"] = engine.facts(Note(f"p{n // 10}", f"n{n}", day, "Progress note", text))
    spent = time.process_time() - began
    target.write_bytes(pickle.dumps(known))
    return spent / count * 1000, sum(map(len, known.values())) / count


def _write(path: Path, count: int, times: int, characters: int, dense: float) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [
        {"patient_id": f"p{n // 10}~{t}", "note_id": f"n{n}~{t}", "note_date": "2025-12-01", "note_type": "Progress note", "text": text}
        for n, text in enumerate(notes.note(n, characters, dense) for n in range(count))
        for t in range(times)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)


def _run(source: Path, out: Path, facts: Path) -> float:
    """Seconds of the processor of an extraction with the facts at hand, worker included."""
    code = (
        "import sys; from pathlib import Path; from extractor.readers import open_source; "
        "from extractor.run import Options, extract_run; from extractor.workers import Settings; "
        "extract_run(open_source(sys.argv[1]), Path(sys.argv[2]), Options(Settings(engine='benchmarks.overhead:Ready'), workers=1))"
    )
    path = os.pathsep.join([str(notes.ROOT), os.environ.get("PYTHONPATH", "")])
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", code, str(source), str(out)], check=True, env={**os.environ, "PYTHONPATH": path, FACTS: str(facts)}
    )
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=1_000)
    parser.add_argument("--times", type=int, default=8)
    parser.add_argument("--characters", type=int, default=3_400)
    parser.add_argument("--dense", type=float, default=0.2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        engine, each = _read(options.notes, options.characters, options.dense, place / "facts")
        found: list[float] = []
        for times in (1, options.times):
            _write(place / "notes.parquet", options.notes, times, options.characters, options.dense)
            found.append(min(_run(place / "notes.parquet", place / "out", place / "facts") for _ in range(2)))
    beside = (found[1] - found[0]) / (options.notes * (options.times - 1)) * 1000
    result = {
        "characters": options.characters,
        "facts_per_note": round(each, 1),
        "engine_ms_per_note": round(engine, 3),
        "beside_the_engine_ms_per_note": round(beside, 3),
        "share": round(beside / (engine + beside), 3),
    }
    notes.keep("overhead", result)


if __name__ == "__main__":
    main()
