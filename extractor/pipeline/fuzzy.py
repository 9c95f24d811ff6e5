"""Misspelt names of drugs and tumours, and abbreviations that a note defines itself.

Two tools of scispaCy: its ``CandidateGenerator`` (cosine of character 3-grams) over a knowledge base of our own names and
their look-alikes, and ``find_abbreviation`` of its ``AbbreviationDetector`` for "long form (SF)". Both are loaded only
when a cheap gate has found something: a word that no pattern knows and that is one or two slips from a name, or a
bracket that defines a short form behind a name. A link found so is flagged (``attributes.fuzzy``, ``.abbreviation``).

    >>> edits("carboplatni", "carboplatin", limit=2)
    1
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .. import patterns as pattern_files
from ..frozen import dataclass
from ..patterns import Concept, Patterns
from ..records import Draft
from .lexicon import Hit, Lexicon, Words, fold

if TYPE_CHECKING:
    from .text import NoteText

#: families whose names are looked for behind a slip of the pen
FAMILIES = ("therapy", "histology")
MINIMUM = 8  # letters of a word that may be corrected
SIMILARITY = 0.45  # least cosine of the best name
MARGIN = 0.1  # … and its lead over another name that is as few slips away
_MEMO_LIMIT = 200_000
_WORDS = re.compile(rf"[a-z]{{{MINIMUM},}}")
_TUMOUR = re.compile(r"(?:oma|omas|carcinoid|leukemia|leukaemia|neuroendocrine)$")
_DEFINED = re.compile(r"\s*(?:\w+\s+){0,2}\((?P<short>[A-Za-z][A-Za-z0-9-]{1,9})\)")
_REACH = 70


@dataclass(frozen=True, slots=True)
class Link:
    """A stretch of the text that was read as a name it does not spell."""

    start: int
    end: int
    key: str  # "fuzzy" or "abbreviation"
    written: str


def edits(a: str, b: str, *, limit: int) -> int:
    """Slips between two words (insert, drop, change, swap of neighbours); ``limit + 1`` where there are more."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        earlier, before, row = before, row, [i]
        for j, right in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def _is_drug(concept: Concept) -> bool:
    return "class" in concept.data


def _deletes(word: str) -> set[str]:
    return {word, *(word[:i] + word[i + 1 :] for i in range(len(word)))}


