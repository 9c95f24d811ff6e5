"""No expression runs away: near-matches that grow fourfold cost at most a little more than four times the work.

Every compiled expression of the package is collected, those of the pattern files included, and matched against texts that
almost fit it, from where a name would end. The runs happen in a process of their own under a limit of time; a ratio is
what counts, so that a slow machine fails no test. How expressions are searched for in a whole note is measured with notes.
Runs of white space longer than 160 characters never reach an expression (``pipeline.view.calm``).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHORT = 1000
GROWTH = 4
#: four times the length: linear is 4, quadratic 16; a ratio above this at a cost that matters is a failure
LIMIT = 8.0
#: seconds below which a ratio says nothing (noise of the clock)
FLOOR = 0.01
#: pieces of near-matches: what the expressions of clinical text are made of
PIECES = (
    "a", " " * 80 + "x", "\n" * 80 + "x", "1", "1.", "1,", "-", "(", "\t|", "no ", "and, ", "1 x ", "12/", "3 mg ", "ref ", ". ",
    "not known ", "ECOG ", "Mr. ", "2026-", "{\\rtf", "<b", "&#", "é",
)  # fmt: skip


def expressions() -> dict[str, re.Pattern[str]]:
    """All compiled text expressions that belong to the package, by pattern; whoever holds them."""
    import extractor
    from extractor.pipeline.engine import Engine
    from extractor.records import Note

    for info in pkgutil.walk_packages(extractor.__path__, "extractor."):
        if info.name.rpartition(".")[2] in ("__main__", "spark", "medspacy_pipeline") or ".review" in info.name:
            continue
        importlib.import_module(info.name)
    engine = Engine()
    engine.facts(Note("p", "n", None, "x", WARM))  # expressions that are built on first use
    ours: dict[str, re.Pattern[str]] = {}
    for holder in gc.get_objects():
        for referred in _held(holder):
            if isinstance(referred, re.Pattern) and isinstance(referred.pattern, str):
                ours.setdefault(f"{referred.flags}:{referred.pattern}", referred)
    return ours


WARM = (
    "Platelets 142 K/uL (150-400). ECOG 1. Ki-67 70-80 %. T4N2M0. Cisplatin 75 mg/m2 x 4 cycles since 03/2025. BP 120/80."
    " LVEF 55 %. QTcF 430 ms. No brain metastases. HBsAg negative. Grade 2 neuropathy. Prednisone 10 mg daily. Age 61 man."
)


def _held(holder: object) -> list[object]:
    """What an object of the package holds: module globals, attributes, containers."""
    kind = str(type(holder).__module__)
    if isinstance(holder, dict) and str(holder.get("__name__", "")).startswith("extractor"):
        return _flat(list(holder.values()))
    if kind.startswith("extractor"):
        values = [getattr(holder, name, None) for name in getattr(type(holder), "__slots__", ())]
        return _flat([*values, *getattr(holder, "__dict__", {}).values()])
    return []


def _flat(values: list[object], depth: int = 0) -> list[object]:
    found: list[object] = []
    for value in values:
        if isinstance(value, re.Pattern):
            found.append(value)
        elif depth < 4 and isinstance(value, dict):
            found += _flat(list(value.values()), depth + 1)
        elif depth < 4 and isinstance(value, (list, tuple, set, frozenset)):
            found += _flat(list(value), depth + 1)
    return found


def near(expression: re.Pattern[str]) -> list[str]:
    """Pieces to repeat: the general ones, and literal words of the expression with what may follow them."""
    words = re.findall(r"[A-Za-z]{3,12}", re.sub(r"\\[a-zA-Z]|\(\?P<\w+>|\(\?[a-z]+", " ", expression.pattern))
    own = [f"{word} " for word in dict.fromkeys(words[:3])] + [f"{word}1" for word in words[:1]]
    return [*PIECES, *own]


def cost(expression: re.Pattern[str], text: str, *, search: bool = False) -> float:
    """Processor seconds of a match where the text begins, as behind a name (the least of three)."""
    best = 1e9
    for _ in range(3):
        began = time.process_time()
        if search:
            expression.search(text)
        else:
            expression.match(text)
        best = min(best, time.process_time() - began)
        if best > 1.0 or best < FLOOR:
            break
    return best


def measure() -> list[dict[str, object]]:
    """Expressions whose cost grows faster than the text."""
    found = []
    table = expressions()
    for expression in table.values():
        for piece in near(expression):
            once = (piece * (SHORT // len(piece) + 1))[:SHORT] + "\u00a7"
            long = (piece * (GROWTH * SHORT // len(piece) + 1))[: GROWTH * SHORT] + "\u00a7"
            after = cost(expression, long)
            if after < FLOOR:
                continue
            before = max(cost(expression, once), 1e-6)
            if after / before > LIMIT:
                found.append({"pattern": expression.pattern[:160], "piece": piece, "ratio": round(after / before, 1),
                              "seconds": round(after, 3)})  # fmt: skip
                break
    return [{"expressions": len(table)}, *found]


@pytest.fixture(scope="module")
def measured() -> list[dict[str, object]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *(p for p in sys.path if p)])}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve())], capture_output=True, text=True, env=environment, check=False,
        timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_no_expression_grows_faster_than_the_text(measured):
    assert measured[1:] == []


def test_expressions_were_found(measured):
    assert measured[0]["expressions"] > 300


def test_the_measure_sees_a_quadratic_and_an_exponential_expression():
    for pattern, piece, size in ((r"a*b", "a", SHORT), (r"(?:a|aa)+b", "a", 7)):
        expression = re.compile(pattern)
        long, short = (cost(expression, piece * size * times, search=True) for times in (GROWTH, 1))
        assert long / max(short, 1e-6) > LIMIT


@pytest.mark.parametrize(
    "piece", ["Platelets 1", "no ", "ECOG ", "cisplatin, ", "03/2025 ", "(", "brain metastases and ", "x" * 50]
)
def test_a_whole_note_of_near_matches_is_linear(piece):
    """The pipeline as a whole: fourfold text, at most eightfold time."""
    from extractor.pipeline.engine import Engine
    from extractor.records import Note

    engine = Engine()

    def seconds(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        best = 1e9
        for _ in range(2):
            began = time.process_time()
            engine.facts(Note("p", "n", None, "x", text))
            best = min(best, time.process_time() - began)
        return best

    seconds(500)
    short, long = seconds(4000), seconds(16000)
    assert long < max(LIMIT * short, 0.1)


def test_a_note_that_takes_too_long_is_set_aside_and_the_run_goes_on(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    from extractor.readers import open_source
    from extractor.run import Options, extract_run
    from extractor.workers import Settings

    monkeypatch.syspath_prepend(str(Path(__file__).parent / "stand_in"))
    (tmp_path / "n.csv").write_text(
        "patient_id,note_id,text\np1,slow,NEVER-END\np1,backtracks,RUNAWAY\np2,good,ECOG 1\n"
    )
    settings = Settings(engine="stand_in_engine:Engine", note_seconds=0.3)
    report = extract_run(open_source(tmp_path / "n.csv"), tmp_path / "run", Options(settings, workers=1))
    rows = pq.read_table(tmp_path / "run" / "notes.parquet").to_pylist()
    assert {row["note_id"]: (row["status"], row["error"]) for row in rows} == {
        "slow": ("error", "NoteTimeout"), "backtracks": ("error", "NoteTimeout"), "good": ("ok", None),
    }  # fmt: skip
    assert report.failed == 2


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(json.dumps(measure()))
