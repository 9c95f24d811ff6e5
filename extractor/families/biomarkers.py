"""Biomarkers of the tumour tissue: proliferation, immunohistochemistry, DLL3, PD-L1, genes.

A stain stated as negative is a result (``present`` with ``value_text`` negative); pending, not done, insufficient tissue
or RNA give no fact. Clinical rules: criteria 3.4 (DLL3), 3.5 (Ki-67, mitoses), 3.6 (IMTCGS), I3.4 (NEPC markers).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..pipeline.lexicon import Hit
from ..pipeline.text import NoteText, Sentence
from ..records import Draft
from . import boilerplate, panel, proliferation

FAMILY = "biomarker"
KEYS = frozenset({"kind"})

_SERUM_UNIT = re.compile(
    r"[^;.a-z]{0,6}(?:level|of|was|is|:|=|<|>|\s){0,4}\s*[\d.,]+\s*(?:-\s*[\d.,]+\s*)?(?:ng|pg|nmol|pmol|u/l|ug|mcg|iu|mg|ku|x\s*uln|\()"
)
_SERUM_BEFORE = re.compile(r"\b(?:serum|plasma|blood|level of|levels of)\s+(?:\w+\s+)?$")
_SERUM_AFTER = re.compile(
    r"\s*(?:a\s+)?(?:levels?\b|doubling|rising|ros[et]|fell|dropped|normali|trend|[:=]?\s*\d{2,}(?!\s?%)|\(?serum|in serum|today)"
)
_NOT_TUMOUR = re.compile(
    r"\b(?:no|not|without|absence of|absent|neither|nor|lack of|lacks?|lacking|free of|sans|pas de)\b(?:(?!\bbut\b|[;])[^.])*$"
)
_NECROSIS_NEGATIVE = re.compile(
    r"\s*(?:\([^)]*\)\s*)?[:=]?\s*(?:is |was |are )?(?:not (?:identified|seen|present|evident|observed|found)|absent|none|negative|no\b(?!\s+\w+ of)|0\s?%)"
)
_NECROSIS_SETTING = re.compile(
    r"tumou?r|mito|ttf-?1|dll3|resection margin|lymph nodes?\b|carcinoma|neoplas|malignan|cell|nuclei|nuclear|ki-?67|imtcgs|growth|atypia|pleomorph|chromatin|invasion|\bstas\b|\bmarges?\b|ganglion|glioma|histolog|microscop|synaptophysin|\bhpf\b|grade|pseudocapsul|geograph|coagulat|nests"
)
_NECROSIS_OTHER = re.compile(
    r"\b(?:fna|biopsy[- ]site|post[- ]?(?:biops|radiat|treat|embol)\w*|isch[a]?emi\w+|infarct\w*|treatment|radiation|appendi\w+|bowel|wound|skin|flap)\b"
)
_DLL3_NONE = re.compile(
    r"\b(?:pending|sent|ordered|requested|qns|insufficient|not sufficient|not (?:done|tested|performed|available|assessed|evaluated|been (?:done|tested|performed))|unavailable|awaited|await\w*|rna|mrna|ctdna|pet\b|to follow|attempted|exhausted|no (?:result|tissue)|unknown|will (?:be|send)|add-?on)\b"
)
_GOES_ON = re.compile(
    r"h[\s-]?score\b|\d{1,3}\s?%|score\b|(?:the )?(?:result|interpretation|staining|tumou?r cells|membranous|cytoplasmic)\w*\b[^.\n]{0,24}(?::|\b(?:is|was|were|show\w*|in)\b)|(?:positive|negative)\b"
)
_H_SCORE = re.compile(
    r"\bh(?:[\s-]?score)?\s*(?:of|:|=|is|was|,)*\s*(?P<cmp>[<>~≥≤])?\s*(?P<low>\d{1,3})(?:\s*(?:-|–|to)\s*(?P<high>\d{1,3}))?(?:\s*/\s*300)?(?!\s?%)"
)
_INTENSITY = re.compile(
    r"(?P<p>\d{1,3}(?:[.,]\d+)?)\s?%\s*(?:of\s+(?:the\s+)?(?:tumou?r\s+)?cells\s*)?(?:at|with|were|=|:|are)?\s*\(?(?P<i>[0-3])\s?\+"
)
_INTENSITY_FIRST = re.compile(r"(?<![\d.])(?P<i>[0-3])\s?\+\s*(?:in|:|=|\()?\s*(?P<p>\d{1,3}(?:[.,]\d+)?)\s?%")
_SINGLE = re.compile(
    r"(?P<p>\d{1,3})\s?%[^;.%\n]{0,40}?,?\s*(?:intensity\s*|all\s+|uniform(?:ly)?\s*)?\b(?P<i>[123])\s?\+(?!\s*(?:to|and|or|-|/|,)\s*[123]\s?\+)"
)
_DLL3_POSITIVE = re.compile(
    r"\b(?:low[\s-]*)?(?:positive|positiv|positif|expressed|expression (?:is )?(?:present|high|strong|confirmed)|high(?:ly)?|pos|overexpress\w+|staining (?:is )?(?:present|seen))\b|^\s*(?:ihc\s*)?\(?\+"
)
_DLL3_LEAD = re.compile(
    r"\b(?:(?P<pos>(?:strong(?:ly)? |diffuse(?:ly)? |high )?(?:positive(?: for)?|express(?:es|ed|ing)?|overexpress\w+))|negative(?: for)?|loss of|lacks?|lacked|(?:does|did) not express|no expression of)\s+$"
)
_DLL3_STATED = re.compile(r"\d{1,3}\s?%|h[\s-]?score[^.]{0,8}\d|\b(?:positive|negative|pending|not (?:done|performed|tested))\b")
_DLL3_NEGATIVE = re.compile(
    r"\b(?:negative|negativ|negatif|not expressed|neg|no (?:expression|staining)|absent)\b|^\s*(?:ihc\s*)?[:(]?\s*-(?=\s*(?:[,;.)\n]|$))|\b0\s*/\s*300\b"
)
_CLONE = re.compile(r"\([^()]{0,24}\)|\b(?:22c3|28-8|sp263|sp142|73-10)\b")  # the antibody of a PD-L1 stain
_VALUE_SITE = re.compile(
    r"\s*(?:in|at|within|on)\s+(?:the\s+)?(?:\w+\s+){0,2}?(primary|metasta\w*|mets?\b|liver|hot[\s-]?spots?|node|biopsy|resection)"
)
_MORE = re.compile(
    r"(?:\s*(?:\([^)]{0,30}\)|in (?:the |his |her )?\w+(?: (?!and\b)\w+){0,2})){0,2}\s*[;,]?\s*(?:and\s+)?(?=[<>~≥≤]?\s*\d{1,3}(?:[.,]\d+)?\s*(?:-\s*\d{1,3}\s*)?%\s*(?:in|at|within|on|\(?hot|\([a-z]))"
)


def read(note: NoteText) -> Iterator[Draft]:
    unsure = boilerplate.vus_lists(note)
    for sentence, hits in note.sentences_with(FAMILY):
        if boilerplate.is_general(sentence.folded):
            continue
        hits = [h for h in hits if not boilerplate.of_control(note.folded[sentence.start : h.start])]
        by_kind: dict[str, list[Hit]] = {}
        for hit in hits:
            by_kind.setdefault(hit.get("kind"), []).append(hit)
        if "ihc" in by_kind:
            yield from _stains(
                note, sentence, [h for h in hits if h.get("kind") in ("ihc", "ihc_other", "percent") or h.key == "tp53"]
            )
        if "percent" in by_kind:
            yield from _ki67(note, sentence, by_kind["percent"], hits)
        if "mitoses" in by_kind:
            yield from _mitoses(note, sentence, by_kind["mitoses"][0])
        for hit in by_kind.get("necrosis", ()):
            yield from _necrosis(note, sentence, hit)
        if "dll3" in by_kind:
            yield from _dll3(note, sentence, by_kind["dll3"][0], hits)
        if "pdl1" in by_kind:
            yield from _pdl1(note, sentence, by_kind["pdl1"], hits)
        if "gene" in by_kind:
            genes = [h for h in hits if h.get("kind") in ("gene", "gene_other")]
            yield from _genes(note, sentence, [g for g in genes if not any(a <= g.start < b for a, b in unsure)])


def _draft(hit: Hit, concept: str, start: int, end: int, **fields: Any) -> Draft:
    code = hit.concept.code if concept == hit.key else ""
    return Draft(FAMILY, concept, start, end, hit.concept.rule_id, anchor=(hit.start, hit.end), code=code, **fields)


# -- stains --------------------------------------------------------------------------------------------------------
def _stains(note: NoteText, sentence: Sentence, hits: list[Hit]) -> Iterator[Draft]:
    folded = note.folded
    tissue = [h for h in hits if not _serum(folded, sentence, h)]
    for result in panel.stains(folded, sentence.start, sentence.end, tissue):
        if result.hit.get("kind") != "ihc" or _PENDING.match(folded, result.end, sentence.end):
            continue
        yield _draft(
            result.hit,
            result.hit.key,
            result.start,
            result.end,
            value_text="positive" if result.positive else "negative",
            assertion="present",
            attributes=dict(result.attributes),
        )


#: "stains for TTF-1 and CD56 are pending"
_PENDING = re.compile(
    r"(?:(?!\b(?:positive|negative|express\w*|reactive)\b)[^.;:]){0,90}?\b(?:(?:is|are|remains?|still|currently)\s+)?(?:pending|awaited|to follow|in progress|ordered|requested|will (?:be|follow))\b"
)


def _serum(folded: str, sentence: Sentence, hit: Hit) -> bool:
    """Is this chromogranin, NSE or calcitonin a blood test?"""
    if hit.key not in ("chromogranin", "nse_tissue", "calcitonin_tissue"):
        return False
    before = folded[max(sentence.start, hit.start - 30) : hit.start]
    after = folded[hit.end : min(sentence.end, hit.end + 40)]
    return bool(_SERUM_BEFORE.search(before) or _SERUM_UNIT.match(after) or _SERUM_AFTER.match(after))


# -- numbers -------------------------------------------------------------------------------------------------------
def _number_draft(
    hit: Hit, concept: str, reading: proliferation.Reading, start: int, unit: str, attributes: dict[str, str]
) -> Draft:
    return _draft(
        hit,
        concept,
        min(start, reading.start),
        max(hit.end if start >= hit.start else reading.end, reading.end),
        value=reading.low,
        value_high=reading.high,
        comparator=reading.comparator,
        unit=unit,
        value_as_written=reading.written,
        unit_as_written=reading.unit,
        attributes=attributes,
        assertion="present",
    )


_HOT_SPOT = re.compile(r"\bhot[- ]?spots?\b|\b(?:maximum|maximal|highest|peak)\b|\bpoints? chauds?\b")


def _ki67(note: NoteText, sentence: Sentence, names: list[Hit], hits: list[Hit]) -> Iterator[Draft]:
    folded = note.folded
    for index, hit in enumerate(names):
        if index and hit.start - names[index - 1].end < 4:
            continue
        proper = hit.name.lower().startswith(("k", "m"))  # Ki-67, MIB-1 and their misreadings
        later = [h.start for h in hits if h.start >= hit.end and h.get("kind") not in ("percent", "mitoses")]
        limit = min([*later, sentence.end])
        reading = proliferation.percent(folded, hit.end, limit)
        if reading is None and proper:
            lead = folded[max(sentence.start, hit.start - 90) : hit.start]
            earlier = [h.end for h in hits if h.end <= hit.start and h.get("kind") != "percent"]
            begin = max([sentence.start, hit.start - 90, *earlier])
            found = proliferation.percents_before(folded, begin, hit.start)
            linked = found and re.fullmatch(
                r"(?:(?!\bof the (?:whole|tumou?r))[^;:])*", folded[found[-1].end : hit.start]
            )
            if linked and (
                hit.start - found[-1].end < 25 or re.search(r"prolif|label|index|measured|positive|stain", lead)
            ):
                yield _number_draft(hit, "ki67", found[-1], found[-1].start, "%", {})
            continue
        if reading is None:
            continue
        if not proper and not re.search(r"ki-?\s?67|mib|prolif", folded[sentence.start : sentence.end]):
            continue
        attributes = _where(folded, reading.end)
        yield _number_draft(hit, "ki67", reading, hit.start, "%", attributes)
        while (more := _MORE.match(folded, reading.end, limit)) is not None:
            following = proliferation.percent(folded, more.end(), limit, 12)
            if following is None or (following.start != more.end() and following.start - more.end() > 2):
                break
            reading = following
            yield _number_draft(hit, "ki67", reading, reading.start, "%", _where(folded, reading.end))
        hottest = _HOT_SPOT.search(folded, reading.end, min(limit, reading.end + 60))
        following = proliferation.percent(folded, hottest.end(), limit, 12) if hottest else None
        if following is not None:  # "mean 18 %, hot spot 34 %"
            yield _number_draft(hit, "ki67", following, following.start, "%", {"specimen": "hot_spot"})


def _where(folded: str, end: int) -> dict[str, str]:
    match = _VALUE_SITE.match(folded, end)
    if not match:
        return {}
    word = match.group(1)
    return {
        "specimen": "primary"
        if word == "primary"
        else "hot_spot"
        if word.startswith("hot")
        else "metastasis"
        if word.startswith("met")
        else word
    }


def _mitoses(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    folded = note.folded
    begin, end = sentence.start, sentence.end
    if not re.search(r"mito|\d\s?mf\b", folded[begin:end]):
        back = sentence.previous()
        if back is None or not re.search(r"mito", back.folded):
            return
    for reading in proliferation.mitoses(folded, begin, end):
        attributes: dict[str, str] = {}
        if (area := proliferation.field_area(folded, begin, end)) is not None:
            attributes["field_area_mm2"] = str(area[0])
        start = hit.start if hit.start <= reading.start and reading.start - hit.start < 90 else reading.start
        yield _number_draft(hit, "mitotic_rate", reading, start, reading.unit, attributes)


def _necrosis(note: NoteText, sentence: Sentence, hit: Hit) -> Iterator[Draft]:
    folded = note.folded
    before = folded[max(sentence.start, hit.start - 90) : hit.start]
    after = folded[hit.end : min(sentence.end, hit.end + 40)]
    if _NECROSIS_OTHER.search(before[-40:] + after[:24]):
        return
    around = sentence.folded.replace("necrosis", "")
    for other in (sentence.previous(), sentence.next()):
        around += " " + (other.folded if other is not None else "")
    if (
        "tum" not in folded[hit.start : hit.end]
        and "coag" not in folded[hit.start : hit.end]
        and not _NECROSIS_SETTING.search(around)
    ):
        return
    negative = _NECROSIS_NEGATIVE.match(after) is not None or _NOT_TUMOUR.search(before) is not None
    attributes = {"extent": "focal"} if re.search(r"\bfocal\w*\s*(?:tumou?r\s*)?$", before) else {}
    yield _draft(
        hit,
        "tumor_necrosis",
        hit.start,
        hit.end,
        value_text="negative" if negative else "positive",
        assertion="present" if negative else None,
        attributes={} if negative else attributes,
    )


# -- DLL3 and PD-L1 ------------------------------------------------------------------------------------------------
_DLL3_CONDITION = re.compile(r"\b(?:if|whether|should|unless|provided(?: that)?|in case)\s+(?:the\s+|her\s+|his\s+|tumou?r\s+is\s+|is\s+)?$")


#: "in DLL3-positive tumors": tumours at large
_DLL3_AT_LARGE = re.compile(r"[\s-]*(?:positive|expressing|high)\s+(?:tumou?rs|cancers|patients|cases|malignancies)\b")


def _dll3(note: NoteText, sentence: Sentence, hit: Hit, hits: list[Hit]) -> Iterator[Draft]:
    folded = note.folded
    later = [h.start for h in hits if h.start >= hit.end and h.get("kind") != "dll3"]
    limit = min([*later, sentence.end])
    following = sentence.next()
    if (
        following is not None
        and limit == sentence.end
        and not _DLL3_STATED.search(folded, hit.end, limit)
        and _GOES_ON.match(following.folded)
    ):
        others = [h.start for h in following.hits(FAMILY) if h.get("kind") != "dll3"]
        limit = min([*others, following.end])
    clause = folded[hit.end : limit]
    before = folded[max(sentence.start, hit.start - 40) : hit.start]
    if re.search(r"\bm?rna\b|\bctdna\b|\btranscript", folded[max(sentence.start, hit.start - 90) : hit.start]):
        return
    if re.search(r"\b(?:serum|no|without any|never)[\s-]*$", before) or re.search(r"\banti[\s-]*$", before):
        return
    if _DLL3_AT_LARGE.match(clause):
        return
    # "if DLL3 positive, would be a candidate": no result yet
    stated = "hypothetical" if _DLL3_CONDITION.search(before) else "present"
    none = _DLL3_NONE.search(clause)
    readings = list(
        _dll3_numbers(folded, hit, limit, none.start() + hit.end if none and "attempt" in none.group() else limit)
    )
    if not readings and (own := re.search(r"(\d{1,3}(?:[.,]\d+)?)\s?%\s*(?:of\s+(?:tumou?r\s+)?cells\s*)?$", before)):
        value = proliferation.number(own[1])
        at = hit.start - len(before) + own.start()
        readings = [("dll3_percent", value, None, "=", at, hit.end)] if value <= 100 and not none else []
    if none and (not readings or none.start() + hit.end < readings[0][4]):
        return
    second_at = None
    shares = [r for r in readings if r[0] == "dll3_percent"]
    first = proliferation.percent(folded, hit.end, limit, 24) if shares else None
    if first is not None and first.end < shares[0][4] and _MORE.match(folded, first.end, limit):
        readings.append(("dll3_percent", first.low, first.high, first.comparator, first.start, first.end))
    elif len(shares) == 1 and (more := _MORE.match(folded, shares[0][5], limit)):  # "0 % in the primary, 15 % in the liver"
        second = proliferation.percent(folded, more.end(), limit, 12)
        if second is not None and second.start - more.end() <= 2:
            readings.append(("dll3_percent", second.low, second.high, second.comparator, second.start, second.end))
            second_at = ("dll3_percent", second.start)
    for concept, low, high, comparator, start, end in readings:
        unit = "%" if concept == "dll3_percent" else "{score}"
        yield _draft(
            hit,
            concept,
            start if (concept, start) == second_at else min(hit.start, start),
            max(hit.end, end),
            value=low,
            value_high=high,
            comparator=comparator,
            unit=unit,
            value_as_written=folded[start:end],
            assertion="present",
            attributes=_where(folded, end) if concept == "dll3_percent" else {},
        )
    reach = 60 if limit <= sentence.end else sentence.end - hit.end + 60
    reach = max([reach, *(end - hit.end + 40 for *_, end in readings)])
    positive, negative = _DLL3_POSITIVE.search(clause, 0, reach), _DLL3_NEGATIVE.search(clause, 0, reach)
    word = negative if negative and (not positive or negative.start() <= positive.start()) else positive
    if word is not None and not none:
        yield _draft(
            hit,
            "dll3_status",
            hit.start,
            hit.end + word.end(),
            value_text="negative" if word is negative else "positive",
            assertion=stated,
            attributes=panel.extent(clause[: word.end() + 12]) if word is positive else {},
        )
    elif (lead := _DLL3_LEAD.search(before)) and not none:
        yield _draft(
            hit,
            "dll3_status",
            hit.start - len(lead.group()),
            hit.end,
            value_text="positive" if lead["pos"] else "negative",
            assertion="present",
        )


def _dll3_numbers(
    folded: str, hit: Hit, limit: int, stop: int
) -> Iterator[tuple[str, float, float | None, str, int, int]]:
    """(concept, low, high, comparator, start, end): H-score as printed or by the formula, and the share of cells."""
    clause = folded[hit.end : min(limit, stop)]
    base = hit.end
    parts = max([*_INTENSITY.finditer(clause)], [*_INTENSITY_FIRST.finditer(clause)], key=len)
    graded = {int(m["i"]): proliferation.number(m["p"]) for m in parts}
    share: tuple[float, float | None, str, int, int] | None = None
    score: tuple[float, float | None, str, int, int] | None = None
    if printed := _H_SCORE.search(clause):
        score = (
            float(printed["low"]),
            float(printed["high"]) if printed["high"] else None,
            proliferation.compare(printed["cmp"]),
            base + printed.start(),
            base + printed.end(),
        )
    if graded and len(graded) == len(parts) and sum(graded.values()) <= 100:
        span = (base + parts[0].start(), base + parts[-1].end())
        share = (sum(v for i, v in graded.items() if i), None, "=", *span)
        if score is None and (len(parts) > 1 or sum(graded.values()) > 0):
            score = (sum(i * v for i, v in graded.items()), None, "=", *span)
    elif single := _SINGLE.search(clause):
        value = float(single["p"])
        if value <= 100:
            share = (value, None, "=", base + single.start(), base + single.end())
            intensities = re.findall(r"[123]\s?\+", single.group() + clause[single.end() : single.end() + 6])
            if score is None and len(intensities) == 1 and not re.search(r"mostly|predominantly|mainly|focal", single.group()):
                score = (value * int(single["i"]), None, "=", base + single.start(), base + single.end())
    if share is None:
        reading = proliferation.percent(folded, hit.end, min(limit, stop), 110)
        if reading is not None:
            share = (reading.low, reading.high, reading.comparator, reading.start, reading.end)
    if score is not None and score[0] <= 300:
        yield "dll3_h_score", *score
    if share is not None:
        yield "dll3_percent", *share


_IMMUNE_CELLS = re.compile(r"\b(?:ic|immune cells?)\b[^a-z]*$")


def _pdl1(note: NoteText, sentence: Sentence, names: list[Hit], hits: list[Hit]) -> Iterator[Draft]:
    folded = note.folded
    end_of_last = sentence.start
    for index, hit in enumerate(names):
        limit = min(
            [h.start for h in hits if h.start >= hit.end and (h.get("kind") != "pdl1" or h.start - hit.end > 40)]
            + [sentence.end]
        )
        if index + 1 < len(names) and names[index + 1].start - hit.end < 40:
            following = names[index + 1]
            if not re.search(r"\d", _CLONE.sub("", folded[hit.end : following.start])):
                continue
        reading = proliferation.percent(folded, hit.end, limit, 110)
        cps = (
            "cps" in folded[max(end_of_last, hit.start - 20) : hit.end + 12]
            or "combined" in folded[hit.start : hit.end]
        )
        if cps and (
            score := re.match(
                r"\s*(?:cps|score)?\s*(?:of|:|=|is|was)*\s*(?P<cmp>[<>≥≤~])?\s*(?P<low>\d{1,3})(?![\d%])",
                folded[hit.end : limit],
            )
        ):
            at = hit.end + score.start("low")
            reading = proliferation.Reading(
                float(score["low"]), None, proliferation.compare(score["cmp"]), at, hit.end + score.end(), score["low"]
            )
        if reading is not None and _IMMUNE_CELLS.search(folded, max(hit.end, reading.start - 20), reading.start):
            reading = proliferation.percent(folded, reading.end, limit, 40)  # "IC 5%, TC 0%"
        if reading is None:
            continue
        start = (
            names[index - 1].start
            if index and hit.start - names[index - 1].end < 40 and names[index - 1].start >= end_of_last
            else hit.start
        )
        end_of_last = reading.end
        yield _number_draft(hit, "pdl1_tps", reading, start, "%", {"score": "CPS"} if cps else {})


# -- genes ---------------------------------------------------------------------------------------------------------
def classify(hit: Hit, status: str) -> str | None:
    """The status of one gene in the vocabulary's words; a doubtful or unfitting one is none.

    A lost RB or PTEN stain is "lost", an abnormal p53 stain "aberrant"; "RET negative" is wild type.
    """
    gene = hit.key
    protein = hit.name.lower() in ("p53",)
    if status == "vus":
        return None
    if status == "positive":  # of a protein it says that it is there
        return {"rb1": "retained", "pten": "retained", "ret": "mutated", "egfr_gene": "mutated"}.get(gene)
    if status == "negative":
        return {"rb1": "lost", "pten": "lost", "ret": "wild_type", "egfr_gene": "wild_type"}.get(gene)
    if status == "lost":
        return {
            "rb1": "lost",
            "pten": "lost",
            "tp53": "aberrant" if protein else "mutated",
            "egfr_gene": "mutated",
        }.get(gene)
    if status == "aberrant":
        return {"tp53": "aberrant", "rb1": "lost", "pten": "lost"}.get(gene)
    if status == "strong":
        return {"tp53": "aberrant", "rb1": "retained", "pten": "retained"}.get(gene)
    if status == "fusion":
        return "fusion" if gene == "ret" else "mutated" if gene != "tp53" else None
    if status == "retained":
        return "retained" if gene in ("rb1", "pten") else None
    return status


def _genes(note: NoteText, sentence: Sentence, hits: list[Hit]) -> Iterator[Draft]:
    folded = note.folded
    for hit, status, start, end in panel.genes(folded, sentence.start, sentence.end, hits, classify):
        if hit.get("kind") != "gene":
            continue
        yield _draft(
            hit,
            hit.key,
            start,
            end,
            value_text=status,
            assertion="present",
            attributes=panel.origin(folded[max(sentence.start, start - 30) : min(sentence.end, end + 25)]),
        )
