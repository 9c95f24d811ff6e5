"""Every pattern file against its own marked examples: the facts found must equal the marks exactly.

    "<fact value=142 unit=\"10*9/L\">Platelets 142 K/uL</fact>, stable."
    "Platelet transfusion yesterday."

A mark gives the evidence span of one fact of the table's concept (or of ``concept=``) and any of its columns or
attributes. An example without marks must give no fact of that concept.
"""

from __future__ import annotations

import datetime
import math
import os
import re
from dataclasses import dataclass

from . import patterns as pattern_files
from .patterns import Concept
from .pipeline.engine import Engine
from .records import FACT_COLUMNS, Fact, Note

#: the note date of every example
EXAMPLE_DATE = datetime.date(2025, 10, 15)
_OPEN = re.compile(r"""<fact((?:\s+\w+=(?:"[^"]*"|'[^']*'|[^\s>"']+))*)\s*>""")
_PAIR = re.compile(r"""(?<!\w)(\w++)=(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""")
_CLOSE = "</fact>"


@dataclass(frozen=True)
class Mark:
    """One fact that an example promises: its span in the text without marks, and the columns it names."""

    start: int
    end: int
    wanted: dict[str, str]


def read_marks(example: str) -> tuple[str, list[Mark]]:
    """The plain text of an example and its marks; marks may be nested.

    >>> read_marks("<fact value=2>ECOG 2</fact> today")
    ('ECOG 2 today', [Mark(start=0, end=6, wanted={'value': '2'})])
    """
    plain: list[str] = []
    length = at = 0
    open_marks: list[tuple[int, dict[str, str]]] = []
    marks: list[Mark] = []
    for match in re.finditer(rf"{_OPEN.pattern}|{_CLOSE}", example):
        plain.append(example[at : match.start()])
        length += match.start() - at
        at = match.end()
        if match.group() == _CLOSE:
            if not open_marks:
                raise ValueError("a mark is closed that was not opened")
            start, wanted = open_marks.pop()
            marks.append(Mark(start, length, wanted))
        else:
            pairs = _PAIR.findall(match[1] or "")
            open_marks.append((length, {key: a or b or c for key, a, b, c in pairs}))
    plain.append(example[at:])
    if open_marks:
        raise ValueError("a mark is not closed")
    if "<fact" in "".join(plain):
        raise ValueError("a mark cannot be read; expected <fact name=value ...>")
    return "".join(plain), sorted(marks, key=lambda m: (m.start, m.end))


def check(overlay: str | os.PathLike[str] | None = None) -> list[str]:
    """Problems of all pattern files, each naming file, concept and example; an empty list if all is well."""
    engine = Engine(overlay=overlay)
    problems = []
    with_example: dict[str, bool] = {}
    for concept in engine.patterns.concepts:
        with_example[concept.source] = with_example.get(concept.source, False) or bool(concept.examples)
    for source, found in sorted(with_example.items()):
        if not found:
            problems.append(f"patterns/{source}.toml: examples: expected at least one, found none")
    for concept, number, example in pattern_files.examples(engine.patterns):
        problems += check_example(engine, concept, number, example)
    return problems


def check_example(engine: Engine, concept: Concept, number: int, example: str) -> list[str]:
    """Problems of one example."""
    where = f"patterns/{concept.source}.toml: {concept.concept}: example {number + 1}"
    try:
        text, marks = read_marks(example)
    except ValueError as error:
        return [f"{where}: {error}"]
    facts = engine.facts(Note("example", "example", EXAMPLE_DATE, "example", text))
    wanted = {mark.wanted.get("concept", concept.concept) for mark in marks} | {concept.concept}
    left = [f for f in facts if f.concept in wanted]
    problems = []
    for mark in marks:
        name = mark.wanted.get("concept", concept.concept)
        fitting = [f for f in left if f.concept == name and (f.start, f.end) == (mark.start, mark.end)]
        exact = [f for f in fitting if not differences(f, mark)]
        if exact:
            left.remove(exact[0])
        elif fitting:
            problems.append(f"{where}: {name}: {'; '.join(differences(fitting[0], mark))}")
            left.remove(fitting[0])
        else:
            problems.append(f"{where}: {name}: expected a fact at [{mark.start}, {mark.end}), found none")
    problems += [f"{where}: {f.concept}: unexpected fact at [{f.start}, {f.end}), value {f.value}" for f in left]
    return problems


def differences(fact: Fact, mark: Mark) -> list[str]:
    """Where the fact is not what the mark says."""
    found = []
    for key, want in mark.wanted.items():
        if key == "concept":
            continue
        got = getattr(fact, key) if key in FACT_COLUMNS else fact.attributes.get(key)
        if not _equal(got, want):
            found.append(f"{key}: expected {want}, found {got}")
    return found


def _equal(got: object, want: str) -> bool:
    if isinstance(got, bool):
        return str(got).lower() == want.lower()
    if isinstance(got, int | float):
        try:
            return math.isclose(got, float(want), rel_tol=5e-3, abs_tol=1e-9)
        except ValueError:
            return False
    return want == ("none" if got is None else str(got))
