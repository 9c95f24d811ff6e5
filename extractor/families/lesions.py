"""Measured lesions of imaging and examination: size, short axis of nodes, site, irradiated, grown (RECIST 1.1, I9)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..gated import Gated
from ..pipeline.text import NoteText
from ..records import SUPPORT, Draft
from . import sites

_SIZE = re.compile(
    r"(?P<a>\d(?<![\d.,/]\d)\d{0,2}(?:[.,]\d{1,2})?)\s*(?:mm|cm|millimet\w+|centimet\w+)?\s*(?:(?:x|×|by)\s*(?P<b>\d{1,3}(?:[.,]\d{1,2})?)\s*(?:mm|cm)?\s*)?(?:(?:x|×|by)\s*(?P<c>\d{1,3}(?:[.,]\d{1,2})?)\s*)?(?P<unit>mm|cm|millimet\w+|centimet\w+)(?![a-z\d²/])"
)
_UNITS = frozenset({"mm", "cm"})
_NOUN = re.compile(
    r"\b(?:lesions?|mass(?:es)?|nodules?|nodes?|lns?|lymph nodes?|adenopathy|adenopathies?|ganglions?|lymphadenopathy|metasta\w+|mets?|deposits?|tumou?rs?|primary|implants?|seg(?:ment)?\s?[ivx\d]+[ab]?|conglomerate|recurrence|target|n?tl\s?-?\d{1,2})\b"
)
_NODE = re.compile(r"\b(?:nodes?|lns?|nodal|lymph\w*|adenopath\w+|ganglions?|station|\d{1,2}[rl]\b)")
_NOT_LESION = re.compile(
    r"\b(?:effusion|spleen|splen\w+|(?<!para-)aort\w+|cysts?|h[a]?emangioma\w*|slices?|axial|collimation|thick(?:ness|ening)?|stent|catheter|port\b|incision|scar|ventric\w+|duct|stone|calcul\w+|thromb\w+|deep|specimen|aggregate|fragments?|cassette|margins?|from the|"
    r"below|above|prostate measures|uterus measures|kidney measures|liver measures|ascites|needle|gauge|diastole|polyps?|tapse|thyroid nodules?|nodular thickening|depth|wound|ulcer|suture|costal margin|fibroid\w*|hernia|pneumothorax|size of tumor|drain|rim|invasion|from anal|liver span|palpable below)\b"
)
_PRIOR = re.compile(
    r"(?:\b(?:was|were|previously|prior|formerly|from|compared (?:to|with)|earlier|before|prev|initially|vs\.?|versus|had been|baseline|then|nadir)\s*(?:\w+\s+){0,1}|\((?:was|prev\w*|prior|from)?\s*|->\s*|→\s*)(?:approximately |about |at )?$"
)
_FORMER = re.compile(r"\s*[\[(,;]\s*(?:was|were|prev\w*|prior|formerly|compared|versus|vs|from|contre|initially)\b")
_IMAGING = re.compile(
    r"\b(?:ct|pet|mri?|scans?|scanner|tdm|irm|ultrasound|imaging|radiolog\w+|x-?ray|cxr|sonogra\w+|echograph\w+|restaging|short axis|target|recist)\b"
)
_EXAM = re.compile(r"\b(?:palpable|exam(?:ination)?|on palpation|calliper|caliper|palpat\w+)\b")
_PATH = Gated(
    r"gross (?:description|examination|pathology)|surgical pathology|received in (?:formalin|saline)|final diagnosis|specimen|pathology report|\bmicroscop"
)
_SHORT, _LONG = (
    re.compile(r"short[\s-]*axis|\bsa\b|petit axe|\bshort\s*[:=]?\s{0,3}\d|\bshort\s*[:=]?\s+$"),
    re.compile(r"long(?:est)?[\s-]*(?:axis|diameter)|greatest|maximal|maximum|\bla\b|grand axe"),
)
_IRRADIATED = re.compile(
    r"\birradiated|\bradiated|\bsbrt\b|\bsrs\b|\bpost[\s-]?radiation|\bin (?:the )?(?:radiation|rt) field|\btreated with (?:radiation|rt)|\bafter (?:rt|radiotherapy|radiation)|\bprior radiation"
)
_GROWN = re.compile(r"\bprogress|\bgrow|\bgrew|\benlarg|\bincreas|\blarger|\bbigger|\bnew growth")
_FRESH = re.compile(
    r"\bnot (?:in|within) (?:the )?(?:radiation|rt)|\bno prior radiation|\bnever irradiated|\bnon-?irradiated|\bunirradiated|\boutside"
)
_MODALITY = (
    (re.compile(r"\bct\b|\btdm\b|\bscanner\b"), "CT"),
    (re.compile(r"\bmri?\b|\birm\b"), "MRI"),
    (re.compile(r"\bpet\b"), "PET"),
    (re.compile(r"x-?ray|\bcxr\b"), "x-ray"),
    (re.compile(r"ultrasound|echograph|sonogra"), "ultrasound"),
)
_CLAUSE = re.compile(
    r"[;]|\.\s|,\s(?=(?:and\s|new\s|a\s|another\s|right|left|l\s|r\s|largest|seg)|[^,]{3,60}\d+(?:\.\d+)?\s*(?:x|mm|cm))|\band\s(?=(?:a|the|new|right|left|another)\s)"
)


def drafts(note: NoteText) -> Iterator[Draft]:
    """Measured lesions as support facts: ``value`` is the longest diameter in mm."""
    folded = note.folded
    if _UNITS.isdisjoint(note.vocabulary) and "timet" not in folded and "limet" not in folded:
        return
    sized = list(_SIZE.finditer(folded))
    if not sized:
        return
    head = folded[:260] + " " + note.note_type.lower()
    report = _IMAGING.search(head) is not None
    if (
        not report
        and not re.search(r"radiolog|\bct\b|\bmri\b|imaging|oncolog", note.note_type.lower())
        and _PATH.search(folded)
    ):
        return
    previous_end, previous_sentence = 0, -1
    for match in sized:
        sentence = note.sentence_at(match.start())
        begin = max(sentence.start, previous_end if sentence.index == previous_sentence else 0)
        lead = folded[begin : match.start()]
        if _PRIOR.search(lead[-40:]) or re.search(
            r"(?:less than|smaller than|below|under|<|by|slice|every|within)\s*$", lead[-16:]
        ):
            continue
        cuts = list(_CLAUSE.finditer(lead))
        clause = lead[cuts[-1].end() :] if cuts else lead
        if not _NOUN.search(clause) and cuts and len(clause) < 12:
            clause = lead
        tail = folded[match.end() : min(sentence.end, match.end() + 42)]
        noun = (
            _NOUN.search(clause)
            or _NOUN.match(tail.lstrip(" -"))
            or re.match(r"\s*(?:\w+\s+){0,3}?(?:lesion|mass|nodule|node|ln\b|met\b|metastas|adenopathy|tumou?r)", tail)
        )
        found_before = [h for h in sites.hits(note, begin, match.start()) if h.start >= match.start() - len(clause) - 1]
        found_after = [
            h
            for h in sites.hits(note, match.end(), min(sentence.end, match.end() + 50))
            if not re.search(r"[;,]", folded[match.end() : h.start])
        ]
        adrenal = any(h.key == "adrenal" for h in found_before)
        if noun is None and not adrenal:
            continue
        if _NOT_LESION.search(clause) or re.match(
            r"\s*(?:\w+\s+)?(?:effusion|cyst|thick|slices?|axial|h[a]?emangioma|polyp|in diastole|deep|incision|from|below|thromb|stone|collections?)",
            tail,
        ):
            continue
        if (
            not report
            and not _IMAGING.search(sentence.folded)
            and not _EXAM.search(sentence.folded)
            and (note.section_at(sentence.start) or "")
            not in ("imaging", "exam", "physical_exam", "radiology", "findings", "impression")
        ):
            continue
        previous_end, previous_sentence = match.end(), sentence.index
        yield _lesion(note, match, clause, tail, sentence.folded, head, found_before, found_after)


def _lesion(
    note: NoteText, match: re.Match[str], clause: str, tail: str, piece: str, head: str, before: list, after: list
) -> Draft:
    factor = 10.0 if match["unit"].startswith("c") else 1.0
    sizes = [round(float(match[k].replace(",", ".")) * factor, 2) for k in "abc" if match[k]]
    attributes: dict[str, str | float] = {}
    near = clause + " " + tail[:24]
    nouns = list(_NOUN.finditer(clause))
    last = nouns[-1].group() if nouns else clause
    node = (
        _NODE.search(last) is not None
        if nouns
        else _NODE.search(clause) is not None
        or re.match(r"\s*(?:\w+\s+){0,3}?(?:nodes?|lns?|adenopathy|lymph)\b", tail) is not None
    )
    attributes["node"] = "yes" if node else "no"
    if node:
        if _SHORT.search(near):
            attributes["axis"] = "short"
            attributes["short_axis_mm"] = min(sizes)
        elif len(sizes) > 1:
            attributes["axis"] = "long"
            attributes["short_axis_mm"] = min(sizes[:2])
        else:
            attributes["axis"] = "long" if _LONG.search(near) else "unspecified"
    organs = [h for h in before if not (node and h.key == "lymph_node")] or before or after[:1]
    if organs:
        attributes["site"] = organs[-1].key if organs is not after[:1] else organs[0].key
    elif node:
        attributes["site"] = "lymph_node"
    elif re.search(r"\bseg(?:ment)?\b", near):
        attributes["site"] = "liver"
    if attributes.get("site") == "bone" and "soft tissue" not in piece:
        attributes["bone"] = "yes"
    if _IRRADIATED.search(near) and not _FRESH.search(piece):
        attributes["irradiated"] = "yes"
        if _GROWN.search(near + " " + tail):
            attributes["progressed"] = "yes"
    modality = next((name for pattern, name in _MODALITY if pattern.search(piece)), None) or next(
        (name for pattern, name in _MODALITY if pattern.search(head)), None
    )
    if modality:
        attributes["modality"] = modality
    elif _EXAM.search(piece):
        attributes["modality"] = "exam"
    # the day of an irradiation is not the day of the measurement; a former size in brackets makes no history
    told = (note.note_date, note.note_date, "note") if "irradiated" in attributes and note.note_date else None
    start = match.start()
    lead = len(clause) - len(clause.lstrip())
    if len(clause.strip()) <= 80:
        start = match.start() - len(clause) + lead
    return Draft(
        SUPPORT,
        "lesion",
        start,
        match.end(),
        "pathology/lesions:lesion",
        anchor=(start, match.end()),
        assertion="present",
        temporality="current" if _FORMER.match(tail) else None,
        date=told,
        value=max(sizes),
        unit="mm",
        value_as_written=match.group(),
        attributes=attributes,
    )
