"""Reads lists of results: which stain of a panel is positive, which gene is lost or mutated.

A list is governed from the front ("positive for CK7, synaptophysin and CD56; negative for TTF-1"), from behind
("synaptophysin and CD56 were positive"), or each member by itself ("TTF-1+, CD56 -, syn (+)").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..pipeline.lexicon import Hit

_BREAK = re.compile(r";|\bbut\b|\bwhile\b|\bwhereas\b|\bhowever\b|\balthough\b|\.\s|\n\s*\n|\bmais\b|\btandis\b")
_BUT_NOT = re.compile(r"\s*(?:were |was |are |is )?not\s+(?:for |with |of |to )?")  # "positive for A but not B"
_STAIN = r"(?:immuno|immunohistochemi\w+\s+)?"
_FORWARD = re.compile(
    r"(?P<neg>-ve\s+(?:for|with)\b|\(\s?[-–]\s?\)\s?:|\b(?:negative|negativity|neg|non[\s-]?reactive|nonimmunoreactive|unreactive)\s*(?:immuno\w+|staining|reaction|results?|expression)?\s*(?:for|with|to|in)\b"
    r"|\b(?:negatives?|neg\.?)\s*(?:markers?|stains?|immunostains?)?\s*:|\bnegati(?:f|fs|ve|ves|v)\s+(?:pour|fur)\b|\bn'exprim\w+\s+pas\b|\bkeine\s+(?:expression|reaktion)\s+(?:von|fur)\b"
    rf"|\b(?:no|without|absent|absence of|lack of|lacks?|lacked|lacking|loss of|negative)\s+(?:\w+\s+)?{_STAIN}(?:reactivity|reaction|staining|expression|labell?ing|positivity|immunoreactivity)\s+(?:is |was |were |are )?(?:\w+\s+)?(?:for|with|of|to)\b"
    r"|\b(?:did|does|do)\s+not\s+(?:express|stain|show\s+\w+\s+for)\b|\black(?:s|ed|ing)?\s+(?:of\s+)?|\b(?:loss|absence)\s+of\s+"
    r"|\bno\s+(?:evidence of\s+)?(?:neuroendocrine\s+)?(?:differentiation|labell?ing|staining|reactivity)\s+(?:is|was|were)\s+(?:\w+\s+)?(?:with|by|on|for)\b)"
    r"|(?P<pos>\+ve\s+(?:for|with)\b|\(\s?\+\s?\)\s?:|(?<!non-)(?<!non )\b(?:positive|pos|positivity|immunopositive|immunopositivity)\s*(?:immuno\w+|staining|reaction|results?|expression|labell?ing)?\s*(?:for|with|to)\b"
    r"|\b(?:positives?|pos\.?)\s*(?:markers?|stains?|immunostains?)?\s*:|\bpositi(?:f|fs|ve|ves|v)\s+(?:pour|fur)\b|\bexprim(?:e|ent|ant)\b|\bexpression\s+von\b"
    rf"|(?<!non-)\b{_STAIN}(?:reactivity|reactive|reaction|immunoreactive|labell?ing|labell?ed|stained|stain|stains|staining)\s+(?:is |was |seen |noted |strongly |positively |diffusely )*(?:for|with|to)\b"
    r"|\b(?:express(?:es|ed|ing)?|co-?express(?:es|ed|ing)?|expression\s+of|confirmed\s+by|supported\s+by)\b|\+\s+for\b)"
)
_ADJECTIVE = re.compile(
    r"(?P<p>\bpositive|\bstrongly positive|(?P<n>\bnegative))\s*(?:\([^)]{0,16}\)\s*)?(?:nuclear|cytoplasmic|granular|membranous|staining|immunostain|for|the|stains?|diffuse|strong|focal|weak|\s)*$"
)
_LIST_STOP = re.compile(
    r"\b(?:is|are|was|were|showed|shows?|revealed|cells|demonstrated|has|have|had|seen|with|in|on|at|this|these|from|which|tumou?r|patient|stains?\s+were)\b"
)
_PAREN = re.compile(r"\([^()]{0,60}\)")
_LINK = (
    r"\)?(?:\s*+\ba\b)?(?:[\s-]*+(?:stain(?:s|ing)?|immunostain(?:s|ing)?|immunohistochemi\w+|ihc|expression|immunoreactivity|immunoreaction|reactivity|antibody|markers?|"
    r"nuclear|cytoplasmic|membranous|protein|reaction|by ihc|\(ihc\)|immunolabell?ing|labell?ing|clone|\((?!\s*[+-])(?!\s*(?:pos|neg|focal|diff|weak|strong|patchy|rare))[^()]{1,30}\)))*"
    r"\s*+(?:[:=|]|\.{2,}+|…|-(?=\s*[a-z])|–(?=\s*[a-z])|,(?=\s*(?:is|are|was|were)\b))*\s*+"
    r"(?:(?:is|are|was|were|be|being|showed|shows?|showing|with|has|had|stains?|came back|revealed|demonstrated|est|sont|ist|sind|waren)\s+)?"
    r"(?:(?:also|all|both|each|only|very|uniformly|markedly|moderately|partially|partly|predominantly|mostly|again|similarly|equally|the|tumou?r cells|in tumou?r cells)\s+)*"
)
_EXTENT = r"(?:(?:strong(?:ly)?|diffuse(?:ly)?|focal(?:ly)?|weak(?:ly)?|patchy|patchily|rare|scattered|extensive(?:ly)?|multifocal(?:ly)?|variably?|faint(?:ly)?|intense(?:ly)?|moderate|perinuclear|dot[- ]like|nuclear|cytoplasmic|and|,|partial|kraftig|stark|schwach|fokal|diffus)\s*+)"
_RESULT = re.compile(
    _LINK
    + r"\(?\s*+(?:"
    + r"(?P<neg>not\s+(?:expressed|detected|seen|identified|present|reactive|positive)|neg(?:ative|atives|ativity)?\b|n[ée]gati\w+|-ve\b|non[\s-]?reactive|absent\b|lost\b|loss\b|not expressed|0\s?%|0(?=\s*(?:[,;)/]|$|\n))|unreactive|no (?:staining|expression|reactivity)\b|"
    + r"-(?=\s*(?:[,;.)\]/|]|$|\n|and\b))|–(?=\s*(?:[,;.)\]]|$))|−|\(\s*[-–]\s*\)|[-–]\s*\))"
    + r"|(?P<pos>"
    + _EXTENT
    + r"*(?:\+{1,4}(?:\s*[+/])*|[1-4]\s?\+|pos(?:itive|itives|itivity|itiv|itief)?\b|\+ve\b|reactive\b|immunoreactive\b|present\b|expressed\b|positif\w*|\d{1,3}\s?%)"
    + r"|(?:rare|scattered|isolated|few|occasional)\s+(?:tumou?r\s+)?cells(?:\s+(?:are\s+|were\s+)?(?:positive|stained|staining))?(?=\s*(?:[,;.)]|$|\n|and\b))"
    + r"|(?:strong(?:ly)?|diffuse(?:ly)?|focal(?:ly)?|weak(?:ly)?|patchy|scattered|extensive|faint)\b(?!\s*(?:for|cells)))"
    + r")"
)
_FOCAL = re.compile(
    r"\bfocal(?:ly)?\b|\bpatchy\b|\brare\b|\bscattered\b|\boccasional\b|\bfew\b|\bsubset\b|\bpartial(?:ly)?\b|\bmultifocal\b|\bminority\b"
)
_DIFFUSE = re.compile(r"\bdiffuse(?:ly)?\b|\bextensive(?:ly)?\b|\buniform(?:ly)?\b|\b[34]\s?\+|\+\+\+|\bmajority\b")
_STRONG, _WEAK = (
    re.compile(r"\bstrong(?:ly)?\b|\bintense(?:ly)?\b|\b3\s?\+|\+\+\+"),
    re.compile(r"\bweak(?:ly)?\b|\bfaint(?:ly)?\b|\b1\s?\+"),
)
_TRAILING = re.compile(
    r"[\s,]{0,2}\(?(?:diffuse(?:ly)?|focal(?:ly)?|patchy|weak(?:ly)?|strong(?:ly)?|rare|scattered)\b[^,;.]{0,12}\)?"
)


@dataclass(frozen=True, slots=True)
class Result:
    """One member of a panel with what was found; [start, end) is the evidence."""

    hit: Hit
    positive: bool
    start: int
    end: int
    attributes: dict[str, str]


def extent(words: str) -> dict[str, str]:
    """Extent and intensity of a staining as written.

    >>> extent("strong and diffuse")
    {'extent': 'diffuse', 'intensity': 'strong'}
    """
    found: dict[str, str] = {}
    percent = re.search(r"(\d{1,3})\s?%", words)
    if _FOCAL.search(words) or (percent and int(percent[1]) < 50):
        found["extent"] = "focal"
    elif _DIFFUSE.search(words) or percent:
        found["extent"] = "diffuse"
    if _STRONG.search(words):
        found["intensity"] = "strong"
    elif _WEAK.search(words):
        found["intensity"] = "weak"
    return found


def is_list(gap: str) -> bool:
    """May this stand between two members of one list of stains?"""
    bare = _PAREN.sub(" ", gap)
    return len(bare) < 60 and not _LIST_STOP.search(bare) and len(re.findall(r"[a-z]{3,}", bare)) <= 4


_SIGN = re.compile(r"\(\s*[-–+]+\s*\)")


def stains(folded: str, start: int, end: int, hits: Sequence[Hit]) -> list[Result]:
    """The results of the stains named in the sentence [start, end)."""
    results: list[Result] = []
    pending: list[Hit] = []
    forward: tuple[bool, str, int] | None = None
    previous = start
    for index, hit in enumerate(hits):
        gap = folded[previous : hit.start]
        offset = previous
        if pending and _SIGN.search(gap):
            pending = []  # a sign of its own stood behind the name: the next result is not shared
        broken = list(_BREAK.finditer(gap))
        if broken:
            contrast = forward is not None and forward[0] and _BUT_NOT.fullmatch(gap, broken[-1].end()) is not None
            forward, pending = (False, "", previous + broken[-1].end() + 1) if contrast else None, []
            gap, offset = gap[broken[-1].end() :], previous + broken[-1].end()
        cues = list(_FORWARD.finditer(gap))
        adjective = _ADJECTIVE.search(gap)
        if cues and (tail := gap[cues[-1].end() :]) is not None and len(tail) < 60:
            cue = cues[-1]
            lead = gap[max(0, cue.start() - 24) : cue.end()] + " " + tail
            negative = cue["neg"] is not None or re.search(
                r"\b(?:no|not|without)\s+(?:\w+\s+){0,2}$", gap[max(0, cue.start() - 20) : cue.start()]
            )
            forward, pending = (not negative, lead, offset + cue.start()), []
        elif (
            adjective
            and not re.search(r"\b(?:is|are|was|were)\s+(?:\w+\s+)?$", gap[: adjective.start()])
            and _own(gap[: adjective.start()])
        ):
            forward, pending = (
                (
                    adjective["n"] is None,
                    gap[adjective.start() - 20 if adjective.start() > 20 else 0 :],
                    offset + adjective.start(),
                ),
                [],
            )
        elif not is_list(gap):
            forward, pending = None, []
        limit = hits[index + 1].start if index + 1 < len(hits) else end
        own = _RESULT.match(folded, hit.end, limit)
        if own is not None and own.end() > hit.end:
            positive = own["pos"] is not None
            words = own.group() + (trailing.group() if (trailing := _TRAILING.match(folded, own.end(), limit)) else "")
            words += " " + gap[-24:] if re.search(r"(?:strong|diffuse|focal|weak|patchy)\w*\s*$", gap) else ""
            found = extent(words) if positive else {}
            for member in pending:
                results.append(Result(member, positive, member.start, own.end(), found))
            results.append(Result(hit, positive, hit.start, own.end(), found))
            pending = []
            if "(" not in own.group():
                forward = None
        elif forward is not None:
            words = forward[1]
            if bracket := re.match(r"\s*\([^()]{2,30}\)", folded[hit.end : limit]):
                words = bracket.group() if extent(bracket.group()) else words
            results.append(Result(hit, forward[0], forward[2], hit.end, extent(words) if forward[0] else {}))
        else:
            pending.append(hit)
        previous = hit.end
    return results


def _own(before: str) -> bool:
    """An adjective right behind the stain before it ("CK7 positive synaptophysin …") belongs to that one."""
    return (before.strip(" ") == "" and before == "") or re.search(
        r"[,(:]\s*$|\b(?:a|an|and|the|with|of|in|revealed|showed|shows?|index of|diffuse|strong|focal|weak)\s*$|\)\s*$",
        before,
    ) is not None


# -- genes ---------------------------------------------------------------------------------------------------------
_G_BREAK = re.compile(r";|\.\s|\bbut\b|\bwhile\b|\bwhereas\b|\n\s*\n")
_G_FORWARD = re.compile(
    r"(?P<wt>\bno\s+(?:evidence\s+(?:of|for)\s+)?(?:\w+\s+){0,2}(?:mutations?|alterations?|variants?|changes?|fusions?|rearrangements?)\s*(?:\w+\s+){0,2}(?:(?:in|of|for)\b|:)|\bwild[\s-]*type\b|\bnegative\s+for\b"
    r"|\b(?:pas de|aucune|absence de)\s+(?:mutations?|alterations?|fusions?|rearrangements?)\b)"
    r"|(?P<vus>\bvus\s*(?:in|of|:)|(?:uncertain|unknown) significance\s*(?:\(vus\)\s*)?(?:in|of|:))"
    r"|(?P<lost>\b(?:loss|absence|lack)\s+of\b|\bperte\s+(?:(?:d'|de l')?expression\s+)?(?:de|du)\b|\bdeletions?\s+(?:of|in)\b|\binactivation\s+of\b|\blost\b)"
    r"|(?P<fusion>\bfusions?\s+(?:of|in|involving)\b)"
    r"|(?P<mutated>\b(?:mutations?|mutant|mutated|pathogenic variants?|alterations?|variants?|changes?)\s+(?:\w+\s+)?(?:in|of|affecting|involving|involved)\b|\b(?:mutations?|alterations?|pathogenic variants?)\s*(?:\w+\s*)?:|\bmutant\s*$|\bmutated\s*$)"
    r"|(?P<retained>\bretained\s+(?:expression of|nuclear)?|\bintact\b|\bpreserved\b)"
)
_G_DENIED = re.compile(
    r"\b(?:no|without|(?:absence|lack) of|lack(?:s|ed|ing)|not (?:harbou?r|have|carry|reveal|show|detect|identify|demonstrate))\s+(?:an?\s+)?(?:\w+\s+)?$"
)
_G_RESULT = (
    ("vus", re.compile(r"\bvus\b|uncertain significance|unknown significance|likely benign|\bbenign\b|\bpolymorphism")),
    (
        "wild_type",
        re.compile(
            r"\bwild[\s-]*type\b|\bwt\b|\bnot mutated|\bno (?:\w+\s+){0,2}(?:mutation|alteration|variant|rearrangement|fusion)|mutation[\s-]*negative|\bnot (?:detected|found|identified)\b|\bmutations? (?:was|were|is)? ?(?:not|negative)|\bnon[\s-]*mute|\bnon[\s-]*mutated|\bunmutated|\bsauvage|\b(?:mutations?|alterations?|fusions?|rearrangements?)[\s-]*(?:negative|neg|absent)\b"
        ),
    ),
    ("fusion", re.compile(r"\bfusion|\brearrange")),
    (
        "lost",
        re.compile(
            r"\bloss\b|\blost\b|\bhomozygous(?:ly)? delet\w+|\bdeleted\b|\bdeletion\b|\bdel\b|\bbiallelic|\bcopy loss"
        ),
    ),
    ("retained", re.compile(r"\bretained\b|\bintact\b|\bpreserved\b|\bconservee?\b|\bretention\b")),
    (
        "aberrant",
        re.compile(
            r"\baberrant|\bnull\b|\bmutant pattern|\bmutated pattern|\bmutant[\s-]*type|\babnormal|\bmutation[\s-]*type pattern"
        ),
    ),
    # what a strong stain says depends on the protein: p53 is aberrant, Rb and PTEN are there
    (
        "strong",
        re.compile(
            r"\bover[\s-]*express\w+|\bsurexprim\w+|\bdiffuse(?:ly)?[,\s]+(?:and\s+)?(?:strong|positive)|\bstrong(?:ly)?[,\s]+(?:and\s+)?(?:diffuse|positive)"
        ),
    ),
    (
        "mutated",
        re.compile(
            r"\bmut(?:ation|ations|ated|ant|ee?s?)?\b(?!\s*(?:analys|test|status|panel|assay|stud|screen|profil|burden|sequenc|detection))|\bp\.\s?[a-z]|\bc\.\s?\d|\b[a-z]\d{2,4}(?:[a-z]|\*|fs\w*|del\w*|ins\w*)(?![a-z])|\bframeshift|\bsplice|\btruncat|\bpathogenic|\balter(?:ed|ation|ations)\b|\bexon\s?\d+\s*(?:del|ins|mut|skip)|\bnonsense|\bmissense|\binactivat|\bcodon\s?\d+|\bpositive\b|\bstop[\s-]?gain"
        ),
    ),
    ("negative", re.compile(r"\bneg(?:ative)?\b|\babsent\b|\bnot expressed|^\s*(?:\(\s*[-–]\s*\)|:?\s*[-–](?=\s*[,;.)]|\s*$))")),
    ("positive", re.compile(r"^\s*(?:\(\s*\++\s*\)|:?\s*\++(?=\s*[,;.)]|\s*$))|^\s*(?::|is|was)?\s*positive\b")),
)
_ORIGIN = re.compile(r"\bgermline\b|\bsomatic\b|\b(?:the |his |her )?tumou?r(?!s? board)\b|\bmen\s?2[ab]?\b|\bconstitutional\b|\bblood\b")
_UNKNOWN = re.compile(
    r"\b(?:status|testing|analysis|test|sequencing)\b[^.;,]{0,24}\b(?:unknown|pending|not (?:done|known|available|performed)|awaited|requested|sent|ordered)\b"
)
_CHANGE = re.compile(r"[\s-]*(?:gene\s+)?(?:mutations?|alterations?|variants?|fusions?|rearrangements?)\b")
_REQUEST = re.compile(
    r"\b(?:pending|sent|ordered|requested|to be tested|not (?:done|tested|performed|assessed)|awaited|await\w*|tested for|testing for)\b"
)


def genes(
    folded: str, start: int, end: int, hits: Sequence[Hit], classify: Callable[[Hit, str], str | None]
) -> list[tuple[Hit, str, int, int]]:
    """(gene, status word, evidence start, evidence end) for each gene of the sentence that has a status."""
    found: list[tuple[Hit, str, int, int]] = []
    pending: list[Hit] = []
    forward: tuple[str, int] | None = None
    denied = False
    previous = start
    for index, hit in enumerate(hits):
        gap = folded[previous : hit.start]
        offset = previous
        broken = list(_G_BREAK.finditer(gap))
        if broken:
            opened = next((m for m in _G_FORWARD.finditer(gap) if m["vus"]), None)  # "VUS: NOTCH2 p.A42V; RET p.Y791F"
            listed = forward if forward and forward[0] == "vus" else ("vus", offset + opened.start()) if opened else None
            forward, pending = listed if all(b.group() == ";" for b in broken) else None, []
            gap, offset = gap[broken[-1].end() :], previous + broken[-1].end()
        cues = list(_G_FORWARD.finditer(gap))
        cue_before = None
        if cues and len(gap) - cues[-1].end() < 40 and not (found and found[-1][3] > offset + cues[-1].start()):
            cue_before = cues[-1].lastgroup
            forward, pending = (cue_before or "", offset + cues[-1].start()), []
        elif len(re.findall(r"[a-z]{3,}", _PAREN.sub(" ", gap))) > 3:
            forward, pending = None, []
        limit = hits[index + 1].start if index + 1 < len(hits) else end
        clause = folded[hit.end : min(limit, hit.end + 48)]
        cut = re.search(
            r";|\.\s|,\s*(?=[a-z0-9/-]+\s+(?:positive|negative|\+|-|\d))|\bbut\b|\bwhile\b|\n\s*\n|\bcnot\b", clause
        )
        if cut:
            clause = clause[: cut.start()]
        first = clause.split(",")[0] if index + 1 < len(hits) or "," in clause else clause
        status: str | None
        status, at = _first(first) or _first(clause) or (None, 0)
        negated = _G_DENIED.search(gap) is not None
        if status is None and _REQUEST.search(clause):
            forward, pending, previous = None, [], hit.end
            continue
        if status is not None and _UNKNOWN.search(clause):
            forward, pending, previous = None, [], hit.end
            continue
        if status in ("mutated", "fusion") and ((forward and forward[0] == "vus") or (cue_before == "wt" and _CHANGE.match(clause))):
            status = "vus" if forward and forward[0] == "vus" else "wild_type"  # "VUS: RET V804M", "negative for EGFR mutations"
        if status is not None and (negated or (pending and denied)) and status in ("mutated", "fusion", "lost", "aberrant"):
            status = "wild_type"
        if status is not None:
            for member in [*pending, hit]:
                value = classify(member, status)
                if value:
                    found.append((member, value, member.start, hit.end + at))
            pending = []
        elif forward is not None:
            value = classify(hit, {"wt": "wild_type"}.get(forward[0], forward[0]))
            if value:
                found.append((hit, value, forward[1], hit.end))
        else:
            denied = negated if not pending else denied  # "no EGFR, ALK or ROS1 alterations"
            pending.append(hit)
        previous = hit.end
    return found


def _first(clause: str) -> tuple[str, int] | None:
    """The status word that decides: doubt and wild type before alteration, else the first in the text."""
    matches = [(name, m) for name, pattern in _G_RESULT if (m := pattern.search(clause))]
    if not matches:
        return None
    names = {name for name, _ in matches}
    if "strong" in names and not names & {"wild_type", "lost", "vus", "fusion"}:
        return "strong", next(m for n, m in matches if n == "strong").end()
    if "positive" in names:
        return "positive", next(m for n, m in matches if n == "positive").end()
    for name in ("vus", "wild_type", "aberrant", "fusion"):
        if name in names:
            match = next(m for n, m in matches if n == name)
            return name, match.end()
    name, match = min(matches, key=lambda item: item[1].start())
    return name, match.end()


#: "germline RET negative, somatic not tested": the other one says nothing
_UNTESTED = re.compile(
    r"\b(?:somatic|germline|tumou?r)[^,;.]{0,25}\b(?:not|never|pending|unknown|await\w*|to be|requested|sent|unavailable)\b"
    r"|\b(?:no|not|without|pending|unknown)\s(?:\w+\s){0,2}(?:somatic|germline|tumou?r)\b"
)


def origin(context: str) -> dict[str, str]:
    """Germline or somatic, where the sentence says only one of them."""
    words = {m.group() for m in _ORIGIN.finditer(_UNTESTED.sub(" ", context))}
    germline = bool(words & {"germline", "constitutional"} or any(w.startswith("men") for w in words))
    somatic = any(word.startswith("somatic") or "tumo" in word for word in words)
    return {} if germline == somatic else {"origin": "germline" if germline else "somatic"}
