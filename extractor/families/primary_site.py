"""The primary site of a tumour: from its own words, its sentence, the specimen line, or the note's leading site."""

from __future__ import annotations

import re
from functools import cached_property

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from . import sites

#: sites that hold metastases far more often than primaries: taken only where the note calls them primary
SECONDARY = frozenset(
    {
        "liver",
        "bone",
        "brain",
        "adrenal",
        "lymph_node",
        "pleura",
        "peritoneum",
        "skin",
        "chest wall",
        "spleen",
        "soft tissue",
        "leptomeninges",
        "retroperitoneum",
    }
)
_MODIFIER = (
    r"poorly|well|moderately|differentiated|undifferentiated|high|low|intermediate|grade|grad|diff\.?|invasive|infiltrating|pure|primary|large|small|cell|"
    r"neuroendocrine|mixed|type|mucinous|papillary|serous|ductal|acinar|clear|signet|ring|metastatic|advanced|stage|[ivx]+[abc]?|recurrent|g[123]|"
    r"basaloid|keratinizing|tumou?r|carcinoid|gland|cancer|carcinoma|nonsmall|non-small|known|de novo|invasif|solid|lepidic|combined|pleomorphic|and|with|typical|atypical|nec|net"
)
_BEFORE_GAP = re.compile(rf"[\s,(/:-]*(?:(?:{_MODIFIER})[\s,(/-]+)*(?:{_MODIFIER})?[\s,(/-]*")
_AFTER_GAP = re.compile(
    r"\s*\)?\s*(?:\([^()]{1,24}\)\s*)?(?:,\s*)?(?:(?:nos|large cell type|small cell type|pure|type|g[123]|grade \d|high grade|low grade|poorly differentiated|well differentiated|"
    r"\(?large cell\)?|\(?small cell\)?|\(?carcinoid\)?|tumou?r|de novo|de haut grade|a grandes cellules|a petites cellules|peu differencie|bien differencie|stage [ivx]+[abc]?)\s*,?\s*)*"
    r"(?:\(|:|,|-|–|of|in|from|arising (?:in|from)|originating (?:in|from)|at|involving|within|confined to|c/w|consistent with|compatible with|favou?r\w*|du|de la|de l'|d'origine|de|on|with)?\s*"
    r"(?:(?:the|his|her|its|a|an|left|right|upper|lower|middle|distal|proximal|mid|known|primary|tail|head|body|and|lobe|of|l|r|wall|origin|uterine|urinary|known|male|female|both|ovarian|tip|base|posterior|anterior|lateral)\b\s*)*"
)
_PRIMARY_AFTER = re.compile(r"\s*(?:\w+\s+)?(?:primary|origin|primaries)\b")
_PRIMARY_BEFORE = re.compile(
    r"\b(?:primary(?:\s+site)?|origin(?:ating)?|arising)\s*(?:tumou?r|site)?\s*(?::|of|in|from|is|was|the|,|-)*\s*(?:the\s+|left\s+|right\s+)*$"
)
_METASTASIS = re.compile(r"\s*(?:gland|node|lesions?|bone|and\s+\w+)?\s*(?:metasta\w+|mets?\b|secondar)")
_METASTASIS_BEFORE = re.compile(
    r"(?:metasta\w+|mets?|spread|invasion|invading|extending|extension|secondar\w+)\s+(?:\w+\s+){0,2}(?:to|in|into|of|through)\s+(?:\w+\s+){0,2}$|metastatic\s+$"
)
_STRONG_AFTER = re.compile(
    r"\s*(?:gland|lobe|wall|tail|head|body)?\s*(?:wedge|tissue (?:labell?ed|received|measuring|designated)|mass|tumou?rs?|primary|cancer|carcinoma|adenocarcinoma|neoplasm|malignan\w+|ca\b|polyp|biops\w+|bx|resection|net\b|nec\b|neuroendocrine|origin|,\s*(?:biops|resect|excis|core|total|radical|partial|trans))"
)
_STRONG_BEFORE = re.compile(
    r"(?:mass|tumou?r|lesion|density|thickening|conglomerate|carcinoma|cancer|adenocarcinoma|neoplasm|biopsy|resection|nodule|nec|net)s?\s+(?:\w+\s+){0,3}(?:of|in|at|within|from|on|involving|confined to|inside)\s+(?:the\s+|his\s+|her\s+|left\s+|right\s+|\w+\s+(?:wall|part|third|tail|body|portion)\s+of\s+(?:the\s+)?)*$"
)
_SURGERY = re.compile(r"ectomy$|turbt$")
_FAMILY_HISTORY = re.compile(r"\b(?:mother|father|brother|sister|aunt|uncle|grand\w+|cousin|family history|fh)\b")


