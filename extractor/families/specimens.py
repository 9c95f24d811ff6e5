"""The organ of a report's one specimen: "Source: pleural fluid" above "Positive for malignant cells".

A cytology or a consultation names what was sent in a line of its own. Where the diagnosis then calls the tumour metastatic,
or finds malignant cells in a fluid, and no site is told otherwise, that organ is the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..gated import Gated
from ..pipeline.text import NoteText
from ..records import Draft
from . import nodes, sites

_LABEL = re.compile(
    r"^\W{0,4}(?:specimens?(?:\(s\))?(?: (?:submitted|received|source|type|site))?|source(?: of specimen)?|site|tissue(?: (?:source|type|submitted))?|block|sample|biopsy site|type of material|nature of specimen)"
    r"\s*[:#]\s*(?P<what>[^\n]{3,120})",
    re.MULTILINE,
)
_FLUID = re.compile(r"(?P<pleura>\bpleural (?:fluid|effusion)|\bthoracentesis)|(?P<peritoneum>\bascit\w+|\bperitoneal (?:fluid|wash\w*)|\bparacentesis)")
_TRIGGER = Gated(r"\bmetastatic\s+(?:[\w-]+\s+){0,5}(?:carcinoma|melanoma|sarcoma|neoplasm|malignancy|tumou?r|nec|cancer)\b|\b(?:positive for (?:malignan\w+|carcinoma|tumou?r)|malignant cells (?:are |were )?(?:present|seen|identified))")
_NOT_HERE = re.compile(r"\b(?:no|not|negative|without|history|hx|h/o|known|clinical\w*|r/o|rule out|suspicious|possible|favou?r|indication|prior|previous\w*|if|whether)\b[^.]*$")
_HISTORY = frozenset({"history_present_illness", "past_medical_history", "chief_complaint", "oncologic_history", "family_history", "plan"})


def drafts(note: NoteText, told: Sequence[Draft]) -> Iterator[Draft]:
    """The specimen's organ as the site of metastasis, where no other site is told."""
    if any(d.concept == "metastatic_site" and d.assertion != "absent" for d in told) or not _TRIGGER.may(note.folded):
        return
    site = _sent(note)
    if site is None:
        return
    for match in _TRIGGER.finditer(note.folded):
        sentence = note.sentence_at(match.start())
        lead = note.folded[sentence.start : match.start()]
        fluid_only = not match.group().startswith("metastatic")
        if sentence.section in _HISTORY or _NOT_HERE.search(lead) or (fluid_only and site not in ("pleura", "peritoneum")):
            continue
        yield from nodes.site_drafts(site, *match.span(), match.span(), "stage/extent:metastatic_site", "")
        return


def _sent(note: NoteText) -> str | None:
    """The one organ of the lines that say what was sent, if it is one that holds metastases."""
    found = set()
    for match in _LABEL.finditer(note.folded):
        fluid = _FLUID.search(match["what"])
        if fluid:
            found.add(fluid.lastgroup)
            continue
        for hit in sites.hits(note, *match.span("what")):
            found.add(hit.get("metastasis") if hit.get("kind") == "secondary" else "primary")
    site = found.pop() if len(found) == 1 else None
    return None if site in ("primary", "other", "skin") else site
