"""Metastases and their sites, read from the words around a name of ``patterns/stage``.

"hepatic and osseous metastases", "mets to liver, bone and brain", "metastatic to the adrenals", "liver biopsy:
metastatic carcinoma", "3/14 nodes positive". A site is one of the closed list of the vocabulary; what is metastatic
in lymph nodes alone is not called metastatic disease.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import nodes, sites, spread
from .histology import LITERATURE

_PRE_WORDS = (
    r"gland|glands|lesions?|tumou?rs?|mass|masses|nodules?|distant|parenchymal|node|nodes|nodal|disease|deposits?|and/or|"
    r"(?:or|and) (?:distant|systemic|visceral)|suspicious for|suspected|concerning for|suggestive of|consistent with|compatible with|worrisome for|positive for|"
    r"representing|represents?|suspect for|c/w|likely|possible|probable|indeterminate|multiple|new|known|solitary|single|small|tiny|"
    r"biopsy[- ]proven|both|which (?:are|is)|that (?:are|is)|are|were|is|was|in favou?r of|due to|from|progressive|treated|irradiated|"
    r"recurrent|metachronous|synchronous|hypermetabolic|most|also|wall|bone|body|lobe|only|"
    r"\d{1,3}(?:[.,]\d)?(?:\s?x\s?\d{1,3}(?:[.,]\d)?)?\s?(?:cm|mm)"
)
_PRE_GAP = re.compile(rf"[\s-]*(?:\(?(?:{_PRE_WORDS})\)?[\s-]*)*")
_POST_WORDS = frozenset(
    (
        "to in of involving involve involves within into at the his her their both one two three four five six a an "
        "single multiple several numerous few bilateral left right upper lower and recurrence disease including are "
        "were was is noted seen found present detected identified known new small tiny lesions lesion throughout on has "
        "have been developed confirmed present widespread diffuse extensive dans du de la le les des au aux regional "
        "distant segment affecting such as affect mostly mainly predominantly also only e g i e site sites "
        "contralateral ipsilateral hilar mediastinal l r r/l his prior side part deep large innumerable approximately "
        "about or"
    ).split()
)
#: where a node lies, right before its name: "external iliac", "diaphragmatic"
_STATION = re.compile(r"(?<=\s)(?:[a-z-]+(?:ic|al|ar|ary|ac|ous|ine|id)\s+){1,3}$")
_PREPOSITION = re.compile(
    r"\b(?:to|in|of|involving|involves?|within|into|at|on|including|throughout|dans|affecting|au|aux|du|de)\b|[:(]"
)
_OF_HISTOLOGY = re.compile(
    r"\s*(?:cancers?|carcinomas?|adeno\w*|ca\b|small|large|non|squamous|urothelial|neuroendocrine|nec\b|net\b|lcnec|tumou?rs?\b|melanoma|sarcoma|"
    r"malignan\w*|primary|origin|cell|acinar|ductal|mucinous|serous|endometri\w*|carcinoid|medullary|well|poorly|mtc)"
)
_LESION_NOUN = re.compile(
    r"\s*(?:lesions?|disease|deposits?|nodules?|foci|focus|involvement|tumou?rs?|mass(?:es)?|spread|implants?|burden|recurrence)\b"
)
_SPECIMEN = r"(?:core |needle |fine |excisional |incisional |wedge |us-guided |ct-guided |u/s |ultrasound |guided |percutaneous ){0,5}(?:biops(?:y|ies?)|bx|fna|fnb|wedge|resection|excision|aspirat\w+|cytology|core|mass(?:es)?|lesions?|tumou?rs?|nodules?|specimen|metastasectomy|washings?|fluid)"
_PREDICATE = re.compile(
    rf"(?:[\s,]|\blobe\b|\bsegment\b|\bseg\b|\bwall\b|\b[ivx\d]+\b|\bstation\b|\bleft\b|\bright\b|\bportion\b|\bpart\b)*{_SPECIMEN}\b[^;]{{0,180}}$",
    re.DOTALL,
)
_PREDICATE_BEFORE = re.compile(
    rf"\b{_SPECIMEN}\s+(?:(?:of|from|in|de|du|der|des)\s+)?(?:the |a |an |his |her |left |right |gastric |multiple )*$"
)
_TO_SITE = re.compile(r"^[^.;\n]{0,80}?\b(in|into|to|involving|within)\b")
_NEGATED = re.compile(
    r"\b(?:no|not|without|negative for|absence of|denie[sd]|never|neither|nor|free of|rule[sd]? out|resolution of|aucune?|pas de|sans|"
    r"keine?|ohne|geen|zonder|nor any)\b(?:(?!\bbut\b|\bhowever\b|\bexcept\b|[;.]).)*$",
    re.DOTALL,
)
_BRAIN_REPORT = re.compile(
    r"\b(?:mri?|ct|magnetic resonance)\b[^\n]{0,25}\b(?:brain|head)\b|\b(?:brain|head|cerebral)\s+(?:mri?|ct)\b|\b(?:irm|scanner|tdm) (?:cerebrale?|encephalique|du crane)\b|"
    r"\bcmrt\b|\b(?:mrt|ct)[\s-](?:des )?(?:schadels?|kopf\w*|neurokranium)\b|\bschadel-?(?:mrt|ct)\b|\bmri? (?:van de )?hersenen\b"
)
_BODY_REPORT = re.compile(r"\b(?:chest|abdomen|pelvis|pet|thorax|cect|abdominal|tap)\b")


def drafts(note: NoteText, sentence: Sentence, hits: list[Hit]) -> Iterator[Draft]:
    """Metastatic disease and its sites in one sentence."""
    if LITERATURE.search(sentence.folded):
        return
    found = sites.hits(note, sentence.start, sentence.end)
    for hit in hits:
        kind = hit.get("kind")
        if kind == "noun":
            yield from _noun(note, sentence, hit, found)
        elif kind in ("adjective", "spread"):
            yield from _adjective(note, sentence, hit, found, kind)
        elif kind == "involvement":
            yield from nodes.involvement(note, sentence, hit, found)
        elif kind in ("effusion", "peritoneal"):
            site = "pleura" if kind == "effusion" else "peritoneum"
            yield Draft(nodes.FAMILY_STAGE, "metastatic_site", hit.start, hit.end, hit.concept.rule_id, value_text=site)
        elif kind == "organ":
            yield from _compound(note, sentence, hit)
        elif kind == "involved":
            yield from spread.involved(note, sentence, hit, before(note.folded, found, hit.start))


def _compound(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    """One word for the organ and its metastases: "Lebermetastasen"."""
    site, folded = hit.get("value_text"), note.folded
    yield from nodes.site_drafts(site, hit.start, hit.end, None, hit.concept.rule_id, sentence.folded)
    denied = re.search(r"\b(?:keine?|ohne|geen|zonder)\s+(?:\w+\s+){0,3}$", folded[max(sentence.start, hit.start - 50) : hit.start])
    if site != "lymph_node" and not denied:
        yield Draft(nodes.FAMILY_STAGE, "metastatic", hit.start, hit.end, hit.concept.rule_id)


def _of_brain(folded: str, sentence: Sentence, hit: Hit, found: list[Hit]) -> bool:
    """In a report of the brain, or behind a study of the brain in the sentence, metastases are the brain's."""
    head = folded[:400]
    if _BRAIN_REPORT.search(head) and not _BODY_REPORT.search(head):
        return True
    return all(h.key == "brain" for h in found if h.end <= hit.start) and (
        _BRAIN_REPORT.search(folded, sentence.start, hit.start) is not None
    )


