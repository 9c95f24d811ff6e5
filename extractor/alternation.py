"""Many literals as one regular expression that is read letter by letter.

Python's ``re`` tries the branches of an alternation one after the other at every position of the text. Branches that
share their first letters are written as one here, so that a position costs a few comparisons instead of one for each word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_END = ""  # key of a node's endings; no literal is empty


def alternation(words: Iterable[str]) -> str:
    """The words as an expression; where several fit, the longest is taken.

    >>> alternation(["may", "march", "mar"])
    '(?:ma(?:y|r(?:ch|)))'
    """
    return joined((tuple(re.escape(letter) for letter in word), "") for word in words)


def joined(sequences: Iterable[tuple[Sequence[str], str]]) -> str:
    """Sequences of pieces as an expression; each comes with what must hold behind its last piece (a look-ahead or "").

    Pieces are expressions of which no two can match at the same place, unless they are equal.
    """
    root: dict[str, Any] = {}
    for pieces, behind in sequences:
        node = root
        for piece in pieces:
            node = node.setdefault(piece, {})
        node.setdefault(_END, []).append(behind)
    return f"(?:{_written(root)})"


def _written(node: dict[str, Any]) -> str:
    branches = [piece + _written(following) for piece, following in node.items() if piece != _END]
    branches += node.get(_END, [])  # last: a longer literal is tried before the one it begins with
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
