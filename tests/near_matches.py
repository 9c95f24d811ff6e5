"""Texts that almost fit a regular expression, made from its parse tree: what leads to a repeat, then what it repeats."""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as c
from re import _parser as parser
from typing import Any

_REPEATS = (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT)
#: characters of every kind that clinical text has
_PROBE = "a1 \n-.,(:/Aé\tx%|"
#: a repeat up to so many times costs nothing
_SHORT = 8
_CATEGORIES = {c.CATEGORY_DIGIT: r"\d", c.CATEGORY_NOT_DIGIT: r"\D", c.CATEGORY_SPACE: r"\s", c.CATEGORY_NOT_SPACE: r"\S",
               c.CATEGORY_WORD: r"\w", c.CATEGORY_NOT_WORD: r"\W"}  # fmt: skip


def pumps(expression: re.Pattern[str]) -> list[tuple[str, str]]:
    """(what stands before, what is repeated) for each long repeat of an expression.

    >>> pumps(re.compile(r"ECOG:? *(\\d{1,2})"))
    [('ECOG', ' ')]
    """
    return list(dict.fromkeys(_pumps(parser.parse(expression.pattern, expression.flags), "")))


def _pumps(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    for kind, value in tree:
        if kind in _REPEATS:
            _, most, body = value
            if most is c.MAXREPEAT or most > _SHORT:
                yield from ((before, piece) for piece in _words(body, 8) if piece)
            yield from _pumps(body, before)
        elif kind is c.SUBPATTERN:
            yield from _pumps(value[3], before)
        elif kind is c.ATOMIC_GROUP:
            yield from _pumps(value, before)
        elif kind is c.BRANCH:
            for branch in value[1]:
                yield from _pumps(branch, before)
        elif kind in (c.ASSERT, c.ASSERT_NOT):
            yield from _pumps(value[1], before)
        before += _choices(kind, value, 1)[0]


def _words(tree: Any, limit: int) -> list[str]:
    """Texts that a sequence matches: the shortest, and each of its parts varied in turn."""
    parts = [_choices(kind, value, limit) for kind, value in tree]
    first = [part[0] for part in parts]
    varied = ["".join([*first[:at], other, *first[at + 1 :]]) for at, part in enumerate(parts) for other in part[1:]]
    return list(dict.fromkeys(["".join(first), *varied]))[:limit]


def _choices(kind: Any, value: Any, limit: int) -> list[str]:
    if kind is c.LITERAL:
        return [chr(value)]
    if kind is c.NOT_LITERAL:
        return [char for char in _PROBE if ord(char) != value][:limit]
    if kind is c.ANY:
        return list("a1 -.")[:limit]
    if kind is c.IN:
        return _members(value)[:limit]
    if kind is c.BRANCH:
        return [word for branch in value[1] for word in _words(branch, 2)][:limit] or [""]
    if kind is c.SUBPATTERN:
        return _words(value[3], limit)
    if kind is c.ATOMIC_GROUP:
        return _words(value, limit)
    if kind in _REPEATS:
        least, _, body = value
        return [word * least for word in _words(body, limit)] if least else ["", *_words(body, limit)][:limit]
    return [""]


def _members(items: Any) -> list[str]:
    """Characters of a set, of each kind that is in it."""
    negated = items[0][0] is c.NEGATE
    body = items[1:] if negated else items

    def inside(char: str) -> bool:
        for kind, value in body:
            if kind is c.LITERAL and ord(char) == value:
                return True
            if kind is c.RANGE and value[0] <= ord(char) <= value[1]:
                return True
            if kind is c.CATEGORY and re.match(_CATEGORIES[value], char):
                return True
        return False

    found = [char for char in _PROBE if inside(char) != negated]
    if not negated:
        found += [chr(value if kind is c.LITERAL else value[0]) for kind, value in body if kind in (c.LITERAL, c.RANGE)]
    return list(dict.fromkeys(found)) or ["a"]