def _noun(note: NoteText, sentence: Sentence, hit: Hit, found: list[Hit]) -> Iterator[Draft]:
    folded = note.folded
    if _NOT_ANSWERED.match(folded, hit.end):
        return
    members = before(folded, found, hit.start)
    abbreviation = folded[hit.start : hit.end] in ("met", "mts")
    lead = folded[max(sentence.start, hit.start - 24) : hit.start]
    if not members and (_LOBE.search(lead) or _VERTEBRA.search(lead)):
        site = "brain" if _LOBE.search(lead) else "bone"
        if folded[hit.start : hit.end] == "met" and site == "bone" and re.match(r"\s+[a-z]", folded[hit.end : hit.end + 3]):
            return  # the verb
        span = (hit.start, hit.end)
        yield from nodes.site_drafts(site, *span, span, hit.concept.rule_id, sentence.folded)
        yield Draft(nodes.FAMILY_STAGE, "metastatic", *span, hit.concept.rule_id, anchor=span)
        return
    if abbreviation and not members:
        return
    after_members = after(folded, found, hit.end, sentence.end)
    members = members + [m for m in after_members if m not in members]
    anchor = (hit.start, hit.end)
    if re.search(r"\b(?:negative|positive) for\s+$", folded[hit.start - 14 : hit.start]) and re.search(
        r"\bnodes?\b|\blns?\b", folded[max(sentence.start, hit.start - 60) : hit.start]
    ):
        return
    negated = _NEGATED.search(folded, max(sentence.start, hit.start - 90), hit.start) is not None
    if not members and not negated:
        members = _predicate(note, sentence, hit, found)
    if not members and not negated:
        members = _called(folded, sentence, hit, found)
    if not members and _of_brain(folded, sentence, hit, found) and "distant" not in folded[hit.start - 12 : hit.start]:
        yield from nodes.site_drafts(
            "brain", hit.start, hit.end, anchor, hit.concept.rule_id, folded[sentence.start : sentence.end]
        )
        if not negated and _FOUND.search(folded, max(sentence.start, hit.start - 50), hit.start):
            yield Draft(nodes.FAMILY_STAGE, "metastatic", *anchor, hit.concept.rule_id, anchor=anchor)
        return
    if not members and (free := _FREE.search(folded, max(sentence.start, hit.start - 50), hit.start)):
        members = [h for h in found if h.end <= free.start() + 1][-1:]
    if not members:
        members = _labelled(note, hit, found)
    yield from _members(note, sentence, hit, members, anchor)
    sure = not negated and _UNSURE.search(folded, max(sentence.start, hit.start - 90), hit.start) is None
    apart = _APART.search(folded, max(sentence.start, hit.start - 16), hit.start) is not None
    if not members or apart or (sure and any(m.get("metastasis") != "lymph_node" for m in members)):
        yield Draft(nodes.FAMILY_STAGE, "metastatic", hit.start, hit.end, hit.concept.rule_id, anchor=anchor)