def near(note: NoteText, sentence: Sentence, start: int, end: int) -> tuple[str | None, bool]:
    """The site that the tumour's own words name, and whether they name it outright.

    "rectal NEC", "carcinoma of the gallbladder", "LCNEC lung", "consistent with prostatic origin".
    """
    folded = note.folded
    found = sites.hits(note, sentence.start, sentence.end)
    if not found:
        seen = _BRONCHUS.match(folded, sentence.start, start)
        return (None, False) if seen is None else ("lung", True)
    primary = _called_primary(folded, found, sentence, start, end)
    after = [h for h in found if h.start >= end - 1]
    if after and after[0].start - end < 90 and _AFTER_GAP.fullmatch(folded, end, after[0].start):
        site = after[0]
        link = folded[end : site.start]
        weak = re.search(r"\bwith\b|\bin\b|\binvolving\b|^\s*[,(:-]?\s*$", link) is not None
        if (
            not (site.key in SECONDARY and weak)
            and not _METASTASIS.match(folded, site.end)
            and site.key not in ("lymph_node",)
        ):
            return primary or site.key, True
    before = [h for h in found if h.end <= start + 1 or h.start < start < h.end]
    if (
        before
        and start - before[-1].end < 80
        and _BEFORE_GAP.fullmatch(folded, before[-1].end, max(start, before[-1].end))
    ):
        site = before[-1]
        lead = folded[max(sentence.start, site.start - 30) : site.start]
        metastatic = "metasta" in folded[site.end : start]
        if site.key not in SECONDARY and not metastatic and not re.search(r"\bnon[\s-]*$", lead):
            return primary or site.key, True
        if (
            site.key in SECONDARY
            and site.key not in ("lymph_node", "bone")
            and not metastatic
            and re.search(r"\bprimary\s*$", lead)
        ):
            return site.key, True
    inside = [h for h in found if start <= h.start < end]
    if inside and inside[0].key not in SECONDARY:
        return inside[0].key, True
    if primary:
        return primary, True
    headed = _headed(folded, found, sentence, start) or _biopsied(folded, found, start)
    return headed, headed is not None


#: "Final diagnosis: Prostate, TUR:", "A. Gallbladder, cholecystectomy -": the specimen that heads a diagnosis
_HEAD_LEAD = re.compile(
    r"(?:[a-z][\w .#/-]{0,30}:\s*)?(?:(?:part\s+)?(?:[a-z]|\d{1,2})[.):]\s*)?(?:(?:the|left|right|upper|lower|middle|distal|proximal|biops(?:y|ies) of)\s+)*"
)
_HEAD_GAP = re.compile(r"[\s,]?(?:(?!metasta)[^.:\n]){0,90}(?::|\s[-–—]{1,2}(?=\s))(?:(?!metasta)[^.;:]){0,80}")


#: "lung biopsy shows", "bladder TURBT 3/2025:" before the name of the tumour
_BIOPSIED = re.compile(
    r"s?\s*(?:(?:lobe|mass|nodule|lesion|tumou?r|wall|core|needle|wedge|excisional|endoscopic)\s+){0,2}(?:biops(?:y|ies)|bx|resection|fna|fnb|specimen|turbt)\b"
    r"(?:(?!metasta)[^.;:\n]){0,40}?(?:\b(?:show\w*|reveal\w*|confirm\w*|demonstrat\w*|positive for|consistent with|c/w|was|yielded|read as)|:|=|\s-)(?:(?!metasta|\b(?:no|not|negative)\b)[^.;:]){0,40}"
)


#: "a bronchoscopic biopsy revealed": of the lung, where the sentence names no organ
_BRONCHUS = re.compile(
    r"[^.;:]{0,40}\b(?:bronchoscopic|transbronchial|endobronchial) (?:[a-z]+ ){0,2}(?:biops(?:y|ies)|bx)(?:(?!metasta)[^.;:]){0,30}?"
    r"\b(?:show\w*|reveal\w*|confirm\w*|demonstrat\w*|yielded)(?:(?!metasta|\b(?:no|not|negative)\b)[^.;:]){0,40}$"
)


def _biopsied(folded: str, found: list[Hit], start: int) -> str | None:
    earlier = [h for h in found if h.end <= start]
    if not earlier or earlier[-1].key in SECONDARY:
        return None
    return earlier[-1].key if _BIOPSIED.fullmatch(folded, earlier[-1].end, start) else None


