"""Sections of a note: the headings of ``patterns/sections.toml``, and where what stands below each of them ends.

A section gives what stands in it a default (a relative's, of the past, advice, an agent); so it must not run on into the
patient's story, which often follows without a heading.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from itertools import chain

from .. import patterns as pattern_files
from .lexicon import fold


class Section:
    """A stretch of the note under one heading; ``name`` is the category of ``patterns/sections.toml``."""

    __slots__ = ("body", "end", "heading", "name", "start")

    def __init__(self, name: str, start: int, body: int, end: int, heading: str) -> None:
        self.name, self.start, self.body, self.end, self.heading = name, start, body, end, heading


# a line's label, and a label in capitals behind a stop (dictated notes run their headings into the text)
# all begin with a character, so that a search jumps from one candidate to the next
_LINE_LABEL = re.compile(r"\n[ \t#*=_\d.)-]*([^\W\d_][^:=\n]{0,59})")
_FIRST_LABEL = re.compile(r"[ \t#*=_\d.)-]*([^\W\d_][^:=\n]{0,59})")
_INNER_LABEL = re.compile(
    r"[.,;:](?:[\"”')]? ?(?P<inline>[A-Z][A-Z/&-]*(?: [A-Z/&()-]+){0,5})|(?<=\.) (?P<title>[A-Z][a-zé]+(?: [A-Za-zé]+){0,3} ?))(?=:)"
)
#: headings that are no words of a sentence, wherever they stand in a line
_SURE_LABEL = re.compile(
    r"(?P<title>[ACDFHMPRS](?:(?:(?<=P)ast (?:[Mm]edical|[Ss]urgical) |(?<=F)amily |(?<=S)ocial |(?<=R)eview [Oo]f |(?<=P)hysical )"
    r"(?:[Hh]istory|[Ss]ystems|[Ee]xam(?:ination)?) ?|(?:(?:(?<=C)urrent |(?<=H)ome |(?<=D)ischarge )M|(?<=M))edications ?|(?<=A)llergies ?))(?=:)"
)
#: how far a heading inside a line reaches where the next one stands in the same line
_TITLE_REACH = 900
_AFTER_NAME = re.compile(
    r"\s*(?:[-–]+\s|\(|\d|$|/|[a-z]{1,12}\s*$|,?\s*(?:reconciled|reviewed|verified|checked|updated|confirmed|unchanged|per|as|against)\b)"
)


#: sections that an abbreviation inside a running line opens for one sentence ("PMH: CAD, DM2. ECOG 1.")
_ONE_SENTENCE = frozenset(
    {"past_medical_history", "past_surgical_history", "family_history", "social_history", "allergies"}
)
#: ... and those that a heading in small letters opens there ("Allergies: NKDA. Medications: warfarin.")
_TITLED = _ONE_SENTENCE | {"medications"}
#: sections whose default would be wrong for what follows under a heading of its own
_OF_OTHERS = frozenset({"family_history", "past_medical_history", "past_surgical_history", "social_history", "allergies"})
_OWN_HEADING = re.compile(r"\b(?:HISTORY|HX|REVIEW|SYSTEMS|STUDIES|DATA|SUMMARY|COURSE|REPORTS?|RECORDS|SYMPTOMS|CONCLUSIONS?|DISCUSSION)$")
_SENTENCE_STOP = re.compile(r"\.(?=\s+[A-Z])|\n")
#: sections that are one line long: what follows the comparison's dates is the report again
_ONE_LINE = frozenset({"comparison", "technique"})
#: sections that end with their paragraph: the note goes on behind a pasted text
_ONE_PARAGRAPH = frozenset({"eligibility", "instructions"})
_BEGUN = re.compile(r"[ \t]*[^\s]")
_CONTENT = re.compile(r"\s*\S[^\n]*")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
#: a line that speaks of the patient again, or gives a dose, is no allergy, no vaccine and no habit
_OF_PATIENT_AGAIN = re.compile(
    r"\n[ \t]*(?:(?:the |this )?(?:patient|pt|veteran)\b(?!.?s\b)|(?:he|she|il|elle|er|sie|hij|zij|mr|mrs|ms|currently|today|discharged|admitted|started|"
    r"plan|has|had|known|received|le patient|la patiente|der patient|die patientin|de patient|sortie|actuellement|aktuell)\b"
    r"|on [a-z]+ \d|[^\n:]{0,60}\b\d+(?:[.,]\d+)? ?m?c?g(?:/|\b))"
)
#: ... and tells what is so, among criteria
_TELLS_OF_PATIENT = re.compile(
    r"\n[ \t]*(?:(?:the |this )?(?:patient|pt|veteran)|he|she) (?:has|had|is|was|takes|received|denies|reports|remains|currently)\b(?! (?:to|advised|told|instructed|asked)\b)"
)
#: what a line says that goes on with a section of one line: relatives, habits, vaccines, advice, the next agent
_GOES_ON = {
    "family_history": re.compile(
        r".*\b(?:mother|father|mom|dad|parents?|sisters?|brothers?|siblings?|sons?|daughters?|child(?:ren)?|aunts?|uncles?|cousins?|nieces?|nephews?|"
        r"grand\w+|maternal|paternal|family|relatives?|mere|pere|soeur|frere|tante|oncle|mutter|vater|schwester|bruder|moeder|vader|zus|broer)\b"
    ),
    "social_history": re.compile(
        r".*\b(?:tobacco|smok\w*|cigar\w*|alcohol|etoh|drinks?|drinking|drugs?|illicit|marijuana|cannabis|lives?|living|works?|worked|married|divorced|"
        r"widow\w*|single|retired|occupation|exercis\w*|exposures?|sexual\w*|caffeine|diet|children|tabac|alcool|rauch\w*|rook\w*)\b"
    ),
    "immunizations": re.compile(r".*(?:vaccin|immuni|shot|booster|influenza|\bflu\b|covid|pneumo|tetanus|tdap|zoster|shingrix)"),
    "instructions": re.compile(r".*\b(?:call|return|if|seek|contact|avoid|should|may|report|wash|emergency|ed|er|appelez|consulter|bei)\b"),
    "allergies": re.compile(r"(?!(?:the |this )?(?:patient|pt|he|she)\b)[^.\d\n]{2,45}$"),
}
_NO_ALLERGY = re.compile(r"\W*(?:nkda|nka|nkma|none|no known|no |nil|denies|unknown|aucune|pas d|keine|geen)")
_ITEM = re.compile(r"[ \t]*(?:[-*\u2022(]|[a-z]?\)|$)")


def _aside_end(category: str, text: str, folded: str, body: int, last: int) -> int:
    """Where a section ends that is not the patient's story.

    One that begins behind its heading has that line, and those that go on with it; one that begins below has its
    paragraph, and a family history the paragraphs that name a relative.
    """
    begun = _BEGUN.match(text, body) is not None
    content = _CONTENT.match(text, body)
    first_end = content.end() if content else last
    if not begun and category != "family_history":
        again = _OF_PATIENT_AGAIN.search(folded, first_end, last)
        return again.start() if again else last
    done = category == "allergies" and _NO_ALLERGY.match(folded, body) is not None
    begin, line_end = body, first_end
    while 0 <= line_end < last:
        stop = text.find("\n", line_end + 1, last)
        end = stop if stop >= 0 else last
        following = folded[line_end + 1 : end]
        wrapped = text[line_end - 1] == "," or (line_end - begin >= 55 and text[line_end - 1] not in ".;:")
        goes_on = wrapped or text[line_end + 1 : line_end + 2].islower() or _ITEM.match(following) is not None
        goes_on = goes_on or (not done and _GOES_ON[category].match(following) is not None)
        if not goes_on and (begun or not text[begin:line_end].strip()):
            return line_end
        begin, line_end = line_end + 1, stop
    return last


@lru_cache(maxsize=1)
def _headings() -> dict[str, str]:
    """Folded heading -> category of ``patterns/sections.toml``."""
    names: dict[str, str] = {}
    for category, item in pattern_files.table("sections")["section"].items():
        for name in item["headings"]:
            key = " ".join(fold(name).split())
            if names.setdefault(key, category) != category:
                raise pattern_files.PatternError(
                    f"patterns/sections.toml: {name!r} is a heading of {names[key]} and of {category}"
                )
    return names


@lru_cache(maxsize=1)
def _first_words() -> frozenset[str]:
    return frozenset(heading.split()[0] for heading in _headings())


def find_sections(text: str, folded: str) -> list[Section]:
    """Sections of a note in order; the text before the first heading has none."""
    names = _headings()
    found: list[Section] = []
    titled = False
    for start, end, kind in _labels(text):
        stop = text[end : end + 1]
        labelled = stop in (":", "=")
        category, length = _category(folded[start:end], names)
        last_stop = text.rfind(". ", start, end)
        if category is None and kind == "line" and last_stop > 0:  # "Seen today. Allergies: NKDA."
            start = last_stop + 2
            kind = "inline" if text[start:end].isupper() else "title"
            category, length = _category(folded[start:end], names)
        if category is None:
            of_others = bool(found) and (
                found[-1].name == "immunizations"
                or (found[-1].name in _OF_OTHERS and _OWN_HEADING.search(text, start, end) is not None)
            )
            if kind == "inline" and of_others:
                found[-1].end = min(found[-1].end, start)  # a heading that no list has ends a family history too
            continue
        rest = folded[start + length : end]
        if kind == "line":
            capitals = text[start : start + length].isupper()
            alone = not rest.strip(" \t-=*_") and stop in ("\n", "")
            dashed = capitals and bool(re.match(r"\s*(?:-|–)\s|\s*--", rest))
            if not ((labelled and _AFTER_NAME.match(rest)) or alone or dashed):
                continue
        sure = kind == "title" and category not in _TITLED and _SURE_LABEL.match(text, start) is not None
        if kind == "title" and ((category not in _TITLED and not sure) or rest.strip()):
            continue  # only headings that are no words of a sentence
        body = end + 1 if labelled else start + length
        if found:
            runs_on = titled and start - found[-1].body <= _TITLE_REACH and "\n" not in text[found[-1].body : start]
            found[-1].end = start if runs_on else min(found[-1].end, start)
        titled = kind == "title"
        last = len(text)
        if (kind == "inline" and length <= 4 and category in _ONE_SENTENCE) or kind == "title":
            stop_at = _SENTENCE_STOP.search(text, body)
            last = stop_at.start() + 1 if stop_at else last
        elif category in _ONE_LINE:
            last = text.find("\n", body)
            last = len(text) if last < 0 else last
        elif category in _ONE_PARAGRAPH or (category in _GOES_ON and _BEGUN.match(text, body)):
            blank = _BLANK_LINE.search(text, body)
            last = blank.start() if blank else last
        if category in _GOES_ON:
            last = _aside_end(category, text, folded, body, last)
        elif category in _ONE_PARAGRAPH:
            told = _TELLS_OF_PATIENT.search(folded, body, last)
            last = told.start() if told else last
        found.append(Section(category, start, body, last, text[start : start + length]))
    return found


def _labels(text: str) -> list[tuple[int, int, str]]:
    """(start, end, kind) of what can be a heading, in order: a line's label, or one inside a line ("inline", "title")."""
    found = []
    first = _FIRST_LABEL.match(text)
    for match in chain((first,) if first else (), _LINE_LABEL.finditer(text)):
        found.append((*match.span(1), "line"))
    starts = [start for start, _, _ in found]
    inner = set()
    for match in chain(_INNER_LABEL.finditer(text), _SURE_LABEL.finditer(text)):
        kind = match.lastgroup or ""
        start, end = match.span(kind)
        index = bisect_right(starts, start) - 1
        if index < 0 or found[index][1] <= start:
            inner.add((start, end, kind))
    return sorted([*found, *inner])


def _category(label: str, names: dict[str, str]) -> tuple[str | None, int]:
    """Category of a label and how many of its characters are the heading's name."""
    words = label.split()
    if not words or words[0].rstrip(",") not in _first_words():
        return None, 0
    direct = names.get(" ".join(words))
    if direct:
        return direct, len(label.rstrip())
    for count in range(min(len(words), 6), 0, -1):
        category = names.get(" ".join(words[:count]).rstrip(","))
        if category:
            position = 0
            for word in words[:count]:
                position = label.index(word, position) + len(word)
            return category, position
    return None, 0
