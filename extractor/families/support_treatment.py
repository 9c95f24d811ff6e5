"""Support facts about treatment that need more than their words: histories, lines, anaphylaxis, immunotherapy stopped.

The plain statements of ``patterns/support/treatment.toml`` are read by ``support_statements``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import SUPPORT, Draft
from .toxicities import IMMUNE_CLASSES

FAMILY = SUPPORT
KEYS = frozenset({"says", "value_text", "value_from_name", "reader"})

_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "no": 0}
_NUMBER = re.compile(
    r"\b(\d|one|two|three|four|five|six|no)(?: or more)?(?: (?:prior|previous|systemic|different|further))?\s*$"
)
#: a history that says what was never given closes the list
_CLOSED = re.compile(
    r"\b(?:no|never|none|na[iï]ve|not treated with|not received)\b[^.\n]{0,45}\b(?:tarlatamab|dll3\S*|anti-dll3|platinum|immunotherapy|trials?|radiotherapy|"
    r"systemic|study drugs?|radiation|other (?:drug|treatment|therapy|systemic)\w*|second[- ]line|2nd line|research|surgery)\b|\bnone since\b|\bno other (?:therapy|treatment)"
)
_CALLED_COMPLETE = re.compile(r"(?<!not )(?<!in)\bcomplete\b(?!d)")
_CLOSES = re.compile(r"\s*(?:[.,;)\n]|$|(?:has |have )?(?:been )?(?:was |were )?(?:ever |so far |to date |since |given |received )+(?:[.,;)\n]|$))")
_TOXIC = re.compile(
    r"\b(?:toxicit\w*|colitis|pneumonitis|hepatitis|nephritis|myocarditis|hypophysitis|arthritis|rash|reaction|irae|immune\w*|event|encephalitis|"
    r"myositis|myasthenia|thyroiditis|dermatitis|anaphylaxis|neuropathy|adverse|grade [1-4]|gr [1-4])\b"
)
_GRADE = re.compile(r"\b(?:grade|gr\.?|g)\s?([1-4])\b")


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        for hit in hits:
            if hit.get("reader") != "support_treatment":
                continue
            reader = {
                "doc_treatment_history": _history,
                "lines_stated": _lines,
                "anaphylaxis": _anaphylaxis,
                "io_stopped_toxicity": _stopped,
            }[hit.key]
            draft = reader(note, sentence, hit)
            if draft is not None:
                yield draft


def _draft(hit: Hit, **more: Any) -> Draft:
    draft = Draft(FAMILY, hit.key, hit.start, hit.end, hit.concept.rule_id)
    return replace(draft, **more) if more else draft


def _history(note: NoteText, sentence: Sentence, hit: Hit) -> Draft | None:
    """A heading or lead of a treatment history; complete where it says so or says what was never given."""
    after = note.text[hit.end : hit.end + 32]
    closing = note.folded[hit.start : hit.end].startswith(("nil ", "no ", "nothing "))
    if closing:  # "Nil else ever." closes the list of what was given
        return _draft(hit, assertion="present", attributes={"complete": "yes"}) if _CLOSES.match(after) else None
    heads = ":" in after or "\n" in after[:3] or hit.start == sentence.start
    if not heads or re.search(
        r"\b(?:no|unknown|not available|obtain|request|await\w*|get|need)\b",
        note.folded[max(sentence.start, hit.start - 25) : hit.start],
    ):
        return None
    complete = _CALLED_COMPLETE.search(note.folded, hit.start, hit.end + 32) is not None or _CLOSED.search(note.folded) is not None
    return _draft(hit, assertion="present", attributes={"complete": "yes" if complete else "no"})


def _lines(note: NoteText, sentence: Sentence, hit: Hit) -> Draft | None:
    found = _NUMBER.search(note.folded, max(sentence.start, hit.start - 25), hit.start)
    if found is None or (hit.name == "lines" and not re.search(r"\bprogress\w*|\bafter\b|\bprior\b", sentence.folded)):
        return None
    word = found.group(1)
    value = float(word) if word.isdigit() else float(_WORDS[word])
    return _draft(
        hit,
        start=found.start(1),
        value=value,
        value_as_written=note.text[found.start(1) : found.end(1)],
        assertion="present",
    )


def _anaphylaxis(note: NoteText, sentence: Sentence, hit: Hit) -> Draft:
    """A severe hypersensitivity with the agent named in its sentence, nearest before it."""
    agents = [
        h
        for h in sentence.hits("therapy") + sentence.hits("medication")
        if h.key != "systemic_steroid" and h.get("kind") is None
    ]
    before = [h for h in agents if h.end <= hit.start]
    near = max(before, key=lambda h: h.end) if before else min(agents, key=lambda h: h.start) if agents else None
    agent = None
    if near is not None:
        agent = near.key if near.concept.family == "therapy" else near.get("drug") or near.get("value")
    else:
        named = re.search(
            r"\b([a-z][a-z/-]{3,25})\s*(?:\d{4}\s*)?[-:(–]+\s*(?:\w+ )?$",
            note.folded[max(sentence.start, hit.start - 40) : hit.start],
        )
        behind = re.match(
            r"\s*(?:shock |reaction )?(?:to|with|from|after)\s+(?:the |iv )?([a-z][a-z/-]{3,25})",
            note.folded[hit.end : sentence.end],
        )
        agent = behind.group(1) if behind else named.group(1) if named else None
    grade = _GRADE.search(sentence.folded)
    return _draft(hit, value_text=agent, attributes={"grade": int(grade.group(1))} if grade else {})


def _stopped(note: NoteText, sentence: Sentence, hit: Hit) -> Draft | None:
    """Immunotherapy stopped for good for a toxicity that this sentence or the two before it name."""
    drugs = [h for h in sentence.hits("therapy") if h.get("class") in IMMUNE_CLASSES or h.key == "immunotherapy"]
    before = sentence.previous()
    context = [sentence, before, before.previous() if before else None]
    if not drugs and (before is None or not any(h.get("class") in IMMUNE_CLASSES for h in before.hits("therapy"))):
        return None
    text = " ".join(part.folded for part in reversed(context) if part is not None)
    if not _TOXIC.search(text):
        return None
    grades = [int(g) for g in _GRADE.findall(text)]
    return _draft(hit, assertion="present", attributes={"grade": max(grades)} if grades else {})
