"""Metastatic sites that are told without the word metastasis.

"relapsed in the liver", "hepatic progression", "PD (HEP, BRA)", "cT4N3M1c (liver, bone)", "sites of disease: liver and
femur", "nodal deposits", "liver biopsy: small cell carcinoma". Only organs that seldom hold a primary count (liver,
bone, brain, adrenal, nodes, pleura, peritoneum, skin); the lung counts beside one of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import nodes, response, sites

_RULE = "stage/extent:metastatic_site"
_DETERMINER = (
    r"(?:(?:the|his|her|their|both|a|an|one|two|three|several|multiple|numerous|few|single|solitary|new|left|right|bilateral|"
    r"contralateral|ipsilateral|(?:same|other|opposite) (?:side|lobe) of|upper|lower|mediastinal|supraclavicular|retroperitoneal|le|la|les|l'|lobe|l|r|lt|rt|l\.|r\.)\s+)*"
)
_TO_SITE = re.compile(
    r"(?:\s*(?:of|the|his|her|disease|tumou?r|cancer|mainly|predominantly|only|again|confirmed|noted|seen|found|biopsy[- ]proven|systemically|\d{1,2}/\d{2,4}|\d{4})){0,4}"
    rf"\s*(?:\bin(?:to|volving)?\b|\bat\b|\bto\b|\bwithin\b|\bau\b|\baux\b|\bdans\b|\(|:|\bwith (?:new )?involvement of\b)\s*\(?{_DETERMINER}"
)
_ADJECTIVE = re.compile(r"[\s-]*(?:disease|tumou?r|metastatic)?[\s-]*")
_OF_TUMOUR = re.compile(r"\s+(?:disease|metasta\w+|mets|lesions?|mass(?:es)?|nodules?|tumou?rs?|deposits?)\b")
_BARE = re.compile(r"\s+")
#: kinds of cancer of an organ that otherwise holds metastases: its recurrence there is no spread
_OWN = {"liver": "hepatocellular", "pleura": "mesotheli", "skin": "melanoma", "bone": "sarcoma", "brain": "gli"}
_NEW_LESION = re.compile(
    rf"\b(?:new|additional|apparition de)\s+(?:\w+\s+){{0,2}}?(?:lesions?|nodules?|mass(?:es)?|deposits?|foci|tumou?rs?)\s+(?:\w+\s+){{0,2}}?(?:in|within|of|involving)\s+{_DETERMINER}"
)
_NEW_BEFORE = re.compile(r"\b(?:new|enlarging|growing|increasing|larger|worsening)\s+(?:\w+\s+)?$")
_LESION = re.compile(r"\s*(?:lesions?|nodules?|mass(?:es)?|deposits?|foci|tumou?rs?)\b")
_LABEL_GAP = re.compile(rf"\s*(?:\([^()\n]{{0,30}}\)\s*)?(?:[:=]|\bare\b|\binclude[sd]?\b|\bincluding\b)\s*{_DETERMINER}")
_ITEM = re.compile(r"[,;/&+]|\band\b|\bet\b")
_ANSWER_NO = re.compile(r"s?\s?[-:=]\s?(?:no|none|absent|n)\b")
_M_ALONE = re.compile(r"(?<![a-z0-9])[cp]?m1[a-d]?(?=\s?\()")
_AFTER_N = re.compile(r"n\s?[0-3x+][a-c]?\W{0,3}$")
_OPENS = re.compile(r"\s?[a-d]?\s*(?:\(|\s[-–:]\s(?=(?:[a-z]+\s)?(?:liver|hepatic|bones?|brain|adrenal|osseous|pleura|foie)\b))")
_STOP = re.compile(r"[);]|\.\s|\n")
_NO = re.compile(r"\b(?:no|not|none|without|negative|neg|clear|free|resolved|r/o|rule|possible|\?)\b|\?|\bindeterminate\b")


def drafts(note: NoteText) -> Iterator[Draft]:
    """Sites of disease beside a progression or relapse, and in the bracket behind an M category of its own."""
    if "m1" in note.folded:
        for match in _M_ALONE.finditer(note.folded):
            if _AFTER_N.search(note.folded, max(0, match.start() - 8), match.start()):
                continue  # part of a TNM string, which is read as a whole
            yield from bracketed(note, *match.span())
    for sentence, hits in note.sentences_with(response.FAMILY):
        for hit in hits:
            if hit.key == "progression" and response.counts(note, sentence, hit):
                yield from _of_event(note, sentence, hit)


def _of_event(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    """ "relapse in the liver and adrenals", "hepatic progression", "progression with new lesions in the brain"."""
    folded = note.folded
    found = sites.hits(note, sentence.start, sentence.end)
    if not found:
        return
    members: list[Hit] = []
    later = [h for h in found if h.start >= hit.end]
    if later and later[0].start - hit.end < 70 and (
        _TO_SITE.fullmatch(folded, hit.end, later[0].start) or _BARE.fullmatch(folded, hit.end, later[0].start)
    ):
        members = sites.run_after(folded, later, 0)
        if hit.name in ("recurrent", "progressive") and not _OF_TUMOUR.match(folded, members[-1].end):
            members = []
    earlier = [h for h in found if h.end <= hit.start]
    if earlier and hit.start - earlier[-1].end < 16 and _ADJECTIVE.fullmatch(folded, earlier[-1].end, hit.start):
        members += sites.run_before(folded, earlier, len(earlier) - 1)
    if not members:
        members = _new_lesions(folded, sentence, found)
    members = of_disease(note, members)
    if not members:
        return
    assertion = response.stated(folded, sentence, hit)
    if assertion == "absent":  # "negative for recurrence in the brain" says what was, not what is not
        return
    yield from _site_drafts(note, sentence, hit, members, assertion)


def _new_lesions(folded: str, sentence: Sentence, found: list[Hit]) -> list[Hit]:
    """ "new lesions in liver and bone", "new adrenal nodule"; None where there are none."""
    for index, site in enumerate(found):
        lead = folded[max(sentence.start, site.start - 70) : site.start]
        before, behind = _NEW_BEFORE.search(lead), _LESION.match(folded, site.end)
        if (match := _NEW_LESION.search(lead)) and match.end() == len(lead):
            return [] if _NO.search(lead) else sites.run_after(folded, found, index)
        if before and behind:
            return [] if _NO.search(lead) else [site]
    return []


_SAME = re.compile(r"\b(?:same|ipsilateral)\b[^,;.]{0,16}$")


def of_disease(note: NoteText, members: Sequence[Hit]) -> list[Hit]:
    """The members of a list of sites that hold metastases: the lung only beside another, no organ of the primary."""
    histologies = note.hits.get("histology", ())
    own = {h.get("site") for h in histologies}
    names = " ".join(note.folded[max(0, h.start - 16) : h.end] for h in histologies)
    kept = [
        m
        for m in members
        if m.get("kind") == "secondary"
        and m.key not in own
        and not (m.key in _OWN and (_OWN[m.key] in names or f"{m.key} ca" in names))
    ]
    lungs = [m for m in members if m.key == "lung" and kept and not _SAME.search(note.folded, max(0, m.start - 30), m.start)]
    return [m for m in members if m in kept or m in lungs]


def _site_drafts(
    note: NoteText, sentence: Sentence, hit: Hit, members: Sequence[Hit], assertion: str | None
) -> Iterator[Draft]:
    anchor = (hit.start, hit.end)
    for member in members:
        start, end = min(hit.start, member.start), max(hit.end, member.end)
        extra = {"site": member.key} if member.get("metastasis") == "other" else None
        yield from nodes.site_drafts(
            member.get("metastasis"), start, end, anchor, _RULE, sentence.folded, extra, assertion
        )
    denied = _NO.search(note.folded, max(sentence.start, hit.start - 60), hit.start)
    if not denied and assertion in (None, "present") and any(m.get("metastasis") != "lymph_node" for m in members):
        yield Draft(nodes.FAMILY_STAGE, "metastatic", hit.start, hit.end, _RULE, anchor=anchor, assertion=assertion)


#: organs that a tumour seldom reaches by growing into them
_DISTANT = frozenset({"liver", "bone", "brain", "adrenal", "peritoneum"})


_OF_SITE = re.compile(rf"\s+(?:of\s+|in\s+)?{_DETERMINER}")


def involved(note: NoteText, sentence: Sentence, hit: Hit, members: Sequence[Hit]) -> Iterator[Draft]:
    """ "liver and nodal deposits", "hepatic involvement": in a note that names a solid tumour."""
    if not any(h.get("kind") != "haematological" for h in note.hits.get("histology", ())):
        return
    deposits = "deposit" in hit.name
    if not members:
        later = [h for h in sites.hits(note, hit.end, sentence.end) if _OF_SITE.fullmatch(note.folded, hit.end, h.start)]
        members = sites.run_after(note.folded, sites.hits(note, later[0].start, sentence.end), 0) if later else []
    kept = [m for m in of_disease(note, members) if deposits or m.key in _DISTANT]
    yield from _site_drafts(note, sentence, hit, kept, None)


def listed(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    """The list behind a label: "sites of disease: left hilum, liver (multiple), right femur"."""
    folded = note.folded
    gap = _LABEL_GAP.match(folded, hit.end, min(len(folded), hit.end + 60))
    if gap is None:
        return
    stop = sentence.end
    found = sites.hits(note, gap.end(), stop)
    members = []
    position = gap.end()
    for site in found:
        between = folded[position : site.start]
        if re.search(r"[.\n]\s", between):
            break
        members.append(site)
        position = site.end
    for member in of_disease(note, members):
        before, behind = folded[gap.end() : member.start], folded[member.end : min(stop, member.end + 24)]
        denied = _NO.search(re.split(_ITEM, before)[-1] + " # " + re.split(_ITEM, behind)[0])
        if denied and not _ANSWER_NO.match(behind):
            continue
        extra = {"site": member.key} if member.get("metastasis") == "other" else None
        span = (member.start, member.end)
        yield from nodes.site_drafts(
            member.get("metastasis"), *span, span, _RULE, sentence.folded, extra, "absent" if denied else None
        )


def bracketed(note: NoteText, start: int, end: int, assertion: str | None = "present") -> Iterator[Draft]:
    """Sites in the bracket behind a stage at [start, end): "cT4N3M1c (liver, bone)", "stage IV (pleural nodules)"."""
    folded = note.folded
    opens = _OPENS.match(folded, end)
    if opens is None:
        return
    stop = _STOP.search(folded, opens.end(), opens.end() + 140)
    close = stop.start() if stop else -1
    inside = folded[opens.end() : close]
    if close < 0 or "(" in inside or "\n\n" in inside or _NO.search(inside):
        return
    for member in of_disease(note, sites.hits(note, opens.end(), close)):
        extra = {"site": member.key} if member.get("metastasis") == "other" else None
        yield from nodes.site_drafts(
            member.get("metastasis"), start, member.end, (start, end), _RULE, inside, extra, assertion
        )


_SPECIMEN_BEHIND = re.compile(
    r"[\s,(]*(?:(?:lobe|segment|seg|wall|station|left|right|level|core|needle|fine|excisional|incisional|us-guided|ct-guided|ultrasound-guided|guided|"
    r"percutaneous|repeat|(?>[ivx\d]+[a-z]?)|fluid)[\s,.):-]*+){0,6}(?:biops(?:y|ies)|bx|fna[bc]?|fnb|resection|excision|aspirat\w+|cytology|core|tbna|thoracentesis|sample|specimen)\b"
)
_SPECIMEN_BEFORE = re.compile(r"(?:biops(?:y|ies)|bx|fna[bc]?|fnb|aspirat\w+|cytology|tbna)\s+(?:of|from)\s+(?:the |a |an |left |right |his |her |segment \w+ |enlarged |mediastinal |hilar |cervical |supraclavicular |axillary |inguinal |subcarinal |paratracheal )*$")
_RESULT_GAP = re.compile(
    r"(?:(?!\b(?:history|hx|known|primary|clinical\w*|previous\w*|patient|with|for|before|after|if|negative|benign|insufficient|planned|awaited|pending)\b)[^;\n]){0,90}"
)
#: "bone tissue partly infiltrated by |carcinoma"
_TAKEN_BY = re.compile(
    r"(?:\s(?:tissue|parenchyma|marrow|trabecul\w+|cores?|fragments?|gland))?(?:\s(?:is|are|was|partially|partly|diffusely|extensively|focally|largely|almost|completely|with)){0,3}"
    r"\s(?:infiltrated|involved|replaced|effaced|infiltration|involvement)\sby\s(?:(?:an?|the|metastatic|poorly|moderately|well|differentiated|high[- ]grade|invasive)\s){0,5}"
)
_TISSUE = {
    "sclc": None,
    "combined_sclc": None,
    "sc_nec": None,
    "lcnec": None,
    "nec_nos": None,
    "nepc": None,
    "mtc": None,
    "adenocarcinoma": frozenset({"lymph_node", "bone", "brain", "adrenal"}),
    "squamous_cell_carcinoma": frozenset({"lymph_node", "bone", "brain", "adrenal"}),
}


def of_tissue(note: NoteText) -> Iterator[Draft]:
    """The organ whose tissue showed the carcinoma: "liver core biopsy 3/2025: small cell carcinoma"."""
    folded = note.folded
    for sentence, hits in note.sentences_with("histology"):
        found = sites.hits(note, sentence.start, sentence.end)
        if not found:
            continue
        for hit in hits:
            if hit.key not in _TISSUE:
                continue
            allowed = _TISSUE[hit.key]
            site = next((s for s in reversed(found) if s.end <= hit.start and s.get("kind") == "secondary"), None)
            if site is None or site.key in ("skin", "soft tissue") or (allowed and site.key not in allowed):
                continue
            specimen = _SPECIMEN_BEHIND.match(folded, site.end, hit.start)
            begin = specimen.end() if specimen else site.end
            taken = _TAKEN_BY.fullmatch(folded, site.end, hit.start)
            if specimen is None and taken is None and not _SPECIMEN_BEFORE.search(folded[max(sentence.start, site.start - 50) : site.start]):
                continue
            if not _RESULT_GAP.fullmatch(folded, begin, hit.start):
                continue
            yield from nodes.site_drafts(
                site.get("metastasis"), site.start, hit.end, (hit.start, hit.end), _RULE, sentence.folded,
                {"site": site.key} if site.get("metastasis") == "other" else None,
            )  # fmt: skip
            break
