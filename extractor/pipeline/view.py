"""The text of a note as expressions see it, and where each of its characters stands in the note.

Marks that nobody sees (direction of writing, joiners, control characters) are blanks here, one for one, and so are the
spaces that printers set in other widths (thin, hair, em). An accent that is
written as a character of its own is one with its letter, and a hyphen that only shows at the end of a line is gone; then
the view is shorter than the note, and ``places`` leads back.
"""

from __future__ import annotations

import html
import re
import unicodedata

#: control characters that are no white space; marks of direction and width (Unicode UAX #9 and general category Cf)
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\u1680\u2000-\u200a\u202f\u205f\u3000]"  # and spaces of every width (general category Zs)
)
#: hyphens of other widths (Unicode 2010-2012)
_HYPHENS = dict.fromkeys((0x2010, 0x2011, 0x2012), "-")
#: a letter with accents of their own (Unicode block 0300-036F), a soft hyphen inside a word
_MANY = re.compile("[^\\W\\d_][\u0300-\u036f]{1,8}|(?<=[^\\W\\d_])\u00ad{1,8}(?=[^\\W\\d_])")
#: what is left of a web page: its semicolon would end a clause
_ENTITY = re.compile("&(?:quot|amp|lt|gt|apos|nbsp|deg|reg|#3[49]);")
_MANY_OR_ENTITY = re.compile(f"{_MANY.pattern}|{_ENTITY.pattern}")
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


def composed(text: str) -> tuple[str, list[int] | None]:
    """A text with its accents on their letters, and the place of each character in the text given (and of its end).

    The places are None where they are the offsets themselves, as in nearly every note.

    >>> composed("cre\\u0301a")
    ('créa', [0, 1, 2, 4, 5])
    """
    entities = "&" in text and _ENTITY.search(text) is not None
    if not entities and (text.isascii() or not _MANY.search(text)):
        return text, None
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for match in (_MANY_OR_ENTITY if entities else _MANY).finditer(text):
        start, end = match.span()
        pieces.append(text[at:start])
        places.extend(range(at, start))
        at = end
        if match[0][0] == "\u00ad":
            continue
        if match[0][0] == "&":
            pieces.append(html.unescape(match[0]).replace("\xa0", " "))
            places.append(start)
            continue
        one = unicodedata.normalize("NFC", match[0])
        pieces.append(one)
        places.append(start)
        places.extend(range(end - len(one) + 1, end))
    pieces.append(text[at:])
    places.extend(range(at, len(text) + 1))
    return "".join(pieces), places