def _headed(folded: str, found: list[Hit], sentence: Sentence, start: int) -> str | None:
    site = found[0]
    if site.key in SECONDARY or site.end >= start or not _HEAD_LEAD.fullmatch(folded, sentence.start, site.start):
        return None
    return site.key if _HEAD_GAP.fullmatch(folded, site.end, start) else None


def _called_primary(folded: str, found: list[Hit], sentence: Sentence, start: int, end: int) -> str | None:
    for site in found:
        if abs(site.start - end) > 160 or site.key == "lymph_node":
            continue
        called = _PRIMARY_AFTER.match(folded, site.end) or _PRIMARY_BEFORE.search(
            folded[max(sentence.start, site.start - 40) : site.start]
        )
        if called and not re.search(r"\bnot\b|\bno\b", folded[max(sentence.start, site.start - 20) : site.start]):
            return site.key
    return None


#: a line that heads a specimen: "BLADDER, RADICAL CYSTECTOMY:"
_SPECIMEN = re.compile(r"biops|\bbx\b|resect|excis|\bfna\b|aspirat|cytolog|ectomy|\bturb?p?t?\b|dissect|specimen|wedge|polypectom|curettage")


def heading_above(note: NoteText, sentence: Sentence, start: int) -> str | None:
    """The organ of the specimen whose heading stands above: "Bladder, cystectomy:" over a numbered list."""
    folded, above = note.folded, sentence.previous()
    for _ in range(8):
        if above is None or start - above.start > 700:
            return None
        if above.text.rstrip().endswith((":", "-")) and _SPECIMEN.search(above.folded) and len(above.text) < 130:
            found = sites.hits(note, above.start, above.end)
            if not found or not _HEAD_LEAD.fullmatch(folded, above.start, found[0].start):
                return None
            return None if found[0].key in SECONDARY else found[0].key
        above = above.previous()
    return None


#: a duct that is wide is not where the tumour is
_DILATED = re.compile(r"\bdilat\w+ (?:of )?(?:the |an? )?(?:common |intrahepatic |extrahepatic )?$")


class Dominant:
    """The site that a note is about: where its masses, resections and specimens are."""

    def __init__(self, note: NoteText) -> None:
        self.note = note

    @cached_property
    def scores(self) -> list[tuple[int, str, float, bool]]:
        """(position, site, weight, strong) of every organ that could be a primary."""
        folded = self.note.folded
        scored = []
        for hit in self.note.hits.get(sites.FAMILY, ()):
            site = hit.key
            if site == "lymph_node" or site == "unknown":
                continue
            before = folded[max(0, hit.start - 70) : hit.start]
            if (
                _DILATED.search(before) or
                _METASTASIS.match(folded, hit.end)
                or _METASTASIS_BEFORE.search(before)
                or _FAMILY_HISTORY.search(before)
            ):
                continue
            name = folded[hit.start : hit.end]
            strong = bool(
                _STRONG_AFTER.match(folded, hit.end) or _STRONG_BEFORE.search(before) or _SURGERY.search(name)
            )
            called = bool(_PRIMARY_AFTER.match(folded, hit.end) or _PRIMARY_BEFORE.search(before))
            if site in SECONDARY and not called:
                continue
            weight = 6.0 if called else 3.0 if strong else 1.0
            scored.append((hit.start, site, weight, strong or called))
        return scored

    def site(self, position: int) -> str | None:
        """The leading site: strong words (mass, resection, primary) first, then how often, then how near."""
        return self._leading(position) or self._unknown

    @cached_property
    def _unknown(self) -> str | None:
        """ "primary unknown", where no organ leads."""
        named = any(hit.key == "unknown" for hit in self.note.hits.get(sites.FAMILY, ()))
        return "unknown" if named and not any(called for *_, called in self.scores) else None

    def _leading(self, position: int) -> str | None:
        totals: dict[str, float] = {}
        solid: set[str] = set()
        for start, site, weight, strong in self.scores:
            distance = abs(start - position)
            nearness = 2.0 if distance < 250 else 1.0 if distance < 900 else 0.6
            totals[site] = totals.get(site, 0.0) + weight * nearness
            if strong:
                solid.add(site)
        candidates = {s: t for s, t in totals.items() if s in solid}
        if not candidates:
            near_by = [s for start, s, _, _ in self.scores if abs(start - position) < 300]
            return near_by[0] if len(totals) == 1 and len(near_by) > 1 else None
        best = sorted(candidates.items(), key=lambda item: (-item[1], item[0]))
        if len(best) > 1 and best[0][1] < 1.25 * best[1][1]:
            return None
        return best[0][0]
