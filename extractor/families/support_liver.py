"""What imaging says of the liver where it does not say metastasis: clear, lesions that behave as tumour, or unsettled.

``value_text`` of ``liver_finding``: ``clear`` ("Liver: no focal lesion"), ``lesions`` ("innumerable hepatic lesions,
larger"), ``unsettled`` ("hypodensity too small to characterise"). Benign findings (cysts, fat) say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..pipeline.text import NoteText, Sentence
from ..records import SUPPORT, Draft

FAMILY = SUPPORT
KEYS = frozenset({"says", "value_text", "value_from_name", "reader", "act"})

_IMAGED = re.compile(
    r"\b(?:ct|cts|mri?|pet|scans?|scanner|tdm|irm|ultrasound|sonogra\w+|echograph\w+|imaging|radiolog\w+|restaging|contrast)\b"
)
_OTHER = re.compile(
    r"\b(?:function|enzymes?|tests?|panel|biops\w+|palp\w+|edge|span|failure|disease of|fluke|transplant|abscess|bilan)\b"
)
_LESION = (
    r"(?:focal |suspicious |discrete |space[- ]occupying |measurable |visible |significant |enhancing |suspecte |fokale[rn]? |suspekten? )*"
    r"(?:lesions?|mass(?:es)?|nodules?|metasta\w+|mets?\b|abnormalit\w+|disease|deposits?|nodules?|anomalies?|afwijkingen"
    r"|localisations?|herde?\b|herdbefunde?|rundherde?|raumforderung\w*|filiae|laesies?|haarden)"
)
_LIVER = r"(?:liver|hepatic|foie|hepatiques?|lever|leber)"
_CLEAR = re.compile(
    rf"{_LIVER}\s*+(?:parenchyma)?\s*+(?::|-|,|is|was|appears?|remains|est|reste|\()?\s*+(?:(?:enhances )?(?:normal(?!\s+(?:size|in size))|"
    rf"unremarkable|clear|clean|negative|sain|indemne|spared|not involved|uninvolved|no (?:\w+ )?evidence of {_LESION})"
    rf"|(?:homogeneous,? |normal in size,? |normal size,? )?(?:with |has |shows )?(?:no|without|sans|geen|pas de|free of|aucune?|absence de|keine?|ohne|frei von)\s"
    rf"{_LESION}|unauffallig|metastasenfrei)"
    rf"|{_LIVER}\s(?:on|by|per|in)\s[a-z0-9/. -]{{2,24}}?:\s*(?:normal|unremarkable|clear|no\s{_LESION})"
    rf"|{_LIVER}(?:,| and)[a-z, ]{{3,60}}?(?:normal|unremarkable|clear)\b"
    rf"|\b(?:no|without|sans|pas de|aucune?|geen|absence de|keine?|ohne)\s(?:focal |suspicious |discrete |other |evidence of |signs? of )*"
    rf"(?:{_LIVER}\s{_LESION}|{_LESION}\s(?:in the |of the |au |du |within the |to the )?{_LIVER})"
)
_STILL = re.compile(
    r"\b(?:no|without)\s(?:new|additional|further|larger|other)\b|\b(?:other than|except|apart from|besides|aside from)\b"
)
_LESIONS = re.compile(
    rf"\b{_LIVER}\s(?:\w+\s)?(?:lesions?|mass(?:es)?|nodules?|deposits?|burden|disease)|\blesions?\s(?:\w+\s){{0,2}}(?:in the |of the |du )?{_LIVER}"
    rf"|\b{_LIVER}\s*:[^.;\n]{{0,60}}?\b(?:lesions?|mass(?:es)?|nodules?|deposits?)"
)
_TUMOUR = re.compile(
    r"\b(?:innumerable|numerous|multiple|several|bilobar|new(?!ly)|enlarg\w+|growing|grew|larger|bigger|increas\w+|progress\w+"
    r"|target|cible|worsen\w+|bulky|multiples|nouvelles?|majoration|previously|prev|was \d|fdg|avid)\b"
)
_BENIGN = re.compile(
    r"\b(?:cysts?|cystic|h[a]?emangiom\w*|angiom\w*|kystes?|benign|steato\w+|fatty|biliary|hamartom\w*|nodular hyperplasia|fnh)\b"
)
_UNSETTLED = re.compile(
    r"\b(?:indeterminate|too small|nonspecific|non-specific|uncertain|unclear|equivocal|possibl\w+|probabl\w+|likely|suspicious"
    r"|cannot|indetermine\w*)\b"
)
_DARK = re.compile(r"\bhypodens\w+|\bhypoattenuat\w+|\blow[- ](?:density|attenuation)")


def read(note: NoteText) -> Iterable[Draft]:
    if not any(hit.get("reader") == "support_liver" for hit in note.hits.get(FAMILY, ())):
        return
    if not _IMAGED.search(note.folded) and not _IMAGED.search(note.note_type.lower()):
        return
    for sentence, hits in note.sentences_with(FAMILY):
        named = [hit for hit in hits if hit.get("reader") == "support_liver"]
        if not named or note.section_at(sentence.start) in ("physical_exam", "family_history", "past_medical_history"):
            continue
        said = _finding(sentence)
        if said is not None:
            value, start, end = said
            yield Draft(
                FAMILY, "liver_finding", start, end, named[0].concept.rule_id, value_text=value, assertion="present",
                anchor=(named[0].start, named[0].end),
            )  # fmt: skip


def _finding(sentence: Sentence) -> tuple[str, int, int] | None:
    folded, at = sentence.folded, sentence.start
    clear = _CLEAR.search(folded)
    if clear and not _STILL.search(folded) and not _OTHER.search(folded[clear.start() : clear.end() + 12]):
        return "clear", at + clear.start(), at + clear.end()
    lesions = _LESIONS.search(folded)
    if lesions is None or _BENIGN.search(folded) or (clear and not _STILL.search(folded)):
        return None
    around = folded[max(0, lesions.start() - 50) : lesions.end() + 60]
    if re.search(r"\b(?:no|without|pas de|sans)\s(?:\w+\s){0,2}$", folded[: lesions.start()]):
        return None
    if _UNSETTLED.search(around):
        return "unsettled", at + lesions.start(), at + lesions.end()
    if _TUMOUR.search(around):
        return "lesions", at + lesions.start(), at + lesions.end()
    if _DARK.search(around):
        return "unsettled", at + lesions.start(), at + lesions.end()
    return None
