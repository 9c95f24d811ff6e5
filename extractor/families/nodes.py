"""Involved and free lymph nodes, specimens called positive or negative, and the draft of one metastatic site."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import sites
from .brain import brain_attributes
from .node_statements import Statement

#: a line that heads a specimen
SPECIMEN_HEADER = re.compile(r"biops|\bbx\b|resect|excision|\bcore\b|\bfna\b|aspirat|cytolog|ectomy|\bpart\b|specimen")

FAMILY_STAGE = "stage"


_CONDITION = {"liver": ("liver_metastases", "SNOMED 94381002"), "brain": ("brain_metastases", "SNOMED 94225005")}


def site_drafts(
    site: str,
    start: int,
    end: int,
    anchor: tuple[int, int] | None,
    rule: str,
    context: str,
    attributes: dict[str, str] | None = None,
    assertion: str | None = None,
) -> Iterator[Draft]:
    yield Draft(
        FAMILY_STAGE,
        "metastatic_site",
        start,
        end,
        rule,
        anchor=anchor,
        value_text=site,
        attributes=attributes or {},
        assertion=assertion,
    )
    if site in _CONDITION:
        concept, code = _CONDITION[site]
        extra = brain_attributes(context) if site == "brain" else {}
        yield Draft(
            "condition", concept, start, end, rule, anchor=anchor, code=code, attributes=extra, assertion=assertion
        )


_NODES = re.compile(
    r"(?P<a>\b\d{1,2}|\bone|\btwo|\bthree|\bfour|\bfive|\bsix|\bseven|\beight|\bnine|\bten|\bzero|\bnone|\ball)\s*(?:\(\d{1,2}\)\s*)?"
    r"(?:/|\bof\b|\bout of\b|:)\s*(?:the\s+)?(?P<b>\d{1,3}|[a-z]{1,15}(?:[\s-][a-z]{1,15})?)\s*(?:\(\d{1,3}(?:[:/]\d{1,3})?\)\s*)?"
    r"(?P<mid>(?:(?!no\b)[a-z]{1,20}[\s-]+){0,3}?)(?:lymph\s*nodes?|nodes?|lns?)\b(?P<tail>[^.;\n]{0,40})"
)


_NUMBER_WORD = re.compile(r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty)\b")
_POSITIVE_NODES = re.compile(
    r"\b(?P<polarity>positive|involved|metastatic|negative|benign|tumou?r-free)\s+(?:[a-z]+\s+){0,3}(?:lymph\s*nodes?|nodes|lns)\b"
)


_NODE_RATIO = re.compile(
    r"(?:(?:lymph\s*nodes?|nodes?|\blns?)\b[^.;\n\d]{0,40}(?:p?n\d[a-c]?[^.;\n\d]{0,3})?|\b(?:station|level)\s+(?:\d{1,2}[rl]?|[ivab]{1,3})\s*[:(]?\s*)\(?\b(\d{1,2})\s?/\s?(\d{1,3})\b(?!/)"
)


#: "lymph nodes examined: 14; involved: 3", "nodes: 3 involved out of 17"
_NODE_FORM = re.compile(
    r"nodes?\s+(?:examined|sampled|retrieved|identified|found)\W{0,3}(?P<e>\d{1,3})\W{1,3}(?:number\s)?(?:nodes\s)?(?:involved|positive)\W{0,3}(?P<i>\d{1,2})\b"
    r"|nodes?\W{1,3}(?P<i2>\d{1,2}|none)\s+(?:involved|positive)\s+(?:out of|of|/)\s*(?P<e2>\d{1,3})\b"
)
_COUNTED = {"none": "0"}
#: "Lymph nodes: right pelvic 2/9, left pelvic 0/7"
_NODE_HEADING = re.compile(r"\W{0,3}(?:[a-z\d][.)]\s*)?(?:regional\s+)?lymph\s*nodes?\b[^.;:\d\n]{0,30}:(?=[^.;\n]{0,40}\d\s?/\s?\d)")
_RATIO = re.compile(r"(?<![\d/.])(\d{1,2})\s?/\s?(\d{1,3})(?![\d/]|\s?(?:inch|cm|mm|in\b))")
_INVOLVED = re.compile(r"positive|involve|metasta|\+|malignan|carcinoma|tumou?r|disease")


#: who is free of disease is the patient, not a node
_WHO = re.compile(r"\b(?:patient|he|she)\W(?:is|remains?|remained|was|has been|has remained) (?:now |still |alive and |well and )?$")


def involvement(note: NoteText, sentence: Sentence, hit: Hit, found: list[Hit]) -> Iterator[Draft]:
    """ "positive for malignancy" and the like, with the site that was looked at."""
    folded = note.folded
    name = folded[hit.start : hit.end]
    negative = name.startswith(("negative", "free", "benign")) or "negative" in name or "free" in name
    if name.startswith("free") and _WHO.search(folded, max(0, hit.start - 40), hit.start):
        return
    context = folded[sentence.start : sentence.end]
    assertion = "absent" if negative else None
    if re.search(r"\bmargins?\b", folded[max(sentence.start, hit.start - 60) : hit.end + 20]):
        return
    if "nod" in name:
        label = re.match(
            r"\s*[:)]?\s*(?:status\s*)?:?\s*(?P<value>\d{1,2}\b|yes|no\b|none|present|absent|n/a|g\b|#|~|,|\?)",
            folded[hit.end : hit.end + 24],
        )
        if ("involve" in name or (label and label["value"].isdigit())) and (
            label
            or re.match(r"\s*:", folded[hit.end : hit.end + 3])
            or re.search(r"\bif\b[^.;]*$", folded[max(0, hit.start - 30) : hit.start])
        ):
            value = label["value"] if label else ""
            if value in ("yes", "present") or (value.isdigit() and value != "0"):
                yield from site_drafts("lymph_node", hit.start, hit.end, None, hit.concept.rule_id, context)
            elif value in ("0", "no", "none", "absent"):
                yield from site_drafts(
                    "lymph_node", hit.start, hit.end, None, hit.concept.rule_id, context, None, "absent"
                )
            return
        if re.search(r"\b(?:er|pr|her2|hormone|receptor)\b", folded[hit.end : hit.end + 4]):
            return
        yield from site_drafts("lymph_node", hit.start, hit.end, None, hit.concept.rule_id, context, None, assertion)
        return
    lead = folded[max(sentence.start, hit.start - 120) : hit.start]
    if re.search(r"\b(?:pleural (?:effusion|fluid|tap)|effusion|thoracentesis)\b", lead):
        if not re.search(r"pericard|ascit", lead):
            yield from site_drafts("pleura", hit.start, hit.end, None, hit.concept.rule_id, context, None, assertion)
        return
    earlier = [h for h in found if h.end <= hit.start]
    if not earlier:
        back = sentence.previous()
        if (
            back is None
            or len(hit_lead := folded[sentence.start : hit.start]) > 30
            or len(back.text) > 130
            or not SPECIMEN_HEADER.search(back.folded)
        ):
            return
        del hit_lead
        earlier = [h for h in sites.hits(note, back.start, back.end) if h.key == "lymph_node"]
        if not earlier:
            return
    nodes = [h for h in earlier if h.key == "lymph_node"]
    site = nodes[-1] if nodes else earlier[-1]
    if negative and (site.get("kind") != "secondary" or site.get("metastasis") == "other"):
        return
    if (
        not negative
        and site.get("kind") != "secondary"
        and "metasta" not in folded[hit.start : hit.end + 12]
        and "disease" not in name
    ):
        return
    start = site.start if sentence.start <= site.start and hit.end - site.start < 200 else hit.start
    extra = {"site": site.key} if site.get("metastasis") == "other" else None
    yield from site_drafts(
        site.get("metastasis"), start, hit.end, (hit.start, hit.end), hit.concept.rule_id, context, extra, assertion
    )


#: French: "curage 2N+/14N", "(3N+/12)"
_N_PLUS = re.compile(r"(?<![\d/.])(?P<i>\d{1,2})\s?n\s?\+\s?/\s?\d{1,2}\s?n?\b")


def stated(note: NoteText, statements: Iterable[Statement], taken: list[tuple[int, int]]) -> Iterator[Draft]:
    """The statements on nodes that no count has told already."""
    for said in statements:
        if any(a < said.end and said.start < b for a, b in taken):
            continue
        assertion = "absent" if said.free else "possible" if said.doubtful else "present"
        span = (said.start, said.end)
        yield from site_drafts("lymph_node", *span, span, "stage/extent:metastatic_site", "", None, assertion)


def node_counts(note: NoteText) -> Iterator[Draft]:
    """ "2/14 nodes positive", "0 of 12 lymph nodes": counted nodes, wherever lymph nodes are named."""
    done = set()
    folded = note.folded
    if "n+" in folded:
        for match in _N_PLUS.finditer(folded):
            assertion = "absent" if match["i"] == "0" else "present"
            yield from site_drafts("lymph_node", *match.span(), None, "stage/extent:metastatic_site", "", None, assertion)
    for node in note.hits.get(sites.FAMILY, ()):
        if node.key != "lymph_node":
            continue
        sentence = note.sentence_at(node.start)
        if sentence.index in done:
            continue
        done.add(sentence.index)
        piece = folded[sentence.start : sentence.end]
        rule = "stage/extent:metastatic_site"
        for match in _NODES.finditer(piece):
            absent = match["a"] in ("0", "zero", "none")
            counted = match["b"].isdigit() or _NUMBER_WORD.match(match["b"]) is not None
            told = match["tail"] + match["mid"]
            if not absent and not counted and (re.search(r"\bnot?\b", told) or not _INVOLVED.search(told)):
                continue
            if not absent and not _INVOLVED.search(piece):
                continue
            if "negative" in match["tail"] or "benign" in match["tail"]:
                absent = True
            yield from site_drafts(
                "lymph_node",
                sentence.start + match.start(),
                sentence.start + match.start("tail"),
                None,
                rule,
                piece,
                None,
                "absent" if absent else None,
            )
        for match in _POSITIVE_NODES.finditer(piece):
            absent = match["polarity"] not in ("positive", "involved", "metastatic")
            yield from site_drafts(
                "lymph_node",
                sentence.start + match.start(),
                sentence.start + match.end(),
                None,
                rule,
                piece,
                None,
                "absent" if absent else None,
            )
        for match in _NODE_FORM.finditer(piece):
            involved, examined = (match["i"] or match["i2"]), (match["e"] or match["e2"])
            if int(_COUNTED.get(involved, involved)) <= int(examined):
                absent = _COUNTED.get(involved, involved) == "0"
                start, end = sentence.start + match.start(), sentence.start + match.end()
                yield from site_drafts("lymph_node", start, end, None, rule, piece, None, "absent" if absent else None)
        counts = _RATIO if _NODE_HEADING.match(piece) else _NODE_RATIO
        for match in counts.finditer(piece):
            numerator, denominator = int(match[1]), int(match[2])
            if (
                numerator > denominator
                or denominator > 99
                or re.search(r"\d\s*/\s*\d{2,4}$", piece[max(0, match.start(1) - 4) : match.start(1)])
            ):
                continue
            if numerator and counts is _NODE_RATIO and not _INVOLVED.search(piece):
                continue
            yield from site_drafts(
                "lymph_node",
                sentence.start + match.start(),
                sentence.start + match.end(),
                None,
                rule,
                piece,
                None,
                None if numerator else "absent",
            )
