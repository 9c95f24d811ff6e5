"""Author a pattern: write a concept table, try it on the corpus, look at hits and near misses, score, save it.

A pattern of a site lives in its overlay folder and never in the package's own ``patterns/``. It is tried with the real
engine in a throw-away overlay, so what is seen is what a run with ``--overlay`` will do.
"""

from __future__ import annotations

import html
import re
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor.errors import PatternError, UsageError
from extractor.explain import sentence_of
from extractor.records import Fact, Note

if TYPE_CHECKING:
    import pandas as pd

_NAME = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")


@dataclass(frozen=True)
class Attempt:
    """What a draft did. ``hits`` are facts of its concepts, ``new`` those that the patterns did not find before,
    ``lost`` those that are no longer found, ``near`` words like its names that are no hit, ``problems`` its examples'."""

    hits: tuple[Fact, ...]
    new: tuple[Fact, ...]
    lost: tuple[Fact, ...]
    near: tuple[tuple[Note, int, int], ...]
    problems: tuple[str, ...]


def shipped(source: str) -> str:
    """The text of a pattern file to start from: ``shipped("performance/status")``."""
    from extractor import patterns

    path = patterns.root() / f"{_checked(source)}.toml"
    if not path.is_file():
        names = sorted(
            f"{p.parent.name}/{p.stem}" for p in patterns.root().glob("*/*.toml") if p.parent.name != "trials"
        )
        raise UsageError(f"patterns/{source}.toml: no such file (there are: {', '.join(names)})")
    return path.read_text(encoding="utf-8")


def extended(source: str, concept: str, *, names: Sequence[str] = (), examples: Sequence[str] = ()) -> str:
    """A pattern file with more names and examples for one of its concepts, ready to be tried and saved.

    A file of an overlay replaces the shipped file of that name, so the draft holds the whole file.
    """
    text = shipped(source)
    for key, more in (("names", names), ("examples", examples)):
        if more:
            text = _added(text, source, concept, key, more)
    return text


def _added(text: str, source: str, concept: str, key: str, more: Sequence[str]) -> str:
    import json

    pattern = rf'(?ms)^(concept\s*=\s*"{re.escape(concept)}"\s*$(?:(?!^\[\[).)*?^{key}\s*=\s*\[)'
    quoted = ", ".join(json.dumps(item, ensure_ascii=False) for item in more)
    text, found = re.subn(pattern, lambda match: f"{match[1]}{quoted}, ", text, count=1)
    if not found:
        raise UsageError(f"patterns/{source}.toml: {concept}: expected a concept of this name with a list {key}")
    return text


def try_pattern(
    source: str, draft: str, notes: Iterable[Note], *, overlay: str | Path | None = None, near: int = 40
) -> Attempt:
    """Tries a draft of ``patterns/SOURCE.toml`` on notes; ``overlay`` is the site's folder as it is now.

    Raises PatternError where the draft cannot be read.
    """
    from extractor import pattern_check
    from extractor.pipeline.engine import Engine

    corpus = list(notes)
    concepts = _concepts(source, draft)
    before = _facts(Engine(overlay=overlay), corpus, concepts)
    with _overlay(source, draft, overlay) as folder:
        engine = Engine(overlay=folder)
        after = _facts(engine, corpus, concepts)
        mine = [c for c in engine.patterns.concepts if c.source == source]
        problems = [
            problem
            for concept in mine
            for number, example in enumerate(concept.examples)
            for problem in pattern_check.check_example(engine, concept, number, example)
        ]
        names = [name for concept in mine for name in (*concept.names, *concept.cased)]
        # the names of other concepts are what the words say, not misspellings of ours
        others = {n.lower() for c in engine.patterns.concepts if c.source != source for n in (*c.names, *c.cased)}
    new = [fact for key, fact in after.items() if key not in before]
    lost = [fact for key, fact in before.items() if key not in after]
    misses = _near_misses(corpus, names, others, list(after.values()), near)
    return Attempt(tuple(after.values()), tuple(new), tuple(lost), tuple(misses), tuple(problems))


