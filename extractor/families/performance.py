"""Performance status: ECOG (WHO, Zubrod: the same scale) from 0 to 5, Karnofsky in percent, ranges as ranges."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ..patterns import Patterns
from ..pipeline import values
from ..pipeline.dating import trend_dates
from ..pipeline.names import Name, merge
from ..pipeline.text import NoteText, Sentence
from ..records import Draft

FAMILY = "performance"
KEYS = frozenset({"plausible", "short"})

_ROMAN = {"i": 1.0, "ii": 2.0, "iii": 3.0, "iv": 4.0}
_SCORE = re.compile(
    r"(?P<low>[0-5])(?:\s?(?:-|–|—|to|or|/|a|and)\s?(?P<high>[1-5])(?!\d))?(?:\s?/\s?[45](?!\d))?(?![\d.,]\d|\d"
    r"|\s?%|\+\d|-?\s?(?:months?|weeks?|days?|years?))"
)
_KARNOFSKY = re.compile(r"(?P<low>100|[1-9]0|0)\s?%?(?:\s?(?:-|–|—|to|or|a)\s?(?P<high>100|[2-9]0))?\s?%?(?!\d|\.\d)")
_FILLER = re.compile(
    r"(?:\s|:|=|\b(?:score|grade|ps|who|oms|ecog|performance|status|scale|group|class|stage|currently|now|estimated|about"
    r"|approximately|assessed|of|at|as|is|was)\b|[(\[,~-])*"
)
_WHEN = (
    r"(?:\s*(?:at|on|in|as of|since)\s+(?:the\s+)?[a-z]{3,12}(?:\s+\d{1,4})?|\s+(?:today|last (?:week|month|visit)))?"
)
_BEFORE_OLDER = re.compile(
    r"[\s,;(]{0,80}+(?:was|previously|previous|prior|from|improv\w+ from|declin\w+ from|down from|up from"
    r"|worsen\w+ from|formerly)[\s:]*(?:ecog\s*|ps\s*)*"
)
_BEFORE_NEWER = re.compile(
    _WHEN
    + r"\s*+(?:->|→|-->|=>|(?:,?\s*+(?:and|but)\b)?\s*+(?:is\s+)?(?:,\s*+)?(?:now|currently|today)(?:\s+(?:is|at|of|to))?"
    r"|,?\s*(?:(?:and|but|then|now|has|had)\s+){0,3}(?:(?:it\s+)?(?:fell|dropped|decreas\w+|increas\w+|deteriorat\w+|went\s+(?:up|down)|changed)\s+to)"
    r"|,?\s*(?:(?:and|but|then|now|has|had)\s+){0,3}(?:improv\w+|declin\w+|worsen\w+)\s+to|\s+to(?=\s+\d\s+(?:now"
    r"|today|currently)))[\s:]*(?:ecog\s*|ps\s*)*"
)
_WISH = re.compile(
    r"\b(?:if|eligib\w*|criteria|requires?|required|inclusion|exclusion|must|should be|patients with|until|when"
    r"|unless)\b(?:[^.;\n]|\.(?=\d))*$"
)
_LAST_TIME = re.compile(
    r"\s*(?:at\s+|on\s+)?(?:the\s+)?(?:last|previous|prior)\s+(?:visit|time|month|week|clinic|appointment|encounter)\b|\s+previously\b|\s+(?:le|la)\s+\w+\s+derniere?\b"
)
_CHANGE = re.compile(r"([0-5])\s+to\s+([0-5])(?:\s?[-–]\s?(?P<high>[0-5]))?(?!\d)")
_MOVED = re.compile(
    r"\b(?:declin|improv|worsen|deteriorat|decreas|increas|chang|went|dropp|progress|gone)\w*+.{0,200}\bfrom\b"
)
_REQUIRED = re.compile(
    r"\s+(?:is\s+|are\s+|was\s+)?(?:required|eligible|to enroll|needed)\b|\s+in\s+\d+(?:\.\d+)?\s?(?:%|patients|percent)"
)

_words: dict[str, int] = {}
_ventilator = re.compile("(?!)")


def setup(patterns: Patterns) -> None:
    global _ventilator
    table = patterns.tables[FAMILY]["performance"]
    _words.clear()
    _words.update(table["numbers"])
    _ventilator = re.compile(values.phrases(table["ventilator"]))


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        names = merge(note.folded, hits)
        for index, name in enumerate(names):
            limit = names[index + 1].start if index + 1 < len(names) else sentence.end
            yield from _status(note, sentence, name, limit)


def _status(note: NoteText, sentence: Sentence, name: Name, limit: int) -> Iterator[Draft]:
    folded = note.folded
    if _WISH.search(folded, max(sentence.start, name.start - 120), name.start):
        return
    limit = min(limit, name.end + 160)
    at, _, _, _ = values.connect(note.text, name.end, limit, folded=folded)
    at = values.past(_FILLER, folded, at, limit)
    comparator = re.compile(r"(?:<=|>=|<|>|≤|≥|less than or equal to\s|at least\s|up to\s)\s?").match(folded, at, limit)
    sign = comparator.group().strip() if comparator else "~" if "~" in folded[name.end : at] else "="
    at = comparator.end() if comparator else at
    change = _CHANGE.match(folded, at, limit) if _MOVED.search(folded, name.end, at) else None
    if change is not None and name.hit.key == "ecog":
        # "declined from 1 to 2": two values, the last is current
        before = _draft(note, name, "ecog", float(change[1]), None, "=", name.start, change.end(1))
        yield replace(before, temporality="historical")
        high = float(change["high"]) if change["high"] else None
        yield _draft(
            note, name, "ecog", float(change[2]), high, "=", name.start, change.end("high") if high else change.end(2)
        )
        return
    found = _read(folded, at, limit, name.hit.key)
    if found is None:
        return
    concept, low, high, end = found
    if name.hit.get("short") and (
        _ventilator.search(folded, max(sentence.start, name.start - 40), min(sentence.end, end + 40))
        or (low > 4 and "%" not in folded[end - 1 : end + 2])
    ):
        return
    sign = {"≤": "<=", "≥": ">=", "less than or equal to": "<=", "at least": ">=", "up to": "="}.get(sign, sign)
    if _REQUIRED.match(folded, end, limit):
        return
    first = _draft(note, name, concept, low, high, sign, name.start, end)
    steps = [(first, at, end, False)]  # draft, its span, older than the one before
    # "2 (was 3 last month)", "2 -> 1", "1 at diagnosis, declined to 2 in January and is now 3"
    while len(steps) < 5:
        for step, older in ((_BEFORE_OLDER, True), (_BEFORE_NEWER, False)):
            passed = step.match(folded, end, limit)
            other = _read(folded, passed.end(), limit, name.hit.key) if passed else None
            if passed is not None and other is not None and other[0] == concept:
                draft = _draft(note, name, concept, other[1], other[2], "=", name.start, other[3])
                steps.append((draft, passed.end(), other[3], older))
                end = other[3]
                break
        else:
            break
    past = _LAST_TIME.match(folded, end, limit) is not None and len(steps) == 1
    current = max((i for i, s in enumerate(steps) if not s[3]), default=0)
    dates = trend_dates(note, sentence, [(s[1], s[2]) for s in steps])
    for index, ((draft, *_), date) in enumerate(zip(steps, dates, strict=True)):
        now = "current" if index < len(steps) - 1 else None
        yield replace(draft, date=date, temporality=now if index == current and not past else "historical")


def _read(folded: str, at: int, limit: int, key: str) -> tuple[str, float, float | None, int] | None:
    """(concept, low, high, end) of a score; a percentage behind "performance status" is a Karnofsky score."""
    if key == "ecog":
        match = _SCORE.match(folded, at, limit)
        if match is not None:
            low, high = float(match["low"]), float(match["high"]) if match["high"] else None
            if high is None or high > low:
                return "ecog", low, high, match.end()
            return "ecog", low, None, match.start() + 1
        word = re.compile(r"[a-z]+").match(folded, at, limit)
        if (
            word is not None
            and word.group() in _ROMAN
            and re.match(r"\s*(?:[,;.)]|$)", folded[word.end() : word.end() + 3])
        ):
            return "ecog", _ROMAN[word.group()], None, word.end()
        if word is not None and word.group() in _words:
            return "ecog", float(_words[word.group()]), None, word.end()
    match = _KARNOFSKY.match(folded, at, limit)
    if match is None or (match["low"] == "0" and key == "ecog"):
        return None
    low, high = float(match["low"]), float(match["high"]) if match["high"] else None
    if high is not None and high <= low:
        return None
    end = match.end()
    while folded[end - 1].isspace():
        end -= 1
    return "kps", low, high, end


def _draft(
    note: NoteText, name: Name, concept: str, low: float, high: float | None, comparator: str, start: int, end: int
) -> Draft:
    return Draft(
        family=FAMILY,
        concept=concept,
        start=start,
        end=end,
        rule_id=name.hit.concept.rule_id,
        anchor=(name.start, name.end),
        code="LOINC 89247-1" if concept == "ecog" else "LOINC 89243-0",
        value=low,
        value_high=high,
        comparator=comparator,
        unit="{score}" if concept == "ecog" else "%",
        value_as_written=re.sub(r"^\D*", "", note.text[max(start, end - 12) : end]) or None,
        assertion="present",
    )
