"""Every name of the pattern files as one trie of tokens: one pass over the raw text finds all of them.

Letters and digits are separate tokens, case and accents are folded, and a space, a hyphen and a line wrap between two
tokens are alike: the name "ki-67" finds "Ki67", "KI 67" and "ki-\\n67". Each family gets its own leftmost-longest hits,
so that the longest name wins ("non-small cell lung cancer" never yields "small cell lung cancer").
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate, compress, pairwise
from typing import Any

from ..errors import PatternError
from ..frozen import dataclass
from ..patterns import Concept, Patterns

TOKEN = re.compile(r"[^\W\d_]+|\d+")
_SPLIT = re.compile(r"([^\W\d_]+|\d+)")
_SPLIT_ASCII = re.compile(r"([a-z]+|\d+)", re.ASCII)  # the same words of a folded ASCII text, in half the time
_FLEX = frozenset({"", "-", "–", "‐", "‑", "_", "'", "’", "­"})


def _fold_table() -> dict[int, str]:
    table: dict[int, str] = {}
    for code in range(0x80, 0x250):
        char = chr(code)
        base = unicodedata.normalize("NFKD", char)[0].lower()
        if len(base) == 1 and base.isascii() and base.isalnum():
            table[code] = base
    table |= {ord("İ"): "i", ord("ß"): "s", ord("µ"): "u", ord("μ"): "u", ord("‐"): "-", ord("‑"): "-"}
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


Token = tuple[int, int, str]  # start, end, folded word


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One name of one concept. ``concept`` None: a guard, it only takes the place of shorter names."""

    family: str
    concept: Concept | None
    name: str
    words: tuple[str, ...] | None  # as written, where case matters
    gaps: tuple[str, ...]
    plain: bool  # one word in any case


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """A name found in the text at [start, end)."""

    start: int
    end: int
    concept: Concept
    name: str

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
    return [(*m.span(), m.group()) for m in TOKEN.finditer(folded)]


class Words:
    """The words of a folded text, cut once: ``parts`` has gaps at even and words at odd places, ``starts`` where each begins.

    >>> Words("ki-67: 90").parts
    ['', 'ki', '-', '67', ': ', '90', '']
    """

    __slots__ = ("parts", "starts")

    def __init__(self, folded: str) -> None:
        # one split in C is several times faster than a match object for each word
        self.parts = (_SPLIT_ASCII if folded.isascii() else _SPLIT).split(folded)
        self.starts = list(accumulate(map(len, self.parts), initial=0))

    def places(self, start: int, end: int) -> tuple[int, int]:
        """Places of the first and behind the last word that lies in [start, end) of the text; both odd."""
        return bisect_left(self.starts, start, lo=1) | 1, bisect_left(self.starts, end, lo=1) | 1

    def between(self, start: int, end: int) -> list[str]:
        """The words that begin in [start, end) of the text."""
        first, last = self.places(start, end)
        return self.parts[first:last:2]


_GOES_ON = frozenset("/.,")
_A_TEST = re.compile(r"\b(?:ab|ag|ac|antibod\w*|antigen|test\w*|screen\w*|serolog\w*|combo|elisa|pcr)\b")


