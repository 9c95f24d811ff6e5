"""Evidence in its note: highlighted at its offsets, with the cue that qualified it, and every other mention.

Everything that becomes HTML goes through ``html.escape``: a note is text and never markup.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from extractor.explain import sentence_of
from extractor.review.opened import given, listed

#: what a cue's category is called for a reader
CUES = {
    "absent": "negates",
    "possible": "makes uncertain",
    "hypothetical": "makes conditional",
    "historical": "places in the past",
    "family": "is about the family",
    "planned": "only plans",
    "declined": "declines",
    "never_started": "never started",
    "held": "holds",
    "resolved": "resolves",
}


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that qualifies a mention: its category and its place in the note."""

    category: str
    start: int
    end: int

    @property
    def says(self) -> str:
        return CUES.get(self.category, self.category)


@dataclass(frozen=True, slots=True)
class Mention:
    """A fact among the others of its concept. ``stance``: ``shown`` ``contradicts`` ``differs`` ``uncertain`` ``agrees``."""

    fact: Mapping[str, Any]
    stance: str


_RANK = {"contradicts": 0, "differs": 1, "uncertain": 2, "agrees": 3}


def stance(fact: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """How ``other`` stands to ``fact``, both of one concept.

    >>> stance({"assertion": "present"}, {"assertion": "absent"})
    'contradicts'
    """
    mine, theirs = fact.get("assertion"), other.get("assertion")
    if {mine, theirs} == {"present", "absent"}:
        return "contradicts"
    if (fact.get("experiencer") or "patient") != (other.get("experiencer") or "patient"):
        return "differs"
    words = [str(one.get("value_text") or "").lower() for one in (fact, other)]
    if all(words) and words[0] != words[1]:
        return "contradicts"
    if mine != theirs:
        return "uncertain"
    if given(fact.get("value")) and given(other.get("value")) and fact["value"] != other["value"]:
        return "differs"
    return "agrees"


def mentions(shown: Sequence[Mapping[str, Any]], facts: Mapping[str, Mapping[str, Any]]) -> list[Mention]:
    """Every other mention of the concepts of ``shown``: contradicting ones first, then the newest."""
    ids = {fact["fact_id"] for fact in shown}
    by_concept: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for fact in shown:
        by_concept.setdefault((fact["family"], fact["concept"]), []).append(fact)
    found = []
    for other in facts.values():
        peers = by_concept.get((other["family"], other["concept"]))
        if peers and other["fact_id"] not in ids:
            found.append(Mention(other, min((stance(fact, other) for fact in peers), key=_RANK.__getitem__)))
    found.sort(key=lambda m: (str(m.fact["note_date"] or ""), m.fact["note_id"], m.fact["start"]), reverse=True)
    return sorted(found, key=lambda m: _RANK[m.stance])


def cited(criterion: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The facts that a criterion rests on, newest first."""
    found = [facts[name] for name in listed(criterion["evidence"]) if name in facts]
    return sorted(found, key=lambda f: (str(f["note_date"] or ""), f["note_id"], f["start"]), reverse=True)


@lru_cache(maxsize=1)
def _assertor() -> Any:
    from extractor.pipeline.assertion import Assertor

    return Assertor()


def cues_of(text: str, start: int, end: int, section: str | None = None) -> list[Cue]:
    """The words that qualify the span, by the engine's own rules.

    >>> [(c.says, "No fever today."[c.start:c.end]) for c in cues_of("No fever today.", 3, 8)]
    [('negates', 'No')]
    """
    from extractor.pipeline.text import NoteText

    note = NoteText(text)
    sentence = note.sentence_at(start)
    [found] = _assertor().resolve(
        note, sentence.start, max(sentence.end, end), [(start, end)], section=section or sentence.section
    )
    return [Cue(category, a, b) for category, a, b in found.cues if a < b]


def stands_here(fact: Mapping[str, Any], text: str | None) -> bool:
    """Do the offsets give the fact's words in this text?"""
    return text is not None and text[int(fact["start"]) : int(fact["end"])] == fact["text"]


def highlighted(text: str, spans: Iterable[tuple[int, int, str, str]]) -> str:
    """HTML of a text with marked spans ``(start, end, class, title)``; nothing of the text is markup.

    Where spans overlap, the first one given wins for the characters that both cover.

    >>> highlighted("a <b> c", [(2, 5, "evidence", "why")])
    'a <mark class="evidence" title="why">&lt;b&gt;</mark> c'
    """
    owner: dict[int, int] = {}
    chosen = [(max(0, a), min(len(text), b), kind, title) for a, b, kind, title in spans]
    for number, (a, b, _, _) in enumerate(chosen):
        for at in range(a, b):
            owner.setdefault(at, number)
    pieces: list[str] = []
    at = 0
    for start in sorted(owner):
        if start < at:
            continue
        number, end = owner[start], start
        while owner.get(end) == number:
            end += 1
        _, _, kind, title = chosen[number]
        pieces.append(html.escape(text[at:start]))
        pieces.append(f'<mark class="{html.escape(kind)}" title="{html.escape(title)}">')
        pieces.append(html.escape(text[start:end]) + "</mark>")
        at = end
    pieces.append(html.escape(text[at:]))
    return "".join(pieces)


def note_html(fact: Mapping[str, Any], text: str | None, others: Iterable[Mapping[str, Any]] = ()) -> str:
    """The whole note with the evidence, its cues, and the other mentions that stand in it."""
    where = f"{fact['note_type'] or 'Note'} {fact['note_id']}, {fact['note_date'] or 'no date'}"
    section = f", section {str(fact['section']).replace('_', ' ')}" if given(fact["section"]) else ""
    head = f'<div class="note-head">{html.escape(where + section)}</div>'
    if text is None or not stands_here(fact, text):
        place = f"characters {fact['start']} to {fact['end']}; the text of this note is not at hand"
        return f'<article class="note">{head}<p class="gone">{html.escape(place)}</p></article>'
    start, end = int(fact["start"]), int(fact["end"])
    spans = [(start, end, "evidence", said(fact))]
    if fact["assertion"] != "present" or fact["temporality"] != "current":
        spans += [(cue.start, cue.end, "cue", f"{cue.says} it") for cue in cues_of(text, start, end, fact["section"])]
    for other in others:
        if other["note_id"] == fact["note_id"] and other["fact_id"] != fact["fact_id"] and stands_here(other, text):
            spans.append((int(other["start"]), int(other["end"]), "mention", said(other)))
    return f'<article class="note" tabindex="0">{head}<pre>{highlighted(text, spans)}</pre></article>'


def sentence_html(fact: Mapping[str, Any], text: str | None) -> str:
    """The evidence in its sentence, its cue marked too; its place alone where the text is not at hand."""
    if text is None or not stands_here(fact, text):
        return f'<span class="gone">characters {int(fact["start"])} to {int(fact["end"])}</span>'
    start, end = int(fact["start"]), int(fact["end"])
    parts = sentence_of(text, start, end)
    # the sentence's beginning is stripped of blanks, so what is left of it stands right before the evidence
    begin = start - len(parts.before)
    stop = end + len(parts.after)
    spans = [(start - begin, end - begin, "evidence", said(fact))]
    if fact["assertion"] != "present":
        for cue in cues_of(text, start, end, fact["section"]):
            if begin <= cue.start and cue.end <= stop:
                spans.append((cue.start - begin, cue.end - begin, "cue", f"{cue.says} it"))
    return highlighted(text[begin:stop], spans)


def said(fact: Mapping[str, Any]) -> str:
    """What was read, in a few words.

    >>> said({"concept": "platelets", "value": 98.0, "comparator": "=", "unit": "10*9/L", "assertion": "present"})
    'platelets 98 10*9/L'
    """
    parts = [str(fact["concept"]).replace("_", " ")]
    if given(fact.get("value")):
        comparator = fact.get("comparator")
        number = f"{fact['value']:g}" + (f" to {fact['value_high']:g}" if given(fact.get("value_high")) else "")
        parts.append(f"{comparator} {number}" if given(comparator) and comparator != "=" else number)
        unit = str(fact.get("unit") or "").replace("{ULN}", "x ULN")
        if unit not in ("", "1") and not unit.startswith("{"):  # a score's unit says nothing to a reader
            parts.append(unit)
    if given(fact.get("value_text")):
        parts.append(str(fact["value_text"]))
    if fact.get("assertion") not in (None, "present"):
        parts.append(f"({fact['assertion']})")
    if (fact.get("experiencer") or "patient") != "patient":
        parts.append(f"({fact['experiencer']})")
    return " ".join(parts)
