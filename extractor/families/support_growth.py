"""Growth of the disease told without the word progression: new lesions, enlarging metastases, a mass that grows.

Not growth: "slight increase", "mixed response", new lesions that are called indeterminate, inflammatory or benign
(criteria I5). An explicit statement of progression is a fact of the family ``response``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft

FAMILY = SUPPORT
KEYS = frozenset({"says", "value_text", "value_from_name", "reader", "act"})

_NOUN = (
    r"(?:lesions?|mass(?:es)?|metasta\w+|mets?|nodules?|deposits?|nodes?|adenopath\w+|lymphadenopathy|tumou?rs?|primary"
    r"|disease|cancer|localisations?|lesions)"
)
_NEW = re.compile(
    rf"\b(?:new|nouvelles?)\s(?:(?!patient|consult|visit|with|for|of|diagnos|onset|primary|referral)\w+\s){{0,5}}?"
    rf"(?!primary|cancer){_NOUN}\b|\b{_NOUN}\b[^.;,]{{0,20}}[,:]\s?new\b"
)
_GROWS = re.compile(
    rf"\b(?:enlarging|growing|progressively larger|increasing)\s(?:\w+\s){{0,3}}?{_NOUN}\b"
    rf"|\b{_NOUN}\b(?: \([^()]{{1,80}}\))?[^.;]{{0,40}}?\b(?:(?:has|have) (?:grown|enlarged|increased|doubled|come back|returned)|(?:is|are) (?:growing|"
    r"larger|bigger|enlarging|increasing|back)|grew|growing again|larger|bigger|enlarged|increased|majoree?s?|augmentee?s?)\b"
    rf"|\b(?:increased? (?:in (?:the )?(?:size|number)|size) of|(?:interval )?(?:growth|enlargement)(?: in size)? of(?=[^.;]{{0,40}}(?:deposit|metasta|lesion|mets?\b|node|mass))"
    r"|interval increase(?: in size)? of"
    r"|majoration (?:de|des|en taille)|augmentation (?:de taille )?(?:de|des))\s(?:\w+\s){0,3}?" + _NOUN + r"\b"
)
_NOT_GROWTH = re.compile(
    r"\b(?:slight\w*|minimal\w*|mild\w*|minor|borderline|within (?:the )?(?:measurement|error)|mixed response|indeterminate"
    r"|inflammat\w+|infect\w+|benign|reactive|treatment effect|post-?treatment|pseudo-?progress\w*|flare|too small|equivocal"
    r"|nonspecific|likely (?:infectious|inflammatory|benign)|diagnos\w+|discrete?ment|legere?\w*|not (?:yet )?(?:new|grow\w*|larger)"
    r"|newly|before (?:treatment|chemotherapy)|at (?:diagnosis|presentation)|rule out|r/o|watch|monitor|if|screening|workup)\b"
)


def read(note: NoteText) -> Iterable[Draft]:
    for sentence, hits in note.sentences_with(FAMILY):
        named = [hit for hit in hits if hit.get("reader") == "support_growth"]
        if not named or note.section_at(sentence.start) in ("family_history", "past_medical_history", "plan"):
            continue
        folded = sentence.folded
        found = _NEW.search(folded) or _GROWS.search(folded)
        if found is None:
            continue
        before = folded[max(0, found.start() - 40) : found.start()]
        if re.search(
            r"\b(?:no|without|denies|pas de|sans|aucune?|nor|negative for|any|absence)\b[^.;:]{0,38}$", before
        ):
            continue
        if _NOT_GROWTH.search(folded[max(0, found.start() - 60) : found.end() + 60]):
            continue
        start, end = sentence.start + found.start(), sentence.start + found.end()
        yield Draft(FAMILY, "growth", start, end, named[0].concept.rule_id, anchor=(start, end), assertion="present")
