"""One note as the families see it: sentences, sections, tokens and hits, all as offsets into the raw text.

The splitter is made for notes: line breaks, bullets, tables and labels end a sentence where a clinician would see an
end; a wrapped line does not. Nothing here builds a spaCy document.
"""

from __future__ import annotations

import datetime
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from ..dates import DateSpan, found_in, has_number, has_word
from .lexicon import Hit, Lexicon, Words, fold
from .sections import Section, find_sections

MAX_SENTENCE = 1500  # characters; a longer run without any end is cut, so that cost stays linear
# it begins with a set of characters, before all branches: the search then jumps from one candidate to the next
_CANDIDATE = re.compile(
    r"[\n.!?](?:(?<=\n)\s*+|(?P<sure>)(?<=[a-z]{7}\.)(?=\s{1,11}[A-Z\d])"  # no abbreviation has seven letters
    r"|(?<![.!?]{2})[.!?]*+[\"')\]]*+(?=\s)|(?<=[a-z)\d]{2}\.)(?:(?=[A-Z][a-z])|,(?=[A-Z]|\d{1,2}\. ))"
    # "0.86 mg/dL.During her stay", "39 °C.Chest film": a unit, a stop and no blank
    r"|(?:(?<=/[dmun]L\.)|(?<=/L\.)|(?<=Hg\.)|(?<=%\.)|(?<=°[CF]\.))(?=[A-Z]))"
)
# before a capital these do not end a sentence ...
_ABBREVIATIONS = frozenset(
    "dr drs mr mrs ms st vs approx ca cf al jr sr prof pt pts resp incl dept gr mme inj tab tabs cap caps syr syp".split()
)
# ... and these not before a number
_BEFORE_NUMBER = frozenset(
    "no nos fig jan feb mar apr jun jul aug sep sept oct nov dec ph sec vol abs ges tot corr creat krea bili phos alb plt plaq "
    "leuk neut temp wt ht sat".split()
)
_LIST_NUMBER = re.compile(r"(?:^|[\n;]|[.:],|[.:,]\s)[ \t]*\(?\d{1,2}$")
_NEW_LINE_STARTS = re.compile(r"[-*•·–>#+\[]|\((?!\d[\d.,]*\s?[a-zA-Zµ%])|\d{1,2}[.)]\s|[A-Za-z][\w /&'()-]{0,40}:")
_COLUMNS = re.compile(r"\t|\S {3,}\S|\|")
_LINE_END = frozenset(".:;!?")


class Sentence:
    """A sentence of a note at [start, end), with access to what stands in it."""

    __slots__ = ("end", "index", "note", "start")

    def __init__(self, note: NoteText, index: int, start: int, end: int) -> None:
        self.note, self.index, self.start, self.end = note, index, start, end

    @property
    def text(self) -> str:
        return self.note.text[self.start : self.end]

    @property
    def folded(self) -> str:
        return self.note.folded[self.start : self.end]

    @property
    def words(self) -> list[str]:
        """The folded words of the sentence; letters and digits are words of their own."""
        return self.note.words.between(self.start, self.end)

    @property
    def section(self) -> str | None:
        return self.note.section_at(self.start)

    def hits(self, family: str) -> list[Hit]:
        return self.note.hits_between(family, self.start, self.end)

    @property
    def dates(self) -> list[DateSpan]:
        """Dates in the sentence, offsets of the note."""
        return self.note.dates_between(self.start, self.end)

    def next(self) -> Sentence | None:
        return self.note.sentence(self.index + 1)

    def previous(self) -> Sentence | None:
        return self.note.sentence(self.index - 1)


