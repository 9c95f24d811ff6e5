"""From a note to facts, trigger first.

One pass over the raw text finds every name of the pattern files; only the sentences that hold one are looked at; each
family reads its drafts there; the engine adds what all facts share: assertion, date, section, identity.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib
import os
import pkgutil
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property, lru_cache
from types import ModuleType

from .. import families as family_package
from .. import patterns as pattern_files
from ..dates import DateSpan, infer_order
from ..gated import Gated
from ..records import SUPPORT, Draft, Fact, Note, fact_id
from .assertion import Assertor, Qualifier, numbered_risk
from .forms import chosen
from .fuzzy import Fuzzy, flag
from .lexicon import Lexicon
from .scanned import joined, mended
from .text import NoteText, Sentence
from .view import calm, composed, recased, unwrapped

_WORD = re.compile(r"\w+")
_CAPITALS = re.compile(r"\b[A-Z]{3,6}\b")
#: a line that begins with a date and a colon, or with a panel and its date: an entry dated as a whole
_DATED_ITEM = re.compile(
    r"[ \t]*(?:[-*\u2022>][ \t]*)?(?:(?:labs?|lab results?|laboratory|bloods?|blood ?work|bloodwork|biologie|bilan|nfs|labor|cbc|cmp|bmp|"
    r"chemistr\w+|hematology|vitals?|prise de sang)[ \t]+(?:(?:du|of|from|on|le|vom|van|drawn)[ \t]+)?)?\(?\d[\d/.\-]{3,9}\)?[ \t]*:",
    re.IGNORECASE,
)
#: lines that hold a date and head nothing: items of a list, what a study is compared with
_NO_HEADING = re.compile(r"[-*\u2022>]|\d+[.)]|(?:compar|prior|previous|vs\b)", re.I)
#: how the title of a report begins
_STUDY = re.compile(
    r"(?:CT|MRI|MR|IRM|TDM|PET|TEP|TTE|ECG|EKG|CXR|US|echo\w*|scan\w*|ultrasound|x-?ray|chest|brain|abdom\w*)\b", re.I
)
_CLAUSE = re.compile(r"[;]|,\s|\.\s|\bthen\b|\bbut\b|→|->|\n")


@lru_cache(maxsize=1)
def family_modules() -> tuple[ModuleType, ...]:
    """Every module of ``extractor.families`` that reads a family, by name."""
    found = []
    for info in sorted(pkgutil.iter_modules(family_package.__path__), key=lambda i: i.name):
        module = importlib.import_module(f"{family_package.__name__}.{info.name}")
        if hasattr(module, "FAMILY"):
            found.append(module)
    return tuple(found)


@lru_cache(maxsize=4)
def compiled(overlay: str | None = None) -> tuple[pattern_files.Patterns, Lexicon]:
    keys: dict[str, frozenset[str]] = {}
    for module in family_modules():  # several modules may share a family ("support")
        keys[module.FAMILY] = keys.get(module.FAMILY, frozenset()) | module.KEYS
    patterns = pattern_files.load(overlay, keys)
    return patterns, Lexicon(patterns)


_RISK_WORDS = frozenset({"complication", "complications", "risk", "risks", "effects"})


class Engine:
    """Reads notes. Build it once in each process.

    >>> import datetime
    >>> note = Note("p", "n", datetime.date(2025, 3, 1), "note", "Platelets 142 K/uL.")
    >>> [(f.concept, f.value) for f in Engine().facts(note)]
    [('platelets', 142.0)]
    """

    def __init__(self, *, date_order: str = "auto", overlay: str | os.PathLike[str] | None = None) -> None:
        self.date_order = date_order
        self.patterns, self.lexicon = compiled(os.fspath(overlay) if overlay else None)
        self.assertor = Assertor()
        self.fuzzy = Fuzzy(self.patterns, self.lexicon)
        self.readers: list[tuple[str, Callable[[NoteText], Iterable[Draft]], bool]] = []
        for module in family_modules():
            setup = getattr(module, "setup", None)
            if setup is not None:
                setup(self.patterns)
            self.readers.append((module.FAMILY, module.read, getattr(module, "ALWAYS", False)))

    @cached_property
    def capitals(self) -> dict[str, str]:
        """Abbreviations as they are written, by their small letters."""
        small = pattern_files.table("lookalikes")["small_letters"]
        words = {word for concept in self.patterns.concepts for name in concept.cased for word in _CAPITALS.findall(name)}
        clear = {word.lower(): word for word in words} | {word: word.upper() for word in small["short"]}
        return {word: written for word, written in clear.items() if word not in small["words"]}

    def text(self, text: str, note_date: datetime.date | None = None, note_type: str = "") -> NoteText:
        order = self.date_order
        if order == "auto":
            order = infer_order(text, note_date) or "mdy"
        read, places = joined(*composed(text), self.lexicon.words)
        return NoteText(
            mended(calm(chosen(recased(unwrapped(read), self.capitals))), self.lexicon.words),
            lexicon=self.lexicon,
            note_date=note_date,
            note_type=note_type,
            date_order=order,
            places=places,
        )

    def facts(self, note: Note) -> list[Fact]:
        """All facts of one note, in the order of the text; vocabulary and support facts together."""
        if not note.text or note.text.isspace():
            return []
        view = self.text(note.text, note.note_date, note.note_type)
        return self.complete(note, view, self.drafts(view))

    def drafts(self, view: NoteText) -> list[Draft]:
        links = self.fuzzy.extend(view)
        hits = view.hits
        drafts: list[Draft] = []
        for family, read, always in self.readers:
            if always or family in hits:
                drafts.extend(read(view))
        return flag(drafts, links) if links else drafts

    def complete(self, note: Note, view: NoteText, drafts: Iterable[Draft]) -> list[Fact]:
        by_sentence: dict[int, tuple[Sentence, list[Draft]]] = {}
        for draft in drafts:
            anchor = draft.anchor[0] if draft.anchor else draft.start
            sentence = view.sentence_at(anchor)
            by_sentence.setdefault(sentence.index, (sentence, []))[1].append(draft)
        facts: dict[str, Fact] = {}
        for _, (sentence, group) in sorted(by_sentence.items()):
            qualifiers = self._qualify(view, sentence, group)
            dates: list[DateSpan] | None = None
            sha = sentence_sha(sentence)
            for draft, qualifier in zip(group, qualifiers, strict=True):
                when = draft.date
                if when is None:
                    if dates is None:
                        dates = _without_values(view.text, sentence.dates, group)
                    when = tie(view, sentence, draft, dates)
                fact = _fact(note, view, sentence, draft, qualifier, when, sha)
                facts.setdefault(fact.fact_id, fact)
        return sorted(facts.values(), key=lambda f: (f.start, f.end, f.concept, f.fact_id))

    def _qualify(self, view: NoteText, sentence: Sentence, group: list[Draft]) -> list[Qualifier]:
        spans = [draft.anchor or (draft.start, draft.end) for draft in group]
        found = self.assertor.resolve(view, sentence.start, sentence.end, spans, section=sentence.section)
        if _RISK_WORDS.isdisjoint(view.vocabulary):
            return found
        return [
            replace(qualifier, assertion="hypothetical")
            if qualifier.assertion == "present" and numbered_risk(view.folded, start)
            else qualifier
            for qualifier, (start, _) in zip(found, spans, strict=True)
        ]


def _fact(
    note: Note,
    view: NoteText,
    sentence: Sentence,
    draft: Draft,
    qualifier: Qualifier,
    when: tuple[datetime.date, datetime.date, str] | None,
    sha: str,
) -> Fact:
    if when is None:
        start = end = note.note_date
        precision = "note"
    else:
        start, end, precision = when
    words = view.text[draft.start : draft.end].rstrip()
    first, last = view.place(draft.start), view.place(draft.start + len(words))
    told_apart = f"{draft.value}|{draft.value_high}|{draft.value_text}|{start if when else ''}"
    told_apart += f"|{sorted(draft.attributes.items(), key=str)}" if draft.attributes else ""
    return Fact(
        fact_id=fact_id(note.note_id, first, last, draft.concept, told_apart),
        patient_id=note.patient_id,
        note_id=note.note_id,
        note_date=note.note_date,
        note_type=note.note_type,
        family=draft.family,
        concept=draft.concept,
        code=draft.code,
        value=draft.value,
        value_high=draft.value_high,
        comparator=draft.comparator or ("=" if draft.value is not None else None),
        unit=draft.unit,
        value_as_written=draft.value_as_written,
        unit_as_written=draft.unit_as_written,
        value_text=draft.value_text,
        ref_low=draft.ref_low,
        ref_high=draft.ref_high,
        assertion=draft.assertion or _asserted(draft, qualifier),
        experiencer=draft.experiencer or _who(draft, qualifier),
        temporality=draft.temporality or qualifier.temporality,
        date_start=start,
        date_end=end,
        date_precision=precision,
        attributes=draft.attributes,
        section=sentence.section,
        copied_from=None,
        start=first,
        end=last,
        text=note.text[first:last],
        rule_id=draft.rule_id,
        sentence_sha=sha,
    )


#: families of measurements, which are taken from the patient
_OWN = frozenset({"lab", "vital", "performance", "cardiac", "serology"})
#: what a plan makes of a supporting statement; the therapy families read plans themselves
_PLANNED = {"planned": "hypothetical", "declined": "absent", "never_started": "absent"}


def _asserted(draft: Draft, qualifier: Qualifier) -> str:
    if draft.family in (SUPPORT, "administrative") and qualifier.assertion == "present" and qualifier.plan:
        return _PLANNED.get(qualifier.plan, "present")
    return qualifier.assertion


def _who(draft: Draft, qualifier: Qualifier) -> str:
    """Whose fact it is; a measurement is the patient's even under "Family history" unless its sentence names a relative."""
    if draft.family in _OWN and not any(category == "family" for category, _, _ in qualifier.cues):
        return "patient" if qualifier.experiencer == "family" else qualifier.experiencer
    return qualifier.experiencer


