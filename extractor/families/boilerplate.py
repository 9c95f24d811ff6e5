"""What a report says of its test, its controls and the disease in the world: no result of this tissue.

The lists of a genomic report are told apart too: what stands below "Variants of uncertain significance" is no alteration.
"""

from __future__ import annotations

import re

from ..gated import Gated
from ..pipeline.text import NoteText

#: methods, definitions, background
_GENERAL = Gated(
    r"\b(?:is|are) defined as\b|\breference (?:range|interval|values?)\b|\b(?:this|the) (?:assay|panel|methodology)\b|\bvalidated (?:for|to|at)\b|\blimit of detection\b|"
    r"\breport includes\b|\bgenes (?:tested|analy[sz]ed|assessed|included|covered|sequenced)\b|\bperformance characteristics\b|\b(?:fda|clia)\b[^.]{0,60}\b(?:approved|cleared|regulat|certified)|"
    r"\b(?:mutations?|alterations?|variants?|fusions?|rearrangements?|loss|inactivation|overexpression|amplification)\s+(?:in|of)\s+[^.;:]{2,40}?\s(?:is|are|has been|have been|can be|may be|occurs?)\s+(?:commonly\s+|frequently\s+|often\s+|rarely\s+|strongly\s+)?(?:associated|seen|described|found|reported|observed|identified|detected|present|characteristic|common|frequent|rare)\b[^.;]{0,24}\b(?:in|of|with)\b(?!\s+(?:this|the (?:patient|tumou?r|specimen|sample|present)))|"
    r"\b(?:is|are) (?:commonly |frequently |typically )?(?:seen|found|present|observed|detected|reported) in (?:up to |approximately |about |roughly |nearly )?\d{1,3}\s?(?:[-–]\s?\d{1,3}\s?)?(?:%|percent) of (?!(?:the )?(?:tumou?r )?(?:cells|nuclei|tumou?r))|"
    r"\bmay (?:transform|progress|evolve|recur)\b|\b(?:has|have) been (?:described|reported|observed|associated|implicated|shown)\b|\bet al\b|\breferences?\s*:\s*\d"
)
#: "control tissue:", "internal control for Rb": what follows is the control's
_CONTROL = Gated(r"\bcontrols?\s*(?:tissues?|slides?|for|\(|:)[^.;]*$|\b(?:internal|external) (?:positive |negative )?controls?\b[^.;]*$")


def is_general(sentence: str) -> bool:
    """Does the (folded) sentence speak of tests and tumours at large?

    >>> is_general("mutations in ret are associated with medullary carcinoma."), is_general("a ret mutation is present.")
    (True, False)
    """
    return _GENERAL.search(sentence) is not None


def of_control(lead: str) -> bool:
    """Do the words before a stain make it the control's?"""
    return _CONTROL.search(lead) is not None


_LIST_HEADING = re.compile(
    r"^[^\n]{0,30}?\b(?:(?P<vus>(?:unknown|uncertain|undetermined) (?:clinical )?significance|\bvus\b|\bvous\b)|(?P<other>pathogenic|tier i{1,3}\b|clinically (?:significant|relevant|actionable)|"
    r"reportable|genomic (?:findings|alterations)|biomarkers?|results?\b|interpretation|pertinent|no reportable|negative))[^\n]{0,60}$",
    re.MULTILINE,
)
_VARIANT = re.compile(r"\b[pc]\.\s?\S|\bexon \d|\bvaf\b[^\n]{0,60}\d")


def vus_lists(note: NoteText) -> list[tuple[int, int]]:
    """Where the variants of uncertain significance of a genomic report are listed, line by line."""
    if note.vocabulary.isdisjoint(("significance", "vus", "vous")):
        return []
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for match in _LIST_HEADING.finditer(note.folded):
        if _VARIANT.search(match.group()):
            continue
        if begin is not None:
            found.append((begin, match.start()))
            begin = None
        if match["vus"]:
            begin = match.end()
    if begin is not None:
        blank = note.folded.find("\n\n", begin + 2)
        found.append((begin, blank if blank > 0 else len(note.folded)))
    return found