class NoteText:
    """The text of a note with everything that is read from it lazily and once."""

    def __init__(
        self,
        text: str,
        *,
        lexicon: Lexicon | None = None,
        note_date: datetime.date | None = None,
        note_type: str = "",
        date_order: str = "auto",
        places: list[int] | None = None,
    ) -> None:
        self.text = text
        self._places = places
        self.folded = fold(text)
        self.note_date = note_date
        self.note_type = note_type
        self.date_order = date_order
        self._lexicon = lexicon
        self._sentence_cache: dict[int, Sentence] = {}
        self._date_cache: dict[tuple[int, int], list[DateSpan]] = {}

    def place(self, offset: int) -> int:
        """Where a character of this text stands in the note as it was written (``view.composed``)."""
        return offset if self._places is None else self._places[offset]

    # -- words -----------------------------------------------------------------------------------------------------
    @cached_property
    def words(self) -> Words:
        return Words(self.folded)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of the note, folded: a look-up here spares a search of the whole text."""
        return frozenset(self.words.parts[1::2])

    # -- names -----------------------------------------------------------------------------------------------------
    @cached_property
    def hits(self) -> dict[str, list[Hit]]:
        """Names found, by family, in the order of the text."""
        return self._lexicon.scan(self.text, self.words) if self._lexicon else {}

    def hits_between(self, family: str, start: int, end: int) -> list[Hit]:
        hits = self.hits.get(family)
        if not hits:
            return []
        low = bisect_right(hits, start - 1, key=lambda h: h.start)
        high = bisect_right(hits, end - 1, key=lambda h: h.start)
        return hits[low:high]

    def sentences_with(self, family: str) -> Iterator[tuple[Sentence, list[Hit]]]:
        """The sentences that hold a name of the family, each with its hits."""
        current: Sentence | None = None
        batch: list[Hit] = []
        for hit in self.hits.get(family, ()):
            if current is None or hit.start >= current.end:
                if current is not None:
                    yield current, batch
                current, batch = self.sentence_at(hit.start), []
            batch.append(hit)
        if current is not None:
            yield current, batch

    # -- sentences -------------------------------------------------------------------------------------------------
    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """(start, end) of every sentence, in order, without surrounding white space."""
        return split(self.text, [s.start for s in self.sections if s.start])

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.sentences]

    def sentence(self, index: int) -> Sentence | None:
        if not 0 <= index < len(self.sentences):
            return None
        found = self._sentence_cache.get(index)
        if found is None:
            found = self._sentence_cache[index] = Sentence(self, index, *self.sentences[index])
        return found

    def sentence_at(self, position: int) -> Sentence:
        """The sentence that holds the position (or the one before it, in white space)."""
        index = max(0, bisect_right(self._starts, position) - 1)
        found = self.sentence(index)
        return found if found is not None else Sentence(self, 0, 0, len(self.text))

    # -- sections --------------------------------------------------------------------------------------------------
    @cached_property
    def sections(self) -> list[Section]:
        return find_sections(self.text, self.folded)

    @cached_property
    def _section_starts(self) -> list[int]:
        return [s.start for s in self.sections]

    def section_of(self, position: int) -> Section | None:
        index = bisect_right(self._section_starts, position) - 1
        found = self.sections[index] if index >= 0 else None
        return found if found is not None and position < found.end else None

    def section_at(self, position: int) -> str | None:
        found = self.section_of(position)
        return found.name if found else None

    # -- dates -----------------------------------------------------------------------------------------------------
    def dates_between(self, start: int, end: int) -> list[DateSpan]:
        found = self._date_cache.get((start, end))
        if found is None:
            found = []
            worded = has_word(self.words.between(start, end))
            if worded or has_number(self.text, start, end):
                spans = found_in(self.text[start:end], self.note_date, self.date_order, worded=worded)
                found = [shift(span, start) for span in spans]
            self._date_cache[start, end] = found
        return found

    def line(self, position: int) -> tuple[int, int]:
        """(start, end) of the line that holds the position."""
        start = self.text.rfind("\n", 0, position) + 1
        end = self.text.find("\n", position)
        return start, len(self.text) if end < 0 else end


def shift(span: DateSpan, by: int) -> DateSpan:
    if not by:
        return span
    values: dict[str, Any] = {name: getattr(span, name) for name in type(span).__dataclass_fields__}
    values["start"] += by
    values["end"] += by
    return type(span)(**values)


def split(text: str, starts: list[int] | None = None) -> list[tuple[int, int]]:
    """Sentences of a text. ``starts``: positions where a section begins, which always end a sentence.

    >>> [ "Denies fever.\\n- WBC 4.1"[a:b] for a, b in split("Denies fever.\\n- WBC 4.1") ]
    ['Denies fever.', '- WBC 4.1']
    """
    cuts = set(starts or ())
    for match in _CANDIDATE.finditer(text):
        start, end = match.span()
        if text[start] == "\n":
            if _line_ends(text, start, end):
                cuts.add(start)
        elif match.lastindex or _stops(text, start, end):
            cuts.add(end)
    sentences: list[tuple[int, int]] = []
    previous = 0
    for cut in [*sorted(cuts), len(text)]:
        while cut - previous > MAX_SENTENCE:
            middle = text.rfind(" ", previous + MAX_SENTENCE // 2, previous + MAX_SENTENCE)
            middle = middle if middle > previous else previous + MAX_SENTENCE
            _append(sentences, text, previous, middle)
            previous = middle
        _append(sentences, text, previous, cut)
        previous = cut
    return sentences


def _append(sentences: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped.endswith(".,"):  # a line break that became a comma
        stripped = stripped[:-1]
    if stripped:
        begin = start + len(piece) - len(piece.lstrip())
        sentences.append((begin, begin + len(stripped)))


def _line_ends(text: str, start: int, end: int) -> bool:
    """Does the line break at [start, end) end a sentence, or is the line only wrapped?"""
    if text.count("\n", start, end) > 1 or end >= len(text):
        return True
    begin = text.rfind("\n", 0, start) + 1
    line = text[begin:start].rstrip()
    if not line or line[-1] in _LINE_END:
        return True
    stop = text.find("\n", end)
    following = text[end : len(text) if stop < 0 else stop]
    if _NEW_LINE_STARTS.match(following) or _COLUMNS.search(line) or _COLUMNS.search(following):
        return True
    if line[-1] in ",-/(" or line.endswith((" and", " or", " of", " the", " with", " for", " to", " in", " no", " a")):
        return False
    first = following[:1]
    if first.islower() and not following[1:2].isupper():  # "pRBC 2 units" begins a line of its own
        return len(line) < 28
    if first == "(" and line[-1].isalpha():  # a value in brackets behind its name
        return len(line) < 28
    return len(line) < 60


_ANSWER = re.compile(r"[ \t]{1,3}(?:\[[ xX]{0,3}\]|[☐□☒☑]|(?:yes|no|none|n/a|y|n)\b(?=[ \t]*(?:$|[\n.,;\-–(])))", re.IGNORECASE)
#: abbreviations in small letters that begin a sentence: "ECOG 1. s/p vasectomy 2005"
_SHORT_START = re.compile(r"(?:s/p|h/o|c/o|w/u|f/u|p/w|d/c)\b")


def _stops(text: str, start: int, end: int) -> bool:
    """Does the punctuation at [start, end) end a sentence?"""
    if text.startswith("..", start) and (
        text[start - 1 : start].isspace() or (end - start > 2 and text[end : end + 2].strip().isdigit())
    ):
        return False  # leaders between a name and its result
    if text[start] == "?" and _ANSWER.match(text, end):
        return False  # the question of a form
    if text[start] != ".":
        return text[start - 1 : start] != "("  # the flag of "BP (!) 152/88"
    following = text[end : end + 12].lstrip()
    if not following:
        return True
    if (following[0].islower() and not _SHORT_START.match(following)) or following[0] in ",;)":
        return False
    before = text[max(0, start - 12) : start]
    last = before[-1:]
    if last.isdigit() and _LIST_NUMBER.search(before):
        return False
    if not last.isalpha() or (len(before) > 6 and before[-7:].isalpha()):  # no abbreviation ends without a letter or has seven
        return True
    at = len(before)
    while at and (before[at - 1].isalnum() or before[at - 1] == "_"):
        at -= 1
    word = before[at:].lower()
    if following[0].isdigit() and word in _BEFORE_NUMBER:
        return False
    # a title does not end a sentence; a single letter only where it is an initial
    if len(word) > 1 or not word.isascii():
        return word not in _ABBREVIATIONS or (word == "ms" and before[:at].rstrip()[-1:].isdigit())
    return not (before[-2:-1].isspace() or before[-2:-1] in ("", ".")) and before[-3:].lower() not in ("e.g", "i.e")
