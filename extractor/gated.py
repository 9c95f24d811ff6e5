"""Expressions that are only tried where one of their letters stands.

Most expressions of a note need some literal ("reconcil", "year", "s/p"); looking for that with ``in`` is many times faster
than trying the expression at every place. ``needed`` reads the literals from the expression itself, so that a gate never
changes what is found.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator

# the parser of ``re`` itself; private, but the same in all supported versions
from re import _constants as _op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]

_MOST = 48  # literals of a gate; more cost as much as the expression
_END = sys.maxsize


def needed(expression: str, flags: int = 0) -> frozenset[str]:
    """Literals of which every match of the expression holds at least one; empty where there are none that help.

    >>> sorted(needed(r"\\\\b(?:stopp(?:ed|ing)|held) (?:on|in)\\\\b"))
    ['held', 'stopp']
    >>> needed(r"\\\\d+ ?(?:mg)?")
    frozenset()
    """
    if flags & re.IGNORECASE:
        return frozenset()
    tree = _parser.parse(expression, flags)
    if tree.state.flags & re.IGNORECASE:
        return frozenset()
    found = _sequence(tree)
    return frozenset(found) if found and len(found) <= _MOST else frozenset()


def _worth(literals: set[str]) -> tuple[int, int]:
    return min(min(map(len, literals)), 4), -len(literals)


def _sequence(items: Iterable) -> set[str] | None:
    """The best set of one place of a sequence: runs of letters, or what one of its items needs."""
    best: set[str] | None = None
    run = ""

    def offer(candidate: set[str] | None) -> None:
        nonlocal best
        if candidate and (best is None or _worth(candidate) > _worth(best)):
            best = candidate

    for code, value in items:
        if code is _op.LITERAL:
            run += chr(value)
            continue
        if code is _op.AT:  # a boundary takes no character
            continue
        offer({run} if run else None)
        run = ""
        offer(_item(code, value))
    offer({run} if run else None)
    return best


def _item(code, value) -> set[str] | None:
    if code is _op.SUBPATTERN:
        return None if value[1] & re.IGNORECASE else _sequence(value[3])
    if code is _op.ATOMIC_GROUP:
        return _sequence(value)
    if code is _op.BRANCH:
        every: set[str] = set()
        for branch in value[1]:
            one = _sequence(branch)
            if one is None:
                return None
            every |= one
        return {word for word in every if not any(other != word and other in word for other in every)}
    if code in (_op.MAX_REPEAT, _op.MIN_REPEAT, _op.POSSESSIVE_REPEAT):
        return _sequence(value[2]) if value[0] else None
    return None


class Gated:
    """A compiled expression behind its gate; ``search`` and ``finditer`` give what the expression gives."""

    __slots__ = ("literals", "pattern", "source")

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.source = re.compile(pattern, flags)
        self.pattern = pattern
        self.literals = tuple(sorted(needed(pattern, flags), key=len, reverse=True))

    def may(self, text: str) -> bool:
        """Can the expression match somewhere in the text?"""
        if not self.literals:
            return True
        for literal in self.literals:  # noqa: SIM110 - a loop is faster than any()
            if literal in text:
                return True
        return False

    def search(self, text: str, start: int = 0, end: int = _END) -> re.Match[str] | None:
        return self.source.search(text, start, end) if self.may(text) else None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        return self.source.finditer(text) if self.may(text) else iter(())


class AnyOf:
    """Several expressions of which one must match, behind one gate."""

    __slots__ = ("expressions", "literals")

    def __init__(self, patterns: Iterable[str]) -> None:
        self.expressions = [Gated(pattern) for pattern in patterns]
        every = [e.literals for e in self.expressions]
        self.literals = tuple(sorted({x for one in every for x in one})) if all(every) else ("",)

    def candidates(self, text: str) -> list[Gated]:
        """The expressions, where one of them can match somewhere in the text."""
        for literal in self.literals:
            if literal in text:
                return self.expressions
        return []

    def search(self, text: str) -> bool:
        """Does one of them match somewhere in the text?"""
        return any(expression.search(text) for expression in self.candidates(text))
