"""The text of a note as expressions see it, and where each of its characters stands in the note.

Marks that nobody sees (direction of writing, joiners, control characters) are blanks here, one for one, and so are the
spaces that printers set in other widths (thin, hair, em). The lines of a hard-wrapped paragraph are one. An accent that is
written as a character of its own is one with its letter, a hyphen that only shows at the end of a line is gone, and so are
a margin before every line, the second character of a line's end and the second blank between two words of a sentence; then
the view is shorter than the note, and ``places`` leads back.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import chain, pairwise

#: control characters that are no white space; marks of direction and width (Unicode UAX #9 and general category Cf)
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]"  # and spaces of every width (general category Zs)
)
#: hyphens of other widths (Unicode 2010-2012)
_HYPHENS = dict.fromkeys((0x2010, 0x2011, 0x2012), "-")
#: a letter with accents of their own (Unicode block 0300-036F), a soft hyphen inside a word
_MANY = re.compile("[^\\W\\d_][\u0300-\u036f]{1,8}|(?<=[^\\W\\d_])\u00ad{1,8}(?=[^\\W\\d_])")
#: what is left of a web page: its semicolon would end a clause
_ENTITY = re.compile("&(?:quot|amp|lt|gt|apos|nbsp|deg|reg|#3[49]);")
_BEGINNING = re.compile(r"(?:^|(?<=\n)|(?<=[.!?]\s))[a-z]")
#: "62m", "70 yo f", "t 37.1", "k 4.2": a sex behind an age, a letter before its value
_SIGN = re.compile(r"(?:(?m:^)[1-9]\d ?|\b[1-9]\d ?y/?o ?)[mf]\b|\b[tk](?= ?\d{1,3}\.\d)")
_LETTERS = re.compile(r"[a-z]+")
_CARRIAGE = re.compile(r"\r\n?")
_EMPTY_LINE = re.compile(r"\n(?P<blanks>[ \t]+)(?=\r?\n)")
#: two blanks inside a sentence; behind its end they are nothing to mend
_DOUBLED = re.compile(r"  (?<=[^\s.:]  )(?=\S)")
_SINGLE = re.compile(r" (?<=\S )(?=\S)")
_SMALL_WORD = re.compile(r"\b[a-z]{2,}\b")
#: what begins a line of its own: an item of a list, a heading or a label
_NEW_LINE = re.compile(r"\s*(?:[-*\u2022>#=_]|\d{1,2}[.)]\s|[A-Z][^:\n]{0,40}:)")
_COLUMN = re.compile(r"\S {3}|[\t|]")
#: a run of white space longer than any layout needs; expressions with several optional gaps would try all its divisions
_BLANK_RUN = re.compile(r"\s{161,}")
_BLOCK = 80  # a longer run than 160 fills one of the blocks of this length
#: ASCII that is seen, or is white space
_SEEN = bytes([*range(0x09, 0x0E), *range(0x1C, 0x7F)])


def calm(text: str) -> str:
    """A text of the same length without unseen marks, in which no run of white space is longer than 80 characters.

    >>> len(calm("a" + " " * 500 + "b")), calm("a" + " " * 80 + "b") == "a" + " " * 80 + "b"
    (502, True)
    >>> calm("142 K/uL\\u200f.")
    '142 K/uL .'
    """
    if not text.isascii() or text.encode().translate(None, _SEEN):
        text = _UNSEEN.sub(" ", text).translate(_HYPHENS)
    if any(text[at : at + _BLOCK].isspace() for at in range(0, len(text), _BLOCK)):
        text = _BLANK_RUN.sub(lambda run: run[0][:80] + "\x00" * (len(run[0]) - 160) + run[0][-80:], text)
    return text


def recased(text: str, capitals: Mapping[str, str]) -> str:
    """A text that has no capital letter, of the same length with capitals where sentences and abbreviations want them.

    >>> recased("seen today. ecog 1, pd in liver.", {"pd": "PD"})
    'Seen today. Ecog 1, PD in liver.'
    >>> recased("Seen today, pd.", {"pd": "PD"})
    'Seen today, pd.'
    """
    if not text.islower():
        return text
    text = _LETTERS.sub(lambda match: capitals.get(match[0], match[0]), text)
    text = _BEGINNING.sub(lambda match: match[0].upper(), text)
    return _SIGN.sub(lambda match: match[0][:-1] + match[0][-1].upper(), text)


def unwrapped(text: str) -> str:
    """A text of the same length in which the lines of a hard-wrapped paragraph are one.

    A note is taken for wrapped where no line is longer than 132 characters (terminals wrap at 72, 80 or 132 columns) and
    at least three lines, far more than end without need, go on in the next one, whose first word had no place in them.

    >>> unwrapped("Mass.")
    'Mass.'
    """
    lines = text.split("\n")
    width = max(map(len, lines))
    if not 60 <= width <= 132 or len(lines) < 4:
        return text
    wrapped = [_goes_on(line, following, width) for line, following in pairwise(lines)]
    if sum(wrapped) < 3 or sum(wrapped) <= 2 * sum(_ends_freely(*pair, width) for pair in pairwise(lines)):
        return text
    ends = (" " if goes_on else "\n" for goes_on in wrapped)
    return lines[0] + "".join(chain.from_iterable(zip(ends, lines[1:], strict=True)))


def _goes_on(line: str, following: str, width: int) -> bool:
    """Had the first word of the following line no place in this one, and is neither an item, a heading or a row?"""
    word = following.split(None, 1)[:1]
    return bool(word) and len(line) + 1 + len(word[0]) > width and _may_go_on(line, following)


def _ends_freely(line: str, following: str, width: int) -> bool:
    """Does a line of some length end where the next word had a place, and no stop ends it? The lines of a list do."""
    word = following.split(None, 1)[:1]
    return bool(word) and width / 2 < len(line) < width - len(word[0]) and _may_go_on(line, following)


def _may_go_on(line: str, following: str) -> bool:
    return (
        line.rstrip()[-1:] not in ".!?:;|"
        and _NEW_LINE.match(following) is None
        and _COLUMN.search(line) is None
        and _COLUMN.search(following) is None
    )


def composed(text: str) -> tuple[str, list[int] | None]:
    """A text with its accents on their letters, its lines ended by one character and not all of them indented, words
    of prose one blank apart; and the place of each character in the text given (and of its end).

    The places are None where they are the offsets themselves, as in nearly every note.

    >>> composed("cre\u0301a")
    ('créa', [0, 1, 2, 4, 5])
    >>> composed("A\\r\\nB")
    ('A\\nB', [0, 1, 3, 4])
    """
    edits = sorted(_edits(text))
    if not edits:
        return text, None
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for start, end, new in edits:
        pieces += (text[at:start], new)
        places += range(at, start)
        if new:
            places += (start, *range(end - len(new) + 1, end))
        at = end
    pieces.append(text[at:])
    places += range(at, len(text) + 1)
    return "".join(pieces), places


def _edits(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, what is read there) of what is written with more characters than are read."""
    if "&" in text:
        for match in _ENTITY.finditer(text):
            yield *match.span(), html.unescape(match[0]).replace("\xa0", " ")
    if not text.isascii():
        for match in _MANY.finditer(text):
            yield *match.span(), "" if match[0][0] == "\u00ad" else unicodedata.normalize("NFC", match[0])
    if "\r" in text:
        for match in _CARRIAGE.finditer(text):
            yield *match.span(), "\n"
    for match in _EMPTY_LINE.finditer(text):
        yield *match.span("blanks"), ""
    margin = _margin(text)
    for match in re.finditer(rf"(?m)^{margin}(?=.*\S)", text) if margin else ():
        yield *match.span(), ""
    for match in _DOUBLED.finditer(text) if "  " in text else ():
        at = match.start()
        line_end = text.find("\n", at)
        around = text[max(text.rfind("\n", 0, at) + 1, at - 120) : min(line_end if line_end >= 0 else len(text), at + 120)]
        if _is_prose(around):
            yield *match.span(), " "


def _margin(text: str) -> str:
    """The blanks that every line of a text begins with; a text of one or two lines has none."""
    lines = [line for line in text.splitlines() if line.strip()] if text[:1].isspace() else []
    if len(lines) < 3:
        return ""
    first, last = min(lines), max(lines)  # what these two share, all lines share
    margin = first[: len(first) - len(first.lstrip(" \t"))]
    while not last.startswith(margin):
        margin = margin[:-1]
    return margin


def _is_prose(line: str) -> bool:
    """Are the wide gaps of a stretch of a line no columns: a sentence with some of them, or with no other gaps?"""
    wide = len(_DOUBLED.findall(line))
    narrow = len(_SINGLE.findall(line))
    return len(_SMALL_WORD.findall(line)) >= 6 and (wide * 2 <= narrow or not narrow) and not _COLUMN.search(line)
