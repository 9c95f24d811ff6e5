"""What kind of document a note is, and which studies it reports: the contexts in which silence means something.

criteria.md 1.6: "presumed absent" needs a document in which the fact would have been written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..gated import Gated
from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft

FAMILY = SUPPORT
KEYS: frozenset[str] = frozenset()
ALWAYS = True

_HISTORY = frozenset({"past_medical_history", "problem_list"})
_STORY = frozenset({"history_present_illness", "oncologic_history", "chief_complaint", "assessment", "problem_list"})
_EXAM = frozenset({"physical_exam", "vital_signs"})
_ONCOLOGY_NOTE = re.compile(
    r"onc|hem|chemo|tumou?r|cancer|thoracic|day unit|trial|research|screening|consult|clinic|progress|h&p|letter|courrier|consultation"
)
_TREATED = ("therapy", "histology")
_BRAIN = Gated(
    r"\b(?:mri?|irm|mrt)\b[^.;:\n]{0,25}\b(?:brain|head|skull|schadel|neurocranium|cerebrale?|encephalique)\b|\b(?:brain|head|skull|cranial|cerebral|schadel-?) ?(?:mri?|mrt)\b|\bcmr[it]\b|"
    r"\bct\b[^.;:\n]{0,12}\b(?:head|brain)\b[^.;:\n]{0,16}\b(?:with(?!out)|w/(?!o)|w\b(?!/o)|contrast)[^.;:\n]{0,14}contrast\b|"
    r"\bcontrast[- ]?(?:enhanced )?(?:head |brain )ct\b|\bct (?:head|brain) (?:w/(?!o)|with)\b|\bcontrast[- ]enhanced ct (?:of the )?(?:head|brain)\b"
)
_CHEST = Gated(
    r"\b(?:ct|cat|tdm|scanner)\b[^.;:\n]{0,22}\b(?:chest|thorax|thoraci\w+|c/?a/?p|cap|tap|thoraco\w*)\b|\b(?:chest|thoracic) ct\b|\bhrct\b|\bct angiogra\w+ (?:of the )?chest\b|\bcta chest\b|\bctpa\b"
)
#: each expression holds one of these words
_BRAIN_MODALITIES = frozenset({"mri", "mr", "irm", "mrt", "cmri", "cmrt", "ct"})
_CHEST_MODALITIES = frozenset({"ct", "cat", "tdm", "scanner", "hrct", "cta", "ctpa"})
_NOT_DONE = re.compile(
    r"\b(?:pending|order(?:ed)?|schedul\w*|will (?:get|obtain|have|repeat|need)|needs?|due|plan(?:ned)?|request\w*|recommend\w*|repeat|to be done|not (?:done|yet|performed|available|obtained)|no (?:brain|head|chest|recent|prior)|await\w*|awaiting|obtain|consider|overdue|refused|declined|book(?:ed)?|next week|tomorrow|would|should|if|cancelled|never)\b"
)
_DONE = re.compile(
    r"\b(?:show\w*|reveal\w*|demonstrat\w*|negative|neg|no (?:mets|metast\w*|evidence|new|intracranial|brain mets|leptomen\w*|lmd|acute|mass)|stable|normal|clear|unremarkable|impression|findings?|report\w*|\d+ ?mm|without)\b"
)
_RECONCILED = Gated(
    r"\breconcil\w*|\bconciliation\b|\bchecked (?:against|with)\b|\bverified with\b|\bpharmac(?:y|ist) (?:list|review\w*|verified)\b|\bmedication list (?:reviewed|updated|verified)\b|\breviewed (?:and|&) (?:updated|reconciled)\b|\bmeds (?:reviewed|verified|rec)\b|\bbottles? reviewed\b"
)
_UNRECONCILED = Gated(
    r"\b(?:not (?:yet )?(?:reconciled|verified|reviewed|updated)|unreconciled|unable to (?:reconcile|verify)|unverified|bottles at home|list from)\b"
)
_COPIED = re.compile(r"\bcopied\b")


def _draft(concept: str, start: int, end: int, **more: Any) -> Draft:
    fields: dict[str, Any] = {"assertion": "present", "experiencer": "patient", "temporality": "current", **more}
    return Draft(family=FAMILY, concept=concept, start=start, end=end, rule_id=f"support:{concept}", **fields)


def read(note: NoteText) -> Iterable[Draft]:
    seen: dict[str, tuple[int, int]] = {}
    for section in note.sections:
        if note.text[section.body : section.end].strip():
            seen.setdefault(section.name, (section.start, section.start + len(section.heading)))
    today = (note.note_date, note.note_date, "note") if note.note_date else None
    for draft in _sections(note, seen):
        yield replace(draft, date=today) if today else draft
    for concept, expression, modalities in (
        ("doc_brain_mri", _BRAIN, _BRAIN_MODALITIES),
        ("doc_chest_ct", _CHEST, _CHEST_MODALITIES),
    ):
        if modalities.isdisjoint(note.vocabulary) and modalities.isdisjoint(note.note_type.lower().split()):
            continue
        yield from _studies(note, concept, expression)


def _sections(note: NoteText, seen: dict[str, tuple[int, int]]) -> Iterator[Draft]:
    history = next((seen[name] for name in sorted(_HISTORY) if name in seen), None)
    exam = next((seen[name] for name in sorted(_EXAM) if name in seen), None)
    medications = seen.get("medications")
    if history:
        yield _draft("doc_pmh", *history)
    if exam and (
        "review_of_systems" in seen or ("physical_exam" in seen and ("vital" in note.hits or "vital_signs" in seen))
    ):
        yield _draft("doc_ros_exam", *exam)
    if "allergies" in seen:
        yield _draft("doc_allergies", *seen["allergies"])
    if medications:
        own = note.folded[medications[0] : next((s.end for s in note.sections if s.start == medications[0]), medications[1])]
        unread = _UNRECONCILED.search(note.folded) or _COPIED.search(own)
        state = "no" if unread else "yes" if _RECONCILED.search(note.folded) else "unstated"
        yield _draft("doc_med_list", *medications, attributes={"reconciled": state})
    story = next((seen[name] for name in sorted(_STORY) if name in seen), None)
    treated = all(family in note.hits for family in _TREATED)
    if history and medications and (story or treated) and (treated or "oncologic_history" in seen):
        kind = note.note_type.lower()
        if not kind or _ONCOLOGY_NOTE.search(kind):
            yield _draft("doc_onc_full", *history)


def _studies(note: NoteText, concept: str, expression: Gated) -> Iterator[Draft]:
    """A study counts where it is the note itself (its title) or where the note quotes its result."""
    kind = note.note_type.lower()
    if expression.search(kind) and not expression.search(note.folded[:400]) and note.sentences:
        # the study is named by the type of the note alone: its first line stands for it
        start, end = note.sentences[0]
        today = (note.note_date, note.note_date, "note") if note.note_date else None
        own = note.dates_between(start, min(end, start + 12))  # "9/9/2026: ..." is the day of the study
        modality = "mri" if re.search(r"\b(?:mri?|irm|mrt)\b", kind) else "ct"
        yield _draft(concept, start, end, attributes={"modality": modality}, date=None if own else today)
    report = bool(re.search(r"radiol|imaging|mri|ct\b|scan|x-?ray|report", kind))
    for match in expression.finditer(note.folded):
        sentence = note.sentence_at(match.start())
        title = report and match.start() < 400
        words = sentence.folded
        dated = any(d.earliest == d.latest or d.precision in ("day", "month") for d in sentence.dates)
        if not title:
            around = words + " " + (following.folded if (following := sentence.next()) else "")
            if _NOT_DONE.search(words) and not _DONE.search(words):
                continue
            if not (dated or _DONE.search(around)):
                continue
        modality = "mri" if concept == "doc_brain_mri" and "ct" not in match.group().split() else "ct"
        yield _draft(concept, match.start(), match.end(), attributes={"modality": modality})