_FOUND = re.compile(r"\b(?:reveal|show|demonstrat|detect|disclos|identifi)\w*\s(?:(?!no\b|possibl|suspect|suspic|probabl|likely)[\w-]+\s){0,4}$")
#: "lymph node or distant |metastases" speaks of both
_APART = re.compile(r"\b(?:or|and) (?:distant|systemic|visceral) $")
#: what calls a lesion a metastasis, right before the word
_CALLED = re.compile(
    r"(?:(?:consistent|compatible|in keeping|in line) with|c/w|(?:suspicious|suspect|concerning|worrisome) for|suggestive of|likely|probabl[ey]|"
    r"represent(?:s|ing)?|favou?red to (?:be|represent)|evoquant|evocat\w+ d|compatibles? avec|s/o)\s*(?:des?\s|d['’e]\s?|an?\s|a new\s|multiple\s|new\s|further\s)?\s*$"
)
_LESION = re.compile(r"\b(?:lesions?|tumou?rs?|excision|resection|region|sols?|mass(?:es)?|nodules?|foci|focus|uptake|enhancement|lesion\w*|nodes?|adenopathy|lymphadenopathy|images?)\b")


def _called(folded: str, sentence: Sentence, hit: Hit, found: list[Hit]) -> list[Hit]:
    """ "MRI liver: three lesions with restricted diffusion, consistent with metastases": the organ of the lesions."""
    begin = max(sentence.start, hit.start - 160)
    cue = _CALLED.search(folded, begin, hit.start)
    if cue is None:
        return []
    lead = re.split(r";|\.\s", folded[begin : cue.start()])[-1]
    if not _LESION.search(lead):
        return []
    earlier = [h for h in found if cue.start() - len(lead) <= h.start and h.end <= cue.start() and h.get("metastasis") != "other"]
    if not earlier or (earlier[-1].get("kind") != "secondary" and "nodul" not in lead):
        return []
    return sites.run_before(folded, earlier, len(earlier) - 1)


