"""What a scanner misread: digits where letters stood ("carc1noma", "9O %"), and "rn" where "m" stood ("srnall").

A word is mended only where that makes a word of a pattern file's name. Digits are put right one for one; an "m" is one
character for two, and ``places`` leads back to the note (see ``view.composed``).
"""

from __future__ import annotations

import re
from collections.abc import Container
from itertools import chain, product

from .lexicon import fold

_DIGIT = re.compile(r"[01](?:(?<=[a-zA-Z][01])|(?=[a-zA-Z]))")
_WORD = re.compile(r"[a-zA-Z0-9]+")
#: an O that ends a number before a percent sign or a range
_OH = re.compile(r"[Oo](?<=\d[Oo])(?=\s?(?:%|[-–]\s?\d|/\s?[\dlI][\dO]|HPF|hpf))")
_OH_MARK = re.compile(r"[%–/-](?:(?<=\d[Oo].)|(?<=\d[Oo]\s.))")  # marks are fewer than the letter
#: an l or I that begins a number: "l2/10 HPF", "l0 %"
_ONE = re.compile(r"[lI](?=[\dO])(?:(?<![A-Za-z\d][lI])(?=\d{1,2}\s?(?:%|/\s?[\dlI][\dO]))|(?<=[/ ][lI])(?=[0O]\s?(?:HPF|hpf|high)))")
#: "METASTATlC" in capitals, "Iymph" at the beginning of a word
_CAPITALS = re.compile(r"(?<![A-Za-z])[A-Z]{1,20}l[A-Zl]{1,20}(?![A-Za-z])")
_SMALL_AMONG = re.compile(r"l(?<=[A-Z]l)[A-Zl]")
_FIRST = re.compile(r"I(?<![A-Za-z]I)[a-z]{4,20}(?![A-Za-z])")
_GENE = re.compile(r"[A-Z]{2,5}[01]{1,2}")  # INSM1, SOX10
_LETTERS = {"0": "o", "1": "li"}
_LONGEST, _MOST = 24, 3  # letters of a word, digits in it


def mended(text: str, known: Container[str]) -> str:
    """The text with the misread words of ``known`` (in small letters, 4 or more) put right.

    >>> mended("smal1 ce11 carc1noma, CD10 +, Ki-67 9O %", {"small", "cell", "carcinoma"})
    'small cell carcinoma, CD10 +, Ki-67 90 %'
    >>> mended("Iymph node, METASTATlC, mitoses l2/1O HPF, disc l4/5", {"lymph", "metastatic"})
    'lymph node, METASTATIC, mitoses 12/10 HPF, disc l4/5'
    """
    text = _ONE.sub("1", text)
    if _OH_MARK.search(text) or "HPF" in text or "hpf" in text:
        text = _OH.sub("0", text)
    changes: dict[int, str] = {}
    for match in chain(_CAPITALS.finditer(text) if _SMALL_AMONG.search(text) else (), _FIRST.finditer(text)):
        written = match.group()
        meant = written.replace("l", "I") if written[1:2].isupper() or written[1:2] == "l" else "l" + written[1:]
        if meant.lower() in known and written.lower() not in known:
            changes.update(enumerate(meant, match.start()))
    done = 0
    for match in _DIGIT.finditer(text):
        at = match.start()
        if at < done:
            continue
        start = at
        while start > done and at - start < _LONGEST and text[start - 1].isalnum() and text[start - 1].isascii():
            start -= 1
        word = _WORD.match(text, start)
        done = word.end() if word else at + 1
        if word and (right := _right(word.group(), known)):
            changes.update(enumerate(right, start))
    if not changes:
        return text
    letters = list(text)
    for at, letter in changes.items():
        letters[at] = letter
    return "".join(letters)


_RN = re.compile("rn")
#: a word that the end of a line broke: "differen-\ntiated"
_BROKEN = re.compile(r"(?<![A-Za-z])(?P<a>[A-Za-z]{2,20})- ?\n[ \t]{0,40}(?P<b>[A-Za-z]{2,20})(?![A-Za-z])")
_REAL = frozenset({"sterni"})  # words of their own: "manubrium sterni" is no STEMI
_SHORT = frozenset({"mets"})  # of four letters; all others that are joined have five or more


def joined(text: str, places: list[int] | None, known: Container[str]) -> tuple[str, list[int] | None]:
    """The text with "rn" read as "m" where only that makes a known word, broken words whole, and each character's place.

    >>> joined("srnall burn", None, {"small"})
    ('small burn', [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    >>> joined("carci-\\nnoma", None, {"carcinoma"})
    ('carcinoma', [0, 1, 2, 3, 4, 7, 8, 9, 10, 11])
    """
    cuts: list[tuple[int, int, str]] = []
    for match in _RN.finditer(fold(text)):
        start, end = match.span()
        while start > 0 and match.start() - start < _LONGEST and text[start - 1].isalpha():
            start -= 1
        while end < len(text) and end - match.end() < _LONGEST and text[end].isalpha():
            end += 1
        word = text[start:end].lower()
        right = word.replace("rn", "m")
        if right in known and word not in known and word not in _REAL and (len(right) > 4 or right in _SHORT):
            cuts.append((*match.span(), "M" if text[match.start()].isupper() else "m"))
    if "-\n" in text or "- \n" in text:
        for match in _BROKEN.finditer(text):
            whole = (match["a"] + match["b"]).lower()
            if len(whole) > 6 and whole in known and not (match["a"].lower() in known and match["b"].lower() in known):
                cuts.append((match.end("a"), match.start("b"), ""))
    if not cuts:
        return text, places
    held = places or list(range(len(text) + 1))
    pieces: list[str] = []
    at = 0
    kept: list[int] = []
    for start, end, right in sorted(cuts):
        pieces += [text[at:start], right]
        kept += held[at : start + len(right)]
        at = end
    return "".join([*pieces, text[at:]]), kept + held[at:]


def _right(word: str, known: Container[str]) -> str | None:
    """The word in letters, in the case of those that were read right."""
    digits = [c for c in word if c.isdigit()]
    least = 4 if word[0].isalpha() else 6  # "10ng" is no word
    if not least <= len(word) <= _LONGEST or len(digits) > _MOST or len(digits) > len(word) / 2:
        return None
    if any(d not in _LETTERS for d in digits) or _GENE.fullmatch(word):
        return None
    upper = sum(c.isupper() for c in word) > len(word) / 3
    for letters in product(*(_LETTERS[d] for d in digits)):
        following = iter(letters)
        spelt = "".join(next(following) if c.isdigit() else c for c in word)
        if spelt.lower() in known:
            return "".join(s.upper() if upper and c.isdigit() else s for c, s in zip(word, spelt, strict=True))
    return None
