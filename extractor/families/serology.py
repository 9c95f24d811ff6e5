"""Serology and other tests that say positive or negative: hepatitis B and C, HIV, pregnancy, SARS-CoV-2.

The result stands behind the name ("HBsAg (-)"), behind a list of names ("HIV, HBV and HCV negative") or in front of one
("negative for HIV and hepatitis C"). A pending or unknown result gives no fact. A virus by name alone is no test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..patterns import Patterns
from ..pipeline import values
from ..pipeline.names import Name, merge
from ..pipeline.text import NoteText, Sentence
from ..records import Draft

FAMILY = "serology"
KEYS = frozenset({"virus", "panel", "titre", "below"})

_JOINT = re.compile(
    r"\s*(?:,\s*(?:and|or)|,|;|/|\band\b|\bor\b|\bnor\b|&|\bet\b|\bou\b|\+(?=\s*[a-z]))?\s*(?:(?:the|for|both"
    r"|anti|serology|antibody|ab|ag|virus|test|pcr|igg|igm|1|2|total|1/2)\b[\s,;/]*)*(?:and|or|et|&)?\s*$"
)
_SIGN = re.compile(r"\s?(?P<sign>[+−-])(?=\s*(?:[,;./)\]]|$|\s|and\b))")
_SUMMARY = re.compile(
    r"(?:and\s+)?all\s+(?:of\s+)?(?:[a-z]+\s+){0,4}(?:were|was|came back|returned|are)\s+(?P<polarity>negative"
    r"|positive)\b"
)
_RELATIVE = re.compile(
    r"\b(?:mother|father|partner|husband|wife|spouse|brother|sister|donor|family|contact|contacts|exposure)\b"
)


@dataclass(frozen=True)
class _Words:
    negative: re.Pattern[str]
    positive: re.Pattern[str]
    pending: re.Pattern[str]
    bridge: re.Pattern[str]
    before: re.Pattern[str]


_words: _Words | None = None


def setup(patterns: Patterns) -> None:
    global _words
    table = patterns.tables[FAMILY]["polarity"]
    negative, positive = values.phrases(table["negative"]), values.phrases(table["positive"])
    _words = _Words(
        negative=re.compile(negative),
        positive=re.compile(positive),
        pending=re.compile(values.phrases(table["pending"])),
        bridge=re.compile(
            r"(?:before|prior to|avant) (?:the |la |une? )?[a-z]{4,16}\b|(?:on|of|from|le|du) \d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?(?=\s|:)|"
            rf"[\s:=|,*\"]+|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?(?=\s|:)|\.{{2,}}|--?\s+|[<>]?\s?\d{{1,4}}[.,]\d{{1,3}}(?:\s?(?:s/co|iu/ml|ui/ml|miu/ml|index|coi|ratio|rlu))?|\([a-z0-9 ,/-]{{1,40}}\)|\)|{values.phrases(table['bridge'])}"
        ),
        before=re.compile(
            rf"(?:(?P<negative>{negative})|(?P<positive>{positive}))[\s:]*(?:{values.phrases(table['lead'])}[\s:]*)*$"
        ),
    )


def _lists() -> _Words:
    """The compiled lists; ``setup`` has to run first (the engine does)."""
    if _words is None:
        raise RuntimeError("families.serology: setup() has not run")
    return _words


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, _ in note.sentences_with(FAMILY):
        yield from sentence_drafts(note, sentence)


def sentence_drafts(note: NoteText, sentence: Sentence) -> Iterator[Draft]:
    """The results that one sentence tells."""
    folded = note.folded
    names = merge(folded, sentence.hits(FAMILY))
    results: list[tuple[str, int, int] | None] = []  # polarity, start and end of evidence
    for index, name in enumerate(names):
        limit = names[index + 1].start if index + 1 < len(names) else min(sentence.end, name.end + 90)
        results.append(_behind(note, name, limit))
    # "HIV, HBV and HCV negative": the result behind the last belongs to all
    for index in range(len(names) - 2, -1, -1):
        following = results[index + 1]
        if (
            results[index] is None
            and following is not None
            and following[0]
            and _JOINT.match(between := folded[names[index].end : names[index + 1].start])
            and not (names[index].hit.get("virus") and not between.strip())  # "hepatitis B cAb" is one name
        ):
            results[index] = (following[0], names[index].start, names[index].end)
    if len(names) > 1 and not any(results):
        # "... were tested: HBsAg; anti-HBc; HIV. All results were negative."
        behind = sentence.next()
        summary = _SUMMARY.match(folded, behind.start, behind.end) if behind else None
        if summary is not None:
            results = [(summary["polarity"], n.start, n.end) for n in names]
    # "negative for HIV, hepatitis B and C"
    leading = None
    for index, name in enumerate(names):
        result = results[index]
        if result is None:
            ahead = _lists().before.search(folded, max(sentence.start, name.start - 60), name.start)
            if ahead is not None:
                leading = "negative" if ahead["negative"] else "positive"
                results[index] = (leading, ahead.start(), name.end)
            elif index and leading and _JOINT.match(folded[names[index - 1].end : name.start]):
                results[index] = (leading, name.start, name.end)
            else:
                leading = None
        elif not (leading and result[0] == leading):
            leading = None
    for name, result in zip(names, results, strict=True):
        if result is None or not result[0]:
            continue
        if name.hit.get("virus") and _RELATIVE.search(folded, max(sentence.start, name.start - 40), name.start):
            continue
        yield from _drafts(note, name, result)


def _behind(note: NoteText, name: Name, limit: int) -> tuple[str, int, int] | None:
    """(polarity, start, end) of the result behind a name; polarity "" where it is pending; None where there is none."""
    folded, w = note.folded, _lists()
    sign = _SIGN.match(folded, name.end, limit + 1)
    if (
        sign is not None
        and not folded[name.end : sign.start("sign")].strip()
        and not re.match(r"\s?-\s?[a-z]", folded[sign.start() : sign.end() + 2])
    ):
        glued = sign.start("sign") == name.end
        closed = re.match(r"\s*(?:[,;)]|$)", folded[sign.end() : sign.end() + 4]) is not None
        if glued or closed or sign["sign"] == "+":
            return ("positive" if sign["sign"] == "+" else "negative"), name.start, sign.end()
    number = _numeric(note, name, limit)
    if number is not None:
        return number
    at = name.end
    for _ in range(14):
        for polarity, pattern in (("", w.pending), ("negative", w.negative), ("positive", w.positive)):
            match = pattern.match(folded, at, limit)
            if match is None and folded.startswith("(", at):
                match = pattern.match(folded, at + 1, limit)
            if match is not None:
                return polarity, name.start, match.end()
        step = w.bridge.match(folded, at, limit)
        if step is None:
            return None
        at = step.end()
    return None


def _numeric(note: NoteText, name: Name, limit: int) -> tuple[str, int, int] | None:
    """A titre against its limit: anti-HBs of 10 IU/L or more is positive, an hCG below 5 IU/L negative."""
    titre, below = name.hit.get("titre"), name.hit.get("below")
    if titre is None and below is None:
        return None
    reading = values.read_number(note.text, name.end, limit, folded=note.folded, trend=False)
    if reading is None or reading.unit == "%":
        return None
    border = float(titre if titre is not None else below)
    low = reading.value < border or (reading.comparator in ("<", "<=") and reading.value <= border)
    return ("negative" if low else "positive"), name.start, reading.end


def _drafts(note: NoteText, name: Name, result: tuple[str, int, int]) -> Iterator[Draft]:
    polarity, start, end = result
    folded = note.folded
    attributes = {}
    if name.hit.key == "pregnancy_test":
        around = folded[max(0, name.start - 12) : name.end + 12]
        # a urine test has no number: one in units per volume is of serum
        around += " quant" if re.search(r"\dx?\s*m?(?:iu|ui|u)\s?/\s?m?l", folded[name.start : end]) else ""
        for specimen, words in (
            ("serum", ("serum", "serique", "plasma", "sanguin", "quant", "beta", "blood")),
            ("urine", ("urine", "upt", "uhcg", "icon")),
        ):
            if any(word in around for word in words):
                attributes["specimen"] = specimen
    if name.hit.key == "anti_hbc" and "igm" in folded[name.start : end]:
        attributes["isotype"] = "IgM"
    for concept in name.hit.get("panel", (name.hit.key,)):
        yield Draft(
            family=FAMILY,
            concept=concept,
            start=min(start, name.start),
            end=max(end, name.end),
            rule_id=name.hit.concept.rule_id,
            anchor=(name.start, name.end),
            code=name.hit.concept.code or {"hbsag": "LOINC 5196-1", "hcv_ab": "LOINC 13955-0"}.get(concept, ""),
            value_text=polarity,
            assertion="present",
            attributes=attributes,
        )