def _labelled(note: NoteText, hit: Hit, found: list[Hit]) -> list[Hit]:
    """The organs that head the line or sentence of a report: "Liver: multiple metastases", "Adrenals and bones: none"."""
    folded = note.folded
    begin = max(note.line(hit.start)[0], note.sentence_at(hit.start).start)
    heads = [h for h in found if h.end <= hit.start]
    if not heads or folded[begin : heads[0].start].strip(" \t-*") or re.search(r"[.;]\s", folded[begin : hit.start]):
        return []
    run = sites.run_after(folded, heads, 0)
    if not re.match(r"(?:\s?glands?|s)?\s?:", folded[run[-1].end : hit.start]):
        return []
    return [h for h in run if h.get("kind") == "secondary"]


#: a form's question without an answer
_NOT_ANSWERED = re.compile(
    r"\s*(?:\([^()\n]{0,20}\)\s*)?(?:can ?not|could not) be (?:assessed|determined|evaluated)|\s*(?:\([^()\n]{0,20}\)\s*)?:\s*(?:not (?:applicable|assessed|assessable|evaluated|reported|known)|n/?a\b|cannot be|unknown|p?mx\b)"
)
_VERTEBRA = re.compile(r"\b(?:c[1-7]|t(?:1[0-2]|[1-9])|l[1-5]|s[1-5]|vertebral body)\s+(?:vertebral\s+|body\s+|bone\s+)?$")
#: "the liver was free of |metastases"
_FREE = re.compile(
    r"(?:^|(?<=[a-z]))\s+(?:is|are|was|were|remains?|appears?)\s+(?:free of|without|negative for|clear of)\s+(?:any |distant |suspicious |new )?$"
)
_LOBE = re.compile(r"\b(?:frontal|parietal|occipital|temporal|cerebellar|pontine|thalamic|brainstem)\s+(?:lobe\s+)?$")
_UNSURE = re.compile(
    r"\b(?:possibl[ey]|possibility|probabl[ey]|suspicious|suspected|suspicion|concerning|suggest\w*|likely|could|may|might|cannot|r/o|rule out|"
    r"supposed|question\w*|worrisome|presumed|in line with)\b(?:(?!\bbut\b|[;])[^.])*$"
)
_DOUBT = re.compile(r"\b(?:suggestive of|suspicious for|suspect for|worrisome for)\s+(?:an?\s+)?(?:\w+\s+)?$")


#: "liver+, brain-" denies its second member
_MINUS = re.compile(r"-(?=[,;.)]|\s*(?:$|\n))|\s?\(-\)")


def _members(
    note: NoteText, sentence: Sentence, hit: Hit, members: list[Hit], anchor: tuple[int, int]
) -> Iterator[Draft]:
    context = note.folded[sentence.start : sentence.end]
    for member in members:
        start, end = min(hit.start, member.start), max(hit.end, member.end)
        near = abs(member.start - hit.start) < 200
        span = (start, end) if near else (hit.start, hit.end)
        extra = {} if member.get("metastasis") != "other" else {"site": member.key}
        doubt = _DOUBT.search(note.folded[max(0, hit.start - 50) : hit.start]) is not None
        sure_doubt = doubt and not _NEGATED.search(note.folded, max(sentence.start, hit.start - 90), hit.start)
        assertion = "absent" if _MINUS.match(note.folded, member.end) else "possible" if sure_doubt else None
        yield from nodes.site_drafts(
            member.get("metastasis"),
            *span,
            anchor,
            hit.concept.rule_id,
            context,
            extra,
            assertion,
        )


