"""Response of the tumour to treatment: progression (recurrence, relapse), complete and partial response, stable disease.

``attributes.after`` names the drugs that the sentence speaks of, ``line`` the line of therapy where it is stated.
Not progression: pseudo-progression, progression-free survival, "until progression" (hypothetical), symptoms that
progress, the collisions of PD and PR (criteria I5).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from ..gated import Gated
from ..patterns import Patterns
from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import treatment_details as details

FAMILY = "response"
#: weak: names that need a tumour, scan or treatment beside them; reader: "none" for words that only take their place
KEYS = frozenset({"weak", "reader"})
_CONTEXT: dict[str, Gated] = {}
_HEAD = re.compile(
    r"\s*(?:\w+[- ]){0,3}?(?:disease|metasta\w*|tumou?rs?|cancers?|carcinomas?|sclc|es-sclc|small cell|lesions?|mass\w*|nod\w+|lymphoma|nec|malignan\w*|"
    r"lymphadenopathy|adenopathy|growth|myeloma|neoplasm\w*|sarcoma|glioma|glioblastoma|melanoma|net)\b"
)
_ABSENT_BEFORE = re.compile(
    r"\b(?:no|without|not|negative for|unremarkable for|never|free of|free from|nor|denies|absence of|absence de|pas de|pas d'argument pour|sans|keine?n?|geen|ohne|ned,?|rather than|instead of)\b"
    r"(?:\W+(?:\w+\W+){0,6})?$"
)


#: in a note that names a tumour it is the tumour that came back
_RETURNED = re.compile(r"relaps|recurr(?!ent)|recurrence")
#: a longer note without any of these words does not speak of a tumour
_ONCOLOGY = re.compile(
    r"(?:cancers?|\w*carcinomas?|tumou?rs?|metasta\w*|mets|malignan\w*|neoplas\w*|(?:es)?sclc|l?cnec|nec|net|lymphomas?|myelomas?|leuka?emias?|"
    r"\w*sarcomas?|melanomas?|oncolog\w*|chemo\w*|\w*blastomas?|gliomas?|meningiomas?|carcinoids?|recist|ca)"
)


@lru_cache(maxsize=1 << 14)
def _of_oncology(word: str) -> bool:
    return _ONCOLOGY.fullmatch(word) is not None


#: what is said of a kind of tumour, not of this one ("a high incidence of locoregional recurrence")
_GENERAL = re.compile(r"\b(?:incidence|rates?|propensity|tendency)\s(?:of|for|to)\s(?:(?:local|loco-?regional|regional|distant|disease|tumou?r|early|late)\s)*$")


def setup(patterns: Patterns) -> None:
    _CONTEXT.clear()
    tables = patterns.tables.get(FAMILY, {})
    _CONTEXT.update({name: Gated(expression) for name, expression in tables["context"].items()})


def read(note: NoteText) -> Iterable[Draft]:
    weak = len(note.text) > 600 and any(hit.name in hit.get("weak", ()) for hit in note.hits.get(FAMILY, ()))
    elsewhere = weak and not any(map(_of_oncology, note.vocabulary))
    for sentence, hits in note.sentences_with(FAMILY):
        if sentence.section in ("family_history", "allergies", "social_history"):
            continue
        for hit in hits:
            if elsewhere and hit.name in hit.get("weak", ()):
                continue  # symptoms progress and recur too
            if hit.get("reader") != "none" and counts(note, sentence, hit):
                yield _draft(note, sentence, hit)


def counts(note: NoteText, sentence: Sentence, hit: Hit) -> bool:
    """Does the word speak of the tumour?"""
    if _GENERAL.search(note.folded, max(sentence.start, hit.start - 50), hit.start):
        return False
    if hit.name not in hit.get("weak", ()):
        return True
    folded = note.folded
    before, after = (
        folded[max(sentence.start, hit.start - 60) : hit.start],
        folded[hit.end : min(sentence.end, hit.end + 60)],
    )
    if hit.name.isupper():
        if before[-1:] == "-" or after[:1] == "-":
            return False  # part of a code
        close = before[-22:] + " # " + after[:22]
        if _CONTEXT["abbreviated_not"].search(close):
            return False
        if hit.name == "POD" and re.match(r"\s*#?\s*\d{1,2}\b(?!\s*/)", after):
            return False  # postoperative day
        if hit.name == "CR" and re.match(r"\s*[:=<>]?\s*\d", after):
            return False
        alone = not before.strip() or note.text[hit.start : hit.end] == sentence.text.strip(" .")
        return alone or bool(_CONTEXT["abbreviated"].search(close) or sentence.hits("therapy"))
    if hit.name in ("recurrent", "progressive"):
        return _HEAD.match(after) is not None
    if re.search(r"\b(?:free of|free from|no evidence of|no sign of|no signs of|absence de|pas de|pas d'argument pour(?: une)?|sans|keine?n?|geen)\W*(?:disease\W+)?$", before):
        return True
    clause = re.split(r"[;.]", before)[-1] + " # " + re.split(r"[;.]", after)[0]
    near = before[-28:] + " # " + after[:28]
    if _CONTEXT["symptom"].search(near) and not _CONTEXT["tumour"].search(near):
        return False
    if re.match(r"\s*(?:of|in) (?:his |her |the )?(?:\w+ )?", after):
        object_ = after[:40]
        if _CONTEXT["symptom"].search(object_) and not _CONTEXT["tumour"].search(object_):
            return False
    if _RETURNED.match(folded, hit.start) and note.hits.get("histology") and not _CONTEXT["symptom"].search(clause):
        return True
    return bool(
        _CONTEXT["tumour"].search(clause) or sentence.hits("therapy") or _CONTEXT["tumour"].search(sentence.folded)
    )


#: "treated with anlotinib after disease progression": the progression was before the drug
_NEXT_GIVEN = re.compile(r"^[a-z-]+ (?:was (?:started|initiated|given|administered) )?(?:after|upon|following|because of|due to) (?:the |a |an |another |further |confirmed |documented )*(?:disease |tumou?r )?$")


def _draft(note: NoteText, sentence: Sentence, hit: Hit) -> Draft:
    before, after = note.folded[sentence.start : hit.start], note.folded[hit.end : sentence.end]
    attributes: dict[str, Any] = {}
    line = details.line(before[-60:], after)
    if line is not None:
        attributes["line"] = line
    drugs = [h for h in sentence.hits("therapy") if h.end <= hit.start and h.get("kind") in (None, "regimen")]
    if drugs:
        last = drugs[-1].start
        if not (hit.key == "progression" and _NEXT_GIVEN.search(before[last - sentence.start :])):
            attributes["after"] = "/".join(h.key for h in drugs if last - h.start < 60)
    date = _date_behind(note, sentence, hit)
    assertion = stated(note.folded, sentence, hit)
    if assertion == "hypothetical" and date is not None and _UNTIL.search(before):
        # "maintenance until PD 6/2025": a day that has passed says that it happened
        past = note.note_date is not None and date[1] <= note.note_date
        assertion = "present" if past else assertion
    return Draft(
        family=FAMILY,
        concept=hit.key,
        start=hit.start,
        end=hit.end,
        rule_id=hit.concept.rule_id,
        assertion=assertion,
        date=date,
        attributes=attributes,
    )


_UNTIL = re.compile(r"\b(?:until|till|through|thru|at|upon|to)\s+(?:the\s+|disease\s+)?$")


def _date_behind(note: NoteText, sentence: Sentence, hit: Hit) -> tuple[datetime.date, datetime.date, str] | None:
    """The date right behind the word ("PD 9/2025", "progressed on maintenance in January 2026"); None: the engine's choice.

    A date that belongs to the next treatment, behind a comma, arrow or drug name, is not taken.
    """
    for span in sentence.dates:
        if span.start < hit.end:
            continue
        between = note.folded[hit.end : span.start]
        if len(between) > 45 or re.search(
            r"[;.,)]|->|→|\n|\b(?:then|now|last|since|start\w*|before|here|screening)\b", between
        ):
            return None
        if note.hits_between("therapy", hit.end, span.start) and not re.search(r"\b(?:in|on|of)\W*$", between):
            return None
        return span.earliest, span.latest, span.precision
    return None


#: a treatment told in the past ran "until progression", a finding was made "at the time of progression"
_UP_TO = re.compile(r"\b(?:until|till|at the time of|upon|at(?=\W{1,3}$))\W{1,3}(?:\w{1,14} ){0,3}$")
_HAPPENED = re.compile(
    r"\b(?:received|developed|showed|revealed|demonstrated|stayed|remained|continued|took|had been on|(?<!to be )(?:was|were|been) (?:\w+ly )?(?:treated|given|found|continued|maintained|performed|"
    r"administered|started|initiated|decided|resumed|changed|obtained|repeated|detected|switched|taken))\b"
)
_TO_COME = re.compile(r"\b(?:will|if|risk|monitor\w*|plan\w*|should)\b")
#: "until progression or unacceptable toxicity": the rule of a treatment, not its course
_ANY_OF = re.compile(r"\s*(?:\w+ )?or (?:\w+ )?(?:toxicit|intoleran|death)")


def stated(folded: str, sentence: Sentence, hit: Hit) -> str | None:
    """Assertion where a word beside the hit decides; None leaves it to the assertor."""
    before, after = folded[sentence.start : hit.start], folded[hit.end : sentence.end]
    clause = re.split(r"[;.]\s|→|->|\bbut\b", before)[-1]
    if _CONTEXT["future"].search(clause):
        if _UP_TO.search(clause[-60:]) and _HAPPENED.search(clause if clause.strip() not in ("at", "at the time of") else after[:80]) and not (_TO_COME.search(clause) or _ANY_OF.match(after)):
            return "present"
        happened = re.search(r"\b(?:stopp\w*|discontinu\w*|off|d/c\S*|died)\b.{0,25}\b(?:at|upon)\W*$", clause)
        return "present" if happened else "hypothetical"
    if re.match(r"\s*(?:was |is )?(?:not (?:seen|noted|observed|identified|present)|has not|: ?no\b|- ?none)", after):
        return "absent"
    found = _ABSENT_BEFORE.search(clause)
    if found and re.search(r"\b(?:effect|efficacy|benefit|activity)\W+$", found.group()):
        return "present"  # "nivolumab had no effect (PD)"
    if found and not re.search(
        r"\b(?:but|however|except|although|only|longer|with|then|had|showed|despite|after)\b", found.group()
    ):
        return "absent"
    return None
