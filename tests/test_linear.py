"""No expression runs away: near-matches that grow threefold cost at most a little more than three times the work.

Every compiled expression of the package is collected, those of the pattern files included. Texts that almost fit it are made
from its parse tree (``near_matches``): what leads to a repeat, then thousands of what it repeats, in one run and in many.
An expression is searched for as the package does it, one that is only ever matched at a place is matched. The runs happen
in a process of their own; a ratio is what counts, so that a slow machine fails no test. Expressions of the pipeline see a
text as the engine gives it to them (``pipeline.view.calm``: no run of white space beyond 80 characters), all others see
it as it is.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from near_matches import pumps

from extractor.pipeline.view import calm

ROOT = Path(__file__).resolve().parent.parent
SHORT = 6000
GROWTH = 3
#: three times the length: linear is 3, quadratic 9; a ratio above this at a cost that matters is a failure
LIMIT = 5.5
#: seconds below which a ratio says nothing (noise of the clock)
FLOOR = 0.004
#: seconds that 6,000 characters of near-matches may cost, whatever the growth
MOST = 0.1
#: lengths at which a run that grows by powers shows before it would never end
FIRST = (16, 24, 32, 48, 64, 128, 512, 2000)
#: seconds that such a short run may cost
AT_FIRST = 0.04
#: packages whose expressions see what ``calm`` leaves
CALMED = ("extractor.pipeline", "extractor.families", "extractor.dates", "extractor.date_forms", "extractor.date_contexts", "extractor.units")
_SEARCHES = frozenset({"search", "finditer", "findall", "sub", "subn", "split"})


@dataclass
class Held:
    """An expression with the names and modules that hold it."""

    expression: re.Pattern[str]
    names: set[str]
    modules: set[str]


def expressions() -> dict[str, Held]:
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
    ours: dict[str, Held] = {}
    for holder in gc.get_objects():
        for name, module, found in _held(holder):
            if isinstance(found.pattern, str):
                held = ours.setdefault(f"{found.flags}:{found.pattern}", Held(found, set(), set()))
                held.names.add(name)
                held.modules.add(module)
    return ours


WARM = (
    "Platelets 142 K/uL (150-400). ECOG 1. Ki-67 70-80 %. T4N2M0. Cisplatin 75 mg/m2 x 4 cycles since 03/2025. BP 120/80."
    " LVEF 55 %. QTcF 430 ms. No brain metastases. HBsAg negative. Grade 2 neuropathy. Prednisone 10 mg daily. Age 61 man."
)


def _held(holder: object) -> Iterator[tuple[str, str, re.Pattern[Any]]]:
    """(name, module, expression) that an object of the package holds: module globals, attributes, containers."""
    if isinstance(holder, dict):
        module = str(holder.get("__name__", ""))
        items = list(holder.items()) if module.startswith("extractor") else []
    else:
        module = str(type(holder).__module__)
        if not module.startswith("extractor"):
            return
        items = [(name, getattr(holder, name, None)) for name in getattr(type(holder), "__slots__", ())]
        items += list(getattr(holder, "__dict__", {}).items())
    for name, value in items:
        for found in _flat(value):
            yield str(name), module, found


def _flat(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 5 and isinstance(value, dict):
        for inner in list(value.values()):
            yield from _flat(inner, depth + 1)
    elif depth < 5 and isinstance(value, (list, tuple, set, frozenset)):
        for inner in list(value):
            yield from _flat(inner, depth + 1)


def calls() -> dict[tuple[str, str], set[str]]:
    """Methods of expressions that are called on a name, by module and name; under module "" whatever the module."""
    found: dict[tuple[str, str], set[str]] = {}
    called = re.compile(r"(\w+)(?:\[[^\]\n]*\])?\.(search|finditer|findall|subn?|split|match|fullmatch)\(")
    for path in (ROOT / "extractor").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name, method in called.findall(source):
            found.setdefault((module, name), set()).add(method)
            if not name.startswith("_") or f"import {name}" in source:
                found.setdefault(("", name), set()).add(method)
    return found


def cost(call: Callable[[str], object], text: str, times: int = 3) -> float:
    """Processor seconds of a call (the least of several)."""
    best = 1e9
    for _ in range(times):
        began = time.process_time()
        call(text)
        best = min(best, time.process_time() - began)
        if best > 1.0:
            break
    return best


def growth(call: Callable[[str], object], text_of: Callable[[int], str]) -> tuple[float, float]:
    """(ratio of the cost when the text grows threefold, seconds of the shorter text); (inf, …) where it runs away."""
    for size in FIRST:
        if (seconds := cost(call, text_of(size), 1)) > AT_FIRST and cost(call, text_of(size)) > AT_FIRST:
            return float("inf"), seconds
    if cost(call, text_of(SHORT), 1) < FLOOR:
        return 0.0, 0.0
    short = cost(call, text_of(SHORT))
    if short < FLOOR:
        return 0.0, short
    return cost(call, text_of(GROWTH * SHORT)) / short, short


def texts(before: str, pump: str, calmed: bool) -> Iterator[Callable[[int], str]]:
    """A single run that grows, and ever more runs of a hundred characters."""
    view = calm if calmed else str
    yield lambda size: view((before + pump * (size // len(pump) + 1))[:size] + "\u00a7")
    piece = before + pump * max(1, min(30, 80 // len(pump))) + "\u00a7 "
    yield lambda size: view((piece * (size // len(piece) + 1))[:size])


def measure() -> list[dict[str, object]]:
    """Expressions whose cost grows faster than the text, or is out of proportion to it."""
    found: list[dict[str, object]] = []
    table, used = expressions(), calls()
    for held in table.values():
        methods = {
            method
            for name in held.names
            for module in (*held.modules, "")
            for method in used.get((module, name), set())
        }
        searched = not methods or bool(methods & _SEARCHES)
        call = held.expression.search if searched else held.expression.match
        calmed = all(module.startswith(CALMED) for module in held.modules)
        for before, pump in [*pumps(held.expression)[:40], ("", " "), ("", "1"), ("", "a"), ("", ".")]:
            results = [growth(call, text_of) for text_of in texts(before, pump, calmed)]
            ratio, seconds = max(results)
            if ratio > LIMIT or max(s for _, s in results) > MOST:
                found.append({"names": sorted(held.names), "pattern": held.expression.pattern[:160], "before": before[:40],
                              "pump": pump[:20], "ratio": round(ratio, 1), "seconds": round(seconds, 3)})  # fmt: skip
                break
    return [{"expressions": len(table)}, *found]


@pytest.fixture(scope="module")
def measured() -> list[dict[str, Any]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *(p for p in sys.path if p)])}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve())], capture_output=True, text=True, env=environment, check=False,
        timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_no_expression_grows_faster_than_the_text(measured):
    assert measured[1:] == []


def test_expressions_were_found(measured):
    assert measured[0]["expressions"] > 300


@pytest.mark.parametrize(
    "pattern",
    [r"[a-z]+\d", r"(?:a|aa)+b", r"ECOG(?:\w+\s?)*;", r"x\s*y?\s*z?\s*-", r"\d+(?:\.\d+)?\s*%", r"(?:\w+ (?:\w+ )?)*!"],
)
def test_the_measure_sees_expressions_that_run_away(pattern):
    expression = re.compile(pattern)
    assert any(
        growth(expression.search, text_of)[0] > LIMIT
        for before, pump in pumps(expression)
        for text_of in texts(before, pump, calmed=False)
    )


@pytest.mark.parametrize(
    "pattern", [r"(?<!\d)\d+%", r"ECOG[: ]{0,3}\d", r"\b[a-z]{1,20}\d", r"(?:no|denies) (?:\w+ ){0,3}fever"]
)
def test_the_measure_lets_bounded_expressions_pass(pattern):
    expression = re.compile(pattern)
    for before, pump in pumps(expression) or [("", "a")]:
        for text_of in texts(before, pump, calmed=False):
            assert growth(expression.search, text_of)[0] <= LIMIT


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
    assert long < max(8 * short, 0.1)


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