def before(folded: str, found: list[Hit], position: int) -> list[Hit]:
    """The list of sites right before a name: "hepatic and osseous |metastases"."""
    earlier = [h for h in found if h.end <= position]
    if not earlier:
        return []
    last = earlier[-1]
    gap = folded[last.end : position]
    if len(gap) > 60 or not _PRE_GAP.fullmatch(gap):
        return []
    return sites.run_before(folded, earlier, len(earlier) - 1)


def after(folded: str, found: list[Hit], position: int, limit: int) -> list[Hit]:
    """The list of sites behind a name: "metastases| to the liver and bone"."""
    later = [h for h in found if h.start >= position]
    if not later:
        return []
    gap = folded[position : later[0].start]
    if len(gap) > 70 or any(c in gap for c in ".;"):
        return []
    if later[0].key == "lymph_node":
        gap = _STATION.sub("", gap)
    words = re.findall(r"[a-z/]+", gap)
    if any(w not in _POST_WORDS for w in words):
        return []
    if not _PREPOSITION.search(gap) and gap.strip(" -"):
        return []
    members = sites.run_after(folded, later, 0)
    if re.match(
        r"\s*(?:cancer|carcinoma|adenocarcinoma|tumou?rs?\b|neoplasm|primary|origin|ca\b|function|was normal|is normal|normal)",
        folded[members[-1].end : members[-1].end + 14],
    ):
        return []
    return members


def _adjective(note: NoteText, sentence: Sentence, hit: Hit, found: list[Hit], kind: str) -> Iterator[Draft]:
    folded = note.folded
    anchor = (hit.start, hit.end)
    later = [h for h in found if h.start >= hit.end]
    members: list[Hit] = []
    negated = _NEGATED.search(folded, max(sentence.start, hit.start - 90), hit.start) is not None
    tail = folded[hit.end : sentence.end]
    if (
        kind == "spread"
        or folded[hit.start : hit.end].endswith(" to")
        or re.match(r"\s+(?:in|into|to|involving|within|au|aux|a la|a l)\b", tail)
    ):
        members = after(folded, found, hit.end - 2, sentence.end) or after(folded, found, hit.end, sentence.end)
        if kind == "spread" and not members:
            return
    elif later:
        run = sites.run_after(folded, later, 0)
        gap = folded[hit.end : later[0].start]
        behind = folded[run[-1].end : run[-1].end + 24]
        adjacent = (
            re.fullmatch(
                r"[\s-]*(?:(?:left|right|multiple|bilateral|diffuse|cervical|mediastinal|the|new|an?|regional|enlarged)\s+)*",
                gap,
            )
            is not None
        )
        if adjacent and not _OF_HISTOLOGY.match(behind) and (_LESION_NOUN.match(behind) or run[-1].key == "lymph_node"):
            members = run
        elif adjacent and _LESION_NOUN.match(behind) and any(m.get("kind") == "secondary" for m in run):
            members = [m for m in run if m.get("kind") == "secondary"]
        elif not adjacent:
            members = _histology_then_site(folded, hit, later)
    if not members:
        members = _predicate(note, sentence, hit, found)
        members = [m for m in members if not negated or m.key == "lymph_node"]
        if not members and not negated:
            yield from spread.bracketed(note, hit.start, hit.end, None)
    yield from _members(note, sentence, hit, members, anchor)
    if not members or (not negated and any(m.get("metastasis") != "lymph_node" for m in members)):
        yield Draft(nodes.FAMILY_STAGE, "metastatic", hit.start, hit.end, hit.concept.rule_id, anchor=anchor)


#: "morphologically similar to the rectal tumor": the primary it is compared with
_ALIKE = re.compile(r"\b(?:similar|identical|resembl\w+|compar\w+|related|consistent|compatible|known)\b")
_ITS_TUMOUR = re.compile(r"\s+(?:primary|tumou?r|cancer|carcinoma|neoplasm)\b")


