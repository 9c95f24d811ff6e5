"""Finds, reads, validates and fingerprints ``patterns/`` and a site's own overlay folder.

A pattern file of a family lies in a subfolder and names its family once; every concept is a table:

    family = "lab"

    [[concept]]
    concept  = "platelets"
    code     = "LOINC 777-3"
    unit     = "10*9/L"
    names    = ["platelets", "platelet count"]   # any case; spaces, hyphens and line wraps are alike; plurals follow
    cased    = ["PLT"]                           # exactly this case
    guards   = ["platelet transfusion"]          # longer phrases that are not the concept
    examples = ["<fact value=142>Platelets 142 K/uL</fact>, stable.", "Platelet transfusion yesterday."]

Other keys belong to the family, whose module lists them in ``KEYS``. Unknown keys are errors.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import PatternError

#: keys of a concept table that every family understands
CONCEPT_KEYS = frozenset({"concept", "code", "unit", "names", "cased", "guards", "plural", "examples"})
FILE_KEYS = frozenset({"family", "concept", "guards", "cased_guards", "tables"})


@lru_cache(maxsize=1)
def root() -> Path:
    """The folder of patterns: in the package (a wheel), else beside it (a checkout)."""
    here = Path(__file__).resolve().parent
    for folder in (here / "patterns", here.parent / "patterns"):
        if (folder / "sections.toml").is_file():
            return folder
    raise PatternError(f"patterns: no folder with sections.toml in {here} or beside it")


@dataclass(frozen=True)
class Concept:
    """One concept table of a family's file."""

    family: str
    concept: str
    source: str  # "labs/blood_count"
    code: str = ""
    unit: str | None = None
    names: tuple[str, ...] = ()
    cased: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    plural: bool = True
    examples: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def rule_id(self) -> str:
        return f"{self.source}:{self.concept}"


@dataclass(frozen=True)
class Patterns:
    """All pattern files, read and validated. ``tables`` holds what a family's files define beside concepts."""

    concepts: tuple[Concept, ...]
    guards: tuple[tuple[str, str, bool], ...]  # family, phrase, cased
    tables: dict[str, dict[str, Any]]  # family -> merged [tables.*]
    files: dict[str, str]  # relative path -> sha256
    digest: str

    def of(self, family: str) -> tuple[Concept, ...]:
        return tuple(c for c in self.concepts if c.family == family)


def read_toml(path: Path) -> dict[str, Any]:
    """One TOML file; a PatternError names the file and the line that does not parse."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PatternError(f"{shown(path)}: {error}") from error


def shown(path: Path) -> str:
    """A pattern file as messages name it: ours from ``patterns/`` on, a site's as it was given."""
    return f"patterns/{path.relative_to(root()).as_posix()}" if path.is_relative_to(root()) else str(path)


@lru_cache(maxsize=64)
def table(name: str) -> dict[str, Any]:
    """A top-level pattern file by name: ``table("sections")`` reads ``patterns/sections.toml``."""
    return read_toml(root() / f"{name}.toml")


def load(overlay: str | os.PathLike[str] | None = None, keys: dict[str, frozenset[str]] | None = None) -> Patterns:
    """Read all family files of ``patterns/`` and of ``overlay`` (same layout, adds to or replaces concepts).

    ``keys``: family -> keys that the family's module allows beside CONCEPT_KEYS (None: not checked).
    A file of the overlay with the name of a shipped file replaces it.
    """
    folders = [root()] + ([Path(overlay)] if overlay else [])
    chosen: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise PatternError(f"{folder}: the overlay is not a folder")
        for path in sorted(folder.glob("*/*.toml")):
            if path.parent.name != "trials":
                chosen[f"{path.parent.name}/{path.stem}"] = path
    concepts: list[Concept] = []
    guards: list[tuple[str, str, bool]] = []
    tables: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    for source, path in sorted(chosen.items()):
        raw = read_toml(path)
        files[source] = hashlib.sha256(path.read_bytes()).hexdigest()
        where = shown(path)
        family = raw.get("family")
        if not isinstance(family, str):
            raise PatternError(f"{where}: family: expected the name of a fact family, found {family!r}")
        for key in raw.keys() - FILE_KEYS:
            raise PatternError(f"{where}: unknown key {key!r}; allowed: {', '.join(sorted(FILE_KEYS))}")
        guards += [(family, phrase, False) for phrase in _strings(raw, "guards", where)]
        guards += [(family, phrase, True) for phrase in _strings(raw, "cased_guards", where)]
        tables.setdefault(family, {}).update(raw.get("tables", {}))
        allowed = None if keys is None else CONCEPT_KEYS | keys.get(family, frozenset())
        for item in raw.get("concept", []):
            concepts.append(_concept(item, family, source, where, allowed))
    for path in sorted(root().glob("*.toml")):
        files[path.stem] = hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
    return Patterns(tuple(concepts), tuple(guards), tables, files, digest)


def _concept(item: dict[str, Any], family: str, source: str, where: str, allowed: frozenset[str] | None) -> Concept:
    name = item.get("concept")
    if not isinstance(name, str):
        raise PatternError(f"{where}: concept: expected a name, found {name!r}")
    where = f"{where}: {name}"
    if allowed is not None:
        for key in item.keys() - allowed:
            raise PatternError(f"{where}: unknown key {key!r}; allowed: {', '.join(sorted(allowed))}")
    return Concept(
        family=family,
        concept=name,
        source=source,
        code=item.get("code", ""),
        unit=item.get("unit"),
        names=_strings(item, "names", where),
        cased=_strings(item, "cased", where),
        guards=_strings(item, "guards", where),
        plural=item.get("plural", True),
        examples=_strings(item, "examples", where),
        data={k: v for k, v in item.items() if k not in CONCEPT_KEYS},
    )


def _strings(item: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = item.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
        raise PatternError(f"{where}: {key}: expected a list of strings, found {value!r}")
    return tuple(value)


def examples(patterns: Patterns) -> Iterator[tuple[Concept, int, str]]:
    """Every marked example with its concept and number, for tests and ``extractor check``."""
    for concept in patterns.concepts:
        for number, text in enumerate(concept.examples):
            yield concept, number, text


def check(overlay: str | os.PathLike[str] | None = None) -> list[str]:
    """Problems that the marked examples of the pattern files show (``pattern_check``); empty if all is well."""
    from .pattern_check import check as run

    return run(overlay)