class Lexicon:
    """The trie. Build it once; ``scan`` is linear in the text."""

    def __init__(self, patterns: Patterns) -> None:
        self.root: dict[str, Any] = {}
        self.words: set[str] = set()  # of the names, those of four letters or more
        for concept in patterns.concepts:
            for name in concept.names:
                self._add(concept.family, concept, name, cased=False)
                if concept.plural:
                    for plural in _plurals(name):
                        self._add(concept.family, concept, plural, cased=False)
                if concept.family == "serology" and (not concept.data.get("virus") or _A_TEST.search(fold(name))):
                    self._add("condition", None, name, cased=False)  # "hepatitis B cAb" is no hepatitis
                if concept.family in ("lab", "biomarker"):
                    for misread in _misreadings(name):
                        self._add(concept.family, concept, misread, cased=False)
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
            raise PatternError(f"{concept.source if concept else family}: a name without a letter or digit: {name!r}")
        gaps = tuple(_gap(folded[a[1] : b[0]]) for a, b in pairwise(parts))
        words = tuple(name[start:end] for start, end, _ in parts) if cased else None
        node = self.root
        for _, _, word in parts:
            node = node.setdefault(word, {})
            if len(word) > 3:
                self.words.add(word)
        entries = node.setdefault("", [])
        # two spellings that differ in space and hyphen alone are one name
        if not any(
            e.family == family and e.concept is concept and e.words == words and e.gaps == gaps for e in entries
        ):
            entries.append(Entry(family, concept, name, words, gaps, words is None and not gaps))

    def scan(self, text: str, read: Words, begin: int = 0, stop: int | None = None) -> dict[str, list[Hit]]:
        """Hits of each family in [begin, stop) of the text, leftmost-longest, in order; offsets count from ``begin``.

        Only a word that begins a name costs more than a look-up; the words behind it are read as far as a name goes.
        ``read`` are the words of the folded text.
        """
        parts, starts, root = read.parts, read.starts, self.root
        found: dict[str, list[Hit]] = {}
        blocked: dict[str, int] = {}
        opening, last = (1, len(parts)) if stop is None else read.places(begin, stop)
        for first in compress(range(opening, last, 2), map(root.__contains__, parts[opening:last:2])):
            node = root[parts[first]]
            if "" not in node and (first + 2 >= last or parts[first + 2] not in node):
                continue  # three of four words that open a name go no further
            ends: list[tuple[int, list[Entry]]] = []
            index = first
            while True:
                here = node.get("")
                if here:
                    ends.append((index, here))
                    if len(node) == 1:
                        break
                index += 2
                if index >= last:
                    break
                node = node.get(parts[index])
                if node is None:
                    break
            if not ends:
                continue
            start = starts[first] - begin
            for index, entries in reversed(ends):  # the longest first: what it takes is closed to the shorter ones
                end = starts[index + 1] - begin
                taken: list[str] = []
                for entry in entries:
                    family = entry.family
                    if blocked.get(family, -1) > start or not (entry.plain or _fits(entry, text, read, first)):
                        continue
                    taken.append(family)
                    if entry.concept is not None:
                        found.setdefault(family, []).append(Hit(start, end, entry.concept, entry.name))
                for family in taken:
                    blocked[family] = end
        return found


def _fits(entry: Entry, text: str, words: Words, first: int) -> bool:
    parts = words.parts
    index = first + 1
    for gap in entry.gaps:
        between = parts[index]
        index += 2
        if between == gap or (between == " " and gap in ("", ".")):
            continue
        seen = _gap(between)
        if seen != gap and not (gap == "." and seen == ""):
            return False
    # a number that goes on is another number: "PD 1/2026" is not PD-1
    goes_on = entry.gaps and index + 1 < len(parts) and parts[index] in _GOES_ON
    if goes_on and parts[index - 1].isdigit() and parts[index + 1].isdigit():
        return False
    if entry.words is not None:
        starts = words.starts
        return all(
            text[starts[i] : starts[i + 1]] == word
            for i, word in zip(range(first, index + 1, 2), entry.words, strict=False)
        )
    return True


#: what a scanner makes of a letter; only in words long enough to stay unmistakable
_MISREAD = (("m", "rn"), ("rn", "m"), ("in", "m"), ("l", "i"), ("l", "1"), ("i", "l"), ("o", "0"))
_MISREAD_LENGTH = 7


def _misreadings(name: str) -> set[str]:
    """Spellings of a name in which a scanner misread one letter, or every letter of that kind ("hernoglobin")."""
    found: set[str] = set()
    for word in re.findall(rf"[^\W\d_]{{{_MISREAD_LENGTH},}}", fold(name)):
        for right, wrong in _MISREAD:
            places = [m.start() for m in re.finditer(right, word)]
            spelt = {word[:at] + wrong + word[at + len(right) :] for at in places} | {word.replace(right, wrong)}
            found.update(fold(name).replace(word, other) for other in spelt - {word})
    return found


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