def _concepts(source: str, draft: str) -> frozenset[str]:
    _checked(source)
    try:
        data = tomllib.loads(draft)
    except tomllib.TOMLDecodeError as problem:
        raise PatternError(f"patterns/{source}.toml: {problem}") from None
    names = [item.get("concept") for item in data.get("concept", []) if isinstance(item, dict)]
    return frozenset(name for name in names if isinstance(name, str))


def _facts(engine: Any, notes: Sequence[Note], concepts: frozenset[str]) -> dict[tuple[Any, ...], Fact]:
    found = {}
    for note in notes:
        for fact in engine.facts(note):
            if fact.concept in concepts:
                key = (note.patient_id, note.note_id, fact.start, fact.end, fact.concept, fact.value, fact.assertion)
                found[key] = fact
    return found


def _near_misses(
    notes: Sequence[Note], names: Sequence[str], others: set[str], hits: Sequence[Fact], most: int
) -> list[tuple[Note, int, int]]:
    """Words that look like a name (a letter more, less or other) and stand in no hit: misspellings to think about."""
    taken = {(fact.note_id, at) for fact in hits for at in range(fact.start, fact.end)}
    wanted = {name.lower() for name in names if len(name) >= 5 and " " not in name}
    found: list[tuple[Note, int, int]] = []
    seen: set[str] = set()
    known: dict[str, bool] = {}
    for note in notes:
        for match in re.finditer(r"[A-Za-z][\w-]{3,}", note.text):
            word = match[0].lower()
            if word not in known:
                known[word] = word not in wanted and word not in others and any(_alike(word, n) for n in wanted)
            if known[word] and word not in seen and (note.note_id, match.start()) not in taken:
                seen.add(word)
                found.append((note, match.start(), match.end()))
                if len(found) >= most:
                    return found
    return found