def _histology_then_site(folded: str, hit: Hit, later: list[Hit]) -> list[Hit]:
    """ "metastatic carcinoma in one of 32 lymph nodes"; "of" names the primary instead."""
    for index, site in enumerate(later):
        between = folded[hit.end : site.start]
        if len(between) > 110:
            break
        links = list(re.finditer(r"\b(in|into|to|involving|within|of)\b", between))
        strong = [m for m in links if m.group(1) != "of"]
        if not strong:
            continue
        link = strong[-1]
        rest = between[link.end() :]
        if any(c in between for c in ";") or len(rest) > 45 or _ALIKE.search(between) or _ITS_TUMOUR.match(folded, site.end):
            continue
        if all(re.fullmatch(r"\d+|[:/]|\(.*\)|[a-z-]+", w) for w in rest.split()) and not re.search(
            r"\b(?:with|from|on|for|keeping|which|by)\b", rest
        ):
            return sites.run_after(folded, later, index)
    return []


_TAKEN_BY = re.compile(r"\b(?:involved|involvement|infiltrated|infiltration|replaced)\s+(?:by|with)\s+$")


def _predicate(note: NoteText, sentence: Sentence, hit: Hit, found: list[Hit]) -> list[Hit]:
    """The specimen or lesion that turned out metastatic: "liver biopsy showed metastatic …", or the header above."""
    folded = note.folded
    for site in reversed([h for h in found if h.end <= hit.start]):
        if _PREDICATE.match(folded[site.end : hit.start]) or _PREDICATE_BEFORE.search(
            folded[max(sentence.start, site.start - 60) : site.start]
        ):
            return [site]
    earlier = [h for h in found if h.end <= hit.start]
    if earlier:
        return earlier[-1:] if _TAKEN_BY.search(folded, max(sentence.start, hit.start - 30), hit.start) else []
    lead = folded[sentence.start : hit.start]
    back = sentence.previous()
    if len(lead) <= 30 and back is not None and len(back.text) <= 130 and nodes.SPECIMEN_HEADER.search(back.folded):
        above = sites.hits(note, back.start, back.end)
        if above:
            return [above[0]] if above[0].get("kind") == "secondary" else []
    if re.search(
        r"\b(?:the|this|these|that)\s+(?:\w+\s+)?(?:lesions?|mass(?:es)?|nodules?|tumou?rs?|biops(?:y|ies))\b", lead
    ):
        for _ in range(2):
            if back is None:
                break
            for site in reversed(sites.hits(note, back.start, back.end)):
                if re.match(r"\s*(?:lesions?|mass(?:es)?|nodules?|tumou?rs?)\b", folded[site.end : site.end + 14]):
                    return [site]
            back = back.previous()
    return []


_BRACKET = re.compile(
    r"\s*(?:disease|sclc|small cell (?:lung )?(?:cancer|carcinoma))?\s*(?:d.emblee|at (?:diagnosis|presentation)|au diagnostic)?\s*(?:\(|,|:|-|with|w/)\s*(?:with |bulky |in |to |the )*"
)


def bracketed(note: NoteText, sentence: Sentence, hit: Hit, end: int | None = None) -> Iterator[Draft]:
    """ "ES-SCLC (liver, bone)": the sites in brackets behind a stage."""
    folded = note.folded
    end = hit.end if end is None else end
    match = _BRACKET.match(folded, end, min(sentence.end, end + 50))
    if not match:
        return
    found = [h for h in sites.hits(note, end, sentence.end) if h.start >= match.end()]
    if not found or not re.fullmatch(
        r"(?:(?:contralateral|bilateral|left|right|l|r|multiple|supraclavicular|the|liver)\s+)*",
        folded[match.end() : found[0].start],
    ):
        return
    members = sites.run_after(folded, found, 0)
    tail = folded[members[-1].end : sentence.end]
    if not re.match(r"\s*(?:mets?\b|metasta\w*|disease|lesions?|gauches?\b|droite?s?\b|bilaterale?s?\b)?\s*(?:[).,;]|$)", tail):
        return
    members = [m for m in members if m.get("kind") == "secondary" or "contralateral" in folded[m.start - 16 : m.end]]
    yield from _members(note, sentence, hit, members, (hit.start, hit.end))