class Fuzzy:
    """Finds links in a note. Build it once in each process; what it has decided of a word it remembers."""

    def __init__(self, patterns: Patterns, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.targets: dict[str, set[str]] = {}  # word -> its concepts
        self.known: set[str] = set(pattern_files.table("lookalikes")["words"])
        for concept in patterns.concepts:
            for name in (*concept.names, *concept.cased, *concept.guards):
                words = re.findall(r"[a-z]+", fold(name))
                self.known.update(words)
                if concept.family in FAMILIES and concept.data.get("kind") != "generic":
                    alone = concept.family == "therapy" and len(words) == 1 and _is_drug(concept)
                    for word in words:
                        if len(word) >= MINIMUM and (alone or _TUMOUR.search(word)):
                            self.targets.setdefault(word, set()).add(concept.concept if alone else word)
        for _, phrase, _ in patterns.guards:
            self.known.update(re.findall(r"[a-z]+", fold(phrase)))
        self._index: dict[str, list[str]] = {}
        for word in sorted(self.targets):
            for form in _deletes(word):
                self._index.setdefault(form, []).append(word)
        self._memo: dict[str, str | None] = {}
        self._sound: set[str] = set()  # words that were looked at and need no correction

    # -- gates ------------------------------------------------------------------------------------------------------
    def correct(self, word: str) -> str | None:
        """The name that an unknown word misspells, or None.

        Needs one slip (two from 10 letters on), the same first letter, a high similarity and a clear lead.
        """
        if word in self._memo:
            return self._memo[word]
        if len(self._memo) > _MEMO_LIMIT:
            self._memo.clear()
        found = self._memo[word] = self._correct(word)
        return found

    def _correct(self, word: str) -> str | None:
        if word in self.known or (word[-1] == "s" and (word[:-1] in self.known or word[:-2] in self.known)):
            return None
        limit = 2 if len(word) >= 10 else 1
        near: set[str] = set()
        for form in _deletes(word):
            near.update(self._index.get(form, ()))
        near = {n for n in near if n[0] == word[0] and edits(word, n, limit=limit) <= limit}
        if not near or any(word.startswith(n) or n.startswith(word) for n in near if abs(len(n) - len(word)) > 1):
            return None
        if any(k[:4] == word[:4] and edits(word, k, limit=1) <= 1 for k in self._lookalikes.get(word[:4], ())):
            return None
        return self._link(word, near)

    @cached_property
    def _lookalikes(self) -> dict[str, list[str]]:
        table: dict[str, list[str]] = {}
        for word in sorted(self.known - self.targets.keys()):
            if len(word) >= MINIMUM - 1:
                table.setdefault(word[:4], []).append(word)
        return table

    def _link(self, word: str, near: set[str]) -> str | None:
        """scispaCy decides among all names and look-alikes."""
        candidates = self._generator([word], k=10)[0]
        ranked = sorted(((max(c.similarities), c.concept_id) for c in candidates), reverse=True)
        score, best = next(((s, w) for s, w in ranked if w in near), (0.0, ""))
        if score < SIMILARITY:
            return None
        slips = edits(word, best, limit=2)
        for other, name in ranked:
            rival = name != best and not self._same(best, name) and edits(word, name, limit=2) <= slips
            if rival and score - other < MARGIN:
                return None
        return best

    def _same(self, a: str, b: str) -> bool:
        """Two spellings of one thing ("carboplatin", "carboplatine"; "carcinoma", "carcinomas")."""
        return (
            bool(self.targets.get(a, set()) & self.targets.get(b, set()))
            or edits(a, b, limit=2) <= 1
            or b.startswith(a)
        )

    @cached_property
    def _generator(self) -> Any:
        """scispaCy's candidate generator over our words; its index is exact, since ours is small."""
        import numpy
        from scispacy.candidate_generation import CandidateGenerator
        from scispacy.linking_utils import Entity, KnowledgeBase
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = sorted(self.targets.keys() | {w for w in self.known if len(w) >= MINIMUM - 1})
        base = KnowledgeBase(
            [Entity(concept_id=w, canonical_name=w, aliases=[], types=[], definition=None) for w in words]
        )
        aliases = sorted(base.alias_to_cuis)
        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), min_df=1, use_idf=False, dtype=numpy.float32
        )
        vectors = vectorizer.fit_transform(aliases)

        class Exact:
            """Nearest neighbours by the cosine itself."""

            def knnQueryBatch(self, queries: Any, k: int) -> list[tuple[Any, Any]]:
                answers = []
                for row in range(queries.shape[0]):
                    scores = (vectors @ queries[row].T).toarray().ravel()
                    best = numpy.argsort(-scores, kind="stable")[:k]
                    answers.append((best, 1.0 - scores[best]))
                return answers

        return CandidateGenerator(
            ann_index=Exact(), tfidf_vectorizer=vectorizer, ann_concept_aliases_list=aliases, kb=base
        )

    # -- links ------------------------------------------------------------------------------------------------------
    def extend(self, view: NoteText) -> list[Link]:
        """Adds the hits of misspelt and abbreviated names to the note; says where they stand."""
        links = []
        ascii_only = view.folded.isascii()  # then the words of the note are runs of a-z
        words = view.vocabulary if ascii_only else frozenset(_WORDS.findall(view.folded))
        for word in sorted(words - self._sound):
            name = self.correct(word) if len(word) >= MINIMUM and word.isalpha() else None
            if name is not None:
                links += self._respell(view, word, name)
            else:
                self._sound.add(word)
        if len(self._sound) > _MEMO_LIMIT:
            self._sound.clear()
        for family in FAMILIES:
            for hit in tuple(view.hits.get(family, ())):
                if family == "therapy" and not _is_drug(hit.concept):
                    continue
                match = _DEFINED.match(view.text, hit.end, min(len(view.text), hit.end + 44))
                if match is not None:
                    links += self._define(view, family, hit, match)
        return links

    def _respell(self, view: NoteText, word: str, name: str) -> list[Link]:
        """Reads the words around each place of a misspelt word as if it were spelt right."""
        links = []
        for match in re.finditer(rf"(?<![a-z]){word}(?![a-z])", view.folded):
            begin, stop = max(0, match.start() - _REACH), min(len(view.text), match.end() + _REACH)
            snippet = view.text[begin : match.start()] + name + view.text[match.end() : stop]
            at, change = match.start() - begin, len(word) - len(name)
            for family, hits in self.lexicon.scan(snippet, Words(fold(snippet))).items():
                if family not in FAMILIES:
                    continue
                for hit in hits:
                    if not hit.start < at + len(name) or not hit.end > at:
                        continue
                    end = hit.end + change if hit.end >= at + len(name) else match.end() - begin
                    _insert(view, family, replace(hit, start=begin + hit.start, end=begin + end))
                    links.append(Link(begin + hit.start, begin + end, "fuzzy", view.text[match.start() : match.end()]))
        return links

    def _define(self, view: NoteText, family: str, hit: Hit, match: re.Match[str]) -> list[Link]:
        """Every other place of a short form that the note defines behind a name."""
        short = match["short"]
        start = match.start("short")
        if any(h.start <= start < h.end for h in view.hits[family]) or not any(c.isupper() for c in short):
            return []
        if not self._abbreviates(view.text[hit.start : match.start("short") - 1], short):
            return []
        links = []
        for place in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(short)}(?![A-Za-z0-9])", view.text):
            if family == "histology":
                self._take_back(view, family, place.span())
            if place.start() == start or any(
                h.start < place.end() and place.start() < h.end for h in view.hits[family]
            ):
                continue
            _insert(view, family, replace(hit, start=place.start(), end=place.end()))
            links.append(Link(place.start(), place.end(), "abbreviation", view.text[hit.start : hit.end]))
        return links

    @staticmethod
    def _take_back(view: NoteText, family: str, span: tuple[int, int]) -> None:
        """What the short form means elsewhere it does not mean in this note: "urothelial carcinoma (UC)" is no colitis."""
        for other, hits in view.hits.items():
            if other != family and any((h.start, h.end) == span for h in hits):
                hits[:] = [h for h in hits if (h.start, h.end) != span]

    @cached_property
    def _blank(self) -> Any:
        import spacy

        return spacy.blank("en")

    def _abbreviates(self, long_form: str, short: str) -> bool:
        """scispaCy's reading of "long form (SF)": do the letters of the short form stand in the long one?"""
        letters = iter(long_form.lower())  # without its letters in order no reading is possible, and nothing need be loaded
        if not all(letter in letters for letter in short.lower() if letter.isalnum()):
            return False
        from scispacy.abbreviation import find_abbreviation

        doc = self._blank(f"{long_form.strip()} ({short})")
        bracket = max((t.i for t in doc if t.text == "("), default=0)
        if bracket == 0:
            return False
        _, found = find_abbreviation(doc[:bracket], doc[bracket + 1 : len(doc) - 1])
        return found is not None


def _insert(view: NoteText, family: str, hit: Hit) -> None:
    """Puts a hit in its place; a shorter hit of the family that it covers gives way."""
    hits = view.hits.setdefault(family, [])
    hits[:] = [h for h in hits if h.end <= hit.start or h.start >= hit.end]
    hits.insert(bisect_left([h.start for h in hits], hit.start), hit)


def flag(drafts: Iterable[Draft], links: list[Link]) -> list[Draft]:
    """Drafts that rest on a link carry what was written."""
    flagged = []
    for draft in drafts:
        start, end = draft.anchor or (draft.start, draft.end)
        link = next((link for link in links if link.start < end and start < link.end), None)
        if link is not None and draft.family in FAMILIES:
            draft = replace(draft, attributes={**draft.attributes, link.key: link.written})
        flagged.append(draft)
    return flagged