def sentence_sha(sentence: Sentence) -> str:
    """Digest of a sentence's words, "" below 8 words: what copy-forward is found by."""
    words = sentence.words
    if len(words) < 8:
        return ""
    return hashlib.blake2b(" ".join(words).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _without_values(text: str, dates: list[DateSpan], group: list[Draft]) -> list[DateSpan]:
    """Dates of a sentence without those that were read as values ("BP 12/8")."""
    taken = [(d, d.value_as_written) for d in group if d.value is not None and d.value_as_written]
    return [
        date
        for date in dates
        if not any(
            d.start <= date.start and date.end <= d.end and text[date.start : date.end] in written
            for d, written in taken
        )
    ]


def tie(
    view: NoteText, sentence: Sentence, draft: Draft, dates: list[DateSpan]
) -> tuple[datetime.date, datetime.date, str] | None:
    """The date that belongs to a draft: in its own clause first, else the only date of the sentence, else the header.

    Of several dates in a clause the nearest counts; one before the mention wins over one behind it at equal distance.
    """
    position = draft.anchor[0] if draft.anchor else draft.start
    end = draft.end
    if draft.family == "toxicity" and draft.anchor:  # "colitis in August, CTCAE grade 3"
        inside = [d for d in dates if draft.anchor[1] <= d.start and d.end <= draft.end]
    else:  # "PD 10/2025 (liver"
        inside = [d for d in dates if draft.start < d.start and d.end < draft.end] if draft.value is None else []
    if len(inside) == 1:
        return _interval(inside[0])
    text = view.text
    usable = [d for d in dates if not (d.start >= draft.start and d.end <= draft.end)] or dates
    usable = [d for d in usable if _belongs(text, sentence, position, end, d, draft)]
    if not usable:
        return header_date(view, sentence) or narrative_date(view, sentence, visit=draft.family in _OF_THE_VISIT)
    if len(usable) == 1:
        return _interval(usable[0])

    def distance(span: DateSpan) -> tuple[int, int]:
        behind = span.start >= end
        between = text[end : span.start] if behind else text[span.end : position]
        return len(_CLAUSE.findall(between)), len(between) + (0 if not behind else 1)

    return _interval(min(usable, key=distance))


def header_date(view: NoteText, sentence: Sentence) -> tuple[datetime.date, datetime.date, str] | None:
    """The date in the heading above a block: a short line such as "Labs 10/03/2025:" with no blank line between."""
    text = view.text
    begin = text.rfind("\n", max(0, sentence.start - 1500), sentence.start) + 1
    lead = _DATED_ITEM.match(text, begin)
    if lead is not None and lead.end() < sentence.start:  # "- 10/2025: cough. CT clear." goes on about October
        spans = view.dates_between(begin, lead.end())
        if len(spans) == 1:
            return _interval(spans[0])
    begin = text.rfind("\n\n", max(0, sentence.start - 1500), sentence.start)
    section = view.section_of(sentence.start)
    begin = max(begin, section.start if section else 0, sentence.start - 1500, 0)
    index = sentence.index - 1
    while index >= 0:
        above = view.sentence(index)
        if above is None or above.start < begin:
            break
        short = above.end - above.start < 70
        if short and above.section != "comparison" and is_line(text, above.start, above.end):
            spans, piece = above.dates, above.text
            if (
                len(spans) == 1
                and len(_WORD.findall(piece)) <= 12
                and not _BORN.search(text[above.start : spans[0].start])
                and (piece[-1] == ":" or is_header(piece, spans[0], above.start))
            ):
                return _interval(spans[0])
        index -= 1
    if section and section.body <= sentence.start:
        heading_end = section.start + len(section.heading)
        spans = view.dates_between(heading_end, min(view.line(section.start)[1], heading_end + 24))
        if len(spans) == 1 and not _WORD.search(text, heading_end, spans[0].start):
            return _interval(spans[0])
    return None


# the date stands in brackets that belong to something named after the mention: "ES-SCLC on lurbinectedin (C3 12/22)"
_IN_BRACKETS = re.compile(r"^\W*+\w++\W++\w++[^()]*+\([^)]*+$")
#: what one study denies, one by one: "MRI 3/25/2026 no recurrence, no new lesion, no LMD"
_DENIALS = re.compile(r"[\s:,-]*(?:(?:no|without|negative for|neg for)\s[^,;.]{1,40}[,;]\s*(?:and\s)?)*(?:no|without|negative for|neg for)\s[^,;.]{0,30}", re.IGNORECASE)
#: behind the comma the same condition goes on: "stroke (R MCA), admitted 1/21/2025"
_SAME_ITEM = re.compile(
    r"\s*(?:\([^()]{1,30}\))?,\s*(?:was |were )?(?:admitted|hospitali[sz]ed|diagnosed|dx.?d?|treated|found|onset|discovered)(?:\s(?:on|in|at|for it))*\s*",
    re.IGNORECASE,
)
#: a time that the date behind it says more exactly: "last week (10/22)", "2 years ago, in 2023"
_TOLD_TWICE = re.compile(
    r"\s*(?:(?:last|this|past) (?:week|month|year|spring|summer|fall|autumn|winter|\w+day)|"
    r"(?:\d{1,2}|an?|one|two|three|four|five|six|seven|eight|nine|ten|a few|several) (?:days?|weeks?|months?|years?) ago),?\s*\(?(?:(?:in|on|about|approximately|around)\s+)*",
    re.IGNORECASE,
)
#: "creatinine 168 (she was 92 in January)": the date is the former value's
_FORMER = re.compile(
    r"\(\s*(?:she |he |it |which )?(?:was|were|previously|prior|had been|from|baseline|down from|up from|compared)\b[^()]*$",
    re.IGNORECASE,
)
#: ... unless only other values stand between: "calcitonin 8420, CEA 312 ng/mL (2/20/26)"
_NEXT_VALUE = re.compile(r"[,;]|\band\b")
_VALUE = re.compile(r"[A-Za-z][\w -]{0,20} [<>]?\d[\d.,]{0,10} ?[\w/%µ^*]{0,12}")
#: "SCLC s/p carboplatin, last dose 1/5": the date is the treatment's
_TUMOUR = frozenset({"histology", "stage"})
_TREATED = re.compile(
    r"\b(?:s/p|status post|then|received|treated|started|after|on [12345]l|last dose)\b", re.IGNORECASE
)
#: a birth date is the date of nothing else
_BORN = re.compile(
    r"\b(?:dob|d\.o\.b\.?|ddn|birth ?date|date of birth|born(?: on)?|n[ée]+e? le|date de naissance|geb(?:oren)?\.?(?: am| op)?|nat[oa] il)\s*[:=]?\s*$"
    #: the head of a letter: "Mrs Anna K, 14.02.1957"
    r"|^\s*(?:re:?\s*)?(?:mr|mrs|ms|miss|mme|madame|monsieur|herrn?|frau|dhr|mevr|mevrouw)\b\.?\s[a-z'*. -]{1,40}[,;(]\s*$",
    re.IGNORECASE,
)
#: "s/p EP (last 22/08/25), now POD": what is now has not the date before it
_NOW = re.compile(r"[,;)]\s*(?:and\s+|but\s+|mais\s+)?(?:now|currently|maintenant|actuellement)\b", re.IGNORECASE)
_NEXT_ITEM = re.compile(r",|;|\band\b")
#: families whose mentions stand in lists of which one item has a date ("HTN, COPD, MI in 2003")
_LISTED = frozenset({"condition"})
#: ... and measurements, which are not dated by the year of a neighbour ("thyroidectomy 2018, calcitonin 4320")
_MEASURED = frozenset({"lab", "biomarker", "serology", "vital", "performance", SUPPORT})


def _belongs(text: str, sentence: Sentence, position: int, end: int, span: DateSpan, draft: Draft) -> bool:
    """Can the date be the mention's? A duration is its neighbour's; in a list of conditions a date is its own item's.

    A date that opens the sentence, or stands before a colon, is everybody's.
    """
    between = text[end : span.start] if span.start >= end else text[span.end : position]
    if span.start >= end and draft.family in _LISTED and _SAME_ITEM.fullmatch(between):
        between = ""
    if span.start >= end and _TOLD_TWICE.fullmatch(between):
        between = ""
    if span.start >= end and _IN_BRACKETS.search(between):
        return draft.family in _MEASURED and _only_values(between)
    bracket = text.rfind("(", sentence.start, span.start)
    if bracket >= 0 and not draft.start <= bracket < draft.end and _FORMER.match(text, bracket, span.start):
        return False
    if draft.family in _TUMOUR and _TREATED.search(between):
        return False
    if span.end <= position and _NOW.search(between):
        return False
    lead = text[sentence.start : span.start]
    if draft.family != "demographic" and _BORN.search(lead):
        return False
    opens = span.start < position and len(lead) < 30 and "," not in lead
    if opens and draft.family in _LISTED:  # "PMH: MI in 2011, AF": the first item's own date
        opens = all(hit.end > span.start for hit in sentence.hits(draft.family))
    if draft.family == "demographic":  # "diagnosed at age 61 (2019)": else an age is the age of the note
        return opens or (span.start >= end and len(between) <= 6)
    if span.kind == "duration":
        return not _NEXT_ITEM.search(between) and len(between) < 40
    listed = draft.family in _LISTED or (span.precision == "year" and draft.family in _MEASURED)
    if not listed or not _NEXT_ITEM.search(between):
        return True
    if span.end <= position and _DENIALS.fullmatch(between):
        return True
    return opens or (span.start < position and ":" in between)


def _only_values(between: str) -> bool:
    """Do other values, and nothing else, stand between a value and a bracket?"""
    first, *others = _NEXT_VALUE.split(between.rstrip(" ("))
    return not first.strip() and bool(others) and all(_VALUE.fullmatch(item.strip()) for item in others)


#: a date that tells when an episode began ("In March 2010 he ...", "at follow-up in February 2010 he ...")
_EPISODE = re.compile(r"(?:\bin|\bon|\bby|\bduring|^at|\bsince)\s+$", re.IGNORECASE)
_PAST = frozenset(
    "was were underwent refused declined received revealed showed demonstrated confirmed developed had did complained "
    "presented experienced noticed noted found started began completed achieved died".split()
)
_NOT_THEN = frozenset(
    "is are has have currently now today remains will history year years month months week weeks day days later after "
    "before next previous previously prior earlier ago cycle cycles".split()
)
_VISIT = Gated(r"\b(?:subsequent visit|follow-up)\b")
_EPISODE_SENTENCES = 4
#: what is measured at a visit: an episode's date is its own only where the episode opens with it
_OF_THE_VISIT = frozenset({"vital", "performance"})
_OPENING = re.compile(r"\W*(?:in|on|by|during|at|since)\b", re.IGNORECASE)


def narrative_date(
    view: NoteText, sentence: Sentence, *, visit: bool = False
) -> tuple[datetime.date, datetime.date, str] | None:
    """The date that a sentence before opened an episode with, in prose: "In March 2010 ... . He refused surgery."

    Within the paragraph, a few sentences on, past tense only: a report of today takes no old date, and a sentence that
    moves on in time ("three months later") ends the episode.
    """
    if not _told(sentence):
        return None
    between = [sentence]
    for back in range(1, _EPISODE_SENTENCES + 1):
        above = view.sentence(sentence.index - back)
        if above is None or "\n\n" in view.text[above.end : between[-1].start]:
            return None
        dates = above.dates
        if dates:
            opens = len(dates) == 1 and dates[0].kind == "date" and dates[0].precision != "year"
            lead = view.text[above.start : dates[0].start]
            opens = opens and _EPISODE.search(lead) is not None and not _PAST.isdisjoint(above.words)
            if visit and not _OPENING.match(lead):  # "he was PS 1 in March. Sats were 93 %"
                return None
            return _interval(dates[0]) if opens and all(map(_told, between[1:])) else None
        between.append(above)
    return None


def _told(sentence: Sentence) -> bool:
    """Does the sentence tell of the past without moving on in time?"""
    words = sentence.words
    return not _PAST.isdisjoint(words) and _NOT_THEN.isdisjoint(words) and _VISIT.search(sentence.folded) is None


def is_line(text: str, start: int, end: int) -> bool:
    """A sentence that fills its line, is no item of a list and no line of comparison."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    stop = text.find("\n", end)
    behind = text[end : len(text) if stop < 0 else stop]
    return not before.strip() and not behind.strip() and not _NO_HEADING.match(text, start)


def is_header(piece: str, span: DateSpan, offset: int) -> bool:
    """A line that is a label and a date and nothing else: the day of what follows, or the title of a study.

    A month or a year in such a line tells when something was, not when the block was written.
    """
    if span.precision != "day":
        return False
    before, behind = piece[: span.start - offset], piece[span.end - offset :]
    if _STUDY.match(piece) and not _WORD.findall(behind) and not re.search(r"\d", before):
        return True
    return len(_WORD.findall(before + behind)) <= 4 and not re.search(r"\d", before + behind)


def _interval(span: DateSpan) -> tuple[datetime.date, datetime.date, str]:
    return span.earliest, span.latest, span.precision