def _alike(word: str, name: str) -> bool:
    """Is the word one or (in long names) two letters away from the name?"""
    if abs(len(word) - len(name)) > 2 or word.rstrip("s") == name.rstrip("s"):
        return False
    allowed = 1 if len(name) < 8 else 2
    row = list(range(len(name) + 1))
    for i, a in enumerate(word, 1):
        above, row = row, [i]
        for j, b in enumerate(name, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
        if min(row) > allowed:
            return False
    return row[-1] <= allowed


@contextmanager
def _overlay(source: str, draft: str, overlay: str | Path | None) -> Iterator[str]:
    """The site's overlay with the draft in it, for as long as it is tried."""
    import shutil

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "overlay"
        if overlay is not None and Path(overlay).is_dir():
            shutil.copytree(overlay, folder)
        target = folder / f"{source}.toml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(draft, encoding="utf-8")
        yield str(folder)


def scores(
    source: str, draft: str, gold: str | Path, *, overlay: str | Path | None = None
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Precision, recall and F1 of the draft's concepts before and after, and the errors that the draft adds.

    ``gold`` as in ``extractor score``. Errors are (kind and document, concept).
    """
    import pandas as pd

    from extractor import scoring
    from extractor.api import extract

    documents = scoring.read_gold(gold)
    notes = pd.DataFrame([{"patient_id": d.id, "note_id": d.id, "text": d.text} for d in documents])
    concepts = _concepts(source, draft)
    before = scoring.score(documents, extract(notes, overlay=overlay))
    with _overlay(source, draft, overlay) as folder:
        after = scoring.score(documents, extract(notes, overlay=folder))
    rows = []
    for concept in sorted({name for report in (before, after) for _, name in report.concepts}):
        old, new = _tally(before, concept), _tally(after, concept)
        changed = (old.tp, old.fp, old.fn) != (new.tp, new.fp, new.fn)
        if concept in concepts or changed:
            rows.append(
                {"concept": concept, "n": new.tp + new.fn, "precision before": old.precision,
                 "precision after": new.precision, "recall before": old.recall, "recall after": new.recall,
                 "F1 before": old.f1, "F1 after": new.f1, "changed": changed}
            )  # fmt: skip
    known = {(kind, document, fact["concept"]) for kind, document, fact in before.errors}
    added = [(kind, document, fact["concept"]) for kind, document, fact in after.errors]
    fresh = [
        (f"{kind} {document}", concept) for kind, document, concept in added if (kind, document, concept) not in known
    ]
    return pd.DataFrame(rows), fresh


def _tally(report: Any, concept: str) -> Any:
    """All counts of a concept: a missed fact has no family where the gold names none."""
    from extractor.scoring import Tally

    found = [tally for (_, name), tally in report.concepts.items() if name == concept]
    return Tally(sum(t.tp for t in found), sum(t.fp for t in found), sum(t.fn for t in found))


def save(source: str, draft: str, overlay: str | Path) -> Path:
    """Writes the draft to the site's overlay folder; the path written.

    Raises PatternError where one of its examples does not give what it promises: a pattern that breaks its own examples
    is not saved. UsageError where the folder is the package's own.
    """
    from extractor import pattern_check, patterns
    from extractor.pipeline.engine import Engine
    from extractor.writers.parquet import atomic

    folder = Path(overlay)
    if folder.resolve() == patterns.root().resolve():
        raise UsageError(f"{folder}: is the package's own folder of patterns (give a folder of the site)")
    _concepts(source, draft)
    with _overlay(source, draft, overlay) as scratch:
        engine = Engine(overlay=scratch)
        for concept in engine.patterns.concepts:
            if concept.source == source:
                for number, example in enumerate(concept.examples):
                    if problems := pattern_check.check_example(engine, concept, number, example):
                        raise PatternError(problems[0])
    target = folder / f"{source}.toml"
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic(target) as temporary:
        temporary.write_text(draft, encoding="utf-8")
    return target


def _checked(source: str) -> str:
    if not _NAME.match(source):
        raise UsageError(f"pattern file {source!r}: expected FOLDER/NAME in lower case, such as labs/blood_count")
    return source


def in_context(facts: Iterable[Fact], notes: Iterable[Note]) -> str:
    """HTML list of facts in their sentences."""
    texts = {note.note_id: note.text for note in notes}
    spans = [(f"{f.note_id}, {f.concept}, {f.assertion}", texts[f.note_id], f.start, f.end) for f in facts]
    return _html(spans)


def near_in_context(near: Iterable[tuple[Note, int, int]]) -> str:
    """HTML list of near misses in their sentences."""
    return _html([(note.note_id, note.text, start, end) for note, start, end in near])


def _html(spans: Sequence[tuple[str, str, int, int]]) -> str:
    if not spans:
        return "<p>none</p>"
    items = []
    for head, text, start, end in spans:
        part = sentence_of(text, start, end)
        before, mark, after = (html.escape(piece) for piece in (part.before, part.evidence, part.after))
        items.append(f"<li><small>{html.escape(head)}</small><br>{before}<mark>{mark}</mark>{after}</li>")
    return f"<ul>{''.join(items)}</ul>"


def gold_of(concept: str, examples: Sequence[str]) -> list[dict[str, Any]]:
    """Marked examples as gold in the form of ``extractor score``: one document each.

    >>> gold_of("ecog", ["<fact value=1>ECOG 1</fact>"])[0]["facts"]
    [{'concept': 'ecog', 'start': 0, 'end': 6, 'assertion': 'present', 'value': 1.0}]
    """
    from extractor.pattern_check import read_marks

    documents = []
    for number, example in enumerate(examples, start=1):
        text, marks = read_marks(example)
        facts = []
        for mark in marks:
            fact: dict[str, Any] = {"concept": concept, "start": mark.start, "end": mark.end, "assertion": "present"}
            fact |= {k: float(v) if k in ("value", "value_high") else v for k, v in mark.wanted.items()}
            facts.append(fact)
        documents.append({"id": f"example {number}", "text": text, "facts": facts})
    return documents
