"""Every name of the pattern files as one trie of tokens: one pass over the raw text finds all of them.

Letters and digits are separate tokens, case and accents are folded, and a space, a hyphen and a line wrap between two
tokens are alike: the name "ki-67" finds "Ki67", "KI 67" and "ki-\\n67". Each family gets its own leftmost-longest hits,
so that the longest name wins ("non-small cell lung cancer" never yields "small cell lung cancer").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..patterns import Concept, Patterns

TOKEN = re.compile(r"[^\W\d_]+|\d+")
_FLEX = frozenset({"", "-", "–", "‐", "‑", "_", "'", "’", "­"})


def _fold_table() -> dict[int, str]:
    table: dict[int, str] = {}
    for code in range(0x80, 0x250):
        char = chr(code)
        base = unicodedata.normalize("NFKD", char)[0].lower()
        if len(base) == 1 and base.isascii() and base.isalnum():
            table[code] = base
    table |= {ord("İ"): "i", ord("ß"): "s", ord("µ"): "u", ord("μ"): "u"}
    return table


_FOLD = _fold_table()


def fold(text: str) -> str:
    """The text in lower case without accents, character for character: offsets stay what they were.

    >>> fold("Créatinine µmol") == "creatinine umol"
    True
    """
    if text.isascii():
        return text.lower()
    lowered = text.translate(_FOLD)
    low = lowered.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in lowered)


class Token(NamedTuple):
    start: int
    end: int
    text: str  # folded


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One name of one concept. ``concept`` None: a guard, it only takes the place of shorter names."""

    family: str
    concept: Concept | None
    name: str
    words: tuple[str, ...] | None  # as written, where case matters
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A name found in the text at [start, end)."""

    start: int
    end: int
    concept: Concept
    name: str
    token: int  # index of its first token
    token_end: int

    @property
    def key(self) -> str:
        return self.concept.concept

    def get(self, key: str, default: Any = None) -> Any:
        """A family key of the concept's table."""
        return self.concept.data.get(key, default)


def _gap(between: str) -> str:
    if len(between) > 1:
        if between.count("\n") > 1 or len(between) > 24 or "   " in between.lstrip("\n-"):
            return "\x00"
        between = between.strip()
    elif between.isspace():
        between = ""
    return "" if between in _FLEX else between


def tokens(folded: str) -> list[Token]:
    return [Token(m.start(), m.end(), m.group()) for m in TOKEN.finditer(folded)]


class Lexicon:
    """The trie. Build it once; ``scan`` is linear in the text."""

    def __init__(self, patterns: Patterns) -> None:
        self.root: dict[str, Any] = {}
        for concept in patterns.concepts:
            for name in concept.names:
                self._add(concept.family, concept, name, cased=False)
                if concept.plural:
                    for plural in _plurals(name):
                        self._add(concept.family, concept, plural, cased=False)
            for name in concept.cased:
                self._add(concept.family, concept, name, cased=True)
            for name in concept.guards:
                self._add(concept.family, None, name, cased=False)
        for family, name, cased in patterns.guards:
            self._add(family, None, name, cased=cased)

    def _add(self, family: str, concept: Concept | None, name: str, *, cased: bool) -> None:
        folded = fold(name)
        parts = tokens(folded)
        if not parts:
            raise ValueError(f"name without a letter or digit: {name!r}")
        gaps = tuple(_gap(folded[a.end : b.start]) for a, b in zip(parts, parts[1:], strict=False))
        words = tuple(name[p.start : p.end] for p in parts) if cased else None
        node = self.root
        for part in parts:
            node = node.setdefault(part.text, {})
        node.setdefault("", []).append(Entry(family, concept, name, words, gaps))

    def scan(self, text: str, folded: str, parts: list[Token]) -> dict[str, list[Hit]]:
        """Hits of each family, leftmost-longest, in order. ``parts`` are ``tokens(folded)``."""
        root, found, blocked = self.root, {}, {}
        last = len(parts)
        for index, part in enumerate(parts):
            node = root.get(part.text)
            if node is None:
                continue
            ends = []
            at = index
            while True:
                here = node.get("")
                if here:
                    ends.append((at, here))
                at += 1
                if at >= last:
                    break
                node = node.get(parts[at].text)
                if node is None:
                    break
            done: set[str] = set()
            for at, entries in reversed(ends):
                taken: set[str] = set()
                for entry in entries:
                    family = entry.family
                    if family in done or blocked.get(family, -1) >= index:
                        continue
                    if not _fits(entry, text, folded, parts, index, at):
                        continue
                    taken.add(family)
                    if entry.concept is not None:
                        hit = Hit(part.start, parts[at].end, entry.concept, entry.name, index, at + 1)
                        found.setdefault(family, []).append(hit)
                done |= taken
                for family in taken:
                    blocked[family] = at
        return found


def _fits(entry: Entry, text: str, folded: str, parts: list[Token], first: int, last: int) -> bool:
    for offset, gap in enumerate(entry.gaps):
        between = folded[parts[first + offset].end : parts[first + offset + 1].start]
        if between == gap or between == " ":
            if between == " " and gap not in ("", "."):
                return False
            continue
        seen = _gap(between)
        if seen != gap and not (gap == "." and seen == ""):
            return False
    if entry.words is not None:
        return all(
            text[p.start : p.end] == word for p, word in zip(parts[first : last + 1], entry.words, strict=True)
        )
    return True


def _plurals(name: str) -> Iterable[str]:
    last = re.search(r"[^\W\d_]+$", name)
    if not last or len(last.group()) < 4:
        return
    word = last.group().lower()
    if word.endswith("sis"):
        yield name[:-2] + "es"
    elif word.endswith("y") and word[-2] not in "aeiou":
        yield name[:-1] + "ies"
    elif word.endswith("oma"):
        yield name + "s"
        yield name + "ta"
    elif not word.endswith("s"):
        yield name + "s"
